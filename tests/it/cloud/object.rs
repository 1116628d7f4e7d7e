//! Objects: read whole, in part or by version, put and deleted.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::bufread::GzDecoder;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
};
use hyper::http::response::Builder;
use hyper::{Method, Response};
use jiff::Timestamp;

use super::ask::Ask;
use super::chunked;
use super::faults::{Conditions, Faults, Inflates};
use super::s3::{Refusal, resource};
use super::state::{Content, Held, State, Version};

const METADATA: &str = "x-amz-meta-";

/// Answers GetObject and HeadObject, the latter with a body that is not to be sent.
pub fn get(state: &State, held: &Held, faults: &Faults, ask: &Ask) -> Result<Response<Bytes>, Refusal> {
    let (version, content) = find(state, held, faults, ask)?;
    if version.archived.is_some() && ask.method == Method::GET {
        let message = "The operation is not valid for the object's storage class";
        return Err(Refusal::new(403, "InvalidObjectState", message));
    }
    if ask.header("if-match").is_some_and(|wanted| wanted != "*" && wanted != content.etag) {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(Refusal::new(412, "PreconditionFailed", message));
    }
    let mut response = describe(held, version, content);
    let mut whole = content.body.clone();
    if inflates(faults, ask)
        && let Some(inflated) = inflated(&whole)
    {
        if let Some(headers) = response.headers_mut() {
            headers.remove(CONTENT_ENCODING);
        }
        whole = inflated;
    }
    let (response, mut body) = match range(ask, whole.len())? {
        Some((first, last)) => {
            let of = format!("bytes {first}-{last}/{}", whole.len());
            (response.status(206).header(CONTENT_RANGE, of), whole.slice(first..=last))
        }
        None => (response, whole),
    };
    if faults.shortens(ask.number) {
        body.truncate(body.len() / 2);
    }
    Ok(response.header(CONTENT_LENGTH, body.len()).body(body).unwrap())
}

fn inflates(faults: &Faults, ask: &Ask) -> bool {
    match faults.inflates {
        Inflates::Never => false,
        Inflates::UnlessAccepted => {
            !ask.header("accept-encoding").is_some_and(|named| named.contains("gzip"))
        }
        Inflates::Always => true,
    }
}

fn inflated(body: &[u8]) -> Option<Bytes> {
    let mut content = Vec::new();
    GzDecoder::new(body).read_to_end(&mut content).ok()?;
    Some(content.into())
}

/// The version that is asked for, or else the newest.
fn find<'a>(
    state: &State,
    held: &'a Held,
    faults: &Faults,
    ask: &Ask,
) -> Result<(&'a Version, &'a Content), Refusal> {
    let id = ask.parameter("versionId");
    let version = id.map_or_else(|| held.newest(&ask.key), |id| held.version(&ask.key, id));
    if let Some(version) = version
        && let Some(content) = &version.content
    {
        return Ok((version, content));
    }
    if state.denies("s3:ListBucket", &resource(ask)) {
        return Err(Refusal::denied());
    }
    let refusal = match (id, version) {
        (Some(_), None) => Refusal::new(404, "NoSuchVersion", "The specified version does not exist."),
        (Some(_), Some(_)) => Refusal::new(
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        ),
        (None, _) => Refusal::new(404, "NoSuchKey", "The specified key does not exist."),
    };
    Err(match version {
        Some(marker) if !faults.hide_delete_marker_header => {
            refusal.with("x-amz-delete-marker", "true").with("x-amz-version-id", &marker.id)
        }
        _ => refusal,
    })
}

/// The headers of an object.
fn describe(held: &Held, version: &Version, content: &Content) -> Builder {
    let mut response = Response::builder()
        .header(ETAG, &content.etag)
        .header(LAST_MODIFIED, http_date(version.modified))
        .header(ACCEPT_RANGES, "bytes")
        .header(CONTENT_TYPE, "application/json");
    if content.body.starts_with(&[0x1f, 0x8b]) {
        response = response.header(CONTENT_ENCODING, "gzip");
    }
    if held.settings.versioned {
        response = response.header("x-amz-version-id", &version.id);
    }
    if let Some(class) = &version.archived {
        response = response.header("x-amz-storage-class", class);
    }
    for (name, value) in &content.metadata {
        response = response.header(format!("{METADATA}{name}"), in_header(value));
    }
    response
}

