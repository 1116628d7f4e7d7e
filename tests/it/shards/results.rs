//! Results that do not fit: missing, twice, foreign, cut, of another version, of a bucket that changed.

use serde_json::Value;
use trailproof::event::{Kind, Severity, Verdict};
use trailproof::ident::{DigestKey, Location};
use trailproof::shards::PlanLine;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::validate::ValidationRequest;

use super::{Sharded, merge, plan, result, same, shard_lines};
use crate::support::{Delivered, Ran, deliver, request, run};

/// Two regions with a day of log files.
fn delivered() -> (Delivered, ValidationRequest) {
    let regions = vec!["eu-west-1".to_owned(), "us-east-1".to_owned()];
    let spec = Spec { regions, hours: 8, logs_per_hour: 3, events_per_log: 1, ..Spec::default() };
    let delivered = deliver(&spec);
    let request = request(&["trail-logs"], delivered.simulated.end);
    (delivered, request)
}

fn sharded(delivered: &Delivered, request: &ValidationRequest) -> Sharded {
    Sharded::run(&delivered.store, &delivered.keys, request, Some(7))
}

/// The causes of the findings on shards, with their severities and messages.
fn on_shards(ran: &Ran) -> Vec<(String, Severity, String)> {
    let found = ran.findings.iter().filter(|finding| finding.kind == Kind::ShardIncomplete);
    let told =
        found.map(|finding| (finding.fault.cause().unwrap().to_owned(), finding.severity, finding.message()));
    told.collect()
}

fn assert_incomplete(ran: &Ran, cause: &str, says: &str) {
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:?}", on_shards(ran));
    let found = on_shards(ran);
    let is_named = |(known, severity, message): &(String, Severity, String)| {
        known == cause && *severity == Severity::Incomplete && message.contains(says)
    };
    assert!(found.iter().any(is_named), "{cause} `{says}`: {found:?}");
}

/// The same line with a field changed.
fn changed(line: &[u8], field: &str, value: Value) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(line).unwrap();
    document[field] = value;
    document.to_string().into_bytes()
}

fn log(store: &trailproof::store::memory::MemoryStore, region: &str) -> Location {
    let is_log = |location: &&Location| location.key.contains(&format!("/CloudTrail/{region}/"));
    store.locations().iter().rfind(is_log).unwrap().clone()
}

#[test]
fn every_missing_result_is_named() {
    let (delivered, request) = delivered();
    let whole = sharded(&delivered, &request);
    assert!(whole.results.len() >= 8, "{}", whole.results.len());
    assert_eq!(whole.merge(&request).verdict, Verdict::Intact);
    for number in 0..whole.results.len() {
        let mut less = whole.clone();
        less.results.remove(number);
        let ran = less.merge(&request);
        assert_incomplete(&ran, "shard-missing", &format!("shard {number}, part "));
        assert!(ran.interrupted);
        assert_eq!(on_shards(&ran).len(), 1);
    }
    let nothing = Sharded { results: Vec::new(), ..whole.clone() }.merge(&request);
    assert_eq!(on_shards(&nothing).len(), whole.results.len());
    assert_eq!(nothing.verdict, Verdict::Incomplete);
}

/// A chain lacks the log files of a missing shard, and no finding on the chain says so.
#[test]
fn chains_of_a_region_with_a_missing_result_pass_in_no_format() {
    let (delivered, request) = delivered();
    let whole = sharded(&delivered, &request);
    let formats = ["asff", "junit", "text"];
    let rendered = |ran: &Ran| {
        formats.map(|format| crate::rendered::render(ran.json.as_bytes(), &["--format", format]).stdout)
    };
    let [asff, junit, text] = rendered(&whole.merge(&request));
    assert_eq!((asff.matches("PASSED").count(), text.matches("2 chains are whole").count()), (2, 1));
    assert!(junit.contains(" failures=\"0\" errors=\"0\" "), "{junit}");
    for number in 0..whole.results.len() {
        let mut less = whole.clone();
        less.results.remove(number);
        let ran = less.merge(&request);
        let region = ran.findings.iter().find(|finding| finding.kind == Kind::ShardIncomplete).unwrap();
        let region = region.region.clone().unwrap();
        let [asff, junit, text] = rendered(&ran);
        assert_eq!(asff.matches("PASSED").count(), 1, "{number}: {asff}");
        assert!(text.contains("1 chain is whole: ") && text.contains(&region), "{number}: {text}");
        let of_region = |suite: &&str| suite.split('"').nth(1).unwrap_or_default().contains(&region);
        for suite in junit.split("<testsuite ").skip(1).filter(of_region) {
            for case in ["digests", "log files", "additions"] {
                assert!(!suite.contains(&format!("name=\"{case}\" time=\"0\"/>")), "{number}: {suite}");
            }
        }
    }
}

