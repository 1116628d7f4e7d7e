//! Rules 1 and 2 for one digest: judges a digest by its signatures and records.

use std::sync::Arc;

use super::claims::ABSENT;
use super::link::{DigestLink, content_of, link_findings};
use super::need::{ProverAnswer, ProverNeed, ReadLimit, SecondRead};
use super::prover::ChainProver;
use super::read::{DigestContent, ReadDigest, SeenBody};
use super::signatures::{CheckedDigest, SignatureCheck};
use super::state::{DigestFacts, DigestNote, RememberedHead};
use crate::chain::Record;
use crate::digest::DigestFile;
use crate::event::{Fault, Finding, Kind, Severity};
use crate::ident::Location;
use crate::signature::{SignatureProof, TrustedKey};
use crate::time::Timestamp;

/// A digest with its location, its delivery place, and the records about the digest.
pub(super) struct DigestInPlace {
    pub(super) location: Location,
    pub(super) end: Timestamp,
    /// Where CloudTrail delivered the digest.
    pub(super) place: Location,
    /// Whether the window of the digest overlaps the asked range.
    pub(super) asked: bool,
    /// Whether the anchor records this digest as its predecessor.
    pub(super) awaited: bool,
    /// The record of this digest in the anchor, or else in a remembered head.
    pub(super) record: Option<Record>,
    /// The record in a remembered head whose hash fits.
    pub(super) memory: Option<Record>,
    pub(super) signature: Option<String>,
    pub(super) metadata_error: Option<String>,
}

impl DigestInPlace {
    pub(super) fn note(&self) -> DigestNote {
        DigestNote {
            location: self.location.clone(),
            end: self.end,
            asked: self.asked,
            successor: self.record.as_ref().and_then(|record| record.successor().cloned()),
        }
    }

    /// The record that proves `file`, if any.
    pub(super) fn proving(&self, file: &DigestFile) -> Option<&Record> {
        self.record.iter().chain(&self.memory).find(|record| record.proves(file))
    }

    fn link(&self, file: &DigestFile, backfill: bool) -> DigestLink<'_> {
        DigestLink {
            end: self.end,
            backfill,
            record: self.record.as_ref(),
            signature: self.signature.as_deref(),
            facts: DigestFacts::of(file),
        }
    }
}

/// How far a digest is proved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DigestStanding {
    Signed(SignatureProof),
    Recorded,
    Unproved,
    /// The bytes read are not the stored bytes, so even the text is not believed.
    Unread,
}

/// A digest with its standing and the findings on the digest.
pub(super) struct JudgedDigest {
    pub(super) in_place: DigestInPlace,
    pub(super) standing: DigestStanding,
    pub(super) key: Option<Arc<TrustedKey>>,
    pub(super) found: Vec<Finding>,
}

