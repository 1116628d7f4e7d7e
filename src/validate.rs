//! The engine: from what was asked to findings, in bounded memory.
//!
//! Regions of accounts are taken in order, a batch at a time. Their digests are listed, then read and verified in
//! parallel, newest first, in windows; each window is linked in order, and the log files of the digests that are
//! proved are hashed in parallel before the next window. A region that is done is searched for unreferenced files,
//! says what it found, and is forgotten.

mod again;
mod answered;
mod chain;
pub mod copies;
mod coverage;
mod discover;
mod fetch;
mod follow;
mod gone;
mod logs;
mod named;
mod object;
pub mod plan;
mod result;
mod scope;
mod stop;
mod timeline;
mod unit;
mod unreferenced;
mod walk;
mod window;

use rayon::ThreadPool;
use std::collections::BTreeSet;
use std::io;

use crate::event::{Counts, Event, Fault, Finding, Progress, Severity, Sink, UsedKey};
use crate::ident::{ChainId, Location};
use crate::keys::{KeyRing, RejectedKey};
use crate::store::Store;
use crate::store::relocated::{RelocatedStore, Relocation};
use crate::time::{Range, Timestamp};
use answered::Answered;
pub use named::{Deliveries, NamedTrail};
use object::Target;
pub use object::{is_object, range_of};
use result::UnitResult;
use stop::Halt;
use unit::Unit;
use unreferenced::Named;
use window::Workers;

pub use scope::{Expected, SourceError, check};
pub use stop::Stop;

/// Regions of accounts that are listed at a time.
const UNITS_AT_ONCE: usize = 64;

/// What the digests of a window may weigh together, each [`fetch::DIGEST_WEIGHT`] and one for each log file it
/// lists: some 30 MB.
const WINDOW_WEIGHT: u64 = 100_000;

/// A place to look for trails in: a bucket, or a folder of one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Source {
    /// Bucket name.
    pub bucket: String,
    /// Folder: empty, or with a slash at the end. It may lie above or below `AWSLogs/`.
    pub prefix: String,
}

/// Something that the user typed, and the folders that it stands for: a directory may hold copies of several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypedSource {
    /// As it was typed.
    pub name: String,
    /// The folders. A digest of the asked range has to lie below one of them.
    pub parts: Vec<Source>,
}

/// How much is read before giving up, and how much is said before it is only counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes that one digest file may inflate to. It is held in memory.
    pub digest: u64,
    /// Bytes that one log file may inflate to. It is streamed.
    pub log: u64,
    /// Objects that nobody vouches for, and that anybody can make, which are named one by one: so many log files that no
    /// digest lists in a region of an account, and so many junk names in a digest folder. The rest is counted.
    pub named: usize,
}

impl Default for Limits {
    /// 64 MiB (some 150,000 log files in an hour), 16 GiB, and 100,000 objects.
    fn default() -> Self {
        Self { digest: 64 << 20, log: 16 << 30, named: 100_000 }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where to look.
    pub sources: Vec<Source>,
    /// Single objects to answer for, in place of sources: log files, and digests with the log files they list. Neither the
    /// range nor what lies beside them is then asked for.
    pub objects: Vec<Location>,
    /// What the user typed for the sources, each of which has to be answered; empty where each source is one of its own.
    pub typed: Vec<TypedSource>,
    /// Which stretch of delivery time.
    pub range: Range,
    /// The present, which decides how late the newest digest may be.
    pub now: Timestamp,
    /// Accounts to look at; empty for every one found.
    pub accounts: Vec<String>,
    /// Regions to look at; empty for every one found.
    pub regions: Vec<String>,
    /// Trails to look at; empty for every one found.
    pub trails: Vec<String>,
    /// Trails named in full, to look at no other; empty for every one found. A source that names an `AWSLogs/` is then the
    /// very folder that they deliver to, and no further `AWSLogs/` is looked for below it.
    pub named: Vec<NamedTrail>,
    /// Copies that stand for their originals.
    pub relocations: Vec<Relocation>,
    /// How much is read, and how much is said.
    pub limits: Limits,
    /// Whether to send an [`Event::Object`] for every object.
    pub every_object: bool,
    /// What is known before anything is read, and to be said first.
    pub findings: Vec<Finding>,
}

impl Request {
    /// Whether `chain` was asked for by its trail.
    fn selects(&self, chain: &ChainId) -> bool {
        (self.trails.is_empty() || self.trails.iter().any(|name| **name == *chain.trail))
            && (self.named.is_empty() || self.named.iter().any(|trail| trail.has(chain)))
    }

    /// Whether trails are named, so that each is missed where it should be.
    const fn names_trails(&self) -> bool {
        !self.trails.is_empty() || !self.named.is_empty()
    }

