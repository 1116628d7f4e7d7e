//! A bucket and its replica in one run: each is validated, and what one lacks is named where the other has it.

mod insights;

use std::collections::BTreeSet;
use std::ops::Range;

use trailproof::event::{Kind, Severity, Verdict};
use trailproof::ident::{Location, Relocation};
use trailproof::keys::KeyRing;
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Store as _, StoreError};
use trailproof::time::Timestamp;
use trailproof::validate::ValidationRequest;

use crate::bodies::{gzip, read};
use crate::support::{Delivered, Ran, deliver, request, run};

const BUCKET: &str = "trail-logs";
const REPLICA: &str = "trail-logs-dr";

struct Pair {
    delivered: Delivered,
    logs: Vec<Location>,
}

impl Pair {
    fn make() -> Self {
        Self::without("/CloudTrail/", usize::MAX..usize::MAX)
    }

    /// The replica never had some of the objects whose keys contain `part`.
    fn without(part: &str, left_out: Range<usize>) -> Self {
        let delivered = deliver(&Spec { hours: 6, logs_per_hour: 2, events_per_log: 1, ..Spec::default() });
        let store = &delivered.store;
        let keys: Vec<String> = store.list(BUCKET, "", None).map(|listed| listed.unwrap().key).collect();
        let part = keys.iter().filter(|key| key.contains(part)).enumerate();
        let left_out: BTreeSet<&String> =
            part.filter(|(number, _)| left_out.contains(number)).map(|(_, key)| key).collect();
        for key in keys.iter().filter(|key| !left_out.contains(key)) {
            let (body, metadata) = read(store, &Location::new(BUCKET, key.as_str()));
            store.put(&Location::new(REPLICA, key.as_str()), &body, &metadata).unwrap();
        }
        let logs = keys.iter().filter(|key| key.contains("/CloudTrail/"));
        let logs = logs.map(|key| Location::new(BUCKET, key.as_str())).collect();
        Self { delivered, logs }
    }

    /// Two copies of a bucket called `lost`.
    fn moved() -> Self {
        let spec = Spec { hours: 6, logs_per_hour: 2, events_per_log: 1, ..Spec::default() };
        let delivered = deliver(&Spec { bucket: "lost".to_owned(), ..spec });
        let store = &delivered.store;
        let keys: Vec<String> = store.list("lost", "", None).map(|listed| listed.unwrap().key).collect();
        for key in &keys {
            let place = |bucket| Location::new(bucket, key.as_str());
            let (body, metadata) = read(store, &place("lost"));
            store.put(&place(BUCKET), &body, &metadata).unwrap();
            store.put(&place(REPLICA), &body, &metadata).unwrap();
            store.delete(&place("lost")).unwrap();
        }
        let logs = keys.iter().filter(|key| key.contains("/CloudTrail/"));
        let logs = logs.map(|key| Location::new(BUCKET, key.as_str())).collect();
        Self { delivered, logs }
    }

    /// The digests, oldest first.
    fn digests(&self) -> Vec<Location> {
        let keys = self.store().list(BUCKET, "", None).map(|listed| listed.unwrap().key);
        let digests = keys.filter(|key| key.contains("/CloudTrail-Digest/"));
        digests.map(|key| Location::new(BUCKET, key.as_str())).collect()
    }

    fn store(&self) -> &MemoryStore {
        &self.delivered.store
    }

    fn request(&self) -> ValidationRequest {
        let mut asked = request(&[BUCKET, REPLICA], self.delivered.simulated.end);
        asked.relocations = vec![Relocation {
            from_bucket: BUCKET.to_owned(),
            from_prefix: String::new(),
            to_bucket: REPLICA.to_owned(),
            to_prefix: String::new(),
        }];
        asked
    }

    fn run(&self) -> Ran {
        let one = run(self.store(), &self.delivered.keys, &self.request(), 1);
        assert_eq!(one.json, run(self.store(), &self.delivered.keys, &self.request(), 3).json);
        one
    }
}

fn in_replica(location: &Location) -> Location {
    Location::new(REPLICA, location.key.clone())
}

