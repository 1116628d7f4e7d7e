//! S3: which operation a request is, who may do it, and what a refusal looks like.

use std::sync::RwLock;

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Response};

use super::ask::{Ask, Request};
use super::faults::{Fate, Faults};
use super::state::{Held, State};
use super::xml::Xml;
use super::{list, object, versions};

/// The header that names a bucket's region.
const REGION: &str = "x-amz-bucket-region";

/// The operations that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    HeadBucket,
    GetBucketLocation,
    ListObjects,
    ListObjectsV2,
    ListObjectVersions,
    GetObject,
    HeadObject,
    PutObject,
    DeleteObject,
    Unknown,
}

impl Operation {
    fn of(ask: &Ask) -> Self {
        let has = |name| ask.query.contains_key(name);
        match (&ask.method, ask.key.is_empty()) {
            (&Method::HEAD, true) => Self::HeadBucket,
            (&Method::GET, true) if has("location") => Self::GetBucketLocation,
            (&Method::GET, true) if has("versions") => Self::ListObjectVersions,
            (&Method::GET, true) if ask.parameter("list-type") == Some("2") => Self::ListObjectsV2,
            (&Method::GET, true) if !has("list-type") => Self::ListObjects,
            (&Method::GET, false) => Self::GetObject,
            (&Method::HEAD, false) => Self::HeadObject,
            (&Method::PUT, false) => Self::PutObject,
            (&Method::DELETE, false) => Self::DeleteObject,
            _ => Self::Unknown,
        }
    }

    /// What a policy has to allow.
    fn action(self, ask: &Ask) -> &'static str {
        let versioned = ask.query.contains_key("versionId");
        match self {
            Self::HeadBucket | Self::ListObjects | Self::ListObjectsV2 => "s3:ListBucket",
            Self::GetBucketLocation => "s3:GetBucketLocation",
            Self::ListObjectVersions => "s3:ListBucketVersions",
            Self::GetObject | Self::HeadObject if versioned => "s3:GetObjectVersion",
            Self::GetObject | Self::HeadObject => "s3:GetObject",
            Self::PutObject => "s3:PutObject",
            Self::DeleteObject if versioned => "s3:DeleteObjectVersion",
            Self::DeleteObject => "s3:DeleteObject",
            Self::Unknown => "s3:Unknown",
        }
    }
}

/// An answer that is an error.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// S3's name for it.
    pub code: &'static str,
    /// The same for people.
    pub message: &'static str,
    /// What its headers tell beside.
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A refusal without further headers.
    pub fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message, headers: Vec::new() }
    }

    /// The one that does not say why.
    pub fn denied() -> Self {
        Self::new(403, "AccessDenied", "Access Denied")
    }

    /// The same with one header more.
    pub fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    fn response(self) -> Response<Bytes> {
        let mut xml = Xml::error();
        xml.element("Code", self.code);
        xml.element("Message", self.message);
        let mut response = Response::builder().status(self.status).header(CONTENT_TYPE, "application/xml");
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(xml.finish().into()).unwrap()
    }
}

/// An answer of XML.
pub fn document(xml: Xml) -> Response<Bytes> {
    Response::builder().header(CONTENT_TYPE, "application/xml").body(xml.finish().into()).unwrap()
}

/// What is remembered of a request.
pub fn record(ask: &Ask) -> Request {
    Request {
        service: "s3",
        operation: format!("{:?}", Operation::of(ask)),
        bucket: ask.bucket.clone(),
        key: ask.key.clone(),
        query: ask.query.clone(),
        region_signed_for: ask.region.clone().unwrap_or_default(),
        expected_owner: ask.header("x-amz-expected-bucket-owner").map(str::to_owned),
        range: ask.header("range").map(str::to_owned),
        accept_encoding: ask.header("accept-encoding").map(str::to_owned),
        signed_headers: ask.signed_headers(),
        by_sdk: ask.header("amz-sdk-invocation-id").is_some(),
        status: 0,
    }
}

