//! The prover alone: digests in memory, no store, thread or clock.

mod batches;
mod by_hand;
mod coverage;
mod links;
mod logs;
mod memory;
mod named;
mod overlaps;
mod relocated;
mod reports;
mod signatures;
mod stretches;
mod world;

/// What the tests of the prover name beside what it shows.
mod names {
    pub(super) use std::collections::BTreeSet;

    pub(super) use crate::ident::{ChainId, DigestKey, Location, RegionFolder};
    pub(super) use crate::time::{HOUR, Interval, Range, Timestamp};
}
