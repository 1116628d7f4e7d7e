//! Plans a run from listings alone: no object's body is read, and nothing is verified.
//!
//! The plan lists the same folders as [`validate`](super::validate), with the same narrowing and the same neighbours.
//! The digests of the plan are the digests that a run reads, except for digests that only a chain names. The log files
//! are an estimate: the names in the log folders, in the time that the digests cover. A name may be up to 20 minutes
//! off the delivery, an unlisted object counts too, and with narrowed trails the log files of the trails cannot be told
//! apart by name.

mod archived;
mod counting;
mod price;
mod region;
mod tally;

use std::sync::Arc;

use super::answered::AnsweredNames;
use super::cancel::RunCancellation;
use super::check::check;
use super::context::RunContext;
use super::region::exceeds_notices;
use super::request::{RunTools, ValidationRequest};
use super::source_path::SourceError;
use super::workers::WorkerPool;
use super::{discover, target};
use crate::event::{Finding, Severity};
use crate::ident::ChainId;
use crate::time::Timestamp;
use counting::CountingStore;
use region::PlannedRegion;
pub(super) use region::weigh;

pub use archived::{ArchiveListener, ArchivedAmount};
pub use price::{Cost, FREE_TRANSFER_GB, Usd};

/// The most regions listed at a time.
const REGIONS_AT_ONCE: usize = 1_024;

/// A number of objects, with their stored bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Amount {
    /// Number of objects.
    pub objects: u64,
    /// Stored size of all objects, in bytes, as listed.
    pub bytes: u64,
}

impl Amount {
    /// The sum of two amounts.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            objects: self.objects.saturating_add(other.objects),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Self::plus)
    }
}

/// The digests of a chain that a run would read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainPlan {
    /// The chain.
    pub id: ChainId,
    /// Whether the chain was asked for. The chain of a second trail in the same folders is read for its listed log
    /// files, and has no findings.
    pub selected: bool,
    /// Digests in the asked range: the hour before the end in the name overlaps the range.
    pub inside: Amount,
    /// Digests beside the range, read as witnesses and not counted.
    pub witnesses: Amount,
    /// End of the oldest digest to read, witnesses included.
    pub first: Timestamp,
    /// End of the newest digest to read.
    pub last: Timestamp,
}

/// The log files of one region of one account that a run would read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegionPlan {
    /// Account id.
    pub account: Arc<str>,
    /// Region of the log files.
    pub region: Arc<str>,
    /// Log files by the minutes in their names: an estimate.
    pub logs: Amount,
}

/// The objects that a run would read. [`Plan::is_complete`] tells whether everything asked for could be listed.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Plan {
    /// Every chain with a digest to read, in order.
    pub chains: Vec<ChainPlan>,
    /// Every region with a folder, in order of account and region.
    pub regions: Vec<RegionPlan>,
    /// LIST requests of the plan to S3, in pages of 1,000 keys or folders. A run takes as many if no object is missing,
    /// and up to 64 more for a folder of very many log files, which a run lists in several parts at a time.
    pub list_requests: u64,
    /// Objects that have to be restored before a run, as far as listings show: see
    /// [`ArchiveClass`](crate::store::ArchiveClass).
    pub archived: ArchivedAmount,
    /// Findings on folders that could not be listed, and on names that were not found.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Digests of the asked range in the asked chains.
    #[must_use]
    pub fn inside(&self) -> Amount {
        self.chains.iter().filter(|chain| chain.selected).map(|chain| chain.inside).sum()
    }

    /// Further digests to read: witnesses, and digests of trails that were not asked for.
    #[must_use]
    pub fn beside(&self) -> Amount {
        let others = self.chains.iter().filter(|chain| !chain.selected).map(|chain| chain.inside);
        self.chains.iter().map(|chain| chain.witnesses).chain(others).sum()
    }

    /// Log files, estimated.
    #[must_use]
    pub fn logs(&self) -> Amount {
        self.regions.iter().map(|region| region.logs).sum()
    }

    /// All objects to read: one GET request to S3 for each object, two for an object of more than 8 MiB as stored.
    #[must_use]
    pub fn reads(&self) -> Amount {
        self.inside().plus(self.beside()).plus(self.logs())
    }

    /// The bill of S3 for the run.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let Amount { objects, bytes } = self.reads();
        Cost::of(self.list_requests, objects, bytes)
    }

    /// Whether everything asked for could be listed, and a digest in the asked range was found. A plan that found
    /// nothing is never complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.inside().objects > 0 && self.findings.iter().all(|finding| finding.severity <= Severity::Notice)
    }
}

/// Lists the objects that [`validate`](super::validate) would read for `request`. The keys and the progress of `tools`
/// are not used. Failures to list are findings of the plan.
///
/// # Errors
/// [`SourceError`] for a source that cannot be validated.
pub fn plan(request: &ValidationRequest, tools: RunTools<'_>) -> Result<Plan, SourceError> {
    plan_telling(request, tools, None)
}

/// The same as [`plan`], and tells `listener` each archived object. With a listener, archived log files in every log
/// folder are told and counted; without, those in `CloudTrail/`.
///
/// # Errors
/// The errors of [`plan`].
pub fn plan_with_archived(
    request: &ValidationRequest,
    tools: RunTools<'_>,
    listener: &ArchiveListener<'_>,
) -> Result<Plan, SourceError> {
    plan_telling(request, tools, Some(listener))
}

fn plan_telling(
    request: &ValidationRequest,
    tools: RunTools<'_>,
    listener: Option<&ArchiveListener<'_>>,
) -> Result<Plan, SourceError> {
    let store = CountingStore::new(tools.store);
    let tools = RunTools { store: &store, ..tools };
    check(request, tools)?;
    if let Some(request) = target::planned(request)? {
        return plan_telling(&request, tools, listener);
    }
    let cancellation = RunCancellation::new(tools.stop);
    let workers = WorkerPool { pool: tools.pool, store: tools.store, cancellation: &cancellation };
    // 1. Find the regions.
    let context = RunContext {
        request,
        tools,
        workers,
        cancellation: &cancellation,
        only: None,
        part: None,
        planned: None,
    };
    let mut plan = Plan { findings: request.asked_findings(), ..Plan::default() };
    let mut answered = AnsweredNames::new(request);
    let found = discover::find_regions(context);
    plan.findings.extend(found.found.findings);
    // 2. List the digests and the log folders of each region.
    for batch in found.regions.chunks(REGIONS_AT_ONCE) {
        let regions = context.workers.ask_all(batch, |places| region::plan(context, places, listener));
        regions.into_iter().for_each(|region| plan.add(region, &mut answered));
    }
    // 3. Report what was asked for and not found.
    plan.findings.extend(answered.unanswered(request));
    plan.list_requests = store.requests();
    Ok(plan)
}

impl Plan {
    fn add(&mut self, region: PlannedRegion, answered: &mut AnsweredNames) {
        let PlannedRegion { chains, logs, findings, answering, archived } = region;
        self.archived = self.archived.plus(archived);
        let found = chains.iter().filter(|chain| chain.selected && chain.inside.objects > 0);
        found.for_each(|chain| answered.note_chain(&chain.id));
        answered.note_region(&answering, exceeds_notices(&findings));
        self.chains.extend(chains);
        self.regions.push(logs);
        self.findings.extend(findings);
    }
}
