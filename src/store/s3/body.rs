//! The body of an object, read in chunks. Where it breaks off, the rest is asked for anew.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Buf as _, Bytes};

use super::Bucket;
use crate::aws::{Failure, Nature};
use crate::store::Metadata;

/// How often a body is asked for anew where it breaks off, before so much more of it was read as [`PROGRESS`].
const MAX_RESUMES: u32 = 6;

/// How many bytes make up for a body that broke off.
const PROGRESS: u64 = 1 << 20;

/// Wait before a body is asked for anew; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// How long to wait for more of a body before it counts as broken off, unless the store says otherwise. The SDK's own
/// guard against streams that stall does not watch those that come without it.
pub(super) const STALL: Duration = Duration::from_secs(30);

/// The fewest bytes that have to come in that time, unless the body ends with fewer.
const SLOWEST: u64 = 64 << 10;

/// An object as it begins to arrive.
pub(super) struct Answer {
    pub(super) stream: ByteStream,
    pub(super) metadata: Metadata,
    pub(super) etag: Option<String>,
    /// Length of the body, where it is said.
    pub(super) length: Option<u64>,
}

impl From<GetObjectOutput> for Answer {
    fn from(mut answer: GetObjectOutput) -> Self {
        Self {
            metadata: answer.metadata.take().unwrap_or_default().into_iter().collect(),
            etag: answer.e_tag.take(),
            length: answer.content_length.and_then(|length| u64::try_from(length).ok()),
            stream: answer.body,
        }
    }
}

/// A body that is being read.
pub(super) struct Body {
    bucket: Arc<Bucket>,
    key: String,
    /// What tells that the object was not replaced meanwhile.
    etag: Option<String>,
    /// Length of the whole body, where S3 says it.
    length: Option<u64>,
    /// Bytes received.
    position: u64,
    stream: ByteStream,
    chunk: Bytes,
    finished: bool,
    /// Since when, and from which position on, the body has to come at [`SLOWEST`] at least.
    watched: (Instant, u64),
    resumes: u32,
    /// Where the body broke off last.
    broken_at: u64,
}

impl Body {
    /// Asks for the object at `key` and waits for its beginning: most objects are there whole then.
    pub(super) async fn open(bucket: Arc<Bucket>, key: &str) -> Result<(Self, Metadata), Failure> {
        let Answer { stream, metadata, etag, length } = match bucket.direct.get(key).await {
            Some(answer) => answer,
            None => bucket.get(key, None, None).await?.into(),
        };
        let mut body = Self {
            bucket,
            key: key.to_owned(),
            etag,
            length,
            position: 0,
            stream,
            chunk: Bytes::new(),
            finished: false,
            watched: (Instant::now(), 0),
            resumes: 0,
            broken_at: 0,
        };
        body.advance().await?;
        Ok((body, metadata))
    }

