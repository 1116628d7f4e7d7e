//! Two buckets with intact deliveries of several accounts, regions and trails; somebody who can put, copy, move and delete
//! any key anywhere; and any question about it.
//!
//! Three runs are compared: over what was delivered, over what is left of it, and over that with everything that was
//! added. What holds:
//! - An untouched delivery is never `tampered`, whatever part of it is asked about.
//! - Nothing that is added makes a verdict milder: what it would be without the additions is the least that it is.
//! - Where the verdict is `intact`, every object that the question is about is there as it was delivered.
//! - What is added among the log files that were asked about is named.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use trailproof::event::{Event, Verdict};
use trailproof::ident::{DigestKey, Location};
use trailproof::keys::KeyRing;
use trailproof::simulate::{self, Spec};
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::{HOUR, Interval, Range, Timestamp};
use trailproof::validate::{SourceFolder, ValidationRequest};

use super::gzip::one_member;
use super::reader::Reader;
use crate::bodies::read;
use crate::support::{Ran, keys, run};

/// Most that is done to one delivery.
const MOST: usize = 6;

/// Hours of each delivery.
const HOURS: u32 = 5;

/// Most that a log file may lie off the digest that lists it, in seconds: of so much at both ends of a record nobody can
/// tell what is listed elsewhere.
const EDGE: i64 = 35 * 60;

type Objects = Vec<(Location, Vec<u8>, Metadata)>;

struct Base {
    keys: KeyRing,
    objects: Objects,
    end: Timestamp,
}

/// Deliveries of other shapes: beside each other, below prefixes that are called as folders of CloudTrail's, of an
/// organization, with a restart.
static BASES: LazyLock<Vec<Base>> = LazyLock::new(|| {
    let small =
        Spec { hours: HOURS, logs_per_hour: 1, events_per_log: 1, shared_body: true, ..Spec::default() };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let accounts = names(&["111122223333", "444455556666"]);
    let regions = names(&["us-east-1", "eu-west-1"]);
    let wide = Spec { accounts: accounts.clone(), regions: regions.clone(), ..small.clone() };
    let other = Spec { bucket: "other-logs".to_owned(), trails: names(&["other"]), ..small.clone() };
    let trails = names(&["audit", "audit_us-east-1_x"]);
    let organization = Some("o-abcdefghij".to_owned());
    [
        (wide.clone(), other.clone()),
        (Spec { trails, regions, ..small.clone() }, Spec { accounts: accounts.clone(), ..other.clone() }),
        (
            Spec { organization, accounts: accounts.clone(), prefix: "a/b".to_owned(), ..small.clone() },
            Spec { prefix: "AWSLogs".to_owned(), ..other.clone() },
        ),
        (
            Spec { prefix: "AWSLogs/111122223333".to_owned(), ..small.clone() },
            Spec { bucket: "trail-logs".to_owned(), accounts: names(&["444455556666"]), ..other.clone() },
        ),
        (Spec { pause: Some((2, 20)), ..small.clone() }, Spec { stop: Some((2, 1)), ..other }),
        (
            Spec { quiet_every: Some(2), logs_per_hour: 2, ..small },
            Spec { prefix: "p".to_owned(), trails: names(&["other"]), ..wide },
        ),
    ]
    .map(|(one, two)| base(&one, &two))
    .into_iter()
    .collect()
});

fn base(one: &Spec, two: &Spec) -> Base {
    let store = MemoryStore::new();
    let made = [one, two].map(|spec| simulate::simulate(spec, &store).unwrap());
    let object = |location: Location| {
        let (body, metadata) = read(&store, &location);
        (location, body, metadata)
    };
    Base {
        keys: keys(made[0].keys_json.as_bytes()),
        objects: store.locations().into_iter().map(object).collect(),
        end: made[0].end.min(made[1].end),
    }
}

fn filled(objects: &Objects) -> MemoryStore {
    let store = MemoryStore::new();
    objects.iter().for_each(|(location, body, metadata)| store.put(location, body, metadata).unwrap());
    store
}