#[test]
fn a_result_twice_counts_once_and_two_that_differ_are_incomplete() {
    let (delivered, request) = delivered();
    let whole = sharded(&delivered, &request);
    let merged = whole.merge(&request);
    let mut twice = whole.clone();
    twice.results.extend(whole.results.iter().rev().cloned().collect::<Vec<_>>());
    same(&merged.json, &twice.merge(&request).json).unwrap();
    // A log file is changed between the two runs of its shard.
    let place = log(&delivered.store, "us-east-1");
    delivered.store.put(&place, b"not what was delivered", &Metadata::new()).unwrap();
    let later: Vec<Vec<u8>> = shard_lines(&whole.plan)
        .into_iter()
        .map(|line| result(&delivered.store, &delivered.keys, line))
        .collect();
    let different: Vec<usize> =
        (0..later.len()).filter(|number| later[*number] != whole.results[*number]).collect();
    assert_eq!(different.len(), 1, "one shard has the log file");
    let number = different[0];
    let mut both = whole.clone();
    both.results.push(later[number].clone());
    let ran = both.merge(&request);
    assert!(
        on_shards(&ran).iter().any(|(cause, ..)| cause == "shard-contradictory"),
        "{:?}",
        on_shards(&ran)
    );
    assert_eq!(ran.verdict, Verdict::Tampered, "the finding of the result that was not taken is kept");
    both.results.reverse();
    same(&ran.json, &both.merge(&request).json).unwrap();
    // Instead of the first result, the later one counts as it is.
    let mut instead = whole;
    instead.results[number].clone_from(&later[number]);
    same(&run(&delivered.store, &delivered.keys, &request, 1).json, &instead.merge(&request).json).unwrap();
}

#[test]
fn results_of_other_plans_and_versions_are_not_taken() {
    let (delivered, request) = delivered();
    let whole = sharded(&delivered, &request);
    let merged = whole.merge(&request);
    let later = ValidationRequest { now: request.now.plus(86_400), ..request.clone() };
    let foreign = sharded(&delivered, &later);
    assert_eq!(foreign.results.len(), whole.results.len());
    // 1. Beside the results of the plan they are a notice.
    let mut beside = whole.clone();
    beside.results.extend(foreign.results.clone());
    let ran = beside.merge(&request);
    let notices = on_shards(&ran);
    assert_eq!(ran.verdict, Verdict::Intact);
    assert!(
        matches!(notices.as_slice(), [(cause, Severity::Notice, _)] if cause == "shard-results-left-out")
    );
    assert_eq!(ran.counts, merged.counts);
    // 2. In place of a result they are not taken for it.
    let mut instead = whole.clone();
    instead.results[2].clone_from(&foreign.results[2]);
    assert_incomplete(&instead.merge(&request), "shard-other-plan", "shard 2, part ");
    // 3. Another version.
    let mut outdated = whole.clone();
    outdated.results[1] = changed(&whole.results[1], "version", "0.0.9".into());
    assert_incomplete(&outdated.merge(&request), "shard-other-version", "`0.0.9`");
    // 4. A changed line, carried out all the same.
    let line = String::from_utf8(shard_lines(&whole.plan)[3].to_vec()).unwrap();
    let altered = line.replacen("\"every_object\":false", "\"every_object\":true", 1);
    assert_ne!(line, altered);
    let mut other = whole;
    other.results[3] = result(&delivered.store, &delivered.keys, altered.as_bytes());
    assert_incomplete(&other.merge(&request), "shard-other-line", "shard 3, part ");
}

#[test]
fn cut_and_damaged_results_are_not_taken() {
    let (delivered, request) = delivered();
    let whole = sharded(&delivered, &request);
    let line = whole.results[0].clone();
    for length in [0, 1, line.len() / 2, line.len() - 3] {
        let mut cut = whole.clone();
        cut.results[0].truncate(length);
        assert_incomplete(&cut.merge(&request), "shard-missing", "shard 0, part ");
    }
    for (field, value) in [
        ("line", Value::from("0".repeat(64))),
        ("sha256", "0".repeat(64).into()),
        ("part", Value::Null),
        ("notes", Value::Null),
        ("more", true.into()),
    ] {
        let mut damaged = whole.clone();
        damaged.results[0] = changed(&line, field, value);
        assert_incomplete(&damaged.merge(&request), "shard-damaged", "shard 0, part ");
    }
    // Another shard's number on a result.
    let mut moved = whole.clone();
    moved.results[0] = changed(&line, "shard", 1.into());
    let ran = moved.merge(&request);
    assert_incomplete(&ran, "shard-missing", "shard 0, part ");
}

