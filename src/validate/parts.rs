//! One run in parts, for several machines: find the regions, weigh them, run a part of a region, and end the run.
//!
//! [`validate`](super::validate()) is the same steps in one process. Nothing of the end exists twice: a part ends in a
//! [`RegionPart`], and [`RunMerge`] reports joined parts as a run reports its regions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::{io, mem};

use serde::{Deserialize, Serialize};

use super::cancel::RunCancellation;
use super::check::check;
use super::context::RunContext;
use super::discover::{DiscoveredFolder, DiscoveryFindings, regions_of_account};
use super::driver::{self, RunDiscovery, SearchedRegion};
use super::memory::RunMemory;
use super::region_part::{ListedChain, RegionPart};
use super::reporter::{EndNotes, RunReporter};
use super::request::{RunOutcome, RunTools, ValidationRequest};
use super::sealed::SealedFolder;
use super::source_path::SourceError;
use super::trail::ToldDeliveries;
use super::workers::WorkerPool;
use super::{plan, replicas};
use crate::event::{Finding, NoProgress, Sink};
use crate::ident::{ChainId, Location, RegionFolder, Sha256Hash};
use crate::prove::reference;
use crate::store::relocated::RelocatedStore;
use crate::time::Timestamp;

/// A part of a region's log files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct LogPart {
    /// Number of the part, from 0.
    pub number: u32,
    /// How many parts the region has.
    pub of: u32,
}

impl Default for LogPart {
    /// All log files of a region.
    fn default() -> Self {
        Self { number: 0, of: 1 }
    }
}

impl LogPart {
    /// Whether the log file at `location` belongs to the part: by the hash of its location, so that every machine agrees.
    pub(super) fn has(self, location: &Location) -> bool {
        Self::holder(self.of, reference(location)) == self.number
    }

    /// The number of the part of `of` that has the log file with this [`reference`].
    pub(super) fn holder(of: u32, reference: u128) -> u32 {
        u32::try_from(reference % u128::from(of.max(1))).unwrap_or_default()
    }
}

/// What the plan listed of a region. Digests that were delivered after the plan are no part of the run, so that all parts
/// of a region see the same digests, whenever they run.
#[derive(Clone, Copy, Debug)]
pub struct PlannedListing<'p> {
    /// The listed digests of each chain.
    pub chains: &'p [ListedChain],
    /// The time by the clock, up to which digests may have been delivered since the plan.
    pub clock: Timestamp,
}

impl PlannedListing<'_> {
    /// The end of the newest listed digest of each chain. A digest after it is newer than the plan. Of a chain that the plan
    /// did not list, only a digest after the latest possible end when the plan was made is certain to be newer.
    pub(super) fn newest(&self) -> BTreeMap<&ChainId, Timestamp> {
        self.chains.iter().map(|listed| (&listed.id, listed.newest)).collect()
    }
}

/// A run before its regions are read.
#[derive(Clone, Debug)]
pub struct RunPlan {
    /// The request, with a memory without sealed days.
    pub request: ValidationRequest,
    /// The sealed days, which the parts of a region compare with its listing.
    pub sealed: BTreeMap<RegionFolder, Arc<SealedFolder>>,
    /// What CloudTrail told of the deliveries of each named trail.
    pub deliveries: Vec<ToldDeliveries>,
    /// What discovery found beside the regions.
    pub found: DiscoveryFindings,
    /// What the tools noted so far.
    pub notes: EndNotes,
    /// The folders of each region of each account, in order.
    pub regions: Vec<Vec<DiscoveredFolder>>,
}

/// How much a region has to read, by listings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegionWeight {
    /// Digests.
    pub digests: u64,
    /// Log files, estimated by the names in `CloudTrail/`. Those of sealed days do not count: unless their listing changed, only
    /// a slice of them is read.
    pub logs: u64,
    /// The hash over the listed digests.
    pub listing: Sha256Hash,
    /// The listed digests of each chain.
    pub chains: Vec<ListedChain>,
}

/// Finds the regions of `request`. A request with replicas consists of two runs.
///
/// # Errors
/// [`SourceError`] for a source that cannot be validated.
pub fn plan_runs(request: &ValidationRequest, tools: RunTools<'_>) -> Result<Vec<RunPlan>, SourceError> {
    check(request, tools)?;
    let plan_run = |mut request: ValidationRequest| {
        let sealed = request.memory.as_mut().map(|memory| mem::take(&mut memory.sealed));
        let sealed = sealed.unwrap_or_default();
        let RunDiscovery { found, regions } = with_context(&request, tools, None, driver::discover_run);
        let told = |trail: &super::NamedTrail| trail.told(&regions_of_account(&regions, &trail.account));
        let deliveries = request.named.iter().map(told).collect();
        RunPlan { request, sealed, deliveries, found, notes: EndNotes::of(tools), regions }
    };
    Ok(replicas::in_turn(request).into_iter().map(plan_run).collect())
}

