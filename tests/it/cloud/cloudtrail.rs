//! CloudTrail's API in its JSON protocol: public keys and trails.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::ask::{Ask, Request};
use super::faults::{Fate, Faults};
use super::state::State;

/// So few that a handful of keys shows whether a client asks for more.
const KEYS_A_PAGE: usize = 2;

/// A public key of a region.
#[derive(Debug, Clone)]
pub struct PublicKey {
    /// DER in base64.
    pub value_base64: String,
    /// As the digest files name it.
    pub fingerprint: String,
    /// Unix time in seconds.
    pub valid_from: i64,
    /// Unix time in seconds.
    pub valid_to: i64,
}

/// A trail and how it does; times are Unix times in seconds.
#[derive(Debug, Clone)]
pub struct Trail {
    /// 3 to 128 characters.
    pub name: String,
    /// Where it was made.
    pub home_region: String,
    /// The account that owns it.
    pub account: String,
    /// Where it delivers to.
    pub bucket: String,
    /// What its keys begin with, before `AWSLogs`.
    pub prefix: Option<String>,
    /// Whether it logs all accounts of an organization.
    pub organization: bool,
    /// Whether it logs all regions, and shows in them as a shadow.
    pub multi_region: bool,
    /// Whether it delivers digest files.
    pub validation: bool,
    /// Whether it logs now.
    pub logging: bool,
    /// When it last began to log.
    pub started_logging: Option<i64>,
    /// When it last delivered a log file.
    pub latest_delivery: Option<i64>,
    /// When it last delivered a digest file.
    pub latest_digest_delivery: Option<i64>,
    /// The same of single regions, where it is another time there.
    pub regional_digest_deliveries: BTreeMap<String, i64>,
    /// The S3 error of its last delivery of a log file, if that failed.
    pub latest_delivery_error: Option<String>,
    /// The S3 error of its last delivery of a digest file, if that failed.
    pub latest_digest_delivery_error: Option<String>,
}

/// A trail named `trail` of all regions that logs and validates into the bucket `bucket`.
impl Default for Trail {
    fn default() -> Self {
        Self {
            name: "trail".to_owned(),
            home_region: "us-east-1".to_owned(),
            account: "111122223333".to_owned(),
            bucket: "bucket".to_owned(),
            prefix: None,
            organization: false,
            multi_region: true,
            validation: true,
            logging: true,
            started_logging: None,
            latest_delivery: None,
            latest_digest_delivery: None,
            regional_digest_deliveries: BTreeMap::new(),
            latest_delivery_error: None,
            latest_digest_delivery_error: None,
        }
    }
}

impl Trail {
    /// The trail's ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:cloudtrail:{}:{}:trail/{}", self.home_region, self.account, self.name)
    }

    /// Whether a region knows of the trail, its own or a shadow of it.
    fn shows_in(&self, region: &str) -> bool {
        self.multi_region || self.home_region == region
    }

    /// Whether a region knows it as `asked`: by its name at home alone, by its ARN wherever it shows.
    fn answers_to(&self, asked: &str, region: &str) -> bool {
        (self.name == asked && self.home_region == region) || (self.arn() == asked && self.shows_in(region))
    }
}

/// The code of an error and its message.
type Refusal = (&'static str, &'static str);

/// Whether a request is to CloudTrail.
pub fn is_meant(ask: &Ask) -> bool {
    ask.method == Method::POST && ask.header("x-amz-target").is_some()
}

/// What is remembered of a request.
pub fn record(ask: &Ask) -> Request {
    let as_text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let query: BTreeMap<_, _> =
        body(ask).unwrap_or_default().iter().map(|(name, value)| (name.clone(), as_text(value))).collect();
    Request {
        service: "cloudtrail",
        operation: operation(ask).to_owned(),
        bucket: String::new(),
        key: String::new(),
        query,
        region_signed_for: ask.region.clone().unwrap_or_default(),
        expected_owner: None,
        range: None,
        accept_encoding: None,
        signed_headers: ask.signed_headers(),
        by_sdk: true,
        status: 0,
    }
}

/// The last part of `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.ListPublicKeys`.
fn operation(ask: &Ask) -> &str {
    let target = ask.header("x-amz-target").unwrap_or_default();
    let (service, operation) = target.rsplit_once('.').unwrap_or_default();
    if service.ends_with("CloudTrail_20131101") { operation } else { "Unknown" }
}

