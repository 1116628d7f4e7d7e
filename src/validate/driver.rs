//! The flow of a run.

use std::io;
use std::mem;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::cancel::Cancellation;
use super::context::RunContext;
use super::digests::{self, WINDOW_DIGESTS};
use super::discover::{self, Place};
use super::listed::ListedAhead;
use super::region::RegionRun;
use super::region_report::RegionReport;
use super::request::{Outcome, Request, Tools};
use super::target::ObjectTarget;
use super::tell::RunTeller;
use super::unreferenced::{self, Named};
use super::workers::WorkerPool;
use super::{copies, logs, missed, needs};
use crate::event::{NoProgress, Phase, Sink};
use crate::store::relocated::RelocatedStore;

/// How many regions are walked at a time.
const MAX_REGIONS: usize = 1_024;

/// Validates what lies below the sources, or `only` one object there.
pub(super) fn run(
    request: &Request,
    tools: Tools<'_>,
    only: Option<&ObjectTarget>,
    sink: &mut dyn Sink,
) -> io::Result<Outcome> {
    let store = RelocatedStore { inner: tools.store, relocations: &request.relocations };
    let tools = Tools { store: &store, ..tools };
    let halt = Cancellation::new(tools.stop);
    let workers = WorkerPool { pool: tools.pool, store: tools.store, halt: &halt };
    let context = RunContext { request, tools, workers, halt: &halt, only };
    // Of a run for one object the answer is a part.
    let progress = if only.is_none() { tools.progress } else { &NoProgress };
    let mut teller = RunTeller::new(request, progress, sink);
    // 1. What is known before anything is read.
    teller.findings(request.findings.clone())?;
    let said = teller.rejected_keys(tools.keys, &[])?;
    // 2. Where the regions are.
    tools.progress.phase(Phase::Discover);
    let found = discover::folders(context);
    teller.findings(found.findings)?;
    teller.found(found.names);
    teller.outcome.counts.logs.unreferenced += found.unreferenced.count;
    teller.findings(found.unreferenced.findings)?;
    for trail in &request.named {
        trail.deliveries.ask(&discover::regions_of(&found.regions, &trail.account));
    }
    // 3. Each region: listed, proved, hashed, searched.
    roll(context, &found.regions, |report| teller.region(report))?;
    // 4. What was asked for and not found.
    teller.rejected_keys(tools.keys, &said)?;
    teller.findings(copies::passed_over(tools.store.passed_over()).into_iter().collect())?;
    teller.end(request, halt.has_left_out())
}

/// Takes the regions through listing, proof and search, and tells of each in order. These go on side by side: no region
/// waits for the slowest one of a batch.
fn roll(
    context: RunContext<'_>,
    places: &[Vec<Place>],
    mut tell: impl FnMut(RegionReport) -> io::Result<()>,
) -> io::Result<()> {
    let ahead = ListedAhead::new(places);
    thread::scope(|scope| {
        let _closing = CloseOnDrop(&ahead);
        ahead.begin(scope, context);
        let (walked, to_search) = sync_channel(1);
        let (searched, reports) = channel();
        scope.spawn(move || search_all(context, &to_search, &searched));
        prove_all(context, &ahead, &walked, &reports, &mut tell)?;
        drop(walked);
        context.tools.progress.phase(Phase::SearchAdditions);
        reports.into_iter().try_for_each(tell)
    })
}

/// Ends the listing however the run ends.
struct CloseOnDrop<'a, 'p>(&'a ListedAhead<'p>);

