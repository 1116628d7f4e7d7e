//! What `validate --dry-run` says a run would read, held against what a run reads.

#[cfg(feature = "aws")]
mod archived;
mod command;
pub(crate) mod watched;

use trailproof::event::{Kind, NoProgress, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::keys::KeyRing;
use trailproof::simulate::{Spec, simulate};
use trailproof::store::directory::DirectoryStore;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata, Store};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::plan::{self, Plan};
use trailproof::validate::{RunTools, SourceFolder, ValidationRequest};

use crate::support::{Delivered, Ran, deliver, keys, pool, request, run, time};
use watched::{Calls, Watched};

/// The plan, alike for any number of jobs, and the calls it took.
fn plan(store: &dyn Store, request: &ValidationRequest) -> (Plan, Calls) {
    let planned = [1, 8].map(|jobs| {
        let (watched, pool) = (Watched::new(store), pool(jobs));
        let (store, keys) = (&watched, &KeyRing::new());
        (
            plan::plan(
                request,
                RunTools {
                    store,
                    keys,
                    pool: &pool,
                    progress: &NoProgress,
                    stop: &trailproof::validate::CancelFlag::new(),
                },
            )
            .unwrap(),
            watched.calls(),
        )
    });
    let [one, eight] = planned;
    assert_eq!(one, eight, "the number of jobs changes nothing");
    assert_eq!((one.1.gets(), one.1.versions), (0, 0), "a plan reads nothing");
    one
}

/// A plan and the run of the same request, with what that read.
fn both(delivered: &Delivered, request: &ValidationRequest) -> (Plan, Ran, Calls) {
    let (plan, own) = plan(&delivered.store, request);
    assert_eq!(plan.list_requests, own.lists, "the plan counts its own listings");
    let watched = Watched::new(&delivered.store);
    let ran = run(&watched, &delivered.keys, request, 2);
    let calls = watched.calls();
    assert!(plan.list_requests >= calls.lists, "{} < {}", plan.list_requests, calls.lists);
    assert_eq!(plan.inside().plus(plan.beside()).objects, calls.digests, "digests read");
    let counted = ran.counts.digests;
    assert_eq!(plan.inside().objects, counted.valid + counted.unverified, "digests of the range");
    (plan, ran, calls)
}

/// An untouched delivery over the whole record: every number is that of the run.
fn assert_exact(spec: &Spec, buckets: &[&str]) -> Plan {
    let delivered = deliver(spec);
    let asked = request(buckets, delivered.simulated.end);
    let (plan, ran, calls) = both(&delivered, &asked);
    assert_eq!(plan.findings.iter().filter(|found| found.severity > Severity::Notice).count(), 0);
    assert!(plan.is_complete(), "{:#?}", plan.findings);
    assert_eq!(plan.logs().objects, ran.counts.logs.valid, "log files");
    assert_eq!(plan.reads().objects, calls.gets(), "GET requests");
    assert_eq!(plan.reads().bytes, ran.counts.compressed_bytes, "bytes");
    assert_eq!(plan.reads().objects, ran.counts.logs.valid + ran.counts.digests.valid);
    plan
}

#[test]
fn an_untouched_record_is_planned_as_it_is_read() {
    let day = Spec { hours: 24, ..Spec::default() };
    let planned = assert_exact(&day, &["trail-logs"]);
    let chain = &planned.chains[0];
    assert_eq!((planned.chains.len(), chain.inside.objects, chain.witnesses.objects), (1, 25, 0));
    assert_eq!((chain.first, chain.last), (day.start, day.start.plus(24 * HOUR)));
    assert_exact(&Spec { quiet_every: Some(2), prefix: "a/b".to_owned(), ..day.clone() }, &["trail-logs"]);
    assert_exact(&Spec { backfill_every: Some(4), ..day.clone() }, &["trail-logs"]);
    let moved = Spec { move_at: Some((6, "new-logs".to_owned())), ..day };
    assert_exact(&moved, &["trail-logs", "new-logs"]);
}

fn organization() -> Spec {
    Spec {
        organization: Some("o-abcdefghij".to_owned()),
        accounts: vec!["111122223333".to_owned(), "444455556666".to_owned()],
        regions: vec!["us-east-1".to_owned(), "eu-west-3".to_owned()],
        trails: vec!["audit".to_owned(), "other".to_owned()],
        ..Spec::default()
    }
}

#[test]
fn an_organization_has_every_chain_and_region() {
    let planned = assert_exact(&organization(), &["trail-logs"]);
    assert_eq!((planned.chains.len(), planned.regions.len()), (8, 4));
    assert!(planned.chains.iter().all(|chain| chain.inside.objects == 13 && chain.selected));
    assert!(planned.regions.iter().all(|region| region.logs.objects == 2 * 36));
    assert!(planned.chains.is_sorted_by_key(|chain| chain.id.clone()));
}

