//! A request, read as far as the services need it.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Uri};
use percent_encoding::percent_decode_str;

/// What was asked and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `s3` or `cloudtrail`.
    pub service: &'static str,
    /// Its name in the service's API, or `Unknown`.
    pub operation: String,
    /// Empty in CloudTrail.
    pub bucket: String,
    /// Empty where the request is about a bucket.
    pub key: String,
    /// The query decoded; of CloudTrail the fields of the body.
    pub query: BTreeMap<String, String>,
    /// The region of the credential scope, empty where the request was not signed.
    pub region_signed_for: String,
    /// The header `x-amz-expected-bucket-owner`.
    pub expected_owner: Option<String>,
    /// The header `Range`.
    pub range: Option<String>,
    /// The header `Accept-Encoding`.
    pub accept_encoding: Option<String>,
    /// The names of the headers that were signed, semicolons between.
    pub signed_headers: String,
    /// Whether the SDK's own machinery made it.
    pub by_sdk: bool,
    /// 0 where there was no answer.
    pub status: u16,
}

/// A request to either service.
pub struct Ask {
    /// How many came before it.
    pub number: u64,
    /// The HTTP method.
    pub method: Method,
    /// Decoded, as are the key and the query.
    pub bucket: String,
    /// Empty where the request is about a bucket.
    pub key: String,
    /// Parameters without a value have an empty one.
    pub query: BTreeMap<String, String>,
    /// As they came.
    pub headers: HeaderMap,
    /// The region of the credential scope; `None` in an anonymous request.
    pub region: Option<String>,
    /// As it came, whatever its encoding.
    pub body: Bytes,
}

impl Ask {
    /// Reads a request.
    pub fn new(number: u64, parts: Parts, body: Bytes) -> Self {
        let (bucket, key) = bucket_and_key(&parts.uri, &parts.headers);
        Self {
            number,
            bucket,
            key,
            query: query(parts.uri.query().unwrap_or_default()),
            region: scope_region(&parts.headers),
            method: parts.method,
            headers: parts.headers,
            body,
        }
    }

    /// A header's value, if there is one and it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The names of the headers that were signed, semicolons between; empty where the request was not signed.
    pub fn signed_headers(&self) -> String {
        let authorization = self.header(AUTHORIZATION.as_str()).unwrap_or_default();
        let names = authorization.split(", ").find_map(|part| part.strip_prefix("SignedHeaders="));
        names.unwrap_or_default().to_owned()
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

fn bucket_of_access_point(host: &str) -> Option<&str> {
    let (label, rest) = host.split_once('.')?;
    match label.rsplit_once('-') {
        Some((bucket, account)) if account.len() == 12 && account.parse::<u64>().is_ok() => Some(bucket),
        _ => rest.starts_with("mrap.").then_some(label),
    }
}

/// From `/bucket/key`, or from `/key` with the host `bucket.localhost`, or with the host of an access point that has the
/// bucket's name: `bucket-111122223333.…`, and `bucket.mrap.…` for several regions.
fn bucket_and_key(uri: &Uri, headers: &HeaderMap) -> (String, String) {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let path = uri.path().strip_prefix('/').unwrap_or_default();
    if let Some(bucket) = name.strip_suffix(".localhost") {
        return (bucket.to_owned(), decoded(path));
    }
    if let Some(bucket) = bucket_of_access_point(name) {
        return (bucket.to_owned(), decoded(path));
    }
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (decoded(bucket), decoded(key))
}

fn query(raw: &str) -> BTreeMap<String, String> {
    let pairs = raw.split('&').filter(|pair| !pair.is_empty());
    let split = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(&value.replace('+', " ")))
    };
    pairs.map(split).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// From `AWS4-HMAC-SHA256 Credential=ID/DATE/REGION/SERVICE/aws4_request, …`.
fn scope_region(headers: &HeaderMap) -> Option<String> {
    let (algorithm, credential) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once("Credential=")?;
    if algorithm.trim() == "AWS4-ECDSA-P256-SHA256" {
        // Such a signature names its regions in a header, and `*` is all of them.
        return headers.get("x-amz-region-set")?.to_str().ok().map(str::to_owned);
    }
    let scope = credential.split(',').next()?.trim();
    // Counted from the end: an access key id may hold a slash.
    scope.rsplit('/').nth(2).map(str::to_owned)
}
