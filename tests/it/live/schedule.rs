//! Deliveries with the time at which each came, and the bucket as it was at any moment.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::json;
use trailproof::ident::{DigestKey, Location, LogFolderKey, RegionFolder, Sha256Hash};
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Listing, Metadata, Object, Store, StoreError, Version};
use trailproof::time::{HOUR, Timestamp};

use crate::bodies::{self, gzip};
use crate::signing;

pub(crate) const BUCKET: &str = "trail-logs";

/// When the made-up trails begin to record.
pub(crate) const START: Timestamp = Timestamp::from_unix(1_788_220_800); // 2026-09-01T00:00:00Z

/// Minutes from a digest's end to its delivery, as in 1,804 real deliveries: the least, the median, the 99th percentile
/// and the most are those of the real ones.
const LAGS: [i64; 12] = [8, 12, 15, 17, 19, 20, 23, 31, 45, 62, 81, 201];

/// Minutes that a log file's name is off its delivery, in the same deliveries.
const OFF: [i64; 5] = [-18, -11, -5, 0, 4];

/// An object and when it was delivered.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) location: Location,
    pub(crate) at: Timestamp,
    /// A digest's key.
    pub(crate) digest: Option<DigestKey>,
    /// The trail that delivers a log file; `None` for one that no trail did.
    pub(crate) trail: Option<String>,
}

pub(crate) fn time(text: &str) -> Timestamp {
    Timestamp::parse_digest_field(text).unwrap()
}

/// Two trails in one prefix and two regions, whose hours do not begin together, with so many log files an hour each.
pub(crate) fn made_up(hours: i64, logs_per_hour: i64) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for (region, shift) in [("us-east-1", 0), ("eu-west-1", 1_140)] {
        for (trail, begins) in [("audit", 417), ("cluster", 2_700)] {
            let begins = begins + shift;
            let folder = RegionFolder {
                bucket: BUCKET.into(),
                root: "".into(),
                organization: None,
                account: "111122223333".into(),
                region: region.into(),
            };
            let mut last = START;
            for hour in 0..=hours {
                let end = START.plus(begins + hour * HOUR);
                let (trail_name, home_region) = (trail.into(), "us-east-1".into());
                let key = DigestKey {
                    folder: folder.clone(),
                    trail: trail_name,
                    home_region,
                    end,
                    backfill: false,
                };
                let lag = LAGS[usize::try_from((hour * 7 + begins).rem_euclid(12)).unwrap()];
                // Of 1,804 real ones, none came before the one that it follows.
                last = end.plus(lag * 60).max(last.plus(60));
                deliveries.push(Delivery {
                    location: key.location(),
                    at: last,
                    digest: Some(key),
                    trail: Some(trail.to_owned()),
                });
                // The first digest is of the hour before the trail recorded.
                for log in (0..logs_per_hour).filter(|_| hour > 0) {
                    let at = end.plus(-HOUR + 60 + log * (HOUR - 120) / logs_per_hour.max(1));
                    let off = OFF[usize::try_from((hour + log).rem_euclid(5)).unwrap()];
                    let unique = format!("{trail:x<8}{hour:04}{log:04}").replace('-', "x");
                    let key = LogFolderKey::make(&folder, at.plus(off * 60), &unique);
                    let location = Location::new(BUCKET, key);
                    deliveries.push(Delivery { location, at, digest: None, trail: Some(trail.to_owned()) });
                }
            }
        }
    }
    deliveries
}

/// The real deliveries. Which of the two trails of a region delivered a log file is in no name: each of them some.
pub(crate) fn real() -> Option<Vec<Delivery>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/real/deliveries");
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let rows = |text: &str| {
        let row = |line: &str| {
            let fields: Vec<&str> = line.split(',').collect();
            (time(fields[0]), Location::new(BUCKET, fields[4]))
        };
        text.lines().skip(1).map(row).collect::<Vec<_>>()
    };
    let digests = rows(&read("sans504_digest-deliveries.csv")?);
    let logs = rows(&read("sans504_log-deliveries.csv")?);
    let mut deliveries = Vec::new();
    for (at, location) in digests {
        let key = DigestKey::parse(&location).unwrap();
        let trail = Some(key.trail.to_string());
        deliveries.push(Delivery { location, at, digest: Some(key), trail });
    }
    for (at, location) in logs {
        let is_second =
            location.key.contains("/us-west-1/") && Sha256Hash::of(location.key.as_bytes()).0[0] < 128;
        let trail = if is_second { "cluster" } else { "management-events" };
        deliveries.push(Delivery { location, at, digest: None, trail: Some(trail.to_owned()) });
    }
    Some(deliveries)
}

