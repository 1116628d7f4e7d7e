//! GET requests for whole objects, without the overhead of the SDK.
//!
//! The SDK needs several times as long for a GET as the SDK's HTTP client alone. So the SDK sends the first GET of a
//! bucket, and an interceptor records the form of the request: address, headers and signing scope. Later GETs reuse
//! the form, with the SDK's signer, credentials and connections. A direct request is a single attempt. Unless the
//! answer is a whole object with status 200, the SDK sends the request again, with retries, and explains any failure.
//!
//! A form is used only if signing the recorded request again gives the SDK's signature.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    ConfigBag, HttpClient as _, Intercept, ResolveCachedIdentity as _, RuntimeComponents,
};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningInstructions,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::{Identity, SharedIdentityResolver};
use aws_smithy_runtime_api::client::runtime_components::GetIdentityResolver as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::body::ObjectAnswer;
use super::pace::RequestPace;
use crate::store::{Metadata, ObjectFacts};
use crate::time::Timestamp;

/// Characters percent-encoded in a key: all except RFC 3986's unreserved characters and the slash.
///
/// Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request", `UriEncode`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Consecutive failed direct requests before requests go to the SDK at once.
const MAX_FAILURES: u32 = 16;

/// After [`MAX_FAILURES`], one direct attempt in so many requests.
const RETRIED: u32 = 64;

/// Largest ignored difference between the service's clock and the local clock, in seconds. Past the limit, requests
/// are signed with the service's time.
const TOLERATED: i64 = 60;

/// HTTP status of `SlowDown`.
const SLOW_DOWN: u16 = 503;

const SIGV4: &str = "sigv4";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const METADATA: &str = "x-amz-meta-";

/// Headers written by the signer.
const BY_SIGNER: [&str; 4] = ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];

/// Headers specific to a single request of the SDK.
const OF_ONE: [&str; 2] = ["amz-sdk-invocation-id", "amz-sdk-request"];

/// Direct GET requests for a bucket.
#[derive(Debug)]
pub(super) struct DirectGets {
    pace: Arc<RequestPace>,
    form: OnceLock<Option<RequestForm>>,
    /// Whether signing with the form reproduces the SDK's signature.
    fits: OnceLock<bool>,
    failures: AtomicU32,
    /// Seconds the service's clock is ahead of the local clock, taken from the SDK's signing time.
    ahead: AtomicI64,
}

/// The common part of all GET requests for a bucket.
struct RequestForm {
    connector: SharedHttpConnector,
    components: RuntimeComponents,
    identities: SharedIdentityResolver,
    /// The URI before and after the key.
    uri: (String, String),
    signed: Vec<(String, String)>,
    unsigned: Vec<(String, String)>,
    region: String,
    service: String,
    /// The recorded request of the SDK: URI, signing time and `Authorization` header.
    model: (String, SystemTime, String),
}

