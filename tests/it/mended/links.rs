//! Chains that touch each other without belonging together, and the keys that prove them.

use serde_json::{Value, json};
use trailproof::event::{Event, Kind, Verdict};
use trailproof::ident::Relocation;
use trailproof::ident::{ChainId, DigestKey, Location};
use trailproof::keys::{KeyRing, saved};
use trailproof::simulate::{self, Spec};
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};

use super::{document as content, hour, ran};
use crate::bodies::read;
use crate::signing::{document, key, put, signer};
use crate::support::{Delivered, Ran, deliver, request, run};

const KEY: &str = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/\
    111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T010657Z.json.gz";

fn chains(ran: &Ran) -> Vec<ChainId> {
    let id = |event: &Event| match event {
        Event::Chain(chain) => Some(chain.id.clone()),
        _ => None,
    };
    ran.events.iter().filter_map(id).collect()
}

/// Six hours of one trail. Returns what a digest that follows each of them records of it.
fn hourly(store: &MemoryStore) -> Vec<Value> {
    let mut records = vec![json!({})];
    for number in 1..=6 {
        records.push(put(store, &document(&key(KEY, hour(number), false), records.last().unwrap())));
    }
    records.split_off(1)
}

fn backfill(store: &MemoryStore, number: i64, previous: &Value) -> Value {
    put(store, &document(&key(KEY, hour(number), true), previous))
}

fn assert_two_whole_chains(store: &MemoryStore, backfilled: u64) {
    for jobs in [1, 3] {
        let ran = run(store, &signer().ring, &request(&["b"], hour(6)), jobs);
        assert_eq!((ran.kinds(), ran.verdict), (vec![], Verdict::Intact), "{:#?}", ran.findings);
        assert_eq!(ran.counts.digests.valid, 6 + backfilled);
        assert_eq!(chains(&ran).iter().map(|id| id.backfill).collect::<Vec<_>>(), [false, true]);
    }
}

#[test]
fn backfill_digests_may_follow_hourly_ones() {
    let store = MemoryStore::new();
    let hours = hourly(&store);
    for number in [1, 2, 4] {
        backfill(&store, number, &hours[5]);
    }
    assert_two_whole_chains(&store, 3);
}

#[test]
fn backfill_digests_may_follow_an_hourly_one_and_then_each_other() {
    let store = MemoryStore::new();
    let hours = hourly(&store);
    let first = backfill(&store, 1, &hours[4]);
    let second = backfill(&store, 2, &first);
    backfill(&store, 5, &second);
    assert_two_whole_chains(&store, 3);
}

/// The one that was made first is of a later hour than the one that follows it.
fn backfilled_in_disorder() -> MemoryStore {
    let store = MemoryStore::new();
    let hours = hourly(&store);
    let first = backfill(&store, 4, &hours[5]);
    let second = backfill(&store, 1, &first);
    backfill(&store, 3, &second);
    store
}

#[test]
fn backfill_digests_may_follow_each_other_in_any_order_and_count_once() {
    assert_two_whole_chains(&backfilled_in_disorder(), 3);
}

#[test]
fn they_count_once_in_a_copy_whose_move_is_named() {
    let (store, copy) = (backfilled_in_disorder(), MemoryStore::new());
    for location in store.locations() {
        let (body, metadata) = read(&store, &location);
        copy.put(&Location::new("c", &*location.key), &body, &metadata).unwrap();
    }
    let mut asked = request(&["c"], hour(6));
    asked.relocations.push(Relocation {
        from_bucket: "b".to_owned(),
        from_prefix: String::new(),
        to_bucket: "c".to_owned(),
        to_prefix: String::new(),
    });
    let ran = run(&copy, &signer().ring, &asked, 2);
    assert_eq!((ran.kinds(), ran.verdict), (vec![], Verdict::Intact), "{:#?}", ran.findings);
    assert_eq!(ran.counts.digests.valid, 9);
}

/// The first one was replaced after the second one had recorded it.
#[test]
fn a_backfill_digest_of_a_later_hour_has_to_be_what_was_recorded() {
    let store = MemoryStore::new();
    let hours = hourly(&store);
    let first = backfill(&store, 4, &hours[5]);
    backfill(&store, 1, &first);
    backfill(&store, 4, &hours[4]);
    let ran = run(&store, &signer().ring, &request(&["b"], hour(6)), 2);
    assert_eq!((ran.kinds(), ran.verdict), (vec![Kind::ChainBroken], Verdict::Tampered));
    let broken = ran.findings.iter().find(|finding| finding.kind == Kind::ChainBroken).unwrap();
    assert_eq!(broken.uri, Some(key(KEY, hour(4), true).location().to_string()));
    assert_eq!(ran.counts.digests.valid, 8);
}

