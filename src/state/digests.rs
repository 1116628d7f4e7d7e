//! Remembered digests: how a run changes what is remembered.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{RememberedDigest, StateDocument};
use crate::ident::{ChainId, Location, Sha256Hash};
use crate::prove::{ChainHead, RememberedHead};

impl RememberedDigest {
    /// A digest of `chain` that `run` proved in `sources`, of which each may be the one that has it.
    pub(super) fn new(chain: &ChainId, head: &ChainHead, run: &str, sources: &[String]) -> Self {
        let ChainHead { location, end, hash, signature } = head.clone();
        let (chain, run, sources) = (chain.clone(), run.to_owned(), vec![sources.join("\n")]);
        Self { chain, location, end, hash, signature, run, sources }
    }

    /// The digest as a record for the prover.
    pub(super) fn as_head(&self) -> RememberedHead {
        let Self { location, end, hash, signature, run, .. } = self.clone();
        RememberedHead { location, end, hash, signature, run }
    }
}

/// What a run changes in the remembered digests of a file.
///
/// A remembered head is only given up for a proved digest that records it, link by link: a run that did not reach the
/// head, was interrupted or found tampering leaves the head as it is. So a head never moves over a gap, and the proved
/// time after a gap gets a head of its own.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct DigestUpdate {
    pub(super) heads: Vec<RememberedDigest>,
    pub(super) backfill: Vec<RememberedDigest>,
    pub(super) oldest: Vec<RememberedDigest>,
    pub(super) linked: BTreeSet<Location>,
}

impl DigestUpdate {
    pub(super) fn apply(&self, document: &mut StateDocument) {
        // 1. Give up the heads that newer proved digests imply.
        document.heads.retain(|head| !self.linked.contains(&head.location));
        // 2. Add what the run proved. Another run may have added the same; contradictions are kept.
        add_new(&mut document.heads, self.heads.iter().filter(|digest| digest.fits(&document.scope)));
        add_new(&mut document.backfill, self.backfill.iter().filter(|digest| digest.fits(&document.scope)));
        // 3. The record begins at the oldest digest that was ever proved.
        for oldest in self.oldest.iter().filter(|digest| digest.fits(&document.scope)) {
            match document.begins.iter_mut().find(|known| known.chain == oldest.chain) {
                Some(known) if oldest.end < known.end => *known = oldest.clone(),
                Some(_) => {}
                None => document.begins.push(oldest.clone()),
            }
        }
        for digests in [&mut document.heads, &mut document.backfill, &mut document.begins] {
            digests.sort_by(|one, other| {
                (&one.chain, one.end, &one.location, one.hash).cmp(&(
                    &other.chain,
                    other.end,
                    &other.location,
                    other.hash,
                ))
            });
        }
    }
}

fn add_new<'n>(known: &mut Vec<RememberedDigest>, new: impl Iterator<Item = &'n RememberedDigest>) {
    let place = |digest: &RememberedDigest| (digest.location.clone(), digest.hash);
    let mut all: BTreeMap<(Location, Sha256Hash), usize> =
        known.iter().enumerate().map(|(at, digest)| (place(digest), at)).collect();
    for digest in new {
        let at = *all.entry(place(digest)).or_insert(known.len());
        match known.get_mut(at) {
            // A digest that lies in several copies was seen in each.
            Some(known) => {
                known.sources.extend(digest.sources.iter().cloned());
                known.sources.sort_unstable();
                known.sources.dedup();
            }
            None => known.push(digest.clone()),
        }
    }
}
