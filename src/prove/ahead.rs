//! Looks ahead: what the pending digests will most likely make the prover ask for, so that it is read in one batch.

use std::collections::BTreeSet;

use super::need::{Need, ReadLimit};
use super::prover::ChainProver;
use super::read::Content;
use super::scope::ChainScope;
use super::signatures::CheckedDigest;
use crate::chain;
use crate::ident::{DigestKey, Location};
use crate::time::Timestamp;

/// How many needs one batch holds at most: a listing that leaves out very many digests makes more batches.
const MAX_BATCH: usize = 1_024;

impl ChainProver {
    /// The need that it cannot go on without, and those that it will most likely have next: all second reads, and every
    /// digest that the pending digests' records and cadence put where no listing names one. What of these turns out not to
    /// be needed changes nothing.
    pub(super) fn with_likely_needs(&self, first: Need) -> Vec<Need> {
        let mut likely = BTreeSet::new();
        let mut newer: Option<&CheckedDigest> = None;
        for digest in &self.pending {
            self.likely_reads(newer, digest, &mut likely);
            match newer {
                Some(newer) if newer.is_signed() && digest.is_signed() => {
                    self.likely_between(newer, digest, &mut likely);
                }
                _ => {}
            }
            if digest.read.file().is_some() {
                newer = Some(digest);
            }
            if likely.len() >= MAX_BATCH {
                break;
            }
        }
        likely.remove(&first);
        likely.retain(|need| !self.answers.contains_key(need));
        std::iter::once(first).chain(likely).take(MAX_BATCH).collect()
    }

    /// Further reads of a digest that is not what it should be.
    fn likely_reads(
        &self,
        newer: Option<&CheckedDigest>,
        digest: &CheckedDigest,
        likely: &mut BTreeSet<Need>,
    ) {
        let location = digest.read.location.clone();
        let previous = newer.and_then(|newer| newer.read.file()?.previous());
        let recorded =
            previous.filter(|previous| previous.location == digest.place).and_then(|previous| previous.hash);
        if matches!(digest.read.content, Content::Oversized(_)) && recorded.is_some() {
            likely.insert(Need::Stream { location });
            return;
        }
        let Some(seen) = digest.read.seen() else { return };
        let is_other = !digest.is_signed() && recorded.is_some_and(|recorded| seen != Ok(recorded));
        if digest.is_suspect() || is_other {
            likely.insert(Need::SecondRead { location, seen, limit: ReadLimit::Digest });
        }
    }

    /// The digests that lie between two signed ones, by the newer one's record and by an unbroken cadence.
    fn likely_between(&self, newer: &CheckedDigest, older: &CheckedDigest, likely: &mut BTreeSet<Need>) {
        let (Some(newer_file), Some(older_file)) = (newer.read.file(), older.read.file()) else { return };
        let Some(previous) = newer_file.previous().filter(|previous| previous.location != older.place) else {
            return;
        };
        let Some(key) = DigestKey::parse(&previous.location).filter(|key| key.end > older.end()) else {
            return;
        };
        let mut add = |location: Location, end: Timestamp| {
            if self.scope.is_asked(ChainScope::hour_before(end)) && !self.is_listed(&location) {
                likely.insert(Need::Digest { location, end });
            }
        };
        if !self.scope.id.backfill {
            let ends = chain::cadence(older_file.window().end, newer_file.window().start);
            for end in ends.into_iter().take(MAX_BATCH) {
                add(self.scope.digest_location(&key.folder, end), end);
            }
        }
        add(previous.location.clone(), key.end);
    }
}