/// The answer of a service that is not well, if this fate is an answer.
pub fn failure(fate: Fate) -> Option<Response<Bytes>> {
    let refusal = match fate {
        Fate::SlowedDown => Refusal::new(503, "SlowDown", "Please reduce your request rate."),
        Fate::InternalError => {
            Refusal::new(500, "InternalError", "We encountered an internal error. Please try again.")
        }
        Fate::Expired => Refusal::new(400, "ExpiredToken", "The provided token has expired."),
        Fate::Refused(status, code) => Refusal::new(status, code, "Refused on purpose"),
        Fate::Answered | Fate::Reset | Fate::Closed | Fate::Hung => return None,
    };
    Some(refusal.response())
}

/// The answer of a service that is well.
pub fn answer(state: &RwLock<State>, faults: &Faults, ask: &Ask) -> Response<Bytes> {
    let operation = Operation::of(ask);
    let answered = match operation {
        Operation::PutObject | Operation::DeleteObject => {
            write(&mut state.write().unwrap(), faults, ask, operation)
        }
        _ => read(&state.read().unwrap(), faults, ask, operation),
    };
    answered.unwrap_or_else(Refusal::response)
}

fn write(
    state: &mut State,
    faults: &Faults,
    ask: &Ask,
    operation: Operation,
) -> Result<Response<Bytes>, Refusal> {
    admit(state, ask, operation)?;
    if operation == Operation::PutObject {
        object::put(state, faults, ask)
    } else {
        Ok(object::delete(state, ask))
    }
}

fn read(state: &State, faults: &Faults, ask: &Ask, operation: Operation) -> Result<Response<Bytes>, Refusal> {
    let held = admit(state, ask, operation)?;
    match operation {
        Operation::HeadBucket => Ok(head_bucket(held)),
        Operation::GetBucketLocation => Ok(location(held)),
        Operation::ListObjects | Operation::ListObjectsV2 => list::answer(held, faults, ask),
        Operation::ListObjectVersions => versions::answer(held, faults, ask),
        Operation::GetObject | Operation::HeadObject => object::get(state, held, faults, ask),
        Operation::PutObject | Operation::DeleteObject | Operation::Unknown => {
            Err(Refusal::new(501, "NotImplemented", "This test server does not know the operation."))
        }
    }
}

/// The bucket, if the request may do what it wants to do there.
fn admit<'a>(state: &'a State, ask: &Ask, operation: Operation) -> Result<&'a Held, Refusal> {
    let Some(region) = &ask.region else { return Err(Refusal::denied()) };
    let Some(held) = state.bucket(&ask.bucket) else {
        return Err(Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist"));
    };
    let settings = &held.settings;
    if operation != Operation::GetBucketLocation && !["*", &settings.region].contains(&&**region) {
        let message =
            "The bucket you are attempting to access must be addressed using the specified endpoint.";
        let redirect = Refusal::new(301, "PermanentRedirect", message);
        return Err(redirect.with(REGION, &settings.region));
    }
    let foreign =
        ask.header("x-amz-expected-bucket-owner").is_some_and(|expected| expected != settings.owner);
    let unread =
        held.denied.contains(&ask.key) && matches!(operation, Operation::GetObject | Operation::HeadObject);
    if foreign || unread || state.denies(operation.action(ask), &resource(ask)) {
        let tells_region = operation == Operation::HeadBucket;
        let denied = Refusal::denied();
        return Err(if tells_region { denied.with(REGION, &settings.region) } else { denied });
    }
    Ok(held)
}

/// What a policy names: an object, or a bucket with the prefix that is to be listed.
pub fn resource(ask: &Ask) -> String {
    let within = if ask.key.is_empty() { ask.parameter("prefix").unwrap_or_default() } else { &ask.key };
    format!("{}/{within}", ask.bucket)
}

fn head_bucket(held: &Held) -> Response<Bytes> {
    Response::builder().header(REGION, &held.settings.region).body(Bytes::new()).unwrap()
}

fn location(held: &Held) -> Response<Bytes> {
    let mut xml = Xml::new("LocationConstraint");
    match held.settings.region.as_str() {
        "us-east-1" => {}
        "eu-west-1" if held.settings.legacy_location => xml.text("EU"),
        region => xml.text(region),
    }
    document(xml)
}