impl ChainProver {
    /// Judges the next older digest. The prover's state does not change, so the call can be repeated once a lacking
    /// answer has arrived.
    pub(super) fn judge(&self, digest: &CheckedDigest) -> Result<JudgedDigest, ProverNeed> {
        // 1. Rule 1: judge the content by signatures and records.
        let in_place = self.put_in_place(digest);
        let (standing, key, mut found) = match &digest.read.content {
            DigestContent::Parsed(file) => self.judge_parsed(&in_place, file, digest.proof.as_ref()),
            DigestContent::Malformed { fault, seen } => {
                let (standing, key, mut found) = unread(&in_place, judge_malformed(&in_place, fault, *seen));
                found.iter_mut().for_each(|finding| finding.actual = seen.ok().map(|hash| hash.to_string()));
                (standing, key, found)
            }
            DigestContent::Unreadable(why) => unread(&in_place, Fault::UnreadableDigest { why: why.clone() }),
            DigestContent::Absent(why) => {
                let (standing, key, mut found) =
                    unread(&in_place, Fault::UnreadableDigest { why: why.clone() });
                found.iter_mut().for_each(|finding| finding.content = Some(ABSENT.to_owned()));
                (standing, key, found)
            }
            DigestContent::Gone => unread(&in_place, Fault::DigestVanished),
            DigestContent::Oversized(excess) => {
                (DigestStanding::Unread, None, vec![self.judge_oversized(&in_place, *excess)?])
            }
        };
        // 2. Rule 2: compare with the heads of earlier runs.
        found.extend(self.judge_by_memory(&in_place.place, digest.read.file()));
        if let Some(file) = digest.read.file() {
            let content = content_of(file.hash(), digest.read.signature.as_deref());
            found.iter_mut().for_each(|finding| finding.content = Some(content.clone()));
        }
        // 3. A tampering finding needs a second read that agrees with the first read.
        if found.iter().any(accuses)
            && let Some(seen) = digest.read.seen()
        {
            let location = digest.read.location.clone();
            let need = ProverNeed::SecondRead { location, seen, limit: ReadLimit::Digest };
            let confirmed = match self.answer_to(need)? {
                ProverAnswer::SecondRead(SecondRead::Same { signature, stored })
                    if *signature == digest.read.signature =>
                {
                    Ok(*stored)
                }
                ProverAnswer::SecondRead(SecondRead::Gone) | ProverAnswer::Gone(_) => {
                    Err(Fault::DigestVanished)
                }
                ProverAnswer::SecondRead(SecondRead::Unsure(why)) => {
                    Err(Fault::DigestUnconfirmed { why: why.clone() })
                }
                // Other bytes, another signature or an answer of the wrong kind do not confirm the first read.
                _ => Err(Fault::DigestReadsDiffer),
            };
            match confirmed {
                Ok(stored) => {
                    let is_body = |finding: &&mut Finding| matches!(finding.fault, Fault::DigestBody { .. });
                    let bodies = found.iter_mut().filter(is_body);
                    bodies.for_each(|finding| finding.actual = stored.map(|hash| hash.to_string()));
                }
                Err(fault) => {
                    let found = vec![Finding::new(fault, in_place.end)];
                    return Ok(JudgedDigest { in_place, standing: DigestStanding::Unread, key: None, found });
                }
            }
        }
        Ok(JudgedDigest { in_place, standing, key, found })
    }

    fn put_in_place(&self, digest: &CheckedDigest) -> DigestInPlace {
        let CheckedDigest { read, place, .. } = digest;
        let anchored = self.state.anchor.as_ref().and_then(|anchor| anchor.record.as_ref());
        // The delivery place of an unparsed digest is unknown, so a copy at the place of a named move counts.
        let is_unparsed_copy = |recorded: &Location| {
            matches!(read.content, DigestContent::Oversized(_))
                && self.scope.is_copy(recorded, &read.location)
        };
        let anchored =
            anchored.filter(|record| record.location() == place || is_unparsed_copy(record.location()));
        // A remembered head can prove a digest. A head that does not fit becomes a finding in `judge_by_memory`.
        let hash = read.file().map(DigestFile::hash);
        let fits = |head: &&RememberedHead| hash.is_none_or(|hash| hash == head.hash);
        let memory = self.remembered_at(place).find(fits).map(RememberedHead::record);
        DigestInPlace {
            location: read.location.clone(),
            end: read.end,
            place: place.clone(),
            asked: self.scope.is_asked(digest.window()),
            awaited: anchored.is_some(),
            record: anchored.or(memory.as_ref()).cloned(),
            memory,
            signature: read.signature.clone(),
            metadata_error: read.metadata_error.clone(),
        }
    }

    /// Enters the place of a digest without any readable content.
    pub(super) fn enter_unread(&mut self, location: Location, end: Timestamp, found: Vec<Finding>) {
        let digest = self.check_next(ReadDigest::gone(location, end));
        let in_place = self.put_in_place(&digest);
        self.enter(digest, JudgedDigest { in_place, standing: DigestStanding::Unread, key: None, found });
    }

