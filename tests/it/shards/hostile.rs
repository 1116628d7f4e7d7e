//! Bytes of any kind in plans and results: never a panic, and never a better verdict.

use std::panic::AssertUnwindSafe;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use trailproof::event::{Event, Origin, ReportCollector, Sink as _, Summary, Verdict};
use trailproof::report::{self, Format, Options};
use trailproof::shards::{PlanLine, ShardMerge, ShardResult};
use trailproof::simulate::Spec;
use trailproof::validate::{EndNotes, RegionPart, ValidationRequest};

use super::{Sharded, merge, shard_lines};
use crate::support::{deliver, request};

/// How many changes each document gets.
const CHANGES: usize = 1_500;

/// Changes a few bytes, mostly to characters that JSON has.
fn changed(rng: &mut ChaCha8Rng, bytes: &[u8]) -> Vec<u8> {
    const LIKELY: &[u8] = b"\"{}[]:,0123456789-eE.truefalsn\\u\x00\xff \n";
    let mut changed = bytes.to_vec();
    for _ in 0..rng.gen_range(1..4) {
        let at = rng.gen_range(0..changed.len());
        let new = if rng.gen_bool(0.8) { LIKELY[rng.gen_range(0..LIKELY.len())] } else { rng.r#gen() };
        match rng.gen_range(0..4) {
            0 => drop(changed.remove(at)),
            1 => changed.insert(at, new),
            2 => {
                let end = (at + rng.gen_range(1..40)).min(changed.len());
                let part = changed[at..end].to_vec();
                changed.splice(at..at, part);
            }
            _ => changed[at] = new,
        }
    }
    changed
}

#[test]
fn changed_results_never_make_a_better_report() {
    let spec = Spec { hours: 3, logs_per_hour: 2, events_per_log: 1, ..Spec::default() };
    let delivered = deliver(&Spec { tampers: vec!["log-modified".parse().unwrap()], ..spec });
    let request = request(&["trail-logs"], delivered.simulated.end);
    let whole = Sharded::run(&delivered.store, &delivered.keys, &request, Some(3));
    let merged = whole.merge(&request);
    assert_eq!(merged.verdict, Verdict::Tampered);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..CHANGES {
        let mut other = whole.clone();
        let number = rng.gen_range(0..other.results.len());
        other.results[number] = changed(&mut rng, &whole.results[number]);
        let ran = other.merge(&request);
        let shown = || String::from_utf8_lossy(&other.results[number]).into_owned();
        assert_ne!(ran.verdict, Verdict::Intact, "{}", shown());
        assert!(ran.json == merged.json || ran.interrupted, "{}", shown());
    }
}

#[test]
fn changed_plans_are_refused_or_mean_the_same() {
    let spec = Spec { hours: 3, logs_per_hour: 2, events_per_log: 1, ..Spec::default() };
    let delivered = deliver(&spec);
    let request = request(&["trail-logs"], delivered.simulated.end);
    let whole = Sharded::run(&delivered.store, &delivered.keys, &request, Some(3));
    let merged = whole.merge(&request);
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for _ in 0..CHANGES {
        let plan = changed(&mut rng, &whole.plan);
        for line in plan.split(|byte| *byte == b'\n') {
            drop(PlanLine::parse(line));
        }
        if let Ok(ran) = merge(&plan, &whole.results, &request) {
            assert!(ran.json == merged.json || ran.interrupted, "{}", String::from_utf8_lossy(&plan));
        }
    }
}

/// Changes a value somewhere in a document to one that nobody expects.
fn twisted(rng: &mut ChaCha8Rng, document: &mut Value) {
    let numbers = [0, 1, u64::MAX, i64::MAX as u64, 3_600];
    let times =
        ["@-9223372036854775808", "@9223372036854775807", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"];
    match document {
        Value::Number(_) => *document = numbers[rng.gen_range(0..numbers.len())].into(),
        Value::String(text) => {
            let new = match rng.gen_range(0..4) {
                0 | 1 => times[rng.gen_range(0..times.len())].to_owned(),
                2 => "18446744073709551615p9223372036854775807t1n".to_owned(),
                _ => format!("{text}\u{1b}[2J\u{202e}<b>"),
            };
            *text = new;
        }
        Value::Bool(value) => *value = !*value,
        Value::Null => {}
        Value::Array(values) if values.is_empty() => {}
        Value::Array(values) => {
            let at = rng.gen_range(0..values.len());
            match rng.gen_range(0..6) {
                0 => drop(values.remove(at)),
                1 => values.push(values[at].clone()),
                2 => values.reverse(),
                _ => twisted(rng, &mut values[at]),
            }
        }
        Value::Object(fields) if fields.is_empty() => {}
        Value::Object(fields) => {
            let at = rng.gen_range(0..fields.len());
            let field = fields.keys().nth(at).unwrap().clone();
            twisted(rng, &mut fields[&field]);
        }
    }
}

/// Merges, and renders the report in every format. Returns whether every result was taken.
fn rendered(sharded: &Sharded, request: &ValidationRequest) -> bool {
    let ran = sharded.merge(request);
    let mut collector = ReportCollector::new();
    let (range, at) = (request.range, request.now);
    let begun =
        Event::Started { sources: Vec::new(), range, at, origin: Origin::default(), single_objects: false };
    collector.event(&begun).unwrap();
    ran.events.iter().for_each(|event| collector.event(event).unwrap());
    let mut summary = Summary::new(ran.verdict, at);
    (summary.counts, summary.interrupted) = (ran.counts, ran.interrupted);
    collector.event(&Event::Finished(summary)).unwrap();
    let whole = collector.into_report().unwrap();
    for format in Format::ALL {
        let options = Options { verbose: true, ..Options::default() };
        let mut sink = report::to_writer(format, options, Box::new(std::io::sink()));
        whole.tell(&mut *sink).unwrap();
    }
    !ran.interrupted
}

/// Whoever can write results can write their hashes too: the report may say anything, but no value makes a panic.
#[test]
fn twisted_results_with_right_hashes_are_rendered_in_every_format() {
    let spec =
        Spec { hours: 5, logs_per_hour: 2, events_per_log: 1, backfill_every: Some(2), ..Spec::default() };
    let tampers = ["log-modified", "digest-missing", "log-unreferenced"].map(|kind| kind.parse().unwrap());
    let delivered = deliver(&Spec { tampers: tampers.to_vec(), ..spec });
    let request = request(&["trail-logs"], delivered.simulated.end);
    let whole = Sharded::run(&delivered.store, &delivered.keys, &request, Some(4));
    let lines = shard_lines(&whole.plan);
    let (mut rng, mut taken, mut panics) = (ChaCha8Rng::seed_from_u64(9), 0, 0);
    for _ in 0..CHANGES {
        let number = rng.gen_range(0..lines.len());
        let mut document: Value = serde_json::from_slice(&whole.results[number]).unwrap();
        for _ in 0..rng.gen_range(1..6) {
            twisted(&mut rng, &mut document["part"]);
            twisted(&mut rng, &mut document["notes"]);
        }
        let part: Result<RegionPart, _> = serde_json::from_value(document["part"].take());
        let notes: Result<EndNotes, _> = serde_json::from_value(document["notes"].take());
        let (Ok(part), Ok(notes)) = (part, notes) else { continue };
        let PlanLine::Shard(shard) = PlanLine::parse(lines[number]).unwrap() else { panic!("no shard") };
        let mut other = whole.clone();
        let twisted = ShardResult::new(&shard, part, &[], notes).unwrap();
        other.results[number] = twisted.to_line().unwrap();
        let ran = std::panic::catch_unwind(AssertUnwindSafe(|| rendered(&other, &request)));
        taken += u64::from(matches!(ran, Ok(true)));
        panics += u64::from(ran.is_err());
    }
    assert_eq!(panics, 0);
    assert!(taken > 100, "{taken}");
}

#[test]
fn junk_is_refused() {
    for junk in [
        &b""[..],
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"{\"schema\":\"trailproof/shard/2\"}",
        b"{\"schema\":\"trailproof/shard/1\",\"version\":\"0.1.0\",\"type\":\"shard\"}",
        b"{\"schema\":\"trailproof/shard/1\",\"version\":\"0.1.0\",\"type\":\"sharp\"}",
        b"{\"schema\":\"trailproof/shard-result/1\"}",
    ] {
        let said = PlanLine::parse(junk).unwrap_err();
        assert!(!said.to_string().is_empty() && !said.hint().is_empty());
        assert!(ShardMerge::read_plan(&mut &*junk).is_err());
    }
    let deep = "[".repeat(100_000);
    assert!(PlanLine::parse(deep.as_bytes()).is_err());
}
