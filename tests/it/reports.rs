//! Report files of earlier runs, through the real binary: they stay as they are until a new report is whole.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::case::{Case, Done, trailproof};

const FORMATS: [&str; 9] = ["text", "json", "jsonl", "html", "csv", "junit", "prometheus", "asff", "ocsf"];

/// A case with an old report of every format.
struct Reports {
    case: Case,
}

impl Reports {
    fn new() -> Self {
        let case = Case::make(&["log-modified"]);
        fs::create_dir(case.path("reports")).unwrap();
        FORMATS.iter().for_each(|format| fs::write(case.path("reports").join(format), old(format)).unwrap());
        Self { case }
    }

    fn file(&self, format: &str) -> String {
        self.case.path("reports").join(format).to_str().unwrap().to_owned()
    }

    /// `--report` for every format.
    fn specs(&self) -> Vec<String> {
        let specs = FORMATS.iter().map(|format| format!("{format}={}", self.file(format)));
        specs.flat_map(|spec| ["--report".to_owned(), spec]).collect()
    }

    /// `validate` with a report of every format, and this besides.
    fn command(&self, more: &[&str]) -> Command {
        let specs = self.specs();
        self.case.command(&specs.iter().map(String::as_str).chain(more.iter().copied()).collect::<Vec<_>>())
    }

    fn validate(&self, more: &[&str]) -> Done {
        self.command(more).output().unwrap().into()
    }

    /// What is in the folder of the reports, by name.
    fn now(&self) -> BTreeMap<String, String> {
        let entries = fs::read_dir(self.case.path("reports")).unwrap().map(|entry| entry.unwrap());
        let text = |path| fs::read_to_string(path).unwrap();
        entries.map(|entry| (entry.file_name().into_string().unwrap(), text(entry.path()))).collect()
    }

    fn assert_old(&self, shown: &str) {
        let expected = FORMATS.map(|format| (format.to_owned(), old(format)));
        assert_eq!(self.now(), BTreeMap::from(expected), "{shown}");
    }
}

fn old(format: &str) -> String {
    format!("the {format} of an earlier run\n")
}

#[test]
fn a_run_that_cannot_begin_leaves_every_old_report() {
    let reports = Reports::new();
    let case = &reports.case;
    symlink(reports.file("json"), case.path("link")).unwrap();
    symlink(case.path("reports"), case.path("folder")).unwrap();
    let (nowhere, junk) = (case.text("no/where"), case.text("junk.json"));
    fs::write(&junk, "junk").unwrap();
    let spec = |format: &str, file: &str| format!("{format}={file}");
    for (more, what) in [
        (["--report", &spec("json", &nowhere)], "cannot write"),
        (["--report", &spec("json", &case.text("buckets"))], "cannot write"),
        (["--report", &spec("xml", &case.text("new"))], "unknown report format"),
        (["--report", "json"], "expected FORMAT=FILE"),
        (["--report", &spec("json", &reports.file("json"))], "given twice"),
        (["--report", &spec("text", &case.text("reports/../reports/csv"))], "given twice"),
        (["--report", &spec("csv", &case.text("link"))], "given twice"),
        (["--report", &spec("csv", &case.text("folder/./html"))], "given twice"),
        (["--format", "xml"], "unknown report format"),
        (["--start-time", "never"], "`--start-time`"),
        (["--relocated-from", "bucket"], "names no bucket"),
        (["--public-keys", &nowhere], "cannot be read"),
        (["--public-keys", &junk], "cannot be used"),
    ] {
        reports.validate(&more).assert_cannot(what);
        reports.assert_old(what);
    }
    assert!(!case.path("new").exists());
    reports.validate(&[]).assert_verdict(1, "tampered");
    assert!(reports.now().iter().all(|(format, text)| *text != old(format) && text.contains("log-modified")));
}

#[test]
fn a_report_that_is_rendered_again_leaves_old_ones_until_it_is_whole() {
    let reports = Reports::new();
    let run = reports.case.text("run.json");
    reports.case.validate(&["--report", &format!("json={run}")]).assert_verdict(1, "tampered");
    let junk = reports.case.text("junk.json");
    fs::write(&junk, "{").unwrap();
    let specs = reports.specs();
    let render = |run: &str, more: &[&str]| {
        let specs = specs.iter().map(String::as_str);
        trailproof(&["report", run].into_iter().chain(specs).chain(more.iter().copied()).collect::<Vec<_>>())
    };
    render(&junk, &[]).assert_cannot("cannot be used");
    render(&run, &["--report", "json=no/where"]).assert_cannot("cannot write");
    render(&run, &["--report", "xml=x"]).assert_cannot("unknown report format");
    render(&run, &["--report", &format!("csv={}", reports.file("json"))]).assert_cannot("given twice");
    reports.assert_old("rendered");
    assert_eq!(render(&run, &[]).code, Some(0));
    assert!(reports.now().iter().all(|(format, text)| *text != old(format)));
}