fn body(ask: &Ask) -> Option<Map<String, Value>> {
    serde_json::from_slice(&ask.body).ok()
}

/// The answer of a service that is not well, if this fate is an answer.
pub fn failure(fate: Fate) -> Option<Response<Bytes>> {
    match fate {
        Fate::SlowedDown => Some(refused(400, ("ThrottlingException", "Rate exceeded"))),
        Fate::InternalError => Some(refused(500, ("InternalFailure", "An internal error occurred."))),
        Fate::Expired => {
            Some(refused(400, ("ExpiredTokenException", "The security token in the request is expired")))
        }
        Fate::Refused(status, code) => Some(refused(status, (code, "Refused on purpose"))),
        Fate::Answered | Fate::Reset | Fate::Closed | Fate::Hung => None,
    }
}

/// The answer of a service that is well.
pub fn answer(state: &State, faults: &Faults, ask: &Ask) -> Response<Bytes> {
    match result(state, faults, ask) {
        Ok(value) => respond(200, &value),
        Err(refusal) => refused(400, refusal),
    }
}

fn refused(status: u16, (code, message): Refusal) -> Response<Bytes> {
    respond(status, &json!({ "__type": code, "message": message }))
}

fn respond(status: u16, value: &Value) -> Response<Bytes> {
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/x-amz-json-1.1");
    response.body(value.to_string().into()).unwrap()
}

fn result(state: &State, faults: &Faults, ask: &Ask) -> Result<Value, Refusal> {
    let unsigned = ("MissingAuthenticationTokenException", "Missing Authentication Token");
    let region = ask.region.as_deref().ok_or(unsigned)?;
    let operation = operation(ask);
    if state.denies(&format!("cloudtrail:{operation}"), region) {
        return Err(("AccessDeniedException", "User is not authorized to perform this action"));
    }
    let body = body(ask).ok_or(("SerializationException", "The body is no JSON object"))?;
    match operation {
        "ListPublicKeys" => list_public_keys(state, faults, ask, region, &body),
        "DescribeTrails" => describe_trails(state, region, &body),
        "GetTrailStatus" => trail_status(state, region, &body),
        "ListTrails" => Ok(list_trails(state, faults)),
        _ => Err(("UnknownOperationException", "This test server does not know the operation")),
    }
}

fn list_public_keys(
    state: &State,
    faults: &Faults,
    ask: &Ask,
    region: &str,
    body: &Map<String, Value>,
) -> Result<Value, Refusal> {
    let time = |name| body.get(name).and_then(seconds).unwrap_or_else(|| state.now());
    let (start, end) = (time("StartTime"), time("EndTime"));
    if start > end {
        return Err(("InvalidTimeRangeException", "The start time is after the end time"));
    }
    let token = body.get("NextToken").and_then(Value::as_str);
    let skipped = token.map_or(Ok(0), position)?;
    let all = state.keys.get(region).map(Vec::as_slice).unwrap_or_default();
    let valid: Vec<Value> =
        all.iter().filter(|key| key.valid_from <= end && key.valid_to >= start).map(key_json).collect();
    let page: Vec<&Value> = valid.iter().skip(skipped).take(KEYS_A_PAGE).collect();
    let following = skipped + page.len();
    let next = if faults.repeat_page && token.is_some() { skipped } else { following };
    let mut answer = json!({ "PublicKeyList": page });
    if following < valid.len() || faults.repeat_page {
        // Another token every time, as AWS has it.
        answer["NextToken"] = format!("{}-{next}", ask.number).into();
    }
    Ok(answer)
}

fn position(token: &str) -> Result<usize, Refusal> {
    let position = token.split_once('-').and_then(|(_, position)| position.parse().ok());
    position.ok_or(("InvalidTokenException", "The token is not one of this server"))
}

fn key_json(key: &PublicKey) -> Value {
    json!({
        "Value": key.value_base64,
        "Fingerprint": key.fingerprint,
        "ValidityStartTime": key.valid_from,
        "ValidityEndTime": key.valid_to,
    })
}