    /// Asks for every chain found in `sources`.
    #[must_use]
    pub fn new(sources: Vec<Source>, range: Range, now: Timestamp) -> Self {
        Self {
            sources,
            objects: Vec::new(),
            typed: Vec::new(),
            range,
            now,
            accounts: Vec::new(),
            regions: Vec::new(),
            trails: Vec::new(),
            named: Vec::new(),
            relocations: Vec::new(),
            limits: Limits::default(),
            every_object: false,
            findings: Vec::new(),
        }
    }
}

/// What a run works with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Where objects are read from.
    pub store: &'a dyn Store,
    /// The keys that are trusted.
    pub keys: &'a KeyRing,
    /// The threads that read, inflate, hash and verify.
    pub pool: &'a ThreadPool,
    /// Who is told of progress.
    pub progress: &'a dyn Progress,
    /// By which the run may be asked to end early.
    pub stop: &'a Stop,
}

/// The end of a run.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Outcome {
    /// What was looked at.
    pub counts: Counts,
    /// The keys that verified something.
    pub keys: BTreeSet<UsedKey>,
    /// The gravest finding; at least [`Severity::Incomplete`] where the run was interrupted.
    pub worst: Option<Severity>,
    /// Whether it was ended, by [`Tools::stop`], before everything was looked at.
    pub interrupted: bool,
}

/// Validates what was asked and tells `sink` what it finds, chain by chain, without [`Event::Started`] and
/// [`Event::Finished`], which tell times.
///
/// # Errors
/// What `sink` returns, and [`SourceError`], as [`io::ErrorKind::InvalidInput`], for a source that names nothing that can be
/// validated: [`check`] tells that before. Failures to look are findings.
pub fn validate(request: &Request, tools: Tools<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
    check(request, tools).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    if request.objects.is_empty() {
        run(request, tools, None, sink)
    } else {
        object::validate(request, tools, sink)
    }
}

/// Validates what lies below the sources, or `only` one object there.
fn run(
    request: &Request,
    tools: Tools<'_>,
    only: Option<&Target>,
    sink: &mut dyn Sink,
) -> io::Result<Outcome> {
    let store = RelocatedStore { inner: tools.store, relocations: &request.relocations };
    let tools = Tools { store: &store, ..tools };
    let halt = Halt::new(tools.stop);
    let workers = Workers { pool: tools.pool, store: tools.store, halt: &halt };
    let context = Context { request, tools, workers, halt: &halt, only };
    let mut run = Run { sink, outcome: Outcome::default(), answered: Answered::new(request) };
    run.findings(request.findings.clone())?;
    let said = run.rejected_keys(tools.keys, &[])?;
    let found = discover::folders(context);
    run.findings(found.findings)?;
    run.outcome.counts.logs.unreferenced += found.unreferenced.count;
    run.findings(found.unreferenced.findings)?;
    for trail in &request.named {
        trail.deliveries.ask(&discover::regions_of(&found.units, &trail.account));
    }
    for batch in found.units.chunks(UNITS_AT_ONCE) {
        let list = |folders: &Vec<_>| discover::list(context, folders);
        let mut units = context.workers.ask(batch, list);
        let left_out = batch.iter().skip(units.len());
        units.extend(left_out.map(|folders| discover::unlisted(folders)));
        walk_units(context, &mut units, &mut run)?;
    }
    run.rejected_keys(tools.keys, &said)?;
    run.findings(copies::passed_over(tools.store.passed_over()).into_iter().collect())?;
    run.end(request, halt.has_left_out())
}

/// What every part of the engine is given.
#[derive(Clone, Copy)]
struct Context<'a> {
    request: &'a Request,
    tools: Tools<'a>,
    workers: Workers<'a>,
    /// Whether to end.
    halt: &'a Halt<'a>,
    /// The one object that is asked about; `None` where everything is.
    only: Option<&'a Target>,
}

/// What is told, and what it adds up to.
struct Run<'s> {
    sink: &'s mut dyn Sink,
    outcome: Outcome,
    answered: Answered,
}

