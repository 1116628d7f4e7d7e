use crate::event::{Event, Fault, Finding, Kind, ObjectState, ObjectType, Origin, Verdict};
use crate::report::tests::*;
use crate::report::{Format, Options};

fn text(events: &[Event]) -> String {
    render(Format::Text, Options::default(), events)
}

fn first_line(events: &[Event]) -> String {
    render(Format::Text, Options { quiet: true, ..Options::default() }, events)
}

#[test]
fn an_intact_run() {
    let expected = concat!(
        "intact: everything asked for is covered, 12 digests and 36 log files proved; covered up to 2026-09-01T12:06:57Z

sources  s3://trail-logs
range    where the record begins to 2026-09-01T12:06:57Z
run      2026-09-02T08:00:00Z, 12 s, trailproof ",
        env!("CARGO_PKG_VERSION"),
        "
by       auditor@host

findings
  none

coverage
  1 chain is whole: 111122223333 us-east-1 audit, covered 2026-09-01T00:06:57Z
  to 2026-09-01T12:06:57Z

totals
  digests  12 valid, 0 tampered, 0 unverified
  logs     36 valid, 0 tampered, 0 unverified, 0 unreferenced
  bytes    54,321 stored, 1,234,567 inflated
  speed    4 files/s, 4,526 stored bytes/s

keys used
  from `keys.json`
    31e8b5433410dfb61a9dc45cc65b22ff  us-east-1       2026-08-15 to 2026-09-15
    d41d8cd98f00b204e9800998ecf8427e  us-east-1       validity not given
"
    );
    assert_eq!(text(&intact()), expected);
}

/// Coverage is that of digests which nobody asked for.
#[test]
fn a_run_on_single_objects_speaks_of_the_objects() {
    let of = |faults: &[Fault]| {
        let mut events = intact();
        let last = events.pop().unwrap();
        let proved = |fault: &Fault| finding(Finding::new(fault.clone(), at("2026-09-01T00:00:00Z")));
        events.extend(faults.iter().map(proved).chain([last]));
        first_line(&events)
    };
    let log = "intact: a proved digest lists the log file, and its content has the listed hash\n";
    assert_eq!(of(&[Fault::LogProved]), log);
    let digest = "intact: the digest is proved, and so are the 3 log files that it lists\n";
    assert_eq!(of(&[Fault::DigestProved { logs: 3 }]), digest);
    let both = of(&[Fault::LogProved, Fault::DigestProved { logs: 3 }]);
    assert_eq!(both, "intact: all 2 objects asked for are proved\n");
}

#[test]
fn a_tampered_run() {
    let report = text(&tampered());
    assert!(report.starts_with("tampered: 1 of 36 log files, 0 of 12 digests tampered; covered up to 2026-09-01T12:06:57Z\n\nsources  s3://"));
    assert!(report.contains("range    2026-09-01T00:00:00Z to 2026-09-01T12:06:57Z\n"));
    let findings = "
findings
[tampered] log-modified (1): the content is not what the digest lists
  s3://trail-logs/a/log.json.gz
    the SHA-256 of its content differs
    expected  1111111111111111111111111111111111111111111111111111111111111111
    actual    2222222222222222222222222222222222222222222222222222222222222222
    digest    s3://trail-logs/digest.json.gz
  hint: keep the object as evidence; an older version or a replica with the
        expected hash is the original

coverage
  account       region          trail                  digests        logs  gaps
  111122223333  us-east-1       audit                       12          36     0
    2026-09-01T00:06:57Z to 2026-09-01T12:06:57Z

totals
  digests  12 valid, 0 tampered, 0 unverified
  logs     35 valid, 1 tampered, 0 unverified, 0 unreferenced
";
    assert!(report.contains(findings), "{report}");
}

