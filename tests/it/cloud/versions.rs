//! ListObjectVersions: pages of versions and delete markers, keys in the order of their bytes, the newest first.

use std::ops::Bound;

use bytes::Bytes;
use hyper::Response;

use super::ask::Ask;
use super::faults::Faults;
use super::list::{encoder, head, limit, rfc3339, write_facts};
use super::s3::{Refusal, document};
use super::state::{Held, Version};
use super::xml::Xml;

struct Entry<'a> {
    key: &'a str,
    version: &'a Version,
    latest: bool,
}

/// Answers a listing of versions.
pub fn answer(held: &Held, faults: &Faults, ask: &Ask) -> Result<Response<Bytes>, Refusal> {
    if ask.parameter("delimiter").is_some_and(|delimiter| !delimiter.is_empty()) {
        let message = "This test server lists versions without a delimiter.";
        return Err(Refusal::new(501, "NotImplemented", message));
    }
    if ask.query.contains_key("version-id-marker") && !ask.query.contains_key("key-marker") {
        let message = "A version-id marker cannot be specified without a key marker.";
        return Err(Refusal::new(400, "InvalidArgument", message));
    }
    let limit = limit(ask, faults)?;
    let mut entries: Vec<Entry<'_>> = entries(held, ask).take(limit + 1).collect();
    let more = entries.len() > limit && limit > 0;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|last| (last.key, last.version.id.as_str()));
    Ok(document(xml(ask, faults, &entries, repeated(ask, faults, next), limit)))
}

/// What is given as the next page's markers: what they are, or always the same.
fn repeated<'a>(
    ask: &'a Ask,
    faults: &Faults,
    next: Option<(&'a str, &'a str)>,
) -> Option<(&'a str, &'a str)> {
    let marker = ask.parameter("key-marker");
    if !faults.repeat_page || (marker.is_none() && next.is_some()) {
        return next;
    }
    Some((marker.unwrap_or_default(), ask.parameter("version-id-marker").unwrap_or_default()))
}

/// All versions after the markers that were given.
fn entries<'a>(held: &'a Held, ask: &'a Ask) -> impl Iterator<Item = Entry<'a>> {
    let prefix = ask.parameter("prefix").unwrap_or_default();
    let marker = ask.parameter("key-marker").filter(|marker| !marker.is_empty());
    let version = ask.parameter("version-id-marker").filter(|marker| !marker.is_empty());
    let start = match (marker, version) {
        (Some(key), Some(_)) if key >= prefix => Bound::Included(key),
        (Some(key), None) if key >= prefix => Bound::Excluded(key),
        _ => Bound::Included(prefix),
    };
    let after = marker.zip(version);
    held.objects
        .range::<str, _>((start, Bound::Unbounded))
        .take_while(move |(key, _)| key.starts_with(prefix))
        .flat_map(move |(key, versions)| of_key(key, versions, after))
}

/// The versions of a key, the newest first, without those up to the marker where it is about this key.
fn of_key<'a>(
    key: &'a str,
    versions: &'a [Version],
    after: Option<(&str, &str)>,
) -> impl Iterator<Item = Entry<'a>> {
    let position = |id| versions.iter().rev().position(|version| version.id == id);
    let skipped = match after {
        Some((marker, id)) if marker == key => position(id).map_or(versions.len(), |at| at + 1),
        _ => 0,
    };
    let entry = move |(at, version)| Entry { key, version, latest: at == 0 };
    versions.iter().rev().enumerate().map(entry).skip(skipped)
}

fn xml(ask: &Ask, faults: &Faults, entries: &[Entry<'_>], next: Option<(&str, &str)>, limit: usize) -> Xml {
    let encode = encoder(ask, faults);
    let mut xml = Xml::new("ListVersionsResult");
    xml.element("Name", &ask.bucket);
    xml.element("Prefix", &encode(ask.parameter("prefix").unwrap_or_default()));
    xml.element("KeyMarker", &encode(ask.parameter("key-marker").unwrap_or_default()));
    xml.element("VersionIdMarker", ask.parameter("version-id-marker").unwrap_or_default());
    if let Some((key, id)) = next {
        xml.element("NextKeyMarker", &encode(key));
        xml.element("NextVersionIdMarker", id);
    }
    head(&mut xml, ask, faults, limit, next.is_some());
    entries.iter().for_each(|entry| write_entry(&mut xml, entry, encode));
    xml
}

fn write_entry(xml: &mut Xml, entry: &Entry<'_>, encode: fn(&str) -> String) {
    let name = if entry.version.content.is_some() { "Version" } else { "DeleteMarker" };
    xml.open(name);
    xml.element("Key", &encode(entry.key));
    xml.element("VersionId", &entry.version.id);
    xml.element("IsLatest", if entry.latest { "true" } else { "false" });
    match &entry.version.content {
        Some(content) => write_facts(xml, entry.version, content),
        None => xml.element("LastModified", &rfc3339(entry.version.modified)),
    }
    xml.close(name);
}