/// See the head of this file.
pub fn check(bytes: &[u8]) {
    let mut reader = Reader(bytes);
    let base = &BASES[usize::from(reader.byte()) % BASES.len()];
    let asked = question(base, &mut reader);
    let untouched = filled(&base.objects);
    let whole = run(&untouched, &base.keys, &asked, 1);
    assert_ne!(whole.verdict, Verdict::Tampered, "untouched: {asked:?} {:#?}", whole.findings);
    let (left, added) = (filled(&base.objects), filled(&base.objects));
    let mut new = BTreeSet::new();
    for _ in 0..MOST {
        if reader.is_empty() {
            break;
        }
        touch(&base.objects, [&left, &added], &mut new, &mut reader);
    }
    let less = run(&left, &base.keys, &asked, 1);
    let more = run(&added, &base.keys, &asked, 1);
    let shown = || format!("{asked:?}\nadded {new:#?}\n{:#?}", more.findings);
    assert!(more.verdict >= less.verdict, "milder than {:?} without: {}", less.verdict, shown());
    if more.verdict == Verdict::Intact {
        assert!(is_answered(&more, &asked), "not answered: {}", shown());
        for lost in judged(&whole).iter().filter(|uri| !is_same(&untouched, &added, uri)) {
            assert!(is_traceless(lost, &asked, &left), "{lost} is not as delivered: {}", shown());
        }
        let named = new.iter().filter(|location| is_asked_among_logs(&more, &asked, location));
        let unnamed: Vec<&Location> = named.collect();
        assert!(unnamed.is_empty(), "{unnamed:?} is not named: {}", shown());
    }
}

/// The objects that a run judged and found valid.
fn judged(ran: &Ran) -> BTreeSet<String> {
    let object = |event: &Event| match event {
        Event::Object { uri, .. } => Some(uri.clone()),
        _ => None,
    };
    ran.events.iter().filter_map(object).collect()
}

fn location_of(uri: &str) -> Location {
    let (bucket, key) = uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).unwrap();
    Location::new(bucket, key)
}

fn is_same(before: &MemoryStore, after: &MemoryStore, uri: &str) -> bool {
    let location = location_of(uri);
    after.locations().contains(&location) && read(before, &location) == read(after, &location)
}

/// Whether all that was delivered of an object's region of an account is gone, or all of it from before its chain began
/// anew: that cannot be told from what never was, unless it was asked for by name.
fn is_traceless(uri: &str, asked: &ValidationRequest, left: &MemoryStore) -> bool {
    let location = location_of(uri);
    let parts: Vec<&str> = location.key.split('/').collect();
    let at = parts.iter().rposition(|part| *part == "CloudTrail-Digest" || *part == "CloudTrail").unwrap();
    let above = parts[..at].join("/");
    let region = parts[at + 1];
    let is_in = |other: &Location, folder: &str| {
        other.bucket == location.bucket && other.key.starts_with(&format!("{above}/{folder}/{region}/"))
    };
    // Log files of another time are not asked about, and beside no digest nobody can tell whose they are.
    let is_left = left.locations().iter().any(|other| {
        is_in(other, "CloudTrail-Digest")
            || is_in(other, "CloudTrail") && is_of(other, asked.range.interval())
    });
    !is_left
        || is_of_the_last_hour(&location, asked)
        || asked.range.start.is_none() && is_older_than_a_restart(&location, left)
}

/// Whether an object is of less than an hour before the asked end: a record may end so much before it.
fn is_of_the_last_hour(location: &Location, asked: &ValidationRequest) -> bool {
    let end = asked.range.end;
    DigestKey::parse(location).map_or_else(
        || is_of(location, Interval { start: end.plus(-HOUR), end: end.plus(HOUR) }),
        |key| key.end > end,
    )
}

/// Whether a log file's name is of that time.
fn is_of(log: &Location, time: Interval) -> bool {
    let minute = log.name().split('_').nth(3).and_then(Timestamp::parse_log_name);
    minute.is_none_or(|minute| time.contains(minute))
}

/// Whether a digest was judged of each account, region and trail that was asked for by name.
fn is_answered(ran: &Ran, asked: &ValidationRequest) -> bool {
    let keys: Vec<DigestKey> =
        judged(ran).iter().filter_map(|uri| DigestKey::parse(&location_of(uri))).collect();
    let each = |names: &[String], is: &dyn Fn(&DigestKey, &str) -> bool| {
        names.iter().all(|name| keys.iter().any(|key| is(key, name)))
    };
    each(&asked.accounts, &|key, name| *key.folder.account == *name)
        && each(&asked.regions, &|key, name| *key.folder.region == *name)
        && each(&asked.trails, &|key, name| *key.trail == *name)
}