/// Metadata as a header can carry it: what is not printable ASCII becomes an encoded word (RFC 2047).
fn in_header(value: &str) -> String {
    if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return value.to_owned();
    }
    format!("=?UTF-8?B?{}?=", STANDARD.encode(value))
}

/// The first and the last byte that are asked for; a range that is not understood is as good as none (RFC 9110).
fn range(ask: &Ask, length: usize) -> Result<Option<(usize, usize)>, Refusal> {
    let Some((first, last)) = ask.header("range").and_then(|range| parse_range(range, length)) else {
        return Ok(None);
    };
    if first >= length {
        return Err(Refusal::new(416, "InvalidRange", "The requested range is not satisfiable"));
    }
    Ok(Some((first, last.min(length - 1))))
}

fn parse_range(range: &str, length: usize) -> Option<(usize, usize)> {
    match range.strip_prefix("bytes=")?.split_once('-')? {
        ("", count) => Some((length.saturating_sub(count.parse().ok()?), usize::MAX)),
        (first, "") => Some((first.parse().ok()?, usize::MAX)),
        (first, last) => {
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some((first, last))
        }
    }
}

/// Answers PutObject.
pub fn put(state: &mut State, faults: &Faults, ask: &Ask) -> Result<Response<Bytes>, Refusal> {
    let is_kept = holds(state, faults, ask);
    if !is_kept && faults.conditions != Conditions::WritesAnyway {
        return Err(unmet());
    }
    if faults.conditions == Conditions::WritesNothing {
        return Ok(Response::builder().header(ETAG, "\"nothing\"").body(Bytes::new()).unwrap());
    }
    let body = if chunked::is_meant(ask) { chunked::decode(ask)? } else { ask.body.clone() };
    let metadata = ask.headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(METADATA)?;
        Some((name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
    });
    let metadata: BTreeMap<String, String> = metadata.collect();
    let class = ask.header("x-amz-storage-class");
    let archived = class.filter(|class| ["GLACIER", "DEEP_ARCHIVE"].contains(class)).map(str::to_owned);
    let id = state.put(&ask.bucket, &ask.key, body, metadata, archived);
    let held = state.bucket_mut(&ask.bucket);
    let content = held.newest(&ask.key).and_then(|version| version.content.as_deref());
    let mut response = Response::builder().header(ETAG, &content.unwrap().etag);
    if held.settings.versioned {
        response = response.header("x-amz-version-id", id);
    }
    if !is_kept {
        return Err(unmet());
    }
    Ok(response.body(Bytes::new()).unwrap())
}

/// Whether the conditions of a PutObject hold.
fn holds(state: &State, faults: &Faults, ask: &Ask) -> bool {
    let newest = state.bucket(&ask.bucket).and_then(|held| held.newest(&ask.key));
    let etag = newest.and_then(|version| version.content.as_ref()).map(|content| content.etag.as_str());
    let (is_absent, is_match) = match faults.conditions {
        Conditions::RefusesAll => {
            return ask.header("if-match").is_none() && ask.header("if-none-match").is_none();
        }
        Conditions::IgnoresBoth => (false, false),
        Conditions::IgnoresAbsent => (false, true),
        Conditions::IgnoresMatch => (true, false),
        Conditions::Honoured | Conditions::WritesAnyway | Conditions::WritesNothing => (true, true),
    };
    let is_new = !is_absent || ask.header("if-none-match").is_none() || etag.is_none();
    is_new && (!is_match || ask.header("if-match").is_none_or(|wanted| etag == Some(wanted)))
}

fn unmet() -> Refusal {
    Refusal::new(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}

/// Answers DeleteObject, which is content with an object that is not there.
pub fn delete(state: &mut State, ask: &Ask) -> Response<Bytes> {
    let response = Response::builder().status(204);
    let response = if let Some(id) = ask.parameter("versionId") {
        state.delete_version(&ask.bucket, &ask.key, id);
        response.header("x-amz-version-id", id)
    } else if let Some(marker) = state.delete(&ask.bucket, &ask.key) {
        response.header("x-amz-delete-marker", "true").header("x-amz-version-id", marker)
    } else {
        response
    };
    response.body(Bytes::new()).unwrap()
}

fn http_date(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
