//! Coverage and counts of a chain.

use serde::{Deserialize, Serialize};

use super::{Counts, TimeState, Timeline};
use crate::ident::ChainId;
use crate::time::{Interval, Timestamp};

/// Coverage and counts of a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChainSummary {
    /// The chain's id.
    pub id: ChainId,
    /// Intervals of the asked range that proved digests cover.
    pub covered: Vec<Interval>,
    /// Number of digests in the asked range, including digests known to be missing.
    pub digests: u64,
    /// Number of log files in the digests' lists.
    pub logs: u64,
    /// Digests and log files by state; `None` in a saved report of a version that did not write the states.
    pub counts: Option<ChainCounts>,
    /// Number of gaps in the coverage: the chain's `chain-gap` findings.
    pub gaps: u64,
    /// State of the chain's time, stretch by stretch; `None` for a chain without judged time.
    pub timeline: Option<Timeline>,
    /// Covered stretches that the run did not read, in order: an earlier run proved them, and the listing is unchanged.
    pub remembered: Vec<RememberedTime>,
    /// Whether the chain was read from a replica of another source of the run.
    pub in_replica: bool,
}

/// A covered stretch that an earlier run proved, and that the run did not read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct RememberedTime {
    /// Start of the stretch.
    pub start: Timestamp,
    /// End of the stretch.
    pub end: Timestamp,
    /// Every object of the stretch was read by a run that began at this time or later.
    pub read: Timestamp,
}

impl ChainSummary {
    /// Number of digests that are not proved: tampered with, missing, unverified or not read.
    #[must_use]
    pub fn unproved_digests(&self) -> u64 {
        self.unproved(self.digests, |counts| counts.digests)
    }

    /// Number of log files that are not proved, as [`Self::unproved_digests`].
    #[must_use]
    pub fn unproved_logs(&self) -> u64 {
        self.unproved(self.logs, |counts| counts.logs)
    }

    fn unproved(&self, all: u64, of: fn(&ChainCounts) -> StateCounts) -> u64 {
        match &self.counts {
            Some(counts) => of(counts).unproved_of(all),
            // Without states, all objects count as unproved unless the whole time of the chain is known to be proved.
            None if self.timeline.as_ref().is_some_and(is_proved) => 0,
            None => all,
        }
    }

    /// The time up to which all `chains` are covered: the earliest end of their coverage. `None` if any chain has no
    /// coverage, or for an empty list. Backfill chains are left out: a backfill digest covers no time, and the hourly
    /// digests of the same trail do.
    pub fn covered_until<'c>(chains: impl IntoIterator<Item = &'c Self>) -> Option<Timestamp> {
        let hourly = chains.into_iter().filter(|chain| !chain.id.backfill);
        let ends = hourly.map(|chain| chain.covered.last().map(|covered| covered.end));
        ends.min().flatten()
    }
}

/// Whether no stretch has an object that is tampered with or unverified.
fn is_proved(timeline: &Timeline) -> bool {
    [TimeState::Tampered, TimeState::Unverified].iter().all(|state| timeline.seconds(*state) == 0)
}

/// Digests and log files of a chain, by state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct ChainCounts {
    /// The digests of the asked range.
    pub digests: StateCounts,
    /// The log files that the digests list.
    pub logs: StateCounts,
}

/// Objects of one type, by state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateCounts {
    /// Proved.
    pub valid: u64,
    /// Modified, deleted, missing, or not what CloudTrail delivers.
    pub tampered: u64,
    /// Neither proved nor disproved.
    pub unverified: u64,
    /// Proved by an earlier run, listed unchanged since then, and not read by this run.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub remembered: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl ChainCounts {
    /// The states in the counts of a chain.
    pub(crate) const fn of(counts: &Counts) -> Self {
        let (digests, logs) = (&counts.digests, &counts.logs);
        Self {
            digests: StateCounts {
                valid: digests.valid,
                tampered: digests.tampered,
                unverified: digests.unverified,
                remembered: digests.remembered,
            },
            logs: StateCounts {
                valid: logs.valid,
                tampered: logs.tampered,
                unverified: logs.unverified,
                remembered: logs.remembered,
            },
        }
    }

    /// The counts of two parts of a chain.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { digests: self.digests.plus(other.digests), logs: self.logs.plus(other.logs) }
    }
}

impl StateCounts {
    const fn plus(self, other: Self) -> Self {
        Self {
            valid: self.valid.saturating_add(other.valid),
            tampered: self.tampered.saturating_add(other.tampered),
            unverified: self.unverified.saturating_add(other.unverified),
            remembered: self.remembered.saturating_add(other.remembered),
        }
    }

    /// How many of `all` objects are not proved. An object without a state is not proved.
    fn unproved_of(self, all: u64) -> u64 {
        let proved = self.valid.saturating_add(self.remembered);
        self.tampered.saturating_add(self.unverified).max(all.saturating_sub(proved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(counts: Option<StateCounts>, timeline: Option<&str>) -> ChainSummary {
        let id = ChainId {
            account: "111122223333".into(),
            region: "us-east-1".into(),
            trail: "audit".into(),
            home_region: "us-east-1".into(),
            organization: None,
            backfill: false,
        };
        ChainSummary {
            id,
            covered: Vec::new(),
            digests: 4,
            logs: 0,
            counts: counts.map(|digests| ChainCounts { digests, logs: StateCounts::default() }),
            gaps: 0,
            timeline: timeline.and_then(|runs| Timeline::parse(Timestamp::from_unix(0), 3_600, runs)),
            remembered: Vec::new(),
            in_replica: false,
        }
    }

    #[test]
    fn what_is_not_known_to_be_proved_is_unproved() {
        let counts = |valid, tampered, unverified, remembered| {
            Some(StateCounts { valid, tampered, unverified, remembered })
        };
        for (counts, timeline, unproved) in [
            (counts(4, 0, 0, 0), None, 0),
            (counts(1, 0, 0, 3), None, 0),
            (counts(3, 1, 0, 0), None, 1),
            (counts(2, 1, 1, 0), Some("4p"), 2),
            (counts(3, 0, 0, 0), None, 1),
            (counts(4, 0, 1, 0), None, 1),
            (None, Some("3p1q2g"), 0),
            (None, Some("3p1u"), 4),
            (None, Some("3p1t"), 4),
            (None, None, 4),
        ] {
            assert_eq!(chain(counts, timeline).unproved_digests(), unproved, "{counts:?} {timeline:?}");
        }
    }
}
