//! The flow of a run.

use std::io;
use std::mem;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::batch;
use super::cancel::RunCancellation;
use super::context::RunContext;
use super::days::SearchedLogs;
use super::digests;
use super::discover::{self, DiscoveredFolder, DiscoveredRegions, DiscoveryFindings};
use super::listed::ListedAhead;
use super::region::RegionRun;
use super::reporter::{EndNotes, RunReporter};
use super::request::{RunOutcome, RunTools, ValidationRequest};
use super::target::ObjectTarget;
use super::unreferenced::{self, UnreferencedCollector, UnreferencedLogs};
use super::workers::WorkerPool;
use super::{logs, missed, needs, twins};
use crate::event::{NoProgress, Phase, Sink};
use crate::store::relocated::RelocatedStore;

/// The most regions in work at a time.
const MAX_REGIONS: usize = 1_024;

/// The most listed digests of the regions in work, those that are remembered and not read among them, unless a single region
/// has more.
const MAX_LISTED: usize = 1_000_000;

/// Validates the folders below the sources, or the `only` object.
pub(super) fn run(
    request: &ValidationRequest,
    tools: RunTools<'_>,
    only: Option<&ObjectTarget>,
    sink: &mut dyn Sink,
) -> io::Result<RunOutcome> {
    let store =
        RelocatedStore { inner: tools.store, relocations: &request.relocations, replicas: &request.replicas };
    let tools = RunTools { store: &store, ..tools };
    let cancellation = RunCancellation::new(tools.stop);
    let workers = WorkerPool { pool: tools.pool, store: tools.store, cancellation: &cancellation };
    let context =
        RunContext { request, tools, workers, cancellation: &cancellation, only, part: None, planned: None };
    // Only some findings of a run for one object belong to the answer, so the progress counts none.
    let progress = if only.is_none() { tools.progress } else { &NoProgress };
    let mut reporter = RunReporter::new(request, progress, sink);
    // A run that is cancelled before it begins skips all of its work, even if a source seems to hold nothing.
    let _ = cancellation.skips_work();
    // 1. Report what is known before any read.
    reporter.begin(request, tools.keys.rejected())?;
    // 2. Find the regions.
    let RunDiscovery { found, regions } = discover_run(context);
    reporter.discovered(found)?;
    // 3. List, prove, hash and search each region.
    let end = |region: SearchedRegion| region.run.finish(request, region.found, region.searched);
    roll(context, &regions, &end, |report| reporter.send_region(report))?;
    // 4. Report what was asked for and not found.
    let notes = EndNotes::of(tools);
    reporter.finish(request, &notes, cancellation.has_skipped_work())
}

/// What discovery found, and the regions of a run in order.
pub(super) struct RunDiscovery {
    pub(super) found: DiscoveryFindings,
    pub(super) regions: Vec<Vec<DiscoveredFolder>>,
}

/// Finds the regions of a run, and asks CloudTrail about the named trails.
pub(super) fn discover_run(context: RunContext<'_>) -> RunDiscovery {
    context.tools.progress.phase(Phase::Discover);
    let DiscoveredRegions { regions, found } = discover::find_regions(context);
    let regions = discover::with_remembered(regions, context.request);
    for trail in &context.request.named {
        trail.deliveries.ask(&discover::regions_of_account(&regions, &trail.account));
    }
    RunDiscovery { found, regions }
}

/// A region whose digests, log files and log folders are done.
pub(super) struct SearchedRegion {
    pub(super) run: RegionRun,
    pub(super) found: UnreferencedLogs,
    /// The days of log folders that were listed whole, in a run that seals days.
    pub(super) searched: SearchedLogs,
}

/// Moves the regions through listing, proof and search, and reports each in order, as `end` makes it of a searched
/// region. The stages run side by side: no region waits for the slowest region of a group.
pub(super) fn roll<R: Send>(
    context: RunContext<'_>,
    discovered: &[Vec<DiscoveredFolder>],
    end: &(impl Fn(SearchedRegion) -> R + Sync),
    mut report: impl FnMut(R) -> io::Result<()>,
) -> io::Result<()> {
    let ahead = ListedAhead::new(discovered);
    thread::scope(|scope| {
        let _closing = CloseOnDrop(&ahead);
        ahead.begin(scope, context);
        // The queue has room for one group of regions, so that proof cannot run far ahead of the search.
        let (walked, to_search) = sync_channel(1);
        let (searched, reports) = channel();
        let search = move || search_all(context, &to_search, end, &searched);
        // A single region has nothing to be proved beside its search: another thread would only take time to begin.
        let later = if discovered.len() > 1 {
            scope.spawn(search);
            None
        } else {
            Some(search)
        };
        prove_all(context, &ahead, &walked, &reports, &mut report)?;
        drop(walked);
        context.tools.progress.phase(Phase::SearchAdditions);
        later.into_iter().for_each(|search| search());
        reports.into_iter().try_for_each(report)
    })
}

/// Ends the listing on every exit, also after an error.
struct CloseOnDrop<'a, 'p>(&'a ListedAhead<'p>);

