//! Bytes that are no text are no digest, wherever in it they stand.

use trailproof::digest::{DigestError, DigestFile};
use trailproof::event::{Kind, Verdict};
use trailproof::simulate::Spec;
use trailproof::store::Deposit as _;

use super::{digests, hour, ran};
use crate::bodies::{content, gzip, read};
use crate::support::{deliver, request};

#[test]
fn a_digest_with_bytes_that_are_no_text_in_a_field_that_is_ignored_is_malformed() {
    let delivered = deliver(&Spec { hours: 4, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
    let location = digests(&delivered.store, "audit")[1].0.location();
    let mut bytes = content(&delivered.store, &location);
    assert!(DigestFile::parse(&bytes).is_ok());
    let field = b"\"newestEventTime\":\"";
    let at = bytes.windows(field.len()).position(|part| part == field).unwrap() + field.len();
    bytes[at] = 0xff;
    assert!(matches!(DigestFile::parse(&bytes), Err(DigestError::Json(_))));
    let (_, metadata) = read(&delivered.store, &location);
    delivered.store.put(&location, &gzip(&bytes), &metadata).unwrap();
    let ran = ran(&delivered, &request(&["trail-logs"], hour(4)));
    assert_eq!((ran.kinds(), ran.verdict), (vec![Kind::ChainGap, Kind::DigestMalformed], Verdict::Tampered));
}