#[test]
fn narrowing_reads_what_the_run_reads() {
    let delivered = deliver(&organization());
    let mut asked = request(&["trail-logs"], delivered.simulated.end);
    asked.accounts = vec!["444455556666".to_owned()];
    asked.regions = vec!["eu-west-3".to_owned()];
    let (planned, ran, calls) = both(&delivered, &asked);
    assert_eq!((planned.chains.len(), planned.regions.len()), (2, 1));
    assert_eq!(planned.reads().objects, calls.gets());
    assert_eq!(planned.logs().objects, ran.counts.logs.valid);
    asked.trails = vec!["other".to_owned()];
    let (planned, ran, _) = both(&delivered, &asked);
    let selected: Vec<bool> = planned.chains.iter().map(|chain| chain.selected).collect();
    assert_eq!((selected, planned.inside().objects, planned.beside().objects), (vec![false, true], 13, 13));
    assert!(planned.logs().objects >= ran.counts.logs.valid, "names do not tell the trail");
}

#[test]
fn ranges_have_their_witnesses() {
    let start = Spec::default().start;
    let delivered = deliver(&Spec { hours: 72, ..Spec::default() });
    let at = |hours: i64, seconds: i64| start.plus(hours * HOUR + seconds);
    let whole = request(&["trail-logs"], delivered.simulated.end);
    for (from, to) in [
        (at(24, 0), at(48, 0)),
        (at(24, 1_000), at(47, 2_000)),
        (at(0, -5_000), at(1, 0)),
        (at(71, 0), at(72, 0)),
        (at(40, 10), at(40, 20)),
        (at(69, 1), at(70, 1)),
    ] {
        let mut asked = ValidationRequest { now: at(73, 0), ..whole.clone() };
        (asked.range.start, asked.range.end) = (Some(from), to);
        let (planned, ran, calls) = both(&delivered, &asked);
        assert!(planned.is_complete(), "{:#?}", planned.findings);
        assert_eq!(planned.logs().objects, ran.counts.logs.valid, "{from} to {to}");
        assert_eq!(planned.reads().objects, calls.gets(), "{from} to {to}");
        assert_eq!(planned.reads().bytes, calls.bytes, "{from} to {to}");
        assert!(planned.beside().objects > 0, "{from} to {to}");
    }
}

/// A trail that ended long before the range is still read at its newest digest; one that began long after, at its
/// oldest two.
#[test]
fn witnesses_far_from_the_range_are_weighed_too() {
    let delivered = deliver(&Spec { hours: 8, ..Spec::default() });
    let (start, end) = (Spec::default().start, delivered.simulated.end);
    for (from, to, witnesses) in
        [(end.plus(5 * HOUR), end.plus(6 * HOUR), 1), (start.plus(-9 * HOUR), start.plus(-8 * HOUR), 2)]
    {
        let mut asked = request(&["trail-logs"], to);
        asked.range.start = Some(from);
        let (planned, ran, calls) = both(&delivered, &asked);
        assert_eq!((planned.inside().objects, planned.beside().objects), (0, witnesses));
        assert_eq!(planned.reads().bytes, calls.bytes);
        assert_eq!((planned.is_complete(), ran.verdict), (false, Verdict::Incomplete));
        assert!(planned.findings.iter().any(|finding| finding.kind == Kind::NoDigests));
    }
}

/// More keys than a page holds, in log folders and in those of digests.
#[test]
fn long_listings_take_pages() {
    let spec = Spec { hours: 1_100, logs_per_hour: 2, shared_body: true, ..Spec::default() };
    let planned = assert_exact(&spec, &["trail-logs"]);
    assert!(planned.list_requests > 2 + 3, "{}", planned.list_requests);
    let cost = planned.cost();
    let requests = planned.list_requests * 5_000 + planned.reads().objects * 400;
    assert_eq!(cost.requests.nanos(), requests);
    assert_eq!(cost.transfer_to_internet.nanos(), planned.reads().bytes * 9 / 100);
}

#[test]
fn what_lies_in_log_folders_and_is_no_log_file_is_not_counted() {
    let delivered = deliver(&Spec::default());
    let asked = request(&["trail-logs"], delivered.simulated.end);
    let (before, _) = plan(&delivered.store, &asked);
    let folder = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01";
    for name in ["notes.txt", "", "111122223333_CloudTrail_us-east-1_20260901T2305Z_abcdefgh12345678.json.gz"]
    {
        let location = Location::new("trail-logs", format!("{folder}/{name}"));
        let body: &[u8] = if name.is_empty() { b"" } else { b"x" };
        delivered.store.put(&location, body, &Metadata::new()).unwrap();
    }
    assert_eq!(plan(&delivered.store, &asked).0.logs(), before.logs());
}