/// Weighs `regions` of a run, in order. Log files are listed only if `counts_logs`.
#[must_use]
pub fn weigh(
    run: &RunPlan,
    tools: RunTools<'_>,
    regions: &[Vec<DiscoveredFolder>],
    counts_logs: bool,
) -> Vec<RegionWeight> {
    with_context(&run.request, tools, None, |context| {
        context.workers.ask_all(regions, |folders| plan::weigh(context, folders, &run.sealed, counts_logs))
    })
}

/// Runs a part of a region. `None` if the run was cancelled before the part was done.
#[must_use]
pub fn run_part(
    request: &ValidationRequest,
    tools: RunTools<'_>,
    folders: &[DiscoveredFolder],
    part: LogPart,
    planned: PlannedListing<'_>,
) -> Option<RegionPart> {
    with_context(request, tools, Some((part, planned)), |context| {
        let mut done = None;
        let end = |SearchedRegion { run, found, searched }: SearchedRegion| {
            (!run.is_untouched()).then(|| run.end(request, context.searches().then_some((found, searched))))
        };
        let take = |part: Option<RegionPart>| {
            done = part;
            Ok(())
        };
        driver::roll(context, &[folders.to_vec()], &end, take).ok()?;
        done.filter(|_| !context.cancellation.has_skipped_work())
    })
}

fn with_context<R>(
    request: &ValidationRequest,
    tools: RunTools<'_>,
    part: Option<(LogPart, PlannedListing<'_>)>,
    work: impl FnOnce(RunContext<'_>) -> R,
) -> R {
    let store =
        RelocatedStore { inner: tools.store, relocations: &request.relocations, replicas: &request.replicas };
    let tools = RunTools { store: &store, ..tools };
    let cancellation = RunCancellation::new(tools.stop);
    let workers = WorkerPool { pool: tools.pool, store: tools.store, cancellation: &cancellation };
    let (part, planned) = part.unzip();
    work(RunContext { request, tools, workers, cancellation: &cancellation, only: None, part, planned })
}

/// The end of a run whose regions were read in parts: sends the events that [`validate`](super::validate()) sends.
pub struct RunMerge<'s> {
    request: ValidationRequest,
    reporter: RunReporter<'s>,
}

impl<'s> RunMerge<'s> {
    /// Reports what was known before the regions were read.
    ///
    /// # Errors
    /// Errors of `sink`.
    pub fn begin(
        request: ValidationRequest,
        found: DiscoveryFindings,
        notes: &EndNotes,
        sink: &'s mut dyn Sink,
    ) -> io::Result<Self> {
        let mut reporter = RunReporter::new(&request, &NoProgress, sink);
        let of_files = notes.rejected.iter().filter(|rejected| rejected.region.is_none());
        reporter.begin(&request, of_files.cloned().collect())?;
        reporter.discovered(found)?;
        Ok(Self { request: ValidationRequest { findings: Vec::new(), ..request }, reporter })
    }

    /// Reports a region, whose parts are joined. `memory` is what earlier runs proved in the region. What the region
    /// proved is for the next run to remember only if `is_sound`.
    ///
    /// # Errors
    /// Errors of the sink.
    pub fn region(&mut self, part: RegionPart, memory: Option<RunMemory>, is_sound: bool) -> io::Result<()> {
        self.request.memory = memory;
        let mut report = part.report(&self.request);
        if !is_sound {
            report.proved.clear();
            report.sealed.clear();
        }
        self.reporter.send_region(report)
    }

    /// What is asked.
    #[must_use]
    pub const fn request(&self) -> &ValidationRequest {
        &self.request
    }

    /// Reports findings beside those of the regions.
    ///
    /// # Errors
    /// Errors of the sink.
    pub fn findings(&mut self, findings: Vec<Finding>) -> io::Result<()> {
        self.reporter.send_findings(findings)
    }

    /// Reports what was asked for and not found. Without `is_whole` regions are missing, and the run counts as interrupted.
    ///
    /// # Errors
    /// Errors of the sink.
    pub fn end(self, notes: &EndNotes, is_whole: bool) -> io::Result<RunOutcome> {
        self.reporter.finish(&self.request, notes, !is_whole)
    }
}

impl RunOutcome {
    /// The outcome of a run, with the outcome of the next of its runs: see [`plan_runs`].
    #[must_use]
    pub fn and(self, next: Self) -> Self {
        self.with_replicas(next)
    }
}
