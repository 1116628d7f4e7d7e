//! Worlds that fail under a run: networks, services, clocks, disks and systems. Whatever fails, the run ends, says what
//! it could not see, is never `intact` without having seen all, and cries no tampering without proof.
//!
//! [`table`] has a row for each world in which S3 or CloudTrail fail. Each row runs over an untouched delivery and over one
//! with a modified log file, with 1 and with 8 jobs.

mod clock;
mod handles;
mod killed;
mod service;
mod table;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use trailproof::event::{Event, Kind, ObjectState, Severity, Verdict};
use trailproof::ident::{DigestKey, Location};
use trailproof::keys::KeyRing;
use trailproof::keys::cloudtrail::CloudTrailKeys;
use trailproof::simulate::Spec;
use trailproof::store::Metadata;
use trailproof::store::s3::S3Store;
use trailproof::validate::ValidationRequest;

use crate::bodies::gzip;
use crate::cloud::{Bucket, Cloud, Faults};
use crate::remote;
use crate::support::{self, Delivered, Ran};

const BUCKET: &str = "trail-logs";

/// How a run on a world ends.
#[derive(Clone, Copy)]
struct Expected {
    verdict: Verdict,
    /// The kinds of what it finds beside notices: each of these, and no other.
    kinds: &'static [Kind],
}

/// A world that fails.
struct World {
    name: &'static str,
    /// How it fails, over this delivery.
    fails: fn(&Scene) -> Faults,
    /// How often a request is made before it is given up; 3 stands for what a user has who configured nothing.
    attempts: u32,
    clean: Expected,
    tampered: Expected,
}

/// Five hours of one trail, two log files each, in S3, whose keys CloudTrail has.
struct Scene {
    cloud: Cloud,
    local: Delivered,
    /// Log files in order, and digests.
    logs: Vec<Location>,
    digests: Vec<Location>,
}

/// Which log file is modified where one is.
const MODIFIED: usize = 1;

impl Scene {
    fn new(tampered: bool) -> Self {
        let spec = Spec { hours: 5, logs_per_hour: 2, events_per_log: 3, ..Spec::default() };
        let local = support::deliver(&spec);
        let cloud = remote::cloud_of(&local.store, &Bucket::default());
        cloud.add_keys_json("us-east-1", &local.simulated.keys_json);
        let (digests, logs) =
            local.store.locations().into_iter().partition(|at| DigestKey::parse(at).is_some());
        let scene = Self { cloud, local, logs, digests };
        if tampered {
            let body = gzip(b"{\"Records\":[]}");
            scene.cloud.put(BUCKET, &scene.modified().key, body, Metadata::new());
        }
        scene
    }

    fn modified(&self) -> &Location {
        &self.logs[MODIFIED]
    }

    fn request(&self) -> ValidationRequest {
        let mut request = support::request(&[BUCKET], self.local.simulated.end);
        request.every_object = true;
        request
    }

    /// A store that waits 400 ms for an answer, and as long for more of a body.
    fn store(&self, attempts: u32) -> (S3Store, KeyRing) {
        let patience = Duration::from_millis(400);
        let retries = RetryConfig::standard().with_max_attempts(attempts);
        let timeouts = TimeoutConfig::builder().read_timeout(patience).build();
        let aws = remote::aws_patient(self.cloud.endpoint(), retries, timeouts);
        let keys = KeyRing::new().asking(Box::new(CloudTrailKeys::new(aws.clone())));
        (S3Store::new(aws, None).with_stall(patience), keys)
    }

    fn run(&self, attempts: u32, jobs: usize) -> Ran {
        let (store, keys) = self.store(attempts);
        support::run(&store, &keys, &self.request(), jobs)
    }
}

/// The kinds of what is more than a notice, each once.
fn kinds(ran: &Ran) -> BTreeSet<Kind> {
    ran.kinds().into_iter().collect()
}

/// Fails where an object is neither vouched for nor named, nor lies in a stretch or a folder that is.
fn assert_all_is_named(scene: &Scene, ran: &Ran) {
    let valid: BTreeSet<&str> = ran
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Object { uri, state: ObjectState::Valid, .. } => Some(uri.as_str()),
            _ => None,
        })
        .collect();
    let serious = || ran.findings.iter().filter(|finding| finding.severity > Severity::Notice);
    let is_stretch = |kind| matches!(kind, Kind::ChainGap | Kind::ChainStale | Kind::NoDigests);
    let has_stretch = serious().any(|finding| is_stretch(finding.kind));
    for object in scene.logs.iter().chain(&scene.digests).map(Location::to_string) {
        let is_named = || {
            serious().any(|finding| finding.uri.as_ref().is_some_and(|uri| object.starts_with(uri.as_str())))
        };
        assert!(
            valid.contains(object.as_str()) || has_stretch || is_named(),
            "nothing is said of {object}: {:#?}",
            ran.findings
        );
    }
}

/// Holds a run to what is expected of it, and to what holds in every world.
fn hold(world: &str, scene: &Scene, ran: &Ran, expected: Expected) {
    let shown = format!("{world}: {:?} {:?} {:#?}", ran.verdict, ran.counts, ran.findings);
    assert_eq!(ran.verdict, expected.verdict, "{shown}");
    assert_eq!(kinds(ran), expected.kinds.iter().copied().collect(), "{shown}");
    assert_all_is_named(scene, ran);
    let seen = ran.counts.digests.valid + ran.counts.logs.valid;
    let all = (scene.digests.len() + scene.logs.len()) as u64;
    assert!(ran.verdict != Verdict::Intact || seen == all, "{shown}");
    // What is called tampered with is what was tampered with, or what the world itself made of it.
    for finding in ran.findings.iter().filter(|finding| finding.severity == Severity::Tampered) {
        assert!(finding.uri.is_some(), "{shown}");
    }
}
