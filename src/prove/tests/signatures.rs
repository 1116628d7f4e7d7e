//! Rule 1: a digest is proved by its own signature, or by a proved newer one that records its hash.

use serde_json::json;

use super::super::*;
use super::names::*;
use super::world::{at, fields, follow, hours, key_at, made, malformed, signed, unknown_key};
use crate::event::{Fault, KeyLack, Severity};
use crate::ident::Sha256Hash;

const WRONG: &str = "00";

#[test]
fn its_own_signature_proves_a_digest() {
    let proved = hours(4).prove();
    assert_eq!((proved.told(), proved.notices()), (vec![], vec![]));
    assert_eq!(proved.digest_counts(), (4, 0, 0));
    assert_eq!(proved.report.keys.first().unwrap().source, "by hand");
    let newest = &proved.digests[0];
    assert_eq!(*newest, (key_at(3).location(), true));
}

/// Metadata is lost: the signature that the successor records proves the digest, and nothing proves the newest.
#[test]
fn the_signature_that_the_successor_records_proves_a_digest() {
    let mut world = hours(4);
    (0..4).for_each(|hour| world.digest(at(hour)).signature = None);
    let proved = world.prove();
    assert_eq!(proved.told(), ["2 not-covered", "3 unsigned"]);
    assert_eq!((proved.digest_counts(), proved.notices()), ((3, 0, 1), vec![]));
    // A sidecar that cannot be read is told of.
    (0..4).for_each(|hour| world.digest(at(hour)).metadata_error = Some("no JSON".to_owned()));
    let proved = world.prove();
    assert_eq!(proved.told(), ["2 not-covered", "3 unsigned"]);
    assert_eq!(proved.notices(), ["0 metadata-lost", "1 metadata-lost", "2 metadata-lost"]);
    let unsigned = Fault::Unsigned { metadata: Some("no JSON".to_owned()), proved: false };
    assert_eq!(proved.finding("unsigned").fault, unsigned);
    assert_eq!(proved.finding("unsigned").expected, None);
    assert!(proved.finding("unsigned").actual.is_some());
}

/// A sidecar that cannot be read, beside a signature that came from elsewhere, is nothing lost.
#[test]
fn metadata_that_is_understood_is_not_lost() {
    let mut world = hours(3);
    world.digest(at(1)).metadata_error = Some("no JSON".to_owned());
    assert_eq!(world.prove().notices(), Vec::<String>::new());
}

/// The successor records the hash and no signature.
#[test]
fn the_hash_that_the_successor_records_proves_a_digest() {
    let unsigned_record = |hour: i64, fields: &mut serde_json::Value| {
        if hour == 2 {
            fields["previousDigestSignature"] = serde_json::Value::Null;
        }
    };
    let mut world = made(4, unsigned_record);
    world.digest(at(1)).signature = None;
    let proved = world.prove();
    assert_eq!((proved.told(), proved.notices()), (vec![], vec!["1 signature-lost".to_owned()]));
    assert_eq!(proved.digest_counts(), (4, 0, 0));
    let notice = proved.finding("signature-lost");
    assert_eq!(notice.fault, Fault::Unsigned { metadata: None, proved: true });
    assert_eq!(notice.digest, Some(key_at(2).location().to_string()));
}

