//! How trails are found: among folders of other services, in few requests, and never in silence past a folder.

#[cfg(feature = "aws")]
mod busy;

use std::sync::atomic::{AtomicU64, Ordering};

use trailproof::event::Verdict;
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

fn reaches_a_limit(ran: &Ran) -> bool {
    ran.findings.iter().any(|finding| finding.fault.cause() == Some("discovery-limit"))
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
    }
}

/// More keys than one page for each folder of hours.
const MANY: (u32, usize) = (10, 75);

#[test]
fn hourly_folders_with_very_many_objects_take_few_requests() {
    let delivered = deliver(&spec("", Vec::new()));
    put_each(&delivered.store, hours(SPELLINGS[0], MANY.0), MANY.1);
    let (ran, pages) = run_in(&delivered, &delivered.store, "", 8);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    assert!(pages < 400, "{pages} pages");
}

/// Hides a damaged trail below the folder of an hour, among the hours of `days` days with so many `objects`.
fn hide(spelling: Spelling, prefix: &str, (days, objects): (u32, usize)) {
    let hidden = deliver(&spec(prefix, vec!["log-modified".parse().unwrap()]));
    put_each(&hidden.store, hours(spelling, days), objects);
    // 1. It is the only trail.
    let (alone, _) = run_in(&hidden, &hidden.store, "", 4);
    assert_eq!(alone.verdict, Verdict::Tampered, "{prefix}: {:#?}", alone.findings);
    // 2. Another trail is intact.
    copy_all(&deliver(&spec("", Vec::new())).store, &hidden.store);
    let (both, _) = run_in(&hidden, &hidden.store, "", 4);
    assert_eq!(both.verdict, Verdict::Tampered, "{prefix}: {:#?}", both.findings);
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
fn a_trail_below_one_of_the_hours_with_very_many_objects_is_found() {
    hide(SPELLINGS[0], &SPELLINGS[0](2025, 6, 3, 7), MANY);
}

/// A trail's prefix may go on in an account's folder, or in the folder of an account in a Hive layout.
#[test]
fn a_trail_below_a_folder_of_an_account_is_found() {
    for above in
        ["AWSLogs/111122223333", "AWSLogs/o-abcdefghij/111122223333", "AWSLogs/aws-account-id=111122223333"]
    {
        for below in ["team", "team/a/b", "2026/09"] {
            let prefix = format!("{above}/{below}");
            let delivered = deliver(&spec(&prefix, vec!["log-modified".parse().unwrap()]));
            copy_all(&deliver(&spec("", Vec::new())).store, &delivered.store);
            let (ran, _) = run_in(&delivered, &delivered.store, "", 4);
            assert_eq!(ran.verdict, Verdict::Tampered, "{prefix}: {:#?}", ran.findings);
        }
    }
}

/// Folders of services in the accounts of an organization are many and large.
#[test]
fn folders_of_services_in_an_account_are_not_searched() {
    let delivered = deliver(&spec("", Vec::new()));
    let (_, before) = run_in(&delivered, &delivered.store, "", 4);
    for service in ["Config", "elasticloadbalancing", "vpcflowlogs", "WAFLogs"] {
        let hours = hours(|_, month, day, hour| format!("us-east-1/2025/{month}/{day}/{hour}/"), 4);
        let below = hours.map(|hour| format!("AWSLogs/111122223333/{service}/{hour}"));
        put_each(&delivered.store, below, 1);
    }
    let (ran, after) = run_in(&delivered, &delivered.store, "", 4);
    assert_eq!((ran.verdict, after), (Verdict::Intact, before), "{:#?}", ran.findings);
}

/// Junk in many folders that look like partitions, in front of the partitions with a trail.
fn put_junk(store: &MemoryStore, folders: usize, objects: usize) {
    let places = (0..folders).flat_map(|folder| (0..4).map(move |hour| format!("a{folder:04}/{hour}/")));
    put_each(store, places, objects);
}

/// A damaged trail below a year, among other years, with an intact trail beside.
fn damaged_below_a_year() -> support::Delivered {
    let delivered = deliver(&spec("logs/2026", vec!["log-modified".parse().unwrap()]));
    copy_all(&deliver(&spec("", Vec::new())).store, &delivered.store);
    for year in [2022, 2023, 2024, 2025, 2027] {
        let readme = Location::new("trail-logs", format!("logs/{year}/readme.txt"));
        delivered.store.put(&readme, b"x", &Metadata::new()).unwrap();
    }
    delivered
}

#[test]
fn junk_in_many_folders_hides_no_trail() {
    for (folders, objects) in [(0, 0), (205, 1), (1_000, 1), (30, 2_500)] {
        let delivered = damaged_below_a_year();
        put_junk(&delivered.store, folders, objects);
        let (ran, _) = run_in(&delivered, &delivered.store, "", 8);
        assert_eq!(ran.verdict, Verdict::Tampered, "{folders} × {objects}: {:#?}", ran.findings);
        assert!(!reaches_a_limit(&ran), "{folders} × {objects}");
    }
}

/// What a limit leaves out is never a notice, whatever else was found.
#[test]
fn more_junk_than_the_limits_is_incomplete() {
    let delivered = deliver(&spec("zz/2026", vec!["log-modified".parse().unwrap()]));
    copy_all(&deliver(&spec("", Vec::new())).store, &delivered.store);
    put_each(&delivered.store, (0..10_001).map(|number| format!("x{number:05}/")), 1);
    let (ran, _) = run_in(&delivered, &delivered.store, "", 8);
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    assert!(reaches_a_limit(&ran));
}

/// The same bytes and the same requests, whatever the number of jobs: the limits are shared before any request is sent.
#[test]
fn what_is_searched_does_not_depend_on_jobs() {
    let delivered = damaged_below_a_year();
    put_junk(&delivered.store, 30, 50);
    for spelling in SPELLINGS {
        put_each(&delivered.store, hours(spelling, 3), 50);
    }
    let (one, pages) = run_in(&delivered, &delivered.store, "", 1);
    let (eight, same) = run_in(&delivered, &delivered.store, "", 8);
    assert_eq!((one.json, pages), (eight.json, same));
    assert_eq!(one.verdict, Verdict::Tampered);
    assert!(pages < 800, "{pages}");
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

/// With `--account-id`, the folder of each other account is listed, and nothing in it.
#[test]
fn one_account_of_many_takes_a_request_for_each_other_account() {
    let accounts: Vec<String> =
        (0..300).map(|number| format!("{:012}", 100_000_000_000_u64 + number)).collect();
    let delivered = deliver(&Spec { hours: 1, accounts: accounts.clone(), ..spec("", Vec::new()) });
    let counting = Counting { inner: &delivered.store, pages: AtomicU64::new(0) };
    let mut request = support::request(&["trail-logs"], delivered.simulated.end);
    request.accounts = vec![accounts[7].clone()];
    let ran = support::run(&counting, &delivered.keys, &request, 4);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    let pages = counting.pages.into_inner();
    assert!(pages < 320, "{pages}");
}

/// Empty folders of further accounts, which anybody with access to the bucket can make, hide no trail.
#[test]
fn an_asked_account_within_one_of_many_other_accounts_is_found() {
    for others in [0, 17, 300] {
        let damaged = vec!["log-modified".parse().unwrap()];
        let delivered = deliver(&spec("AWSLogs/222233334444", damaged));
        copy_all(&deliver(&spec("", Vec::new())).store, &delivered.store);
        put_each(&delivered.store, (0..others).map(|number| format!("AWSLogs/3333{number:08}/")), 1);
        let mut request = support::request(&["trail-logs"], delivered.simulated.end);
        request.accounts = vec!["111122223333".to_owned()];
        let ran = support::run(&delivered.store, &delivered.keys, &request, 4);
        assert_eq!(ran.verdict, Verdict::Tampered, "{others}: {:#?}", ran.findings);
    }
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