#[test]
fn both_whole_is_intact() {
    let ran = Pair::make().run();
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (14, 24), "both were looked at");
}

#[test]
fn what_the_bucket_lost_is_named_in_the_replica() {
    let pair = Pair::make();
    pair.store().delete(&pair.logs[3]).unwrap();
    pair.store().put(&pair.logs[5], &gzip(b"{}"), &Default::default()).unwrap();
    let ran = pair.run();
    assert_eq!(ran.verdict, Verdict::Tampered);
    assert_eq!(ran.counts.logs.tampered, 2, "{:#?}", ran.findings);
    for log in [&pair.logs[3], &pair.logs[5]] {
        let uri = log.to_string();
        let found: Vec<_> =
            ran.findings.iter().filter(|finding| finding.uri.as_deref() == Some(&uri)).collect();
        assert_eq!(found.len(), 1, "{:#?}", ran.findings);
        assert_eq!(found[0].original, Some(in_replica(log).to_string()));
        assert!(found[0].message().contains(REPLICA), "{}", found[0].message());
    }
}

#[test]
fn what_the_replica_lacks_is_no_accusation() {
    let ran = Pair::without("/CloudTrail/", 3..4).run();
    assert_eq!(ran.counts.logs.tampered + ran.counts.digests.tampered, 0, "{:#?}", ran.findings);
    assert_eq!((ran.verdict, ran.kinds()), (Verdict::Incomplete, vec![Kind::LogUnreadable]));
}

#[test]
fn what_was_changed_in_the_replica_is_tampered_with() {
    let pair = Pair::make();
    pair.store().put(&in_replica(&pair.logs[3]), &gzip(b"{}"), &Default::default()).unwrap();
    let ran = pair.run();
    assert_eq!((ran.verdict, ran.kinds()), (Verdict::Tampered, vec![Kind::LogModified]));
    assert_eq!(
        ran.findings.iter().find_map(|finding| finding.original.clone()),
        Some(pair.logs[3].to_string())
    );
}

/// A replica that began later, or lags behind, lacks digests that its own digests record.
#[test]
fn a_younger_replica_is_not_accused() {
    let ran = Pair::without("/CloudTrail-Digest/", 0..3).run();
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    assert_eq!(ran.counts.logs.tampered + ran.counts.digests.tampered, 0, "{:#?}", ran.findings);
    let missed: Vec<_> =
        ran.findings.iter().filter(|finding| finding.kind == Kind::DigestUnreadable).collect();
    assert!(!missed.is_empty(), "{:#?}", ran.findings);
    for finding in missed {
        assert!(finding.message().contains("not in this replica"), "{}", finding.message());
        assert!(finding.copy.as_ref().unwrap().contains(REPLICA), "{finding:#?}");
    }
}

/// Whoever accepts a loss of the replica accepts nothing of the original.
#[test]
fn a_loss_of_the_replica_is_another_finding_than_the_same_loss_of_the_original() {
    let ids = |place: fn(&Location) -> Location| {
        let pair = Pair::make();
        pair.store().put(&place(&pair.logs[3]), &gzip(b"{}"), &Default::default()).unwrap();
        let newest = pair.digests().pop().unwrap();
        pair.store().delete(&place(&newest)).unwrap();
        let grave = pair.run().findings.into_iter().filter(|one| one.severity > Severity::Notice);
        grave.map(|finding| finding.id()).collect::<BTreeSet<_>>()
    };
    let (of_original, of_replica) = (ids(Clone::clone), ids(in_replica));
    assert!(of_original.len() > 1 && of_replica.len() > 1, "{of_original:?} {of_replica:?}");
    assert_eq!(of_original.intersection(&of_replica).count(), 0);
}

/// Copies of a bucket, without the bucket: each object once, wherever it lies.
fn run_copies(pair: &Pair, sources: [&str; 2]) -> Ran {
    run_copies_of_lost(pair.store(), &pair.delivered.keys, pair.delivered.simulated.end, sources)
}