#[test]
fn an_incomplete_run() {
    let report = text(&incomplete());
    let verdict = "incomplete: 1 gap in coverage, 1 of 13 digests not verified, 1 log file unreferenced; \
                   no tampering found; covered up to 2026-09-01T12:06:57Z\n";
    assert!(report.starts_with(verdict), "{report}");
    let findings_and_coverage = "
findings
[incomplete] chain-gap (1): time that no proved digest covers
  111122223333 eu-west-3 audit_with_a_very_long_name
    no digest covers this time, and the next digest starts a new chain: logging
    or validation was off
    time      2026-09-01T04:06:57Z to 2026-09-01T06:06:57Z
    reason    logging-stopped
  hint: look for `StopLogging`, `DeleteTrail` and `UpdateTrail` events before:
        events while logging was off are in no log file

[notice] key-unknown (1): no usable key with the fingerprint
  the whole run
    no key; its successor proves it
  hint: save the keys of the digest's region and time with `trailproof keys` and
        give the file with `--public-keys`; if CloudTrail lists no key with the
        fingerprint, the digest is forged

coverage
  account       region          trail                  digests        logs  gaps
  111122223333  eu-west-3       audit_with_a_very_lo…       12          36     1
    2026-09-01T06:06:57Z to 2026-09-01T12:06:57Z, newest of 2 stretches
    home us-east-1
  1 chain of backfill digests is whole

totals
";
    assert!(report.contains(findings_and_coverage), "{report}");
}

#[test]
fn whole_chains_are_one_line_together() {
    let [whole, longer, late] = [
        stretch("2026-09-01T00:06:57Z", "2026-09-01T12:06:57Z"),
        stretch("2026-08-31T00:06:57Z", "2026-09-01T12:06:57Z"),
        stretch("2026-09-01T12:06:57Z", "2026-09-02T12:06:57Z"),
    ];
    let coverage = |stretches: &[crate::time::Interval]| {
        let mut events = vec![started(None)];
        for (index, stretch) in stretches.iter().enumerate() {
            events.push(covered(chain(&format!("us-east-{index}"), "audit"), vec![*stretch]));
        }
        events.push(finished(Verdict::Intact, counts()));
        let report = text(&events);
        assert!(report.lines().skip(1).all(|line| line.chars().count() <= 80), "{report}");
        let from = report.split("\ncoverage\n").nth(1).unwrap();
        from.split("\n\n").next().unwrap().to_owned()
    };
    assert_eq!(
        coverage(&[whole; 12]),
        "  12 chains are whole: covered 2026-09-01T00:06:57Z to 2026-09-01T12:06:57Z\n  (`-v` names them)"
    );
    assert_eq!(
        coverage(&[whole, longer]),
        "  2 chains are whole: each is covered 2026-09-01T00:06:57Z to\n  2026-09-01T12:06:57Z or longer (`-v` names them)"
    );
    assert_eq!(
        coverage(&[whole, longer, late]),
        "  3 chains are whole: covered at different times within 2026-08-31T00:06:57Z to\n  2026-09-02T12:06:57Z (`-v` names them)"
    );
}

/// Findings of one kind may have several causes: what to do about each is said once.
#[test]
fn each_cause_has_its_hint_once() {
    let when = at("2026-09-01T00:06:57Z");
    let mut events = incomplete();
    for fault in [Fault::NotCovered, Fault::DigestsInterrupted, Fault::NotCovered, Fault::LogProved] {
        events.insert(1, finding(Finding::new(fault, when)));
    }
    let report = text(&events);
    for (hint, times) in [
        ("  hint: run again, and let the run finish\n", 1),
        ("  hint: see the findings on digests of this time", 1),
        ("  hint: look for `StopLogging`", 1),
        ("chain-gap (4)", 1),
    ] {
        assert_eq!(report.matches(hint).count(), times, "{hint}: {report}");
    }
    // Below the findings that it is about.
    let together = "
    no proved digest covers this time
  the whole run
    no proved digest covers this time
  hint: see the findings on digests of this time";
    assert!(report.contains(together), "{report}");
    let page = render(Format::Html, Options::default(), &events);
    let hint = "interrupted before the digests of this time were checked</p><dl></dl><p class=\"hint\">";
    assert!(page.contains(hint), "{page}");
    assert_eq!(page.matches("run again, and let the run finish").count(), 1);
}

