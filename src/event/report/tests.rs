use super::*;
use crate::event::{Acceptance, ChainCounts, FindingMemory, Kind, Reason, StateCounts, TimeState, Timeline};
use crate::time::Interval;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn id(trail: &str) -> ChainId {
    ChainId {
        account: "111122223333".into(),
        region: "us-east-1".into(),
        trail: trail.into(),
        home_region: "us-east-1".into(),
        organization: None,
        backfill: false,
    }
}

fn chain(id: ChainId, start: i64, findings: Vec<Finding>) -> ReportedChain {
    let mut timeline = Timeline::starting(at(start));
    timeline.push(10, TimeState::Proved);
    let covered = vec![Interval { start: at(start), end: at(start + 10) }];
    let summary = ChainSummary {
        id,
        covered,
        digests: 1,
        logs: 2,
        counts: Some(ChainCounts {
            digests: StateCounts { valid: 1, ..StateCounts::default() },
            logs: StateCounts { valid: 2, ..StateCounts::default() },
        }),
        gaps: 0,
        timeline: Some(timeline),
        remembered: Vec::new(),
        in_replica: false,
    };
    ReportedChain::new(summary, findings)
}

fn finding(kind: Kind, seconds: i64) -> Finding {
    Finding::told(kind, at(seconds), "said")
}

fn empty(start: i64) -> Report {
    let range = Range { start: Some(at(start)), end: at(start + 10) };
    let mut report = Report::new(vec![format!("s3://b{start}")], range, at(start), Origin::default());
    report.finished = at(start + 10);
    report.counts.digests.valid = 1;
    report
}

/// Three parts that share a chain, each of which knows something that the others do not.
fn parts() -> [Report; 3] {
    let [mut one, mut two, mut three] = [0, 10, 30].map(empty);
    one.add_chain(chain(id("audit"), 0, vec![finding(Kind::LogModified, 5)]));
    one.add_findings([finding(Kind::ChainGap, 3).of_chain(&id("later")), finding(Kind::KeyUnknown, 0)]);
    two.add_chain(chain(id("audit"), 10, vec![finding(Kind::LogMissing, 2), finding(Kind::LogModified, 5)]));
    two.add_findings([finding(Kind::KeyUnknown, 0), finding(Kind::ChainStale, 1).of_chain(&id("later"))]);
    two.keys.insert(UsedKey {
        fingerprint: "f".to_owned(),
        region: "r".to_owned(),
        valid_from: None,
        valid_to: None,
        source: "s".to_owned(),
    });
    three.interrupted = true;
    three.add_chain(chain(id("later"), 30, vec![finding(Kind::LogModified, 2)]));
    three.add_chain(chain(ChainId { backfill: true, ..id("audit") }, 30, Vec::new()));
    three.range.start = None;
    [one, two, three]
}

#[test]
fn merging_is_associative() {
    let [one, two, three] = parts();
    let left = one.clone().merge(two.clone()).merge(three.clone());
    let right = one.clone().merge(two.clone().merge(three.clone()));
    assert_eq!(left, right);
    let other = three.merge(one).merge(two);
    assert_eq!((other.chains, other.run_wide), (left.chains.clone(), left.run_wide.clone()));
    assert_eq!(left.counts, other.counts);
}

