//! The body of an object that is saved while the engine reads it.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use super::draft::Draft;
use super::{Collection, ReadObject};

/// A body and the draft of its file. Dropping the body reads the rest, and saves the object: the engine may stop before
/// the end, for example at the first byte that is not gzip.
pub(super) struct CollectedBody {
    inner: Box<dyn BufRead + Send>,
    /// `None` once the object cannot be saved.
    draft: Option<Draft>,
    of: ReadObject,
    collection: Arc<Collection>,
}

impl CollectedBody {
    pub(super) fn new(inner: Box<dyn BufRead + Send>, of: ReadObject, collection: Arc<Collection>) -> Self {
        Self { inner, draft: Some(Draft::new()), of, collection }
    }

    fn give_up(&mut self, reason: &str) {
        if self.draft.take().is_some() {
            self.collection.leave_out(&self.of.location, reason);
        }
    }

    /// Reads to the end of the body, as long as there is a draft to fill.
    fn finish(&mut self) {
        while self.draft.is_some() && self.collection.failure().is_none() {
            let length = match self.fill_buf() {
                Ok([]) => break,
                Ok(bytes) => bytes.len(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // `fill_buf` has given the draft up.
                Err(_) => return,
            };
            self.consume(length);
        }
        if let Some(draft) = self.draft.take().filter(|_| self.collection.failure().is_none()) {
            self.collection.save(&self.of, draft);
        }
    }
}

impl BufRead for CollectedBody {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Err(error) = self.inner.fill_buf()
            && error.kind() != io::ErrorKind::Interrupted
        {
            let reason = format!("reading failed: {error}");
            self.give_up(&reason);
            return Err(error);
        }
        // The bytes are in the buffer already.
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Some(draft) = &mut self.draft
            && let Ok(bytes) = self.inner.fill_buf()
            && let Some(bytes) = bytes.get(..amount)
        {
            let limit = self.collection.options.max_object;
            match draft.add(bytes, limit, &self.collection.folder) {
                Ok(true) => {}
                Ok(false) => self.give_up(&format!(
                    "larger than the limit of {limit} bytes; `--max-object-size` raises it"
                )),
                Err(error) => self.collection.fail(&error),
            }
        }
        self.inner.consume(amount);
    }
}

impl Read for CollectedBody {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let length = available.read(into)?;
        self.consume(length);
        Ok(length)
    }
}

impl Drop for CollectedBody {
    fn drop(&mut self) {
        self.finish();
    }
}
