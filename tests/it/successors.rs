//! Trails that take over from each other: what one chain does not cover, another of the same account and region may.

use trailproof::event::{Finding, Kind, Verdict};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::{HOUR, Range, Timestamp};
use trailproof::validate::ValidationRequest;
use trailproof::words::hint;

use crate::bodies::gzip;
use crate::support::{Delivered, Ran, deliver, request, run};

const START: Timestamp = Timestamp::from_unix(1_788_221_217);

fn of(trail: &str, first: i64, hours: u32) -> Spec {
    Spec {
        trails: vec![trail.to_owned()],
        start: START.plus(first * HOUR),
        hours,
        logs_per_hour: 1,
        events_per_log: 1,
        shared_body: true,
        ..Spec::default()
    }
}

/// The deliveries of two trails in one bucket, signed by the same keys.
fn both(one: &Spec, other: &Spec) -> Delivered {
    let delivered = deliver(one);
    trailproof::simulate::simulate(other, &delivered.store).unwrap();
    delivered
}

fn asked(from: Option<i64>, to: i64) -> ValidationRequest {
    let mut asked = request(&["trail-logs"], START.plus(to * HOUR));
    asked.range = Range { start: from.map(|from| START.plus(from * HOUR)), end: START.plus(to * HOUR) };
    asked
}

fn validated(delivered: &Delivered, asked: &ValidationRequest) -> Ran {
    let ran = run(&delivered.store, &delivered.keys, asked, 4);
    assert_eq!(ran.json, run(&delivered.store, &delivered.keys, asked, 1).json);
    ran
}

fn only(ran: &Ran, kind: Kind) -> &Finding {
    let mut found = ran.findings.iter().filter(|finding| finding.kind == kind);
    let first = found.next().unwrap_or_else(|| panic!("no {kind:?}: {:#?}", ran.findings));
    assert!(found.next().is_none(), "{:#?}", ran.findings);
    first
}

/// Whether the finding names the other chain and the stretch, in data, message and hint.
fn assert_covered(finding: &Finding, trail: &str, from: i64, to: i64) {
    let [covering] = finding.covered_by.as_slice() else { panic!("{finding:#?}") };
    assert_eq!(&*covering.chain.trail, trail);
    assert_eq!(
        (covering.stretch.start, covering.stretch.end),
        (START.plus(from * HOUR), START.plus(to * HOUR))
    );
    let message = finding.message();
    assert!(message.contains(&format!("trail `{trail}`")) && message.contains(" covers "), "{message}");
    assert!(hint(finding).unwrap().contains("records the same events"), "{:?}", hint(finding));
}

#[test]
fn a_trail_that_was_replaced_names_its_successor_and_the_other_way_round() {
    // The second trail's hour before logging begins at 11.
    let delivered = both(&of("old-trail", 0, 12), &of("new-trail", 11, 13));
    let ran = validated(&delivered, &asked(Some(1), 24));
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    assert_covered(only(&ran, Kind::ChainStale), "new-trail", 12, 24);
    assert_covered(only(&ran, Kind::ChainGap), "old-trail", 1, 11);
    let report: serde_json::Value = serde_json::from_str(&ran.json).unwrap();
    let stale = report["findings"].as_array().unwrap().iter().find(|told| told["kind"] == "chain-stale");
    assert_eq!(stale.unwrap()["covered_by"][0]["trail"], "new-trail", "{report}");
}

#[test]
fn an_organization_and_another_home_region_are_named() {
    let organization = |id: &str| Some(id.to_owned());
    for (one, other, named) in [
        (
            Spec { organization: organization("o-aaaaaaaaaa"), ..of("same", 0, 12) },
            Spec { organization: organization("o-bbbbbbbbbb"), ..of("same", 12, 12) },
            "trail `same` of organization `o-bbbbbbbbbb` covers",
        ),
        (
            Spec { home_region: Some("us-east-1".to_owned()), ..of("same", 0, 12) },
            Spec { home_region: Some("eu-west-1".to_owned()), ..of("same", 12, 12) },
            "trail `same` with home region `eu-west-1` covers",
        ),
    ] {
        let ran = validated(&both(&one, &other), &asked(Some(1), 24));
        assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
        let stale = only(&ran, Kind::ChainStale);
        assert!(stale.message().contains(named), "{}", stale.message());
    }
}

