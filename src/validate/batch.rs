//! Batches of digests: how many digests are read together, so that memory does not grow with the trail.

use std::sync::atomic::{AtomicU64, Ordering};

use super::context::RunContext;
use crate::digest::DigestFile;
use crate::prove::ReadDigest;

/// The weight of one batch of digests, some 30 MB, where many requests wait at a time. A digest weighs [`DIGEST_WEIGHT`] plus
/// 1 for each listed log file.
const BATCH_WEIGHT: u64 = 100_000;

/// The weight of one batch where nothing waits, as on a disk: a larger batch takes more memory and no less time.
const DISK_BATCH_WEIGHT: u64 = BATCH_WEIGHT / 4;

/// The weight of a digest without log files: some 5 kB, from its bytes to its proof.
const DIGEST_WEIGHT: u64 = 18;

/// Bytes of text that weigh as much as one log file. Texts or log files count, whichever weigh more.
const TEXT_WEIGHT: usize = 256;

/// The weight of one batch of digests.
pub(super) fn most_weight(context: RunContext<'_>) -> u64 {
    if context.tools.store.waiting() > 1 { BATCH_WEIGHT } else { DISK_BATCH_WEIGHT }
}

/// The most digests in one batch.
pub(super) fn most_digests(context: RunContext<'_>) -> usize {
    usize::try_from(most_weight(context) / DIGEST_WEIGHT).unwrap_or(usize::MAX).saturating_add(1)
}

/// The weight of a digest in memory.
pub(super) fn weigh(read: &ReadDigest) -> u64 {
    let texts =
        read.file().map_or(0, DigestFile::text_bytes) + read.signature.as_ref().map_or(0, String::len);
    let logs = read.file().map_or(0, DigestFile::log_count);
    DIGEST_WEIGHT + logs.max(texts / TEXT_WEIGHT) as u64
}

/// How many light digests a guess assumes beside those that were read.
const ASSUMED_LIGHT: u64 = 32;

/// The weight of a batch while its digests are read in parallel.
pub(super) struct BatchBudget {
    /// The weight that the batch aims at.
    most: u64,
    /// The weight that no batch exceeds by more than one digest. A digest that arrives later is read twice, so the limit
    /// leaves room for digests that were begun and weigh more than guessed.
    pub(super) limit: u64,
    weight: AtomicU64,
    begun: AtomicU64,
    ended: AtomicU64,
}

impl BatchBudget {
    pub(super) fn new(most: u64) -> Self {
        let [weight, begun, ended] = [0; 3].map(AtomicU64::new);
        Self { most, limit: most.saturating_add(most / 4), weight, begun, ended }
    }

    /// Notes that the read of a digest begins.
    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a digest was read, and its weight.
    pub(super) fn end(&self, weight: u64) {
        self.weight.fetch_add(weight, Ordering::Relaxed);
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether there is room for one more digest beside those under way, if each of them weighs about what the digests
    /// weighed that were read so far. A single heavy digest must not end the batch, so the first ones count for less.
    pub(super) fn has_room(&self) -> bool {
        let ended = self.ended.load(Ordering::Relaxed);
        let under_way = self.begun.load(Ordering::Relaxed).saturating_sub(ended);
        let weight = self.weight.load(Ordering::Relaxed);
        let each = (weight + ASSUMED_LIGHT * DIGEST_WEIGHT) / (ended + ASSUMED_LIGHT);
        weight.saturating_add(under_way.saturating_mul(each)) < self.most
    }

    /// Whether the digests read so far weigh as much as the limit.
    pub(super) fn is_exceeded(&self) -> bool {
        self.weight.load(Ordering::Relaxed) >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads digests of these weights, `at_once` under way, the oldest answered first. Returns how many were read, and how
    /// many of them arrived after the limit.
    fn read(budget: &BatchBudget, at_once: usize, weights: impl Iterator<Item = u64>) -> (usize, usize) {
        let mut weights = weights.fuse();
        let (mut under_way, mut read, mut late) = (std::collections::VecDeque::new(), 0, 0);
        loop {
            while under_way.len() < at_once && budget.has_room() {
                let Some(weight) = weights.next() else { break };
                budget.begin();
                under_way.push_back(weight);
            }
            let Some(weight) = under_way.pop_front() else { return (read, late) };
            read += 1;
            if budget.is_exceeded() {
                late += 1;
            } else {
                budget.end(weight);
            }
        }
    }

    #[test]
    fn digests_of_like_weight_are_read_once_and_fill_the_batch() {
        for at_once in [1, 8, 64, 512] {
            for each in [DIGEST_WEIGHT, 23, 60] {
                let (read, late) = read(&BatchBudget::new(BATCH_WEIGHT), at_once, std::iter::repeat(each));
                assert_eq!(late, 0, "{at_once} at once of {each}");
                let full = BATCH_WEIGHT.div_ceil(each);
                assert!(
                    (full..full + full / 20).contains(&(read as u64)),
                    "{at_once} at once of {each}: {read}"
                );
                // Quiet hours beside busy ones.
                let mixed = (0..).map(|number: u64| if number % 24 < 12 { each } else { each * 2 });
                assert_eq!(self::read(&BatchBudget::new(BATCH_WEIGHT), at_once, mixed).1, 0);
            }
        }
    }

    /// Hours of many log files come one by one.
    #[test]
    fn one_heavy_digest_does_not_end_a_batch() {
        for first in 0..3 {
            let weights = (0..).map(|number| if number == first { 2_000 } else { 25 });
            let (read, late) = read(&BatchBudget::new(BATCH_WEIGHT), 512, weights);
            assert!(read > 3_500 && late == 0, "{first}: {read}, {late}");
        }
    }

    #[test]
    fn heavy_digests_end_a_batch() {
        let sudden = std::iter::repeat_n(DIGEST_WEIGHT, 100).chain(std::iter::repeat(5_000));
        let budget = BatchBudget::new(BATCH_WEIGHT);
        let (read, late) = read(&budget, 64, sudden);
        assert!(read - late <= 100 + 25 && late > 0, "{read}, {late}");
        assert!(budget.is_exceeded() && !budget.has_room());
        let budget = BatchBudget::new(1);
        assert_eq!(self::read(&budget, 64, std::iter::repeat(1 << 40)), (1, 0));
    }
}
