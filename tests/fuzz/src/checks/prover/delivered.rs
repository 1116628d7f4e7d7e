//! Chains as CloudTrail delivered them.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use trailproof::digest::DigestFile;
use trailproof::event::{Fault, KeyLack};
use trailproof::gzip::Sizes;
use trailproof::ident::{DigestKey, Location, RegionFolder, Relocation, Sha256Hash};
use trailproof::keys::Lookup;
use trailproof::prove::{ChainScope, DigestContent, ReadDigest};
use trailproof::signature::TrustedKey;
use trailproof::store::memory::MemoryStore;
use trailproof::time::{Range, Timestamp};

use crate::signing::{document, key, put_content, signer};

const FIRST: &str = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/\
    111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T010657Z.json.gz";

/// A chain as it was delivered.
pub(super) struct Delivered {
    pub(super) scope: ChainScope,
    pub(super) digests: Vec<(ReadDigest, Vec<u8>)>,
    /// Whether a digest, or time, is missed wherever one is gone: nothing records the last digest before a stop.
    pub(super) is_unbroken: bool,
}

/// The minutes at which the digests of chains end that follow each other, and where these were delivered.
pub(super) static DELIVERED: LazyLock<Vec<Delivered>> = LazyLock::new(|| {
    let hours: Vec<i64> = (0..8).map(|hour| hour * 60).collect();
    vec![
        delivered(&[&hours], false, 0),
        delivered(&[&[0, 60, 120, 180], &[140, 200, 260, 320]], false, 0),
        delivered(&[&[0, 60, 120], &[300, 360, 420]], false, 0),
        delivered(&[&hours], false, 3),
        delivered(&[&hours], true, 0),
        delivered(&[&[0, 60, 120], &[78, 138], &[96, 156, 216]], false, 0),
        delivered(&[&hours], false, 0).relocated(),
    ]
});

fn trusted() -> Arc<TrustedKey> {
    let end = key(FIRST, Timestamp::from_unix(0), false).end;
    match signer().ring.lookup(&signer().fingerprint, "us-east-1", end) {
        Lookup::Valid(key) => key,
        _ => panic!("the signer's key is lost"),
    }
}

/// Chains whose digests end at these minutes after the first, `moved` of them in an older bucket.
fn delivered(chains: &[&[i64]], backfill: bool, moved: usize) -> Delivered {
    let first = key(FIRST, Timestamp::from_unix(0), backfill);
    let start = DigestKey::parse(&Location::new("b", FIRST)).unwrap().end;
    let mut digests = Vec::new();
    for minutes in chains {
        let mut record = json!({});
        for minute in *minutes {
            let mut key = DigestKey { end: start.plus(minute * 60), ..first.clone() };
            if digests.len() < moved {
                key.folder = RegionFolder { bucket: "old".into(), ..key.folder };
            }
            record["logFiles"] = json!([log_entry(*minute)]);
            let content = document(&key, &record).to_string().into_bytes();
            let (read, next) = signed(&content);
            digests.push((read, content));
            record = next;
        }
    }
    let newest = digests.iter().map(|(read, _)| read.end).max().unwrap();
    let scope = ChainScope {
        id: first.chain(),
        selected: true,
        range: Range { start: None, end: newest },
        now: newest,
        relocations: Arc::new([]),
        folders: Arc::new([first.folder.clone()]),
        every_object: false,
        report_proved: false,
    };
    Delivered { scope, digests, is_unbroken: chains.len() == 1 }
}

impl Delivered {
    /// The same, copied to another bucket by a move that is named.
    fn relocated(mut self) -> Self {
        let relocation = Relocation {
            from_bucket: "b".to_owned(),
            from_prefix: String::new(),
            to_bucket: "copy".to_owned(),
            to_prefix: "p/".to_owned(),
        };
        for (read, _) in &mut self.digests {
            read.location = relocation.copy_of(&read.location).unwrap();
        }
        let folder =
            RegionFolder { bucket: "copy".into(), root: "p/".into(), ..self.scope.folders[0].clone() };
        (self.scope.folders, self.scope.relocations) = ([folder].into(), [relocation].into());
        self
    }
}

fn log_entry(minute: i64) -> Value {
    json!({
        "s3Bucket": "b",
        "s3Object": format!("AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01/{minute}.json.gz"),
        "hashAlgorithm": "SHA-256",
        "hashValue": Sha256Hash::of(&minute.to_be_bytes()).to_string(),
        "newestEventTime": "2026-09-01T00:00:00Z", "oldestEventTime": "2026-09-01T00:00:00Z",
    })
}

/// A digest as it is read after CloudTrail delivered it, and what a successor records of it.
pub(super) fn signed(content: &[u8]) -> (ReadDigest, Value) {
    let location = DigestFile::parse(content).unwrap().location().clone();
    let record = put_content(&MemoryStore::new(), &location, content);
    let end = DigestKey::parse(&location).unwrap().end;
    let mut read = read(ReadDigest::gone(location, end), content);
    read.signature = record["previousDigestSignature"].as_str().map(str::to_owned);
    (read, record)
}

/// What a read shows of `content` in the place of `read`.
pub(super) fn read(mut read: ReadDigest, content: &[u8]) -> ReadDigest {
    read.sizes = Sizes { compressed: content.len() as u64 / 2, inflated: content.len() as u64 };
    (read.content, read.key) = match DigestFile::parse(content) {
        Ok(file) => {
            let lack = KeyLack::Unknown { fingerprint: file.fingerprint().to_owned() };
            let is_known = file.fingerprint() == signer().fingerprint;
            (DigestContent::Parsed(Box::new(file)), Some(if is_known { Ok(trusted()) } else { Err(lack) }))
        }
        Err(error) => {
            let fault = Fault::NotADigest { reason: error.to_string() };
            (DigestContent::Malformed { fault, seen: Ok(Sha256Hash::of(content)) }, None)
        }
    };
    read
}