#[test]
fn without_a_key_only_a_successor_proves_a_digest() {
    let mut world = hours(4);
    (0..4).for_each(|hour| world.digest(at(hour)).key = Some(Err(unknown_key())));
    let proved = world.prove();
    // Nothing proves the newest, and so nothing those before it.
    assert_eq!(proved.told()[..4], ["-1 not-covered", "0 unknown-key", "1 unknown-key", "2 unknown-key"]);
    assert_eq!(proved.digest_counts(), (0, 0, 4));
    world.digest(at(3)).key = hours(4).digest(at(3)).key.clone();
    let proved = world.prove();
    assert_eq!(proved.told(), Vec::<String>::new());
    assert_eq!(proved.notices(), ["0 unknown-key", "1 unknown-key", "2 unknown-key"]);
    assert_eq!((proved.digest_counts(), proved.batches.len()), ((4, 0, 0), 0));
    // Nobody looked for one: that is an unknown key.
    world.digest(at(1)).key = None;
    let proved = world.prove();
    let lack = KeyLack::Unknown { fingerprint: world.digest(at(1)).file().unwrap().fingerprint().to_owned() };
    let of_hour_1 = proved.report.findings.iter().find(|finding| finding.at == at(1)).unwrap();
    assert_eq!(of_hour_1.fault, Fault::NoKey { lack, proved: true });
    assert_eq!(of_hour_1.severity, Severity::Notice);
}

/// Where no key can check it, the signature in the metadata is still held against the recorded one.
#[test]
fn without_a_key_the_signature_has_to_be_the_recorded_one() {
    let mut world = hours(4);
    world.digest(at(1)).key = Some(Err(unknown_key()));
    world.digest(at(1)).signature = Some(WRONG.to_owned());
    let proved = world.prove();
    assert_eq!(
        (proved.told(), proved.notices()),
        (vec!["1 other-signature-recorded".to_owned()], vec!["1 unknown-key".to_owned()])
    );
    let found = proved.finding("other-signature-recorded");
    assert_eq!((found.actual.as_deref(), found.expected.is_some()), (Some(WRONG), true));
}

#[test]
fn a_wrong_signature_beside_a_right_record_is_a_misfit_of_the_metadata() {
    // The recorded signature fits: the digest is proved, and its metadata is wrong.
    let mut world = hours(4);
    world.digest(at(1)).signature = Some(WRONG.to_owned());
    let proved = world.prove();
    assert_eq!(
        (proved.told(), proved.digest_counts()),
        (vec!["1 other-signature-recorded".to_owned()], (3, 1, 0))
    );
    assert!(proved.digests.iter().any(|(location, _)| *location == key_at(1).location()));
    // No signature is recorded, but the hash.
    let mut world = made(4, |hour, fields| {
        if hour == 2 {
            fields["previousDigestSignature"] = serde_json::Value::Null;
        }
    });
    world.digest(at(1)).signature = Some(WRONG.to_owned());
    let proved = world.prove();
    assert_eq!(proved.told(), ["1 metadata-signature-misfit"]);
    assert!(proved.digests.iter().any(|(location, _)| *location == key_at(1).location()));
}

#[test]
fn a_wrong_signature_alone_is_a_misfit() {
    let mut world = hours(4);
    world.digest(at(3)).signature = Some(WRONG.to_owned());
    let proved = world.prove();
    assert_eq!(proved.told(), ["2 not-covered", "3 signature-misfit"]);
    assert_eq!((proved.digest_counts(), proved.batches.len()), ((3, 1, 0), 1));
    let hash = world.digest(at(3)).file().unwrap().hash();
    assert_eq!(proved.finding("signature-misfit").actual, Some(hash.to_string()));
}

/// Another digest lies in a digest's place.
#[test]
fn what_is_not_as_recorded_is_accused() {
    let mut forged = key_fields(1);
    forged["logFiles"] = serde_json::json!([super::world::log_entry("x")]);
    let forged = signed(&forged);
    // Unsigned, with a wrong signature, or of an unknown key: its hash is not the recorded one.
    for signature in [None, Some(WRONG.to_owned()), forged.signature.clone()] {
        let mut world = hours(4);
        let without_key = signature == forged.signature;
        let mut forged = ReadDigest { signature, ..forged.clone() };
        if without_key {
            forged.key = Some(Err(unknown_key()));
        }
        world.put(forged.clone());
        let proved = world.prove();
        assert_eq!(proved.told(), ["0 not-covered", "1 not-as-recorded", "1 claimed-log"]);
        let found = proved.finding("not-as-recorded");
        let expected = hours(4).digest(at(1)).file().unwrap().hash().to_string();
        assert_eq!(found.expected, Some(expected));
        assert_eq!(found.actual, Some(forged.file().unwrap().hash().to_string()));
        assert_eq!(found.digest, Some(key_at(2).location().to_string()));
    }
    // Signed by CloudTrail itself: both are genuine, and do not link.
    let mut world = hours(4);
    world.put(forged);
    let proved = world.prove();
    assert_eq!(proved.told()[0], "1 other-digest-recorded");
}

