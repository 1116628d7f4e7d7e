//! Keys as CloudTrail itself gives them.
//!
//! Source: CloudTrail API Reference, `ListPublicKeys`: keys of the region that is asked, valid at some time between
//! start and end, a page at a time.

use std::sync::Arc;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::PublicKey as Listed;

use super::saved::other_fingerprint;
use super::{KeySource, KeySourceError, RejectedKey, SourceKeys, TrustedKey};
use crate::aws::{Aws, Failure};
use crate::signature::PublicKey;
use crate::time::{Interval, Timestamp};

/// What reports call the source of these keys; where CloudTrail is asked at an endpoint that is not AWS's own, they add
/// which.
pub const SOURCE: &str = "cloudtrail";

/// How many pages of keys are read. A year of one region is some 13 keys.
const MAX_PAGES: usize = 200;

/// How many keys are taken, on however many pages: they are held in memory.
const MAX_KEYS: usize = 10_000;

/// Asks `ListPublicKeys`.
#[derive(Clone, Debug)]
pub struct CloudTrailKeys {
    aws: Arc<Aws>,
    source: String,
}

impl CloudTrailKeys {
    /// Asks with the credentials of `aws`.
    #[must_use]
    pub fn new(aws: Arc<Aws>) -> Self {
        let source = source(aws.cloudtrail_endpoint().as_deref());
        Self { aws, source }
    }
}

impl KeySource for CloudTrailKeys {
    fn keys(&self, region: &str, span: Interval) -> Result<SourceKeys, KeySourceError> {
        let client = self.aws.cloudtrail(region);
        let listed = self.aws.block_on(list(&client, &self.source, region, span));
        listed.map_err(|why| KeySourceError { region: region.to_owned(), why })
    }
}

/// What reports say of keys that come from `endpoint`: a scheme and a host, without the password that a URL may hold.
fn source(endpoint: Option<&str>) -> String {
    let Some(endpoint) = endpoint else { return SOURCE.to_owned() };
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", endpoint));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{SOURCE} at {scheme}://{host}")
}

async fn list(client: &Client, source: &str, region: &str, span: Interval) -> Result<SourceKeys, String> {
    let time = |time: Timestamp| DateTime::from_secs(time.unix());
    let (mut found, mut token, mut entry) = (SourceKeys::default(), None, 0);
    for _ in 0..MAX_PAGES {
        let request = client.list_public_keys().start_time(time(span.start)).end_time(time(span.end));
        let answer = request.set_next_token(token).send().await;
        let answer = answer.map_err(|error| Failure::of(&error).to_string())?;
        for listed in answer.public_key_list() {
            entry += 1;
            match trusted(source, region, listed) {
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

/// A listed key, or what is wrong with it. The digests that name it then say that it is unknown.
fn trusted(source: &str, region: &str, listed: &Listed) -> Result<TrustedKey, String> {
    let value = listed.value().ok_or("no value")?;
    let key = PublicKey::from_der(value.as_ref()).map_err(|error| error.to_string())?;
    let fingerprint = listed.fingerprint().ok_or("no fingerprint")?;
    if key.fingerprint() != fingerprint {
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

fn rejected(source: &str, region: &str, entry: usize, listed: &Listed, reason: &str) -> RejectedKey {
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