#[test]
fn a_listing_that_fails_is_a_finding() {
    let delivered = deliver(&organization());
    let asked = request(&["trail-logs"], delivered.simulated.end);
    let whole = plan(&delivered.store, &asked).0;
    for (prefix, kind) in [
        ("AWSLogs/o-abcdefghij/444455556666/CloudTrail-Digest/", Kind::DigestUnreadable),
        ("AWSLogs/o-abcdefghij/444455556666/CloudTrail-Digest/eu-west-3/", Kind::DigestUnreadable),
        ("AWSLogs/o-abcdefghij/444455556666/CloudTrail/eu-west-3/", Kind::LogUnreadable),
        ("AWSLogs/o-abcdefghij/", Kind::DigestUnreadable),
        ("", Kind::DigestUnreadable),
    ] {
        let store = Watched::refusing(&delivered.store, prefix);
        let (planned, _) = plan(&store, &asked);
        assert!(!planned.is_complete(), "{prefix}");
        // Where the folder of the regions cannot be listed, the folders of regions with log files are tried.
        let is_read = prefix.ends_with("CloudTrail-Digest/");
        assert_eq!(planned.reads().objects == whole.reads().objects, is_read, "{prefix}");
        assert!(planned.reads().objects <= whole.reads().objects, "{prefix}");
        let uri = format!("s3://trail-logs/{prefix}");
        let said = planned.findings.iter().filter(|finding| finding.kind == kind);
        assert_eq!(said.filter(|finding| finding.uri.as_deref() == Some(&uri)).count(), 1, "{prefix}");
    }
}

#[test]
fn nothing_found_is_no_success() {
    let empty = MemoryStore::new();
    let end = time("2026-09-02T00:00:00Z");
    let (planned, _) = plan(&empty, &request(&["trail-logs"], end));
    let kinds: Vec<Kind> = planned.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!((kinds, planned.is_complete()), (vec![Kind::NoDigests], false));
    assert_eq!(planned.reads().objects, 0);
    let delivered = deliver(&Spec::default());
    for narrow in 0..3 {
        let mut asked = request(&["trail-logs"], delivered.simulated.end);
        match narrow {
            0 => asked.accounts.push("999999999999".to_owned()),
            1 => asked.regions = vec!["us-east-1".to_owned(), "eu-west-3".to_owned()],
            _ => asked.trails.push("other".to_owned()),
        }
        let (planned, _) = plan(&delivered.store, &asked);
        assert!(!planned.is_complete(), "{narrow}: {:#?}", planned.findings);
        assert!(planned.findings.iter().any(|finding| finding.kind == Kind::NoDigests), "{narrow}");
    }
}

/// Log files beside which there is no digest are not read, and that is said as a run says it.
#[test]
fn log_files_without_digests_are_said() {
    let delivered = deliver(&Spec::default());
    for location in delivered.store.locations() {
        if location.key.contains("CloudTrail-Digest") {
            delivered.store.purge(&location);
        }
    }
    let asked = request(&["trail-logs"], delivered.simulated.end);
    let (planned, ran, _) = both(&delivered, &asked);
    assert_eq!(planned.reads().objects, 0);
    let said = |findings: &[trailproof::event::Finding]| -> Vec<(Kind, String)> {
        findings.iter().map(|finding| (finding.kind, finding.message())).collect()
    };
    assert_eq!(said(&planned.findings), said(&ran.findings));
}

#[test]
fn a_directory_is_planned_as_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirectoryStore::of_buckets(dir.path()).unwrap();
    let simulated = simulate(&organization(), &store).unwrap();
    let source = SourceFolder { bucket: "trail-logs".to_owned(), prefix: String::new() };
    let asked = ValidationRequest { sources: vec![source], ..request(&[], simulated.end) };
    let (planned, _) = plan(&store, &asked);
    let ran = run(&store, &keys(simulated.keys_json.as_bytes()), &asked, 2);
    assert_eq!(planned.inside().objects, ran.counts.digests.valid);
    assert_eq!(planned.logs().objects, ran.counts.logs.valid);
    assert_eq!(planned.reads().bytes, ran.counts.compressed_bytes);
    assert!(planned.is_complete());
}

/// The same digest named twice by a listing is read once.
#[test]
fn an_object_that_is_listed_twice_is_counted_once() {
    let delivered = deliver(&Spec::default());
    let asked = request(&["trail-logs"], delivered.simulated.end);
    let once = plan(&delivered.store, &asked).0;
    let twice = plan(&Watched::repeating(&delivered.store, "CloudTrail-Digest/"), &asked).0;
    assert_eq!(once.chains, twice.chains);
}

/// A digest that is dated in the future is named, and not read.
#[test]
fn a_digest_of_the_future_is_not_planned() {
    let delivered = deliver(&Spec { hours: 4, ..Spec::default() });
    let mut asked = request(&["trail-logs"], delivered.simulated.end);
    asked.now = Timestamp::from_unix(asked.range.end.unix() - 2 * HOUR);
    asked.range.end = asked.now;
    let (planned, _) = plan(&delivered.store, &asked);
    assert_eq!((planned.inside().objects, planned.beside().objects), (3, 1));
    assert!(planned.findings.iter().any(|finding| finding.kind == Kind::ObjectUnrecognised));
}