/// The same for any copies of a bucket called `lost`.
fn run_copies_of_lost(store: &MemoryStore, keys: &KeyRing, end: Timestamp, sources: [&str; 2]) -> Ran {
    let mut asked = request(&sources, end);
    asked.relocations = sources
        .map(|to| Relocation {
            from_bucket: "lost".to_owned(),
            from_prefix: String::new(),
            to_bucket: to.to_owned(),
            to_prefix: String::new(),
        })
        .to_vec();
    let one = run(store, keys, &asked, 1);
    assert_eq!(one.json, run(store, keys, &asked, 3).json);
    one
}

const ORDERS: [[&str; 2]; 2] = [[BUCKET, REPLICA], [REPLICA, BUCKET]];

#[test]
fn equal_copies_and_parts_of_one_bucket_are_intact() {
    let whole = Pair::moved();
    let parts = Pair::moved();
    for (number, digest) in parts.digests().into_iter().enumerate() {
        // An overlap of one digest.
        if number >= 3 {
            parts.store().delete(&digest).unwrap();
        }
        if number < 2 {
            parts.store().delete(&in_replica(&digest)).unwrap();
        }
    }
    for (number, log) in parts.logs.iter().enumerate() {
        let place = if number % 2 == 0 { log.clone() } else { in_replica(log) };
        parts.store().delete(&place).unwrap();
    }
    for pair in [whole, parts] {
        for order in ORDERS {
            let ran = run_copies(&pair, order);
            assert_eq!(ran.verdict, Verdict::Intact, "{order:?}: {:#?}", ran.findings);
            assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (7, 12));
        }
    }
}

/// A change in one copy is seen, whichever copy is named first.
#[test]
fn a_change_in_either_copy_is_seen() {
    for place in [Clone::clone, in_replica] as [fn(&Location) -> Location; 2] {
        for order in ORDERS {
            let pair = Pair::moved();
            pair.store().put(&place(&pair.logs[3]), &gzip(b"{}"), &Default::default()).unwrap();
            let ran = run_copies(&pair, order);
            assert_eq!((ran.verdict, ran.kinds()), (Verdict::Tampered, vec![Kind::LogModified]), "{order:?}");
            let found = ran.findings.iter().find(|one| one.kind == Kind::LogModified).unwrap();
            assert_eq!(found.copy, Some(place(&pair.logs[3]).to_string()));
            assert!(found.original.is_some() && found.original != found.copy, "{found:#?}");
            let pair = Pair::moved();
            pair.store().put(&place(&pair.digests()[3]), &gzip(b"{}"), &Default::default()).unwrap();
            let ran = run_copies(&pair, order);
            assert_ne!(ran.verdict, Verdict::Intact, "{order:?}: {:#?}", ran.findings);
        }
    }
}

/// A copy that lost its metadata has the same bytes; other metadata are another thing.
#[test]
fn metadata_that_one_copy_lost_are_no_difference() {
    for place in [Clone::clone, in_replica] as [fn(&Location) -> Location; 2] {
        for order in ORDERS {
            let pair = Pair::moved();
            let digest = place(&pair.digests()[3]);
            let (body, metadata) = read(pair.store(), &digest);
            pair.store().put(&digest, &body, &Default::default()).unwrap();
            let ran = run_copies(&pair, order);
            assert_eq!(ran.verdict, Verdict::Intact, "{order:?}: {:#?}", ran.findings);
            let other = metadata.into_keys().map(|name| (name, "00".to_owned())).collect();
            pair.store().put(&digest, &body, &other).unwrap();
            assert_ne!(run_copies(&pair, order).verdict, Verdict::Intact, "{order:?}");
        }
    }
}

/// A copy that cannot be read was not looked at.
#[test]
fn an_unreadable_copy_is_incomplete() {
    for place in [Clone::clone, in_replica] as [fn(&Location) -> Location; 2] {
        for order in ORDERS {
            let pair = Pair::moved();
            pair.store().refuse(&place(&pair.logs[3]), StoreError::Denied("by the test".to_owned()));
            let ran = run_copies(&pair, order);
            assert_eq!(ran.verdict, Verdict::Incomplete, "{order:?}: {:#?}", ran.findings);
        }
    }
}
