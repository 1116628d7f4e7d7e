//! The command line through the real binary: what bad input gets, and what goes where.

mod archives;
pub(crate) mod case;
mod clock;
mod deploy;
mod drill;
mod inputs;
#[cfg(all(unix, feature = "aws"))]
mod interrupt;
mod mistyped;
mod telling;
#[cfg(unix)]
mod waiting;

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use case::{Case, trailproof};

#[test]
fn the_verdict_is_the_exit_code() {
    Case::make(&[]).validate(&[]).assert_verdict(0, "intact");
    Case::make(&["log-modified"]).validate(&[]).assert_verdict(1, "tampered");
    Case::make(&["log-unreferenced"]).validate(&[]).assert_verdict(3, "incomplete");
    let case = Case::make(&[]);
    case.validate(&["--end-time", "24h"]).assert_verdict(3, "incomplete");
    case.validate(&["--trail", "other"]).assert_verdict(3, "incomplete");
    case.validate(&["--end-time", "2020-01-01"]).assert_verdict(3, "incomplete");
}

#[test]
fn a_source_has_to_be_a_directory_with_something_in_it() {
    let case = Case::make(&[]);
    fs::create_dir(case.path("empty")).unwrap();
    let keys = case.text("keys.json");
    for (source, what) in [
        (case.text("nowhere"), "nowhere`: no such file or directory"),
        (case.text("empty"), "is empty"),
        (keys.clone(), "not a zip or tar archive"),
        (case.text("a\u{1b}[2Jb\nhint: c"), "no such file or directory"),
    ] {
        trailproof(&["validate", &source, "--public-keys", &keys]).assert_cannot(what);
    }
    let done =
        trailproof(&["validate", &case.text("buckets"), &case.text("nowhere"), "--public-keys", &keys]);
    done.assert_cannot("nowhere");
}

#[test]
fn one_file_outside_of_its_folders_is_named() {
    let case = Case::make(&[]);
    for (name, what) in [
        ("111122223333_CloudTrail_us-east-1_20240228T2205Z_abcdefgh12345678.json.gz", "log file"),
        ("111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20240228T230657Z.json.gz", "digest file"),
    ] {
        fs::write(case.path(name), crate::bodies::gzip(b"{}")).unwrap();
        let done = trailproof(&["validate", &case.text(name), "--public-keys", &case.text("keys.json")]);
        done.assert_cannot(&format!("is one CloudTrail {what} outside of its folders"));
        assert!(done.stderr.contains("where it lies in the copy, beside its digests"), "{}", done.stderr);
    }
}

#[test]
fn copies_of_one_part_are_taken_together() {
    let case = Case::make(&[]);
    let copied = Command::new("cp").arg("-r").args(["buckets", "copy"]).current_dir(case.dir.path()).status();
    assert!(copied.unwrap().success());
    case.validate(&[&case.text("copy")]).assert_verdict(0, "intact");
    fs::rename(case.path("copy/trail-logs"), case.path("buckets/copy")).unwrap();
    case.validate(&[]).assert_verdict(0, "intact");
    let logs =
        fs::read_dir(case.path("buckets/copy/AWSLogs/111122223333/CloudTrail/us-east-1/2024/02/28")).unwrap();
    fs::write(logs.last().unwrap().unwrap().path(), "{}").unwrap();
    case.validate(&[]).assert_verdict(3, "two copies of the object differ");
    fs::rename(case.path("buckets/copy"), case.path("buckets/trail-logs/copy")).unwrap();
    case.validate(&[]).assert_cannot("stands for the same bucket");
}

#[test]
fn a_directory_without_a_digest_is_incomplete() {
    let case = Case::make(&[]);
    fs::create_dir(case.path("notes")).unwrap();
    fs::write(case.path("notes/README.txt"), "nothing").unwrap();
    let notes = case.text("notes");
    let done = trailproof(&["validate", &notes, "--public-keys", &case.text("keys.json")]);
    done.assert_verdict(3, "no digest");
}

