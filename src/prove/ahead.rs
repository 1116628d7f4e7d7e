//! Looks ahead: predicts the needs of the pending digests, so that the driver can read all of them together.

use std::collections::BTreeSet;

use super::need::{ProverNeed, ReadLimit};
use super::prover::ChainProver;
use super::read::DigestContent;
use super::scope::ChainScope;
use super::signatures::CheckedDigest;
use crate::chain;
use crate::ident::{DigestKey, Location};
use crate::time::{Interval, Timestamp};

/// The most needs in one list. A listing that omits very many digests makes more lists.
const MAX_NEEDS: usize = 1_024;

impl ChainProver {
    /// The need that blocks the prover, followed by its likely next needs: all second reads, and every digest that the
    /// records and the cadence of the pending digests imply and no listing names. A predicted need that turns out to be
    /// superfluous changes nothing.
    pub(super) fn with_likely_needs(&self, first: ProverNeed) -> Vec<ProverNeed> {
        let mut likely = BTreeSet::new();
        self.likely_heads(&mut likely);
        self.likely_after_anchor(&mut likely);
        let mut newer: Option<&CheckedDigest> = None;
        for digest in &self.pending {
            self.likely_reads(newer, digest, &mut likely);
            match newer {
                Some(newer) if newer.is_signed() && digest.is_signed() => {
                    if let Some(file) = newer.read.file()
                        && let Some(previous) = file.previous()
                    {
                        self.likely_between(&previous.location, file.window(), digest, &mut likely);
                    }
                }
                _ => {}
            }
            if digest.read.file().is_some() {
                newer = Some(digest);
            }
            if likely.len() >= MAX_NEEDS {
                break;
            }
        }
        // The blocking need comes first in the list; a need with an answer is not asked again.
        likely.remove(&first);
        likely.retain(|need| !self.answers.contains_key(need));
        std::iter::once(first).chain(likely).take(MAX_NEEDS).collect()
    }

    /// Needs the heads of earlier runs that no listing names.
    fn likely_heads(&self, likely: &mut BTreeSet<ProverNeed>) {
        // While digests are unread, only heads newer than the oldest pending digest are due.
        let oldest = self.pending.back().filter(|_| !self.to_read.is_empty()).map(CheckedDigest::end);
        let due = self.state.remembered.iter().filter(|head| oldest.is_none_or(|oldest| head.end > oldest));
        for head in due {
            self.likely_digest(head.location.clone(), head.end, likely);
        }
    }

    /// Needs the digests between the anchor and the next digest to judge.
    fn likely_after_anchor(&self, likely: &mut BTreeSet<ProverNeed>) {
        let Some(next) = self.pending.front().filter(|next| next.is_signed()) else { return };
        let anchor = self.state.anchor.as_ref().filter(|_| !self.state.doubtful);
        if let Some(anchor) = anchor
            && let Some(record) = &anchor.record
        {
            self.likely_between(record.location(), anchor.window, next, likely);
        }
    }

    /// Needs a digest by name, if the digest is in the asked range, no listing names it, and no answer is stored.
    fn likely_digest(&self, location: Location, end: Timestamp, likely: &mut BTreeSet<ProverNeed>) {
        if self.scope.is_asked(ChainScope::hour_before(end)) && !self.is_listed(&location) {
            let need = ProverNeed::Digest { location, end };
            if !self.answers.contains_key(&need) {
                likely.insert(need);
            }
        }
    }

    /// Needs a further read of a digest whose content or signature does not fit.
    fn likely_reads(
        &self,
        newer: Option<&CheckedDigest>,
        digest: &CheckedDigest,
        likely: &mut BTreeSet<ProverNeed>,
    ) {
        let location = digest.read.location.clone();
        let previous = newer.and_then(|newer| newer.read.file()?.previous());
        let recorded =
            previous.filter(|previous| previous.location == digest.place).and_then(|previous| previous.hash);
        // Rule 1: the stream of an oversized digest can be compared with a recorded hash only.
        if matches!(digest.read.content, DigestContent::Oversized(_)) && recorded.is_some() {
            likely.insert(ProverNeed::Stream { location });
            return;
        }
        let Some(seen) = digest.read.seen() else { return };
        let is_other = !digest.is_signed() && recorded.is_some_and(|recorded| seen != Ok(recorded));
        if digest.is_suspect() || is_other {
            likely.insert(ProverNeed::SecondRead { location, seen, limit: ReadLimit::Digest });
        }
    }

    /// Needs the digests between two signed digests, by the record of the newer digest and by an unbroken cadence.
    fn likely_between(
        &self,
        recorded: &Location,
        newer: Interval,
        older: &CheckedDigest,
        likely: &mut BTreeSet<ProverNeed>,
    ) {
        let Some(older_file) = older.read.file().filter(|_| *recorded != older.place) else { return };
        let Some(key) = DigestKey::parse(recorded).filter(|key| key.end > older.end()) else { return };
        if !self.scope.id.backfill {
            // Backfill digests have no cadence.
            let ends = chain::cadence(older_file.window().end, newer.start);
            for end in ends {
                if likely.len() >= MAX_NEEDS {
                    return;
                }
                self.likely_digest(self.scope.digest_location(&key.folder, end), end, likely);
            }
        }
        self.likely_digest(recorded.clone(), key.end, likely);
    }
}