impl Drop for CloseOnDrop<'_, '_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Reads the digests of the regions in batches, proves the digests, and hashes their log files. Sends finished regions
/// to `walked`.
fn prove_all<R>(
    context: RunContext<'_>,
    ahead: &ListedAhead<'_>,
    walked: &SyncSender<Vec<RegionRun>>,
    reports: &Receiver<R>,
    report: &mut impl FnMut(R) -> io::Result<()>,
) -> io::Result<()> {
    let mut regions: Vec<RegionRun> = Vec::new();
    let batch_digests = batch::most_digests(context);
    let mut at_once = batch_digests;
    loop {
        // 1. Take listed regions while there is room.
        let mut unread: usize = regions.iter().map(RegionRun::unread).sum();
        let mut listed: usize = regions.iter().map(RegionRun::listed).sum();
        while unread < batch_digests && regions.len() < MAX_REGIONS && listed < MAX_LISTED {
            let Some(mut run) = ahead.take(context, regions.is_empty()) else { break };
            twins::compare(context, &mut run);
            context.tools.progress.plan_digests(run.unread() as u64);
            unread += run.unread();
            listed += run.listed();
            regions.push(run);
        }
        if regions.is_empty() {
            return Ok(());
        }
        // 2. Prove the next digests, and hash their log files.
        at_once = prove_batch(context, &mut regions, at_once);
        // 3. Pass on the first finished regions, in order.
        let is_done = |run: &RegionRun| run.unread() == 0;
        let done = regions.iter().position(|run| !is_done(run)).unwrap_or(regions.len());
        if done > 0 {
            let rest = regions.split_off(done);
            // A search that has ended has reported the reason.
            let _ = walked.send(mem::replace(&mut regions, rest));
        }
        reports.try_iter().try_for_each(&mut *report)?;
    }
}

/// Reads at most `at_once` digests, proves the digests, and hashes the listed log files. Returns the number of digests
/// for the next call. Heavy digests lower the number, because a postponed digest is read twice.
fn prove_batch(context: RunContext<'_>, regions: &mut [RegionRun], at_once: usize) -> usize {
    if context.cancellation.stop.is_set()
        && regions.iter().any(|run| run.unread() > 0 || run.due().next().is_some())
        && context.cancellation.skips_work()
    {
        regions.iter_mut().flat_map(|run| &mut run.chains).for_each(|chain| chain.leave_out_rest());
        return at_once;
    }
    // 1. Read.
    context.tools.progress.phase(Phase::Validate);
    let tasks = digests::next_tasks(regions, at_once);
    let batch = digests::read_batch(context, regions, &tasks);
    let read = batch.digests.len();
    for (task, line) in tasks.iter().zip(batch.lines) {
        if let Some(run) = regions.get_mut(task.region) {
            run.days.note_read(line);
        }
    }
    // 2. Check each signature.
    let checked = digests::check(context, regions, &tasks, batch.digests);
    // 3. Prove, chain by chain.
    let mut touched: Vec<(usize, usize)> = Vec::new();
    for (task, digest) in tasks.iter().zip(checked) {
        let chain = (task.region, task.chain);
        if touched.last() != Some(&chain) {
            touched.push(chain);
        }
        if let Some(chain) = regions.get_mut(task.region).and_then(|run| run.chains.get_mut(task.chain)) {
            chain.take([digest]);
        }
    }
    for (number, run) in regions.iter().enumerate() {
        touched.extend(run.due().map(|chain| (number, chain)));
    }
    touched.sort_unstable();
    touched.dedup();
    needs::advance(context, regions, &touched);
    for (number, chain) in &touched {
        if let Some(run) = regions.get_mut(*number) {
            run.bound_claims(*chain);
        }
    }
    // 4. Hash the log files.
    logs::hash_proved(context, regions, &touched);
    if batch.is_cut { read.max(1) * 2 } else { at_once.saturating_mul(2).min(batch::most_digests(context)) }
}

/// Searches the log folders of regions with judged digests and log files, and reports the regions in order.
fn search_all<R>(
    context: RunContext<'_>,
    walked: &Receiver<Vec<RegionRun>>,
    end: &impl Fn(SearchedRegion) -> R,
    searched: &Sender<R>,
) {
    while let Ok(mut regions) = walked.recv() {
        walked.try_iter().for_each(|more| regions.extend(more));
        for region in search(context, regions) {
            if searched.send(end(region)).is_err() {
                return;
            }
        }
    }
}

fn search(context: RunContext<'_>, mut regions: Vec<RegionRun>) -> Vec<SearchedRegion> {
    regions.iter_mut().for_each(|run| run.settle_references(context));
    missed::note_missed(context, &mut regions);
    let searched = if context.searches() { regions.as_slice() } else { &[] };
    let numbered = searched.iter().enumerate();
    let searches: Vec<_> =
        numbered.flat_map(|(number, run)| unreferenced::plan_searches(context, number, run)).collect();
    let collectors: Vec<UnreferencedCollector> =
        regions.iter().map(|_| UnreferencedCollector::new(context.request)).collect();
    let done = context.workers.ask(&searches, |search| {
        if let (Some(run), Some(collector)) = (regions.get(search.region), collectors.get(search.region)) {
            unreferenced::run_search(context, run, search, collector);
        }
    });
    for search in searches.iter().skip(done.len()) {
        if let Some(run) = regions.get_mut(search.region) {
            run.unsearched = true;
        }
    }
    collectors.iter().for_each(|collector| collector.identify(context));
    let found = collectors.into_iter().map(UnreferencedCollector::finish);
    let searched = regions.into_iter().zip(found);
    searched.map(|(run, (found, searched))| SearchedRegion { run, found, searched }).collect()
}
