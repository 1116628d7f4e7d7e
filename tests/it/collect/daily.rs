//! Collections of a live trail, made at any time and of any hours: what a collection did not ask for, or what was on its
//! way, is not missing.

use std::path::{Path, PathBuf};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use trailproof::event::{Kind, Verdict};
use trailproof::ident::Location;
use trailproof::time::{HOUR, Range, Timestamp};
use trailproof::validate::{ReadLimits, SourceFolder, ValidationRequest, copies};

use super::collect;
use crate::live::schedule::{self, Bucket};
use crate::signing::signer;
use crate::support::{self, Ran};

fn bucket(hours: i64) -> &'static Bucket {
    Box::leak(Box::new(Bucket::of(&schedule::made_up(hours, 2))))
}

/// Collects the bucket as it is `now`.
fn collect_at(bucket: &'static Bucket, now: Timestamp, range: Range, directory: &Path) -> Ran {
    let source = SourceFolder { bucket: schedule::BUCKET.to_owned(), prefix: String::new() };
    let request = ValidationRequest::new(vec![source], range, now);
    collect(Box::new(bucket.at(now)), &signer().ring, &request, directory, 4).ran
}

fn validate(directories: &[PathBuf], range: Range) -> Ran {
    let opened = copies::open(directories, &signer().ring, &ReadLimits::default()).unwrap();
    let mut asked = support::request(&[], range.end);
    asked.range = range;
    (asked.sources, asked.findings) = (opened.sources, opened.findings);
    support::run(&opened.store, &signer().ring, &asked, 4)
}

fn between(start: &str, end: &str) -> Range {
    Range { start: Some(schedule::time(start)), end: schedule::time(end) }
}

/// README.md: "such as daily collections". The first was made while the last digests of the day were on their way.
#[test]
fn daily_collections_are_not_tampered_with() {
    let bucket = bucket(54);
    let made = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| made.path().join(name));
    let (first, second) = (
        between("2026-09-01T02:00:00Z", "2026-09-02T00:00:00Z"),
        between("2026-09-02T00:00:00Z", "2026-09-03T00:00:00Z"),
    );
    let ran = collect_at(bucket, schedule::time("2026-09-02T00:04:00Z"), first, &a);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    let ran = collect_at(bucket, schedule::time("2026-09-03T04:30:00Z"), second, &b);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    let both = Range { start: first.start, end: second.end };
    let ran = validate(&[a, b.clone()], both);
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    assert!(ran.kinds().contains(&Kind::DigestUnreadable), "{:?}", ran.kinds());
    assert_eq!(validate(&[b], second).verdict, Verdict::Intact);
}

/// The folder of the day has digests of the hours before and after, of two collections.
#[test]
fn hours_that_were_not_collected_are_not_missing() {
    let bucket = bucket(30);
    let made = tempfile::tempdir().unwrap();
    let now = schedule::time("2026-09-03T00:00:00Z");
    for hours in [
        between("2026-09-01T06:00:00Z", "2026-09-01T09:00:00Z"),
        between("2026-09-01T15:00:00Z", "2026-09-01T20:00:00Z"),
    ] {
        let ran = collect_at(bucket, now, hours, made.path());
        assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    }
    let day = between("2026-09-01T06:00:00Z", "2026-09-01T20:00:00Z");
    let ran = validate(&[made.path().to_owned()], day);
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    let says = ran.findings.iter().any(|finding| finding.message().contains("another range of time"));
    assert!(says, "{:#?}", ran.findings);
    // The mildness ends where the collections asked.
    for (hour, kind) in [("T17", Kind::LogMissing), ("T18", Kind::DigestMissing)] {
        let part = if kind == Kind::LogMissing { "/CloudTrail/" } else { "/CloudTrail-Digest/" };
        let is_it = |place: &&Location| place.key.contains(part) && place.key.contains(hour);
        let gone = bucket.delivered().keys().find(is_it).unwrap();
        std::fs::remove_file(made.path().join(&*gone.bucket).join(&*gone.key)).unwrap();
        let ran = validate(&[made.path().to_owned()], day);
        assert!(ran.kinds().contains(&kind), "{gone}: {:#?}", ran.findings);
    }
}

#[test]
fn no_collections_at_any_time_are_tampered_with() {
    let bucket = bucket(54);
    let mut random = ChaCha20Rng::seed_from_u64(0);
    let mut below = |most: i64| i64::try_from(random.next_u64() % u64::try_from(most).unwrap()).unwrap();
    for number in 0..12 {
        let made = tempfile::tempdir().unwrap();
        let mut directories: Vec<PathBuf> = Vec::new();
        let mut about = Vec::new();
        for copy in 0..=below(3) {
            let now = schedule::START.plus(4 * HOUR + below(54 * HOUR));
            let start = (below(3) > 0).then(|| now.plus(-HOUR - below(30 * HOUR)));
            let end = start.unwrap_or(now.plus(-2 * HOUR)).plus(HOUR + below(24 * HOUR));
            let range = Range { start, end: if end > now { now } else { end } };
            let directory = match directories.last() {
                Some(last) if below(2) == 0 => last.clone(),
                _ => made.path().join(copy.to_string()),
            };
            let ran = collect_at(bucket, now, range, &directory);
            assert_ne!(ran.verdict, Verdict::Tampered, "{range:?} at {now}: {:#?}", ran.findings);
            about.push((now, range));
            if !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        directories.retain(|directory| directory.join(schedule::BUCKET).is_dir());
        if directories.is_empty() {
            continue;
        }
        let all = Range { start: None, end: schedule::START.plus(54 * HOUR) };
        let ran = validate(&directories, all);
        assert_ne!(ran.verdict, Verdict::Tampered, "{number}: {about:?}: {:#?}", ran.findings);
    }
}
