//! Trails that the user names in full: what is expected of them, beyond what lies in the bucket.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::ident::ChainId;
use crate::time::Timestamp;

/// Something that knows when CloudTrail delivered digests of one trail.
pub trait Deliveries: fmt::Debug + Send + Sync {
    /// Asks about `regions` now. The run calls it before it lists digests: a digest that is delivered later is not
    /// missed then.
    fn ask(&self, _regions: &BTreeSet<String>) {}

    /// When the newest digest of the log files of `region` was delivered; `None` where it is not known, or none was.
    fn latest(&self, region: &str) -> Option<Timestamp>;

    /// The regions beside the trail's home in which it is known to deliver digests, and when the newest one of each was
    /// delivered.
    fn regions(&self) -> BTreeMap<String, Timestamp> {
        BTreeMap::new()
    }
}

/// A trail that the user names in full.
#[derive(Clone, Debug)]
pub struct NamedTrail {
    /// Account of the trail, 12 digits.
    pub account: String,
    /// Its name.
    pub name: String,
    /// The region it was made in, in which it records at any rate.
    pub home_region: String,
    /// What is known of its deliveries.
    pub deliveries: Arc<dyn Deliveries>,
}

impl NamedTrail {
    /// Whether `chain` is one of this trail, in any account of its organization.
    pub(super) fn has(&self, chain: &ChainId) -> bool {
        *chain.trail == *self.name && *chain.home_region == *self.home_region
    }

    /// When the newest digest of `chain` was delivered. CloudTrail tells it for the trail's own account alone.
    pub(super) fn latest(&self, chain: &ChainId) -> Option<Timestamp> {
        let is_own = self.has(chain) && *chain.account == *self.account && !chain.backfill;
        is_own.then(|| self.deliveries.latest(&chain.region))?
    }
}
