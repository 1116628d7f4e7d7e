//! A bucket and its replica in one run: each is validated, and what one lacks is named where the other has it.

use trailproof::event::{Kind, Verdict};
use trailproof::ident::{Location, Relocation};
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Store as _};
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
        Self::without(usize::MAX)
    }

    /// The replica never had one of the log files.
    fn without(left_out: usize) -> Self {
        let delivered = deliver(&Spec { hours: 6, logs_per_hour: 2, events_per_log: 1, ..Spec::default() });
        let store = &delivered.store;
        let keys: Vec<String> = store.list(BUCKET, "", None).map(|listed| listed.unwrap().key).collect();
        let left_out = keys.iter().filter(|key| key.contains("/CloudTrail/")).nth(left_out);
        for key in keys.iter().filter(|key| Some(*key) != left_out) {
            let (body, metadata) = read(store, &Location::new(BUCKET, key.as_str()));
            store.put(&Location::new(REPLICA, key.as_str()), &body, &metadata).unwrap();
        }
        let logs = keys.iter().filter(|key| key.contains("/CloudTrail/"));
        let logs = logs.map(|key| Location::new(BUCKET, key.as_str())).collect();
        Self { delivered, logs }
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
    let ran = Pair::without(3).run();
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
