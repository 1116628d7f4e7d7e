//! Random layouts of copies: flattened, renamed, inflated, split, overlapping, several buckets in one folder. Untouched, no copy is tampered with, and a
//! complete copy is intact; touched, no copy is intact.
//!
//! `TRAILPROOF_LAYOUTS` says how many, `TRAILPROOF_SEED` which.

pub(crate) mod layout;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use trailproof::event::Verdict;
use trailproof::ident::{DeliveredName, DeliveredType};
use trailproof::keys::{KeyRing, saved};
use trailproof::simulate::{self, Spec};
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Metadata, Store as _};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::ReadLimits;
use trailproof::validate::copies;

use crate::bodies::{gzip, inflate};
use crate::support::{Ran, request, run, time};
use layout::{Inflated, Layout, Packed};

/// How many layouts `cargo test` makes.
const LAYOUTS: u64 = 120;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// An object of a delivery.
#[derive(Clone)]
struct Delivered {
    bucket: String,
    key: String,
    body: Vec<u8>,
    metadata: Metadata,
}

impl Delivered {
    fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap()
    }

    fn is_digest(&self) -> bool {
        DeliveredName::parse(self.name()).unwrap().kind == DeliveredType::Digest
    }
}

/// A delivery that several layouts are made of.
struct Base {
    objects: Vec<Delivered>,
    keys: KeyRing,
    /// The end of the record.
    end: Timestamp,
}

impl Base {
    fn all() -> Vec<Self> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let small = Spec { hours: 7, logs_per_hour: 2, events_per_log: 1, ..Spec::default() };
        let start = time("2026-09-01T20:06:57Z");
        let specs = [
            small.clone(),
            Spec { start, ..small.clone() },
            Spec { start, prefix: "a/b".to_owned(), seed: 1, ..small.clone() },
            Spec { prefix: "AWSLogs".to_owned(), seed: 2, ..small.clone() },
            Spec { regions: texts(&["eu-west-1", "us-east-1"]), start, ..small.clone() },
            Spec { accounts: texts(&["111122223333", "444455556666"]), ..small.clone() },
            Spec { organization: Some("o-abcdefghij".to_owned()), backfill_every: Some(3), ..small.clone() },
            Spec { trails: texts(&["audit", "zebra"]), quiet_every: Some(2), ..small.clone() },
            // A trail that moved, within a day and after more than a day.
            Spec { move_at: Some((3, "other-logs".to_owned())), ..small.clone() },
            Spec {
                move_at: Some((26, "other-logs".to_owned())),
                hours: 30,
                logs_per_hour: 1,
                ..small.clone()
            },
        ];
        let trail = |bucket: &str, name: &str, seed| Spec {
            bucket: bucket.to_owned(),
            trails: texts(&[name]),
            seed,
            ..small.clone()
        };
        let organization = Spec {
            organization: Some("o-abcdefghij".to_owned()),
            accounts: texts(&["111122223333", "444455556666"]),
            ..trail("trail-logs", "whole", 3)
        };
        let other_region = Spec { regions: texts(&["ap-south-1"]), ..trail("other-logs", "team", 4) };
        // Two trails of an account that deliver to two buckets.
        let pairs = [
            [trail("trail-logs", "audit", 5), trail("other-logs", "team", 6)],
            [organization, trail("other-logs", "team", 7)],
            [Spec { accounts: texts(&["111122223333", "444455556666"]), ..small }, other_region],
        ];
        let single = specs.iter().map(|spec| Self::of(std::slice::from_ref(spec)));
        single.chain(pairs.iter().map(|pair| Self::of(pair))).collect()
    }

    fn of(specs: &[Spec]) -> Self {
        let mut base = Self { objects: Vec::new(), keys: KeyRing::new(), end: specs[0].start };
        specs.iter().for_each(|spec| base.deliver(spec));
        base
    }

    fn deliver(&mut self, spec: &Spec) {
        let store = MemoryStore::new();
        let simulated = simulate::simulate(spec, &store).unwrap();
        saved::load(&mut self.keys, &spec.bucket, simulated.keys_json.as_bytes()).unwrap();
        self.end = simulated.end;
        let buckets = std::iter::once(&spec.bucket).chain(spec.move_at.iter().map(|(_, bucket)| bucket));
        for bucket in buckets {
            self.objects.extend(objects(&store, bucket));
        }
    }

    fn has_several_buckets(&self) -> bool {
        self.objects.iter().any(|object| object.bucket != self.objects[0].bucket)
    }
}

