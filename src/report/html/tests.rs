use crate::event::{ChainSummary, Event, Finding, Kind, TimeState, Timeline, Verdict};
use crate::ident::{ChainId, Location};
use crate::report::tests::*;
use crate::report::{Format, Options};
use crate::time::{HOUR, Interval, Timestamp};

/// The most bytes that a page may have.
const MOST: usize = 2_000_000;

fn page(events: &[Event]) -> String {
    render(Format::Html, Options::default(), events)
}

/// A chain of a year in which each hour is quiet or not as a coin falls, which no compression can shrink.
fn year(number: u32, troubled: bool) -> Event {
    let start = at("2025-09-01T00:06:57Z");
    let mut timeline = Timeline::starting(start);
    let mut coin = 0x9e37_79b9_u32.wrapping_mul(number + 1) | 1;
    for hour in 0..8_760_u32 {
        coin ^= coin << 13;
        coin ^= coin >> 17;
        coin ^= coin << 5;
        let state = match (hour % 1_999, coin % 2) {
            (700, _) if troubled => TimeState::Tampered,
            (900, _) if troubled => TimeState::Gap,
            (_, 0) => TimeState::Quiet,
            _ => TimeState::Proved,
        };
        timeline.push(HOUR.unsigned_abs(), state);
    }
    let account = format!("{:012}", 111_122_220_000_u64 + u64::from(number / 20));
    let region = format!("us-east-{}", number % 20 + 1);
    Event::Chain(ChainSummary {
        id: ChainId { account: account.into(), ..chain(&region, "organization-audit") },
        covered: vec![Interval::new(start, timeline.end()).unwrap()],
        digests: 8_760,
        logs: 5_000,
        counts: Some(valid(8_760, 5_000)),
        gaps: u64::from(troubled),
        timeline: Some(timeline),
        remembered: Vec::new(),
        in_replica: false,
    })
}

fn ten_thousand() -> Vec<Event> {
    let key = |index: u32| {
        format!(
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01/111122223333_CloudTrail_us-east-1_{index:016}.json.gz"
        )
    };
    let numbers = 0..10_000_u32;
    numbers.map(|index| finding(log_modified(&key(index)))).collect()
}

#[test]
fn a_year_of_200_chains_with_ten_thousand_findings_is_under_2_mb() {
    let mut events = vec![started(None)];
    events.extend(ten_thousand());
    events.extend((0..200).map(|number| year(number, number % 17 == 3)));
    let mut counts = counts();
    (counts.logs.valid, counts.logs.tampered) = (990_000, 10_000);
    events.push(finished(Verdict::Tampered, counts));
    let page = page(&events);
    if let Some(file) = std::env::var_os("TRAILPROOF_SHOW_PAGE") {
        std::fs::write(file, &page).unwrap();
    }
    assert!(page.len() < MOST, "{}", page.len());
    let drawn = page.matches("data:image/png;base64,").count();
    assert!(drawn == 200, "{drawn} chains are drawn hour by hour");
    let shown = page.matches("<p class=\"subject\">").count();
    assert!((300..10_000).contains(&shown), "{shown}");
    assert!(page.contains("(10,000): ") && page.contains("more, not on this page. To list all findings: "));
}

#[test]
fn names_of_any_length_and_every_kind_at_once_are_under_2_mb() {
    let long = "\u{202e}<\"".repeat(341);
    let mut events = vec![started(None)];
    for kind in Kind::ALL {
        for _ in 0..300 {
            let one = Finding::told(kind, at("2026-09-01T00:06:57Z"), long.clone())
                .of_chain(&chain("us-east-1", &long))
                .about(&Location::new("b", long.clone()))
                .by_digest(&Location::new("b", long.clone()));
            events.push(finding(one));
        }
    }
    events.extend((0..200).map(|number| year(number, true)));
    events.push(finished(Verdict::Tampered, counts()));
    let page = page(&events);
    assert!(page.len() < 3 * MOST / 2, "{}", page.len());
    for kind in Kind::ALL {
        assert!(page.contains(&format!(" {} (300): ", kind.as_str())), "{}", kind.as_str());
    }
}

#[test]
fn what_is_asked_and_found_is_there() {
    let page = page(&tampered());
    for part in [
        "<h1>tampered</h1>",
        "1 of 36 log files, 0 of 12 digests tampered",
        "s3://trail-logs",
        "auditor@host",
        "trailproof validate s3://trail-logs",
        "1111111111111111111111111111111111111111111111111111111111111111",
        "aws s3 cp s3://trail-logs/a/log.json.gz - | gzip -dcf | sha256sum",
        "31e8b5433410dfb61a9dc45cc65b22ff",
        "2026-08-15T00:00:00Z",
        "PCI DSS 4.0.1, 10.3.4",
        "164.312(c)(2)",
        "What is not proved",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn regions_without_digests_are_counted_and_named() {
    let mut events = intact();
    for region in ["eu-west-1", "eu-west-2"] {
        let fault = crate::event::Fault::LogsWithoutDigests;
        let found = Finding::new(fault, at("2026-09-01T12:06:57Z")).of_region("111122223333", region);
        events.insert(1, finding(found));
    }
    let page = page(&events);
    assert!(page.contains(
        "2 regions without digests, not in the map: 111122223333 eu-west-1, 111122223333 eu-west-2."
    ));
}

#[test]
fn cells_are_as_many_as_hours() {
    let page = page(&incomplete());
    let cells = |class: &str| -> usize {
        let path = format!("<path class=\"{class}\" d=\"");
        let paths = page.split(&path).skip(2);
        let runs = paths.filter_map(|path| path.split('"').next());
        runs.flat_map(|path| path.split('h').skip(1))
            .filter_map(|run| run.split('M').next()?.parse::<usize>().ok())
            .sum()
    };
    assert_eq!((cells("p"), cells("g"), cells("q"), cells("t")), (10, 2, 0, 0));
}

#[test]
fn times_beyond_all_calendars_are_drawn() {
    for (start, seconds) in [(i64::MIN, u64::MAX), (i64::MAX, 1), (0, u64::MAX), (-62_000_000_000, 1 << 50)] {
        let mut timeline = Timeline::starting(Timestamp::from_unix(start));
        timeline.push(seconds, TimeState::Gap);
        timeline.push(1, TimeState::Proved);
        let chain = ChainSummary {
            id: chain("us-east-1", "audit"),
            covered: Vec::new(),
            digests: 0,
            logs: 0,
            counts: None,
            gaps: u64::MAX,
            timeline: Some(timeline),
            remembered: Vec::new(),
            in_replica: false,
        };
        assert!(
            page(&[started(None), Event::Chain(chain), finished(Verdict::Incomplete, counts())]).len() < MOST
        );
    }
}