impl Drop for CloseOnDrop<'_, '_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Reads the digests of the regions in windows, proves them, and hashes their log files. A region that is done is
/// `walked`.
fn prove_all(
    context: RunContext<'_>,
    ahead: &ListedAhead<'_>,
    walked: &SyncSender<Vec<RegionRun>>,
    reports: &Receiver<RegionReport>,
    tell: &mut impl FnMut(RegionReport) -> io::Result<()>,
) -> io::Result<()> {
    let mut regions: Vec<RegionRun> = Vec::new();
    let mut at_once = WINDOW_DIGESTS;
    loop {
        // 1. The regions that are listed, as far as there is room.
        let mut unread: usize = regions.iter().map(RegionRun::unread).sum();
        while unread < WINDOW_DIGESTS && regions.len() < MAX_REGIONS {
            let Some(run) = ahead.take(context, regions.is_empty()) else { break };
            context.tools.progress.plan_digests(run.unread() as u64);
            unread += run.unread();
            regions.push(run);
        }
        if regions.is_empty() {
            return Ok(());
        }
        // 2. Their next digests, proved, and the log files these list.
        at_once = prove_window(context, &mut regions, at_once);
        // 3. The first regions that are done.
        let is_done = |run: &RegionRun| run.unread() == 0;
        let done = regions.iter().position(|run| !is_done(run)).unwrap_or(regions.len());
        if done > 0 {
            let rest = regions.split_off(done);
            // A search that ended has told why.
            let _ = walked.send(mem::replace(&mut regions, rest));
        }
        reports.try_iter().try_for_each(&mut *tell)?;
    }
}

/// Reads at most `at_once` digests, proves them, and hashes the log files that they list. Returns how many to read next
/// time: where digests are heavy fewer are asked for, since what is read and left for later is read twice.
fn prove_window(context: RunContext<'_>, regions: &mut [RegionRun], at_once: usize) -> usize {
    if context.halt.stop.is_set() && regions.iter().any(|run| run.unread() > 0) && context.halt.leaves_out() {
        regions.iter_mut().flat_map(|run| &mut run.chains).for_each(|chain| chain.leave_out_rest());
        return at_once;
    }
    // 1. Read.
    context.tools.progress.phase(Phase::Validate);
    let tasks = digests::next_tasks(regions, at_once);
    let window = digests::read_window(context, regions, &tasks);
    let read = window.digests.len();
    // 2. Check the signatures, each on its own.
    let checked = digests::check(context, regions, &tasks, window.digests);
    // 3. Prove, chain by chain.
    let mut touched: Vec<(usize, usize)> = Vec::new();
    for (task, digest) in tasks.iter().zip(checked) {
        let place = (task.region, task.chain);
        if touched.last() != Some(&place) {
            touched.push(place);
        }
        if let Some(chain) = regions.get_mut(task.region).and_then(|run| run.chains.get_mut(task.chain)) {
            chain.take([digest]);
        }
    }
    needs::advance(context, regions, &touched);
    // 4. Hash.
    logs::hash_proved(context, regions, &touched);
    if window.is_cut { read.max(1) * 2 } else { at_once.saturating_mul(2).min(WINDOW_DIGESTS) }
}

/// Searches the log folders of regions whose digests and log files are judged, and reports the regions, in order.
fn search_all(context: RunContext<'_>, walked: &Receiver<Vec<RegionRun>>, searched: &Sender<RegionReport>) {
    while let Ok(mut regions) = walked.recv() {
        walked.try_iter().for_each(|more| regions.extend(more));
        for report in search(context, regions) {
            if searched.send(report).is_err() {
                return;
            }
        }
    }
}

fn search(context: RunContext<'_>, mut regions: Vec<RegionRun>) -> Vec<RegionReport> {
    regions.iter_mut().for_each(RegionRun::settle_references);
    missed::note_missed(context, &mut regions);
    // Where one object is asked about, whether it is listed shows without a search.
    let searched = if context.only.is_none() { regions.as_slice() } else { &[] };
    let numbered = searched.iter().enumerate();
    let searches: Vec<_> =
        numbered.flat_map(|(number, run)| unreferenced::searches(context, number, run)).collect();
    let kept: Vec<Named> = regions.iter().map(|_| Named::new(context.request.limits.named)).collect();
    let done = context.workers.ask(&searches, |search| {
        if let (Some(run), Some(kept)) = (regions.get(search.unit), kept.get(search.unit)) {
            unreferenced::find(context, run, search, kept);
        }
    });
    for search in searches.iter().skip(done.len()) {
        if let Some(run) = regions.get_mut(search.unit) {
            run.unsearched = true;
        }
    }
    regions.into_iter().zip(kept).map(|(run, kept)| run.finish(context.request, kept.end())).collect()
}