/// A bucket that knows when each object came.
pub(crate) struct Bucket {
    store: MemoryStore,
    delivered: BTreeMap<Location, Timestamp>,
}

/// The same bucket at one moment.
pub(crate) struct At<'b> {
    bucket: &'b Bucket,
    now: Timestamp,
}

impl Bucket {
    /// Signs each chain's digests, which list the log files that its trail delivered in the hour of each.
    pub(crate) fn of(deliveries: &[Delivery]) -> Self {
        let store = MemoryStore::new();
        let mut chains: BTreeMap<_, Vec<&DigestKey>> = BTreeMap::new();
        for key in deliveries.iter().filter_map(|one| one.digest.as_ref()) {
            chains.entry(key.chain()).or_default().push(key);
        }
        let content = br#"{"Records":[]}"#;
        let body = gzip(content);
        let logs: Vec<&Delivery> = deliveries.iter().filter(|one| one.digest.is_none()).collect();
        logs.iter().for_each(|log| store.put(&log.location, &body, &Metadata::new()).unwrap());
        for (id, mut keys) in chains {
            keys.sort_by_key(|key| key.end);
            let own: Vec<&&Delivery> = logs
                .iter()
                .filter(|log| log.trail.as_deref() == Some(&*id.trail))
                .filter(|log| log.location.key.contains(&format!("/{}/", id.region)))
                .collect();
            let mut previous = json!({});
            for (number, key) in keys.into_iter().enumerate() {
                let hour = key.end.plus(-HOUR)..key.end;
                let listed = own.iter().filter(|log| number > 0 && hour.contains(&log.at)).map(|log| {
                    json!({
                        "s3Bucket": BUCKET,
                        "s3Object": &*log.location.key,
                        "hashValue": Sha256Hash::of(content).to_string(),
                        "hashAlgorithm": "SHA-256",
                        "newestEventTime": log.at.to_string(),
                        "oldestEventTime": log.at.to_string(),
                    })
                });
                previous["logFiles"] = listed.collect();
                previous = signing::put(&store, &signing::document(key, &previous));
            }
        }
        let delivered = deliveries.iter().map(|one| (one.location.clone(), one.at)).collect();
        Self { store, delivered }
    }

    /// When each object was delivered, in the order of the keys.
    pub(crate) const fn delivered(&self) -> &BTreeMap<Location, Timestamp> {
        &self.delivered
    }

    /// The stored body of an object and its metadata.
    pub(crate) fn object(&self, location: &Location) -> (Vec<u8>, Metadata) {
        bodies::read(&self.store, location)
    }

    pub(crate) const fn at(&self, now: Timestamp) -> At<'_> {
        At { bucket: self, now }
    }
}

impl At<'_> {
    fn is_there(&self, location: &Location) -> bool {
        self.bucket.delivered.get(location).is_some_and(|at| *at <= self.now)
    }
}

impl Store for At<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        let name = bucket.to_owned();
        let listing = self.bucket.store.list(bucket, prefix, after);
        Box::new(listing.filter(move |listed| {
            listed
                .as_ref()
                .map_or(true, |listed| self.is_there(&Location::new(name.as_str(), listed.key.as_str())))
        }))
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for listed in self.list(bucket, prefix, None) {
            let listed = listed?;
            let rest = listed.key.strip_prefix(prefix).and_then(|rest| rest.split_once('/'));
            names.extend(rest.map(|(name, _)| name.to_owned()));
        }
        names.dedup();
        Ok(names)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        if self.is_there(location) { self.bucket.store.get(location) } else { Err(StoreError::NotFound) }
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        if self.is_there(location) { self.bucket.store.versions(location) } else { Ok(Vec::new()) }
    }
}
