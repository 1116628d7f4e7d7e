//! Copies of a live trail: of a day's folders before the day was complete, of what was new since yesterday, of one kind or
//! region, by a listing that took hours; side by side and in one directory. However an untouched record was copied, it is
//! never called tampered.
//!
//! `TRAILPROOF_COPIES` says how many, `TRAILPROOF_SEED` which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use trailproof::event::{Kind, Verdict};
use trailproof::ident::Location;
use trailproof::time::{HOUR, Range, Timestamp};
use trailproof::validate::{ReadLimits, copies};

use super::schedule::{self, Bucket};
use crate::layouts::layout::Packed;
use crate::signing::signer;
use crate::support::{Ran, request, run};

/// How many sets of copies `cargo test` makes.
const COPIES: u64 = 60;

/// Length of the record.
const HOURS: i64 = 54;

const DAY_1: &str = "/2026/09/01/";
const DAY_2: &str = "/2026/09/02/";

/// Which part of the bucket is copied: keys that hold each of these texts.
const PARTS: [&[&str]; 12] = [
    &[],
    &[],
    &[DAY_1],
    &[DAY_2],
    &["/2026/09/03/"],
    &["/CloudTrail/"],
    &["/CloudTrail-Digest/"],
    &["/CloudTrail-Digest/", DAY_1],
    &["/CloudTrail-Digest/", DAY_2],
    &["/CloudTrail/", DAY_1],
    &["/us-east-1/", DAY_2],
    &["/eu-west-1/"],
];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

struct Random(ChaCha20Rng);

impl Random {
    fn below(&mut self, most: i64) -> i64 {
        i64::try_from(self.0.next_u64() % u64::try_from(most).unwrap()).unwrap()
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(i64::try_from(all.len()).unwrap())).unwrap()]
    }
}

/// How a copy was made.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// All that was delivered by this time.
    At(Timestamp),
    /// All that was delivered between two times.
    New(Timestamp, Timestamp),
    /// By a listing in pages of so many keys, with so many seconds between two pages.
    Slowly(Timestamp, usize, i64),
}

impl Way {
    fn any(random: &mut Random) -> Self {
        let at = schedule::START.plus(2 * HOUR + random.below(HOURS * HOUR));
        match random.below(4) {
            0 => Self::New(at.plus(-HOUR - random.below(30 * HOUR)), at),
            1 => Self::Slowly(at, 5 + usize::try_from(random.below(300)).unwrap(), random.below(1_200)),
            _ => Self::At(at),
        }
    }

    /// The objects that the copy holds.
    fn copied<'b>(self, bucket: &'b Bucket, part: &[&str]) -> BTreeSet<&'b Location> {
        let all = bucket.delivered().iter();
        let all = all.filter(|(place, _)| part.iter().all(|text| place.key.contains(text)));
        match self {
            Self::At(time) => all.filter(|(_, at)| **at <= time).map(|(place, _)| place).collect(),
            Self::New(start, end) => {
                all.filter(|(_, at)| start < **at && **at <= end).map(|(place, _)| place).collect()
            }
            Self::Slowly(start, page, pause) => {
                let (mut copied, mut all) = (BTreeSet::new(), all.peekable());
                for number in 0.. {
                    let time = start.plus(number * pause);
                    let there = all.by_ref().filter(|(_, at)| **at <= time).take(page);
                    copied.extend(there.map(|(place, _)| place));
                    if all.peek().is_none() {
                        break;
                    }
                }
                copied
            }
        }
    }
}

/// The files of a copy below `root`, with the metadata of digests beside them if it was saved.
fn files(
    bucket: &Bucket,
    copied: &BTreeSet<&Location>,
    root: &str,
    sidecars: bool,
) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for place in copied {
        let (body, metadata) = bucket.object(place);
        let path = format!("{root}{}", place.key);
        if sidecars && !metadata.is_empty() {
            let sidecar = serde_json::json!({ "Metadata": metadata }).to_string();
            files.insert(format!("{path}.metadata.json"), sidecar.into_bytes());
        }
        files.insert(path, body);
    }
    files
}

fn validate(paths: &[PathBuf], range: Range) -> Ran {
    let opened = copies::open(paths, &signer().ring, &ReadLimits::default()).unwrap();
    let mut asked = request(&[], range.end);
    asked.range = range;
    (asked.sources, asked.findings) = (opened.sources, opened.findings);
    run(&opened.store, &signer().ring, &asked, 2)
}