/// Whether the object is of the time before its chain began anew, in the delivery that has a restart.
fn is_older_than_a_restart(location: &Location, after: &MemoryStore) -> bool {
    let is_digest =
        |other: &Location| DigestKey::parse(other).is_some_and(|key| key.folder.bucket == location.bucket);
    let oldest = after.locations().into_iter().filter(is_digest).filter_map(|other| DigestKey::parse(&other));
    let Some(oldest) = oldest.map(|key| key.end).min() else { return true };
    let (body, _) = read(
        after,
        &after
            .locations()
            .into_iter()
            .find(|other| {
                DigestKey::parse(other)
                    .is_some_and(|key| key.end == oldest && key.folder.bucket == location.bucket)
            })
            .unwrap(),
    );
    let content = one_member(&body).unwrap_or_default();
    let content: serde_json::Value = serde_json::from_slice(&content).unwrap_or_default();
    content["previousDigestS3Object"].is_null()
}

/// Whether what was added lies among the log files that all there is was asked about, well inside the covered time.
fn is_asked_among_logs(ran: &Ran, asked: &ValidationRequest, location: &Location) -> bool {
    let is_source = asked
        .sources
        .iter()
        .any(|source| source.bucket == *location.bucket && location.key.starts_with(&source.prefix));
    if !is_source || asked.range.start.is_some() || !asked.trails.is_empty() || !asked.regions.is_empty() {
        return false;
    }
    // A folder of log files beside which a digest was judged, and a day that is covered whole but for its edges.
    let judged: Vec<Location> = judged(ran).iter().map(|uri| location_of(uri)).collect();
    let digests =
        judged.iter().filter(|digest| digest.bucket == location.bucket).filter_map(DigestKey::parse);
    let digests: BTreeSet<(String, Timestamp)> =
        digests.map(|key| (key.folder.log_prefix(), key.end)).collect();
    // The oldest digest of the folder: a record starts where it ends.
    let oldest = digests.iter().find(|(folder, _)| location.key.starts_with(folder.as_str()));
    let Some((folder, begins)) = oldest else { return false };
    if asked.range.end.plus(-2 * EDGE) < *begins {
        return false;
    }
    let Some(rest) = location.key.strip_prefix(folder.as_str()) else { return false };
    let account = folder.split('/').rev().nth(3).unwrap_or_default();
    let is_account = asked.accounts.is_empty() || asked.accounts.iter().any(|id| id == account);
    // Names of log files are of some minute; what is none of theirs counts for its whole day.
    let is_of_the_day = rest.starts_with("2026/09/01/") && !rest.contains("Z_");
    let is_of_no_day = !rest.starts_with("2026/") && !rest.starts_with("20");
    is_account && !location.key.ends_with('/') && (is_of_the_day || is_of_no_day)
}

/// What is asked: sources, a range, accounts, regions and trails.
fn question(base: &Base, reader: &mut Reader<'_>) -> ValidationRequest {
    let buckets: BTreeSet<&str> = base.objects.iter().map(|(object, ..)| &*object.bucket).collect();
    let mut sources: Vec<SourceFolder> = Vec::new();
    match reader.byte() % 4 {
        0 => sources.extend(buckets.iter().map(|bucket| source(bucket, ""))),
        1 => sources.push(source(buckets.iter().next().unwrap(), "")),
        2 => sources.push(source(buckets.iter().last().unwrap(), "")),
        _ => {
            let (object, ..) = &base.objects[reader.index(base.objects.len())];
            let at = object.key.rfind("/CloudTrail").map_or(0, |at| at + 1);
            sources.push(source(&object.bucket, &object.key[..at]));
        }
    }
    let hour = |reader: &mut Reader<'_>| base.end.plus(-i64::from(reader.byte() % 6) * HOUR);
    let end = if reader.byte().is_multiple_of(4) { hour(reader) } else { base.end };
    let start = match reader.byte() % 4 {
        0 => Some(hour(reader).plus(-HOUR - i64::from(reader.byte()) * 10)),
        1 => Some(base.end.plus(-i64::from(HOURS - 1) * HOUR)),
        _ => None,
    };
    let start = start.filter(|start| *start < end);
    let mut asked = ValidationRequest::new(sources, Range { start, end }, base.end.plus(24 * HOUR));
    asked.every_object = true;
    let some = |reader: &mut Reader<'_>, names: &[&str]| -> Vec<String> {
        match reader.byte() % 4 {
            0 => vec![names[reader.index(names.len())].to_owned()],
            _ => Vec::new(),
        }
    };
    asked.accounts = some(reader, &["111122223333", "444455556666"]);
    asked.regions = some(reader, &["us-east-1", "eu-west-1"]);
    asked.trails = some(reader, &["audit", "other", "audit_us-east-1_x"]);
    asked
}