#[test]
fn a_plan_that_is_cut_or_changed_makes_no_report() {
    let (delivered, request) = delivered();
    let whole = sharded(&delivered, &request);
    let text = String::from_utf8(whole.plan.clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let without = |number: usize| {
        let mut less = lines.clone();
        less.remove(number);
        less.join("\n")
    };
    let mut wrong: Vec<String> = (0..lines.len()).map(without).collect();
    let mut swapped = lines.clone();
    swapped.swap(1, 2);
    wrong.push(swapped.join("\n"));
    wrong.push(format!("{text}{text}"));
    wrong.push(format!("{}\n{text}", lines[1]));
    wrong.push(text.replacen("us-east-1", "us-west-1", 1));
    wrong.push(text.replacen("eu-west-1", "us-west-1", 1));
    wrong.push(text.replace("\"version\":\"0.1.0\"", "\"version\":\"0.1.1\""));
    wrong.push(text.get(..text.len() / 2).unwrap().to_owned());
    wrong.push(String::new());
    for plan in wrong {
        assert!(merge(plan.as_bytes(), &whole.results, &request).is_err(), "{plan:.300}");
    }
    // Empty lines and the ends of lines of other systems change nothing.
    let spaced = text.replace('\n', "\r\n\n");
    same(&whole.merge(&request).json, &merge(spaced.as_bytes(), &whole.results, &request).unwrap().json)
        .unwrap();
}

#[test]
fn a_bucket_that_changes_between_plan_and_shards_is_judged_by_what_is_there() {
    let (delivered, request) = delivered();
    let before = sharded(&delivered, &request);
    let digests: Vec<Location> = delivered.store.locations();
    let is_digest = |location: &&Location| {
        DigestKey::parse(location).is_some_and(|key| *key.folder.region == *"us-east-1")
    };
    let gone = digests.iter().filter(is_digest).nth(3).unwrap().clone();
    delivered.store.purge(&gone);
    let later: Vec<Vec<u8>> = shard_lines(&before.plan)
        .into_iter()
        .map(|line| result(&delivered.store, &delivered.keys, line))
        .collect();
    // 1. All shards ran after the change: as one run, and said.
    let ran = Sharded { results: later.clone(), ..before.clone() }.merge(&request);
    let whole = run(&delivered.store, &delivered.keys, &request, 1);
    assert_eq!((ran.verdict, ran.counts), (whole.verdict, whole.counts));
    let notices = on_shards(&ran);
    assert!(
        matches!(notices.as_slice(), [(gone, Severity::Incomplete, _), (changed, Severity::Notice, says)]
            if gone == "shard-digests-gone"
                && changed == "shard-listings-changed"
                && says.contains("111122223333 us-east-1")),
        "{notices:?}"
    );
    // 2. Some ran before, some after: they saw different digests.
    let of_region = |line: &Vec<u8>| String::from_utf8_lossy(line).contains("\"region\":\"us-east-1\"");
    for last in [true, false] {
        let mut mixed = before.clone();
        let position =
            if last { later.iter().rposition(of_region) } else { later.iter().position(of_region) };
        let number = position.unwrap();
        mixed.results[number].clone_from(&later[number]);
        let ran = mixed.merge(&request);
        let found = on_shards(&ran);
        assert!(
            found.iter().any(|(cause, severity, _)| {
                cause == "shard-walks-differ" && *severity == Severity::Incomplete
            }),
            "{found:?}"
        );
        assert_eq!(ran.verdict, Verdict::Tampered, "the missing digest is kept");
        mixed.results.reverse();
        same(&ran.json, &mixed.merge(&request).json).unwrap();
    }
}

#[test]
fn a_shard_run_again_gives_the_same_bytes() {
    let (delivered, request) = delivered();
    let plan = plan(&delivered.store, &delivered.keys, &request, Some(5));
    for line in shard_lines(&plan) {
        let [one, two] = [1, 2].map(|_| result(&delivered.store, &delivered.keys, line));
        assert!(one == two);
    }
}

/// The id of a plan is a part of the names of result files.
#[test]
fn a_line_leads_out_of_no_folder() {
    let (delivered, request) = delivered();
    let plan = plan(&delivered.store, &delivered.keys, &request, None);
    let line = shard_lines(&plan)[0];
    assert!(PlanLine::parse(line).is_ok());
    for id in ["", "..", "../../0123456789abcdef0123456789ab", "0123456789ABCDEF0123456789ABCDEF", "/"] {
        let said = PlanLine::parse(&changed(line, "plan", id.into())).unwrap_err();
        assert!(said.to_string().contains("no id of a plan"), "{id}: {said}");
    }
}

/// Some engines parse a line, and write it anew for a worker.
#[test]
fn a_line_written_anew_is_the_same_shard() {
    let (delivered, request) = delivered();
    let whole = sharded(&delivered, &request);
    for (number, line) in shard_lines(&whole.plan).into_iter().enumerate() {
        // The fields come in another order, and with spaces.
        let document: Value = serde_json::from_slice(line).unwrap();
        let anew = serde_json::to_vec_pretty(&document).unwrap();
        assert_ne!(anew, line);
        assert!(result(&delivered.store, &delivered.keys, &anew) == whole.results[number]);
    }
}
