//! A finding: an observation on an object or a stretch of time, with evidence.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Acceptance, CoveringChain, Fault, FindingMemory, Kind, Reason, Severity};
use crate::ident::{ChainId, Location, Sha256Hash};
use crate::time::{Interval, Timestamp};

/// An observation on an object or a stretch of time, with evidence.
///
/// A finding on a single chain names the chain in full: account, region, trail, home region, organization and backfill.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// Kind of the finding.
    pub kind: Kind,
    /// Severity of the finding.
    pub severity: Severity,
    /// Account id; `None` for a finding that concerns no single account.
    pub account: Option<String>,
    /// Region; `None` for a finding that concerns no single region.
    pub region: Option<String>,
    /// Trail; `None` for a finding that concerns no single trail.
    pub trail: Option<String>,
    /// Home region of the trail; `None` for a finding that concerns no single chain.
    pub home_region: Option<String>,
    /// Organization id; `None` unless the finding concerns a chain of an organization trail.
    pub organization: Option<String>,
    /// Whether the chain consists of the trail's backfill digests; `None` for a finding that concerns no single chain.
    pub backfill: Option<bool>,
    /// The object, as `s3://BUCKET/KEY`; the path for a keys file.
    pub uri: Option<String>,
    /// The digest that the evidence comes from.
    pub digest: Option<String>,
    /// The cause with its evidence; [`Finding::message`] gives the text.
    pub fault: Fault,
    /// The recorded SHA-256 value, location or signature.
    pub expected: Option<String>,
    /// The value that was found instead.
    pub actual: Option<String>,
    /// Where the proved original of the object lies: another copy, as a path or `s3://BUCKET/KEY`.
    pub original: Option<String>,
    /// The copy that the finding is about, as a path or `s3://BUCKET/KEY`: a second copy of the object, or an object or
    /// folder of a replica. `None` for a finding about the original.
    #[serde(default)]
    pub copy: Option<String>,
    /// Where the run read the object instead of `uri`, after a move that the user named, as `s3://BUCKET/KEY`. No part
    /// of the finding's id: the report of a run has the place, a part of a run does not.
    #[serde(skip)]
    pub read_at: Option<String>,
    /// Start of the stretch of time.
    pub start: Option<Timestamp>,
    /// End of the stretch of time.
    pub end: Option<Timestamp>,
    /// Why the stretch is not covered.
    pub reason: Option<Reason>,
    /// Other chains of the same account and region that cover a part of the stretch, in order.
    pub covered_by: Vec<CoveringChain>,
    /// The objects of a finding on many objects, as `s3://BUCKET/KEY`, in order; empty for a finding on one object.
    pub objects: Vec<String>,
    /// What tells the content of the object from any other content, where `actual` does not: hash and signature of a
    /// digest; size, entity tag and time of the last write of an object that no digest lists, or its SHA-256. A part of
    /// the finding's id, and of no report.
    #[serde(default)]
    pub content: Option<String>,
    /// What memory knows of the finding; `None` for a run without memory.
    pub memory: Option<Box<FindingMemory>>,
    /// Sort key within the chain. Not part of any report.
    pub at: Timestamp,
}