impl fmt::Debug for RequestForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestForm")
            .field("uri", &self.uri)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl DirectGets {
    /// Starts without a form. `pace` receives the duration of every answer.
    pub(super) fn new(pace: Arc<RequestPace>) -> Self {
        let (failures, ahead) = (AtomicU32::new(0), AtomicI64::new(0));
        Self { pace, form: OnceLock::new(), fits: OnceLock::new(), failures, ahead }
    }

    /// Requests the object at `key`; `None` if the SDK must send the request.
    pub(super) async fn get(&self, key: &str) -> Option<ObjectAnswer> {
        let form = self.form.get()?.as_ref()?;
        let failures = self.failures.load(Ordering::Relaxed);
        // Direct requests keep failing: try only every `RETRIED`th, and leave the others to the SDK.
        if failures >= MAX_FAILURES && !failures.is_multiple_of(RETRIED) {
            self.failures.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let answer = self.ask(form, key).await;
        match &answer {
            Some(_) => self.failures.store(0, Ordering::Relaxed),
            None => drop(self.failures.fetch_add(1, Ordering::Relaxed)),
        }
        answer
    }

    async fn ask(&self, form: &RequestForm, key: &str) -> Option<ObjectAnswer> {
        let identity = form.identity().await?;
        if !*self.fits.get_or_init(|| form.fits(&identity)) {
            return None;
        }
        let request = form.request(&form.uri_of(key), &identity, self.now()?)?;
        let begun = Instant::now();
        // Sent from the runtime's threads, so that the request continues while the waiting thread does other work.
        let response = tokio::spawn(form.connector.call(request)).await.ok()?.ok()?;
        self.pace.answered(begun.elapsed(), response.status().as_u16() == SLOW_DOWN);
        answer(response)
    }

    /// The current time of the service's clock.
    fn now(&self) -> Option<SystemTime> {
        let (now, ahead) = (SystemTime::now(), self.ahead.load(Ordering::Relaxed));
        let difference = Duration::from_secs(ahead.unsigned_abs());
        if ahead < 0 { now.checked_sub(difference) } else { now.checked_add(difference) }
    }

    /// Creates an interceptor for a GET of `key` through the SDK. The interceptor records the form, if still unknown,
    /// and the service's time.
    pub(super) fn recorder(self: &Arc<Self>, key: &str) -> FormRecorder {
        FormRecorder { direct: Arc::clone(self), key: key.to_owned() }
    }

    /// Stores the clock difference that the SDK derived from the service's answers. S3 refuses a request signed for a
    /// time more than 15 minutes from S3's own.
    fn record_time(&self, signed_for: SystemTime) {
        let now = SystemTime::now();
        let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or_default();
        let ahead = match signed_for.duration_since(now) {
            Ok(ahead) => seconds(ahead),
            Err(behind) => -seconds(behind.duration()),
        };
        // The header holds whole seconds, and signing happened a little earlier: small differences are noise.
        self.ahead.store(if ahead.abs() < TOLERATED { 0 } else { ahead }, Ordering::Relaxed);
    }
}

/// Records the form of a bucket's GET requests, and the service's time, from a request of the SDK.
#[derive(Debug)]
pub(super) struct FormRecorder {
    direct: Arc<DirectGets>,
    key: String,
}

impl Intercept for FormRecorder {
    fn name(&self) -> &'static str {
        "FormRecorder"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        self.direct.form.get_or_init(|| RequestForm::of(request, &self.key, components, config));
        if let Some(signed_for) = request.headers().get("x-amz-date").and_then(time) {
            self.direct.record_time(signed_for);
        }
        Ok(())
    }
}