fn key_fields(hour: i64) -> serde_json::Value {
    let mut fields = super::world::fields(&key_at(hour));
    follow(&mut fields, hours(hour).digest(at(hour - 1)));
    fields
}

/// A signature is for one place.
#[test]
fn a_digest_that_names_another_place_is_moved() {
    let mut world = hours(4);
    let other = world.digest(at(1)).clone();
    let here = world.digest(at(2));
    (here.content, here.signature) = (other.content, other.signature);
    let proved = world.prove();
    assert_eq!(proved.told(), ["1 not-covered", "2 digest-elsewhere"]);
    let found = proved.finding("digest-elsewhere");
    assert_eq!(found.expected, Some(key_at(1).location().to_string()));
    assert_eq!(found.actual, Some(key_at(2).location().to_string()));
    assert!(!proved.digests.iter().any(|(location, _)| *location == key_at(2).location()));
}

#[test]
fn what_is_no_digest_or_cannot_be_read_proves_nothing() {
    for (content, told, needs) in [
        (malformed(), "1 digest-body", 1),
        (DigestContent::Unreadable("denied".to_owned()), "1 unreadable-digest", 0),
        (DigestContent::Gone, "1 digest-vanished", 0),
    ] {
        let mut world = hours(4);
        world.digest(at(1)).content = content;
        let proved = world.prove();
        assert_eq!(proved.told(), ["0 not-covered", told]);
        assert_eq!((proved.digests.len(), proved.batches.len()), (3, needs), "{told}");
    }
}

/// Of a stretch of digests without metadata, the nearest eight newer ones tell the signatures.
#[test]
fn a_signature_is_found_in_the_nearest_newer_digests() {
    let mut world = hours(14);
    // Its successor is unreadable, so no anchor tells the hash; the digest that records its signature is read.
    world.digest(at(5)).signature = None;
    world.digest(at(6)).signature = Some(WRONG.to_owned());
    world.digest(at(6)).key = Some(Err(unknown_key()));
    let proved = world.prove();
    assert_eq!(proved.told(), ["6 other-signature-recorded"]);
    // Nothing is said of it once other digests lie between: their signature may be any.
    world.digest(at(7)).content = DigestContent::Unreadable("denied".to_owned());
    let proved = world.prove();
    assert_eq!(proved.told(), ["5 not-covered", "6 unknown-key", "7 unreadable-digest"]);
    assert_eq!(proved.digest_counts(), (12, 0, 2));
}

/// Of a neighbour, and of a chain that was not asked for, nothing is told; it proves and lists all the same.
#[test]
fn what_was_not_asked_for_is_not_told_of() {
    let mut world = hours(6);
    world.ask(2, 4);
    // The windows of hours 3 and 4 are asked; 2 ends where the range begins.
    let proved = world.prove();
    assert_eq!((proved.told(), proved.digest_counts()), (vec![], (2, 0, 0)));
    let counted: Vec<bool> = proved.digests.iter().map(|(_, counted)| *counted).collect();
    assert_eq!(counted, [false, true, true, false, false, false]);
    assert_eq!(proved.report.heads[0].end, at(4));
    let mut touched = world.clone();
    touched.digest(at(5)).signature = Some(WRONG.to_owned());
    touched.digest(at(1)).signature = Some(WRONG.to_owned());
    assert_eq!(touched.prove().told(), Vec::<String>::new());
    world.scope.selected = false;
    (0..6).for_each(|hour| world.digest(at(hour)).signature = Some(WRONG.to_owned()));
    world.digest(at(5)).signature = None;
    let proved = world.prove();
    assert_eq!((proved.told(), proved.notices()), (vec![], vec![]));
    assert_eq!(proved.report.counts, crate::event::Counts::default());
    assert!(!proved.report.is_reportable() && proved.report.keys.is_empty());
}

