//! Messages about keys.

use super::{counted, quoted};
use crate::event::KeyLack;

/// Why a signature could not be checked.
pub(super) fn lack(lack: &KeyLack) -> String {
    match lack {
        KeyLack::Unknown { fingerprint } => format!("no public key with fingerprint {}", quoted(fingerprint)),
        KeyLack::NotThen { fingerprint, validity: Some(validity) } => {
            format!("key {} is valid {validity}, not when the digest was signed", quoted(fingerprint))
        }
        KeyLack::NotThen { fingerprint, validity: None } => {
            format!("key {} is not valid when the digest was signed", quoted(fingerprint))
        }
        KeyLack::Unreachable { fingerprint, why } => {
            format!("no public key with fingerprint {}: {why}", quoted(fingerprint))
        }
        KeyLack::Algorithm { name } => format!("unknown signature algorithm {}", quoted(name)),
    }
}

pub(super) fn unfetched(digests: u64, logs: u64, why: &str) -> String {
    let digests = counted(digests, "digest");
    let logs = if logs > 0 { format!(" and {}", counted(logs, "log file")) } else { String::new() };
    format!("without public keys, {digests}{logs} of the region could not be verified: {why}")
}

pub(super) fn rejected(entry: usize, region: Option<&str>, reason: &str) -> String {
    match region {
        None => format!("entry {entry} of the keys file is not used: {reason}"),
        Some(region) => format!("key {entry} that CloudTrail lists for `{region}` is not used: {reason}"),
    }
}