impl Run<'_> {
    fn findings(&mut self, findings: Vec<Finding>) -> io::Result<()> {
        for finding in findings {
            self.outcome.worst = self.outcome.worst.max(Some(finding.severity));
            self.sink.event(&Event::Finding(Box::new(finding)))?;
        }
        Ok(())
    }

    /// A keys file, or an answer of CloudTrail's, with bad entries among good ones is used, and the bad ones are named:
    /// those that are not `said` yet. Returns all of them.
    fn rejected_keys(&mut self, keys: &KeyRing, said: &[RejectedKey]) -> io::Result<Vec<RejectedKey>> {
        let notice = |rejected: &RejectedKey| {
            let RejectedKey { source, region, entry, reason } = rejected;
            let fault =
                Fault::RejectedKey { entry: *entry, region: region.clone(), reason: reason.to_string() };
            let finding = Finding::new(fault, Timestamp::from_unix(0)).as_notice();
            let uri = region.is_none().then(|| source.clone());
            Finding { uri, region: region.clone(), ..finding }
        };
        let rejected = keys.rejected();
        let new = rejected.iter().filter(|one| !said.contains(one));
        self.findings(new.map(notice).collect())?;
        Ok(rejected)
    }

    fn unit(&mut self, result: UnitResult) -> io::Result<()> {
        self.outcome.counts.add(&result.counts);
        self.outcome.keys.extend(result.keys);
        for chain in &result.chains {
            if chain.summary.digests > 0 {
                self.answered.by(&chain.summary.id);
            }
        }
        let said = result::says_something(&result.findings)
            || result.chains.iter().any(|chain| result::says_something(&chain.findings));
        self.answered.by_region(&result.answering, said);
        for chain in result.chains {
            chain.objects.iter().try_for_each(|object| self.sink.event(object))?;
            self.findings(chain.findings)?;
            self.sink.event(&Event::Chain(chain.summary))?;
        }
        self.findings(result.findings)
    }

    /// What the run came to. Where it was interrupted, nobody can say what is not there.
    fn end(mut self, request: &Request, interrupted: bool) -> io::Result<Outcome> {
        if interrupted {
            self.outcome.interrupted = true;
            self.outcome.worst = self.outcome.worst.max(Some(Severity::Incomplete));
        } else {
            let unanswered = self.answered.unanswered(request);
            self.findings(unanswered)?;
        }
        Ok(self.outcome)
    }
}

/// Walks the digests of all `units`, window by window, and tells the results of each unit when it is done.
fn walk_units(context: Context<'_>, units: &mut [Unit], run: &mut Run<'_>) -> io::Result<()> {
    let mut items = unit::items(units);
    context.tools.progress.plan_digests(items.len() as u64);
    let (mut position, mut finished, mut at_once) = (0, 0, usize::MAX);
    while let Some(rest) = items.get(position..).filter(|rest| !rest.is_empty()) {
        if context.halt.leaves_out() {
            leave(units, rest);
            break;
        }
        let first = rest.get(..at_once).unwrap_or(rest);
        let fetch::Window { fetched, is_cut } = fetch::window(context, units, first, WINDOW_WEIGHT);
        // What is read and left for later is read twice: where digests are heavy, fewer are asked for.
        at_once = if is_cut { fetched.len().max(1) * 2 } else { at_once.saturating_mul(2) };
        position += fetched.len();
        let traces = walk::window(context, units, rest, fetched);
        items.splice(position..position, follow::follow(context, units, traces));
        logs::hash_ready(context, units);
        let upcoming = items.get(position).map_or(units.len(), |item| item.unit);
        finish(context, units.get_mut(finished..upcoming).unwrap_or_default(), run)?;
        finished = upcoming;
    }
    finish(context, units.get_mut(finished..).unwrap_or_default(), run)
}

/// Leaves digests out, since the run is to end.
fn leave(units: &mut [Unit], items: &[unit::Item]) {
    for item in items {
        if let Some(unit) = units.get_mut(item.unit) {
            unit.leave(item.chain, item.end);
        }
    }
}

/// Ends the units whose digests and logs are all judged, and tells what came of them.
fn finish(context: Context<'_>, units: &mut [Unit], run: &mut Run<'_>) -> io::Result<()> {
    units.iter_mut().for_each(Unit::settle_references);
    named::note_missed(context, units);
    let shared: &[Unit] = units;
    // Where one object is asked about, whether it is listed shows without a search.
    let searched = if context.only.is_none() { shared } else { &[] };
    let numbered = searched.iter().enumerate();
    let searches: Vec<_> =
        numbered.flat_map(|(number, unit)| unreferenced::searches(context, number, unit)).collect();
    let kept: Vec<Named> = units.iter().map(|_| Named::new(context.request.limits.named)).collect();
    let found = context.workers.ask(&searches, |search| {
        let (unit, kept) = (shared.get(search.unit)?, kept.get(search.unit)?);
        unreferenced::find(context, unit, search, kept);
        Some(())
    });
    for search in searches.iter().skip(found.len()) {
        if let Some(unit) = units.get_mut(search.unit) {
            unit.unsearched = true;
        }
    }
    for (unit, kept) in units.iter_mut().zip(kept) {
        run.unit(unit.result(context.request, kept.end()))?;
    }
    Ok(())
}
