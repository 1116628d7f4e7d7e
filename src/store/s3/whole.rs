//! Whole bodies in memory, for small objects, received without a waiting thread.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::S3Bucket;
use super::body::ObjectBody;
use crate::aws::Failure;
use crate::store::{Encoding, Object};

/// Largest body held in memory, in stored bytes. A busy account's log files have a few MB.
const LARGEST: u64 = 8 << 20;

/// Most bytes of all bodies in memory together.
const MAX_MEMORY: usize = 64 << 20;

/// Memory budget for whole bodies.
#[derive(Clone, Debug)]
pub(super) struct BodyMemory(Arc<Semaphore>);

impl Default for BodyMemory {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_MEMORY)))
    }
}

/// Reads the object at `key` into memory; `None` if the object is too large.
pub(super) async fn read(
    bucket: Arc<S3Bucket>,
    key: &str,
    memory: &BodyMemory,
) -> Result<Option<Object>, Failure> {
    let (mut body, metadata) = ObjectBody::open(bucket, key).await?;
    let Some(length) = body.length().filter(|length| *length <= LARGEST) else { return Ok(None) };
    let permits = u32::try_from(length).unwrap_or(u32::MAX);
    // Waits until other bodies release enough memory.
    let Ok(permit) = Arc::clone(&memory.0).acquire_many_owned(permits).await else { return Ok(None) };
    let mut chunks = VecDeque::new();
    while let Some(chunk) = body.next().await? {
        chunks.push_back(chunk);
    }
    let facts = body.facts();
    let body = Box::new(WholeBody { chunks, _permit: permit });
    Ok(Some(Object { body, encoding: Encoding::GzipOrPlain, metadata, hashed: None, facts }))
}

/// A body received to the end.
struct WholeBody {
    chunks: VecDeque<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl BufRead for WholeBody {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunks.front().is_some_and(Bytes::is_empty) {
            self.chunks.pop_front();
        }
        Ok(self.chunks.front().map_or(&[], |chunk| chunk))
    }

    fn consume(&mut self, amount: usize) {
        if let Some(chunk) = self.chunks.front_mut() {
            chunk.advance(amount.min(chunk.len()));
        }
    }
}

impl Read for WholeBody {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let length = available.read(into)?;
        self.consume(length);
        Ok(length)
    }
}
