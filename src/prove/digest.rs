//! Rules 1 and 2 for one digest: judges a digest by its signatures and records, and enters the digest into the chain.

use std::sync::Arc;

use super::claims::ABSENT;
use super::coverage::push_window;
use super::link::{DigestLink, content_of, link_findings};
use super::need::{ProverAnswer, ProverNeed, ReadLimit, SecondRead};
use super::prover::{ChainProver, ProvedDigestLogs};
use super::read::{DigestContent, ReadDigest};
use super::scope::ChainScope;
use super::signatures::{CheckedDigest, SignatureCheck};
use super::state::ChainHead;
use super::state::{ChainAnchor, ChainStart, DigestFacts, DigestNote, OverlappingDigest, RememberedHead};
use crate::chain::{ProvedDigest, Record};
use crate::digest::DigestFile;
use crate::event::{Fault, Finding, Kind, Severity, UsedKey};
use crate::ident::Location;
use crate::signature::{SignatureProof, TrustedKey};
use crate::time::Timestamp;

/// A digest with its location, its delivery place, and the records about the digest.
pub(super) struct DigestInPlace {
    pub(super) location: Location,
    pub(super) end: Timestamp,
    /// Where CloudTrail delivered the digest.
    place: Location,
    /// Whether the window of the digest overlaps the asked range.
    asked: bool,
    /// Whether the anchor records this digest as its predecessor.
    awaited: bool,
    /// The record of this digest in the anchor, or else in a remembered head.
    pub(super) record: Option<Record>,
    /// The record in a remembered head whose hash fits.
    memory: Option<Record>,
    signature: Option<String>,
    metadata_error: Option<String>,
}

impl DigestInPlace {
    fn note(&self) -> DigestNote {
        DigestNote {
            location: self.location.clone(),
            end: self.end,
            asked: self.asked,
            successor: self.record.as_ref().and_then(|record| record.successor().cloned()),
        }
    }