#[test]
fn a_run_that_read_nothing_has_no_speed() {
    let speed = |counts| text(&[started(None), finished(Verdict::Incomplete, counts)]).contains("  speed ");
    assert!(speed(counts()));
    assert!(!speed(crate::event::Counts::default()));
}

#[test]
fn the_verdict_line_says_what_happened() {
    let when = at("2026-09-01T00:06:57Z");
    let run = |verdict, kind: Kind, counts| {
        let kind = finding(Finding::told(kind, when, "x"));
        first_line(&[started(None), kind, finished(verdict, counts)])
    };
    let none = crate::event::Counts::default();
    let mut late = counts();
    late.logs.unverified = 1_000;
    assert_eq!(
        first_line(&tampered()),
        "tampered: 1 of 36 log files, 0 of 12 digests tampered; covered up to 2026-09-01T12:06:57Z\n"
    );
    assert_eq!(
        run(Verdict::Incomplete, Kind::NoDigests, none),
        "incomplete: no digests found, so nothing is proved\n"
    );
    assert_eq!(
        run(Verdict::Incomplete, Kind::ChainStale, late),
        "incomplete: 1 chain out of date, 1,000 of 1,036 log files not verified; no tampering found\n"
    );
    assert_eq!(
        run(Verdict::Incomplete, Kind::LogUnreadable, counts()),
        "incomplete: not everything asked for could be proved (1 `log-unreadable`); no tampering found\n"
    );
    let stale = |late: i64| {
        let newest = when.plus(-late);
        finding(
            Finding::new(Fault::Stale { late }, newest)
                .over(crate::time::Interval { start: newest, end: when }),
        )
    };
    assert_eq!(
        first_line(&[started(None), stale(3_600), stale(7_200), finished(Verdict::Incomplete, none)]),
        "incomplete: 2 chains out of date, newest digest ended 2026-08-31T23:06:57Z, so nothing is proved\n"
    );
    let empty =
        |region| finding(Finding::new(Fault::LogsWithoutDigests, when).of_region("111122223333", region));
    assert_eq!(
        first_line(&[started(None), empty("a"), empty("b"), finished(Verdict::Incomplete, counts())]),
        "incomplete: 2 regions without digests; no tampering found\n"
    );
    let absent = |number: usize| {
        let found = Finding::new(Fault::NoSuchObject, when).of_region("111122223333", "a");
        let about = crate::ident::Location::new("b", number.to_string());
        finding(found.about(&about))
    };
    assert_eq!(
        first_line(&[started(None), absent(0), finished(Verdict::Incomplete, counts())]),
        "incomplete: 1 object to validate does not exist; no tampering found\n"
    );
    assert_eq!(
        first_line(&[started(None), absent(0), absent(1), finished(Verdict::Incomplete, none)]),
        "incomplete: 2 objects to validate do not exist, so nothing is proved\n"
    );
    let one = text(&[started(None), absent(0), finished(Verdict::Incomplete, counts())]);
    assert!(!one.contains("without digests"), "{one}");
    let stopped = |counts| first_line(&[started(None), interrupted(counts)]);
    assert_eq!(
        stopped(late),
        "incomplete: interrupted before all objects were checked: 1,000 of 1,036 log files not verified; no tampering \
         found\n"
    );
    assert_eq!(stopped(none), "incomplete: interrupted before any digest was checked\n");
    assert_eq!(run(Verdict::Tampered, Kind::ChainBroken, counts()), "tampered: 1 chain link broken\n");
    assert_eq!(run(Verdict::Tampered, Kind::DigestMoved, counts()), "tampered: 1 finding of tampering\n");
}

