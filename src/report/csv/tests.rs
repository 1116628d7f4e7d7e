use super::cell;
use crate::event::{Event, ObjectState, ObjectType};
use crate::report::tests::{HOSTILE, finding, incomplete, log_modified, render, tampered};
use crate::report::{Format, Options};

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

#[test]
fn a_row_for_each_finding_and_one_for_the_run() {
    let text = render(Format::Csv, Options::default(), &incomplete());
    let version = env!("CARGO_PKG_VERSION");
    let expected = [
        "record,kind,state,account,region,trail,uri,digest,message,expected,actual,start,end,reason,id,copy,original,read_at",
        "finding,chain-gap,incomplete,111122223333,eu-west-3,audit_with_a_very_long_name,,,\
         \"no digest covers this time, and the next digest starts a new chain: logging or validation was off\",,,2026-09-01T04:06:57Z,2026-09-01T06:06:57Z,logging-stopped,,,,",
        "finding,key-unknown,notice,,,,,,no key; its successor proves it,,,,,,,,,",
        &format!(
            "run,,incomplete,,,,,,\"trailproof {version}: digests: 12 valid, 0 tampered, 1 unverified; logs: 36 valid, \
             0 tampered, 0 unverified, 1 unreferenced\",,,,2026-09-01T12:06:57Z,,,,,"
        ),
        "",
    ];
    assert_eq!(text, expected.join("\r\n"));
}

#[test]
fn objects_come_as_rows_where_they_are_asked_for() {
    let mut events = tampered();
    let uri = "s3://trail-logs/a,b".to_owned();
    events.insert(1, Event::Object { object: ObjectType::Digest, uri, state: ObjectState::Valid });
    let options = Options { verbose: true, ..Options::default() };
    let text = render(Format::Csv, options, &events);
    let rows = rows(&text);
    assert_eq!(rows[1][..3], ["object", "digest", "valid"]);
    assert_eq!(rows[1][6], "s3://trail-logs/a,b");
    assert!(rows.iter().all(|row| row.len() == 18));
}

#[test]
fn nothing_is_a_formula_and_every_row_is_one_line() {
    for (text, safe) in [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("  =1", "'  =1"),
        ("\t=1", "\\u{9}=1"),
        ("\r=1", "\\u{d}=1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("", ""),
    ] {
        assert_eq!(cell(text), safe);
    }
    let mut hostile = log_modified(HOSTILE).saying(HOSTILE);
    hostile.expected = Some("=cmd|' /C calc'!A0".to_owned());
    let mut events = tampered();
    events.insert(1, finding(hostile));
    let text = render(Format::Csv, Options::default(), &events);
    let rows = rows(&text);
    assert_eq!(text.matches("\r\n").count(), rows.len());
    assert!(rows.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '-', '@'])));
    assert_eq!(rows[1][9], "'=cmd|' /C calc'!A0");
}
