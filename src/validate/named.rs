//! Trails that the user names in full: what is expected of them, beyond what lies in the bucket.

use std::fmt;
use std::sync::Arc;

use crate::ident::ChainId;
use crate::time::Timestamp;

/// Something that knows when CloudTrail delivered digests of one trail.
pub trait Deliveries: fmt::Debug + Send + Sync {
    /// When the newest digest of the log files of `region` was delivered; `None` where nobody knows, or none was.
    fn latest(&self, region: &str) -> Option<Timestamp>;
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
