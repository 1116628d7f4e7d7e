//! The content of a state file, as values.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::scope::StateScope;
use crate::event::{Acceptance, Kind, Severity};
use crate::ident::{ChainId, Location, Sha256Hash};
use crate::time::Timestamp;
use crate::validate::SealedFolder;

/// The most findings in a file. Further findings are reported as new in each run.
pub const MAX_FINDINGS: usize = 20_000;

/// The content of a file in `regions/` or `runs/`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateDocument {
    /// The scope.
    pub scope: StateScope,
    /// 1 for the first content, and 1 more for each change.
    pub generation: u64,
    /// The sources of the runs that wrote the file, as typed; paths are absolute.
    pub sources: Vec<String>,
    /// The run that wrote the file.
    pub run: RunStamp,
    /// Proved digests that no newer proved digest records.
    pub heads: Vec<RememberedDigest>,
    /// Proved backfill digests.
    pub backfill: Vec<RememberedDigest>,
    /// The oldest proved digest of each chain.
    pub begins: Vec<RememberedDigest>,
    /// The sealed days of the account's folder and of each organization's folder.
    pub sealed: BTreeMap<Option<String>, Arc<SealedFolder>>,
    /// Findings graver than a notice.
    pub findings: Vec<RememberedFinding>,
}

impl StateDocument {
    /// A document without content, before its first change.
    #[must_use]
    pub const fn new(scope: StateScope, run: RunStamp) -> Self {
        Self {
            scope,
            generation: 0,
            sources: Vec::new(),
            run,
            heads: Vec::new(),
            backfill: Vec::new(),
            begins: Vec::new(),
            sealed: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// Every remembered digest.
    pub fn digests(&self) -> impl Iterator<Item = &RememberedDigest> {
        self.heads.iter().chain(&self.backfill).chain(&self.begins)
    }
}

/// The name and the start of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStamp {
    /// The run's name in reports.
    pub id: String,
    /// When the run started.
    pub at: Timestamp,
}

/// A digest that a run proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RememberedDigest {
    /// The chain.
    pub chain: ChainId,
    /// Where CloudTrail delivered the digest.
    pub location: Location,
    /// The digest's end.
    pub end: Timestamp,
    /// SHA-256 of the inflated content.
    pub hash: Sha256Hash,
    /// The digest's signature, hex.
    pub signature: Option<Box<str>>,
    /// The run that proved the digest.
    pub run: String,
    /// The sources, as typed, of the runs that proved the digest; paths are absolute.
    pub sources: Vec<String>,
}

/// A finding graver than a notice, open or accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RememberedFinding {
    /// The finding's id.
    pub id: String,
    /// Whether the object of the finding was not read, so that the finding cannot be accepted.
    pub unseen: bool,
    /// The copy that the finding is about; `None` for a finding about the original.
    pub copy: Option<String>,
    /// When a run first saw the finding.
    pub first_seen: Timestamp,
    /// Kind of the finding.
    pub kind: Kind,
    /// Severity of the finding.
    pub severity: Severity,
    /// The word of the cause.
    pub cause: Option<String>,
    /// The chain, for a finding on a single chain.
    pub chain: Option<ChainId>,
    /// Account id.
    pub account: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// The object.
    pub uri: Option<String>,
    /// Start of the stretch of time.
    pub start: Option<Timestamp>,
    /// End of the stretch of time.
    pub end: Option<Timestamp>,
    /// Time of the finding.
    pub at: Timestamp,
    /// The acceptance; `None` for an open finding.
    pub accepted: Option<StoredAcceptance>,
}

/// The acceptance of a finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredAcceptance {
    /// The reason.
    pub reason: String,
    /// The person.
    pub by: String,
    /// When the person accepted the finding.
    pub at: Timestamp,
}

impl RememberedFinding {
    /// The acceptance as reports show it.
    pub(super) fn acceptance(&self) -> Option<Acceptance> {
        let StoredAcceptance { reason, by, at } = self.accepted.clone().filter(|_| self.is_accepted())?;
        Some(Acceptance::new(self.kind, self.severity, reason, by, at))
    }
}