#[test]
fn a_merged_report_has_what_each_part_has() {
    let [one, two, three] = parts();
    let report = one.merge(two).merge(three);
    assert_eq!(report.sources, ["s3://b0", "s3://b10", "s3://b30"]);
    assert_eq!((report.range.start, report.range.end), (None, at(40)));
    assert_eq!((report.started, report.finished, report.seconds()), (at(0), at(40), 40));
    assert_eq!((report.counts.digests.valid, report.keys.len(), report.interrupted), (3, 1, true));
    let kinds = |findings: &[Finding]| findings.iter().map(|finding| finding.kind).collect::<Vec<_>>();
    let audit = report.chain(&id("audit")).unwrap();
    assert_eq!(
        kinds(&audit.findings),
        [Kind::LogMissing, Kind::LogModified],
        "the same finding is there once"
    );
    assert_eq!(audit.summary.covered, [Interval { start: at(0), end: at(20) }]);
    assert_eq!((audit.summary.digests, audit.summary.logs), (2, 4));
    assert_eq!(audit.summary.timeline.as_ref().unwrap().to_string(), "1p");
    let later = report.chain(&id("later")).unwrap();
    assert_eq!(kinds(&later.findings), [Kind::ChainStale, Kind::LogModified, Kind::ChainGap]);
    assert_eq!(kinds(report.run_wide()), [Kind::KeyUnknown]);
    assert_eq!(report.findings().count(), 6);
    assert_eq!(report.verdict(), Verdict::Tampered);
}

#[test]
fn a_report_is_what_its_events_tell() {
    for mut report in parts() {
        report.add_findings([finding(Kind::NoDigests, 9).of_chain(&id("nowhere"))]);
        let mut collector = ReportCollector::new();
        report.tell(&mut collector).unwrap();
        assert_eq!(collector.into_report(), Some(report));
    }
}

#[test]
fn a_finding_belongs_to_the_chain_that_it_names_in_full() {
    let alike = [
        id("audit"),
        ChainId { backfill: true, ..id("audit") },
        ChainId { organization: Some("o-abcdefghij".into()), ..id("audit") },
        ChainId { home_region: "eu-west-1".into(), ..id("audit") },
    ];
    let mut events = vec![Event::Started {
        sources: Vec::new(),
        range: empty(0).range,
        at: at(0),
        origin: Origin::default(),
        single_objects: false,
    }];
    // Every finding comes first, and one more names no home region.
    let findings = alike.iter().map(|id| finding(Kind::LogModified, 0).of_chain(id));
    events.extend(findings.map(|finding| Event::Finding(Box::new(finding))));
    let unknown = Finding { home_region: None, ..finding(Kind::NoDigests, 0).of_chain(&alike[0]) };
    events.push(Event::Finding(Box::new(unknown)));
    events.extend(alike.iter().map(|id| Event::Chain(chain(id.clone(), 0, Vec::new()).summary)));
    events.push(Event::Finished(Summary::new(Verdict::Tampered, at(1))));
    let mut collector = ReportCollector::new();
    events.iter().for_each(|event| collector.event(event).unwrap());
    let report = collector.into_report().unwrap();
    let told: Vec<_> =
        report.chains().map(|chain| (chain.findings.len(), report.chain_verdict(chain))).collect();
    assert_eq!(told, [(1, Verdict::Tampered); 4]);
    assert_eq!(report.run_wide().len(), 1);
}

#[test]
fn the_verdict_follows() {
    let mut report = empty(0);
    assert_eq!((report.verdict(), report.is_unexplained()), (Verdict::Intact, false));
    report.interrupted = true;
    assert_eq!((report.verdict(), report.is_unexplained()), (Verdict::Incomplete, true));
    report.add_findings([finding(Kind::ChainStale, 0)]);
    assert_eq!((report.verdict(), report.is_unexplained()), (Verdict::Incomplete, false));
    report.add_findings([finding(Kind::LogModified, 0)]);
    assert_eq!((report.verdict(), report.worst()), (Verdict::Tampered, Some(Severity::Tampered)));
    let mut nothing = empty(0);
    nothing.counts = Counts::default();
    assert_eq!((nothing.verdict(), nothing.worst()), (Verdict::Incomplete, None));
}

#[test]
fn a_run_that_is_not_over_is_no_report() {
    let mut collector = ReportCollector::new();
    assert!(collector.event(&Event::Finished(Summary::new(Verdict::Intact, at(0)))).is_err());
    empty(0).tell(&mut collector).unwrap();
    assert!(collector.report().is_some());
    assert_eq!(ReportCollector::new().into_report(), None);
}