impl Finding {
    /// A finding with `fault`, sorted at `at`. The severity is that of the fault's kind; all other fields are empty.
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
            original: None,
            copy: None,
            read_at: None,
            start: None,
            end: None,
            reason: None,
            covered_by: Vec::new(),
            objects: Vec::new(),
            content: None,
            memory: None,
            at,
        }
    }

    /// A finding of `kind` with a message from elsewhere: [`Fault::Told`] without a cause.
    #[must_use]
    pub fn told(kind: Kind, at: Timestamp, message: impl Into<String>) -> Self {
        Self::new(Fault::Told { kind, cause: None, message: message.into() }, at)
    }

    /// The same finding with another message.
    #[cfg(test)]
    pub(crate) fn saying(self, message: impl Into<String>) -> Self {
        Self { fault: Fault::Told { kind: self.kind, cause: None, message: message.into() }, ..self }
    }

    /// The same finding on a digest that has no place in the chain.
    #[must_use]
    pub fn without_room(self) -> Self {
        Self { fault: Fault::WithoutRoom(Box::new(self.fault)), ..self }
    }

    /// The same finding as a notice, for an object that other evidence proves.
    #[must_use]
    pub const fn as_notice(mut self) -> Self {
        self.severity = Severity::Notice;
        self
    }

    /// The same finding as a notice of [`Kind::Accepted`].
    #[must_use]
    pub fn as_accepted(self, acceptance: &Acceptance) -> Self {
        let Acceptance { reason, by, at, .. } = acceptance.clone();
        let fault = Fault::Accepted { fault: Box::new(self.fault), reason, by, at };
        Self { kind: Kind::Accepted, severity: Severity::Notice, fault, ..self }
    }

    /// The same finding on the object at `location`.
    #[must_use]
    pub fn about(mut self, location: &Location) -> Self {
        self.uri = Some(location.to_string());
        self
    }

    /// The same finding on `chain`.
    #[must_use]
    pub fn of_chain(mut self, chain: &ChainId) -> Self {
        self.trail = Some(chain.trail.to_string());
        self.home_region = Some(chain.home_region.to_string());
        self.organization = chain.organization.as_deref().map(str::to_owned);
        self.backfill = Some(chain.backfill);
        self.of_region(&chain.account, &chain.region)
    }

    /// The chain of the finding; `None` for a finding that concerns no single chain.
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

    /// Whether the finding concerns exactly `chain`.
    #[must_use]
    pub fn is_of(&self, chain: &ChainId) -> bool {
        self.names(chain)
            && self.home_region.as_deref() == Some(&*chain.home_region)
            && self.organization.as_deref() == chain.organization.as_deref()
            && self.backfill == Some(chain.backfill)
    }

    /// Whether the finding has the account, region and trail of `chain`.
    pub(crate) fn names(&self, chain: &ChainId) -> bool {
        self.account.as_deref() == Some(&*chain.account)
            && self.region.as_deref() == Some(&*chain.region)
            && self.trail.as_deref() == Some(&*chain.trail)
    }

    /// The same finding in a region of an account.
    #[must_use]
    pub fn of_region(mut self, account: &str, region: &str) -> Self {
        self.account = Some(account.to_owned());
        self.region = Some(region.to_owned());
        self
    }

    /// The same finding, with evidence from the digest at `location`.
    #[must_use]
    pub fn by_digest(mut self, location: &Location) -> Self {
        self.digest = Some(location.to_string());
        self
    }

    /// The same finding with the two differing hashes.
    #[must_use]
    pub fn with_hashes(mut self, expected: Option<Sha256Hash>, actual: Option<Sha256Hash>) -> Self {
        self.expected = expected.map(|hash| hash.to_string());
        self.actual = actual.map(|hash| hash.to_string());
        self
    }

    /// The object that was looked at: a copy of the object at `uri`, or the object itself.
    #[must_use]
    pub fn object(&self) -> Option<&str> {
        let uri = self.uri.as_deref()?;
        let name = |place: &str| place.rsplit('/').next().map(str::to_owned);
        // A finding on a file of the user, such as a keys file, may be one on the folders of a replica.
        let is_copy_of =
            |copy: &&str| uri.starts_with("s3://") && (!copy.starts_with("s3://") || name(copy) == name(uri));
        let copy = self.copy.as_deref().filter(is_copy_of);
        Some(copy.or(self.read_at.as_deref()).unwrap_or(uri))
    }

    /// The place that a digest records for the object, where the object that was looked at lies elsewhere.
    #[must_use]
    pub fn recorded_at(&self) -> Option<&str> {
        let uri = self.uri.as_deref()?;
        (self.object() != Some(uri)).then_some(uri)
    }

    /// The same finding on a stretch of time.
    #[must_use]
    pub const fn over(mut self, stretch: Interval) -> Self {
        self.start = Some(stretch.start);
        self.end = Some(stretch.end);
        self
    }

    /// The same finding with the reason why the stretch is not covered.
    #[must_use]
    pub const fn because(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }
}