fn describe_trails(state: &State, region: &str, body: &Map<String, Value>) -> Result<Value, Refusal> {
    let shadows = body.get("includeShadowTrails").and_then(Value::as_bool).unwrap_or(true);
    let names = body.get("trailNameList").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    names.iter().try_for_each(|name| check_name(name))?;
    let shown = state.trails.iter().filter(|trail| {
        let shows = trail.home_region == region || (shadows && trail.shows_in(region));
        shows && (names.is_empty() || names.iter().any(|name| trail.answers_to(name, region)))
    });
    Ok(json!({ "trailList": shown.map(trail_json).collect::<Vec<_>>() }))
}

fn trail_json(trail: &Trail) -> Value {
    let mut value = json!({
        "Name": trail.name,
        "S3BucketName": trail.bucket,
        "IncludeGlobalServiceEvents": true,
        "IsMultiRegionTrail": trail.multi_region,
        "HomeRegion": trail.home_region,
        "TrailARN": trail.arn(),
        "LogFileValidationEnabled": trail.validation,
        "HasCustomEventSelectors": false,
        "HasInsightSelectors": false,
        "IsOrganizationTrail": trail.organization,
    });
    if let Some(prefix) = &trail.prefix {
        value["S3KeyPrefix"] = prefix.as_str().into();
    }
    value
}

fn trail_status(state: &State, region: &str, body: &Map<String, Value>) -> Result<Value, Refusal> {
    let name = body.get("Name").and_then(Value::as_str).unwrap_or_default();
    check_name(name)?;
    let trail = state.trails.iter().find(|trail| trail.answers_to(name, region));
    let trail = trail.ok_or(("TrailNotFoundException", "Unknown trail"))?;
    let regional = trail.regional_digest_deliveries.get(region).copied();
    let digest_delivery = regional.or(trail.latest_digest_delivery);
    let fields = [
        ("IsLogging", Some(trail.logging.into())),
        ("StartLoggingTime", trail.started_logging.map(Value::from)),
        ("LatestDeliveryTime", trail.latest_delivery.map(Value::from)),
        ("LatestDigestDeliveryTime", digest_delivery.map(Value::from)),
        ("LatestDeliveryError", trail.latest_delivery_error.clone().map(Value::from)),
        ("LatestDigestDeliveryError", trail.latest_digest_delivery_error.clone().map(Value::from)),
    ];
    let there = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(Value::Object(there.collect()))
}

/// All on one page, which may be followed by itself.
fn list_trails(state: &State, faults: &Faults) -> Value {
    let trail = |trail: &Trail| json!({ "TrailARN": trail.arn(), "Name": trail.name, "HomeRegion": trail.home_region });
    let mut answer = json!({ "Trails": state.trails.iter().map(trail).collect::<Vec<_>>() });
    if faults.repeat_page {
        answer["NextToken"] = "again".into();
    }
    answer
}

/// A trail is asked for by name, 3 to 128 letters, digits and `._-`, or by an ARN that ends in one.
fn check_name(asked: &str) -> Result<(), Refusal> {
    let name = match asked.strip_prefix("arn:") {
        Some(arn) => trail_of_arn(arn).unwrap_or_default(),
        None => asked,
    };
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (3..=128).contains(&name.len()) && name.bytes().all(known) {
        return Ok(());
    }
    Err(("InvalidTrailNameException", "The name or ARN of the trail is not valid"))
}

/// From `aws:cloudtrail:REGION:ACCOUNT:trail/NAME`.
fn trail_of_arn(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        [_, "cloudtrail", _, _, resource] => resource.strip_prefix("trail/"),
        _ => None,
    }
}

/// The keys of a saved `list-public-keys` answer.
pub fn saved_keys(json: &str) -> Vec<PublicKey> {
    let saved: Value = serde_json::from_str(json).expect("saved keys are JSON");
    let keys = saved["PublicKeyList"].as_array().expect("saved keys have a `PublicKeyList`");
    let text = |key: &Value, name: &str| key[name].as_str().expect("keys have texts").to_owned();
    let time = |key: &Value, name: &str| seconds(&key[name]).expect("keys have times");
    let key = |key: &Value| PublicKey {
        value_base64: text(key, "Value"),
        fingerprint: text(key, "Fingerprint"),
        valid_from: time(key, "ValidityStartTime"),
        valid_to: time(key, "ValidityEndTime"),
    };
    keys.iter().map(key).collect()
}

/// Unix time from a number or from RFC 3339.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        #[allow(clippy::cast_possible_truncation, reason = "whole seconds are meant")]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|time| time as i64)),
        Value::String(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_second),
        _ => None,
    }
}
