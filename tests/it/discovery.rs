//! How trails are found: among folders of other services, in few requests, and never in silence past a folder.

#[cfg(feature = "aws")]
mod busy;

use std::sync::atomic::{AtomicU64, Ordering};

use trailproof::event::{Kind, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::simulate::{Spec, Tamper};
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Folder, Listing, Metadata, Object, Store, StoreError, Version};

use crate::support::{self, Ran, deliver};

/// Counts the pages that S3 would list.
struct Counting<'s> {
    inner: &'s MemoryStore,
    pages: AtomicU64,
}

impl Counting<'_> {
    fn add(&self, keys: usize) {
        self.pages.fetch_add(1 + keys as u64 / 1_000, Ordering::Relaxed);
    }
}

impl Store for Counting<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.add(0);
        let mut taken = 0_u64;
        Box::new(self.inner.list(bucket, prefix, after).inspect(move |_| {
            taken += 1;
            self.pages.fetch_add(u64::from(taken.is_multiple_of(1_000)), Ordering::Relaxed);
        }))
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let names = self.inner.list_dirs(bucket, prefix)?;
        self.add(names.len());
        Ok(names)
    }

    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        let found = self.inner.list_folder(bucket, prefix)?;
        self.add(found.folders.len() + found.objects.len());
        Ok(found)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        self.inner.get(location)
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(location)
    }
}

/// Spells the folder of a year, a month, a day and an hour.
type Spelling = fn(u32, u32, u32, u32) -> String;

/// The spellings of an hour's folder by different programs.
const SPELLINGS: [Spelling; 5] = [
    |year, month, day, hour| format!("CloudWatchLogs/{year}/{month:02}/{day:02}/{hour:02}/"),
    |year, month, day, hour| format!("flows/year={year}/month={month:02}/day={day:02}/hour={hour:02}/"),
    |year, month, day, hour| format!("lake/dt={year}-{month:02}-{day:02}-{hour:02}/"),
    |year, month, day, hour| format!("{year}-{month:02}-{day:02}T{hour:02}/"),
    |year, month, day, hour| format!("elb/us-east-1/{year}{month:02}{day:02}{hour:02}/"),
];

/// The folders of every hour of some days of twelve months.
fn hours(spelling: Spelling, days: u32) -> impl Iterator<Item = String> {
    let months = (1..=12).flat_map(move |month| (1..=days).map(move |day| (month, day)));
    months.flat_map(move |(month, day)| (0..24).map(move |hour| spelling(2025, month, day, hour)))
}

fn put_each(store: &MemoryStore, folders: impl Iterator<Item = String>, objects: usize) {
    for folder in folders {
        for number in 0..objects {
            let location = Location::new("trail-logs", format!("{folder}{number:03}.gz"));
            store.put(&location, b"x", &Metadata::new()).unwrap();
        }
    }
}

fn spec(prefix: &str, tampers: Vec<Tamper>) -> Spec {
    Spec {
        hours: 3,
        logs_per_hour: 1,
        shared_body: true,
        prefix: prefix.trim_end_matches('/').to_owned(),
        tampers,
        ..Spec::default()
    }
}

/// Runs over a store, below `prefix`. Returns the pages listed too.
fn run_in(delivered: &support::Delivered, store: &MemoryStore, prefix: &str, jobs: usize) -> (Ran, u64) {
    let counting = Counting { inner: store, pages: AtomicU64::new(0) };
    let mut request = support::request(&["trail-logs"], delivered.simulated.end);
    prefix.clone_into(&mut request.sources[0].prefix);
    let ran = support::run(&counting, &delivered.keys, &request, jobs);
    (ran, counting.pages.into_inner())
}

fn copy_all(from: &MemoryStore, to: &MemoryStore) {
    for location in from.locations() {
        let mut object = from.get(&location).unwrap();
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut object.body, &mut body).unwrap();
        to.put(&location, &body, &object.metadata).unwrap();
    }
}