#[test]
fn what_is_resolved_has_its_time() {
    let [start, end] = ["2026-09-01T00:06:57Z", "2026-09-01T02:06:57Z"].map(at);
    let mut resolved = crate::event::ResolvedFinding::new("0".repeat(32), start, Kind::ChainGap);
    (resolved.account, resolved.region) = (Some("111122223333".to_owned()), Some("us-east-1".to_owned()));
    (resolved.start, resolved.end) = (Some(start), Some(end));
    let Event::Finished(mut summary) = finished(Verdict::Intact, counts()) else { return };
    summary.resolved = Some(vec![resolved]);
    let report = text(&[started(None), Event::Finished(summary)]);
    let line = "  resolved chain-gap: 111122223333 us-east-1, 2026-09-01T00:06:57Z to 2026-09-01T02:06:57Z\n";
    assert!(report.contains(line), "{report}");
}

#[test]
fn no_chain_and_no_key_are_said() {
    let events =
        [started(None), finished(Verdict::Incomplete, crate::event::Counts::default())].map(|event| {
            match event {
                Event::Finished(summary) => {
                    Event::Finished(crate::event::Summary { keys: Vec::new(), ..summary })
                }
                other => other,
            }
        });
    let report = text(&events);
    assert!(report.contains("\ncoverage\n  no chain of digests was found\n"));
    assert!(report.ends_with("\nkeys used\n  none\n"));
}

#[test]
fn many_findings_of_one_kind_are_cut() {
    let mut events = tampered();
    events.splice(1..2, (0..1_021).map(|index| finding(log_modified(&format!("log-{index:04}")))));
    let report = text(&events);
    assert!(report.contains("[tampered] log-modified (1,021): "));
    assert!(report.contains("/log-0019\n") && !report.contains("/log-0020\n"));
    assert!(report.contains("\n  … and 1,001 more; `--report json=FILE` has all\n  hint: "));
    let table = report.split("\ncoverage\n").nth(1).unwrap();
    assert!(table.lines().skip(1).all(|line| line.chars().count() <= 80));
}

/// A wrong keys file is one fact, and not a hundred.
#[test]
fn findings_that_are_alike_share_one_text() {
    let when = at("2026-09-01T00:06:57Z");
    let lack = |fingerprint: &str| crate::event::KeyLack::Unknown { fingerprint: fingerprint.to_owned() };
    let unknown = |number: usize, trail: &str, fingerprint: &str| {
        let fault = Fault::NoKey { lack: lack(fingerprint), proved: false };
        let about = crate::ident::Location::new("b", format!("{trail}-{number:03}"));
        finding(Finding::new(fault, when).of_chain(&chain("us-east-1", trail)).about(&about))
    };
    let mut events = vec![started(None), unknown(0, "other", "aa")];
    events.extend((0..98).map(|number| unknown(number, "audit", "aa")));
    events.extend((98..105).map(|number| unknown(number, "audit", "bb")));
    events.push(finished(Verdict::Incomplete, counts()));
    let report = text(&events);
    let alike = "[incomplete] key-unknown (106): no usable key with the fingerprint
  s3://b/audit-000
  s3://b/audit-001
  s3://b/audit-002
  … and 95 more like these; `--report json=FILE` has all
    no public key with fingerprint `aa`
  s3://b/audit-098
    no public key with fingerprint `bb`
";
    assert!(report.contains(alike), "{report}");
    for alone in ["audit-104", "other-000"] {
        assert!(report.contains(&format!("  s3://b/{alone}\n    no public key")), "{report}");
    }
}

/// The rest of an archive that was cut has one cause.
#[test]
fn members_that_were_not_read_share_one_text() {
    let when = at("2026-09-01T00:06:57Z");
    let member = |number: u64| {
        let fault = Fault::UnreadMember {
            member: Some((number, format!("m{number}"))),
            why: "the archive is cut off".to_owned(),
        };
        finding(Finding { uri: Some("copy.zip".to_owned()), ..Finding::new(fault, when) })
    };
    let mut events = vec![started(None)];
    events.extend((1..=243).map(member));
    events.push(finished(Verdict::Incomplete, counts()));
    let report = text(&events);
    let alike = "
  copy.zip
    member 1 of the archive, `m1`, was not read: the archive is cut off
    member 2 of the archive, `m2`, was not read: the archive is cut off
    member 3 of the archive, `m3`, was not read: the archive is cut off
  … and 240 more like these; `--report json=FILE` has all
  hint: ";
    assert!(report.contains(alike), "{report}");
}

