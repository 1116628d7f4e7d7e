//! ListObjectsV2, and ListObjects as older tools ask: pages of keys in the order of their bytes, and common prefixes
//! among them.

use std::ops::Bound;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hyper::Response;
use jiff::Timestamp;

use super::ask::Ask;
use super::faults::Faults;
use super::s3::{Refusal, document};
use super::state::{Content, Held, Version};
use super::xml::{Xml, url_encoded};

/// The most that S3 puts on a page.
const MOST: usize = 1000;

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Position {
    From(String),
    After(String),
}

impl Position {
    fn bound(&self) -> Bound<&str> {
        match self {
            Self::From(key) => Bound::Included(key),
            Self::After(key) => Bound::Excluded(key),
        }
    }

    /// The position as a token, another one for every request as S3's are.
    fn token(&self, number: u64) -> String {
        let (kind, key) = match self {
            Self::From(key) => ("from", key),
            Self::After(key) => ("after", key),
        };
        URL_SAFE_NO_PAD.encode(format!("{number} {kind} {key}"))
    }

    fn parse(token: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (_, position) = text.split_once(' ')?;
        match position.split_once(' ')? {
            ("from", key) => Some(Self::From(key.to_owned())),
            ("after", key) => Some(Self::After(key.to_owned())),
            _ => None,
        }
    }
}

enum Entry<'a> {
    Object(&'a str, &'a Version, &'a Content),
    CommonPrefix(String),
}

struct Page<'a> {
    entries: Vec<Entry<'a>>,
    /// `None` where nothing follows.
    next: Option<Position>,
}

/// Answers a listing.
pub fn answer(held: &Held, faults: &Faults, ask: &Ask) -> Result<Response<Bytes>, Refusal> {
    let prefix = ask.parameter("prefix").unwrap_or_default();
    let start = start(ask, prefix)?;
    let limit = limit(ask, faults)?;
    let mut page = page(held, prefix, ask.parameter("delimiter"), start.clone(), limit);
    if faults.skip_page
        && let Some(next) = page.next.take()
    {
        page.next = self::page(held, prefix, ask.parameter("delimiter"), next, limit).next;
    }
    if faults.unordered {
        page.entries.reverse();
    }
    if faults.empty_pages {
        page = Page { entries: Vec::new(), next: Some(start.clone()) };
    }
    if faults.repeat_page {
        let first = !ask.query.contains_key("continuation-token");
        page.next = page.next.filter(|_| first).or(Some(start));
    }
    Ok(document(xml(ask, faults, &page, limit)))
}

/// How many entries the page may have.
pub fn limit(ask: &Ask, faults: &Faults) -> Result<usize, Refusal> {
    let asked = ask.parameter("max-keys").map_or(Ok(MOST), str::parse);
    let asked = asked.map_err(|_| Refusal::new(400, "InvalidArgument", "max-keys is no number"))?;
    Ok(asked.min(faults.page_size).min(MOST))
}

fn start(ask: &Ask, prefix: &str) -> Result<Position, Refusal> {
    if let Some(token) = ask.parameter("continuation-token") {
        let message = "The continuation token provided is incorrect";
        return Position::parse(token).ok_or_else(|| Refusal::new(400, "InvalidArgument", message));
    }
    Ok(match ask.parameter("start-after").or_else(|| ask.parameter("marker")) {
        Some(after) if after >= prefix => Position::After(after.to_owned()),
        _ => Position::From(prefix.to_owned()),
    })
}

fn page<'a>(
    held: &'a Held,
    prefix: &str,
    delimiter: Option<&str>,
    mut at: Position,
    limit: usize,
) -> Page<'a> {
    let mut entries = Vec::new();
    while let Some((key, version, content)) = held.first_live(at.bound(), prefix) {
        if entries.len() == limit {
            // A page of no entries is not taken for one of many.
            return Page { entries, next: Some(at).filter(|_| limit > 0) };
        }
        let Some(common) = common_prefix(key, prefix, delimiter) else {
            entries.push(Entry::Object(key, version, content));
            at = Position::After(key.to_owned());
            continue;
        };
        let following = after_all(common);
        entries.push(Entry::CommonPrefix(common.to_owned()));
        let Some(following) = following else { break };
        at = Position::From(following);
    }
    Page { entries, next: None }
}

/// The part of a key up to the first delimiter after the prefix.
fn common_prefix<'a>(key: &'a str, prefix: &str, delimiter: Option<&str>) -> Option<&'a str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let at = key[prefix.len()..].find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

/// The first text after all that begin with `prefix`; `None` where all later texts do.
fn after_all(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

fn xml(ask: &Ask, faults: &Faults, page: &Page<'_>, limit: usize) -> Xml {
    let encode = encoder(ask, faults);
    let mut xml = Xml::new("ListBucketResult");
    xml.element("Name", &ask.bucket);
    xml.element("Prefix", &encode(ask.parameter("prefix").unwrap_or_default()));
    for (parameter, name) in [("delimiter", "Delimiter"), ("start-after", "StartAfter"), ("marker", "Marker")]
    {
        if let Some(value) = ask.parameter(parameter) {
            xml.element(name, &encode(value));
        }
    }
    if let Some(token) = ask.parameter("continuation-token") {
        xml.element("ContinuationToken", token);
    }
    let is_second = ask.query.contains_key("list-type");
    if let Some(next) = page.next.as_ref().filter(|_| is_second) {
        xml.element("NextContinuationToken", &next.token(ask.number));
    }
    head(&mut xml, ask, faults, limit, page.next.is_some());
    if is_second {
        xml.element("KeyCount", &page.entries.len().to_string());
    }
    page.entries.iter().for_each(|entry| write_entry(&mut xml, entry, encode));
    xml
}

fn write_entry(xml: &mut Xml, entry: &Entry<'_>, encode: fn(&str) -> String) {
    match entry {
        Entry::Object(key, version, content) => {
            xml.open("Contents");
            xml.element("Key", &encode(key));
            write_facts(xml, version, content);
            xml.close("Contents");
        }
        Entry::CommonPrefix(prefix) => {
            xml.open("CommonPrefixes");
            xml.element("Prefix", &encode(prefix));
            xml.close("CommonPrefixes");
        }
    }
}

/// What listings of objects and of versions both tell of themselves.
pub fn head(xml: &mut Xml, ask: &Ask, faults: &Faults, limit: usize, truncated: bool) {
    xml.element("MaxKeys", &limit.to_string());
    xml.element("IsTruncated", if truncated { "true" } else { "false" });
    if is_encoded(ask, faults) {
        xml.element("EncodingType", "url");
    }
}

/// What listings of objects and of versions both tell of an object.
pub fn write_facts(xml: &mut Xml, version: &Version, content: &Content) {
    xml.element("LastModified", &rfc3339(version.modified));
    xml.element("ETag", &content.etag);
    xml.element("Size", &content.body.len().to_string());
    xml.element("StorageClass", version.archived.as_deref().unwrap_or("STANDARD"));
}

/// How keys are written.
pub fn encoder(ask: &Ask, faults: &Faults) -> fn(&str) -> String {
    if is_encoded(ask, faults) { url_encoded } else { str::to_owned }
}

fn is_encoded(ask: &Ask, faults: &Faults) -> bool {
    ask.parameter("encoding-type") == Some("url") && !faults.no_encoding
}

/// A time as listings have it.
pub fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap().strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}
