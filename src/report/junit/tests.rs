use quick_xml::Reader;
use quick_xml::events::Event as Xml;

use crate::event::Event;
use crate::report::tests::{
    HOSTILE, chain, counts, covered, finding, incomplete, intact, interrupted, log_modified, render, started,
    tampered,
};
use crate::report::{Format, Options};

fn junit(events: &[Event]) -> String {
    render(Format::JUnit, Options::default(), events)
}

/// Counts elements of a document that is well formed.
fn count(text: &str, name: &str) -> usize {
    let mut reader = Reader::from_str(text);
    let mut found = 0;
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(element) | Xml::Empty(element) if element.name().as_ref() == name => found += 1,
            Xml::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn an_intact_run_passes() {
    let text = junit(&intact());
    assert!(
        text.contains(r#"<testsuites name="trailproof" tests="5" failures="0" errors="0" time="12">"#),
        "{text}"
    );
    for name in ["run", "111122223333 us-east-1 audit", "111122223333 us-east-1"] {
        assert!(text.contains(&format!(r#"<testsuite name="{name}" tests="#)), "{text}");
    }
    assert_eq!(count(&text, "testcase"), 5);
    assert_eq!(count(&text, "failure") + count(&text, "error"), 0);
}

#[test]
fn tampering_is_a_failure_of_the_verdict_and_of_what_was_checked() {
    let text = junit(&tampered());
    assert!(text.contains(r#"tests="5" failures="2" errors="0""#), "{text}");
    assert!(text.contains(
        r#"<failure message="log-modified: the content is not what the digest lists" type="log-modified">log-modified: "#
    ));
    assert!(text.contains("  expected  1111") && text.contains("  actual    2222"));
}

#[test]
fn what_could_not_be_vouched_for_is_an_error_and_never_a_pass() {
    let text = junit(&incomplete());
    // The verdict, the gap, and a region without covered time, where no additions were looked for.
    assert!(text.contains(r#"failures="0" errors="3""#), "{text}");
    assert!(text.contains(
        r#"<testcase classname="111122223333 eu-west-3 audit_with_a_very_long_name" name="coverage""#
    ));
    assert!(text.contains("<system-out>key-unknown\n"), "notices are told: {text}");
    let unexplained = [started(None), covered(chain("us-east-1", "audit"), vec![]), interrupted(counts())];
    // The verdict, the coverage and the additions.
    assert!(junit(&unexplained).contains(r#"tests="5" failures="0" errors="3""#));
}

#[test]
fn any_name_stays_in_its_place() {
    let mut events = tampered();
    let hostile = log_modified(HOSTILE).saying(HOSTILE);
    events.insert(1, finding(hostile));
    let mut nobody = log_modified(HOSTILE);
    nobody.account = Some(HOSTILE.to_owned());
    events.insert(1, finding(nobody));
    let text = junit(&events);
    assert_eq!(count(&text, "testsuite"), 4);
    assert!(text.contains("&lt;b&gt;&amp;amp;]]&gt;\\u{1b}[2J\\u{9b}31m"), "{text}");
}

#[test]
fn a_thousand_findings_are_summed_up() {
    let mut events = tampered();
    (0..1_000).for_each(|number| events.insert(1, finding(log_modified(&number.to_string()))));
    let text = junit(&events);
    assert!(text.contains(r#"message="1001 findings, such as log-modified: "#));
    assert!(text.contains("and 901 more: see the JSON report"));
}
