//! Two copies of a lost bucket, whose digests list log files in more than one log folder.

use serde_json::{Value, json};
use trailproof::event::{Kind, Verdict};
use trailproof::ident::{DigestKey, Location, RegionFolder, Sha256Hash};
use trailproof::store::Deposit as _;
use trailproof::store::memory::MemoryStore;
use trailproof::time::{HOUR, Timestamp};

use super::{BUCKET, ORDERS, REPLICA, run_copies_of_lost};
use crate::bodies::{gzip, read};
use crate::signing::{self, signer};
use crate::support::Ran;

const DIGEST: &str = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/\
    111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T000657Z.json.gz";

const SERVICES: [&str; 2] = ["CloudTrail", "CloudTrail-Insight"];

fn at(hour: i64) -> Timestamp {
    Timestamp::from_unix(1_788_221_217 + hour * HOUR)
}

/// Where a log file of half past `hour` lies.
fn log(bucket: &str, service: &str, hour: i64, unique: &str) -> Location {
    let time = at(hour).plus(HOUR / 2);
    let name = format!("111122223333_{service}_us-east-1_{}_{unique}.json.gz", time.log_name());
    let folder = format!("AWSLogs/111122223333/{service}/us-east-1/{}", time.day_folder());
    Location::new(bucket, format!("{folder}/{name}"))
}

struct Copies {
    store: MemoryStore,
    digests: Vec<DigestKey>,
}

impl Copies {
    /// Six hours of which each lists a log file in both folders, in two buckets. The bucket of the delivery is gone.
    fn make() -> Self {
        let (made, mut record) = (MemoryStore::new(), json!({}));
        let (mut places, mut digests) = (Vec::new(), Vec::new());
        for hour in 0..6 {
            let logs = SERVICES.iter().filter(|_| hour > 0);
            let logs: Vec<Location> =
                logs.map(|service| log("lost", service, hour - 1, "genuine000000000")).collect();
            record["logFiles"] = logs.iter().map(|log| entry(&made, log)).collect();
            let key = signing::key(DIGEST, at(hour), false);
            let key =
                DigestKey { folder: RegionFolder { bucket: "lost".into(), ..key.folder.clone() }, ..key };
            record = signing::put(&made, &signing::document(&key, &record));
            places.push(key.location());
            places.extend(logs);
            digests.push(key);
        }
        let store = MemoryStore::new();
        for place in &places {
            let (body, metadata) = read(&made, place);
            for bucket in [BUCKET, REPLICA] {
                store.put(&Location::new(bucket, place.key.clone()), &body, &metadata).unwrap();
            }
        }
        Self { store, digests }
    }

    fn put(&self, log: &Location) {
        self.store.put(log, &gzip(br#"{"Records":[]}"#), &Default::default()).unwrap();
    }

    fn run(&self, sources: [&str; 2]) -> Ran {
        run_copies_of_lost(&self.store, &signer().ring, at(5), sources)
    }
}

/// Puts a log file, and returns what a digest lists of it.
fn entry(store: &MemoryStore, log: &Location) -> Value {
    let content = log.key.as_bytes();
    store.put(log, &gzip(content), &Default::default()).unwrap();
    json!({
        "s3Bucket": &*log.bucket,
        "s3Object": &*log.key,
        "hashValue": Sha256Hash::of(content).to_string(),
        "hashAlgorithm": "SHA-256",
    })
}

#[test]
fn a_log_file_that_no_digest_lists_is_named_in_either_copy() {
    for order in ORDERS {
        let ran = Copies::make().run(order);
        assert_eq!(ran.verdict, Verdict::Intact, "{order:?}: {:#?}", ran.findings);
        for (bucket, service) in ORDERS[0].into_iter().flat_map(|bucket| SERVICES.map(|of| (bucket, of))) {
            let (copies, forged) = (Copies::make(), log(bucket, service, 2, "forged0000000000"));
            copies.put(&forged);
            let ran = copies.run(order);
            assert_eq!(ran.kinds(), [Kind::LogUnreferenced], "{forged}: {:#?}", ran.findings);
            let found = ran.findings.iter().find(|one| one.kind == Kind::LogUnreferenced);
            assert_eq!(found.unwrap().uri, Some(forged.to_string()), "{order:?}");
        }
    }
}

/// A digest that is gone from both copies leaves the log files of its hour unlisted, and nobody says that there are no
/// digests.
#[test]
fn digests_that_both_copies_lack_are_missing_from_both() {
    let copies = Copies::make();
    for bucket in [BUCKET, REPLICA] {
        copies.store.delete(&Location::new(bucket, copies.digests[3].location().key)).unwrap();
    }
    for order in ORDERS {
        let ran = copies.run(order);
        assert_eq!(ran.verdict, Verdict::Tampered);
        assert!(!ran.kinds().contains(&Kind::NoDigests), "{order:?}: {:#?}", ran.findings);
        assert!(ran.kinds().contains(&Kind::DigestDeleted), "{order:?}: {:#?}", ran.findings);
    }
}
