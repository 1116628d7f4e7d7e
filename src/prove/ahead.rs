//! Looks ahead: what the pending digests will most likely make the prover ask for, so that it is read in one batch.

use std::collections::BTreeSet;

use super::need::{ProverNeed, ReadLimit};
use super::prover::ChainProver;
use super::read::DigestContent;
use super::scope::ChainScope;
use super::signatures::CheckedDigest;
use crate::chain;
use crate::ident::{DigestKey, Location};
use crate::time::{Interval, Timestamp};

/// How many needs one batch holds at most: a listing that leaves out very many digests makes more batches.
const MAX_NEEDS: usize = 1_024;

impl ChainProver {
    /// The need that it cannot go on without, and those that it will most likely have next: all second reads, and every
    /// digest that the pending digests' records and cadence put where no listing names one. What of these turns out not to
    /// be needed changes nothing.
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
        likely.remove(&first);
        likely.retain(|need| !self.answers.contains_key(need));
        std::iter::once(first).chain(likely).take(MAX_NEEDS).collect()
    }

    /// Heads of earlier runs that no listing names.
    fn likely_heads(&self, likely: &mut BTreeSet<ProverNeed>) {
        let oldest = self.pending.back().filter(|_| !self.to_read.is_empty()).map(CheckedDigest::end);
        let due = self.state.remembered.iter().filter(|head| oldest.is_none_or(|oldest| head.end > oldest));
        for head in due {
            self.likely_digest(head.location.clone(), head.end, likely);
        }
    }

    /// What lies between the anchor and the digest that is judged next.
    fn likely_after_anchor(&self, likely: &mut BTreeSet<ProverNeed>) {
        let Some(next) = self.pending.front().filter(|next| next.is_signed()) else { return };
        let anchor = self.state.anchor.as_ref().filter(|_| !self.state.doubtful);
        if let Some(anchor) = anchor
            && let Some(record) = &anchor.record
        {
            self.likely_between(record.location(), anchor.window, next, likely);
        }
    }

    /// A digest that may be looked for by its name, and was not yet.
    fn likely_digest(&self, location: Location, end: Timestamp, likely: &mut BTreeSet<ProverNeed>) {
        if self.scope.is_asked(ChainScope::hour_before(end)) && !self.is_listed(&location) {
            let need = ProverNeed::Digest { location, end };
            if !self.answers.contains_key(&need) {
                likely.insert(need);
            }
        }
    }

    /// Further reads of a digest that is not what it should be.
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

    /// The digests that lie between two signed ones, by the newer one's record and by an unbroken cadence.
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
