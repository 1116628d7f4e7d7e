//! Where keys are asked for while a run needs them, and what was asked already.
//!
//! Whoever can write to the bucket can write digests that claim to be signed at any time. So the questions that they
//! may cause are bounded by time, not by a budget that they could spend before the genuine digests are looked at: the
//! stretches that the listings announce are questions of their own, and any other moment belongs to a cell of fixed
//! length, of which CloudTrail's lifetime has some thirty.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{RejectedKey, SIGNING_WINDOW, TrustedKey};
use crate::time::{DAY, Interval, Timestamp};

/// When CloudTrail began, 2013-11-01: nothing was signed before. Digests came in 2015.
const ERA: Timestamp = Timestamp::from_unix(1_383_264_000);

/// Length of a cell, in seconds: a question about a moment that no listing announces is about its whole cell. A backfill
/// digest is signed up to weeks after its end, so most of them lie in the cell of that or in the next one.
const CELL: i64 = 180 * DAY;

/// Announced digests whose ends lie further apart than this, in seconds, are two questions: a name may hold any date.
const HOLE: i64 = 31 * DAY;

/// How far ahead of our clock a digest may say that it was signed, in seconds, for its key to be asked for.
const CLOCK_SKEW: i64 = DAY;

/// How many cells of a region are asked for where nobody says what the present is: all since 2013 up to 2045. A digest may
/// claim any later moment.
const MAX_CELLS: usize = 64;

/// How many questions of one kind may fail in a region before no more are asked: each took all retries.
const MAX_FAILURES: usize = 3;

/// About how many regions, announced by no listing, keys are asked for. A digest of a copy may name any region.
const MAX_REGIONS: usize = 64;

/// Why a source gives no keys.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the public keys of `{region}` could not be fetched: {why}")]
pub struct KeySourceError {
    /// Region that was asked about.
    pub region: String,
    /// What kept it.
    pub why: String,
}

/// What a source answers.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SourceKeys {
    /// The keys.
    pub keys: Vec<TrustedKey>,
    /// What it listed beside them that is no usable key.
    pub rejected: Vec<RejectedKey>,
}

/// Something that knows which keys CloudTrail signed with. Calls block; any thread may make them.
pub trait KeySource: Send + Sync {
    /// Every key of `region` that was valid at some time in `span`.
    ///
    /// # Errors
    /// Whatever kept it from answering, retries included.
    fn keys(&self, region: &str, span: Interval) -> Result<SourceKeys, KeySourceError>;
}

/// A source, and what it was asked.
pub(super) struct Asked {
    source: Box<dyn KeySource>,
    regions: Mutex<HashMap<String, Arc<Mutex<Region>>>>,
}

/// What is known of one region's questions.
#[derive(Default)]
struct Region {
    /// When the announced digests may have been signed: stretches that are far apart, in order.
    announced: Vec<Interval>,
    /// Nothing was signed after this moment; `None` where no listing announced anything.
    horizon: Option<Timestamp>,
    /// What was asked, with what became of it.
    asked: HashMap<Question, Result<(), KeySourceError>>,
}

/// What a source may be asked about a region.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Question {
    /// An announced stretch.
    Announced(Interval),
    /// A cell, for a moment that no listing announced.
    Cell(Interval),
}

impl Question {
    const fn span(self) -> Interval {
        match self {
            Self::Announced(span) | Self::Cell(span) => span,
        }
    }

    const fn is_like(self, other: Self) -> bool {
        matches!((self, other), (Self::Announced(_), Self::Announced(_)) | (Self::Cell(_), Self::Cell(_)))
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").finish_non_exhaustive()
    }
}

impl Asked {
    pub(super) fn new(source: Box<dyn KeySource>) -> Self {
        Self { source, regions: Mutex::default() }
    }