/// Where there is no hourly digest, that is what is said, and not that the one is missing which was recorded.
#[test]
fn backfill_digests_alone_do_not_miss_the_hourly_one_that_they_record() {
    let store = MemoryStore::new();
    let hours = hourly(&store);
    (1..=6).for_each(|number| store.purge(&key(KEY, hour(number), false).location()));
    backfill(&store, 1, &hours[2]);
    let ran = run(&store, &signer().ring, &request(&["b"], hour(6)), 2);
    assert_eq!(
        (ran.kinds(), ran.verdict),
        (vec![Kind::NoDigests], Verdict::Incomplete),
        "{:#?}",
        ran.findings
    );
}

/// A trail of another name that nothing is left of: nobody else tells that its digest is gone.
#[test]
fn a_digest_of_another_trail_that_is_recorded_has_to_be_there() {
    let store = MemoryStore::new();
    let other = key(&KEY.replace("_audit_", "_other_"), hour(1), false);
    let record = put(&store, &document(&other, &json!({})));
    put(&store, &document(&key(KEY, hour(2), false), &record));
    store.purge(&other.location());
    let ran = run(&store, &signer().ring, &request(&["b"], hour(2)), 2);
    assert_eq!(ran.verdict, Verdict::Tampered, "{:#?}", ran.findings);
    let missing = ran.findings.iter().find(|finding| finding.kind == Kind::DigestMissing).unwrap();
    assert_eq!(missing.uri, Some(other.location().to_string()));
}

/// The window of a digest after a stop is longer than the hour that its name tells, and begins in the asked range.
#[test]
fn an_unproved_digest_is_asked_for_by_the_window_it_claims() {
    let store = MemoryStore::new();
    let first = put(&store, &document(&key(KEY, hour(1), false), &json!({})));
    let late = key(KEY, hour(4), false);
    let mut long = document(&late, &first);
    long["digestStartTime"] = hour(1).to_string().into();
    put(&store, &long);
    let (body, _) = read(&store, &late.location());
    store.put(&late.location(), &body, &Metadata::new()).unwrap();
    let ran = run(&store, &signer().ring, &request(&["b"], hour(2)), 2);
    assert_eq!(ran.kinds(), [Kind::ChainStale, Kind::DigestUnsigned], "{:#?}", ran.findings);
}

/// Hours are delivered one after another: what an earlier one records as the one before it cannot have come later.
#[test]
fn an_hourly_digest_that_an_older_one_records_is_a_broken_chain() {
    let store = MemoryStore::new();
    let third = put(&store, &document(&key(KEY, hour(3), false), &json!({})));
    let fourth = put(&store, &document(&key(KEY, hour(4), false), &third));
    put(&store, &document(&key(KEY, hour(2), false), &fourth));
    let ran = run(&store, &signer().ring, &request(&["b"], hour(4)), 2);
    assert_eq!(
        (ran.kinds(), ran.verdict),
        // The third one starts a chain, and covers nothing.
        (vec![Kind::ChainGap, Kind::ChainBroken], Verdict::Tampered),
        "{:#?}",
        ran.findings
    );
    let broken = ran.findings.iter().find(|finding| finding.kind == Kind::ChainBroken).unwrap();
    assert_eq!(broken.uri, Some(key(KEY, hour(4), false).location().to_string()));
    assert!(
        broken.message().starts_with("another digest names this digest as its predecessor"),
        "{broken:?}"
    );
}

/// A record of an hourly digest is left to the hourly chain. One of a backfill digest is not.
#[test]
fn a_backfill_digest_that_another_one_records_has_to_be_there() {
    let store = MemoryStore::new();
    let hours = hourly(&store);
    let first = backfill(&store, 1, &hours[4]);
    backfill(&store, 3, &first);
    store.purge(&key(KEY, hour(1), true).location());
    let ran = run(&store, &signer().ring, &request(&["b"], hour(6)), 2);
    assert_eq!(
        (ran.kinds(), ran.verdict),
        (vec![Kind::DigestMissing], Verdict::Tampered),
        "{:#?}",
        ran.findings
    );
}

