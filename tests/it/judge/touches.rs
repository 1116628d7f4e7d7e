//! What is done to a delivery, one touch after another.

use proptest::prelude::*;
use proptest::sample::Index;
use trailproof::ident::{DigestKey, Location};
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata, Store as _, StoreError};

use super::edits::{edit_digest, edit_keys, expire, json, resign, sign_otherwise};
use crate::bodies::read;
use crate::properties::shape::{digests, meetings};
use crate::properties::touch::{Addition, Change, add, addition, change, changed};
use crate::support::Delivered;

/// Which of the objects.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    Any,
    Digests,
    Logs,
}

/// What becomes of a signature in the metadata.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sign {
    Flip,
    Junk,
    Lose,
    Upper,
    OfNext,
}

/// What a digest says otherwise, its signature left as it was.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit {
    Unlist,
    Hash,
    Algorithm,
    Start,
    PreviousHash,
    PreviousSignature,
    NoPrevious,
    Fingerprint,
}

#[derive(Clone, Debug)]
pub(super) enum Touch {
    Body(Which, Index, Change),
    Remove { which: Which, at: Index, run: usize, traceless: bool },
    RemoveEnd { trail: Index, run: usize, newest: bool, logs_too: bool, traceless: bool },
    Swap { which: Which, one: Index, other: Index, with_metadata: bool },
    Replay { which: Which, from: Index, to: Index, with_metadata: bool },
    Signature(Index, Sign),
    Edit(Index, Edit),
    Resign { at: Index, edit: Edit, between: bool },
    Add(Addition),
    Marker(Index),
    Refuse(Which, Index),
    LoseMetadata,
    LoseKey(Index),
    ExpireKey(Index, bool),
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![Just(Which::Any), Just(Which::Digests), Just(Which::Logs)]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        Just(Edit::Unlist),
        Just(Edit::Hash),
        Just(Edit::Algorithm),
        Just(Edit::Start),
        Just(Edit::PreviousHash),
        Just(Edit::PreviousSignature),
        Just(Edit::NoPrevious),
        Just(Edit::Fingerprint),
    ]
}

pub(super) fn touch() -> impl Strategy<Value = Touch> {
    let sign = prop_oneof![
        Just(Sign::Flip),
        Just(Sign::Junk),
        Just(Sign::Lose),
        Just(Sign::Upper),
        Just(Sign::OfNext)
    ];
    let index = any::<Index>;
    prop_oneof![
        3 => (which(), index(), change()).prop_map(|(which, at, change)| Touch::Body(which, at, change)),
        4 => (which(), index(), 1..4_usize, any::<bool>())
            .prop_map(|(which, at, run, traceless)| Touch::Remove { which, at, run, traceless }),
        2 => (index(), 1..4_usize, any::<(bool, bool, bool)>()).prop_map(
            |(trail, run, (newest, logs_too, traceless))| Touch::RemoveEnd { trail, run, newest, logs_too, traceless }
        ),
        2 => (which(), index(), index(), any::<bool>())
            .prop_map(|(which, one, other, with_metadata)| Touch::Swap { which, one, other, with_metadata }),
        2 => (which(), index(), index(), any::<bool>())
            .prop_map(|(which, from, to, with_metadata)| Touch::Replay { which, from, to, with_metadata }),
        3 => (index(), sign).prop_map(|(at, sign)| Touch::Signature(at, sign)),
        3 => (index(), edit()).prop_map(|(at, edit)| Touch::Edit(at, edit)),
        3 => (index(), edit(), any::<bool>())
            .prop_map(|(at, edit, between)| Touch::Resign { at, edit, between }),
        3 => addition().prop_map(Touch::Add),
        1 => index().prop_map(Touch::Marker),
        2 => (which(), index()).prop_map(|(which, at)| Touch::Refuse(which, at)),
        1 => Just(Touch::LoseMetadata),
        2 => index().prop_map(Touch::LoseKey),
        1 => (index(), any::<bool>()).prop_map(|(at, late)| Touch::ExpireKey(at, late)),
    ]
}

pub(super) fn chosen(store: &MemoryStore, which: Which) -> Vec<Location> {
    let is_digest = |location: &Location| DigestKey::parse(location).is_some();
    let mut all = store.locations();
    all.retain(|location| match which {
        Which::Any => store.get(location).is_ok(),
        Which::Digests => is_digest(location) && store.get(location).is_ok(),
        Which::Logs => !is_digest(location) && store.get(location).is_ok(),
    });
    all
}

pub(super) fn pick(store: &MemoryStore, which: Which, at: &Index) -> Option<Location> {
    let all = chosen(store, which);
    (!all.is_empty()).then(|| at.get(&all).clone())
}

fn remove(store: &MemoryStore, location: &Location, traceless: bool) {
    if traceless { store.purge(location) } else { store.delete(location).unwrap() }
}

/// The content of a body where it is gzip, else the body.
fn content(body: &[u8]) -> Vec<u8> {
    super::document::inflate(body).unwrap_or_else(|| body.to_vec())
}

