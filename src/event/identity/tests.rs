//! The id of a finding stands for all evidence in its fault.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::words::tests::faults;

/// The fields of faults that are no evidence, or are evidence that another field of the finding has, with the reason.
const NO_EVIDENCE: [(&str, &str); 28] = [
    // Words of stores, parsers and operating systems.
    ("NotADigest", "reason"),
    ("UnknownDigestForm", "reason"),
    ("UnreadableDigest", "why"),
    ("DigestUnconfirmed", "why"),
    ("Unsigned", "metadata"),
    ("MetadataLost", "why"),
    ("UnreadableLog", "why"),
    ("LogUnconfirmed", "why"),
    ("ObjectUnreadable", "why"),
    ("DeliveryUnchecked", "why"),
    ("UnlistedFolder", "why"),
    ("UnsearchedFolder", "why"),
    ("UnplannedFolder", "why"),
    ("KeysUnfetched", "why"),
    ("ShardResultsLeftOut", "why"),
    ("Unread", "why"),
    ("Unknown", "why"),
    ("Unreachable", "why"),
    ("Damaged", "why"),
    // Names that a person may misspell, and names of objects that the finding has too.
    ("NothingFound", "found"),
    ("UnlistedLogs", "examples"),
    // Times that move with the run, and what grows with the record.
    ("Stale", "late"),
    ("NewerDelivered", "late"),
    ("ClockBehind", "clock"),
    ("ClockBehind", "newest"),
    ("Relocated", "count"),
    ("Relocated", "belongs"),
    // The hash is evidence, whichever run remembered it.
    ("NotAsRemembered", "run"),
];

/// Fields that are no evidence in any variant: limits of the run, and who accepted a finding.
const NEVER_EVIDENCE: [&str; 5] = ["limit", "most", "by", "at", "reason"];

/// The evidence of a fault in JSON, without what is none.
fn evidence_of(variant: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let is_evidence = |name: &str| {
                // A variant's name begins with a capital letter, a field's name does not.
                name.starts_with(char::is_uppercase)
                    || !(NO_EVIDENCE.contains(&(variant, name))
                        || (["Accepted", "Inflated", "Stored", "Depth", "Folders"].contains(&variant)
                            && NEVER_EVIDENCE.contains(&name)))
            };
            let kept = fields.iter().filter(|(name, _)| is_evidence(name)).map(|(name, value)| {
                let inner = if name.starts_with(char::is_uppercase) { name } else { variant };
                // A digest is as gone, whether a successor or an earlier run says that it was there.
                match (name.as_str(), value.get("trace")) {
                    ("RememberedGone", Some(trace)) => ("DigestGone".to_owned(), evidence_of(inner, trace)),
                    _ => (name.clone(), evidence_of(inner, value)),
                }
            });
            Value::Object(kept.collect())
        }
        Value::Array(values) => values.iter().map(|value| evidence_of(variant, value)).collect(),
        other => other.clone(),
    }
}

/// `value` with one leaf changed, for each leaf.
fn changed(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) => {
            let each = |(name, inner): (&String, &Value)| {
                let put = |inner| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), inner);
                    Value::Object(fields)
                };
                changed(inner).into_iter().map(put).collect::<Vec<_>>()
            };
            fields.iter().flat_map(each).collect()
        }
        Value::Array(values) => {
            let each = |(at, inner): (usize, &Value)| {
                let put = |inner| {
                    let mut values = values.clone();
                    values[at] = inner;
                    Value::Array(values)
                };
                changed(inner).into_iter().map(put).collect::<Vec<_>>()
            };
            values.iter().enumerate().flat_map(each).collect()
        }
        Value::String(text) => vec![
            Value::String(format!("{text}x")),
            Value::String("2026-09-01T00:00:07Z".to_owned()),
            Value::String("other".to_owned()),
        ],
        Value::Number(number) => vec![Value::from(number.as_u64().unwrap_or(0) + 5)],
        Value::Bool(is) => vec![Value::Bool(!is)],
        Value::Null => {
            vec![Value::String("2026-09-01T00:00:07Z".to_owned()), Value::String("other".to_owned())]
        }
    }
}

/// Two faults that differ in any evidence have different ids, and two faults that differ in nothing else have the same
/// id, so that an acceptance covers what was accepted, and covers it in each run.
#[test]
fn the_id_changes_with_the_evidence_and_with_nothing_else() {
    let mut pool: Vec<Fault> = Vec::new();
    for made in faults(&|| "text".to_owned()) {
        let json = serde_json::to_value(&made).unwrap();
        pool.extend(changed(&json).into_iter().filter_map(|other| serde_json::from_value(other).ok()));
        pool.push(Fault::WithoutRoom(Box::new(made.clone())));
        pool.push(made);
    }
    assert!(pool.len() > 250, "{}", pool.len());
    let (mut by_id, mut by_evidence) = (BTreeMap::new(), BTreeMap::new());
    for fault in pool {
        let json = serde_json::to_value(&fault).unwrap();
        let evidence = evidence_of("", &json).to_string();
        let id = Finding::new(fault, Timestamp::from_unix(0)).id();
        let (before, same) =
            (by_id.insert(id.clone(), evidence.clone()), by_evidence.insert(evidence.clone(), id.clone()));
        assert!(
            before.as_ref().is_none_or(|before| *before == evidence),
            "one id of {before:?} and {evidence}"
        );
        assert!(same.is_none_or(|same| same == id), "two ids of {evidence}");
    }
}

/// Each exemption is needed, so that the list does not outlive its reasons.
#[test]
fn each_field_that_is_no_evidence_exists() {
    let mut seen = BTreeSet::new();
    fn note(variant: &str, value: &Value, seen: &mut BTreeSet<(String, String)>) {
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields {
                    let is_variant = name.starts_with(char::is_uppercase);
                    if !is_variant {
                        seen.insert((variant.to_owned(), name.clone()));
                    }
                    note(if is_variant { name } else { variant }, inner, seen);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| note(variant, value, seen)),
            _ => {}
        }
    }
    for fault in faults(&|| "text".to_owned()) {
        note("", &serde_json::to_value(&fault).unwrap(), &mut seen);
    }
    for (variant, field) in NO_EVIDENCE {
        assert!(seen.contains(&(variant.to_owned(), field.to_owned())), "{variant}.{field}");
    }
}

/// A finding whose id does not stand for what was seen is not kept.
#[test]
fn a_finding_without_the_content_is_not_identified() {
    let at = Timestamp::from_unix(0);
    let content = [
        Fault::LogBody { body: BodyFault::Trailing },
        Fault::DigestBody { body: BodyFault::Empty },
        Fault::WithoutRoom(Box::new(Fault::DigestBody { body: BodyFault::Empty })),
        Fault::NotADigest { reason: String::new() },
        Fault::UnknownDigestForm { reason: String::new() },
        Fault::UnlistedLog,
        Fault::UnlistedLogs { count: 9, examples: Vec::new() },
        Fault::StrayLog,
        Fault::StrayDigest,
        Fault::ObjectUnlisted,
    ];
    for fault in content {
        let bare = Finding::new(fault, at);
        let of = |content: &str| Finding { content: Some(content.to_owned()), ..bare.clone() };
        assert!(!bare.is_identified() && of("1").is_identified(), "{:?}", bare.fault);
        assert_ne!(of("1").id(), of("2").id());
        let actual = Finding { actual: Some("1".to_owned()), ..bare.clone() };
        assert!(actual.is_identified());
        assert_ne!(actual.id(), of("1").id());
    }
    assert!(Finding::new(Fault::LogContent, at).is_identified());
}