#[test]
fn a_chain_is_intact_only_if_everything_is_proved_or_accepted() {
    let report_of = |change: &dyn Fn(&mut ChainSummary), findings: Vec<Finding>, run_wide: Vec<Finding>| {
        let mut audit = chain(id("audit"), 0, findings);
        change(&mut audit.summary);
        let mut report = empty(0);
        report.add_chain(audit);
        report.add_findings(run_wide);
        let verdict = report.chains().map(|chain| report.chain_verdict(chain)).next();
        verdict.unwrap()
    };
    let unverified = |summary: &mut ChainSummary| {
        let counts = summary.counts.as_mut().unwrap();
        (counts.logs.valid, counts.logs.unverified) = (1, 1);
    };
    let of_region = |kind| finding(kind, 0).of_region("111122223333", "us-east-1");
    let of_keys = || Finding { region: Some("us-east-1".to_owned()), ..finding(Kind::KeyUnknown, 0) };
    let accepted = |uri: &str| {
        let (kind, severity) = (Kind::LogUnreadable, Severity::Incomplete);
        let acceptance = Acceptance::new(kind, severity, "moved".to_owned(), "me".to_owned(), at(0));
        let memory = FindingMemory { accepted: Some(acceptance), ..FindingMemory::of("id".to_owned()) };
        let uri = Some(uri.to_owned());
        vec![Finding { memory: Some(Box::new(memory)), uri, ..finding(Kind::Accepted, 0) }]
    };
    let (intact, incomplete) = (Verdict::Intact, Verdict::Incomplete);
    assert_eq!(report_of(&|_| {}, vec![], vec![]), intact);
    // 1. Counts, with the findings on the region or without any.
    assert_eq!(report_of(&unverified, vec![], vec![]), incomplete);
    assert_eq!(report_of(&unverified, vec![], vec![of_keys()]), incomplete);
    assert_eq!(report_of(&|summary| summary.counts = None, vec![], vec![]), intact, "by the timeline");
    let unknown = |summary: &mut ChainSummary| (summary.counts, summary.timeline) = (None, None);
    assert_eq!(report_of(&unknown, vec![], vec![]), incomplete);
    assert_eq!(report_of(&|summary| summary.gaps = 1, vec![], vec![]), incomplete);
    assert_eq!(report_of(&|summary| summary.covered.clear(), vec![], vec![]), incomplete);
    let empty_backfill = |summary: &mut ChainSummary| {
        (summary.id.backfill, summary.digests, summary.logs) = (true, 0, 0);
        summary.counts = Some(ChainCounts::default());
    };
    assert_eq!(report_of(&empty_backfill, vec![], vec![]), incomplete);
    // 2. An accepted finding, but not beside a finding that may be on the same objects.
    assert_eq!(report_of(&unverified, accepted("s3://b/k"), vec![]), intact);
    assert_eq!(report_of(&unverified, accepted("s3://b/k"), vec![of_keys()]), incomplete);
    // 3. What was not looked at in the region, and an interruption.
    for kind in [Kind::DigestUnreadable, Kind::ShardIncomplete] {
        assert_eq!(report_of(&|_| {}, vec![], vec![of_region(kind)]), incomplete, "{kind:?}");
        let elsewhere = finding(kind, 0).of_region("111122223333", "eu-west-1");
        assert_eq!(report_of(&|_| {}, vec![], vec![elsewhere]), intact, "{kind:?}");
    }
    assert_eq!(report_of(&|_| {}, vec![], vec![of_region(Kind::LogUnreferenced)]), intact);
    let interrupted = Finding { reason: Some(Reason::Interrupted), ..finding(Kind::ChainGap, 0) };
    assert_eq!(report_of(&|_| {}, vec![interrupted], vec![]), incomplete);
}
