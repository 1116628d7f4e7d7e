//! What S3 and CloudTrail answer, as the clients of the SDK and our code after them read it.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use trailproof::aws::Aws;
use trailproof::ident::Location;
use trailproof::keys::KeySource as _;
use trailproof::keys::cloudtrail::CloudTrailKeys;
use trailproof::store::s3::S3Store;
use trailproof::store::{Store as _, StoreError};
use trailproof::time::{Interval, Timestamp};

/// What stands between two answers.
const SEPARATOR: &[u8] = b"\0NEXT\0";

/// The prefix that is listed, and a key in it.
const PREFIX: &str = "AWSLogs/";
const AFTER: &str = "AWSLogs/1";

/// Most keys that are taken of a listing.
const MOST: usize = 20_000;

/// Status codes that an answer may have.
const STATUSES: [u16; 8] = [200, 200, 200, 403, 404, 400, 416, 304];

#[derive(Debug, Default)]
struct Answers(Mutex<Vec<(u16, Vec<u8>)>>);

impl Answers {
    fn set(&self, answers: Vec<(u16, Vec<u8>)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = answers;
    }

    /// The next one; the last is given again and again.
    fn next(&self) -> (u16, Vec<u8>) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.len() {
            0 => (200, Vec::new()),
            1 => answers[0].clone(),
            _ => answers.remove(0),
        }
    }
}

#[derive(Debug, Clone)]
struct Fake(Arc<Answers>);

impl HttpConnector for Fake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_head = request.method() == "HEAD";
        let (status, body) = if is_head { (200, Vec::new()) } else { self.0.next() };
        let length = body.len();
        let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
        response.headers_mut().insert("x-amz-bucket-region", "us-east-1");
        response.headers_mut().insert("content-length", length.to_string());
        HttpConnectorFuture::ready(Ok(response))
    }
}

struct World {
    answers: Arc<Answers>,
    store: S3Store,
    keys: CloudTrailKeys,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let answers = Arc::new(Answers::default());
    let connector = SharedHttpConnector::new(Fake(Arc::clone(&answers)));
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url("http://127.0.0.1:1")
        .retry_config(RetryConfig::disabled())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let aws = Aws::from_config(config).unwrap();
    World { answers, store: S3Store::new(Arc::clone(&aws), None), keys: CloudTrailKeys::new(aws) }
});

/// Listings are in order, of what was asked for, and end; an object is as it was sent.
pub fn check(bytes: &[u8]) {
    let (what, bytes) = bytes.split_first().map_or((0, bytes), |(first, rest)| (*first, rest));
    let answers = split(bytes).into_iter().map(|answer| match answer.split_first() {
        Some((status, body)) => (STATUSES[usize::from(*status) % STATUSES.len()], body.to_vec()),
        None => (200, Vec::new()),
    });
    let mut answers: Vec<_> = answers.collect();
    let first = answers.first().cloned().unwrap_or_default();
    // One world for all: answers are taken in turn, so only one check at a time may ask for them.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if what % 5 == 3 {
        // An object may be asked for more than once, and is the same each time.
        answers.truncate(1);
    }
    WORLD.answers.set(answers);
    match what % 5 {
        0 => listing(None),
        1 => listing(Some(AFTER)),
        2 => folders(),
        3 => object(&first),
        _ => keys(),
    }
}

fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(at) = bytes.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        parts.push(&bytes[..at]);
        bytes = &bytes[at + SEPARATOR.len()..];
    }
    parts.push(bytes);
    parts
}

fn listing(after: Option<&str>) {
    let mut last = after.map(str::to_owned);
    let mut listing = WORLD.store.list("bucket", PREFIX, after);
    for listed in listing.by_ref().take(MOST) {
        let Ok(listed) = listed else { break };
        assert!(listed.key.starts_with(PREFIX), "{listed:?}");
        assert!(last.as_ref().is_none_or(|last| *last < listed.key), "{listed:?} after {last:?}");
        last = Some(listed.key);
    }
    assert!(listing.next().is_none(), "a listing goes on after its end");
}

fn folders() {
    if let Ok(names) = WORLD.store.list_dirs("bucket", PREFIX) {
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
    }
    let _ = WORLD.store.versions(&Location::new("bucket", AFTER));
}

fn object((status, body): &(u16, Vec<u8>)) {
    match WORLD.store.get(&Location::new("bucket", AFTER)) {
        Ok(mut object) => {
            let mut read = Vec::new();
            std::io::Read::read_to_end(&mut object.body, &mut read).unwrap();
            assert!(*status == 200, "an object of an answer that has none");
            assert_eq!(String::from_utf8_lossy(&read), String::from_utf8_lossy(body));
        }
        Err(error) => assert!(*status != 200 || !matches!(error, StoreError::NotFound), "{error}"),
    }
}

fn keys() {
    let span = Interval::new(Timestamp::from_unix(0), Timestamp::from_unix(1)).unwrap();
    match WORLD.keys.keys("us-east-1", span) {
        Ok(found) => {
            assert!(found.keys.iter().all(|key| key.validity.is_some() && !key.key.fingerprint().is_empty()));
            let reasons = found.rejected.iter().map(|key| &key.reason);
            assert!(reasons.clone().all(|reason| !reason.contains(char::is_control)), "{:?}", found.rejected);
        }
        Err(error) => assert!(!error.why.contains(char::is_control), "{}", error.why),
    }
}
