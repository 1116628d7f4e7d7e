//! Requests for missing keys during a run, and the log of past requests.
//!
//! An attacker with write access to the bucket can write digests with any signing time. So time limits the requests:
//! a shared budget could be used up before the genuine digests. Spans announced by the listings are requested as
//! such. Any other moment is requested as part of a cell of fixed length; CloudTrail's lifetime has about thirty
//! cells.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{RejectedKey, SIGNING_WINDOW, TrustedKey};
use crate::time::{DAY, Interval, Timestamp};

/// CloudTrail's launch, 2013-11-01. No digest was signed earlier; digests came in 2015.
const ERA: Timestamp = Timestamp::from_unix(1_383_264_000);

/// Length of a cell, in seconds: a request for an unannounced moment covers the whole cell. A backfill digest is
/// signed up to weeks after the digest's end, and so mostly in the same cell or the next.
const CELL: i64 = 180 * DAY;

/// Longest gap between announced digests in one request, in seconds. A file name may contain any date, so a longer
/// gap starts a new request.
const HOLE: i64 = 31 * DAY;

/// Tolerated lead of a digest's signing time over the local clock, in seconds. No keys are requested for later
/// signing times.
const CLOCK_SKEW: i64 = DAY;

/// Most cells requested in a region if the current time is unknown: all cells from 2013 to 2045. A digest may record
/// any later moment.
const MAX_CELLS: usize = 64;

/// Failed requests of one kind in a region before no more are sent; every failed request used up all retries.
const MAX_FAILURES: usize = 3;

/// Most unannounced regions with key requests. A digest in a copy may name any region.
const MAX_REGIONS: usize = 64;

/// A failed request for keys.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the public keys of `{region}` could not be fetched: {why}")]
pub struct KeySourceError {
    /// Requested region.
    pub region: String,
    /// Cause of the failure.
    pub why: String,
}

/// Answer of a key source.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SourceKeys {
    /// Usable keys.
    pub keys: Vec<TrustedKey>,
    /// Unusable entries of the answer.
    pub rejected: Vec<RejectedKey>,
}

/// A source of CloudTrail's public keys. Calls block, and are safe from any thread.
pub trait KeySource: Send + Sync {
    /// All keys of `region` that were valid at some time in `span`.
    ///
    /// # Errors
    /// The cause of the failure, retries included.
    fn keys(&self, region: &str, span: Interval) -> Result<SourceKeys, KeySourceError>;
}

/// A key source, with a log of the requests to each region.
pub(super) struct RequestedKeys {
    source: Box<dyn KeySource>,
    regions: Mutex<HashMap<String, Arc<Mutex<RegionRequests>>>>,
}

/// Past and announced requests of a region.
#[derive(Default)]
struct RegionRequests {
    /// Spans of possible signing times of the announced digests, sorted, with gaps longer than [`HOLE`].
    announced: Vec<Interval>,
    /// Latest possible signing time; `None` without an announcement.
    horizon: Option<Timestamp>,
    /// Requests sent so far, with the results.
    asked: HashMap<KeyRequest, Result<(), KeySourceError>>,
}

/// A possible request for the keys of a region.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum KeyRequest {
    /// An announced span.
    Announced(Interval),
    /// A cell with an unannounced moment.
    Cell(Interval),
}

impl KeyRequest {
    const fn span(self) -> Interval {
        match self {
            Self::Announced(span) | Self::Cell(span) => span,
        }
    }

    const fn is_same_kind(self, other: Self) -> bool {
        matches!((self, other), (Self::Announced(_), Self::Announced(_)) | (Self::Cell(_), Self::Cell(_)))
    }
}

impl fmt::Debug for RequestedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestedKeys").finish_non_exhaustive()
    }
}

impl RequestedKeys {
    pub(super) fn new(source: Box<dyn KeySource>) -> Self {
        Self { source, regions: Mutex::default() }
    }