    /// Proves a parsed digest by its signature or by a record, and reports contradictions.
    fn judge_parsed(
        &self,
        in_place: &DigestInPlace,
        file: &DigestFile,
        proof: Option<&SignatureCheck>,
    ) -> (DigestStanding, Option<Arc<TrustedKey>>, Vec<Finding>) {
        let backfill = self.scope.id.backfill;
        // 1. The digest lies at the place named in its text: the signature covers the place.
        let Some(proof) = proof else {
            let mut finding = Finding::new(Fault::DigestElsewhere, in_place.end);
            finding.expected = Some(file.location().to_string());
            finding.actual = Some(in_place.location.to_string());
            return (DigestStanding::Unproved, None, vec![finding]);
        };
        match proof {
            // 2. The signature in the metadata, or the signature that the successor records, fits.
            SignatureCheck::Signed { proof, key, metadata_fits } => {
                let mut found = link_findings(&in_place.link(file, backfill), *metadata_fits);
                found.extend(lost_metadata(in_place));
                (DigestStanding::Signed(*proof), Some(Arc::clone(key)), found)
            }
            // 3. No signature fits or can be checked: a record of the hash may prove the digest.
            SignatureCheck::Misfit => judge_by_record(in_place, file, backfill, |proved| match proved {
                true => Fault::MetadataSignatureMisfit,
                false => Fault::SignatureMisfit,
            }),
            SignatureCheck::Unsigned => judge_by_record(in_place, file, backfill, |proved| Fault::Unsigned {
                metadata: in_place.metadata_error.clone(),
                proved,
            }),
            SignatureCheck::NoKey(lack) => judge_by_record(in_place, file, backfill, |proved| Fault::NoKey {
                lack: lack.clone(),
                proved,
            }),
        }
    }
}

fn unread(in_place: &DigestInPlace, fault: Fault) -> (DigestStanding, Option<Arc<TrustedKey>>, Vec<Finding>) {
    (DigestStanding::Unread, None, vec![Finding::new(fault, in_place.end)])
}

/// The fault of content that is not that of a digest file. If a successor or an earlier run recorded its hash, CloudTrail
/// wrote it. If they recorded another hash, the signature of another text does not help.
fn judge_malformed(in_place: &DigestInPlace, fault: &Fault, seen: SeenBody) -> Fault {
    let recorded = in_place.record.as_ref().and_then(Record::hash);
    match (fault, seen.ok().zip(recorded)) {
        (Fault::NotADigest { reason }, Some((seen, recorded))) if seen == recorded => {
            Fault::UnknownDigestForm { reason: reason.clone() }
        }
        (Fault::UnknownDigestForm { reason }, Some((seen, recorded))) if seen != recorded => {
            Fault::NotADigest { reason: reason.clone() }
        }
        _ => fault.clone(),
    }
}

/// Whether a finding states that the bytes read are not the delivered bytes. In a broken link both digests are genuine.
fn accuses(finding: &Finding) -> bool {
    matches!(finding.kind, Kind::DigestModified | Kind::DigestMalformed | Kind::DigestMoved)
        && finding.severity == Severity::Tampered
}

/// The finding that a digest lost its metadata, for a digest proved by the signature in its successor.
fn lost_metadata(in_place: &DigestInPlace) -> Option<Finding> {
    let why = in_place.metadata_error.clone().filter(|_| in_place.signature.is_none())?;
    Some(Finding::new(Fault::MetadataLost { why }, in_place.end).as_notice())
}

/// Judges a digest without a fitting signature by the record of its hash. `fault` gives the signature fault for a
/// proved and for an unproved digest.
fn judge_by_record(
    in_place: &DigestInPlace,
    file: &DigestFile,
    backfill: bool,
    fault: impl Fn(bool) -> Fault,
) -> (DigestStanding, Option<Arc<TrustedKey>>, Vec<Finding>) {
    let recorded = in_place.record.as_ref().and_then(Record::hash);
    let is_proved = in_place.proving(file).is_some();
    let mut finding = Finding::new(fault(is_proved), in_place.end);
    if is_proved {
        let is_misfit = finding.kind == Kind::DigestModified;
        let mut found = vec![if is_misfit { finding } else { finding.as_notice() }];
        // Without a usable key, the signature in the metadata can still be compared with the recorded signature.
        if !is_misfit {
            found.extend(link_findings(&in_place.link(file, backfill), true));
        }
        return (DigestStanding::Recorded, None, found);
    }
    match recorded {
        Some(recorded) => {
            let other = Finding::new(Fault::NotAsRecorded, in_place.end);
            finding = other.with_hashes(Some(recorded), Some(file.hash()));
        }
        None => finding.actual = Some(file.hash().to_string()),
    }
    (DigestStanding::Unproved, None, vec![finding])
}
