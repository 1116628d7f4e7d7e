//! Enters a judged digest into its chain: coverage, heads, the anchor for its predecessor, and the counts.

use super::coverage::push_window;
use super::digest::{DigestInPlace, DigestStanding, JudgedDigest};
use super::prover::{ChainProver, ProvedDigestLogs};
use super::read::DigestContent;
use super::scope::ChainScope;
use super::signatures::CheckedDigest;
use super::state::{ChainAnchor, ChainHead, ChainStart, DigestFacts, OverlappingDigest};
use crate::chain::{ProvedDigest, Record};
use crate::digest::DigestFile;
use crate::event::{Finding, Severity, UsedKey};
use crate::signature::TrustedKey;

impl ChainProver {
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
            self.state.named.insert(in_place.place.clone());
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
        let lies = (in_place.location != in_place.place).then(|| in_place.location.clone());
        self.proved.push(ProvedDigestLogs { digest: proved, counted, lies });
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

/// Whether a digest lies between the anchor and the predecessor that the anchor records.
fn is_intruder(anchor: Option<&ChainAnchor>, in_place: &DigestInPlace) -> bool {
    let awaiting = anchor.is_some_and(|anchor| !anchor.resolved && anchor.record.is_some());
    awaiting && !in_place.awaited
}