#[test]
fn objects_are_listed_before_the_verdict_where_asked() {
    let mut events = intact();
    for (object, state) in
        [(ObjectType::Digest, ObjectState::Valid), (ObjectType::Log, ObjectState::Unverified)]
    {
        events.insert(1, Event::Object { object, uri: "s3://b/a\u{1b}c".to_owned(), state });
    }
    let verbose = Options { verbose: true, ..Options::default() };
    let report = render(Format::Text, verbose, &events);
    let listing = "objects and results\n  unverified  log     s3://b/a\\u{1b}c\n  valid       digest  s3://b/a\\u{1b}c\n\n";
    let whole = "  1 chain is whole: 111122223333 us-east-1 audit, covered 2026-09-01T00:06:57Z\n  to 2026-09-01T12:06:57Z\n";
    let table = concat!(
        "  account       region          trail                  digests        logs  gaps\n",
        "  111122223333  us-east-1       audit                       12          36     0\n",
        "    2026-09-01T00:06:57Z to 2026-09-01T12:06:57Z\n"
    );
    assert_eq!(report, format!("{listing}{}", text(&intact()).replace(whole, table)));
    assert_eq!(text(&events), text(&intact()));
    let quiet = Options { quiet: true, ..verbose };
    assert_eq!(render(Format::Text, quiet, &events), first_line(&intact()));
}

#[test]
fn colour_adds_to_the_words_and_changes_none() {
    let colour = Options { colour: true, ..Options::default() };
    for events in [intact(), tampered(), incomplete()] {
        let mut coloured = render(Format::Text, colour, &events);
        assert!(coloured.starts_with("\u{1b}["));
        for code in ["1;31", "1;33", "1;32", "36", "0"] {
            coloured = coloured.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(coloured, text(&events));
    }
}

#[test]
fn no_escape_code_reaches_the_terminal() {
    let hostile = "x\u{1b}[2J\u{9b}1m\u{202e}\r\n\u{200b}y";
    let mut evil = log_modified(hostile).saying(hostile);
    (evil.expected, evil.actual) = (Some(hostile.to_owned()), Some(hostile.to_owned()));
    evil.digest = Some(hostile.to_owned());
    let mut nowhere = Finding::told(Kind::DigestMoved, at("2026-09-01T00:06:57Z"), hostile);
    (nowhere.account, nowhere.region) = (Some(hostile.to_owned()), Some(hostile.to_owned()));
    let mut events = vec![Event::Started {
        sources: vec![hostile.to_owned()],
        range: crate::time::Range { start: None, end: at("2026-09-01T00:06:57Z") },
        at: at("2026-09-01T00:06:57Z"),
        origin: Origin { version: hostile.to_owned(), run_by: Some(hostile.to_owned()), command: None },
        single_objects: false,
    }];
    events.extend([finding(evil), finding(nowhere), covered(chain(hostile, hostile), Vec::new())]);
    let Event::Finished(mut summary) = finished(Verdict::Tampered, counts()) else { return };
    for key in &mut summary.keys {
        (key.fingerprint, key.region, key.source) = (hostile.into(), hostile.into(), hostile.into());
    }
    events.push(Event::Finished(summary));
    let report = text(&events);
    let allowed = |c: char| c == '\n' || c == '…' || matches!(c, ' '..='~');
    assert_eq!(report.chars().find(|&c| !allowed(c)), None);
    assert!(report.contains("s3://trail-logs/x\\u{1b}[2J\\u{9b}1m\\u{202e}\\u{d}\\u{a}\\u{200b}y\n"));
}
