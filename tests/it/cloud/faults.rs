//! How the server fails, repeatably.

use std::time::Duration;

use super::ask::Request;
use super::rules::{Fault, Rule};

/// What goes wrong, and how often: shares are between 0 and 1, and drawn by seed and number of the request.
///
/// Requests are numbered as they arrive, so what befalls which of several at one time is not repeatable.
#[derive(Debug, Clone)]
pub struct Faults {
    /// Every answer waits for this long.
    pub latency: Duration,
    /// And for up to this much longer.
    pub latency_jitter: Duration,
    /// Share of answers that are 503 `SlowDown`; of CloudTrail's, 400 `ThrottlingException`.
    pub slow_down: f64,
    /// Share of answers that are 500 `InternalError`.
    pub internal_error: f64,
    /// Share of requests whose connection is reset in place of an answer.
    pub reset: f64,
    /// Share of GETs whose body is cut midway: the length is announced in full, then the connection is closed.
    pub truncate: f64,
    /// Share of objects that come short with a length to match, so that only a hash or the listing tells.
    pub wrong_length: f64,
    /// After so many requests connections are closed unanswered.
    pub gone_after: Option<u64>,
    /// After so many requests none is answered, and connections stay open.
    pub hang_after: Option<u64>,
    /// After so many requests all are answered 400 `ExpiredToken`.
    pub expired_after: Option<u64>,
    /// The most that one page of a listing holds.
    pub page_size: usize,
    /// A deleted object's 404 says nothing of its delete marker, as some S3-compatible servers have it.
    pub hide_delete_marker_header: bool,
    /// After its first page a listing answers one page again and again, each time with a new token.
    pub repeat_page: bool,
    /// A listing leaves out every second page, without a word.
    pub skip_page: bool,
    /// The keys of a page come in the opposite order.
    pub unordered: bool,
    /// A listing's pages hold nothing and say that there is more.
    pub empty_pages: bool,
    /// `encoding-type=url` is ignored.
    pub no_encoding: bool,
    /// What becomes of the conditions of a PUT.
    pub conditions: Conditions,
    /// Bodies that are gzip are sent inflated.
    pub inflates: Inflates,
    /// How far the server's clock is ahead of this machine's, in seconds. Where it is not 0, what is signed for a time
    /// more than 15 minutes off is refused.
    pub clock_ahead: i64,
    /// What befalls chosen requests.
    pub rules: Vec<Rule>,
    /// Another seed, other requests that fail.
    pub seed: u64,
}

/// What becomes of the conditions `If-Match` and `If-None-Match` of a PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditions {
    /// As S3 does.
    Honoured,
    /// `If-None-Match` is ignored.
    IgnoresAbsent,
    /// `If-Match` is ignored.
    IgnoresMatch,
    /// Both are ignored, as some S3-compatible servers do.
    IgnoresBoth,
    /// Every PUT with a condition is refused.
    RefusesAll,
    /// What is refused is written all the same.
    WritesAnyway,
    /// Nothing is written, and success is answered.
    WritesNothing,
}

/// When bodies that are gzip are sent inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inflates {
    /// As S3 does.
    Never,
    /// Unless `Accept-Encoding` names gzip, as Google Cloud Storage does.
    UnlessAccepted,
    /// Whatever is asked.
    Always,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            latency_jitter: Duration::ZERO,
            slow_down: 0.0,
            internal_error: 0.0,
            reset: 0.0,
            truncate: 0.0,
            wrong_length: 0.0,
            gone_after: None,
            hang_after: None,
            expired_after: None,
            page_size: 1000,
            hide_delete_marker_header: false,
            repeat_page: false,
            skip_page: false,
            unordered: false,
            empty_pages: false,
            no_encoding: false,
            conditions: Conditions::Honoured,
            inflates: Inflates::Never,
            clock_ahead: 0,
            rules: Vec::new(),
            seed: 0,
        }
    }
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// As it should be.
    Answered,
    /// With the advice to ask less often.
    SlowedDown,
    /// With an error of the service.
    InternalError,
    /// With a word that the session is over.
    Expired,
    /// By a connection that is reset.
    Reset,
    /// By a connection that is closed.
    Closed,
    /// By nothing at all.
    Hung,
    /// With an error of this status and code.
    Refused(u16, &'static str),
}

/// The draws of one request are apart, so that a share changed does not move the others.
#[derive(Clone, Copy)]
enum Draw {
    Jitter,
    SlowDown,
    InternalError,
    Reset,
    Truncate,
    WrongLength,
}

impl Faults {
    /// What becomes of a request.
    pub fn fate(&self, number: u64) -> Fate {
        let past = |limit: Option<u64>| limit.is_some_and(|limit| number >= limit);
        if past(self.hang_after) {
            Fate::Hung
        } else if past(self.gone_after) {
            Fate::Closed
        } else if past(self.expired_after) {
            Fate::Expired
        } else if self.falls(self.reset, number, Draw::Reset) {
            Fate::Reset
        } else if self.falls(self.slow_down, number, Draw::SlowDown) {
            Fate::SlowedDown
        } else if self.falls(self.internal_error, number, Draw::InternalError) {
            Fate::InternalError
        } else {
            Fate::Answered
        }
    }

    /// What befalls a request by [`Faults::rules`], each of which counts it.
    pub fn strike(&self, request: &Request) -> Vec<Fault> {
        self.rules.iter().filter(|rule| rule.befalls(request)).map(|rule| rule.fault).collect()
    }

    /// How long the answer waits.
    pub fn wait(&self, number: u64) -> Duration {
        if self.latency_jitter.is_zero() {
            return self.latency;
        }
        self.latency + self.latency_jitter.mul_f64(self.share(number, Draw::Jitter))
    }

    /// Whether a GET is cut midway.
    pub fn truncates(&self, number: u64) -> bool {
        self.falls(self.truncate, number, Draw::Truncate)
    }

    /// Whether an object comes short with a length to match.
    pub fn shortens(&self, number: u64) -> bool {
        self.falls(self.wrong_length, number, Draw::WrongLength)
    }

    fn falls(&self, share: f64, number: u64, draw: Draw) -> bool {
        share > 0.0 && self.share(number, draw) < share
    }

    /// Evenly spread from 0 up to 1.
    fn share(&self, number: u64, draw: Draw) -> f64 {
        let mixed = mix(mix(mix(self.seed) ^ number) ^ draw as u64);
        f64::from((mixed >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
    }
}

/// SplitMix64's output function (Steele, Lea and Flood, 2014).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
