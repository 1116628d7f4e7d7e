//! Everything that lies in the store, read once.

use std::collections::BTreeMap;

use trailproof::ident::Location;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Metadata, Store as _};
use trailproof::time::Timestamp;

use super::document::Document;
use super::names::{Place, place};
use crate::bodies::read;

/// An object as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Object {
    There {
        body: Vec<u8>,
        metadata: Metadata,
    },
    Refused,
    /// It is not there; whether a delete marker is.
    Gone {
        marked: bool,
    },
}

pub(super) struct World<'a> {
    store: &'a MemoryStore,
    objects: BTreeMap<Location, Object>,
}

impl<'a> World<'a> {
    pub(super) fn read(store: &'a MemoryStore) -> Self {
        let object = |location: &Location| match store.get(location) {
            Ok(_) => read(store, location).into(),
            Err(_) => Object::Refused,
        };
        let objects = store.locations().into_iter().map(|location| (object(&location), location));
        Self { store, objects: objects.map(|(object, location)| (location, object)).collect() }
    }

    pub(super) fn object(&self, location: &Location) -> Object {
        self.objects.get(location).cloned().unwrap_or_else(|| {
            let versions = self.store.versions(location).unwrap();
            Object::Gone { marked: versions.first().is_some_and(|newest| newest.delete_marker) }
        })
    }

    /// What is in the folders of some region, and is more than a folder's marker of 0 bytes. Sidecars are an affair of
    /// copies on disk: in a bucket an object of such a name is an object as any other.
    pub(super) fn places(&self) -> impl Iterator<Item = (&Location, Place)> {
        self.all().filter(|(location, _)| {
            // Nobody knows more of what is refused.
            let is_empty = match &self.objects[*location] {
                Object::There { body, .. } => body.is_empty(),
                Object::Refused | Object::Gone { .. } => true,
            };
            !(is_empty && location.key.ends_with('/'))
        })
    }

    /// The same with markers: they make a folder.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Location, Place)> {
        self.objects.keys().filter_map(|location| Some((location, place(location)?)))
    }
}

impl From<(Vec<u8>, Metadata)> for Object {
    fn from((body, metadata): (Vec<u8>, Metadata)) -> Self {
        Self::There { body, metadata }
    }
}

/// A digest as it lies there.
#[expect(clippy::large_enum_variant, reason = "there are few of them at a time")]
#[derive(Clone, Debug)]
pub(super) enum Found {
    Digest { document: Document, signature: Option<String> },
    Malformed,
    Refused,
    Gone { marked: bool },
}

impl World<'_> {
    pub(super) fn digest(&self, location: &Location) -> Found {
        match self.object(location) {
            Object::Gone { marked } => Found::Gone { marked },
            Object::Refused => Found::Refused,
            Object::There { body, metadata } => {
                let content = super::document::inflate(&body);
                let mut document = content.and_then(|content| Document::parse(&content));
                let signature = metadata.get("signature").cloned();
                let made = metadata.get("backfill-generation-timestamp");
                if let (Some(document), Some(made)) = (&mut document, made) {
                    let made = Timestamp::parse_digest_field(made).unwrap();
                    document.signed_from = document.signed_from.max(made);
                }
                document.map_or(Found::Malformed, |document| Found::Digest { document, signature })
            }
        }
    }
}