    /// The record that proves `file`, if any.
    fn proving(&self, file: &DigestFile) -> Option<&Record> {
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
enum DigestStanding {
    Signed(SignatureProof),
    Recorded,
    Unproved,
    /// The bytes read are not the stored bytes, so even the text is not believed.
    Unread,
}

/// A digest with its standing and the findings on the digest.
pub(super) struct JudgedDigest {
    in_place: DigestInPlace,
    standing: DigestStanding,
    key: Option<Arc<TrustedKey>>,
    found: Vec<Finding>,
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
                let (standing, key, mut found) = unread(&in_place, fault.clone());
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
                ProverAnswer::SecondRead(SecondRead::Same { .. } | SecondRead::Different) => {
                    Err(Fault::DigestReadsDiffer)
                }
                ProverAnswer::SecondRead(SecondRead::Gone) | ProverAnswer::Gone(_) => {
                    Err(Fault::DigestVanished)
                }
                ProverAnswer::SecondRead(SecondRead::Unsure(why)) => {
                    Err(Fault::DigestUnconfirmed { why: why.clone() })
                }
                // An answer of the wrong kind does not confirm the first read.
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

    /// Enters a judged digest into the chain and the counts.
    pub(super) fn enter(&mut self, digest: CheckedDigest, judged: JudgedDigest) {
        let JudgedDigest { in_place, standing, key, mut found } = judged;
        let CheckedDigest { read, .. } = digest;
        // 1. Count bytes, used keys, answering folders and relocated copies.
        self.state.begun = true;
        let counted = in_place.asked && self.scope.selected;
        if counted {
            self.state.counts.compressed_bytes += read.sizes.compressed;
            self.state.counts.inflated_bytes += read.sizes.inflated;
            if let Some(key) = key {
                self.use_key(&key);
            }
        }
        if let Some(folder) = self.folder_of(&in_place.location).filter(|_| in_place.asked) {
            self.state.answered.insert(folder);
        }
        if in_place.place != in_place.location {
            let seen = self.state.relocated.as_ref().map_or(0, |(_, _, seen)| *seen);
            self.state.relocated = Some((in_place.location.clone(), in_place.place.clone(), seen + 1));
        }
        // 2. The digest is met: heads and anchor wait for it no longer.
        let is_remembered = self.remembered_at(&in_place.place).next().is_some();
        self.state.remembered.retain(|head| head.location != in_place.place);
        let intruder = is_intruder(self.state.anchor.as_ref(), &in_place);
        if in_place.awaited
            && let Some(anchor) = &mut self.state.anchor
        {
            anchor.resolved = true;
        }
        let file = match read.content {
            DigestContent::Parsed(file) if standing != DigestStanding::Unread => Some(*file),
            _ => None,
        };
        // 3. Rule 2: link the digest into the chain, set it aside, or enter it as unproved.
        match into_proved(file, standing, &in_place) {
            Ok(proved) if intruder => {
                let facts = DigestFacts::of(proved.file());
                let known_later = self.note_head(&in_place, &proved, is_remembered, &found);
                let anchor = ChainAnchor { known_later, ..self.enter_proved(&in_place, proved) };
                self.note_apart(&anchor);
                let (note, signature) = (in_place.note(), in_place.signature);
                self.set_aside(OverlappingDigest { note, signature, facts, found, anchor });
            }
            Ok(proved) => {
                let known_later = self.note_head(&in_place, &proved, is_remembered, &found);
                self.report_digest(&in_place.note(), found, true);
                let anchor = ChainAnchor { known_later, ..self.enter_proved(&in_place, proved) };
                if !self.scope.id.backfill {
                    self.note_apart(&anchor);
                }
                self.move_anchor(anchor, in_place.awaited);
            }
            Err(file) => {
                if intruder {
                    found = found.into_iter().map(Finding::without_room).collect();
                }
                self.report_digest(&in_place.note(), found, false);
                if in_place.awaited {
                    self.release_overlaps();
                }
                self.enter_unproved(&in_place, file);
            }
        }
    }

    fn use_key(&mut self, key: &TrustedKey) {
        self.state.keys.insert(UsedKey {
            fingerprint: key.key.fingerprint().to_owned(),
            region: self.scope.id.region.to_string(),
            valid_from: key.validity.map(|validity| validity.start),
            valid_to: key.validity.map(|validity| validity.end),
            source: key.source.clone(),
        });
    }

    /// Enters the window and the log files of a proved digest. Returns the digest as an anchor for its predecessor.
    fn enter_proved(&mut self, in_place: &DigestInPlace, proved: ProvedDigest) -> ChainAnchor {
        let folder = self.folder_of(&in_place.location);
        // 1. Find the window, and the record of the predecessor.
        let (window, record) = (proved.file().window(), proved.record());
        let resolved = record.as_ref().is_some_and(|record| self.is_of_another_chain(record));
        let backfill = self.scope.id.backfill;
        let counted = in_place.asked && self.scope.selected;
        // 2. Rule 4: CloudTrail writes the digest that starts a chain for the hour before logging began, so such a
        //    digest covers nothing.
        let covers = !backfill && record.is_some();
        if covers && in_place.asked {
            push_window(&mut self.state.covered, window);
        }
        if counted && (covers || backfill) {
            self.state.marks.note_proved(window, proved.file().log_count() == 0);
        }
        // 3. A digest without a record starts a chain.
        if record.is_none() {
            let (end, location, asked) = (window.end, in_place.location.clone(), in_place.asked);
            self.state.restarts.push(ChainStart { end, location, asked });
        }
        // 4. Note the coverage of the folder, for the search of its log folders.
        if let Some(folder) = folder {
            if !backfill {
                self.state.newest = self.state.newest.max(Some((window.end, folder)));
            }
            if covers {
                push_window(self.state.covered_in.entry(folder).or_default(), window);
            }
        }
        // 5. Pass the log files on to be hashed.
        self.state.note_record(proved.file());
        self.proved.push(ProvedDigestLogs { digest: proved, counted });
        ChainAnchor { location: in_place.place.clone(), window, record, resolved, known_later: false }
    }

    /// Notes a proved digest as a head for the next run. Only a digest of the asked range without a finding can become a
    /// head, so that a tampered run never replaces what an intact run remembered. Returns whether the next run will know
    /// the digest.
    fn note_head(
        &mut self,
        in_place: &DigestInPlace,
        proved: &ProvedDigest,
        is_remembered: bool,
        found: &[Finding],
    ) -> bool {
        if !in_place.asked || found.iter().any(|finding| finding.severity > Severity::Notice) {
            return false;
        }
        let own = in_place.signature.as_deref();
        let recorded = in_place.record.as_ref().and_then(Record::signature);
        let head = ChainHead {
            location: in_place.place.clone(),
            end: proved.file().window().end,
            hash: proved.file().hash(),
            signature: own.or(recorded).map(Into::into),
        };
        if self.state.oldest.as_ref().is_none_or(|oldest| head.end < oldest.end) {
            self.state.oldest = Some(head.clone());
        }
        // A digest that a newer proved digest records is implied by that digest, if the next run will know that digest.
        // Nothing implies a backfill digest.
        let is_known = self.state.anchor.as_ref().is_some_and(|anchor| anchor.known_later);
        match in_place.awaited && is_known && !self.scope.id.backfill {
            true if is_remembered => self.state.linked.push(head.location),
            true => {}
            false => self.state.heads.push(head),
        }
        true
    }

    fn enter_unproved(&mut self, in_place: &DigestInPlace, file: Option<DigestFile>) {
        self.state.doubtful = true;
        if in_place.asked {
            // The hour of the digest's name, not the claimed window: nothing proves the claim.
            self.state.unproved.push(ChainScope::hour_before(in_place.end));
        }
        let Some(file) = file else { return };
        self.state.note_record(&file);
        if in_place.asked && self.scope.selected {
            self.claim(&file, &in_place.location, in_place.end);
        }
    }
}

fn unread(in_place: &DigestInPlace, fault: Fault) -> (DigestStanding, Option<Arc<TrustedKey>>, Vec<Finding>) {
    (DigestStanding::Unread, None, vec![Finding::new(fault, in_place.end)])
}

/// The proved digest, or the file of an unproved digest.
#[expect(clippy::result_large_err, reason = "the file is given back, not lost")]
fn into_proved(
    file: Option<DigestFile>,
    standing: DigestStanding,
    in_place: &DigestInPlace,
) -> Result<ProvedDigest, Option<DigestFile>> {
    let file = file.ok_or(None)?;
    match (standing, in_place.proving(&file)) {
        (DigestStanding::Signed(proof), _) => ProvedDigest::by_signature(file, proof).map_err(Some),
        (DigestStanding::Recorded, Some(record)) => ProvedDigest::by_record(file, record).map_err(Some),
        _ => Err(Some(file)),
    }
}

/// Whether a finding states that the bytes read are not the delivered bytes. In a broken link both digests are genuine.
fn accuses(finding: &Finding) -> bool {
    matches!(finding.kind, Kind::DigestModified | Kind::DigestMalformed | Kind::DigestMoved)
        && finding.severity == Severity::Tampered
}

/// Whether a digest lies between the anchor and the predecessor that the anchor records.
fn is_intruder(anchor: Option<&ChainAnchor>, in_place: &DigestInPlace) -> bool {
    let awaiting = anchor.is_some_and(|anchor| !anchor.resolved && anchor.record.is_some());
    awaiting && !in_place.awaited
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