impl RequestForm {
    /// Reads the form of `request`. `None` if direct requests do not support the signing: unsigned, or another
    /// algorithm.
    fn of(
        request: &HttpRequest,
        key: &str,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Option<Self> {
        let authorization = request.headers().get("authorization")?;
        let (scope, names) = scope_and_signed_headers(authorization)?;
        let mut scope = scope.rsplit('/').skip(1);
        let (service, region) = (scope.next()?.to_owned(), scope.next()?.to_owned());
        let (path, query) = request.uri().split_once('?').unwrap_or((request.uri(), ""));
        // The path must end in the encoded key: the form replaces this part with other keys.
        let before = path.strip_suffix(&encoded(key))?.to_owned();
        let after = if query.is_empty() { String::new() } else { format!("?{query}") };
        let kept = request.headers().iter().filter(|(name, _)| !BY_SIGNER.contains(name) && *name != "host");
        let (signed, unsigned): (Vec<_>, Vec<_>) =
            kept.partition(|(name, _)| names.split(';').any(|signed| signed == *name));
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let time = request.headers().get("x-amz-date").and_then(time)?;
        Some(Self {
            connector: connector(components, config)?,
            identities: components.identity_resolver(AuthSchemeId::from(SIGV4))?,
            components: components.clone(),
            uri: (before, after),
            signed: signed.into_iter().map(owned).collect(),
            unsigned: unsigned.into_iter().filter(|(name, _)| !OF_ONE.contains(name)).map(owned).collect(),
            region,
            service,
            model: (request.uri().to_owned(), time, authorization.to_owned()),
        })
    }

    /// The credentials, from the SDK's cache.
    async fn identity(&self) -> Option<Identity> {
        let cache = self.components.identity_cache();
        let bag = ConfigBag::base();
        cache.resolve_cached_identity(self.identities.clone(), &self.components, &bag).await.ok()
    }

    fn uri_of(&self, key: &str) -> String {
        [&self.uri.0, &*encoded(key), &self.uri.1].concat()
    }

    /// Whether signing the recorded request again gives the SDK's signature.
    fn fits(&self, identity: &Identity) -> bool {
        let (uri, time, authorization) = &self.model;
        let instructions = self.sign(uri, identity, *time);
        let ours = instructions.as_ref().and_then(|signed| {
            signed.headers().find(|(name, _)| *name == "authorization").map(|(_, value)| value)
        });
        ours == Some(authorization)
    }

    fn sign(&self, uri: &str, identity: &Identity, time: SystemTime) -> Option<SigningInstructions> {
        let mut settings = SigningSettings::default();
        // S3 signs the path as sent: encoded once, and without normalising `..` or `//`.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(identity)
            .region(&self.region)
            .name(&self.service)
            .time(time)
            .settings(settings);
        let headers = self.signed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = SignableRequest::new("GET", uri, headers, SignableBody::empty()).ok()?;
        let (instructions, _) = sign(request, &parameters.build().ok()?.into()).ok()?.into_parts();
        Some(instructions)
    }

    fn request(&self, uri: &str, identity: &Identity, time: SystemTime) -> Option<HttpRequest> {
        let mut request = HttpRequest::get(uri).ok()?;
        let headers = request.headers_mut();
        for (name, value) in self.signed.iter().chain(&self.unsigned) {
            headers.try_insert(name.clone(), value.clone()).ok()?;
        }
        let (signature, _) = self.sign(uri, identity, time)?.into_parts();
        for header in signature {
            headers.try_insert(header.name(), header.value().to_owned()).ok()?;
        }
        Some(request)
    }
}

fn encoded(key: &str) -> String {
    utf8_percent_encode(key, ENCODED).to_string()
}

/// The scope and the signed header names in `AWS4-HMAC-SHA256 Credential=ID/SCOPE, SignedHeaders=NAMES, Signature=…`.
fn scope_and_signed_headers(authorization: &str) -> Option<(&str, &str)> {
    let parts = authorization.strip_prefix(ALGORITHM)?.trim_start();
    let part = |name: &str| parts.split(", ").find_map(|part| part.strip_prefix(name));
    Some((part("Credential=")?, part("SignedHeaders=")?))
}

/// Parses a time in the format `YYYYMMDDTHHMMSSZ`.
fn time(date: &str) -> Option<SystemTime> {
    let moment = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    Some(moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}

/// Connects through the SDK's connection pool, with the SDK's timeouts.
fn connector(components: &RuntimeComponents, config: &ConfigBag) -> Option<SharedHttpConnector> {
    let timeouts = config.load::<TimeoutConfig>()?;
    let mut settings = HttpConnectorSettings::builder();
    settings.set_connect_timeout(timeouts.connect_timeout());
    settings.set_read_timeout(timeouts.read_timeout());
    Some(components.http_client()?.http_connector(&settings.build(), components))
}

/// Converts an answer with a whole object; `None` for any other answer.
fn answer(mut response: HttpResponse) -> Option<ObjectAnswer> {
    if response.status().as_u16() != 200 {
        return None;
    }
    let headers = response.headers();
    let mut metadata = Metadata::new();
    for (name, value) in headers.iter_bytes().filter(|(name, _)| name.starts_with(METADATA)) {
        // Metadata that is not UTF-8, or has a repeated name, is left to the SDK.
        let value = std::str::from_utf8(value).ok()?;
        let name = name.strip_prefix(METADATA)?;
        if metadata.insert(name.to_owned(), value.trim().to_owned()).is_some() {
            return None;
        }
    }
    let facts = ObjectFacts {
        size: Some(headers.get("content-length")?.parse().ok()?),
        modified: headers.get("last-modified").and_then(http_date),
        etag: headers.get("etag").map(str::to_owned),
        version: headers.get("x-amz-version-id").map(str::to_owned),
        doubt: None,
    };
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    Some(ObjectAnswer { stream: ByteStream::new(body), metadata, facts })
}

/// Parses a time such as `Tue, 01 Sep 2026 12:06:57 GMT` (RFC 9110, section 5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from_unix(time.timestamp().as_second()))
}
