//! The engine on S3 and CloudTrail, through the real clients: whole deliveries behind [`crate::cloud::Cloud`].

mod direct;
mod faults;
mod hostile;
mod inflated;
mod organization;
mod refused;
mod regions;
mod requests;

use trailproof::event::{Kind, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::keys::KeyRing;
use trailproof::simulate::Spec;
use trailproof::store::Metadata;
use trailproof::validate::ValidationRequest;

use crate::bodies::gzip;
use crate::cloud::{self, Bucket, Cloud};
use crate::remote;
use crate::support::{self, Delivered, Ran};

const BUCKET: &str = "trail-logs";

/// A delivery in S3, and the same in memory to compare with.
struct Remote {
    cloud: Cloud,
    local: Delivered,
}

impl Remote {
    fn of(spec: &Spec, settings: &Bucket) -> Self {
        let local = support::deliver(spec);
        Self { cloud: remote::cloud_of(&local.store, settings), local }
    }

    /// Four hours of one trail, two log files each.
    fn small() -> Self {
        let spec = Spec { hours: 4, logs_per_hour: 2, shared_body: true, ..Spec::default() };
        Self::of(&spec, &Bucket::default())
    }

    fn request(&self) -> ValidationRequest {
        support::request(&[BUCKET], self.local.simulated.end)
    }

    fn run(&self, jobs: usize) -> Ran {
        support::run(&remote::store(&self.cloud), &self.local.keys, &self.request(), jobs)
    }

    /// Runs with the keys that CloudTrail has.
    fn run_asking(&self, keys: &KeyRing, jobs: usize) -> Ran {
        support::run(&remote::store(&self.cloud), keys, &self.request(), jobs)
    }

    /// The log files whose key contains `part`.
    fn logs(&self, part: &str) -> Vec<Location> {
        let mut found = self.local.store.locations();
        found.retain(|location| location.key.contains("/CloudTrail/") && location.key.contains(part));
        found
    }

    /// What was asked of one operation.
    fn asked(&self, operation: &str) -> Vec<cloud::Request> {
        let mut asked = self.cloud.requests();
        asked.retain(|request| request.operation == operation);
        asked
    }

    fn modify(&self, log: &Location) {
        self.cloud.put(&log.bucket, &log.key, gzip(b"{\"Records\":[]}"), Metadata::new());
    }
}

/// The addresses that findings of `kind` name.
fn named(ran: &Ran, kind: Kind) -> Vec<String> {
    let found = ran.findings.iter().filter(|finding| finding.kind == kind);
    found.filter_map(|finding| finding.uri.clone()).collect()
}

/// Fails where a failure to look is called tampering, or is passed over.
fn assert_only_incomplete(ran: &Ran) {
    let tampered = ran.findings.iter().find(|finding| finding.severity == Severity::Tampered);
    assert!(tampered.is_none(), "{tampered:?}");
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:?}", ran.findings);
}
