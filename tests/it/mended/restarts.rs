//! Logging that was stopped and started again: each stop is told, and nobody is accused of it.

use serde_json::{Value, json};
use trailproof::event::{Finding, Kind, Reason, Severity, Verdict};
use trailproof::ident::{DigestKey, Location};
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata, StoreError};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::Request;

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

    fn from(&self, start: Option<Timestamp>) -> Request {
        let mut asked = request(&["b"], self.end);
        asked.range.start = start;
        asked
    }

    fn ran(&self, start: Option<Timestamp>) -> Ran {
        self.asked(&self.from(start))
    }

    fn asked(&self, asked: &Request) -> Ran {
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

/// Digests of three chains may lie between each other.
#[test]
fn stops_within_two_hours_are_each_told() {
    let mut tried = 0;
    for first in [1, 5, 20, 45, 59, 70] {
        for on in [3, 12, 25, 58, 61] {
            for second in [1, 7, 30, 59, 80] {
                for third in [0, 2, 33] {
                    let mut stretches = vec![(0, 190)];
                    for (off, on) in [(first, on), (second, 16), (third, 8)] {
                        let start = stretches.last().unwrap().1 + off;
                        stretches.push((start, start + on));
                        if third == 0 && stretches.len() == 3 {
                            break;
                        }
                    }
                    stretches.last_mut().unwrap().1 += 180;
                    let ends = |(start, stop): &(i64, i64)| {
                        (0..=(stop - start + 59) / 60).map(|hours| start + 60 * hours).collect()
                    };
                    let mut names: Vec<i64> =
                        stretches.iter().flat_map(ends as fn(&(i64, i64)) -> Vec<i64>).collect();
                    names.sort_unstable();
                    if names.windows(2).any(|pair| pair[0] == pair[1]) {
                        continue;
                    }
                    let stopped = Stopped::make(&stretches, Last::WithItsHour);
                    let what = format!("{stretches:?}");
                    assert_restarts(&stopped, &what);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 150, "{tried}");
}

/// Each start but the first is told, by a gap that it ends or lies in, or by itself, and nothing else is said.
fn assert_restarts(stopped: &Stopped, what: &str) {
    let ran = stopped.ran(None);
    assert_eq!(ran.verdict, Verdict::Incomplete, "{what}: {:#?}", ran.findings);
    assert_eq!(ran.counts.digests.valid, stopped.digests.len() as u64, "{what}: {:#?}", ran.findings);
    let tells = |finding: &Finding, start: Timestamp| {
        let is_gap = finding.kind == Kind::ChainGap && finding.reason == Some(Reason::LoggingStopped);
        let is_in = || finding.start < Some(start) && Some(start) <= finding.end;
        (is_gap && is_in()) || (finding.kind == Kind::ChainRestart && finding.start == Some(start))
    };
    let starts = &stopped.starts[1..];
    for start in starts {
        let told = said(&ran).into_iter().filter(|finding| tells(finding, *start));
        assert_eq!(told.count(), 1, "{what}, {start}: {:#?}", ran.findings);
    }
    let is_of_a_start = |finding: &&Finding| starts.iter().any(|start| tells(finding, *start));
    assert!(said(&ran).iter().all(is_of_a_start), "{what}: {:#?}", ran.findings);
}

/// The URIs of digests that somebody is accused of.
fn accused(ran: &Ran) -> Vec<(Kind, String)> {
    let tampered = ran.findings.iter().filter(|finding| finding.severity == Severity::Tampered);
    tampered.map(|finding| (finding.kind, finding.uri.clone().unwrap_or_default())).collect()
}

/// A digest that another one records is missed where it is gone, and no digest is accused in its stead. The last one of a
/// stopped chain is recorded by none: that it is gone looks as a longer stop does, and is told as that.
#[test]
fn a_digest_that_is_gone_around_a_stop_is_told() {
    for stop in STOPS {
        for number in 0..Stopped::once(stop, Last::WithItsHour).digests.len() {
            let stopped = Stopped::once(stop, Last::WithItsHour);
            let gone = stopped.digests[number].clone();
            stopped.store.purge(&gone.location());
            let ran = stopped.ran(None);
            let what = format!("{stop} min, without {}: {:#?}", gone.end, ran.findings);
            if !stopped.lasts.contains(&gone) {
                assert_eq!(accused(&ran), [(Kind::DigestMissing, gone.location().to_string())], "{what}");
                continue;
            }
            assert_eq!(ran.verdict, Verdict::Incomplete, "{what}");
            if gone == stopped.lasts[1] {
                assert!(ran.kinds().contains(&Kind::ChainStale), "{what}");
                continue;
            }
            let gap = said(&ran)[0];
            let expected =
                (Kind::ChainGap, Some(hour(6)), Some(stopped.starts[1]), Some(Reason::LoggingStopped));
            assert_eq!((gap.kind, gap.start, gap.end, gap.reason), expected, "{what}");
            assert_eq!(said(&ran).len(), 1, "{what}");
        }
    }
}

#[test]
fn a_digest_that_nobody_can_read_around_a_stop_accuses_nobody() {
    for stop in STOPS {
        for number in 0..Stopped::once(stop, Last::WithItsHour).digests.len() {
            let stopped = Stopped::once(stop, Last::WithItsHour);
            let digest = stopped.digests[number].location();
            stopped.store.refuse(&digest, StoreError::Denied("by the test".to_owned()));
            let ran = stopped.ran(None);
            assert_eq!(ran.verdict, Verdict::Incomplete, "{stop} min, {digest}: {:#?}", ran.findings);
            assert!(
                ran.kinds().contains(&Kind::DigestUnreadable),
                "{stop} min, {digest}: {:#?}",
                ran.findings
            );
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

/// Five hours of a chain that was stopped and started ten minutes later, and a digest that follows the fifth hour, starts at
/// `start`, and ends half an hour after the new chain began. The new chain's first digest and that one.
fn beside(start: Timestamp) -> (Stopped, Location, Location) {
    let mut stopped = Stopped::make(&[(0, 300), (310, 550)], Last::WithItsHour);
    let record = stopped.records[5].clone();
    stopped.put(start, minutes(340), &record);
    (stopped, at(minutes(310)).location(), at(minutes(340)).location())
}

/// A stopped chain's last digest may end after the new chain began, and begins before that.
#[test]
fn a_digest_of_the_new_chains_time_that_it_leaves_no_room_for_is_a_broken_chain() {
    let begun = minutes(310);
    for (start, broken) in
        [(minutes(300), false), (begun.plus(-1), false), (begun, true), (begun.plus(1), true)]
    {
        let (stopped, _, between) = beside(start);
        let ran = stopped.ran(None);
        let expected = if broken { vec![(Kind::ChainBroken, between.to_string())] } else { vec![] };
        assert_eq!(accused(&ran), expected, "{start}: {:#?}", ran.findings);
        assert!(said(&ran).iter().any(|finding| tells(finding, begun) || finding.kind == Kind::ChainRestart));
        assert_ne!(ran.verdict, Verdict::Intact);
    }
    // Between two hours of one chain there is room for none.
    for start in [hour(2), hour(2).plus(1_800), hour(3)] {
        let mut stopped = Stopped::make(&[(0, 300)], Last::WithItsHour);
        let record = stopped.records[2].clone();
        stopped.put(start, hour(3).plus(1_800), &record);
        let between = at(hour(3).plus(1_800)).location().to_string();
        let ran = stopped.ran(None);
        assert_eq!(accused(&ran), [(Kind::ChainBroken, between)], "{start}: {:#?}", ran.findings);
    }
}

/// Only the digest that is recorded shows whether it starts a chain. Where it does not say so, nothing is said of the
/// other one.
#[test]
fn a_digest_between_another_and_a_lost_one_is_not_accused() {
    for start in [minutes(300), minutes(310)] {
        let (stopped, first, between) = beside(start);
        stopped.store.purge(&first);
        let ran = stopped.ran(None);
        assert_eq!(accused(&ran), [(Kind::DigestMissing, first.to_string())], "{start}: {:#?}", ran.findings);

        let (stopped, first, _) = beside(start);
        stopped.store.refuse(&first, StoreError::Denied("by the test".to_owned()));
        let ran = stopped.ran(None);
        assert_eq!(
            (accused(&ran), ran.verdict),
            (vec![], Verdict::Incomplete),
            "{start}: {:#?}",
            ran.findings
        );

        let (stopped, first, _) = beside(start);
        let metadata = read(&stopped.store, &first).1;
        stopped.store.put(&first, b"no digest", &metadata).unwrap();
        let ran = stopped.ran(None);
        assert_eq!(
            accused(&ran),
            [(Kind::DigestMalformed, first.to_string())],
            "{start}: {:#?}",
            ran.findings
        );
        assert!(!ran.findings.iter().any(|finding| finding.uri == Some(between.to_string())));
    }
}

/// A digest that records one which ends after it starts contradicts it, also where the signature of that one is only in
/// what others record of it.
#[test]
fn a_contradiction_to_a_digest_that_was_taken_is_told_without_metadata_too() {
    for bare in [false, true] {
        let mut stopped = Stopped::make(&[(0, 300)], Last::WithItsHour);
        let record = stopped.records[0].clone();
        stopped.put(hour(0).plus(-1_800), hour(0).plus(1_800), &record);
        let first = at(hour(0)).location();
        if bare {
            stopped.store.put(&first, &read(&stopped.store, &first).0, &Metadata::new()).unwrap();
        }
        let (ran, first) = (stopped.ran(None), first.to_string());
        let told = ran
            .findings
            .iter()
            .any(|finding| finding.kind == Kind::ChainBroken && finding.uri.as_ref() == Some(&first));
        assert!(told, "without metadata: {bare}: {:#?}", ran.findings);
    }
}
