//! The body of an object, read in chunks. An interrupted body is resumed with a request for the rest.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Buf as _, Bytes};

use super::S3Bucket;
use crate::aws::{Failure, Nature};
use crate::store::{Metadata, ObjectFacts};
use crate::time::Timestamp;

/// Most resumed requests in a row, each after fewer than [`PROGRESS`] bytes.
const MAX_RESUMES: u32 = 6;

/// Bytes received after an interruption before the count of resumed requests starts again.
const PROGRESS: u64 = 1 << 20;

/// Wait before the first resumed request; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Default for the longest wait for more bytes of a body. The SDK has stall protection of its own, but direct
/// requests have none.
pub(super) const STALL: Duration = Duration::from_secs(30);

/// Fewest bytes within the stall time; only the end of a body may have fewer.
const SLOWEST: u64 = 64 << 10;

/// An answer with the beginning of an object.
pub(super) struct ObjectAnswer {
    pub(super) stream: ByteStream,
    pub(super) metadata: Metadata,
    /// Length of the body in bytes, if announced, with the time of the last write, the entity tag and the version.
    pub(super) facts: ObjectFacts,
}

impl From<GetObjectOutput> for ObjectAnswer {
    fn from(mut answer: GetObjectOutput) -> Self {
        Self {
            metadata: answer.metadata.take().unwrap_or_default().into_iter().collect(),
            facts: ObjectFacts {
                size: answer.content_length.and_then(|length| u64::try_from(length).ok()),
                modified: answer.last_modified.map(|time| Timestamp::from_unix(time.secs())),
                etag: answer.e_tag.take(),
                version: answer.version_id.take(),
                doubt: None,
            },
            stream: answer.body,
        }
    }
}

/// A body during reading.
pub(super) struct ObjectBody {
    bucket: Arc<S3Bucket>,
    key: String,
    /// What the first answer says of the object. The entity tag identifies the content: a resumed request fails if the
    /// object was replaced. The size is the length of the whole body in bytes, if announced by S3.
    facts: ObjectFacts,
    /// Bytes received so far.
    position: u64,
    stream: ByteStream,
    chunk: Bytes,
    finished: bool,
    /// Start of the current speed measurement, and the position at the start. See [`SLOWEST`].
    watched: (Instant, u64),
    resumes: u32,
    /// Position of the last interruption, in bytes.
    broken_at: u64,
}

