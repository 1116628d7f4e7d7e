//! The one request that is made for every object, without the SDK's machinery around it.
//!
//! The SDK spends several times as long on a GET as its HTTP client does. So the first GET of a bucket goes through the
//! SDK and is looked at on its way out: where it goes, with which headers, signed for what. Further ones are made in
//! the same form, with the SDK's own signer, credentials and connections. Each is one attempt: whatever comes that is
//! no whole answer with status 200, the SDK asks again in its way, with its retries, and says what the failure means.
//!
//! A form is used only if it signs the SDK's own request as the SDK did.

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

use super::body::Answer;
use super::pace::Pace;
use crate::store::Metadata;

/// What a key's characters are in a URI's path: all but RFC 3986's unreserved ones and slashes are encoded.
///
/// Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request", `UriEncode`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// How many direct requests in a row may come to nothing before the SDK is asked at once.
const MAX_FAILURES: u32 = 16;

/// After that, every so many requests one is tried again.
const RETRIED: u32 = 64;

/// How far the service's clock may be off ours, in seconds, before requests are signed for its time.
const TOLERATED: i64 = 60;

/// The status of `SlowDown`.
const SLOW_DOWN: u16 = 503;

const SIGV4: &str = "sigv4";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const METADATA: &str = "x-amz-meta-";

/// Headers that the signer writes.
const BY_SIGNER: [&str; 4] = ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];

/// Headers that belong to one request of the SDK alone.
const OF_ONE: [&str; 2] = ["amz-sdk-invocation-id", "amz-sdk-request"];

/// Direct GETs of one bucket.
#[derive(Debug)]
pub(super) struct Direct {
    pace: Arc<Pace>,
    form: OnceLock<Option<Form>>,
    /// Whether the form signs as the SDK does.
    fits: OnceLock<bool>,
    failures: AtomicU32,
    /// How far the service's clock is ahead of ours, in seconds, by what the SDK signs with.
    ahead: AtomicI64,
}

/// What every GET of a bucket has in common.
struct Form {
    connector: SharedHttpConnector,
    components: RuntimeComponents,
    identities: SharedIdentityResolver,
    /// The URI before the key, and after it.
    uri: (String, String),
    signed: Vec<(String, String)>,
    unsigned: Vec<(String, String)>,
    region: String,
    service: String,
    /// The SDK's own request that the form was taken from: its URI, time and `Authorization`.
    model: (String, SystemTime, String),
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("uri", &self.uri).field("region", &self.region).finish_non_exhaustive()
    }
}

impl Direct {
    /// None yet; `pace` is told of each.
    pub(super) fn new(pace: Arc<Pace>) -> Self {
        let (failures, ahead) = (AtomicU32::new(0), AtomicI64::new(0));
        Self { pace, form: OnceLock::new(), fits: OnceLock::new(), failures, ahead }
    }

