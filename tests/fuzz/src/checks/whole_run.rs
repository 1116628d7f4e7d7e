//! A small intact delivery, and what is done to it.
//!
//! Whoever can write to the bucket can do all of this. After it the content of every object is compared with what was
//! delivered, by flate2's reader: where anything is changed, gone or new, the verdict is not `intact`; where nothing is, it
//! is, however the bodies are wrapped.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use flate2::Compression;
use trailproof::event::Verdict;
use trailproof::ident::{DigestKey, Location, LogFolderKey};
use trailproof::keys::KeyRing;
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata, Store as _};
use trailproof::time::{HOUR, Timestamp};

use super::edit::edited;
use super::gzip::one_member;
use super::reader::Reader;
use crate::bodies::{gzip, gzip_at, read};
use crate::support::{deliver, request, run};

/// Hours of the delivery.
const HOURS: u32 = 4;

/// Most that is done to one delivery.
const MOST: usize = 8;

struct Base {
    start: Timestamp,
    end: Timestamp,
    keys: KeyRing,
    objects: Vec<(Location, Vec<u8>, Metadata)>,
}

static BASE: LazyLock<Base> = LazyLock::new(|| {
    let spec =
        Spec { hours: HOURS, logs_per_hour: 2, events_per_log: 1, quiet_every: Some(3), ..Spec::default() };
    let delivered = deliver(&spec);
    let object = |location: Location| {
        let (body, metadata) = read(&delivered.store, &location);
        (location, body, metadata)
    };
    Base {
        start: spec.start,
        end: delivered.simulated.end,
        objects: delivered.store.locations().into_iter().map(object).collect(),
        keys: delivered.keys,
    }
});

/// What is there: the content of each object, `None` where it is not one whole gzip member, and its metadata.
type View = BTreeMap<Location, (Option<Vec<u8>>, Metadata)>;

fn view(store: &MemoryStore) -> View {
    let object = |location: Location| {
        let (body, metadata) = read(store, &location);
        (location, (one_member(&body), metadata))
    };
    store.locations().into_iter().map(object).collect()
}

/// See the head of this file.
pub fn check(bytes: &[u8]) {
    let store = MemoryStore::new();
    BASE.objects.iter().for_each(|(location, body, metadata)| store.put(location, body, metadata).unwrap());
    let before = view(&store);
    let mut reader = Reader(bytes);
    let mut unlooked = Vec::new();
    for _ in 0..MOST {
        if reader.is_empty() {
            break;
        }
        touch(&store, &mut reader, &mut unlooked);
    }
    let mut after = view(&store);
    // What lies where nobody promises to look proves nothing either way.
    let judged = unlooked.iter().filter(|location| after.remove(location).is_some()).count() == 0;
    let ran = run(&store, &BASE.keys, &request(&["trail-logs"], BASE.end), 1);
    let contents = |view: &View| -> Vec<(Location, Option<Vec<u8>>)> {
        view.iter().map(|(location, (content, _))| (location.clone(), content.clone())).collect()
    };
    if contents(&after) != contents(&before) {
        let is_other = |location: &&Location| {
            before.get(*location).map(|(content, _)| content)
                != after.get(*location).map(|(content, _)| content)
        };
        let other: Vec<&Location> = before.keys().chain(after.keys()).filter(is_other).collect();
        assert_ne!(ran.verdict, Verdict::Intact, "nobody noticed: {other:?}");
    } else if after == before && judged {
        assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    } else if judged && lost_only(&before, &after) {
        assert_ne!(ran.verdict, Verdict::Tampered, "{:#?}", ran.findings);
    }
}

/// Whether all that differs is metadata that is no longer there.
fn lost_only(before: &View, after: &View) -> bool {
    before.values().zip(after.values()).all(|((_, old), (_, new))| new.is_empty() || new == old)
}

