//! Logging that was stopped and started again: each stop is told, and nobody is accused of it.

mod lost;
mod tangled;

use serde_json::{Value, json};
use trailproof::event::{Finding, Kind, Reason, Severity, Verdict};
use trailproof::ident::DigestKey;
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::ValidationRequest;

use super::hour;
use crate::bodies::read;
use crate::signing::{document, key, put, signer};
use crate::support::{Ran, deliver, request, run};

const KEY: &str = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/\
    111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T010657Z.json.gz";

/// Lengths of stops, in minutes. A stop begins ten minutes into an hour: after one of 50 minutes two digests would have one
/// name.
const STOPS: [i64; 9] = [1, 10, 20, 45, 59, 60, 61, 100, 240];

fn minutes(number: i64) -> Timestamp {
    hour(0).plus(number * 60)
}

fn at(end: Timestamp) -> DigestKey {
    key(KEY, end, false)
}

/// Where the last digest of a stopped chain ends: no public capture tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Last {
    WithItsHour,
    WithTheStop,
}

/// A trail whose logging was on for some stretches of time, each from one minute to another. Bodies are signed by hand.
struct Stopped {
    store: MemoryStore,
    /// When logging began, each time.
    starts: Vec<Timestamp>,
    /// Every digest, chain by chain, and what one that follows it records of it.
    digests: Vec<DigestKey>,
    records: Vec<Value>,
    /// The last digest of each chain.
    lasts: Vec<DigestKey>,
    end: Timestamp,
}

