//! What a run would read, from listings alone: no object's body is read, and nothing is verified.
//!
//! The plan looks where [`validate`](super::validate) looks, with the same narrowing and the same neighbours. Its
//! digests are those that a run reads, but for ones that only the chain names. Its log files are an estimate: the
//! names in the log folders of the time that the digests cover. A name may be up to 20 minutes off its delivery, an
//! object that no digest lists counts too, and where trails are narrowed the log files of the others cannot be told
//! apart by their names.

mod counted;
mod price;
mod region;
mod tally;

use std::sync::Arc;

use super::answered::Answered;
use super::cancel::Cancellation;
use super::check::check;
use super::context::RunContext;
use super::region::says_something;
use super::request::{Request, Tools};
use super::scope::SourceError;
use super::workers::WorkerPool;
use super::{discover, target};
use crate::event::{Finding, Severity};
use crate::ident::ChainId;
use crate::time::Timestamp;
use counted::Counted;
use region::Region;

pub use price::{Cost, FREE_TRANSFER_GB, Usd};

/// Regions that are listed at a time.
const REGIONS_AT_ONCE: usize = 1_024;

/// How many objects, and how many bytes they take as stored.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Amount {
    /// Number of objects.
    pub objects: u64,
    /// Stored size of all of them, in bytes, as listed.
    pub bytes: u64,
}

impl Amount {
    /// The two together.
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
    /// Which chain.
    pub id: ChainId,
    /// Whether it was asked for. A chain of another trail in the same folders is read for what it lists, and nothing
    /// is said of it.
    pub selected: bool,
    /// Digests of the asked range: those whose hour, by the end in their names, overlaps it.
    pub inside: Amount,
    /// Digests beside the range, which are read as witnesses and not counted.
    pub witnesses: Amount,
    /// End of the oldest digest that would be read, witnesses included.
    pub first: Timestamp,
    /// End of the newest one.
    pub last: Timestamp,
}

/// The log files of one region of one account that a run would read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegionPlan {
    /// Account id.
    pub account: Arc<str>,
    /// Region the log files are from.
    pub region: Arc<str>,
    /// Log files by the minutes in their names: an estimate.
    pub logs: Amount,
}

/// What a run would read. [`Plan::is_complete`] tells whether everything asked for could be listed.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Plan {
    /// Every chain with a digest to read, in order.
    pub chains: Vec<ChainPlan>,
    /// Every region with a folder, in order of account and region.
    pub regions: Vec<RegionPlan>,
    /// LIST requests of S3, pages of 1,000 keys or folders: those that the plan took. A run takes as many where no object
    /// is missing, and up to 64 more for a folder of very many log files, which it lists in several places at a time.
    pub list_requests: u64,
    /// What could not be listed, or was not found.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Digests of the asked range in the chains that were asked for.
    #[must_use]
    pub fn inside(&self) -> Amount {
        self.chains.iter().filter(|chain| chain.selected).map(|chain| chain.inside).sum()
    }

    /// Digests that are read besides: witnesses, and those of trails that were not asked for.
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

    /// Everything that would be read: one GET request of S3 for each object, two for one of more than 8 MiB as stored.
    #[must_use]
    pub fn reads(&self) -> Amount {
        self.inside().plus(self.beside()).plus(self.logs())
    }

    /// What S3 would bill for the run.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let Amount { objects, bytes } = self.reads();
        Cost::of(self.list_requests, objects, bytes)
    }

    /// Whether everything that was asked for could be listed, and a digest of the asked range was found. Nothing found
    /// is never success.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.inside().objects > 0 && self.findings.iter().all(|finding| finding.severity <= Severity::Notice)
    }
}

/// Lists what [`validate`](super::validate) would read for `request`. Neither the keys nor the progress of `tools` are
/// used. Failures to list are findings of the plan.
///
/// # Errors
/// [`SourceError`], for a source that names nothing that can be validated.
pub fn plan(request: &Request, tools: Tools<'_>) -> Result<Plan, SourceError> {
    let store = Counted::new(tools.store);
    let tools = Tools { store: &store, ..tools };
    check(request, tools)?;
    if let Some(request) = target::planned(request)? {
        return plan(&request, tools);
    }
    let halt = Cancellation::new(tools.stop);
    let workers = WorkerPool { pool: tools.pool, store: tools.store, halt: &halt };
    let context = RunContext { request, tools, workers, halt: &halt, only: None };
    let mut plan = Plan { findings: request.findings.clone(), ..Plan::default() };
    let mut answered = Answered::new(request);
    let found = discover::folders(context);
    plan.findings.extend(found.findings);
    for batch in found.regions.chunks(REGIONS_AT_ONCE) {
        let regions = context.workers.ask_all(batch, |places| region::plan(context, places));
        regions.into_iter().for_each(|region| plan.add(region, &mut answered));
    }
    plan.findings.extend(answered.unanswered(request));
    plan.list_requests = store.requests();
    Ok(plan)
}

impl Plan {
    fn add(&mut self, region: Region, answered: &mut Answered) {
        let Region { chains, logs, findings, answering } = region;
        let found = chains.iter().filter(|chain| chain.selected && chain.inside.objects > 0);
        found.for_each(|chain| answered.by(&chain.id));
        answered.by_region(&answering, says_something(&findings));
        self.chains.extend(chains);
        self.regions.push(logs);
        self.findings.extend(findings);
    }
}
