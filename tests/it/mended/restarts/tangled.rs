//! Logging that was stopped more than once within two hours: the digests of several chains lie between each other.

use trailproof::event::{Finding, Kind, Reason, Verdict};
use trailproof::ident::DigestKey;
use trailproof::store::StoreError;
use trailproof::time::Timestamp;

use super::lost::accused;
use super::{Last, Stopped, minutes, said};
use crate::signing::signer;
use crate::support::run;

/// When logging was on, in minutes, where it was off three times within two hours, or for less than a digest's hour.
const TANGLED: [&[(i64, i64)]; 6] = [
    &[(0, 190), (195, 207), (214, 400)],
    &[(0, 190), (210, 213), (214, 230), (247, 420)],
    &[(0, 190), (191, 194), (201, 217), (219, 227), (229, 420)],
    &[(0, 190), (235, 296), (357, 371), (404, 600)],
    &[(0, 60), (61, 62), (63, 64), (65, 245)],
    &[(0, 190), (260, 272), (279, 295), (297, 480)],
];

/// Digests of three chains may lie between each other.
#[test]
fn stops_within_two_hours_are_each_told() {
    let mut tried = 0;
    for first in [1, 20, 59] {
        for on in [3, 25, 61] {
            for second in [1, 30, 80] {
                for third in [0, 2] {
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
    assert!(tried > 40, "{tried}");
}

/// Several digests of the session before may end after the new one began. A range takes the newest of them from before its
/// start, and what that follows is not looked at: it is not gone.
#[test]
fn a_range_that_begins_among_late_digests_accuses_nobody() {
    for tail in [420, 480, 540] {
        let stopped = Stopped::make(&[(0, tail), (340, 700)], Last::WithItsHour);
        let begins = (360..tail + 70).step_by(7);
        for (start, end) in begins.flat_map(|start| [tail, tail + 60, 640].map(|end| (start, end))) {
            let mut asked = stopped.from(Some(minutes(start)));
            asked.range.end = minutes(end);
            if start < end {
                let ran = stopped.asked(&asked);
                assert_ne!(ran.verdict, Verdict::Tampered, "{tail}, {start} to {end}: {:#?}", ran.findings);
            }
        }
    }
}

/// Whether a finding tells that logging began anew at `start`: a gap may also tell of several starts.
fn tells_within(finding: &Finding, start: Timestamp) -> bool {
    let is_gap = finding.kind == Kind::ChainGap && finding.reason == Some(Reason::LoggingStopped);
    let is_in = || finding.start < Some(start) && Some(start) <= finding.end;
    (is_gap && is_in()) || (finding.kind == Kind::ChainRestart && finding.start == Some(start))
}

/// Each start but the first is told, by a gap that it ends or lies in, or by itself, and nothing else is said.
fn assert_restarts(stopped: &Stopped, what: &str) {
    let ran = stopped.ran(None);
    assert_eq!(ran.verdict, Verdict::Incomplete, "{what}: {:#?}", ran.findings);
    assert_eq!(ran.counts.digests.valid, stopped.digests.len() as u64, "{what}: {:#?}", ran.findings);
    let starts = &stopped.starts[1..];
    for start in starts {
        let told = said(&ran).into_iter().filter(|finding| tells_within(finding, *start));
        assert_eq!(told.count(), 1, "{what}, {start}: {:#?}", ran.findings);
    }
    let is_of_a_start = |finding: &&Finding| starts.iter().any(|start| tells_within(finding, *start));
    assert!(said(&ran).iter().all(is_of_a_start), "{what}: {:#?}", ran.findings);
}

/// Two digests at a time, in deliveries in which the digests of up to four chains lie between each other.
#[test]
fn no_two_digests_that_nobody_can_read_or_find_accuse_another() {
    for stretches in TANGLED {
        let stopped = Stopped::make(stretches, Last::WithItsHour);
        let recorded: Vec<&DigestKey> =
            stopped.digests.iter().filter(|key| !stopped.lasts.contains(key)).collect();
        for (at, one) in stopped.digests.iter().enumerate() {
            for other in &stopped.digests[at..] {
                let what = format!("{stretches:?}, {} and {}", one.end, other.end);
                let copy = stopped.copy();
                for key in [one, other] {
                    copy.store.refuse(&key.location(), StoreError::Denied("by the test".to_owned()));
                }
                let ran = run(&copy.store, &signer().ring, &copy.from(None), 1);
                assert_eq!(ran.verdict, Verdict::Incomplete, "{what}: {:#?}", ran.findings);

                let copy = stopped.copy();
                for key in [one, other] {
                    copy.store.purge(&key.location());
                }
                let ran = run(&copy.store, &signer().ring, &copy.from(None), 1);
                assert_ne!(ran.verdict, Verdict::Intact, "{what}: {:#?}", ran.findings);
                let accused = accused(&ran);
                let is_gone = |(kind, uri): &(Kind, String)| {
                    let keys = [one, other].into_iter().filter(|key| recorded.contains(key));
                    *kind == Kind::DigestMissing
                        && keys.into_iter().any(|key| key.location().to_string() == *uri)
                };
                assert!(accused.iter().all(is_gone), "{what}: {accused:#?}");
            }
        }
    }
}

/// Whatever is asked of them, each start that is of the asked time is told, and nobody is accused.
#[test]
fn any_stretch_of_stops_within_two_hours_tells_of_those_in_it() {
    for stretches in TANGLED {
        let stopped = Stopped::make(stretches, Last::WithItsHour);
        let times: Vec<Timestamp> =
            (-40..=stretches.last().unwrap().1 + 60).step_by(17).map(minutes).collect();
        for (at, start) in times.iter().enumerate() {
            for end in times[at + 1..].iter().filter(|end| stopped.starts[0] < **end).step_by(5) {
                let mut asked = stopped.from(Some(*start));
                asked.range.end = *end;
                let ran = run(&stopped.store, &signer().ring, &asked, 1);
                let what = format!("{stretches:?}, {start} to {end}: {:#?}", ran.findings);
                assert_ne!(ran.verdict, Verdict::Tampered, "{what}");
                for begun in stopped.starts[1..].iter().filter(|begun| start < *begun && *begun <= end) {
                    let told = said(&ran).into_iter().filter(|finding| tells_within(finding, *begun));
                    assert_eq!(told.count(), 1, "{begun}: {what}");
                }
            }
        }
    }
}
