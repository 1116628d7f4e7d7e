//! Clocks that are off: this machine's against S3's, and against the record's.

use trailproof::event::{Kind, Severity, Verdict};
use trailproof::simulate::Spec;
use trailproof::time::{HOUR, Range};

use super::{BUCKET, Scene};
use crate::bodies::gzip;
use crate::cloud::Faults;
use crate::support;

/// That all goes well is in the table; here, that it does so without asking for everything twice.
#[test]
fn direct_gets_are_signed_for_the_services_time() {
    for clock_ahead in [7_200, -7_200] {
        let scene = Scene::new(false);
        scene.cloud.set_faults(Faults { clock_ahead, ..Faults::default() });
        assert_eq!(scene.run(3, 8).verdict, Verdict::Intact);
        let requests = scene.cloud.requests();
        let refused = requests.iter().filter(|request| request.status == 403).count();
        assert!((1..10).contains(&refused), "{refused} of {}", requests.len());
        let direct = requests.iter().filter(|request| request.operation == "GetObject" && !request.by_sdk);
        assert!(direct.filter(|request| request.status == 200).count() > 5, "{requests:#?}");
    }
}

/// A record that goes on to the present, looked at by a machine whose clock is off, up to what it takes for the present.
#[test]
fn a_machine_whose_clock_is_off_sees_no_tampering() {
    let spec = Spec { hours: 12, logs_per_hour: 2, events_per_log: 1, ..Spec::default() };
    let delivered = support::deliver(&spec);
    let mut logs = delivered.store.locations();
    logs.retain(|at| at.key.contains("/CloudTrail/"));
    let present = delivered.simulated.end.plus(600);
    for is_tampered in [false, true] {
        if is_tampered {
            let put = trailproof::store::Deposit::put;
            put(&delivered.store, &logs[4], &gzip(b"{}"), &trailproof::store::Metadata::new()).unwrap();
        }
        for hours_off in [-48, -3, -2, -1, 0, 1, 2, 3, 6, 48] {
            let mut request = support::request(&[BUCKET], present.plus(hours_off * HOUR));
            request.now = request.range.end;
            let ran = [1, 8].map(|jobs| support::run(&delivered.store, &delivered.keys, &request, jobs));
            assert_eq!(ran[0].json, ran[1].json);
            let shown = format!("{hours_off}: {:#?}", ran[0].findings);
            // Two days ago there was nothing yet.
            let is_seen = is_tampered && hours_off > -48;
            let tampered: Vec<_> =
                ran[0].findings.iter().filter(|finding| finding.severity == Severity::Tampered).collect();
            assert_eq!(tampered.len(), usize::from(is_seen), "{shown}");
            assert!(tampered.iter().all(|found| found.uri == Some(logs[4].to_string())), "{shown}");
            let others = ran[0].kinds().into_iter().filter(|kind| *kind != Kind::LogModified);
            let others: Vec<Kind> = others.collect();
            // Five hours without a digest are too many.
            let expected = match hours_off {
                -48 => &[Kind::NoDigests][..],
                6.. => &[Kind::ChainStale],
                _ => &[],
            };
            assert_eq!(others, expected, "{shown}");
            // A start makes no difference.
            let start = Some(spec.start.plus(HOUR));
            request.range = Range { start, ..request.range };
            if request.range.end > spec.start.plus(HOUR) {
                let ran = support::run(&delivered.store, &delivered.keys, &request, 8);
                assert_eq!(ran.kinds().contains(&Kind::LogModified), is_seen, "{:#?}", ran.findings);
            }
        }
    }
}