    /// Length of the whole body, where S3 says it.
    pub(super) const fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next chunk; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        self.advance().await?;
        Ok(Some(std::mem::take(&mut self.chunk)).filter(|chunk| !chunk.is_empty()))
    }

    /// Waits for the next chunk; an empty one is the end.
    async fn advance(&mut self) -> Result<(), Failure> {
        while self.chunk.is_empty() && !self.finished {
            if self.length == Some(self.position) {
                self.finished = true;
                return Ok(());
            }
            match tokio::time::timeout(self.bucket.stall, self.stream.next()).await {
                Ok(Some(Ok(chunk))) => self.take(chunk).await?,
                Ok(None) if self.length.is_none() => self.finished = true,
                Ok(None) => self.resume("the body ends too early").await?,
                Ok(Some(Err(error))) => self.resume(&error.to_string()).await?,
                Err(_) => self.resume("nothing more came").await?,
            }
        }
        Ok(())
    }

    /// Takes a chunk. A body that is longer than was announced is not S3's, and one that drips does not come.
    async fn take(&mut self, chunk: Bytes) -> Result<(), Failure> {
        self.position += chunk.len() as u64;
        self.chunk = chunk;
        if self.length.is_some_and(|length| self.position > length) {
            return Err(unreachable("more of the body came than was announced".to_owned()));
        }
        let (since, from) = self.watched;
        if since.elapsed() > self.bucket.stall {
            self.watched = (Instant::now(), self.position);
            if self.position - from < SLOWEST && self.length != Some(self.position) {
                return self.resume("it comes too slowly").await;
            }
        }
        Ok(())
    }

    /// Asks for the rest of a body that broke off.
    async fn resume(&mut self, why: &str) -> Result<(), Failure> {
        if self.position >= self.broken_at + PROGRESS {
            self.resumes = 0;
        }
        self.broken_at = self.position;
        self.resumes += 1;
        if self.resumes > MAX_RESUMES || self.etag.is_none() {
            return Err(unreachable(format!("the body broke off after {} bytes: {why}", self.position)));
        }
        tokio::time::sleep(FIRST_WAIT * (1 << (self.resumes - 1))).await;
        let range = (self.position > 0).then(|| format!("bytes={}-", self.position));
        let answer = self.bucket.get(&self.key, range, self.etag.clone()).await?;
        match whole_length(&answer, self.position) {
            Some(whole) if self.length.is_none_or(|length| length == whole) => {
                self.length = Some(whole);
                self.stream = answer.body;
                Ok(())
            }
            _ => Err(unreachable("the rest of the body was asked for, and something else came".to_owned())),
        }
    }
}

fn unreachable(message: String) -> Failure {
    Failure { nature: Nature::Unreachable, code: None, message, delete_marker: false }
}

/// Length of the whole body, where `answer` goes on with it at `position`.
fn whole_length(answer: &GetObjectOutput, position: u64) -> Option<u64> {
    let length = u64::try_from(answer.content_length?).ok()?;
    if position == 0 {
        return Some(length);
    }
    let rest = answer.content_range.as_deref()?.strip_prefix("bytes ")?;
    let (start, _) = rest.split_once('-')?;
    (start.parse() == Ok(position)).then(|| position.checked_add(length))?
}

/// Asks for a body as it is stored: some stores inflate what is marked as gzip for whoever does not say that gzip will do.
/// The header is added after signing, since proxies change it on the way.
///
/// Source: Google Cloud Storage, "Transcoding of gzip-compressed files".
#[derive(Debug)]
struct AcceptGzip;

impl Intercept for AcceptGzip {
    fn name(&self) -> &'static str {
        "AcceptGzip"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().insert("accept-encoding", "gzip");
        Ok(())
    }
}

impl Bucket {
    /// Asks for an object, or a part of it.
    async fn get(
        &self,
        key: &str,
        range: Option<String>,
        etag: Option<String>,
    ) -> Result<GetObjectOutput, Failure> {
        // A whole object's GET shows the form of all others.
        let learner = (range.is_none() && etag.is_none()).then(|| self.direct.learner(key));
        let request = self.client.get_object().bucket(&self.name).key(key);
        let request =
            request.set_expected_bucket_owner(self.owner.clone()).set_range(range).set_if_match(etag);
        let request = request.customize().interceptor(AcceptGzip);
        // On the runtime's threads, so that a request goes on while the thread that waits for it works.
        let sent = match learner {
            Some(learner) => tokio::spawn(request.interceptor(learner).send()).await,
            None => tokio::spawn(request.send()).await,
        };
        match sent {
            Ok(sent) => sent.map_err(|error| Failure::of(&error)),
            Err(error) => Err(unreachable(error.to_string())),
        }
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.chunk.is_empty() && !self.finished && self.length != Some(self.position) {
            let aws = Arc::clone(&self.bucket.aws);
            aws.block_on(self.advance()).map_err(|failure| io::Error::other(failure.message))?;
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount.min(self.chunk.len()));
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let taken = available.len().min(into.len());
        let (Some(from), Some(to)) = (available.get(..taken), into.get_mut(..taken)) else { return Ok(0) };
        to.copy_from_slice(from);
        self.consume(taken);
        Ok(taken)
    }
}
