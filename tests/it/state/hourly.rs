//! The live trail with memory: an hourly run over a bucket as it is at any moment. Each run is intact, reads what is new,
//! and in the end every delivered object was read.
//!
//! `TRAILPROOF_CURVE=1 cargo test --test it state::hourly -- --nocapture` prints the reads and bytes of each run, with and
//! without memory.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use trailproof::event::Verdict;
use trailproof::ident::Location;
use trailproof::store::{Listing, Object, Store, StoreError, Version};
use trailproof::time::{DAY, HOUR, Range, Timestamp};
use trailproof::validate::{Recheck, RunMemory, SourceFolder, ValidationRequest};

use super::{Memory, Remembered, begin};
use crate::live::schedule::{self, At, Bucket, Delivery};
use crate::signing::signer;

/// The bucket at one moment, and what was read of it.
struct Read<'b> {
    inner: At<'b>,
    read: Mutex<Vec<Location>>,
}

impl Store for Read<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.inner.list(bucket, prefix, after)
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_dirs(bucket, prefix)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).push(location.clone());
        self.inner.get(location)
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(location)
    }
}

fn asked(now: Timestamp) -> ValidationRequest {
    let source = SourceFolder { bucket: schedule::BUCKET.to_owned(), prefix: String::new() };
    ValidationRequest::new(vec![source], Range { start: None, end: now }, now)
}

/// A run with memory, or with all memory taken away, and what it read.
fn run_at(
    memory: &Memory,
    bucket: &Bucket,
    now: Timestamp,
    number: u32,
    recheck: Option<Recheck>,
) -> (Remembered, Vec<Location>) {
    let store = Read { inner: bucket.at(now), read: Mutex::default() };
    let mut run = begin(&memory.place, &asked(now), number).unwrap();
    let known = run.request.memory.take().unwrap();
    run.request.memory = recheck.map(|recheck| RunMemory { recheck, ..known });
    let told = run.tell(&store, &signer().ring);
    if recheck.is_some() {
        run.session.commit(&told.proved, &told.sealed, told.interrupted).unwrap();
    }
    (told, store.read.into_inner().unwrap())
}

#[expect(clippy::print_stderr, reason = "the curve is asked for")]
fn assert_hourly_runs(deliveries: &[Delivery], first: Timestamp, last: Timestamp, recheck: Recheck) {
    let bucket = Bucket::of(deliveries);
    let (memory, nothing) = (Memory::new(), Memory::new());
    let shows = std::env::var_os("TRAILPROOF_CURVE").is_some();
    let (mut seen, mut now, mut number) = (BTreeSet::new(), first, 0);
    let (mut reads, mut plain_reads, mut last_plain) = (Vec::new(), Vec::new(), Vec::new());
    while now <= last {
        number += 1;
        let (told, read) = run_at(&memory, &bucket, now, number, Some(recheck));
        assert_eq!(told.verdict, Verdict::Intact, "at {now}:\n{}", told.said());
        reads.push(read.len());
        // The same run without memory, at some of the hours.
        if shows || number % 24 == 1 {
            let (plain, plain_read) = run_at(&nothing, &bucket, now, number, None);
            assert_eq!(plain.verdict, Verdict::Intact, "at {now}:\n{}", plain.said());
            let all = |told: &Remembered| {
                let (digests, logs) = (told.counts.digests, told.counts.logs);
                (digests.valid + digests.remembered, logs.valid + logs.remembered)
            };
            assert_eq!(all(&told), all(&plain), "at {now}");
            plain_reads.push(plain_read.len());
            last_plain.clone_from(&plain_read);
            if shows {
                let bytes = (told.counts.compressed_bytes, plain.counts.compressed_bytes);
                eprintln!("{now},{},{},{},{}", read.len(), bytes.0, plain_read.len(), bytes.1);
            }
        }
        seen.extend(read);
        now = now.plus(HOUR);
    }
    // What a run over everything reads was read by one of the runs.
    let unread: Vec<&Location> = last_plain.iter().filter(|location| !seen.contains(*location)).collect();
    assert!(unread.is_empty() && !last_plain.is_empty(), "{unread:#?}");
    // Once days are sealed, a run reads only the newest ones.
    let (reads, plain) = (reads.last().unwrap(), plain_reads.last().unwrap());
    assert!(now.unix() - first.unix() < 4 * DAY || reads < plain, "{reads} of {plain}");
}

#[test]
fn an_hourly_run_over_a_week_reads_every_object() {
    let deliveries = schedule::made_up(7 * 24, 1);
    let first = schedule::START.plus(30 * HOUR);
    assert_hourly_runs(&deliveries, first, first.plus(5 * DAY), Recheck::NONE);
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that was skipped has to say so")]
fn the_real_schedule_hour_by_hour() {
    let Some(deliveries) = schedule::real() else {
        return eprintln!("skipped: ../shared/real is not here");
    };
    let ends = || deliveries.iter().filter_map(|one| one.digest.as_ref().map(|key| key.end));
    let (first, last) = (ends().min().unwrap().plus(30 * HOUR), ends().max().unwrap());
    let last =
        if std::env::var_os("TRAILPROOF_CURVE").is_some() { last } else { first.plus(2 * DAY).min(last) };
    assert_hourly_runs(&deliveries, first, last, Recheck::default());
}