#[test]
fn keys_have_to_be_named_and_to_be_keys() {
    let case = Case::make(&[]);
    for (name, content) in [
        ("text", "not keys at all"),
        ("other.json", "{\"Keys\": []}"),
        ("none.json", "{\"PublicKeyList\": []}"),
        ("bad.json", "{\"PublicKeyList\": [{\"Value\": \"AAAA\"}, 1]}"),
        ("void", ""),
        ("cut.pem", "-----BEGIN PUBLIC KEY-----"),
    ] {
        fs::write(case.path(name), content).unwrap();
        case.with_keys(&[name]).assert_cannot("cannot be used");
        let beside_keys = case.with_keys(&["keys.json", name]);
        // A region may have no keys: scripts write a file for each.
        if name == "none.json" {
            assert_eq!(beside_keys.code, Some(0), "{}", beside_keys.stderr);
        } else {
            beside_keys.assert_cannot("cannot be used");
        }
    }
    case.with_keys(&["none.json", "none.json"]).assert_cannot("the list of keys is empty");
    case.with_keys(&[]).assert_cannot("no public keys");
    case.with_keys(&["nowhere"]).assert_cannot("cannot be read");
    case.with_keys(&["buckets"]).assert_cannot("cannot be read");
}

#[test]
fn one_bad_key_among_good_ones_is_said_and_the_rest_is_validated() {
    let case = Case::make(&[]);
    let mut keys: Value = serde_json::from_slice(&fs::read(case.path("keys.json")).unwrap()).unwrap();
    let list = keys["PublicKeyList"].as_array_mut().unwrap();
    let mut forged = list[0].clone();
    forged["Fingerprint"] = Value::String("\u{1b}[2J".to_owned());
    list.insert(0, forged);
    fs::write(case.path("keys.json"), keys.to_string()).unwrap();
    let done = case.validate(&["--format", "json"]);
    assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    assert!(
        done.stderr.starts_with("warning: entry 1 of ") && !done.stderr.contains('\u{1b}'),
        "{}",
        done.stderr
    );
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let notices: Vec<_> = report["findings"].as_array().unwrap().iter().map(|f| f["kind"].as_str()).collect();
    assert!(notices.contains(&Some("key-unknown")), "{notices:?}");
}

#[test]
fn a_range_has_to_be_one() {
    let case = Case::make(&[]);
    let (day, later) = ("2024-02-28", "2024-02-29T00:00:00Z");
    case.validate(&["--start-time", later, "--end-time", day]).assert_cannot("is not before the end");
    case.validate(&["--start-time", day, "--end-time", day]).assert_cannot("is not before the end");
    case.validate(&["--start-time", later, "--end-time", "2024-02-29T09:00:00+09:00"])
        .assert_cannot("is not before the end");
    for junk in ["", "yesterday", "2024-02-30", "2024-02-28T00:00:00", "1y", "7", "\u{1b}[2J", "2024-02-28 "]
    {
        case.validate(&["--start-time", junk]).assert_cannot("`--start-time`: ");
        case.validate(&["--end-time", junk]).assert_cannot("`--end-time`: ");
    }
    case.validate(&["--start-time", "999999999d"]).assert_cannot("the age is too long");
    let (buckets, keys) = (case.text("buckets"), case.text("keys.json"));
    trailproof(&["validate", &buckets, "--public-keys", &keys, "--start-time", "2999-01-01"])
        .assert_cannot("the start is in the future");
    case.validate(&["--start-time", "2024-02-28T23:00:00Z"]).assert_verdict(0, "intact");
}

#[test]
fn a_report_that_cannot_be_written_is_found_before_the_work_begins() {
    let case = Case::make(&[]);
    let (nowhere, directory) = (case.text("no/where.json"), case.text("buckets"));
    for path in [&nowhere, &directory] {
        case.validate(&["--report", &format!("json={path}")]).assert_cannot("cannot write");
    }
    for spec in ["json", "=x", "json=", "xml=x", "\u{1b}[2J=x"] {
        let done = case.validate(&["--report", spec]);
        done.assert_cannot(if spec.contains("=x") && !spec.starts_with('=') {
            "unknown report format"
        } else {
            "expected FORMAT=FILE"
        });
    }
    let same = format!("json={}", case.text("same.json"));
    case.validate(&["--report", &same, "--report", &same]).assert_cannot("given twice");
    let other = format!("text={}", case.text("./same.json"));
    case.validate(&["--report", &same, "--report", &other]).assert_cannot("given twice");
    case.validate(&["--relocated-from", "bucket"]).assert_cannot("names no bucket");
    let done = case.validate(&["--relocated-from", "s3://my-old"]);
    let note = "note: `--relocated-from` has no effect: no proved digest was delivered to `s3://my-old`\n";
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), note), "{}", done.stdout);
}

