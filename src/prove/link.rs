//! Rule 2 for one link: compares a proved digest with the record of its successor.

use super::state::DigestFacts;
use crate::chain::{Misfit, Record};
use crate::event::{Fault, Finding, ObjectState, Severity};
use crate::ident::Sha256Hash;
use crate::time::Timestamp;

/// A proved digest and the record about the digest, if any.
pub(super) struct DigestLink<'a> {
    pub(super) end: Timestamp,
    pub(super) backfill: bool,
    pub(super) record: Option<&'a Record>,
    /// The signature in the digest's metadata.
    pub(super) signature: Option<&'a str>,
    pub(super) facts: DigestFacts,
}

/// What tells a digest from any other object in the same place: hash of the content, and signature in the metadata.
pub(super) fn content_of(hash: Sha256Hash, signature: Option<&str>) -> String {
    format!("{hash} {}", signature.unwrap_or_default())
}

/// The findings on a record that does not fit its proved digest.
pub(super) fn link_findings(link: &DigestLink<'_>, metadata_fits: bool) -> Vec<Finding> {
    let DigestLink { end, record, facts, .. } = *link;
    let misfit = record
        .and_then(|record| Some((record, record.misfit(facts.hash, facts.window.end, link.signature)?)));
    let found = match misfit {
        Some((record, Misfit::Hash)) => {
            Finding::new(Fault::OtherDigestRecorded, end).with_hashes(record.hash(), Some(facts.hash))
        }
        // Hours may be backfilled again, and in any order.
        Some((_, Misfit::Overlap)) if link.backfill => return Vec::new(),
        Some((_, Misfit::Overlap)) => Finding::new(Fault::OverlapsSuccessor, end),
        None if metadata_fits => return Vec::new(),
        Some((_, Misfit::Signature)) | None => {
            let mut finding = Finding::new(Fault::OtherSignatureRecorded, end);
            finding.expected = record.and_then(|record| record.signature().map(str::to_owned));
            finding.actual = link.signature.map(str::to_owned);
            finding
        }
    };
    vec![found]
}

/// The state to count a digest in, by the gravest finding on the digest.
pub(super) fn digest_state(found: &[Finding], proved: bool) -> ObjectState {
    match found.iter().map(|finding| finding.severity).max() {
        Some(Severity::Tampered) => ObjectState::Tampered,
        Some(Severity::Incomplete) => ObjectState::Unverified,
        Some(Severity::Notice) | None if proved => ObjectState::Valid,
        Some(Severity::Notice) | None => ObjectState::Unverified,
    }
}
