//! What `simulate` prints is true: the command raises the alarm, or the lines beside it say why not.

use trailproof::simulate::TamperKind;

use super::case::trailproof;

/// `simulate` with one kind of tampering, then exactly the printed command.
fn drill(kind: TamperKind, more: &[&str]) -> (super::case::Done, super::case::Done) {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("drill").to_str().unwrap().to_owned();
    let small = ["--logs-per-hour", "1", "--events-per-log", "1", "--tamper", kind.as_str()];
    let made = trailproof(&[&["simulate", &target], &small[..], more].concat());
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let command = made.stderr.lines().find_map(|line| line.strip_prefix("hint: trailproof ")).unwrap();
    let ran = trailproof(&command.split(' ').collect::<Vec<_>>());
    (made, ran)
}

/// The fixtures show that every kind on a single log file or digest alarms.
#[test]
fn every_drill_alarms_or_says_why_not() {
    let is_of_one = |kind: &TamperKind| ["log-", "digest-"].iter().any(|of| kind.as_str().starts_with(of));
    for kind in TamperKind::ALL.into_iter().filter(|kind| !is_of_one(kind)) {
        let (made, ran) = drill(kind, &["--hours", "5"]);
        let shown = format!("{kind}\n{}\n{}", made.stderr, ran.stdout);
        match ran.code {
            Some(1 | 3) => {}
            Some(0) => {
                let expected = format!("expect of `{kind}` alone: exit code 0");
                assert!(made.stderr.contains(&expected), "{shown}");
            }
            _ => panic!("{shown}\n{}", ran.stderr),
        }
    }
}

#[test]
fn deleted_ends_and_beginnings_are_seen_by_the_printed_command() {
    for (kind, found) in [
        (TamperKind::ChainStale, "chain-stale"),
        (TamperKind::EndDeleted, "chain-stale"),
        (TamperKind::OlderDeleted, "chain-gap"),
        (TamperKind::KeyUnknown, "key-unknown"),
    ] {
        let (made, ran) = drill(kind, &[]);
        let shown = format!("{}\n{}", made.stderr, ran.stdout);
        assert_eq!(ran.code, Some(3), "{shown}");
        assert!(ran.stdout.contains(&format!("[incomplete] {found} (")), "{shown}");
    }
    let (made, _) = drill(TamperKind::OlderDeleted, &[]);
    assert!(made.stderr.contains("without that option exit code 0"), "{}", made.stderr);
}

#[test]
fn a_deletion_within_the_grace_is_said_to_be_invisible() {
    let (made, ran) = drill(TamperKind::ChainStale, &["--start-time", "12h"]);
    assert_eq!(ran.code, Some(0), "{}\n{}", made.stderr, ran.stdout);
    assert!(made.stderr.contains("expect of `chain-stale` alone: exit code 0 until "), "{}", made.stderr);
}

#[test]
fn touched_objects_are_named() {
    let (made, ran) = drill(TamperKind::LogModified, &["--hours", "2"]);
    let name = made.stderr.lines().find_map(|line| line.strip_prefix("  s3://")).unwrap();
    assert!(ran.stdout.contains(name), "{}\n{}", made.stderr, ran.stdout);
    let (made, _) = drill(TamperKind::NoDigests, &["--hours", "5"]);
    assert!(made.stderr.contains("\n  and 3 more: `tampered.json` lists all\n"), "{}", made.stderr);
}

/// An event that the delivery has no hour for would be left out silently.
#[test]
fn an_hour_outside_of_the_delivery_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("drill").to_str().unwrap().to_owned();
    for (flag, value, what) in [
        (
            "--stop",
            "30:2",
            "`--stop`: hour 30 lies outside of the delivery: the delivery has 12 hours, numbers 0 to 11",
        ),
        ("--stop", "3:0", "`--stop`: the number of hours is 0"),
        ("--pause", "12:10", "`--pause`: hour 12 lies outside of the delivery"),
        ("--skip-hour", "12", "`--skip-hour`: hour 12 lies outside of the delivery"),
        ("--move-at", "12:other-logs", "`--move-at`: hour 12 lies outside of the delivery"),
        ("--quiet-every", "13", "`--quiet-every 13` would have no effect: the delivery has 12 hours"),
        ("--backfill-every", "13", "`--backfill-every 13` would have no effect"),
        ("--rotate-keys-every", "12", "`--rotate-keys-every 12` would have no effect"),
    ] {
        trailproof(&["simulate", &target, "--hours", "12", flag, value]).assert_cannot(what);
    }
    assert!(!dir.path().join("drill").exists());
    let last = ["--stop", "11:1", "--quiet-every", "12", "--rotate-keys-every", "11"];
    let made = trailproof(&[&["simulate", &target, "--hours", "12"], &last[..]].concat());
    assert_eq!(made.code, Some(0), "{}", made.stderr);
}
