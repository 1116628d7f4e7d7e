//! Answers the needs of provers: gathers the needs of all chains, and reads them together.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::context::RunContext;
use super::digests;
use super::region::RegionRun;
use super::{again, batch, discover, trace};
use crate::event::{Excess, Trace};
use crate::gzip::BodyError;
use crate::ident::{ChainId, Location};
use crate::prove::{DigestContent, ProverAnswer, ProverNeed, ReadLimit, StreamRead};
use crate::store::{Object, StoreError};

/// A need, with its chain, and whether the need blocks the chain.
struct NeedTask {
    region: usize,
    chain: usize,
    id: ChainId,
    need: ProverNeed,
    is_first: bool,
}

/// Advances the provers of the `touched` chains until each has judged its whole input.
pub(super) fn advance(context: RunContext<'_>, regions: &mut [RegionRun], touched: &[(usize, usize)]) {
    let mut blocked = touched.to_vec();
    loop {
        // 1. Gather the needs of all chains, blocking needs first.
        let mut needs: Vec<NeedTask> = Vec::new();
        for &(region, chain) in &blocked {
            let Some(prover) = regions.get_mut(region).and_then(|run| run.chains.get_mut(chain)) else {
                continue;
            };
            let id = prover.id().clone();
            needs.extend(prover.advance().into_iter().enumerate().map(|(index, need)| NeedTask {
                region,
                chain,
                id: id.clone(),
                need,
                is_first: index == 0,
            }));
        }
        if needs.is_empty() {
            return;
        }
        needs.sort_by_key(|need| !need.is_first);
        // 2. Read all of them together.
        let answers = answer_all(context, &needs);
        // 3. Give each answer to its chain.
        blocked.clear();
        for (NeedTask { region, chain, need, is_first, .. }, answer) in needs.into_iter().zip(answers) {
            if is_first {
                blocked.push((region, chain));
            }
            if let Some(answer) = answer
                && let Some(prover) = regions.get_mut(region).and_then(|run| run.chains.get_mut(chain))
            {
                prover.answer(need, answer);
            }
        }
        blocked.sort_unstable();
    }
}

/// The most bytes to which a digest found by name inflates beside others. Up to 512 are read in parallel, before the
/// weight of any is known.
const LIGHT_NAMED: u64 = 512 << 10;

/// The answer to each need. `None` if the answers would exceed the memory of a batch: the prover asks again.
fn answer_all(context: RunContext<'_>, needs: &[NeedTask]) -> Vec<Option<ProverAnswer>> {
    let weight = AtomicU64::new(0);
    let heavy = Mutex::new(());
    context.workers.ask_all(needs, |need| {
        if !std::ptr::eq(need, needs.first()?)
            && weight.load(Ordering::Relaxed) >= batch::most_weight(context)
        {
            return None;
        }
        let answer = answer(context, need, &heavy)?;
        if let ProverAnswer::Digest(read) = &answer {
            weight.fetch_add(batch::weigh(read), Ordering::Relaxed);
        }
        Some(answer)
    })
}

/// The answer to one need. Heavy digests are read one at a time, and only for a blocking need.
fn answer(context: RunContext<'_>, need: &NeedTask, heavy: &Mutex<()>) -> Option<ProverAnswer> {
    let (request, store) = (context.request, context.tools.store);
    Some(match &need.need {
        // A second read is done even in a cancelled run, so that a suspect object gets its judgement.
        ProverNeed::SecondRead { location, seen, limit } => {
            let limit = match limit {
                ReadLimit::Digest => request.limits.digest,
                ReadLimit::Log => request.limits.log,
            };
            ProverAnswer::SecondRead(again::read_again(store, location, seen, limit))
        }
        // A need that is not begun is left out of a cancelled run.
        _ if context.cancellation.skips_work() => ProverAnswer::LeftOut,
        ProverNeed::Digest { location, end } => {
            let (mut read, is_heavy) = digests::read_one(context, location.clone(), *end, LIGHT_NAMED);
            if is_heavy {
                // A likely need may be superfluous, which a heavy digest is not worth.
                if !need.is_first {
                    return None;
                }
                let _alone = heavy.lock().unwrap_or_else(PoisonError::into_inner);
                digests::read_whole(context, &mut read, LIGHT_NAMED);
            }
            context.tools.progress.digest(read.sizes.compressed);
            match read.content {
                DigestContent::Gone => match trace::of(store.versions(location)) {
                    // Replication may be late or partial, so a digest that a replica lacks was not deleted there.
                    Trace::Nothing if let Some(original) = original_of(context, location) => {
                        let why = format!("not in this replica; the original is at `{original}`");
                        read.content = DigestContent::Absent(why);
                        ProverAnswer::Digest(Box::new(read))
                    }
                    trace => ProverAnswer::Gone(trace),
                },
                DigestContent::Absent(_) if is_gone_since(context, need, location) => {
                    ProverAnswer::Gone(Trace::Nothing)
                }
                DigestContent::Absent(_) => {
                    read.renamed = digests::read_renamed(context, &read);
                    ProverAnswer::Digest(Box::new(read))
                }
                _ => ProverAnswer::Digest(Box::new(read)),
            }
        }
        ProverNeed::Stream { location } => {
            ProverAnswer::Stream(stream(store.get(location), request.limits.log))
        }
        ProverNeed::EarlierPlace { folder, until } => {
            match discover::list_earlier(context, &need.id, folder, *until) {
                Some(ends) => {
                    context.tools.progress.plan_digests(ends.len() as u64);
                    ProverAnswer::EarlierPlace(ends)
                }
                None => ProverAnswer::LeftOut,
            }
        }
    })
}

/// Where another copy of a digest lies, in a run over replicas.
fn original_of(context: RunContext<'_>, location: &Location) -> Option<String> {
    let copies = || context.tools.store.second_copies(location);
    context.request.is_of_replicas().then(copies)?.into_iter().next().map(|copy| copy.name)
}

/// Whether an earlier run of the same sources proved a digest that the copy lacks now, in a folder that it has: the copy
/// was not made before the delivery.
fn is_gone_since(context: RunContext<'_>, need: &NeedTask, location: &Location) -> bool {
    context.request.was_seen_here(&need.id, location)
        && matches!(context.tools.store.get(location), Err(StoreError::MaybeLater(_)))
}

/// The hash of a digest too large to be held in memory, taken from its stream.
fn stream(object: Result<Object, StoreError>, limit: u64) -> StreamRead {
    let mut object = match object {
        Ok(object) => object,
        Err(StoreError::NotFound) => return StreamRead::Gone,
        Err(error) => return StreamRead::Unread(error.to_string()),
    };
    match object.hash(limit) {
        Ok((hash, _)) => StreamRead::Seen(Ok(hash)),
        Err(BodyError::Malformed(body)) => StreamRead::Seen(Err(body)),
        Err(BodyError::TooLarge(limit)) => StreamRead::Oversized(Excess::Inflated { limit }),
        Err(BodyError::TooLong(limit)) => StreamRead::Oversized(Excess::Stored { limit }),
        Err(BodyError::Unreadable(why)) => StreamRead::Unread(why),
    }
}
