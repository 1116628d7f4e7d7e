//! Digests that CloudTrail wrote in a form that this version does not know: nobody is accused of them, and nothing that they
//! would prove counts as proved.

use serde_json::{Value, json};
use trailproof::event::{Kind, Verdict};
use trailproof::ident::DigestKey;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};

use super::hour;
use crate::bodies::{gzip, read};
use crate::signing::{document, key, put_content, sign, signer};
use crate::support::{Ran, request, run};

const KEY: &str = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/\
    111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T010657Z.json.gz";

const HOURS: i64 = 6;

/// What the digest of the third hour says instead.
type Change = fn(&mut Value);

const CHANGES: [(&str, Change); 5] = [
    ("milliseconds", |digest| {
        let start = digest["digestStartTime"].as_str().unwrap().replace('Z', ".000Z");
        digest["digestStartTime"] = start.into();
    }),
    ("no account", |digest| digest["awsAccountId"] = Value::Null),
    ("no list", |digest| drop(digest.as_object_mut().unwrap().remove("logFiles"))),
    ("no hash of the list", |digest| digest["logFiles"] = json!([{"s3Bucket": "b", "s3Object": "k"}])),
    ("a previous bucket alone", |digest| digest["previousDigestS3Object"] = Value::Null),
];

fn at(number: i64) -> DigestKey {
    key(KEY, hour(number), false)
}

/// A chain of six hours, whose digest of the hour `odd` says something else.
fn chain(odd: i64, change: Change) -> MemoryStore {
    let store = MemoryStore::new();
    let mut record = json!({});
    for number in 0..=HOURS {
        let mut digest = document(&at(number), &record);
        if number == odd {
            change(&mut digest);
        }
        let text = |field: &str| digest[field].as_str().unwrap_or("null").to_owned();
        let content = digest.to_string().into_bytes();
        let hash = trailproof::ident::Sha256Hash::of(&content);
        let (end, place) = (text("digestEndTime"), at(number).location());
        let signed =
            format!("{end}\n{}/{}\n{hash}\n{}", place.bucket, place.key, text("previousDigestSignature"));
        record = put_content(&store, &place, &content);
        let signature = sign(signed.as_bytes());
        let metadata = Metadata::from([("signature".to_owned(), signature.clone())]);
        store.put(&place, &gzip(&content), &metadata).unwrap();
        record["previousDigestSignature"] = signature.into();
    }
    store
}

fn ran(store: &MemoryStore) -> Ran {
    run(store, &signer().ring, &request(&["b"], hour(HOURS)), 2)
}

fn about(ran: &Ran, odd: i64) -> Vec<Kind> {
    let uri = Some(at(odd).location().to_string());
    ran.findings.iter().filter(|finding| finding.uri == uri).map(|finding| finding.kind).collect()
}

#[test]
fn a_genuine_digest_of_an_unknown_form_accuses_nobody() {
    assert_eq!(ran(&chain(-1, |_| {})).verdict, Verdict::Intact);
    for (what, change) in CHANGES {
        // By its own signature alone, by the record of the next digest too, and by that record alone.
        for (odd, is_signed) in [(HOURS, true), (3, true), (3, false)] {
            let store = chain(odd, change);
            if !is_signed {
                let body = read(&store, &at(odd).location()).0;
                store.put(&at(odd).location(), &body, &Metadata::new()).unwrap();
            }
            let ran = ran(&store);
            assert_eq!(ran.verdict, Verdict::Incomplete, "{what}, {odd}: {:#?}", ran.findings);
            assert_eq!(about(&ran, odd), [Kind::DigestUnreadable], "{what}, {odd}, {is_signed}");
        }
    }
}

#[test]
fn a_digest_of_an_unknown_form_that_nothing_vouches_for_is_malformed() {
    for (what, change) in CHANGES {
        for odd in [3, HOURS] {
            // 1. Another text than was signed and recorded.
            let store = chain(odd, change);
            let (body, metadata) = read(&store, &at(odd).location());
            let text = String::from_utf8(crate::bodies::inflate(&body)).unwrap();
            let other = text.replace("newestEventTime", "newestEventtime");
            store.put(&at(odd).location(), &gzip(other.as_bytes()), &metadata).unwrap();
            let changed = ran(&store);
            assert_eq!(changed.verdict, Verdict::Tampered, "{what}, {odd}");
            assert_eq!(about(&changed, odd), [Kind::DigestMalformed], "{what}, {odd}");
            // 2. A genuine one of another hour, in the place of this one.
            let place = at(odd - 1).location();
            store.put(&place, &body, &metadata).unwrap();
            let moved = ran(&store);
            assert!(about(&moved, odd - 1).contains(&Kind::DigestMalformed), "{what}, {odd}");
        }
        // 3. Without the next digest and without a signature.
        let store = chain(HOURS, change);
        let body = read(&store, &at(HOURS).location()).0;
        store.put(&at(HOURS).location(), &body, &Metadata::new()).unwrap();
        assert_eq!(about(&ran(&store), HOURS), [Kind::DigestMalformed], "{what}");
    }
}