fn touch(store: &MemoryStore, reader: &mut Reader<'_>, unlooked: &mut Vec<Location>) {
    let what = reader.byte() % 12;
    let locations = store.locations();
    if locations.is_empty() {
        return;
    }
    let one = &locations[reader.index(locations.len())];
    let (body, metadata) = read(store, one);
    let put = |body: &[u8], metadata: &Metadata| store.put(one, body, metadata).unwrap();
    match what {
        0 => put(&gzip(&edited(reader, &one_member(&body).unwrap_or_default())), &metadata),
        1 => put(&edited(reader, &body), &metadata),
        2 => store.delete(one).unwrap(),
        3 => store.purge(one),
        4 => swap(store, one, &locations[reader.index(locations.len())], reader.byte()),
        5 => put(&body, &Metadata::new()),
        6 => put(&body, &signed(reader, &metadata)),
        7 => put(
            &gzip_at(&one_member(&body).unwrap_or(body), Compression::new(u32::from(reader.byte() % 10))),
            &metadata,
        ),
        8 => put(&[&body[..], &gzip(reader.short())].concat(), &metadata),
        9 => put(&[&body[..], reader.short()].concat(), &metadata),
        10 => add_looked_for(store, reader, &locations),
        _ => add_anywhere(store, reader, unlooked, &locations),
    }
}

fn swap(store: &MemoryStore, one: &Location, other: &Location, how: u8) {
    let ((body1, metadata1), (body2, metadata2)) = (read(store, one), read(store, other));
    let (metadata1, metadata2) = if how & 1 == 1 { (metadata2, metadata1) } else { (metadata1, metadata2) };
    store.put(one, &body2, &metadata1).unwrap();
    store.put(other, &body1, &metadata2).unwrap();
}

/// Metadata with another signature.
fn signed(reader: &mut Reader<'_>, metadata: &Metadata) -> Metadata {
    let mut changed = metadata.clone();
    for value in changed.values_mut() {
        *value = String::from_utf8_lossy(&edited(reader, value.as_bytes())).into_owned();
    }
    changed
}

/// Adds a log file, something else among log files, or a digest: where an addition has to be noticed.
fn add_looked_for(store: &MemoryStore, reader: &mut Reader<'_>, locations: &[Location]) {
    let Some(digest) = locations.iter().find_map(DigestKey::parse) else { return };
    let log_prefix = digest.folder.log_prefix();
    // Well inside what digests cover: within 35 minutes of an edge nobody can say.
    let minute = BASE.start.plus(2 * HOUR + i64::from(reader.number() % 2_400) - 1_200);
    let location = match reader.byte() % 3 {
        0 => {
            let unique: String = reader.short().iter().map(|byte| char::from(b'a' + byte % 26)).collect();
            Location::new("trail-logs", LogFolderKey::make(&digest.folder, minute, &format!("{unique}x")))
        }
        1 => {
            let name = String::from_utf8_lossy(reader.short()).into_owned();
            Location::new("trail-logs", format!("{log_prefix}{}/{name}.", minute.day_folder()))
        }
        _ => {
            let end = BASE.start.plus(1 + i64::from(reader.number()) % (i64::from(HOURS) * HOUR));
            DigestKey { end, backfill: reader.byte() & 1 == 1, ..digest }.location()
        }
    };
    if !locations.contains(&location) {
        store.put(&location, &forged(store, reader, locations), &Metadata::new()).unwrap();
    }
}

/// A body for what is added; never empty, since empty objects stand for folders.
fn forged(store: &MemoryStore, reader: &mut Reader<'_>, locations: &[Location]) -> Vec<u8> {
    match reader.byte() % 3 {
        0 => read(store, &locations[reader.index(locations.len())]).0,
        1 => gzip(reader.short()),
        _ => [reader.short(), b"."].concat(),
    }
}

fn add_anywhere(
    store: &MemoryStore,
    reader: &mut Reader<'_>,
    unlooked: &mut Vec<Location>,
    locations: &[Location],
) {
    let like = &locations[reader.index(locations.len())];
    let key = String::from_utf8_lossy(&edited(reader, like.key.as_bytes())).into_owned();
    let location = Location::new("trail-logs", key);
    if !key_is_usable(&location) || locations.contains(&location) || store.get(&location).is_ok() {
        return;
    }
    store.put(&location, &forged(store, reader, locations), &Metadata::new()).unwrap();
    unlooked.push(location);
}

/// S3's keys have 1 to 1,024 bytes.
fn key_is_usable(location: &Location) -> bool {
    (1..=1_024).contains(&location.key.len())
}
