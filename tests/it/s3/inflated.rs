//! Stores that inflate bodies on the way, and what is asked so that they do not.

use trailproof::event::{Kind, Verdict};
use trailproof::store::{Metadata, Store as _};

use super::{Remote, named};
use crate::bodies::{content, gzip, read};
use crate::cloud::{Faults, Inflates};
use crate::remote;

/// Every GET says that gzip will do, in a header that is not signed: proxies change it on the way.
#[test]
fn bodies_are_asked_for_as_they_are_stored() {
    let remote = Remote::small();
    remote.cloud.set_faults(Faults { inflates: Inflates::UnlessAccepted, ..Faults::default() });
    assert_eq!(remote.run(4).verdict, Verdict::Intact);
    let asked = remote.asked("GetObject");
    assert!(asked.iter().any(|request| request.by_sdk) && asked.iter().any(|request| !request.by_sdk));
    for request in asked {
        assert_eq!(request.accept_encoding.as_deref(), Some("gzip"), "{request:?}");
        assert!(request.signed_headers.contains("host"), "{request:?}");
        assert!(!request.signed_headers.contains("accept-encoding"), "{request:?}");
    }
    let log = remote.logs("").remove(0);
    assert_eq!(read(&remote::store(&remote.cloud), &log).0, read(&remote.local.store, &log).0);
}

/// Nor is a store that inflates whatever is asked a reason to accuse anybody.
#[test]
fn inflated_bodies_are_what_was_delivered() {
    let remote = Remote::small();
    let whole = remote.run(4);
    remote.cloud.set_faults(Faults { inflates: Inflates::Always, ..Faults::default() });
    for jobs in [1, 8] {
        let ran = remote.run(jobs);
        assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
        assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (5, 8));
        assert_eq!(ran.counts.inflated_bytes, whole.counts.inflated_bytes);
    }
    let log = remote.logs("").remove(0);
    assert!(read(&remote::store(&remote.cloud), &log).0.starts_with(b"{"));
}

/// Objects that are stored inflated are read as those of a copy on disk are; what begins as gzip has to be one member.
#[test]
fn what_is_stored_inflated_is_held_against_its_hash() {
    let remote = Remote::small();
    let log = remote.logs("").remove(3);
    let plain = content(&remote.local.store, &log);
    let put = |body: &[u8]| remote.cloud.put(&log.bucket, &log.key, body.to_vec(), Metadata::new());
    put(&plain);
    assert_eq!(remote.run(4).verdict, Verdict::Intact);
    let cut = plain[..plain.len() - 1].to_vec();
    let flipped = [&plain[..9], b"X", &plain[10..]].concat();
    let whole = gzip(&plain);
    let bodies: [Vec<u8>; 7] = [
        cut,
        flipped,
        [&plain[..], b" "].concat(),
        [&whole[..], &[0]].concat(),
        [&whole[..], &whole].concat(),
        whole[..whole.len() - 1].to_vec(),
        Vec::new(),
    ];
    for (number, body) in bodies.iter().enumerate() {
        put(body);
        let ran = remote.run(4);
        assert_eq!(ran.verdict, Verdict::Tampered, "{number}: {:#?}", ran.findings);
        assert_eq!(named(&ran, Kind::LogModified), [log.to_string()], "{number}");
    }
    // A digest, too, whose metadata is kept.
    let mut digests = remote.local.store.locations();
    digests.retain(|location| location.key.contains("CloudTrail-Digest"));
    put(&whole);
    for digest in &digests {
        let (body, metadata) = read(&remote.local.store, digest);
        remote.cloud.put(&digest.bucket, &digest.key, crate::bodies::inflate(&body), metadata);
    }
    assert_eq!(remote.run(4).verdict, Verdict::Intact);
    assert!(remote::store(&remote.cloud).get(&digests[0]).is_ok());
}
