//! Bodies that are small enough to be held whole, read without a thread that waits for them.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Bucket;
use super::body::Body;
use crate::aws::Failure;
use crate::store::{Encoding, Object};

/// The largest body that is held whole, in bytes as stored. A busy account's log files have a few MB.
const LARGEST: u64 = 8 << 20;

/// Bytes that all bodies under way may have together.
const ROOM: usize = 64 << 20;

/// Room for bodies that are held whole.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM)))
    }
}

/// Reads the object at `key`; `None` where it is too large to be held.
pub(super) async fn read(bucket: Arc<Bucket>, key: &str, room: &Room) -> Result<Option<Object>, Failure> {
    let (mut body, metadata) = Body::open(bucket, key).await?;
    let Some(length) = body.length().filter(|length| *length <= LARGEST) else { return Ok(None) };
    let permits = u32::try_from(length).unwrap_or(u32::MAX);
    let Ok(permit) = Arc::clone(&room.0).acquire_many_owned(permits).await else { return Ok(None) };
    let mut chunks = VecDeque::new();
    while let Some(chunk) = body.next().await? {
        chunks.push_back(chunk);
    }
    let body = Box::new(Whole { chunks, _permit: permit });
    Ok(Some(Object { body, encoding: Encoding::GzipOrPlain, metadata }))
}

/// A body that was received to its end.
struct Whole {
    chunks: VecDeque<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl BufRead for Whole {
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

impl Read for Whole {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let length = available.read(into)?;
        self.consume(length);
        Ok(length)
    }
}