/// Does it. `None` where there is nothing to do it to.
pub(super) fn apply(touch: &Touch, spec: &Spec, delivered: &mut Delivered) -> Option<()> {
    match touch {
        Touch::LoseKey(at) => return edit_keys(delivered, |keys| drop(keys.remove(at.index(keys.len())))),
        Touch::ExpireKey(at, late) => return edit_keys(delivered, |keys| expire(keys, at, *late)),
        Touch::Resign { at, edit, between } => return resign(delivered, at, *edit, *between),
        Touch::Add(addition) => {
            let readable = chosen(&delivered.store, Which::Digests).len();
            let is_possible =
                readable > 0 && readable == digests(&delivered.store).len() && !meetings(spec).is_empty();
            return if is_possible { add(spec, delivered, addition).map(drop) } else { None };
        }
        _ => {}
    }
    let store = &delivered.store;
    match touch {
        Touch::Body(which, at, change) => {
            let location = pick(store, *which, at)?;
            let (body, metadata) = read(store, &location);
            let content = super::document::inflate(&body).unwrap_or_else(|| body.clone());
            if content.is_empty() || body.is_empty() {
                return None;
            }
            store.put(&location, &changed(&body, &content, change), &metadata).unwrap();
        }
        Touch::Remove { which, at, run, traceless } => {
            let all = chosen(store, *which);
            let from = if all.is_empty() { return None } else { at.index(all.len()) };
            all.iter().skip(from).take(*run).for_each(|location| remove(store, location, *traceless));
        }
        Touch::RemoveEnd { trail, run, newest, logs_too, traceless } => {
            remove_end(store, (trail, *run, *newest), *logs_too, *traceless)?;
        }
        Touch::Swap { which, one, other, with_metadata } => {
            let (one, other) = (pick(store, *which, one)?, pick(store, *which, other)?);
            let (first, second) = (read(store, &one), read(store, &other));
            copy(store, &second, &one, *with_metadata);
            copy_over(store, &first, &other, *with_metadata, second.1);
        }
        Touch::Replay { which, from, to, with_metadata } => {
            let (from, to) = (pick(store, *which, from)?, pick(store, *which, to)?);
            copy(store, &read(store, &from), &to, *with_metadata);
        }
        Touch::Signature(at, sign) => sign_otherwise(store, at, *sign)?,
        Touch::Edit(at, edit) => edit_digest(store, at, *edit)?,
        Touch::Marker(at) => {
            let location = pick(store, Which::Any, at)?;
            let folder = location.key.rsplit_once('/')?.0;
            let marker = Location::new(location.bucket.clone(), format!("{folder}/"));
            store.put(&marker, b"", &Metadata::new()).unwrap();
        }
        Touch::Refuse(which, at) => {
            store.refuse(&pick(store, *which, at)?, StoreError::Denied("by the test".to_owned()));
        }
        Touch::LoseMetadata => {
            for location in chosen(store, Which::Any) {
                let body = read(store, &location).0;
                store.put(&location, &body, &Metadata::new()).unwrap();
            }
        }
        Touch::LoseKey(_) | Touch::ExpireKey(..) | Touch::Add(_) | Touch::Resign { .. } => {}
    }
    Some(())
}

fn copy(store: &MemoryStore, from: &(Vec<u8>, Metadata), to: &Location, with_metadata: bool) {
    let own = read(store, to).1;
    copy_over(store, from, to, with_metadata, own);
}

fn copy_over(
    store: &MemoryStore,
    (body, metadata): &(Vec<u8>, Metadata),
    to: &Location,
    with_metadata: bool,
    own: Metadata,
) {
    store.put(to, body, if with_metadata { metadata } else { &own }).unwrap();
}

/// The first or the newest digests of one chain, with or without the log files they list.
fn remove_end(
    store: &MemoryStore,
    (trail, run, newest): (&Index, usize, bool),
    logs_too: bool,
    traceless: bool,
) -> Option<()> {
    let mut keys: Vec<DigestKey> =
        chosen(store, Which::Digests).iter().filter_map(DigestKey::parse).collect();
    let chains: std::collections::BTreeSet<_> = keys.iter().map(DigestKey::chain).collect();
    let chains: Vec<_> = chains.into_iter().collect();
    let chain = if chains.is_empty() { return None } else { trail.get(&chains) };
    keys.retain(|key| key.chain() == *chain);
    keys.sort_by_key(|key| key.end);
    if newest {
        keys.reverse();
    }
    for key in keys.iter().take(run) {
        let digest = json(&content(&read(store, &key.location()).0));
        for log in digest.iter().flat_map(|it| it["logFiles"].as_array().into_iter().flatten()) {
            if let (true, Some(bucket), Some(object)) =
                (logs_too, log["s3Bucket"].as_str(), log["s3Object"].as_str())
            {
                remove(store, &Location::new(bucket, object), traceless);
            }
        }
        remove(store, &key.location(), traceless);
    }
    Some(())
}
