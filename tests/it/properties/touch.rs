//! What somebody could do to a delivery.

use flate2::{Compression, GzBuilder};
use proptest::prelude::*;
use proptest::sample::Index;
use trailproof::ident::{Location, LogFolderKey, RegionFolder};
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::HOUR;

use super::shape::{digests, meetings};
use crate::bodies::{gzip, read};
use crate::support::Delivered;

/// What is done to a body.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A byte of the content.
    Flip(Index, u8),
    /// The end of the content is gone.
    Cut(Index),
    /// The content goes on.
    Append(Vec<u8>),
    /// A second member follows.
    Member(Vec<u8>),
    /// Bytes follow the member.
    Trailing(Vec<u8>),
    /// The end of the body is gone.
    Truncate(Index),
    /// Not gzip at all.
    Plain,
    /// Nothing.
    Empty,
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let bytes = || prop::collection::vec(any::<u8>(), 1..20);
    prop_oneof![
        4 => (any::<Index>(), 1..=u8::MAX).prop_map(|(at, mask)| Change::Flip(at, mask)),
        1 => any::<Index>().prop_map(Change::Cut),
        1 => bytes().prop_map(Change::Append),
        1 => prop::collection::vec(any::<u8>(), 0..20).prop_map(Change::Member),
        1 => bytes().prop_map(Change::Trailing),
        1 => any::<Index>().prop_map(Change::Truncate),
        1 => Just(Change::Plain),
        1 => Just(Change::Empty),
    ]
}

pub(crate) fn changed(body: &[u8], content: &[u8], change: &Change) -> Vec<u8> {
    let mut content = content.to_vec();
    match change {
        Change::Flip(at, mask) => *at.get_mut(&mut content) ^= mask,
        Change::Cut(at) => content.truncate(at.index(content.len())),
        Change::Append(more) => content.extend(more),
        Change::Member(more) => return [body, &gzip(more)].concat(),
        Change::Trailing(more) => return [body, more].concat(),
        Change::Truncate(at) => return body[..at.index(body.len())].to_vec(),
        Change::Plain => return content,
        Change::Empty => return Vec::new(),
    }
    gzip(&content)
}

/// Something that was not delivered, in a place where one would look for what was.
#[derive(Clone, Debug)]
pub(crate) enum Addition {
    Log(Index, i64, String),
    Junk(Index, String),
    Digest { bucket: Index, end: i64, backfill: bool, like: Index, body: Forgery },
}

#[derive(Clone, Debug)]
pub(crate) enum Forgery {
    Bytes(Vec<u8>),
    Json(String),
    Copy(Index),
}

pub(crate) fn addition() -> impl Strategy<Value = Addition> {
    let junk = prop_oneof![
        Just("notes.txt"),
        Just("a/b"),
        Just("x.metadata.json"),
        Just("\u{1b}[2J"),
        Just("111122223333_CloudTrail_us-east-1_99991231T2359Z_abcdefgh12345678.json.gz"),
    ];
    let forgery = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Forgery::Bytes),
        prop_oneof![Just("{}"), Just("[]"), Just("null")].prop_map(|json| Forgery::Json(json.to_owned())),
        any::<Index>().prop_map(Forgery::Copy),
    ];
    prop_oneof![
        (any::<Index>(), -1_200..1_200_i64, "[A-Za-z0-9]{16}")
            .prop_map(|(at, by, id)| Addition::Log(at, by, id)),
        (any::<Index>(), junk).prop_map(|(at, name)| Addition::Junk(at, name.to_owned())),
        (any::<Index>(), 0..18_000_i64, any::<bool>(), any::<Index>(), forgery).prop_map(
            |(bucket, end, backfill, like, body)| Addition::Digest { bucket, end, backfill, like, body }
        ),
    ]
}

/// Adds something; says where, or nothing where there is such an object already.
pub(crate) fn add(spec: &Spec, delivered: &Delivered, addition: &Addition) -> Option<Location> {
    let store = &delivered.store;
    let folder = |bucket: &str| {
        let first = digests(store).first()?.folder.clone();
        Some(RegionFolder { bucket: bucket.into(), ..first })
    };
    let meeting = |at: &Index| at.get(&meetings(spec)).clone();
    let (location, body, metadata) = match addition {
        Addition::Log(at, by, unique) => {
            let (moment, bucket) = meeting(at);
            let key = LogFolderKey::make(&folder(&bucket)?, moment.plus(*by), unique);
            (Location::new(bucket, key), gzip(br#"{"Records":[]}"#), Metadata::new())
        }
        Addition::Junk(at, name) => {
            let (moment, bucket) = meeting(at);
            let key = format!("{}{}/{name}", folder(&bucket)?.log_prefix(), moment.day_folder());
            (Location::new(bucket, key), b"junk".to_vec(), Metadata::new())
        }
        Addition::Digest { bucket, end, backfill, like, body } => {
            let mut key = like.get(&digests(store)).clone();
            let moments = meetings(spec);
            key.folder.bucket = bucket.get(&moments).1.as_str().into();
            key.end = spec.start.plus(1 + end % (i64::from(spec.hours) * HOUR));
            key.backfill = *backfill;
            let (body, metadata) = forged(store, body);
            (key.location(), body, metadata)
        }
    };
    if store.locations().contains(&location) {
        return None;
    }
    store.put(&location, &body, &metadata).unwrap();
    Some(location)
}

fn forged(store: &MemoryStore, forgery: &Forgery) -> (Vec<u8>, Metadata) {
    match forgery {
        Forgery::Bytes(bytes) => (bytes.clone(), Metadata::new()),
        Forgery::Json(text) => (gzip(text.as_bytes()), Metadata::new()),
        Forgery::Copy(like) => read(store, &like.get(&digests(store)).location()),
    }
}

/// Gzip with every optional field that a header can have.
pub(crate) fn named_gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let builder = GzBuilder::new().filename("log.json").comment("copied").mtime(1).extra(vec![0; 9]);
    let mut encoder = builder.write(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
