//! What is no report, or says anything hostile.

use std::fs;

use serde_json::Value;
use trailproof::report::escape::is_hidden;

use super::sound::tags_are_closed;
use super::{render, report_of};
use crate::cli::case::{Case, trailproof};

#[test]
fn what_is_no_report_is_refused_with_a_reason() {
    let report = report_of(&["log-modified"]);
    for (content, what) in [
        ("", "not a report: it is empty\n"),
        ("[]", "not a report: expected a JSON object with the field `schema`\n"),
        ("{\"schema\": \"trailproof/report/1\", \"counts\": []}", "not a report: "),
        ("{}", "missing field `schema`"),
        ("{\"schema\": \"trailproof/plan/1\"}", "schema `trailproof/plan/1`, expected"),
        ("{\"schema\": \"trailproof/report/2\"}", "schema `trailproof/report/2`"),
        ("{\"schema\": \"\\u001b[2J\"}", "schema `\\u{1b}[2J`"),
        ("{\"schema\": \"trailproof/report/1\"}", "missing field"),
        (&"[".repeat(1_000_000), "not a report"),
        (&format!("{report}x"), "trailing characters"),
    ] {
        render(content.as_bytes(), &[]).assert_cannot(what);
    }
    let parsers = render(b"{\"schema\": \"trailproof/report/1\", \"range\": 1}", &[]);
    assert!(!parsers.stderr.contains("struct") && !parsers.stderr.contains("Wire"), "{}", parsers.stderr);
    render(&[0xff, 0xfe], &[]).assert_cannot("not a report");
    for (pointer, value, what) in [
        ("/findings/0/kind", "log-eaten", "unknown kind of finding `log-eaten`"),
        ("/findings/0/kind", "\u{1b}[2J", "unknown kind of finding"),
        ("/findings/0/severity", "grave", "unknown severity"),
        ("/findings/0/reason", "bored", "unknown reason"),
        (
            "/verdict",
            "intact",
            "contradictory: the verdict is `intact`, but findings and counts give `tampered`",
        ),
        ("/verdict", "fine", "unknown verdict"),
        ("/started", "2026-02-30T00:00:00Z", "invalid moment"),
        ("/chains/0/timeline/runs", "99999999999999999999p", "invalid timeline"),
        ("/chains/0/covered/0/end", "2001-01-01T00:00:00Z", "a stretch ends before its start"),
    ] {
        let mut wrong = report.clone();
        *wrong.pointer_mut(pointer).unwrap() = value.into();
        render(wrong.to_string().as_bytes(), &[]).assert_cannot(what);
    }
    let mut without_finding = report_of(&[]);
    without_finding["counts"]["logs"]["tampered"] = 1.into();
    render(without_finding.to_string().as_bytes(), &[])
        .assert_cannot("contradictory: the counts have 1 tampered object, and no finding is on any");
    render(report.to_string().as_bytes(), &["--max-size", "1K"])
        .assert_cannot("larger than the limit of 1 KiB");
    trailproof(&["report", "nowhere.json"]).assert_cannot("cannot be read");
    render(report.to_string().as_bytes(), &["--format", "xml"]).assert_cannot("unknown report format");
}

#[test]
fn hostile_words_stay_words_in_every_format() {
    let evil =
        "</code></style><script>alert(1)</script><img src=x onerror=y>\"'&=1+1\u{1b}[2J\u{202e}\u{0}\n";
    let mut report = report_of(&["log-modified", "digest-missing@last"]);
    for pointer in [
        "/version",
        "/sources/0",
        "/run_by",
        "/command",
        "/keys/0/fingerprint",
        "/keys/0/region",
        "/keys/0/source",
        "/chains/0/account",
        "/chains/0/region",
        "/chains/0/trail",
        "/chains/0/home_region",
        "/chains/0/organization",
        "/findings/0/account",
        "/findings/0/region",
        "/findings/0/trail",
        "/findings/0/home_region",
        "/findings/0/organization",
        "/findings/0/uri",
        "/findings/0/digest",
        "/findings/0/message",
        "/findings/0/expected",
        "/findings/0/actual",
    ] {
        *report.pointer_mut(pointer).unwrap() = evil.into();
    }
    report["findings"][1]["uri"] = format!("s3://b/{evil}{}", "é".repeat(1_024)).into();
    let content = report.to_string();
    let page = render(content.as_bytes(), &["--format", "html"]);
    assert_eq!(page.code, Some(0), "{}", page.stderr);
    let mut known = report.clone();
    known["verdict"] = "tampered".into();
    page_is_sound_but_for(&page.stdout, &known);
    assert!(page.stdout.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    let text = render(content.as_bytes(), &[]);
    assert!(!text.stdout.contains(|c: char| c != '\n' && is_hidden(c)));
    let json = render(content.as_bytes(), &["--format", "json"]);
    let mut again: Value = serde_json::from_str(&json.stdout).unwrap();
    for report in [&mut again, &mut report] {
        report["findings"].as_array_mut().unwrap().sort_by_cached_key(Value::to_string);
    }
    assert_eq!(again, report, "nothing is lost");
}

/// As [`page_is_sound`], where the words of attributes stand in the text.
fn page_is_sound_but_for(page: &str, report: &Value) {
    assert!(!page.contains("<script") && !page.contains("<img"));
    tags_are_closed(page).unwrap();
    assert!(!page.contains(|c: char| c != '\n' && is_hidden(c)));
    assert_eq!(page.matches("<p class=\"subject\">").count(), report["findings"].as_array().unwrap().len());
}

#[test]
fn the_report_that_is_read_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.json");
    let content = report_of(&[]).to_string();
    fs::write(&file, &content).unwrap();
    let path = file.to_str().unwrap();
    let other = format!("{}/./run.json", folder.path().display());
    for spec in [format!("json={path}"), format!("html={other}")] {
        trailproof(&["report", path, "--report", &spec]).assert_cannot("would be written over");
        assert_eq!(fs::read_to_string(&file).unwrap(), content);
    }
    let nowhere = format!("html={}/no/where.html", folder.path().display());
    trailproof(&["report", path, "--report", &nowhere]).assert_cannot("cannot write");
    let whole = folder.path().join("whole.html");
    let spec = format!("html={}", whole.display());
    let done = trailproof(&["report", path, "-q", "--report", "html=/dev/full", "--report", &spec]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(done.stderr.contains("`/dev/full` cannot be written") && done.stdout.starts_with("intact: "));
    assert!(fs::read_to_string(&whole).unwrap().ends_with("</body></html>\n"), "the other one is whole");
}

#[test]
fn a_page_is_no_plan() {
    Case::make(&[])
        .validate(&["--dry-run", "--format", "html"])
        .assert_cannot("a plan cannot be written as `html`");
}