    /// Log of the region `name`. `None` if only a digest named the region, after too many other regions.
    fn region_log(&self, name: &str, is_announced: bool) -> Option<Arc<Mutex<RegionRequests>>> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_announced && !regions.contains_key(name) && regions.len() >= MAX_REGIONS {
            return None;
        }
        Some(Arc::clone(regions.entry(name.to_owned()).or_default()))
    }

    pub(super) fn expect(&self, region: &str, ends: impl IntoIterator<Item = Timestamp>, now: Timestamp) {
        let Some(region) = self.region_log(region, true) else { return };
        let mut region = region.lock().unwrap_or_else(PoisonError::into_inner);
        let horizon = now.plus(CLOCK_SKEW);
        let horizon = region.horizon.map_or(horizon, |known| known.max(horizon));
        region.horizon = Some(horizon);
        let mut announced = std::mem::take(&mut region.announced);
        for end in ends.into_iter().filter(|end| ERA <= *end && *end <= horizon) {
            let signed = Interval { start: end, end: end.plus(SIGNING_WINDOW) };
            // End times come mostly in order, so comparing with the last span is enough here; `joined` merges the
            // rest.
            match announced.last_mut() {
                Some(last) if is_near(*last, signed) => *last = last.hull(signed),
                _ => announced.push(signed),
            }
        }
        region.announced = joined(announced);
    }

    /// Requests the keys for a digest of the region `name`, signed at `signed_from` or later. Sends no request twice.
    pub(super) fn fetch(
        &self,
        name: &str,
        signed_from: Timestamp,
        learn: impl Fn(SourceKeys),
    ) -> Result<(), KeySourceError> {
        let refused = |why: String| KeySourceError { region: name.to_owned(), why };
        let Some(region) = self.region_log(name, false) else {
            return Err(refused(format!("digests have already named {MAX_REGIONS} other regions")));
        };
        // Lock during the request, so that other threads wait for the answer instead of sending the same request.
        let mut region = region.lock().unwrap_or_else(PoisonError::into_inner);
        let needed = Interval { start: signed_from, end: signed_from.plus(SIGNING_WINDOW) };
        if region.is_answered(needed) {
            return Ok(());
        }
        for request in region.requests_for(needed) {
            if let Some(answer) = region.asked.get(&request) {
                answer.clone()?;
                continue;
            }
            region.check_limits(request).map_err(refused)?;
            let answer = self.source.keys(name, request.span()).map(&learn);
            region.asked.insert(request, answer.clone());
            answer?;
        }
        Ok(())
    }
}

impl RegionRequests {
    /// Whether a single past answer covers `needed`.
    fn is_answered(&self, needed: Interval) -> bool {
        self.asked.iter().any(|(request, answer)| answer.is_ok() && request.span().covers(needed))
    }

    /// Requests that cover `needed`; none if CloudTrail could not have signed at that time.
    fn requests_for(&self, needed: Interval) -> Vec<KeyRequest> {
        if let Some(announced) = self.announced.iter().find(|span| span.covers(needed)) {
            return vec![KeyRequest::Announced(*announced)];
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
                cells.push(KeyRequest::Cell(Interval { start, end: end.max(start) }));
            }
        }
        cells
    }

    /// Checks the limits before a new request. Returns the reason for a refusal.
    fn check_limits(&self, request: KeyRequest) -> Result<(), String> {
        let alike = || self.asked.iter().filter(|(other, _)| request.is_same_kind(**other));
        let mut failures = alike().filter_map(|(_, answer)| answer.as_ref().err());
        if let Some(failure) = failures.nth(MAX_FAILURES - 1) {
            return Err(failure.why.clone());
        }
        if self.horizon.is_none() && alike().count() >= MAX_CELLS {
            return Err(format!(
                "{MAX_CELLS} requests for unannounced signing times were sent already; save the keys and give \
                 `--public-keys`"
            ));
        }
        Ok(())
    }
}

/// Whether the gap between two spans is short enough for a single request.
fn is_near(one: Interval, other: Interval) -> bool {
    let hole = |one: Interval, other: Interval| other.start.unix() - one.end.unix();
    hole(one, other) <= HOLE && hole(other, one) <= HOLE
}

/// Merges spans with short gaps.
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
