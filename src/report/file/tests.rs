use super::*;
use crate::event::Sink as _;
use crate::report::tests::{intact, render, tampered};
use crate::report::{Fanout, Options};

/// A run's outputs with a report of `format` in the file at `path`.
fn into_file(format: Format, path: &Path) -> Fanout {
    let report = ReportFile::parse(&format!("{}={}", format.as_str(), path.display())).unwrap();
    let mut fanout = Fanout::new();
    fanout.add_report(report.open().unwrap(), Options::default());
    fanout
}

#[test]
fn a_report_file_is_opened_before_the_work_and_replaced_after_it() {
    let events = intact();
    let (last, others) = events.split_last().unwrap();
    for format in Format::ALL {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a=b");
        std::fs::write(&path, "of the last run").unwrap();
        let read = || std::fs::read_to_string(&path).unwrap();
        let mut fanout = into_file(format, &path);
        others.iter().for_each(|event| fanout.event(event).unwrap());
        assert_eq!(read(), "of the last run", "{format:?}");
        fanout.event(last).unwrap();
        assert_eq!(read(), render(format, Options::default(), &events));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_run_that_never_ends_leaves_the_old_report() {
    let events = tampered();
    for format in Format::ALL {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        std::fs::write(&path, "of the last run").unwrap();
        let mut fanout = into_file(format, &path);
        events[..events.len() - 1].iter().for_each(|event| fanout.event(event).unwrap());
        drop(fanout);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "of the last run");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_report_that_cannot_be_made_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |spec: &str| ReportFile::parse(spec).unwrap_err();
    for spec in ["", "json", "json=", "=x"] {
        assert!(matches!(refused(spec), ReportError::Spec(_)), "{spec}");
    }
    assert!(matches!(refused("xml=x"), ReportError::Format(_)));
    let new = folder.path().join("new");
    for path in ["", "none/x.json", "new/", "new/.", "new/..", "/"].map(|path| folder.path().join(path)) {
        let error = refused(&format!("json={}", path.display()));
        assert!(error.to_string().starts_with("cannot write `/"), "{error}");
        assert!(error.hint().contains("folder"));
    }
    assert!(!new.exists());
}

#[cfg(unix)]
#[test]
fn one_file_is_named_twice_however_it_is_spelt() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(at("sub")).unwrap();
    std::fs::write(at("there"), "").unwrap();
    symlink("there", at("link")).unwrap();
    symlink("link", at("link-to-link")).unwrap();
    symlink("not-there", at("dangling")).unwrap();
    symlink(folder.path(), at("folder")).unwrap();
    symlink("circle", at("circle")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    symlink("pipe", at("other-pipe")).unwrap();
    let parse =
        |one: &str, other: &str| ReportFile::parse_all(&[format!("json={one}"), format!("csv={other}")]);
    for (one, other) in [
        ("there", "there"),
        ("there", "./there"),
        ("there", "sub/../there"),
        ("there", "link"),
        ("link-to-link", "link"),
        ("there", "folder/there"),
        ("new", "./new"),
        ("new", "folder/folder/new"),
        ("not-there", "dangling"),
        ("pipe", "other-pipe"),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            let error = parse(&at(one), &at(other)).unwrap_err();
            assert!(matches!(error, ReportError::Twice(_)), "{one} {other}: {error}");
        }
    }
    assert!(matches!(parse(&at("circle"), &at("new")), Err(ReportError::Open { .. })));
    for (one, other) in [(at("there"), at("new")), (at("new"), at("sub/new")), (at("pipe"), at("there"))] {
        assert!(parse(&one, &other).is_ok(), "{one} {other}");
    }
    // Both may lead to the same terminal, or to nothing.
    assert!(parse("/dev/stdout", "/dev/stderr").is_ok());
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_its_target_is_replaced_or_made() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("old"), "of the last run").unwrap();
    for target in ["old", "new"] {
        let link = at(&format!("link-to-{target}"));
        symlink(target, &link).unwrap();
        let mut fanout = into_file(Format::Json, &link);
        intact().iter().for_each(|event| fanout.event(event).unwrap());
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(std::fs::read_to_string(at(target)).unwrap().ends_with("}\n"));
    }
}

/// A shell that redirects to a file has opened it, perhaps to append: that file is written to, and not replaced.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_open_already_is_written_to_from_its_end() {
    use std::os::fd::AsRawFd as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("open");
    std::fs::write(&path, "before\n").unwrap();
    let file = std::fs::File::open(&path).unwrap();
    for link in ["/dev/fd", "/proc/self/fd"] {
        let mut fanout = into_file(Format::Json, Path::new(&format!("{link}/{}", file.as_raw_fd())));
        intact().iter().for_each(|event| fanout.event(event).unwrap());
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("before\n{}", render(Format::Json, Options::default(), &intact()).repeat(2)));
}