/// Runs it where no file may be larger than `blocks` of 1,024 bytes: the disk is full, or, where that signal is not
/// ignored, the run is killed.
fn limited(command: &Command, ignored: bool, blocks: u32) -> Done {
    let trap = if ignored { "trap '' XFSZ; " } else { "" };
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(format!("{trap}ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\""));
    shell.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    shell.output().unwrap().into()
}

#[test]
fn a_full_disk_leaves_the_old_report_and_spares_the_others() {
    for blocks in [0, 2, 8] {
        let reports = Reports::new();
        let done = limited(&reports.command(&[]), true, blocks);
        assert_eq!(done.code, Some(2), "{blocks}: {}", done.stderr);
        assert!(done.stderr.contains("cannot be written"), "{}", done.stderr);
        let now = reports.now();
        assert_eq!(now.len(), FORMATS.len(), "{now:?}");
        // The page is the largest of them.
        assert_eq!(now["html"], old("html"));
        for (format, text) in &now {
            assert!(*text == old(format) || text.contains("log-modified"), "{format}: {text}");
        }
        assert_eq!(now.iter().any(|(format, text)| *text != old(format)), blocks > 0, "{blocks}");
    }
    let reports = Reports::new();
    let killed = limited(&reports.command(&[]), false, 0);
    assert_eq!(killed.code, None, "{}", killed.stderr);
    reports.assert_old("killed");
}

#[test]
fn who_could_not_read_the_old_report_cannot_read_the_new_one() {
    let reports = Reports::new();
    let mode = |format: &str| fs::metadata(reports.file(format)).unwrap().permissions().mode() & 0o777;
    for (format, rights) in
        FORMATS.iter().zip([0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o600, 0o620, 0o606])
    {
        fs::set_permissions(reports.file(format), fs::Permissions::from_mode(rights)).unwrap();
    }
    // Whoever may give files away keeps the owner as well.
    let given = chown(reports.file("json"), Some(12_345), Some(23_456)).is_ok();
    let before = FORMATS.map(mode);
    reports.validate(&[]).assert_verdict(1, "tampered");
    assert_eq!(FORMATS.map(mode), before);
    let found = fs::metadata(reports.file("json")).unwrap();
    assert!(!given || (found.uid(), found.gid()) == (12_345, 23_456));
}

/// The file may be written to, and no other file in its folder: then it cannot be renamed over, and is written over.
#[test]
fn a_report_in_a_folder_that_is_closed_is_written_over_at_the_end() {
    let reports = Reports::new();
    let closed = reports.case.path("reports");
    let open = |path: &Path, rights| fs::set_permissions(path, fs::Permissions::from_mode(rights)).unwrap();
    FORMATS.iter().for_each(|format| open(Path::new(&reports.file(format)), 0o666));
    open(&closed, 0o555);
    let as_nobody = |command: Command| reports.case.as_nobody(command);
    let new = format!("json={}", closed.join("new").display());
    as_nobody(reports.command(&["--report", &new])).assert_cannot("cannot write");
    reports.assert_old("closed");
    as_nobody(reports.command(&["--start-time", "never"])).assert_cannot("`--start-time`");
    reports.assert_old("closed");
    as_nobody(reports.command(&[])).assert_verdict(1, "tampered");
    assert!(reports.now().iter().all(|(format, text)| *text != old(format) && text.contains("log-modified")));
    assert_eq!(reports.now().len(), FORMATS.len());
    open(&closed, 0o755);
}

#[test]
fn what_earlier_runs_left_beside_a_report_is_swept_up() {
    let reports = Reports::new();
    let left = reports.case.path("reports").join(".trailproof-0123456789abcdef.tmp");
    fs::write(&left, "of a run that was killed").unwrap();
    reports.validate(&[]).assert_verdict(1, "tampered");
    assert!(!left.exists());
    assert_eq!(reports.now().len(), FORMATS.len());
}

#[test]
fn pipes_and_devices_are_written_to_directly() {
    let case = Case::make(&["log-modified"]);
    let pipe = case.text("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let report = format!("jsonl={pipe}");
    let child =
        case.command(&["--report", &report, "--report", "csv=/dev/null"]).stdout(Stdio::null()).spawn();
    let text = fs::read_to_string(&pipe).unwrap();
    assert_eq!(child.unwrap().wait().unwrap().code(), Some(1));
    assert!(text.lines().last().unwrap().starts_with("{\"event\":\"finished\""), "{text}");
    let done = case.validate(&["-q", "--report", "json=/dev/stderr"]);
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.starts_with('{') && done.stderr.ends_with("}\n"), "{}", done.stderr);
}
