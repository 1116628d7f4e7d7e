//! Which parts of S3 a folder holds, by the samples of its digests.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::sample::{Base, DigestSample};

/// Most parts of S3 that unproved digests give a folder: whoever can write to the copy may name any number.
const UNPROVED_BASES: usize = 16;

/// Number of digests that record a base. A proved digest outweighs all others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct BaseVotes {
    pub(super) proved: usize,
    pub(super) all: usize,
}

impl BaseVotes {
    pub(super) fn add(&mut self, proved: bool) {
        self.proved += usize::from(proved);
        self.all += 1;
    }
}

/// The votes of the samples.
pub(super) fn votes_of<'s>(samples: impl IntoIterator<Item = &'s DigestSample>) -> BTreeMap<Base, BaseVotes> {
    let mut votes: BTreeMap<Base, BaseVotes> = BTreeMap::new();
    for sample in samples {
        votes.entry(sample.base.clone()).or_default().add(sample.proved);
    }
    votes
}

/// Whether the folder is called like the bucket of `base`, and so stands for it.
pub(super) fn is_named(folder: &Path, above: &[String], base: &Base) -> bool {
    folder.ends_with(base.join("/")) || (!above.is_empty() && base.first() == above.first())
}

/// The likeliest base: of the bucket that the folder is called like, then with most votes, then the smallest, so that the
/// result is repeatable.
pub(super) fn best_base(votes: &BTreeMap<Base, BaseVotes>, is_named: &dyn Fn(&Base) -> bool) -> Option<Base> {
    let rank = |(base, votes): &(&Base, &BaseVotes)| (votes.proved > 0, is_named(base), **votes);
    let best = votes.iter().max_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| other.0.cmp(one.0)));
    best.map(|(base, _)| base.clone())
}

/// The bases of digests in one folder. A trail may have moved, and buckets may have been replicated into one. In a folder
/// that stands for a bucket, only a proved digest belongs to another: a forged digest must not leave the bucket. In any
/// other folder, a digest lies nowhere but where it says; of unproved digests the first [`UNPROVED_BASES`] count.
pub(super) fn bases_of(samples: &[&DigestSample], stands_for: Option<&Base>) -> BTreeSet<Base> {
    let (proved, unproved): (Vec<&DigestSample>, Vec<&DigestSample>) =
        samples.iter().partition(|sample| sample.proved);
    let mut bases: BTreeSet<Base> = proved.into_iter().map(|sample| sample.base.clone()).collect();
    match stands_for {
        Some(base) if !unproved.is_empty() => {
            bases.insert(base.clone());
        }
        Some(_) => {}
        None => {
            let mut votes: Vec<(Base, BaseVotes)> = votes_of(unproved).into_iter().collect();
            votes.sort_by_key(|(_, votes)| Reverse(*votes));
            bases.extend(votes.into_iter().take(UNPROVED_BASES).map(|(base, _)| base));
        }
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::Location;

    fn sample(bucket: &str, proved: bool) -> DigestSample {
        let base = vec![bucket.to_owned()];
        let recorded = Location::new(bucket, "x");
        DigestSample { tail: Vec::new(), path: bucket.into(), base, proved, recorded, logs: Vec::new() }
    }

    fn bases(samples: &[DigestSample], stands_for: Option<&str>) -> Vec<String> {
        let stands_for = stands_for.map(|bucket| vec![bucket.to_owned()]);
        let samples: Vec<&DigestSample> = samples.iter().collect();
        bases_of(&samples, stands_for.as_ref()).into_iter().flatten().collect()
    }

    #[test]
    fn an_unproved_digest_leaves_no_folder_that_stands_for_a_bucket() {
        let samples = [sample("one", true), sample("evil", false)];
        assert_eq!(bases(&samples, Some("one")), ["one"]);
        assert_eq!(bases(&samples, None), ["evil", "one"]);
        let moved = [sample("one", true), sample("two", true)];
        assert_eq!(bases(&moved, Some("one")), ["one", "two"]);
    }

    #[test]
    fn unproved_digests_name_a_bounded_number_of_parts() {
        let mut samples: Vec<DigestSample> =
            (0..1_000).map(|number| sample(&format!("b{number:04}"), false)).collect();
        samples.extend([sample("often", false), sample("often", false), sample("proved", true)]);
        let bases = bases(&samples, None);
        assert_eq!(bases.len(), UNPROVED_BASES + 1);
        assert!(bases.contains(&"often".to_owned()) && bases.contains(&"proved".to_owned()));
    }
}