#[test]
fn a_quiet_run_writes_whole_reports() {
    let case = Case::make(&[]);
    let file = case.text("run.txt");
    let done = case.validate(&["-q", "--report", &format!("text={file}")]);
    assert_eq!((done.code, done.stdout.lines().count()), (Some(0), 1), "{}", done.stderr);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with(&done.stdout) && text.contains("\ncoverage\n"), "{text}");
    let (report, again) = (case.text("run.json"), format!("text={}", case.text("again.txt")));
    case.validate(&["-q", "--report", &format!("json={report}")]).assert_verdict(0, "intact");
    assert_eq!(trailproof(&["report", &report, "-q", "--report", &again]).stdout.lines().count(), 1);
    assert!(fs::read_to_string(case.path("again.txt")).unwrap().contains("\ncoverage\n"));
    let both = trailproof(&["report", &report, "-q", "-v"]);
    assert_eq!((both.code, both.stdout.as_str()), (Some(2), ""), "{}", both.stderr);
}

#[test]
fn a_report_on_a_full_disk_is_said_and_no_verdict_stands_for_it() {
    let case = Case::make(&[]);
    let done = case.validate(&["--report", "json=/dev/full", "-q"]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(done.stderr.starts_with("error: `/dev/full` cannot be written: "), "{}", done.stderr);
    assert_eq!(
        (done.stderr.lines().count(), done.stdout.lines().count()),
        (2, 1),
        "the other report is written"
    );
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = case.command(&[]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("`stdout` cannot be written"));
}

#[test]
fn what_is_typed_wrong_is_a_usage_error() {
    let case = Case::make(&[]);
    for wrong in [
        &["--jobs", "0"][..],
        &["--jobs", "-1"],
        &["--jobs", "1025"],
        &["--max-log-size", "x"],
        &["--unknown"],
        &["-q", "-v"],
    ] {
        let done = case.validate(wrong);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(done.stderr.starts_with("error: ") && !done.stderr.contains("panicked"), "{}", done.stderr);
        if wrong[0] == "--jobs" {
            assert!(done.stderr.contains("give a number from 1 to 1,024"), "{}", done.stderr);
        }
    }
    for arguments in
        [&[][..], &["validate"], &["unknown"], &["simulate"], &["simulate", "x", "--tamper", "x"]]
    {
        let done = trailproof(arguments);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", done.stderr);
    }
}

#[test]
fn an_unknown_format_is_said_with_a_hint() {
    let case = Case::make(&[]);
    for format in ["xml", "", "JSON"] {
        case.validate(&["--format", format]).assert_cannot("unknown report format");
    }
}

#[test]
fn help_and_version_go_to_stdout() {
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["help"],
        &["validate", "--help"],
        &["simulate", "--help"],
    ] {
        let done = trailproof(arguments);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!done.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn quiet_is_one_line() {
    for tampers in [&[][..], &["log-modified"], &["digest-missing"], &["chain-stale"], &["log-name-escape"]] {
        let done = Case::make(tampers).validate(&["-q"]);
        assert_eq!(done.stdout.lines().count(), 1, "{tampers:?}: {}", done.stdout);
        assert_eq!(done.stderr, "", "{tampers:?}");
    }
}

/// The JSON report without the times of the run and its command line.
fn report(text: &str) -> Value {
    let mut report: Value = serde_json::from_str(text).unwrap();
    for field in ["started", "finished", "command"] {
        assert!(report.as_object_mut().unwrap().remove(field).is_some(), "{field}");
    }
    report
}

#[test]
fn every_report_of_a_run_tells_the_same() {
    let case = Case::make(&["log-modified", "digest-missing@last", "log-name-escape"]);
    let plain = case.validate(&["--format", "json", "--jobs", "1"]);
    let file = case.text("report.json");
    let text = case.text("report.txt");
    fs::write(&file, "x".repeat(1 << 20)).unwrap();
    let specs = [format!("json={file}"), format!("text={text}")];
    let both = case.validate(&["--jobs", "3", "--report", &specs[0], "--report", &specs[1]]);
    assert_eq!((plain.code, both.code), (Some(1), Some(1)));
    assert_eq!(report(&plain.stdout), report(&fs::read_to_string(file).unwrap()));
    assert_eq!(both.stdout, fs::read_to_string(text).unwrap());
    assert!(!both.stdout.contains('\u{1b}') && !plain.stdout.contains('\u{1b}'), "escape codes");
}

#[test]
fn a_reader_who_goes_away_is_no_error() {
    let case = Case::make(&["log-modified"]);
    for more in [&["-v"][..], &["--format", "json"], &["-q"]] {
        let mut child = case.command(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let status = child.wait().unwrap();
        assert_eq!((stderr.as_str(), status.code().is_some()), ("", true), "{more:?}");
        assert_ne!(status.code(), Some(0), "{more:?}: not a success that nobody read");
    }
    let file = format!("json={}", case.text("kept.json"));
    let mut child = case.command(&["--report", &file]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1), "the other report has the verdict");
    assert_eq!(report(&fs::read_to_string(case.path("kept.json")).unwrap())["verdict"], "tampered");
}

#[test]
fn simulate_makes_what_validate_proves() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let start = ["--start-time", "2024-02-28T22:06:57Z", "--hours", "3"];
    let made = trailproof(&[&["simulate", &at("a")], &start[..]].concat());
    assert_eq!((made.code, made.stdout.as_str()), (Some(0), ""), "{}", made.stderr);
    let hint = made.stderr.lines().find_map(|line| line.strip_prefix("hint: trailproof ")).unwrap();
    let proved = trailproof(&hint.split(' ').collect::<Vec<_>>());
    proved.assert_verdict(0, "intact");
    let (again, keys) = (at("a"), at("a/public-keys.json"));
    trailproof(&["simulate", &again]).assert_cannot("is not empty");
    trailproof(&["simulate", &keys]).assert_cannot("cannot be written");
    for flag in ["--hours", "--quiet-every", "--rotate-keys-every", "--backfill-every"] {
        trailproof(&["simulate", &at("b"), flag, "0"])
            .assert_cannot(&format!("`{flag}`: the number of hours is 0"));
    }
    for prefix in ["/a//b/", "/a", "a/", "a//b"] {
        trailproof(&["simulate", &at("b"), "--prefix", prefix]).assert_cannot(&format!(
            "invalid prefix `{prefix}`: a prefix neither begins nor ends with `/`, and has no `//`"
        ));
    }
    #[cfg(feature = "aws")]
    trailproof(&["simulate", &at("b"), "--save", &at("keys")])
        .assert_cannot("`--save` works only with `s3://");
    trailproof(&["simulate", &at("b"), "--start-time", "never"]).assert_cannot("`--start-time`");
    trailproof(&["simulate", &at("b"), "--logs", &at("nowhere")]).assert_cannot("nowhere");
    for bucket in ["My Bucket", "ab", "logs-", "a/b", &"a".repeat(64)] {
        trailproof(&["simulate", &at("b"), "--bucket", bucket]).assert_cannot("`--bucket`: invalid bucket");
        trailproof(&["simulate", &at("b"), "--move-at", &format!("1:{bucket}")])
            .assert_cannot("`--move-at`: invalid bucket name");
    }
    #[cfg(feature = "aws")]
    trailproof(&["simulate", &at("b"), "--region", "us-esat-1"])
        .assert_cannot("did you mean `--region us-east-1`?");
    assert!(!dir.path().join("b").exists());
}

#[test]
fn a_tampering_that_cannot_be_applied_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(at("empty")).unwrap();
    for (tamper, said) in [
        ("log-modfied", "did you mean `--tamper log-modified`? `trailproof simulate --help`"),
        ("log-modfied@first", "no such kind of tampering: `log-modfied`"),
        ("log-modified@", "`log-modified@` has no WHERE"),
        ("log-modified@99", "invalid WHERE `99`: the log files have the numbers 0 to "),
        ("log-modified@lst", "no log file's key contains `lst`; did you mean `last`?"),
    ] {
        for target in ["new", "empty"] {
            let hours = ["--hours", "4", "--logs-per-hour", "1", "--events-per-log", "1"];
            trailproof(&[&["simulate", &at(target), "--tamper", tamper], &hours[..]].concat())
                .assert_cannot(said);
            assert_eq!(fs::read_dir(at("empty")).unwrap().count(), 0, "{tamper}");
            assert!(!dir.path().join("new").exists(), "{tamper}");
        }
    }
}