fn source(bucket: &str, prefix: &str) -> SourceFolder {
    SourceFolder { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
}

/// Does one thing: what removes or changes to both stores, what adds to the second alone.
fn touch(
    objects: &Objects,
    [left, added]: [&MemoryStore; 2],
    new: &mut BTreeSet<Location>,
    reader: &mut Reader<'_>,
) {
    let (one, body, metadata) = &objects[reader.index(objects.len())];
    match reader.byte() % 8 {
        0 => [left, added].iter().for_each(|store| store.purge(one)),
        1 => [left, added].iter().for_each(|store| store.delete(one).unwrap()),
        2 => {
            // A whole folder: a day, a region, an account, all.
            let depth = reader.index(one.key.split('/').count());
            let folder: String = one.key.split_inclusive('/').take(depth).collect();
            let gone = objects
                .iter()
                .filter(|(other, ..)| other.bucket == one.bucket && other.key.starts_with(&folder));
            for (other, ..) in gone {
                [left, added].iter().for_each(|store| store.purge(other));
            }
        }
        3 => {
            let (_, other, metadata) = &objects[reader.index(objects.len())];
            [left, added].iter().for_each(|store| store.put(one, other, metadata).unwrap());
        }
        4 => {
            // Moved: gone from where it was, and elsewhere.
            [left, added].iter().for_each(|store| store.purge(one));
            add(objects, added, new, &elsewhere(objects, one, reader), body, metadata);
        }
        5 => {
            let junk = [reader.short(), b"."].concat();
            add(objects, added, new, &elsewhere(objects, one, reader), &junk, &Metadata::new());
        }
        _ => add(objects, added, new, &elsewhere(objects, one, reader), body, metadata),
    }
}

/// Adds an object where nothing was delivered.
fn add(
    objects: &Objects,
    store: &MemoryStore,
    new: &mut BTreeSet<Location>,
    at: &Location,
    body: &[u8],
    metadata: &Metadata,
) {
    let is_delivered = objects.iter().any(|(location, ..)| location == at);
    if !is_delivered && (1..=1_024).contains(&at.key.len()) {
        store.put(at, body, metadata).unwrap();
        new.insert(at.clone());
    }
}

/// Another key, made of one that was delivered: below another's folder, in another account, region, bucket or time, in
/// other case, with a segment more, less or otherwise.
fn elsewhere(objects: &Objects, one: &Location, reader: &mut Reader<'_>) -> Location {
    let (other, ..) = &objects[reader.index(objects.len())];
    let mut key = one.key.to_string();
    let mut bucket = one.bucket.clone();
    for _ in 0..=reader.byte() % 3 {
        let parts: Vec<String> = key.split('/').map(str::to_owned).collect();
        let at = reader.index(parts.len());
        let theirs: Vec<&str> = other.key.split('/').collect();
        key = match reader.byte() % 12 {
            0 => format!("{}/{key}", theirs[..reader.index(theirs.len())].join("/")),
            1 => format!(
                "{}{}",
                other.key.rsplit_once('/').map_or("", |(folder, _)| folder),
                &key[key.rfind('/').unwrap_or(0)..]
            ),
            2 => key.replacen("111122223333", "444455556666", 1 + reader.index(3)),
            3 => key.replace("us-east-1", "eu-west-1"),
            4 => with(parts.clone(), at, parts[at].to_uppercase()),
            5 => with(parts.clone(), at, String::from_utf8_lossy(reader.short()).into_owned()),
            6 => [&parts[..at], &["x".to_owned()], &parts[at..]].concat().join("/"),
            7 => [&parts[..at], &parts[at + 1..]].concat().join("/"),
            8 => key.replace("2026", ["9999", "1970", "0000", "2025"][reader.index(4)]),
            9 => key.replace("/09/", ["/9/", "/00/", "/13/", "/10/"][reader.index(4)]),
            10 => key.replacen("_audit_", ["_other_", "_audit-2_", "_x_"][reader.index(3)], 1),
            _ => {
                bucket = other.bucket.clone();
                key
            }
        };
    }
    Location::new(bucket, key)
}

fn with(mut parts: Vec<String>, at: usize, part: String) -> String {
    parts[at] = part;
    parts.join("/")
}
