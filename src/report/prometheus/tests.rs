use std::collections::BTreeSet;

use super::escaped;
use crate::report::tests::{HOSTILE, incomplete, intact, render, tampered};
use crate::report::{Format, Options};

fn metrics(events: &[crate::event::Event]) -> String {
    render(Format::Prometheus, Options::default(), events)
}

#[test]
fn a_run_in_numbers() {
    let text = metrics(&tampered());
    let chain =
        r#"account="111122223333",region="us-east-1",trail="audit",home_region="us-east-1",organization="""#;
    for line in [
        "trailproof_run_start_timestamp_seconds 1788336000",
        "trailproof_run_end_timestamp_seconds 1788336012",
        "trailproof_run_duration_seconds 12",
        "trailproof_run_interrupted 0",
        r#"trailproof_verdict{verdict="intact"} 0"#,
        r#"trailproof_verdict{verdict="tampered"} 1"#,
        "trailproof_range_start_timestamp_seconds 1788220800",
        r#"trailproof_digests{state="valid"} 12"#,
        r#"trailproof_logs{state="tampered"} 1"#,
        r#"trailproof_findings{kind="log-modified",severity="tampered"} 1"#,
        r#"trailproof_findings{kind="chain-gap",severity="incomplete"} 0"#,
        "trailproof_inflated_bytes 1234567",
        &format!("trailproof_chain_covered_seconds{{{chain}}} 43200"),
        &format!("trailproof_chain_newest_proved_digest_timestamp_seconds{{{chain}}} 1788264417"),
        &format!("trailproof_chain_newest_proved_digest_age_seconds{{{chain}}} 71595"),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_run_with_memory_counts_findings_by_status() {
    assert!(!metrics(&tampered()).contains("memory_findings"));
    let mut events = tampered();
    if let Some(crate::event::Event::Finished(summary)) = events.last_mut() {
        summary.resolved = Some(Vec::new());
    }
    let text = metrics(&events);
    for status in ["new", "known", "accepted", "resolved"] {
        assert!(text.contains(&format!("trailproof_memory_findings{{status=\"{status}\"}} 0\n")), "{text}");
    }
}

#[test]
fn a_series_stands_once_and_below_its_metric() {
    for events in [intact(), tampered(), incomplete()] {
        let (mut metric, mut series, mut metrics_seen) = ("", BTreeSet::new(), BTreeSet::new());
        let text = metrics(&events);
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                metric = rest.strip_suffix(" gauge").unwrap();
                assert!(metrics_seen.insert(metric), "{line}");
            } else if !line.starts_with('#') {
                let name = line.rsplit_once(' ').unwrap().0;
                assert_eq!(name.split('{').next(), Some(metric));
                assert!(series.insert(name), "{line}");
            }
        }
    }
}

#[test]
fn an_open_start_and_backfill_have_no_series() {
    let text = metrics(&incomplete());
    assert!(!text.contains("range_start"));
    assert_eq!(text.matches("trailproof_chain_logs{").count(), 1);
    assert!(text.contains(r#"trailproof_findings{kind="key-unknown",severity="notice"} 1"#));
}

#[test]
fn a_label_ends_where_it_ends() {
    let label = escaped(HOSTILE);
    assert!(label.starts_with(r#"=a\"',;<b>&amp;]]>\\u{1b}[2J"#), "{label}");
    assert!(label.contains(r"\\u{a}\\é監"), "{label}");
}
