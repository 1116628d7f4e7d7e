//! Reports for machines through the real binary: that each is written, and what becomes of one that cannot be.
//! What is in them is read by others' readers in `tests/peer/formats.py`.

use std::fs;

use crate::cli::case::Case;

const MACHINES: [&str; 7] = ["json", "jsonl", "csv", "junit", "prometheus", "asff", "ocsf"];

#[test]
fn every_format_is_written_beside_the_others() {
    let case = Case::make(&["log-modified", "log-name-escape"]);
    let file = |format: &str| case.text(&format!("report.{format}"));
    let reports: Vec<_> =
        MACHINES.iter().flat_map(|name| ["--report".to_owned(), format!("{name}={}", file(name))]).collect();
    let done = case.validate(&reports.iter().map(String::as_str).collect::<Vec<_>>());
    done.assert_verdict(1, "tampered");
    for format in MACHINES {
        let text = fs::read_to_string(file(format)).unwrap();
        assert!(text.contains("log-modified") && text.ends_with('\n'), "{format}: {text}");
        assert!(!text.contains('\u{1b}'), "{format}");
        let printed = case.validate(&["--format", format]);
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(1), ""), "{format}");
        assert!(printed.stdout.contains("log-modified"), "{format}");
    }
}

#[test]
fn a_full_disk_is_said_of_any_format_and_the_others_are_whole() {
    let case = Case::make(&["log-modified"]);
    for format in MACHINES {
        let kept = case.text("kept.json");
        let (full, kept_spec) = (format!("{format}=/dev/full"), format!("json={kept}"));
        let done = case.validate(&["--report", &full, "--report", &kept_spec, "-q"]);
        assert_eq!(done.code, Some(2), "{format}: {}", done.stderr);
        assert!(
            done.stderr.starts_with("error: `/dev/full` cannot be written: "),
            "{format}: {}",
            done.stderr
        );
        assert_eq!(done.stdout.lines().count(), 1, "{format}");
        assert!(fs::read_to_string(kept).unwrap().ends_with("}\n"), "{format}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_found_before_the_work_begins() {
    let case = Case::make(&[]);
    for format in MACHINES {
        for path in [case.text("no/where"), case.text("buckets")] {
            case.validate(&["--report", &format!("{format}={path}")]).assert_cannot("cannot write");
        }
    }
}

#[test]
fn metrics_are_left_as_they_were_where_the_run_does_not_begin() {
    let case = Case::make(&[]);
    fs::write(case.path("trailproof.prom"), "of the last run").unwrap();
    let metrics = format!("prometheus={}", case.text("trailproof.prom"));
    let nowhere = format!("json={}", case.text("no/where"));
    let before = fs::read_dir(case.dir.path()).unwrap().count();
    case.validate(&["--report", &metrics, "--report", &nowhere]).assert_cannot("cannot write");
    assert_eq!(fs::read_to_string(case.path("trailproof.prom")).unwrap(), "of the last run");
    assert_eq!(fs::read_dir(case.dir.path()).unwrap().count(), before, "nothing is left beside it");
    case.validate(&["--report", &metrics]).assert_verdict(0, "intact");
    let text = fs::read_to_string(case.path("trailproof.prom")).unwrap();
    assert!(text.contains("trailproof_verdict{verdict=\"intact\"} 1\n"), "{text}");
}

#[test]
fn a_plan_is_text_or_json() {
    let case = Case::make(&[]);
    for format in MACHINES.iter().filter(|format| **format != "json") {
        case.validate(&["--dry-run", "--format", format]).assert_cannot("a plan cannot be written as");
    }
}

#[test]
fn csv_and_events_list_every_object_where_they_are_asked_to() {
    let case = Case::make(&["log-modified"]);
    for (format, object) in
        [("csv", "\r\nobject,log,valid,"), ("jsonl", "{\"event\":\"object\",\"object\":\"log\"")]
    {
        let count = |more: &[&str]| {
            case.validate(&[&["--format", format], more].concat()).stdout.matches(object).count()
        };
        assert_eq!(count(&[]), 0, "{format}");
        assert!(count(&["-v"]) >= 3, "{format}");
    }
}
