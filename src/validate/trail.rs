//! Trails that the user names in full, with expectations beyond the contents of the bucket.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ident::ChainId;
use crate::time::Timestamp;

/// A source of the times at which CloudTrail delivered digests of one trail.
pub trait Deliveries: fmt::Debug + Send + Sync {
    /// Asks about `regions` now. The run calls this method before it lists digests, so a digest delivered later is not
    /// reported as missing.
    fn ask(&self, _regions: &BTreeSet<String>) {}

    /// The delivery time of the newest digest for `region`; `None` if unknown, or if no digest was delivered.
    fn latest(&self, region: &str) -> Option<Timestamp>;

    /// The known regions beside the trail's home region with delivered digests, each with the delivery time of its
    /// newest digest.
    fn regions(&self) -> BTreeMap<String, Timestamp> {
        BTreeMap::new()
    }
}

/// Delivery times as they were told once, for a run that must not ask again.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldDeliveries {
    /// The answers of [`Deliveries::latest`], by region; a region without an answer is left out.
    pub latest: BTreeMap<String, Timestamp>,
    /// The answer of [`Deliveries::regions`].
    pub regions: BTreeMap<String, Timestamp>,
}

impl Deliveries for ToldDeliveries {
    fn latest(&self, region: &str) -> Option<Timestamp> {
        self.latest.get(region).copied()
    }

    fn regions(&self) -> BTreeMap<String, Timestamp> {
        self.regions.clone()
    }
}

/// A trail that the user names in full.
#[derive(Clone, Debug)]
pub struct NamedTrail {
    /// Account of the trail, 12 digits.
    pub account: String,
    /// Name of the trail.
    pub name: String,
    /// The region where the trail was made. The trail always records in this region.
    pub home_region: String,
    /// The known deliveries of the trail.
    pub deliveries: Arc<dyn Deliveries>,
}

impl NamedTrail {
    /// What is told now of the trail's deliveries in `found` regions, in its home region, and elsewhere.
    #[must_use]
    pub fn told(&self, found: &BTreeSet<String>) -> ToldDeliveries {
        let regions = self.deliveries.regions();
        let all = found.iter().chain(regions.keys()).chain([&self.home_region]);
        let latest = all.filter_map(|region| Some((region.clone(), self.deliveries.latest(region)?)));
        ToldDeliveries { latest: latest.collect(), regions }
    }

    /// Whether `chain` belongs to this trail, in any account of its organization.
    pub(super) fn has(&self, chain: &ChainId) -> bool {
        *chain.trail == *self.name && *chain.home_region == *self.home_region
    }

    /// When the newest digest of `chain` was delivered. CloudTrail states the time for the trail's own account only.
    pub(super) fn latest(&self, chain: &ChainId) -> Option<Timestamp> {
        let is_own = self.has(chain) && *chain.account == *self.account && !chain.backfill;
        is_own.then(|| self.deliveries.latest(&chain.region))?
    }
}