/// Content that is not that of a digest file may be CloudTrail's all the same: the record of its hash says so, and where
/// nothing records the digest, its signature.
#[test]
fn content_of_an_unknown_form_is_judged_by_its_record() {
    for (hour, as_recorded, is_signed, cause) in [
        (2, true, false, "unknown-digest-form"),
        (2, true, true, "unknown-digest-form"),
        (2, false, false, "not-a-digest"),
        (2, false, true, "not-a-digest"),
        (4, true, false, "not-a-digest"),
        (4, false, true, "unknown-digest-form"),
    ] {
        let mut world = hours(5);
        let digest = world.digest(at(hour));
        let recorded = digest.file().unwrap().hash();
        let reason = "no list".to_owned();
        let fault =
            if is_signed { Fault::UnknownDigestForm { reason } } else { Fault::NotADigest { reason } };
        let seen = Ok(if as_recorded { recorded } else { Sha256Hash::of(b"other") });
        digest.content = DigestContent::Malformed { fault, seen };
        let told = world.prove().told();
        assert!(told.contains(&format!("{hour} {cause}")), "{told:?}");
        let is_accused = |told: &String| told.contains("missing") || told.contains("broken");
        assert!(!told.iter().any(is_accused), "{told:?}");
    }
}

/// What a signed digest says of its window is true; of another, the hour of its name is in it.
#[test]
fn a_window_is_believed_where_it_is_signed() {
    let world = hours(3);
    let window = |from: i64, to: i64, has_signature: bool| {
        let mut fields = fields(&key_at(2));
        fields["digestStartTime"] = json!(at(from).to_string());
        fields["digestEndTime"] = json!(at(to).to_string());
        let mut read = signed(&fields);
        if !has_signature {
            read.signature = None;
        }
        let checked = world.prover().check(&read, std::iter::empty());
        let window = CheckedDigest::new(read, checked).window();
        [window.start, window.end].map(|end| (end.unix() - at(0).unix()) / HOUR)
    };
    for (from, to, signed_window, unsigned_window) in [
        (1, 2, [1, 2], [1, 2]),
        (-3, 2, [-3, 2], [-3, 2]),
        (2, 2, [2, 2], [1, 2]),
        (0, 1, [0, 1], [1, 2]),
        (0, 3, [0, 3], [1, 2]),
    ] {
        assert_eq!(window(from, to, true), signed_window, "{from} {to}");
        assert_eq!(window(from, to, false), unsigned_window, "{from} {to}");
    }
    let gone = ReadDigest::gone(key_at(2).location(), at(2));
    let checked = world.prover().check(&gone, std::iter::empty());
    assert_eq!(CheckedDigest::new(gone, checked).window(), Interval { start: at(1), end: at(2) });
}

/// A wrong signature in a newer digest accuses nobody: whoever wrote that digest may have made it up.
#[test]
fn a_recorded_signature_that_does_not_fit_is_none() {
    use super::super::signatures::SignatureCheck;
    let world = hours(4);
    let mut read = world.get(&world.place(at(2)), at(2));
    let mut newer = fields(&key_at(3));
    follow(&mut newer, &read);
    newer["previousDigestSignature"] = json!(WRONG);
    let newer = signed(&newer);
    let check = |read: &ReadDigest| world.prover().check(read, std::iter::once(&newer)).2;
    assert!(matches!(check(&read), Some(SignatureCheck::Signed { metadata_fits: true, .. })));
    read.signature = None;
    assert!(matches!(check(&read), Some(SignatureCheck::Unsigned)));
    read.signature = Some(WRONG.to_owned());
    assert!(matches!(check(&read), Some(SignatureCheck::Misfit)));
}