/// The hourly chain misses it, once.
#[test]
fn an_hourly_digest_that_a_backfill_digest_records_is_missed_once() {
    let store = MemoryStore::new();
    let hours = hourly(&store);
    backfill(&store, 1, &hours[2]);
    store.purge(&key(KEY, hour(3), false).location());
    let ran = run(&store, &signer().ring, &request(&["b"], hour(6)), 2);
    let mut kinds = ran.kinds();
    kinds.sort_unstable();
    assert_eq!(kinds, [Kind::DigestMissing, Kind::ChainGap], "{:#?}", ran.findings);
    assert_eq!((ran.counts.digests.valid, ran.counts.digests.tampered), (6, 1));
}

fn in_organization(spec: &Spec) -> Spec {
    Spec { organization: Some("o-abcdefghij".to_owned()), ..spec.clone() }
}

/// Both rings of keys, as one.
fn merged(one: &str, other: &str) -> KeyRing {
    let mut ring = KeyRing::new();
    for json in [one, other] {
        saved::load(&mut ring, "public-keys.json", json.as_bytes()).unwrap();
    }
    ring
}

#[test]
fn an_accounts_trail_and_its_organizations_of_the_same_name_are_two_chains() {
    for seed in [0, 1] {
        let spec = Spec { hours: 5, logs_per_hour: 1, events_per_log: 1, ..Spec::default() };
        let own = deliver(&spec);
        let other = simulate::simulate(&Spec { seed, ..in_organization(&spec) }, &own.store).unwrap();
        let keys = merged(&own.simulated.keys_json, &other.keys_json);
        let both = Delivered { keys, ..own };
        let ran = ran(&both, &request(&["trail-logs"], both.simulated.end));
        assert_eq!((ran.kinds(), ran.verdict), (vec![], Verdict::Intact), "{:#?}", ran.findings);
        assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (12, 10));
        let organizations: Vec<_> = chains(&ran).into_iter().map(|id| id.organization).collect();
        assert_eq!(organizations, [None, Some("o-abcdefghij".into())]);
    }
}

/// The fingerprints in the report.
fn used(ran: &Ran) -> Vec<String> {
    let report: Value = serde_json::from_str(&ran.json).unwrap();
    let keys = report["keys"].as_array().unwrap().iter();
    keys.map(|key| key["fingerprint"].as_str().unwrap().to_owned()).collect()
}

/// The fingerprints that the digests of `trail` name, one for each hour.
fn named(delivered: &Delivered, trail: &str) -> Vec<String> {
    let digests: Vec<DigestKey> =
        super::digests(&delivered.store, trail).into_iter().map(|(key, _)| key).collect();
    let fingerprint = |key: &DigestKey| content(&delivered.store, key)["digestPublicKeyFingerprint"].clone();
    digests.iter().map(|key| fingerprint(key).as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_report_names_the_keys_of_the_asked_range_alone() {
    let delivered = deliver(&Spec {
        hours: 8,
        rotate_keys_every: Some(2),
        logs_per_hour: 1,
        events_per_log: 1,
        ..Spec::default()
    });
    let named = named(&delivered, "audit");
    let mut asked = request(&["trail-logs"], hour(6));
    asked.range.start = Some(hour(4));
    let ran = ran(&delivered, &asked);
    assert_eq!((ran.kinds(), ran.verdict), (vec![], Verdict::Intact), "{:#?}", ran.findings);
    assert_ne!(named[3], named[4]);
    assert_eq!(used(&ran), [named[4].clone()]);
    assert_eq!(named[4], named[5]);
}

#[test]
fn a_report_names_the_keys_of_the_asked_trails_alone() {
    let spec = Spec { hours: 4, logs_per_hour: 1, events_per_log: 1, ..Spec::default() };
    let one = deliver(&Spec { trails: vec!["t-one".to_owned()], seed: 1, ..spec.clone() });
    let two = Spec { trails: vec!["t-two".to_owned()], seed: 2, ..spec };
    let two = simulate::simulate(&two, &one.store).unwrap();
    let both = Delivered { keys: merged(&one.simulated.keys_json, &two.keys_json), ..one };
    let mut asked = request(&["trail-logs"], hour(4));
    assert_eq!(used(&ran(&both, &asked)).len(), 2);
    asked.trails = vec!["t-one".to_owned()];
    let narrow = ran(&both, &asked);
    assert_eq!((narrow.kinds(), narrow.verdict), (vec![], Verdict::Intact), "{:#?}", narrow.findings);
    assert_eq!(used(&narrow), [named(&both, "t-one")[0].clone()]);
}