impl Stopped {
    fn make(stretches: &[(i64, i64)], last: Last) -> Self {
        let (starts, digests, records, lasts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut made = Self { store: MemoryStore::new(), starts, digests, records, lasts, end: hour(0) };
        for (start, stop) in stretches {
            made.log(minutes(*start), minutes(*stop), last);
        }
        made
    }

    /// Six hours and ten minutes, a stop, and four hours more.
    fn once(stop: i64, last: Last) -> Self {
        Self::make(&[(0, 370), (370 + stop, 370 + stop + 240)], last)
    }

    fn log(&mut self, start: Timestamp, stop: Timestamp, last: Last) {
        let mut record = self.put(start.plus(-HOUR), start, &json!({}));
        self.starts.push(start);
        let mut begin = start;
        while begin < stop {
            let end = if last == Last::WithTheStop { stop.min(begin.plus(HOUR)) } else { begin.plus(HOUR) };
            record = self.put(begin, end, &record);
            begin = end;
        }
        self.lasts.extend(self.digests.last().cloned());
        self.end = self.end.max(begin);
    }

    fn put(&mut self, start: Timestamp, end: Timestamp, record: &Value) -> Value {
        let mut digest = document(&at(end), record);
        digest["digestStartTime"] = json!(start.to_string());
        assert!(!self.digests.contains(&at(end)), "two digests have one name");
        self.digests.push(at(end));
        self.records.push(put(&self.store, &digest));
        self.records[self.records.len() - 1].clone()
    }

    fn without_metadata(self) -> Self {
        for digest in &self.digests {
            let body = read(&self.store, &digest.location()).0;
            self.store.put(&digest.location(), &body, &Metadata::new()).unwrap();
        }
        self
    }

    /// The same in a store of its own.
    fn copy(&self) -> Self {
        let store = MemoryStore::new();
        for digest in &self.digests {
            let (body, metadata) = read(&self.store, &digest.location());
            store.put(&digest.location(), &body, &metadata).unwrap();
        }
        let (starts, digests, lasts) = (self.starts.clone(), self.digests.clone(), self.lasts.clone());
        Self { store, starts, digests, records: self.records.clone(), lasts, end: self.end }
    }

    fn from(&self, start: Option<Timestamp>) -> ValidationRequest {
        let mut asked = request(&["b"], self.end);
        asked.range.start = start;
        asked
    }

    fn ran(&self, start: Option<Timestamp>) -> Ran {
        self.asked(&self.from(start))
    }

    fn asked(&self, asked: &ValidationRequest) -> Ran {
        let one = run(&self.store, &signer().ring, asked, 1);
        assert_eq!(one.json, run(&self.store, &signer().ring, asked, 3).json, "`--jobs` 1 and 3 differ");
        one
    }
}

fn said(ran: &Ran) -> Vec<&Finding> {
    ran.findings.iter().filter(|finding| finding.severity > Severity::Notice).collect()
}

/// Whether a finding tells that logging began anew at `start`.
fn tells(finding: &Finding, start: Timestamp) -> bool {
    match finding.kind {
        Kind::ChainRestart => finding.start == Some(start),
        Kind::ChainGap => {
            let is_in = finding.start.is_some_and(|begin| begin < start) && finding.end == Some(start);
            is_in && finding.reason == Some(Reason::LoggingStopped)
        }
        _ => false,
    }
}

/// Nothing is said but that logging began anew at each of `starts`, once.
fn assert_told(ran: &Ran, starts: &[Timestamp], what: &str) {
    let verdict = if starts.is_empty() { Verdict::Intact } else { Verdict::Incomplete };
    assert_eq!(ran.verdict, verdict, "{what}: {:#?}", ran.findings);
    assert_eq!(said(ran).len(), starts.len(), "{what}: {:#?}", ran.findings);
    for start in starts {
        let told = said(ran).into_iter().filter(|finding| tells(finding, *start));
        assert_eq!(told.count(), 1, "{what}, {start}: {:#?}", ran.findings);
    }
}

#[test]
fn a_stop_of_any_length_is_told() {
    for (stop, last) in
        STOPS.map(|stop| [Last::WithItsHour, Last::WithTheStop].map(|last| (stop, last))).concat()
    {
        let stopped = Stopped::once(stop, last);
        let what = format!("{stop} min, {last:?}");
        let [first, again] = stopped.starts[..] else { panic!("{what}") };
        let covered_to = stopped.lasts[0].end;
        let before = [None, Some(first), Some(hour(3)), Some(minutes(370))];
        for start in [&before[..], &[Some(again.plus(-30 * stop)), Some(again.plus(-1))]].concat() {
            let ran = stopped.ran(start);
            assert_told(&ran, &[again], &what);
            // What the last digest covers is no gap, though logging was off.
            let finding = said(&ran)[0];
            let gap = start.unwrap_or(first).max(covered_to);
            let expected = if gap < again { (Kind::ChainGap, gap) } else { (Kind::ChainRestart, again) };
            assert_eq!((finding.kind, finding.start), (expected.0, Some(expected.1)), "{what}");
            // It is told as soon as the interval reaches it.
            let mut until = stopped.from(start);
            until.range.end = again;
            assert_told(&stopped.asked(&until), &[again], &what);
        }
        // And sooner, where the last digest before the stop is of asked time, which the stop may have cut.
        for end in
            [hour(6).plus(1), again.plus(-1)].into_iter().filter(|end| *end < again && *end <= covered_to)
        {
            let mut until = stopped.from(Some(hour(2)));
            until.range.end = end;
            let expected: &[Timestamp] = if again <= covered_to { &[again] } else { &[] };
            assert_told(&stopped.asked(&until), expected, &format!("{what}, until {end}"));
        }
        // Where the stop is not asked about, nothing is said of it.
        for start in [again, again.plus(1), again.plus(HOUR)] {
            assert_told(&stopped.ran(Some(start)), &[], &what);
        }
        let mut before = stopped.from(Some(hour(2)));
        before.range.end = hour(6);
        assert_told(&stopped.asked(&before), &[], &what);
    }
}

/// The same with log files, as `simulate` makes them.
#[test]
fn a_simulated_stop_is_told() {
    let spec =
        |pause, stop| Spec { hours: 8, logs_per_hour: 4, events_per_log: 1, pause, stop, ..Spec::default() };
    let pauses =
        [1, 10, 20, 45, 49, 51, 59].map(|minutes| (spec(Some((2, minutes)), None), 130 + i64::from(minutes)));
    let stops = [1, 4].map(|hours| (spec(None, Some((2, hours))), 120 + 60 * i64::from(hours)));
    for (spec, again) in pauses.into_iter().chain(stops) {
        let what = format!("{:?} {:?}", spec.pause, spec.stop);
        let delivered = deliver(&spec);
        for (start, starts) in [(None, vec![minutes(again)]), (Some(minutes(again)), Vec::new())] {
            let mut asked = request(&["trail-logs"], delivered.simulated.end);
            asked.range.start = start;
            assert_told(&super::ran(&delivered, &asked), &starts, &what);
        }
    }
}

/// Of the last digest of a chain, a copy without metadata has the signature nowhere.
#[test]
fn a_stop_in_a_copy_without_metadata_is_told_and_accuses_nobody() {
    for (stop, last) in
        STOPS.map(|stop| [Last::WithItsHour, Last::WithTheStop].map(|last| (stop, last))).concat()
    {
        let stopped = Stopped::once(stop, last).without_metadata();
        let ran = stopped.ran(None);
        let what = format!("{stop} min, {last:?}: {:#?}", ran.findings);
        assert_eq!(ran.verdict, Verdict::Incomplete, "{what}");
        let unsigned = ran.findings.iter().filter(|finding| finding.kind == Kind::DigestUnsigned);
        let unsigned: Vec<Option<String>> = unsigned.map(|finding| finding.uri.clone()).collect();
        let lasts: Vec<Option<String>> =
            stopped.lasts.iter().map(|key| Some(key.location().to_string())).collect();
        assert_eq!(unsigned, lasts, "{what}");
    }
}

/// Captured at AWS: `StartLogging` at 15:29:23, the starting digest 14:29:23 to 15:29:23.
#[test]
fn the_hour_before_logging_is_not_covered() {
    let stopped = Stopped::make(&[(0, 240)], Last::WithItsHour);
    let first = stopped.starts[0];
    for early in [1, 60, HOUR / 2, HOUR - 1, HOUR, HOUR + 1, 5 * HOUR] {
        let ran = stopped.ran(Some(first.plus(-early)));
        assert_eq!((ran.kinds(), ran.verdict), (vec![Kind::ChainGap], Verdict::Incomplete), "{early}");
        let gap = said(&ran)[0];
        let expected = (Some(first.plus(-early)), Some(first), Some(Reason::NotCovered));
        assert_eq!((gap.start, gap.end, gap.reason), expected, "{early}");
    }
    for start in [None, Some(first), Some(first.plus(1))] {
        let ran = stopped.ran(start);
        assert_told(&ran, &[], &format!("{start:?}"));
        // Where it is not of the asked time, nothing is said of it.
        let begins = ran.findings.iter().find(|finding| finding.kind == Kind::ChainStart);
        assert_eq!(
            begins.and_then(|finding| finding.start),
            if start.is_none() { Some(first) } else { None }
        );
    }
}

#[test]
fn a_digest_that_starts_a_chain_is_no_record_alone() {
    let stopped = Stopped::make(&[(0, 60)], Last::WithItsHour);
    stopped.store.purge(&stopped.lasts[0].location());
    for (end, start) in [
        (hour(0), None),
        (hour(0).plus(1_800), None),
        (hour(0).plus(-60), None),
        (hour(0).plus(1), Some(hour(0))),
    ] {
        let mut asked = stopped.from(start);
        (asked.range.end, asked.now) = (end, end);
        let ran = stopped.asked(&asked);
        assert_eq!(
            (ran.kinds(), ran.verdict),
            (vec![Kind::NoDigests], Verdict::Incomplete),
            "{:#?}",
            ran.findings
        );
    }
}