    /// What is known of the region called `name`. `None` where a digest alone names it, and too many others before.
    fn region(&self, name: &str, is_announced: bool) -> Option<Arc<Mutex<Region>>> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_announced && !regions.contains_key(name) && regions.len() >= MAX_REGIONS {
            return None;
        }
        Some(Arc::clone(regions.entry(name.to_owned()).or_default()))
    }

    pub(super) fn expect(&self, region: &str, ends: impl IntoIterator<Item = Timestamp>, now: Timestamp) {
        let Some(region) = self.region(region, true) else { return };
        let mut region = region.lock().unwrap_or_else(PoisonError::into_inner);
        let horizon = now.plus(CLOCK_SKEW);
        let horizon = region.horizon.map_or(horizon, |known| known.max(horizon));
        region.horizon = Some(horizon);
        let mut announced = std::mem::take(&mut region.announced);
        for end in ends.into_iter().filter(|end| ERA <= *end && *end <= horizon) {
            let signed = Interval { start: end, end: end.plus(SIGNING_WINDOW) };
            // Ends come in order, so that most of them belong to the stretch of the one before.
            match announced.last_mut() {
                Some(last) if is_near(*last, signed) => *last = last.hull(signed),
                _ => announced.push(signed),
            }
        }
        region.announced = joined(announced);
    }

    /// Asks for the keys of a digest of the region `name` that was signed from `signed_from` on, unless that was asked
    /// already.
    pub(super) fn ask(
        &self,
        name: &str,
        signed_from: Timestamp,
        learn: impl Fn(SourceKeys),
    ) -> Result<(), KeySourceError> {
        let refused = |why: String| KeySourceError { region: name.to_owned(), why };
        let Some(region) = self.region(name, false) else {
            return Err(refused(format!(
                "keys of {MAX_REGIONS} regions that digests name were asked for already"
            )));
        };
        // Held while the question is asked: others that need the same keys wait for the answer.
        let mut region = region.lock().unwrap_or_else(PoisonError::into_inner);
        let needed = Interval { start: signed_from, end: signed_from.plus(SIGNING_WINDOW) };
        if region.is_answered(needed) {
            return Ok(());
        }
        for question in region.questions(needed) {
            if let Some(answer) = region.asked.get(&question) {
                answer.clone()?;
                continue;
            }
            region.may_ask(question).map_err(refused)?;
            let answer = self.source.keys(name, question.span()).map(&learn);
            region.asked.insert(question, answer.clone());
            answer?;
        }
        Ok(())
    }
}

impl Region {
    /// Whether the keys of all of `needed` are known by one answer.
    fn is_answered(&self, needed: Interval) -> bool {
        self.asked.iter().any(|(question, answer)| answer.is_ok() && question.span().covers(needed))
    }

    /// What to ask so that the keys of `needed` are known: nothing where CloudTrail cannot have signed then.
    fn questions(&self, needed: Interval) -> Vec<Question> {
        if let Some(announced) = self.announced.iter().find(|span| span.covers(needed)) {
            return vec![Question::Announced(*announced)];
        }
        let is_possible = ERA <= needed.start && self.horizon.is_none_or(|horizon| needed.start <= horizon);
        let mut cells = Vec::new();
        if is_possible {
            let number = |moment: Timestamp| (moment.unix() - ERA.unix()).div_euclid(CELL);
            for cell in number(needed.start)..=number(needed.end) {
                let start = ERA.plus(cell.saturating_mul(CELL));
                let end = self
                    .horizon
                    .map_or(start.plus(CELL), |now| start.plus(CELL).min(now.plus(SIGNING_WINDOW)));
                cells.push(Question::Cell(Interval { start, end: end.max(start) }));
            }
        }
        cells
    }

    /// Whether a question that was not asked yet may be, or why not.
    fn may_ask(&self, question: Question) -> Result<(), String> {
        let alike = || self.asked.iter().filter(|(other, _)| question.is_like(**other));
        let mut failures = alike().filter_map(|(_, answer)| answer.as_ref().err());
        if let Some(failure) = failures.nth(MAX_FAILURES - 1) {
            return Err(failure.why.clone());
        }
        if self.horizon.is_none() && alike().count() >= MAX_CELLS {
            return Err(format!(
                "it was asked {MAX_CELLS} times already, for keys of moments that digests may have made up; \
                 `--public-keys` takes saved ones"
            ));
        }
        Ok(())
    }
}

/// Whether two stretches are so near each other that one question is enough for both.
fn is_near(one: Interval, other: Interval) -> bool {
    let hole = |one: Interval, other: Interval| other.start.unix() - one.end.unix();
    hole(one, other) <= HOLE && hole(other, one) <= HOLE
}

/// Joins stretches that are near each other.
fn joined(mut stretches: Vec<Interval>) -> Vec<Interval> {
    stretches.sort_unstable();
    let mut joined: Vec<Interval> = Vec::new();
    for next in stretches {
        match joined.last_mut() {
            Some(last) if is_near(*last, next) => *last = last.hull(next),
            _ => joined.push(next),
        }
    }
    joined
}

#[cfg(test)]
mod tests;
