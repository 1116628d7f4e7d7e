//! A finding: what was seen of one object or one stretch of time, with the evidence for it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Fault, Kind, Reason, Severity};
use crate::ident::{ChainId, Location, Sha256Hash};
use crate::time::{Interval, Timestamp};

/// Something to be said of one object or one stretch of time, with the evidence for it.
///
/// A finding that concerns one chain names it in full: account, region, trail, home region, organization and backfill.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// How much it weighs.
    pub severity: Severity,
    /// Account id, where it concerns one.
    pub account: Option<String>,
    /// Region, where it concerns one.
    pub region: Option<String>,
    /// Trail, where it concerns one.
    pub trail: Option<String>,
    /// Region the trail was made in, where it concerns one chain.
    pub home_region: Option<String>,
    /// Organization id, where it concerns one chain of an organization's trail.
    pub organization: Option<String>,
    /// Whether its chain is the trail's backfill digests; `None` where it concerns no single chain.
    pub backfill: Option<bool>,
    /// The object, `s3://BUCKET/KEY`; of a keys file, its path.
    pub uri: Option<String>,
    /// The digest that says so.
    pub digest: Option<String>,
    /// What was seen, as a cause with its evidence; [`Finding::message`] puts it in words.
    pub fault: Fault,
    /// What was recorded: a SHA-256 value, a location or a signature.
    pub expected: Option<String>,
    /// What was found instead.
    pub actual: Option<String>,
    /// Start of the stretch it concerns.
    pub start: Option<Timestamp>,
    /// End of the stretch it concerns.
    pub end: Option<Timestamp>,
    /// Why a stretch is not covered.
    pub reason: Option<Reason>,
    /// The moment it is sorted by within its chain. Not part of any report.
    pub at: Timestamp,
}

impl Finding {
    /// A finding of what `fault` says, sorted at `at`, with the severity of its kind and nothing else filled in.
    #[must_use]
    pub fn new(fault: Fault, at: Timestamp) -> Self {
        let kind = fault.kind();
        Self {
            kind,
            severity: kind.severity(),
            account: None,
            region: None,
            trail: None,
            home_region: None,
            organization: None,
            backfill: None,
            uri: None,
            digest: None,
            fault,
            expected: None,
            actual: None,
            start: None,
            end: None,
            reason: None,
            at,
        }
    }

    /// A finding of `kind` whose message comes from elsewhere: [`Fault::Told`] without a cause.
    #[must_use]
    pub fn told(kind: Kind, at: Timestamp, message: impl Into<String>) -> Self {
        Self::new(Fault::Told { kind, cause: None, message: message.into() }, at)
    }

    /// The same finding in other words.
    #[cfg(test)]
    pub(crate) fn saying(self, message: impl Into<String>) -> Self {
        Self { fault: Fault::Told { kind: self.kind, cause: None, message: message.into() }, ..self }
    }

    /// The same finding of a digest for which the chain leaves no room.
    #[must_use]
    pub fn without_room(self) -> Self {
        Self { fault: Fault::WithoutRoom(Box::new(self.fault)), ..self }
    }

    /// The same finding as a notice: something else vouches for the object.
    #[must_use]
    pub const fn as_notice(mut self) -> Self {
        self.severity = Severity::Notice;
        self
    }

    /// The same finding about the object at `location`.
    #[must_use]
    pub fn about(mut self, location: &Location) -> Self {
        self.uri = Some(location.to_string());
        self
    }

    /// The same finding in `chain`.
    #[must_use]
    pub fn of_chain(mut self, chain: &ChainId) -> Self {
        self.trail = Some(chain.trail.to_string());
        self.home_region = Some(chain.home_region.to_string());
        self.organization = chain.organization.as_deref().map(str::to_owned);
        self.backfill = Some(chain.backfill);
        self.of_region(&chain.account, &chain.region)
    }

    /// The chain it concerns; `None` where it concerns no single chain.
    #[must_use]
    pub fn chain(&self) -> Option<ChainId> {
        let name = |field: &Option<String>| field.as_deref().map(Arc::from);
        Some(ChainId {
            account: name(&self.account)?,
            region: name(&self.region)?,
            trail: name(&self.trail)?,
            home_region: name(&self.home_region)?,
            organization: name(&self.organization),
            backfill: self.backfill?,
        })
    }

    /// Whether it concerns `chain`, and no other.
    #[must_use]
    pub fn is_of(&self, chain: &ChainId) -> bool {
        self.names(chain)
            && self.home_region.as_deref() == Some(&*chain.home_region)
            && self.organization.as_deref() == chain.organization.as_deref()
            && self.backfill == Some(chain.backfill)
    }

    /// Whether account, region and trail are those of `chain`.
    pub(crate) fn names(&self, chain: &ChainId) -> bool {
        self.account.as_deref() == Some(&*chain.account)
            && self.region.as_deref() == Some(&*chain.region)
            && self.trail.as_deref() == Some(&*chain.trail)
    }

    /// The same finding in one region of one account.
    #[must_use]
    pub fn of_region(mut self, account: &str, region: &str) -> Self {
        self.account = Some(account.to_owned());
        self.region = Some(region.to_owned());
        self
    }

    /// The same finding, said by the digest at `location`.
    #[must_use]
    pub fn by_digest(mut self, location: &Location) -> Self {
        self.digest = Some(location.to_string());
        self
    }

    /// The same finding with the hashes that differ.
    #[must_use]
    pub fn with_hashes(mut self, expected: Option<Sha256Hash>, actual: Option<Sha256Hash>) -> Self {
        self.expected = expected.map(|hash| hash.to_string());
        self.actual = actual.map(|hash| hash.to_string());
        self
    }

    /// The same finding about a stretch of time.
    #[must_use]
    pub const fn over(mut self, stretch: Interval) -> Self {
        self.start = Some(stretch.start);
        self.end = Some(stretch.end);
        self
    }

    /// The same finding with the reason a stretch is not covered.
    #[must_use]
    pub const fn because(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }
}
