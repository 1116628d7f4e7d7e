//! What the prover needs next, and the answers that it takes.

use std::collections::BTreeSet;

use super::read::{Content, ReadDigest, Seen};
use super::signatures::CheckedDigest;
use super::{ChainProver, ChainScope};
use crate::chain;
use crate::event::{Excess, Trace};
use crate::ident::{DigestKey, Location, RegionFolder};
use crate::time::Timestamp;

/// How many needs one batch holds at most: a listing that leaves out very many digests makes more batches.
const MAX_BATCH: usize = 1_024;

/// What is needed before a chain can be judged further. Values are compared, so that an answer finds its need.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Need {
    /// The digest at a place that no listing names; where nothing is there, what is left of it.
    Digest {
        /// Where it was delivered.
        location: Location,
        /// Its end.
        end: Timestamp,
    },
    /// A further read of an object that is not what it should be: nobody is accused on one.
    SecondRead {
        /// Where it lies.
        location: Location,
        /// What the first read showed.
        seen: Seen,
        /// How much is inflated.
        limit: ReadLimit,
    },
    /// What the stream of a digest shows that is too large to be held.
    Stream {
        /// Where it lies.
        location: Location,
    },
    /// The digests of this chain in an earlier place of it that end at `until` or before.
    EarlierPlace {
        /// The place.
        folder: RegionFolder,
        /// The end of the newest one that is needed.
        until: Timestamp,
    },
}

/// How much of an object is inflated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ReadLimit {
    /// As much as of a digest file.
    Digest,
    /// As much as of a log file.
    Log,
}

/// The answer to a [`Need`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// A digest that is there, or why it could not be read.
    Digest(Box<ReadDigest>),
    /// Nothing is there, and what is left of it.
    Gone(Trace),
    /// What a further read shows.
    SecondRead(SecondRead),
    /// What a stream shows.
    Stream(Streamed),
    /// The ends of the digests in an earlier place, newest first; empty where it cannot be listed.
    EarlierPlace(Vec<Timestamp>),
    /// It was not looked at, since the run ends early.
    LeftOut,
}

/// What a further read of an object shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecondRead {
    /// The same bytes.
    Same {
        /// The signature in the metadata, this time.
        signature: Option<String>,
    },
    /// Other bytes.
    Different,
    /// Nothing is there any more.
    Gone,
    /// Nobody can say what it is, and why.
    Unsure(String),
}

/// What the stream of an object shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Streamed {
    /// Content, or a body without any.
    Seen(Seen),
    /// Nothing is there any more.
    Gone,
    /// It is larger than what a log file may inflate to.
    Oversized(Excess),
    /// It could not be read to its end, and why.
    Unread(String),
}

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
