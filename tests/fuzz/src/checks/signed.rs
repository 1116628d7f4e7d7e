//! Digests that are validly signed and say anything.

use std::sync::LazyLock;

use serde_json::{Value, json};
use trailproof::event::Verdict;
use trailproof::ident::{DigestKey, Location};
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::{HOUR, Timestamp};

use super::edit::edited;
use super::reader::Reader;
use crate::bodies::gzip;
use crate::signing::{document, key, put_content, signer};
use crate::support::{request, run};

const FIRST: &str = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/\
    111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T010657Z.json.gz";

const LOG: &[u8] = br#"{"Records":[]}"#;

/// Digests in the chain.
const DIGESTS: usize = 3;

static START: LazyLock<Timestamp> = LazyLock::new(|| key_at(0).end);

fn key_at(hour: usize) -> DigestKey {
    let first = DigestKey::parse(&Location::new("b", FIRST)).unwrap();
    key(FIRST, first.end.plus(hour as i64 * HOUR), false)
}

/// What is validly signed is judged, whatever it says, in the same way by one thread and by several. Unchanged it is intact.
pub fn check(bytes: &[u8]) {
    let mut reader = Reader(bytes);
    let changed = reader.byte();
    let store = MemoryStore::new();
    let mut record = json!({});
    let mut touched = false;
    for hour in 0..DIGESTS {
        let key = key_at(hour);
        let mut content = document(&key, &with_log(&store, &key, record)).to_string().into_bytes();
        if changed >> hour & 1 == 1 {
            let before = content.clone();
            (0..=reader.byte() % 3).for_each(|_| content = edited(&mut reader, &content));
            touched |= before != content;
        }
        record = put_content(&store, &key.location(), &content);
    }
    let mut asked = request(&["b"], START.plus((DIGESTS as i64 - 1) * HOUR));
    if changed & 0x80 != 0 {
        asked.range.start = Some(START.plus(i64::from(reader.number()) - 32_768));
        asked.range.end = START.plus(i64::from(reader.number()) - 32_768).max(asked.range.start.unwrap());
    }
    let ran = run(&store, &signer().ring, &asked, 1);
    if changed & 0x40 != 0 {
        assert_eq!(run(&store, &signer().ring, &asked, 3).json, ran.json, "1 and 3 threads differ");
    }
    if !touched && changed & 0x80 == 0 {
        assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    }
}

/// A log file of the digest at `key`, and the fields that list it.
fn with_log(store: &MemoryStore, key: &DigestKey, mut record: Value) -> Value {
    let object = format!(
        "{}{}/111122223333_CloudTrail_us-east-1_{}_abcdefgh12345678.json.gz",
        key.folder.log_prefix(),
        key.end.plus(-1_800).day_folder(),
        key.end.plus(-1_800).log_name()
    );
    store.put(&Location::new("b", object.as_str()), &gzip(LOG), &Metadata::new()).unwrap();
    record["logFiles"] = json!([{
        "s3Bucket": "b", "s3Object": object, "hashAlgorithm": "SHA-256",
        "hashValue": trailproof::ident::Sha256Hash::of(LOG).to_string(),
        "newestEventTime": "2026-09-01T00:00:00Z", "oldestEventTime": "2026-09-01T00:00:00Z",
    }]);
    record
}
