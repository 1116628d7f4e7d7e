//! Where an object lies decides what it can be: names that are found elsewhere stand for nothing, and what lies where
//! CloudTrail delivers nothing is named.

use std::collections::BTreeSet;

use trailproof::event::{Kind, Verdict};
use trailproof::ident::{DigestKey, Location};
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::{Range, Timestamp};
use trailproof::validate::ValidationRequest;

use super::{digests, hour, purge_all, ran};
use crate::bodies::gzip;
use crate::support::{Delivered, deliver, request};

const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];

fn spec() -> Spec {
    Spec { hours: 5, logs_per_hour: 1, events_per_log: 1, ..Spec::default() }
}

fn put(delivered: &Delivered, key: &str) -> Location {
    let location = Location::new("trail-logs", key);
    delivered.store.put(&location, &gzip(br#"{"Records":[]}"#), &Metadata::new()).unwrap();
    location
}

#[test]
fn a_digest_name_in_another_accounts_folder_stands_for_no_digest() {
    let accounts = ACCOUNTS.map(str::to_owned).to_vec();
    for nested in [
        "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/",
        "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/",
        "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/",
    ] {
        for narrowed in [true, false] {
            let delivered = deliver(&Spec { accounts: accounts.clone(), ..spec() });
            let gone: Vec<_> = digests(&delivered.store, "audit")
                .into_iter()
                .filter(|(key, _)| &*key.folder.account == ACCOUNTS[1])
                .collect();
            purge_all(&delivered.store, "AWSLogs/444455556666/");
            gone.iter()
                .for_each(|(key, _)| drop(put(&delivered, &format!("{nested}{}", key.location().key))));
            let mut asked = request(&["trail-logs"], delivered.simulated.end);
            if narrowed {
                asked.accounts = accounts.clone();
            }
            let ran = ran(&delivered, &asked);
            let names = |account: &str| ran.json.contains(&format!("\"account\": \"{account}\""));
            assert_eq!(names(ACCOUNTS[1]), narrowed, "{nested}");
            let verdict = if narrowed { Verdict::Incomplete } else { Verdict::Intact };
            assert_eq!(ran.verdict, verdict, "{nested} {:#?}", ran.findings);
            let named =
                ran.findings.iter().filter(|finding| finding.kind == Kind::ObjectUnrecognised).count();
            assert_eq!(named, gone.len(), "{nested}");
        }
    }
}

#[test]
fn a_nested_name_does_not_hide_that_a_digest_is_gone() {
    let delivered = deliver(&spec());
    let (gone, _) = digests(&delivered.store, "audit").swap_remove(3);
    delivered.store.purge(&gone.location());
    let untouched = request(&["trail-logs"], delivered.simulated.end);
    assert_eq!(ran(&delivered, &untouched).verdict, Verdict::Tampered);
    for nested in ["", "2026/09/01/", "x/"] {
        put(&delivered, &format!("{}{nested}{}", gone.folder.digest_prefix(), gone.location().key));
    }
    assert_eq!(ran(&delivered, &untouched).verdict, Verdict::Tampered);
}

/// Places below `AWSLogs/` of an account that CloudTrail delivers nothing to.
const STRAYS: [&str; 17] = [
    "CloudTrail/us-east-1/x.json.gz",
    "CloudTrail/us-east-1/0",
    "CloudTrail/us-east-1/2026/x",
    "CloudTrail/us-east-1/2026/09/x",
    "CloudTrail/us-east-1/2026/9/01/NAME",
    "CloudTrail/us-east-1/2026/09/1/NAME",
    "CloudTrail/us-east-1/2026/09/00/NAME",
    "CloudTrail/us-east-1/2026/09/31/NAME",
    "CloudTrail/us-east-1/2026/13/01/NAME",
    "CloudTrail/us-east-1/2026/09/01x/NAME",
    "CloudTrail/us-east-1/year=2026/NAME",
    "CloudTrail/us-east-1/20260901/NAME",
    "CloudTrail/us-east-1/1999/01/01/NAME",
    "CloudTrail/us-east-1/9999/01/01/NAME",
    "CloudTrail/us-east-1/us-east-1/2026/09/01/NAME",
    "CloudTrail/us-east-1/AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01/NAME",
    "CloudTrail/us-east-1/./2026/09/01/NAME",
];

const NAME: &str = "111122223333_CloudTrail_us-east-1_20260901T0230Z_abcdefgh12345678.json.gz";

fn asked(start: Option<Timestamp>, end: Timestamp) -> ValidationRequest {
    ValidationRequest { range: Range { start, end }, ..request(&["trail-logs"], hour(5)) }
}

#[test]
fn what_lies_where_nothing_is_delivered_is_named() {
    for range in [(None, hour(5)), (Some(hour(1)), hour(4)), (Some(hour(0)), hour(5))] {
        let delivered = deliver(&spec());
        let asked = asked(range.0, range.1);
        assert_eq!(ran(&delivered, &asked).verdict, Verdict::Intact);
        let put: BTreeSet<String> = STRAYS
            .iter()
            .map(|place| put(&delivered, &format!("AWSLogs/111122223333/{}", place.replace("NAME", NAME))))
            .map(|location| location.to_string())
            .collect();
        // A folder marker is no object.
        let marker = Location::new("trail-logs", "AWSLogs/111122223333/CloudTrail/us-east-1/x/");
        delivered.store.put(&marker, b"", &Metadata::new()).unwrap();
        let ran = ran(&delivered, &asked);
        let named = ran.findings.iter().filter(|finding| finding.kind == Kind::LogUnreferenced);
        let named: BTreeSet<String> = named.filter_map(|finding| finding.uri.clone()).collect();
        assert_eq!(named, put);
        assert_eq!((ran.verdict, ran.counts.logs.unreferenced), (Verdict::Incomplete, put.len() as u64));
    }
}

#[test]
fn log_files_older_than_the_record_are_named_where_all_there_is_was_asked_for() {
    let delivered = deliver(&spec());
    let old = ["20260831T2300Z", "20260830T1200Z", "20140101T0000Z"].map(|minute| {
        let (year, month, day) = (&minute[..4], &minute[4..6], &minute[6..8]);
        let name = format!("111122223333_CloudTrail_us-east-1_{minute}_abcdefgh12345678.json.gz");
        put(&delivered, &format!("AWSLogs/111122223333/CloudTrail/us-east-1/{year}/{month}/{day}/{name}"))
    });
    let open = ran(&delivered, &asked(None, hour(5)));
    let named = open.findings.iter().filter(|finding| finding.kind == Kind::LogUnreferenced);
    let named: BTreeSet<String> = named.filter_map(|finding| finding.uri.clone()).collect();
    assert_eq!(named, old.iter().map(Location::to_string).collect());
    assert_eq!(ran(&delivered, &asked(Some(hour(0)), hour(5))).verdict, Verdict::Intact);
}

#[test]
fn digest_folders_are_looked_through_for_what_lies_beside_the_years() {
    for (place, is_asked_about) in
        [("x", true), ("zzzz/2026/09/01/x", true), ("0", true), ("2026/09/01/x", true)]
    {
        let delivered = deliver(&spec());
        put(&delivered, &format!("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/{place}"));
        for range in [(None, hour(5)), (Some(hour(1)), hour(4))] {
            let mut asked = asked(range.0, range.1);
            asked.now = hour(24 * 90);
            asked.range.end = hour(5).min(range.1);
            let ran = ran(&delivered, &asked);
            let kinds =
                ran.findings.iter().filter(|finding| finding.kind == Kind::ObjectUnrecognised).count();
            assert_eq!(kinds, usize::from(is_asked_about), "{place} {:?}", asked.range);
        }
    }
}

#[test]
fn every_folder_of_log_files_is_searched_once_a_digest_lists_a_log_file_there() {
    use trailproof::ident::{LogFolder, RegionFolder};
    let folder = RegionFolder {
        bucket: "b".into(),
        root: "p/".into(),
        organization: None,
        account: ACCOUNTS[0].into(),
        region: "us-east-1".into(),
    };
    for logs in LogFolder::ALL {
        let location = Location::new("b", format!("{}2026/09/01/x", folder.log_prefix_in(logs)));
        assert_eq!(folder.log_folder_of(&location), Some(logs));
        assert!(DigestKey::parse(&location).is_none());
        let other = Location::new("other", location.key.clone());
        assert_eq!(folder.log_folder_of(&other), None);
    }
}
