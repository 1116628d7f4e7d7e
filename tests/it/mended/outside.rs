//! Files of CloudTrail's below an `AWSLogs/` of a bucket, where no trail delivers: nothing there is read, so a run that
//! meets them does not end as if all had been looked at.

use std::io::Read as _;

use trailproof::event::{Kind, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata, Store as _};
use trailproof::time::Range;

use super::hour;
use crate::support::{Delivered, Ran, deliver, request, run};

const FOLDERS: [&str; 16] = [
    "AWSLogs/",
    "AWSLogs/o-abc123def4/",
    "AWSLogs/prod-account/",
    "AWSLogs/prod-account/CloudTrail-Digest/us-east-1/2026/09/01/",
    "AWSLogs/CloudTrail/us-east-1/2026/09/01/",
    "AWSLogs/1111-2222-3333/CloudTrail/us-east-1/2026/09/01/",
    "AWSLogs//111122223333/CloudTrail/us-east-1/2026/09/01/",
    "AWSLogs/111122223333/111122223333/CloudTrail/us-east-1/2026/09/01/",
    "AWSLogs/111122223333/team/",
    "AWSLogs/aws-account-id=111122223333/team/",
    "AWSLogs/111122223333/CloudTrail-Digest/",
    "AWSLogs/111122223333/CloudTrail-Digest/us-east-1-old/2026/09/01/",
    "AWSLogs/111122223333/cloudtrail/us-east-1/2026/09/01/",
    "AWSLogs/111122223333/CloudTrail /us-east-1/2026/09/01/",
    "AWSLogs/111122223333/cloudtrail-digest/us-east-1/2026/09/01/",
    "backup/AWSLogs/prod-account/",
];

/// A trail of six hours, with one file of the hour `at` copied into `folder`.
fn with_copy(folder: &str, digest: bool, at: usize) -> (Delivered, Location) {
    let spec = Spec { hours: 6, logs_per_hour: 1, events_per_log: 1, ..Spec::default() };
    let delivered = deliver(&spec);
    let (key, logs) = super::digests(&delivered.store, "audit").swap_remove(at);
    let from = if digest { key.location() } else { logs.into_iter().next().unwrap() };
    let mut object = delivered.store.get(&from).unwrap();
    let mut body = Vec::new();
    object.body.read_to_end(&mut body).unwrap();
    let to = Location::new("trail-logs", format!("{folder}{}", from.name()));
    delivered.store.put(&to, &body, &object.metadata).unwrap();
    (delivered, to)
}

fn ran(delivered: &Delivered, range: Option<Range>) -> Ran {
    let mut asked = request(&["trail-logs"], hour(6));
    asked.range = range.unwrap_or(asked.range);
    run(&delivered.store, &delivered.keys, &asked, 2)
}

fn unproved(ran: &Ran) -> Vec<(Kind, Option<String>)> {
    let unproved = ran.findings.iter().filter(|finding| finding.severity > Severity::Notice);
    unproved.map(|finding| (finding.kind, finding.uri.clone())).collect()
}

#[test]
fn a_digest_or_log_file_where_no_trail_delivers_is_named() {
    for folder in FOLDERS {
        for (digest, kind) in [(true, Kind::DigestUnreadable), (false, Kind::LogUnreferenced)] {
            let (delivered, copy) = with_copy(folder, digest, 3);
            let ran = ran(&delivered, None);
            // A log file among digests is junk, which no proof depends on.
            if !digest && folder == "AWSLogs/111122223333/CloudTrail-Digest/" {
                assert_eq!(ran.verdict, Verdict::Intact, "{copy}");
                continue;
            }
            assert_eq!(unproved(&ran), [(kind, Some(copy.to_string()))], "{copy}");
            assert_eq!(ran.verdict, Verdict::Incomplete, "{copy}");
        }
    }
}

/// Programs that copy a bucket make a folder for each day, and many of them.
#[test]
fn a_file_in_one_of_many_partitions_is_named_once() {
    for depth in ["", "daily/"] {
        let (delivered, copy) = with_copy(&format!("AWSLogs/copies/{depth}2026-09-01/CloudTrail/"), true, 3);
        for day in 1..=9 {
            let junk = Location::new("trail-logs", format!("AWSLogs/copies/{depth}2026-08-0{day}/x/junk"));
            delivered.store.put(&junk, b"x", &Metadata::new()).unwrap();
        }
        assert_eq!(unproved(&ran(&delivered, None)), [(Kind::DigestUnreadable, Some(copy.to_string()))]);
    }
}

/// A copy of what was not asked for, or outside of every `AWSLogs/`, where CloudTrail never writes.
#[test]
fn other_files_are_not_named() {
    for digest in [true, false] {
        for folder in ["", "restored/", "restored/CloudTrail/us-east-1/2026/09/01/"] {
            let (delivered, copy) = with_copy(folder, digest, 3);
            assert_eq!(ran(&delivered, None).verdict, Verdict::Intact, "{copy}");
        }
        for folder in FOLDERS {
            let (delivered, copy) = with_copy(folder, digest, 0);
            if folder.starts_with("AWSLogs/111122223333/") && !digest {
                continue;
            }
            let asked = Range { start: Some(hour(3)), end: hour(6) };
            assert_eq!(unproved(&ran(&delivered, Some(asked))), [], "{copy}");
        }
    }
}
