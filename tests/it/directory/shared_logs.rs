//! Two buckets in one folder, of which one has more log folders: no addition is shown where no run looks for it.

use serde_json::json;
use trailproof::event::Kind;
use trailproof::ident::{DigestKey, Location, LogFolder, LogFolderKey, RegionFolder, Sha256Hash};
use trailproof::store::directory::DirectoryStore;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::{ReadLimits, copies};

use crate::signing::{self, signer};
use crate::support::{request, run, time};

/// Two buckets, and only the second has log files in a log folder beside `CloudTrail/`: an addition there is named in the
/// second, however many trails deliver to the first.
#[test]
fn an_addition_in_a_log_folder_of_one_of_the_buckets_is_named() {
    for logs in [LogFolder::Insight, LogFolder::NetworkActivity, LogFolder::Aggregated] {
        for first in [&["audit"][..], &["audit", "team"], &["audit", "team", "zebra"]] {
            for is_named_like_time in [true, false] {
                let (copy, added) = with_log_folder(logs, first, is_named_like_time);
                let opened =
                    copies::open(&[copy.path().to_owned()], &signer().ring, &ReadLimits::default()).unwrap();
                let mut asked = request(&[], time("2026-09-01T10:06:57Z"));
                (asked.sources, asked.findings) = (opened.sources, opened.findings);
                let ran = run(&opened.store, &signer().ring, &asked, 2);
                let about = format!("{logs:?} beside {first:?}");
                assert_eq!(ran.kinds(), [Kind::LogUnreferenced], "{about}: {:#?}", ran.findings);
                let uri = ran.findings.iter().find(|finding| finding.kind == Kind::LogUnreferenced);
                assert_eq!(uri.unwrap().uri, Some(format!("s3://two/{added}")), "{about}");
            }
        }
    }
}

/// A folder with two buckets: the trails `first` deliver to `one`, and the trail `sec` to `two`, with log files in `logs`
/// too. The second value is the key of a file in `logs` that no digest lists.
fn with_log_folder(logs: LogFolder, first: &[&str], is_named_like_time: bool) -> (tempfile::TempDir, String) {
    let copy = tempfile::tempdir().unwrap();
    let disk = DirectoryStore::of_buckets(copy.path()).unwrap();
    let central = |location: &Location| Location::new("central", &*location.key);
    let folder = |bucket: &str| RegionFolder {
        bucket: bucket.into(),
        root: "".into(),
        organization: None,
        account: "111122223333".into(),
        region: "us-east-1".into(),
    };
    let log_key = |folder: &RegionFolder, logs: LogFolder, minute: Timestamp, unique: &str| {
        let key = LogFolderKey::make(folder, minute, unique);
        key.replace("/CloudTrail/", &format!("/{}/", logs.as_str()))
            .replace("_CloudTrail_", &format!("_{}_", logs.as_str()))
    };
    let trails = first.iter().map(|trail| (*trail, "one", &[LogFolder::CloudTrail][..]));
    let both = [LogFolder::CloudTrail, logs];
    for (trail, bucket, kinds) in trails.chain([("sec", "two", &both[..])]) {
        let mut previous = json!({});
        for hour in 0..11 {
            let end = time("2026-09-01T00:06:57Z").plus(hour * HOUR);
            let (trail, home_region) = (trail.into(), "us-east-1".into());
            let key = DigestKey { folder: folder(bucket), trail, home_region, end, backfill: false };
            let mut document = signing::document(&key, &previous);
            let delivered = kinds.iter().filter(|_| hour > 0).map(|logs| {
                let minute = end.plus(-HOUR / 2);
                let log_key = log_key(&key.folder, *logs, minute, &format!("{:0>16}", &*key.trail));
                let content = format!("{bucket} {log_key}");
                let body = crate::bodies::gzip(content.as_bytes());
                disk.put(&Location::new("central", log_key.as_str()), &body, &Metadata::new()).unwrap();
                json!({
                    "s3Bucket": bucket,
                    "s3Object": log_key,
                    "hashValue": Sha256Hash::of(content.as_bytes()).to_string(),
                    "hashAlgorithm": "SHA-256",
                    "newestEventTime": minute.to_string(),
                    "oldestEventTime": minute.to_string(),
                })
            });
            document["logFiles"] = delivered.collect();
            let made = MemoryStore::new();
            previous = signing::put(&made, &document);
            let (body, metadata) = crate::bodies::read(&made, &key.location());
            disk.put(&central(&key.location()), &body, &metadata).unwrap();
        }
    }
    let mut added = log_key(&folder("two"), logs, time("2026-09-01T05:20:00Z"), "FORGEDforged1234");
    if !is_named_like_time {
        added = format!("{}/events.json.gz", added.rsplit_once('/').unwrap().0);
    }
    disk.put(&Location::new("central", added.as_str()), &crate::bodies::gzip(b"{}"), &Metadata::new())
        .unwrap();
    (copy, added)
}