fn says_where_it_did_not_look(ran: &Ran) -> bool {
    ran.findings.iter().any(|finding| finding.fault.cause() == Some("partitions-left-out"))
}

#[test]
fn hourly_folders_of_other_services_take_few_requests_in_every_spelling() {
    for spelling in SPELLINGS {
        let delivered = deliver(&spec("", Vec::new()));
        put_each(&delivered.store, hours(spelling, 30), 2);
        let (ran, pages) = run_in(&delivered, &delivered.store, "", 8);
        let shown = spelling(2025, 1, 1, 0);
        assert_eq!(ran.verdict, Verdict::Intact, "{shown}: {:#?}", ran.findings);
        assert!(pages < 100, "{shown}: {pages} pages");
        assert!(!says_where_it_did_not_look(&ran), "{shown}");
    }
}

/// More keys than are listed in search of a trail.
const MANY: (u32, usize) = (10, 75);

#[test]
fn hourly_folders_with_very_many_objects_take_few_requests() {
    let delivered = deliver(&spec("", Vec::new()));
    put_each(&delivered.store, hours(SPELLINGS[0], MANY.0), MANY.1);
    let (ran, pages) = run_in(&delivered, &delivered.store, "", 8);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    assert!(pages < 400, "{pages} pages");
    assert!(says_where_it_did_not_look(&ran));
}

/// Hides a damaged trail below the folder of an hour, among the hours of `days` days with so many `objects`.
fn hide(spelling: Spelling, prefix: &str, (days, objects): (u32, usize)) {
    let hidden = deliver(&spec(prefix, vec!["log-modified".parse().unwrap()]));
    put_each(&hidden.store, hours(spelling, days), objects);
    // 1. It is the only trail.
    let (alone, _) = run_in(&hidden, &hidden.store, "", 4);
    let is_found = alone.verdict == Verdict::Tampered;
    assert!(is_found || says_where_it_did_not_look(&alone), "{prefix}: {:#?}", alone.findings);
    assert_ne!(alone.verdict, Verdict::Intact, "{prefix}: {:#?}", alone.findings);
    assert!(is_found || objects > 1, "{prefix} is found by the keys");
    // 2. Another trail is intact.
    copy_all(&deliver(&spec("", Vec::new())).store, &hidden.store);
    let (both, _) = run_in(&hidden, &hidden.store, "", 4);
    let is_found = both.verdict == Verdict::Tampered;
    assert!(is_found || says_where_it_did_not_look(&both), "{prefix}: {:#?}", both.findings);
    // 3. The user names the folder, or the folder with the hours.
    let top = match prefix.split_once('/') {
        Some(("elb", _)) => "elb/us-east-1/",
        Some((top, _)) if !top.starts_with("20") => &format!("{top}/"),
        _ => prefix,
    };
    for named in [prefix, top] {
        let (named, _) = run_in(&hidden, &hidden.store, named, 4);
        assert_eq!(named.verdict, Verdict::Tampered, "{prefix}: {:#?}", named.findings);
    }
}

/// In the first hour, in the last and between.
#[test]
fn a_trail_below_one_of_the_hours_is_found() {
    for spelling in SPELLINGS {
        for (month, day, hour) in [(1, 1, 0), (6, 3, 7), (12, 4, 23)] {
            hide(spelling, &spelling(2025, month, day, hour), (4, 1));
        }
    }
}

#[test]
fn a_trail_below_one_of_the_hours_with_very_many_objects_is_found_or_said_not_to_be_looked_for() {
    hide(SPELLINGS[0], &SPELLINGS[0](2025, 6, 3, 7), MANY);
}