#[test]
fn a_record_that_begins_later_names_the_trail_before() {
    let delivered = both(&of("old-trail", 0, 12), &of("new-trail", 11, 13));
    let ran = validated(&delivered, &asked(None, 24));
    let begins = ran.findings.iter().filter(|finding| finding.kind == Kind::ChainStart);
    let covered: Vec<_> =
        begins.map(|finding| (finding.trail.as_deref(), finding.covered_by.len())).collect();
    assert_eq!(covered, [(Some("new-trail"), 1), (Some("old-trail"), 0)]);
}

/// What no chain covers has nobody's name on it.
#[test]
fn a_new_account_and_another_region_cover_nothing() {
    let other = Spec { accounts: vec!["222233334444".to_owned()], ..of("audit", 12, 12) };
    let ran = validated(&both(&of("audit", 0, 24), &other), &asked(Some(1), 24));
    assert!(only(&ran, Kind::ChainGap).covered_by.is_empty(), "{:#?}", ran.findings);
    let other = Spec { regions: vec!["eu-west-1".to_owned()], ..of("audit", 12, 12) };
    let ran = validated(&both(&of("audit", 0, 24), &other), &asked(Some(1), 24));
    assert!(only(&ran, Kind::ChainGap).covered_by.is_empty(), "{:#?}", ran.findings);
}

/// Puts log files that no digest lists, `each` an hour.
fn put_logs(delivered: &Delivered, hours: std::ops::Range<i64>, each: i64) -> Vec<String> {
    let mut put = Vec::new();
    for number in hours.flat_map(|hour| (0..each).map(move |one| hour * 60 + one * 7 + 3)) {
        let minute = START.plus(number * 60);
        let (day, name) = (minute.day_folder(), minute.log_name());
        let key = format!(
            "AWSLogs/111122223333/CloudTrail/us-east-1/{day}/111122223333_CloudTrail_us-east-1_{name}_aaaaaaaa{number:08}.json.gz"
        );
        let location = Location::new("trail-logs", key);
        delivered.store.put(&location, &gzip(b"{\"Records\":[]}"), &Metadata::new()).unwrap();
        put.push(location.to_string());
    }
    put.sort();
    put
}

#[test]
fn log_files_of_a_trail_without_validation_are_one_finding_that_names_all() {
    for each in [1, 3] {
        let delivered = deliver(&of("audit", 0, 12));
        let mut put = put_logs(&delivered, 2..10, each);
        let ran = validated(&delivered, &asked(Some(1), 12));
        assert_eq!((ran.verdict, ran.counts.logs.unreferenced), (Verdict::Incomplete, put.len() as u64));
        let finding = only(&ran, Kind::LogUnreferenced);
        let mut named = finding.objects.clone();
        named.sort();
        put.sort();
        assert_eq!(named, put);
        assert_eq!(
            finding.uri.as_deref(),
            Some("s3://trail-logs/AWSLogs/111122223333/CloudTrail/us-east-1/")
        );
        assert!(finding.start.is_some() && finding.end > finding.start, "{finding:#?}");
        assert!(finding.message().contains(&format!("{} log files, such as `111122223333_", put.len())));
        assert!(
            hint(finding)
                .unwrap()
                .starts_with("does another trail without log file validation deliver here?")
        );
    }
}

/// A few are named one by one, and so is every object without the name of a log file.
#[test]
fn forged_log_files_are_named_one_by_one() {
    let delivered = deliver(&of("audit", 0, 12));
    put_logs(&delivered, 4..6, 1);
    let key = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01/x.json.gz";
    delivered.store.put(&Location::new("trail-logs", key), b"x", &Metadata::new()).unwrap();
    let ran = validated(&delivered, &asked(None, 12));
    assert_eq!(ran.kinds(), [Kind::LogUnreferenced; 3], "{:#?}", ran.findings);
    assert!(ran.findings.iter().all(|finding| finding.objects.is_empty()));
    put_logs(&delivered, 2..10, 1);
    let ran = validated(&delivered, &asked(None, 12));
    assert_eq!(ran.kinds(), [Kind::LogUnreferenced; 2], "{:#?}", ran.findings);
    assert_eq!(ran.counts.logs.unreferenced, 9);
}