fn objects(store: &MemoryStore, bucket: &str) -> Vec<Delivered> {
    let object = |listed: Result<trailproof::store::Listed, _>| {
        let key = listed.unwrap().key;
        let location = trailproof::ident::Location::new(bucket, key.as_str());
        let mut object = store.get(&location).unwrap();
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut object.body, &mut body).unwrap();
        Delivered { bucket: bucket.to_owned(), key, body, metadata: object.metadata }
    };
    store.list(bucket, "", None).map(object).collect()
}

struct Random(ChaCha20Rng);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.0.next_u64() % u64::try_from(most.max(1)).unwrap()).unwrap()
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

/// A file of a copy.
#[derive(Clone)]
struct CopyFile {
    object: usize,
    path: String,
    body: Vec<u8>,
}

/// A change of a copy that a run has to notice.
#[derive(Clone, Copy, Debug)]
enum Touch {
    Change,
    ChangeOneCopy,
    Remove,
    AddLog,
    /// Adds events under a name that is not CloudTrail's, beside a log file.
    AddOther,
}

impl Touch {
    const ALL: [Self; 5] = [Self::Change, Self::ChangeOneCopy, Self::Remove, Self::AddLog, Self::AddOther];
}

struct World<'b> {
    base: &'b Base,
    layout: Layout,
    inflated: Inflated,
    packed: Packed,
    with_metadata: bool,
    droppings: bool,
    files: Vec<CopyFile>,
}

impl<'b> World<'b> {
    fn make(base: &'b Base, random: &mut Random) -> Self {
        let layout = match random.of(&Layout::ALL) {
            Layout::Bucket if base.has_several_buckets() => Layout::Buckets,
            // A part of a copy of several buckets is told apart by its own digests, which lie in another part here.
            Layout::Split | Layout::Overlapping if base.has_several_buckets() => Layout::Renamed,
            layout => layout,
        };
        let inflated = random.of(&Inflated::ALL);
        let mut world = Self {
            base,
            layout,
            inflated,
            packed: random.of(&Packed::ALL),
            with_metadata: !random.once_in(4),
            droppings: random.once_in(4),
            files: Vec::new(),
        };
        for (index, object) in base.objects.iter().enumerate() {
            for path in layout.paths(object, &mut |most| random.below(most)) {
                for (path, body) in world.inflated.files(&path, &object.body) {
                    world.files.push(CopyFile { object: index, path, body });
                }
            }
        }
        world
    }

    fn describe(&self) -> String {
        let Self { layout, inflated, packed, with_metadata, droppings, .. } = self;
        format!("{layout:?} {inflated:?} {packed:?} metadata {with_metadata} droppings {droppings}")
    }