/// A trail in each of a thousand folders of a day is a thousand trails, not a sample.
#[test]
fn a_sample_with_a_trail_has_all_folders_walked() {
    let delivered = deliver(&spec("daily/2025-06-15", Vec::new()));
    let days =
        || (1..=12).flat_map(|month| (1..=28).map(move |day| format!("daily/2025-{month:02}-{day:02}/")));
    put_each(&delivered.store, days(), 650);
    for day in days().step_by(3) {
        let location = Location::new("trail-logs", format!("{day}AWSLogs/x"));
        delivered.store.put(&location, b"x", &Metadata::new()).unwrap();
    }
    let (ran, _) = run_in(&delivered, &delivered.store, "", 4);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    assert!(!says_where_it_did_not_look(&ran));
    assert_eq!(ran.counts.digests.valid, 4);
}

/// The same bytes, whatever the number of jobs: the limits are shared before any request is sent.
#[test]
fn what_is_left_out_does_not_depend_on_jobs() {
    let delivered = deliver(&spec("", Vec::new()));
    for spelling in SPELLINGS {
        put_each(&delivered.store, hours(spelling, 3), 50);
    }
    let (one, pages) = run_in(&delivered, &delivered.store, "", 1);
    let (eight, same) = run_in(&delivered, &delivered.store, "", 8);
    assert_eq!((one.json, pages), (eight.json, same));
    assert!(pages < 400, "{pages}");
    let left_out: Vec<_> =
        one.findings.iter().filter(|finding| finding.fault.cause() == Some("partitions-left-out")).collect();
    assert_eq!(left_out.len(), 1, "one finding for a source");
    assert_eq!((left_out[0].kind, left_out[0].severity), (Kind::DigestUnreadable, Severity::Notice));
}

/// The layouts that people have, each beside a busy tree of hours.
#[test]
fn layouts_seen_in_public_are_found_beside_busy_folders() {
    for (prefix, organization) in [
        ("AWSLogs", None),
        ("AWSLogs/central", None),
        ("o-abc123def4", Some("o-abc123def4")),
        ("a/b/c", None),
        ("2025", None),
        ("year=2025", None),
        ("111122223333", None),
    ] {
        let spec = Spec { organization: organization.map(str::to_owned), ..spec(prefix, Vec::new()) };
        let delivered = deliver(&spec);
        put_each(&delivered.store, hours(SPELLINGS[0], 5), 1);
        let (ran, pages) = run_in(&delivered, &delivered.store, "", 4);
        assert_eq!(ran.verdict, Verdict::Intact, "{prefix}: {:#?}", ran.findings);
        assert!(pages < 100, "{prefix}: {pages}");
    }
}

/// With `--account-id`, the folders of other accounts are not listed, and the run says so.
#[test]
fn one_account_of_many_takes_few_requests() {
    let accounts: Vec<String> =
        (0..300).map(|number| format!("{:012}", 100_000_000_000_u64 + number)).collect();
    let delivered = deliver(&Spec { hours: 1, accounts: accounts.clone(), ..spec("", Vec::new()) });
    let counting = Counting { inner: &delivered.store, pages: AtomicU64::new(0) };
    let mut request = support::request(&["trail-logs"], delivered.simulated.end);
    request.accounts = vec![accounts[7].clone()];
    let ran = support::run(&counting, &delivered.keys, &request, 4);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    let pages = counting.pages.into_inner();
    assert!(pages < 20, "{pages}");
    let said = ran.findings.iter().filter(|finding| finding.fault.cause() == Some("other-accounts-left-out"));
    let said: Vec<_> = said.map(trailproof::event::Finding::message).collect();
    assert_eq!(said, ["a further `AWSLogs/` was not looked for in the folders of 299 other accounts"]);
}

/// An account that lies in the folder of another account only.
#[test]
fn an_asked_account_within_another_accounts_folder_is_found() {
    let delivered = deliver(&spec("AWSLogs/222233334444", Vec::new()));
    let mut request = support::request(&["trail-logs"], delivered.simulated.end);
    request.accounts = vec!["111122223333".to_owned()];
    let ran = support::run(&delivered.store, &delivered.keys, &request, 4);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
}