/// All there is, or some hours.
fn any_range(random: &mut Random) -> Range {
    let start = (random.below(2) == 0).then(|| schedule::START.plus(random.below(HOURS * HOUR)));
    let end = start.unwrap_or(schedule::START).plus(HOUR + random.below(HOURS * HOUR));
    Range { start, end: if random.below(2) == 0 { schedule::START.plus(HOURS * HOUR) } else { end } }
}

/// Writes each copy, and names what to validate.
fn write(bucket: &Bucket, all: &[BTreeSet<&Location>], dir: &Path, random: &mut Random) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for (number, copied) in all.iter().enumerate().filter(|(_, copied)| !copied.is_empty()) {
        let dir = dir.join(number.to_string());
        std::fs::create_dir(&dir).unwrap();
        let root = random.of(&["trail-logs/", "in/trail-logs/", "in/a copy/"]);
        paths.extend(random.of(&Packed::ALL).write(&dir, &files(bucket, copied, root, random.below(2) == 0)));
    }
    paths
}

#[test]
fn no_untouched_copy_is_tampered_with_whenever_it_was_made() {
    let (count, seed) = (setting("TRAILPROOF_COPIES", COPIES), setting("TRAILPROOF_SEED", 0));
    let bucket = Bucket::of(&schedule::made_up(HOURS, 2));
    let mut random = Random(ChaCha20Rng::seed_from_u64(seed));
    for number in 0..count {
        let mut made: Vec<_> =
            (0..=random.below(4)).map(|_| (Way::any(&mut random), random.of(&PARTS))).collect();
        let is_one = random.below(2) == 0;
        // In one directory, hours that no copy holds look like a deletion in the middle of a day.
        for (way, _) in made.iter_mut().filter(|_| is_one) {
            if let Way::New(_, end) = *way {
                *way = Way::At(end);
            }
        }
        let mut copied: Vec<_> = made.iter().map(|(way, part)| way.copied(&bucket, part)).collect();
        if is_one {
            copied = vec![merged(&copied)];
        }
        let dir = tempfile::tempdir().unwrap();
        let paths = write(&bucket, &copied, dir.path(), &mut random);
        if paths.is_empty() {
            continue;
        }
        let range = any_range(&mut random);
        let ran = validate(&paths, range);
        assert_ne!(
            ran.verdict,
            Verdict::Tampered,
            "copies {number} of seed {seed}, in one directory: {is_one}, {range:?}, {made:#?}: {:#?}",
            ran.findings
        );
    }
}

/// All copies in one directory.
fn merged<'b>(copies: &[BTreeSet<&'b Location>]) -> BTreeSet<&'b Location> {
    copies.iter().flatten().copied().collect()
}

/// The folders of a day copied minutes after its end: the last digests of the day, which the next day's digests
/// record, were on their way.
#[test]
fn daily_copies_lack_what_was_on_its_way() {
    let bucket = Bucket::of(&schedule::made_up(HOURS, 2));
    let at = |text: &str| Way::At(schedule::time(text));
    let days = [
        at("2026-09-02T00:04:00Z").copied(&bucket, &[DAY_1]),
        at("2026-09-03T04:30:00Z").copied(&bucket, &[DAY_2]),
    ];
    let whole = merged(&days);
    let range = Range { start: None, end: schedule::time("2026-09-03T00:00:00Z") };
    let mut random = Random(ChaCha20Rng::seed_from_u64(0));
    for copies in [days.to_vec(), vec![whole.clone()]] {
        let dir = tempfile::tempdir().unwrap();
        let ran = validate(&write(&bucket, &copies, dir.path(), &mut random), range);
        assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
        assert!(ran.kinds().contains(&Kind::DigestUnreadable), "{:?}", ran.kinds());
        let says = ran.findings.iter().any(|finding| finding.message().contains("not in this copy"));
        assert!(says, "{:#?}", ran.findings);
    }
    // What is gone from the middle of the same day is missing all the same.
    for (part, kind) in [("/CloudTrail-Digest/", Kind::DigestMissing), ("/CloudTrail/", Kind::LogMissing)] {
        let noon = |place: &&&Location| place.key.contains(part) && place.key.contains("_20260901T12");
        let mut touched = whole.clone();
        assert!(touched.remove(*whole.iter().find(noon).unwrap()));
        let dir = tempfile::tempdir().unwrap();
        let ran = validate(&write(&bucket, &[touched], dir.path(), &mut random), range);
        assert_eq!(ran.verdict, Verdict::Tampered, "{part}: {:#?}", ran.findings);
        assert!(ran.kinds().contains(&kind), "{part}: {:?}", ran.kinds());
    }
}