    /// Changes the copy; `None` if the change is not possible here.
    fn touch(&mut self, touch: Touch, random: &mut Random) -> Option<String> {
        let object = random.below(self.base.objects.len());
        let delivered = &self.base.objects[object];
        let copies: Vec<usize> =
            (0..self.files.len()).filter(|at| self.files[*at].object == object).collect();
        match touch {
            Touch::Change => {
                let body = changed(&delivered.body, random);
                for at in copies {
                    self.files[at].body.clone_from(&body);
                }
            }
            Touch::ChangeOneCopy => {
                if copies.len() < 2 {
                    return None;
                }
                let at = copies[0];
                self.files[at].body = changed(&self.files[at].body, random);
            }
            Touch::Remove => self.files.retain(|file| file.object != object),
            Touch::AddLog | Touch::AddOther => {
                let at = copies[0];
                let name = DeliveredName::parse(delivered.name()).unwrap();
                let since = name.time.unix() - time("2026-09-01T00:00:00Z").unix();
                // Near the edges of the time that a bucket covers nothing is said of additions.
                let of_bucket = self.base.objects.iter().filter(|object| object.bucket == delivered.bucket);
                let ends = of_bucket.filter(|object| object.is_digest());
                let ends: Vec<_> =
                    ends.map(|object| DeliveredName::parse(object.name()).unwrap().time).collect();
                let (first, last) = (*ends.iter().min().unwrap(), *ends.iter().max().unwrap());
                let is_inside = name.time > first.plus(2 * HOUR) && name.time < last.plus(-2 * HOUR);
                if delivered.is_digest() || !is_inside || since < 0 {
                    return None;
                }
                let file = self.files[at].clone();
                let (before, rest) = file.path.rsplit_once('_').unwrap();
                let extension = rest.split_once('.').unwrap().1;
                let path = match touch {
                    Touch::AddOther => {
                        format!("{}/events 1.{extension}", file.path.rsplit_once('/').unwrap().0)
                    }
                    _ => format!("{before}_FORGEDforged1234.{extension}"),
                };
                self.files.push(CopyFile { path, object: usize::MAX, ..file });
            }
        }
        Some(format!("{touch:?} {}", delivered.key))
    }

    /// Writes the copy, and names what to validate.
    fn write(&self, dir: &Path) -> Vec<PathBuf> {
        let mut all: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for file in &self.files {
            all.insert(file.path.clone(), file.body.clone());
            let Some(object) = self.base.objects.get(file.object).filter(|_| self.with_metadata) else {
                continue;
            };
            if object.is_digest() {
                let sidecar = serde_json::json!({ "Metadata": object.metadata }).to_string();
                all.insert(format!("{}.metadata.json", file.path), sidecar.into_bytes());
            }
            if self.droppings && file.object % 3 == 0 {
                let (folder, name) = file.path.rsplit_once('/').unwrap();
                all.insert(format!("{folder}/._{name}"), b"x".to_vec());
                all.insert(format!("{folder}/.DS_Store"), b"x".to_vec());
            }
        }
        self.packed.write(dir, &all)
    }

    fn run(&self) -> Ran {
        let dir = tempfile::tempdir().unwrap();
        let paths = self.write(dir.path());
        let keys = &self.base.keys;
        let opened = copies::open(&paths, keys, &ReadLimits::default()).unwrap();
        let mut asked = request(&[], self.base.end);
        asked.sources = opened.sources;
        asked.findings = opened.findings;
        run(&opened.store, keys, &asked, 2)
    }
}

/// Other content, as gzip or not as the body was.
fn changed(body: &[u8], random: &mut Random) -> Vec<u8> {
    let is_gzip = body.first() == Some(&0x1f);
    match random.below(3) {
        0 => body[..body.len() - 1].to_vec(),
        1 => gzip(b"{\"Records\":[]}"),
        _ => {
            let mut content = if is_gzip { inflate(body) } else { body.to_vec() };
            content.push(b' ');
            if is_gzip { gzip(&content) } else { content }
        }
    }
}

#[test]
fn no_layout_accuses_or_hides() {
    let (count, seed) = (setting("TRAILPROOF_LAYOUTS", LAYOUTS), setting("TRAILPROOF_SEED", 0));
    let bases = Base::all();
    let mut random = Random(ChaCha20Rng::seed_from_u64(seed));
    let mut touched = 0;
    for number in 0..count {
        let base = &bases[random.below(bases.len())];
        let mut world = World::make(base, &mut random);
        let about = format!("layout {number} of seed {seed}: {}", world.describe());
        let untouched = world.run();
        assert_ne!(untouched.verdict, Verdict::Tampered, "{about}: {:#?}", untouched.findings);
        if world.with_metadata {
            assert_eq!(untouched.verdict, Verdict::Intact, "{about}: {:#?}", untouched.findings);
        }
        let touch = random.of(&Touch::ALL);
        let Some(what) = world.touch(touch, &mut random) else { continue };
        touched += 1;
        let after = world.run();
        assert_ne!(after.verdict, Verdict::Intact, "{about}, {what}: {:#?}", after.findings);
    }
    assert!(count < 100 || touched * 3 > count, "{touched} of {count}");
}