    /// The object at `key`, or `None` where the SDK has to be asked.
    pub(super) async fn get(&self, key: &str) -> Option<Answer> {
        let form = self.form.get()?.as_ref()?;
        let failures = self.failures.load(Ordering::Relaxed);
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

    async fn ask(&self, form: &Form, key: &str) -> Option<Answer> {
        let identity = form.identity().await?;
        if !*self.fits.get_or_init(|| form.fits(&identity)) {
            return None;
        }
        let request = form.request(&form.uri_of(key), &identity, self.now()?)?;
        let begun = Instant::now();
        // On the runtime's threads, so that it goes on while the thread that waits for it works.
        let response = tokio::spawn(form.connector.call(request)).await.ok()?.ok()?;
        self.pace.answered(begun.elapsed(), response.status().as_u16() == SLOW_DOWN);
        answer(response)
    }

    /// The present by the service's clock.
    fn now(&self) -> Option<SystemTime> {
        let (now, ahead) = (SystemTime::now(), self.ahead.load(Ordering::Relaxed));
        let difference = Duration::from_secs(ahead.unsigned_abs());
        if ahead < 0 { now.checked_sub(difference) } else { now.checked_add(difference) }
    }

    /// What looks at a GET of `key` by the SDK: for the form, where none is known yet, and for the time.
    pub(super) fn learner(self: &Arc<Self>, key: &str) -> Learner {
        Learner { direct: Arc::clone(self), key: key.to_owned() }
    }

    /// Takes over the difference that the SDK has found out from the service's answers: S3 refuses what is signed for
    /// a time more than 15 minutes off its own.
    fn learn_time(&self, signed_for: SystemTime) {
        let now = SystemTime::now();
        let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or_default();
        let ahead = match signed_for.duration_since(now) {
            Ok(ahead) => seconds(ahead),
            Err(behind) => -seconds(behind.duration()),
        };
        // The time in a header has whole seconds, and is some of them old.
        self.ahead.store(if ahead.abs() < TOLERATED { 0 } else { ahead }, Ordering::Relaxed);
    }
}

/// Takes the form of a bucket's GETs, and the service's time, from one by the SDK.
#[derive(Debug)]
pub(super) struct Learner {
    direct: Arc<Direct>,
    key: String,
}

impl Intercept for Learner {
    fn name(&self) -> &'static str {
        "Learner"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        self.direct.form.get_or_init(|| Form::of(request, &self.key, components, config));
        if let Some(signed_for) = request.headers().get("x-amz-date").and_then(time) {
            self.direct.learn_time(signed_for);
        }
        Ok(())
    }
}

impl Form {
    /// `None` where the request is of a kind that is not made here: unsigned, or signed in another way.
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

    /// The credentials, from the SDK's own cache.
    async fn identity(&self) -> Option<Identity> {
        let cache = self.components.identity_cache();
        let bag = ConfigBag::base();
        cache.resolve_cached_identity(self.identities.clone(), &self.components, &bag).await.ok()
    }

    fn uri_of(&self, key: &str) -> String {
        [&self.uri.0, &*encoded(key), &self.uri.1].concat()
    }

    /// Whether the SDK's own request is signed here as it was there.
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

/// The parts of `AWS4-HMAC-SHA256 Credential=ID/SCOPE, SignedHeaders=NAMES, Signature=…` that tell its form.
fn scope_and_signed_headers(authorization: &str) -> Option<(&str, &str)> {
    let parts = authorization.strip_prefix(ALGORITHM)?.trim_start();
    let part = |name: &str| parts.split(", ").find_map(|part| part.strip_prefix(name));
    Some((part("Credential=")?, part("SignedHeaders=")?))
}

/// Reads `YYYYMMDDTHHMMSSZ`.
fn time(date: &str) -> Option<SystemTime> {
    let moment = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    Some(moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}

/// The SDK's own connections, with its timeouts.
fn connector(components: &RuntimeComponents, config: &ConfigBag) -> Option<SharedHttpConnector> {
    let timeouts = config.load::<TimeoutConfig>()?;
    let mut settings = HttpConnectorSettings::builder();
    settings.set_connect_timeout(timeouts.connect_timeout());
    settings.set_read_timeout(timeouts.read_timeout());
    Some(components.http_client()?.http_connector(&settings.build(), components))
}

/// What is in an answer that has the whole object; `None` for every other.
fn answer(mut response: HttpResponse) -> Option<Answer> {
    if response.status().as_u16() != 200 {
        return None;
    }
    let headers = response.headers();
    let mut metadata = Metadata::new();
    for (name, value) in headers.iter_bytes().filter(|(name, _)| name.starts_with(METADATA)) {
        // What is no text, or said twice, the SDK reads in its way.
        let value = std::str::from_utf8(value).ok()?;
        let name = name.strip_prefix(METADATA)?;
        if metadata.insert(name.to_owned(), value.trim().to_owned()).is_some() {
            return None;
        }
    }
    let etag = headers.get("etag").map(str::to_owned);
    let length = headers.get("content-length")?.parse().ok()?;
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    Some(Answer { stream: ByteStream::new(body), metadata, etag, length: Some(length) })
}
