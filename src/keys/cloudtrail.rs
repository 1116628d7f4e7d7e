//! Public keys from CloudTrail.
//!
//! Source: CloudTrail API Reference, `ListPublicKeys`: keys of the requested region, valid at some time between start
//! and end, page by page.

use std::sync::Arc;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::PublicKey as ListedKey;

use super::saved::other_fingerprint;
use super::{KeySource, KeySourceError, RejectedKey, SourceKeys, TrustedKey};
use crate::aws::{Aws, Failure};
use crate::signature::PublicKey;
use crate::time::{Interval, Timestamp};

/// Name of the key source in reports. Reports add the endpoint if the endpoint is not AWS's own.
pub const SOURCE: &str = "cloudtrail";

/// Most pages of keys read. A region has about 13 keys a year.
const MAX_PAGES: usize = 200;

/// Most keys read, on any number of pages: all keys are held in memory.
const MAX_KEYS: usize = 10_000;

/// Requests keys with `ListPublicKeys`.
#[derive(Clone, Debug)]
pub struct CloudTrailKeys {
    aws: Arc<Aws>,
    source: String,
}

impl CloudTrailKeys {
    /// Uses the credentials of `aws`.
    #[must_use]
    pub fn new(aws: Arc<Aws>) -> Self {
        let source = source(aws.cloudtrail_endpoint().as_deref());
        Self { aws, source }
    }
}

impl KeySource for CloudTrailKeys {
    fn keys(&self, region: &str, span: Interval) -> Result<SourceKeys, KeySourceError> {
        let client = self.aws.cloudtrail(region);
        let listed = self.aws.block_on(list_keys(&client, &self.source, region, span));
        listed.map_err(|why| KeySourceError { region: region.to_owned(), why })
    }
}

/// Name of the key source for `endpoint` in reports: scheme and host, without a user or password.
fn source(endpoint: Option<&str>) -> String {
    let Some(endpoint) = endpoint else { return SOURCE.to_owned() };
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", endpoint));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{SOURCE} at {scheme}://{host}")
}

async fn list_keys(
    client: &Client,
    source: &str,
    region: &str,
    span: Interval,
) -> Result<SourceKeys, String> {
    let time = |time: Timestamp| DateTime::from_secs(time.unix());
    let (mut found, mut token, mut entry) = (SourceKeys::default(), None, 0);
    for _ in 0..MAX_PAGES {
        let request = client.list_public_keys().start_time(time(span.start)).end_time(time(span.end));
        let answer = request.set_next_token(token).send().await;
        let answer = answer.map_err(|error| Failure::of(&error).to_string())?;
        for listed in answer.public_key_list() {
            entry += 1;
            match to_trusted(source, region, listed) {
                Ok(key) => found.keys.push(key),
                Err(reason) => found.rejected.push(rejected(source, region, entry, listed, &reason)),
            }
        }
        token = answer.next_token;
        if token.is_none() {
            return Ok(found);
        }
        if entry > MAX_KEYS {
            break;
        }
    }
    Err(format!("the list of keys does not end after {MAX_PAGES} pages or {MAX_KEYS} keys"))
}

/// Converts a listed key, or returns the problem. Digests signed with an unusable key are reported with an unknown
/// key.
fn to_trusted(source: &str, region: &str, listed: &ListedKey) -> Result<TrustedKey, String> {
    let value = listed.value().ok_or("no value")?;
    let key = PublicKey::from_der(value.as_ref()).map_err(|error| error.to_string())?;
    let fingerprint = listed.fingerprint().ok_or("no fingerprint")?;
    if !key.fingerprint().eq_ignore_ascii_case(fingerprint) {
        return Err(other_fingerprint(fingerprint, &key));
    }
    let time = |time: Option<&DateTime>| time.map(|time| Timestamp::from_unix(time.secs()));
    let validity = time(listed.validity_start_time()).zip(time(listed.validity_end_time()));
    let (start, end) = validity.ok_or("the validity times are missing")?;
    let validity = Interval::new(start, end).ok_or("the validity ends before it starts")?;
    Ok(TrustedKey {
        key,
        validity: Some(validity),
        source: source.to_owned(),
        region: Some(region.to_owned()),
    })
}

fn rejected(source: &str, region: &str, entry: usize, listed: &ListedKey, reason: &str) -> RejectedKey {
    let name = listed.fingerprint().map(|name| format!("`{}`: ", name.escape_debug())).unwrap_or_default();
    let reason = format!("{name}{reason}");
    RejectedKey { source: source.to_owned(), region: Some(region.to_owned()), entry, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_is_not_awss_own_is_named() {
        for (endpoint, named) in [
            (None, "cloudtrail"),
            (Some("http://127.0.0.1:9000"), "cloudtrail at http://127.0.0.1:9000"),
            (Some("https://me:p@ss@h.example/x@y?z"), "cloudtrail at https://h.example"),
            (Some("h.example"), "cloudtrail at https://h.example"),
            (Some(""), "cloudtrail at https://"),
        ] {
            assert_eq!(source(endpoint), named);
        }
    }
}