impl ObjectBody {
    /// Requests the object at `key` and waits for the first chunk. For most objects the first chunk is the whole
    /// body.
    pub(super) async fn open(bucket: Arc<S3Bucket>, key: &str) -> Result<(Self, Metadata), Failure> {
        let ObjectAnswer { stream, metadata, facts } = match bucket.direct.get(key).await {
            Some(answer) => answer,
            None => bucket.get(key, None, None).await?.into(),
        };
        let mut body = Self {
            bucket,
            key: key.to_owned(),
            facts,
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

    /// Length of the whole body in bytes, if announced by S3.
    pub(super) const fn length(&self) -> Option<u64> {
        self.facts.size
    }

    /// What S3 says of the object.
    pub(super) fn facts(&self) -> ObjectFacts {
        self.facts.clone()
    }

    /// The next chunk; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        self.advance().await?;
        Ok(Some(std::mem::take(&mut self.chunk)).filter(|chunk| !chunk.is_empty()))
    }

    /// Waits for the next chunk; an empty chunk marks the end.
    async fn advance(&mut self) -> Result<(), Failure> {
        while self.chunk.is_empty() && !self.finished {
            if self.facts.size == Some(self.position) {
                self.finished = true;
                return Ok(());
            }
            match tokio::time::timeout(self.bucket.stall, self.stream.next()).await {
                Ok(Some(Ok(chunk))) => self.accept(chunk).await?,
                // Without an announced length, the end of the stream is the end of the body.
                Ok(None) if self.facts.size.is_none() => self.finished = true,
                Ok(None) => self.resume("the body ends before the announced length").await?,
                Ok(Some(Err(error))) => self.resume(&error.to_string()).await?,
                Err(_) => self.resume("no more bytes arrived").await?,
            }
        }
        Ok(())
    }

    /// Stores a chunk and checks the body: more bytes than announced are an error, and a body slower than [`SLOWEST`]
    /// counts as interrupted.
    async fn accept(&mut self, chunk: Bytes) -> Result<(), Failure> {
        self.position += chunk.len() as u64;
        self.chunk = chunk;
        if self.facts.size.is_some_and(|length| self.position > length) {
            return Err(unreachable("the body is longer than announced".to_owned()));
        }
        // The speed is measured over a whole stall time, so that short pauses do not count.
        let (since, from) = self.watched;
        if since.elapsed() > self.bucket.stall {
            self.watched = (Instant::now(), self.position);
            if self.position - from < SLOWEST && self.facts.size != Some(self.position) {
                return self.resume("the transfer is too slow").await;
            }
        }
        Ok(())
    }

    /// Requests the rest of an interrupted body.
    async fn resume(&mut self, why: &str) -> Result<(), Failure> {
        if self.position >= self.broken_at + PROGRESS {
            self.resumes = 0;
        }
        self.broken_at = self.position;
        self.resumes += 1;
        // Without an ETag, the rest could belong to another version of the object.
        if self.resumes > MAX_RESUMES || self.facts.etag.is_none() {
            return Err(unreachable(format!(
                "the body was interrupted after {} bytes: {why}",
                self.position
            )));
        }
        tokio::time::sleep(FIRST_WAIT * (1 << (self.resumes - 1))).await;
        let range = (self.position > 0).then(|| format!("bytes={}-", self.position));
        let answer = self.bucket.get(&self.key, range, self.facts.etag.clone()).await?;
        match whole_length(&answer, self.position) {
            Some(whole) if self.facts.size.is_none_or(|length| length == whole) => {
                self.facts.size = Some(whole);
                self.stream = answer.body;
                Ok(())
            }
            _ => Err(unreachable("the answer does not continue the body".to_owned())),
        }
    }
}

fn unreachable(message: String) -> Failure {
    Failure { nature: Nature::Unreachable, code: None, message, delete_marker: false }
}

/// Length of the whole body in bytes, if `answer` continues the body at `position`.
fn whole_length(answer: &GetObjectOutput, position: u64) -> Option<u64> {
    let length = u64::try_from(answer.content_length?).ok()?;
    // A request from the start has no range, so the answer is the whole body.
    if position == 0 {
        return Some(length);
    }
    let rest = answer.content_range.as_deref()?.strip_prefix("bytes ")?;
    let (start, _) = rest.split_once('-')?;
    (start.parse() == Ok(position)).then(|| position.checked_add(length))?
}

/// Adds a header to request the stored bytes: some servers decompress objects marked as gzip unless the request
/// accepts gzip. The header is added after signing, because proxies change the header.
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

impl S3Bucket {
    /// Requests an object, or a byte range of an object.
    async fn get(
        &self,
        key: &str,
        range: Option<String>,
        etag: Option<String>,
    ) -> Result<GetObjectOutput, Failure> {
        // Direct requests copy the form of a GET for a whole object, so only such a GET is observed.
        let recorder = (range.is_none() && etag.is_none()).then(|| self.direct.recorder(key));
        let request = self.client.get_object().bucket(&self.name).key(key);
        let request =
            request.set_expected_bucket_owner(self.owner.clone()).set_range(range).set_if_match(etag);
        let request = request.customize().interceptor(AcceptGzip);
        // Sent from the runtime's threads, so that the request continues while the waiting thread does other work.
        let sent = match recorder {
            Some(recorder) => tokio::spawn(request.interceptor(recorder).send()).await,
            None => tokio::spawn(request.send()).await,
        };
        match sent {
            Ok(sent) => sent.map_err(|error| Failure::of(&error)),
            Err(error) => Err(unreachable(error.to_string())),
        }
    }
}

impl BufRead for ObjectBody {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.chunk.is_empty() && !self.finished && self.facts.size != Some(self.position) {
            let aws = Arc::clone(&self.bucket.aws);
            aws.block_on(self.advance()).map_err(|failure| io::Error::other(failure.message))?;
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount.min(self.chunk.len()));
    }
}

impl Read for ObjectBody {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let taken = available.len().min(into.len());
        let (Some(from), Some(to)) = (available.get(..taken), into.get_mut(..taken)) else { return Ok(0) };
        to.copy_from_slice(from);
        self.consume(taken);
        Ok(taken)
    }
}
