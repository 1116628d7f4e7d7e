//! Keeps the digest files that the engine reads, as stored, for the order in which they list their log files.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::DigestFile;
use crate::gzip;
use crate::ident::{DigestKey, Location};
use crate::store::{Encoding, Folder, Listing, Next, Object, Store, StoreError, Take, Version};
use crate::validate::Limits;

/// Bytes of one digest file that are kept, as stored. CloudTrail's have some kB; the order in which a larger one lists
/// its log files is not told.
const MOST_KEPT: usize = 8 << 20;

/// Bytes of all of them together.
const MOST_ON_SHELF: usize = 512 << 20;

/// Digest files as they were read, by where they lie.
pub(super) type Shelf = Arc<Mutex<Kept>>;

/// What is kept, and how many bytes that is.
#[derive(Default)]
pub(super) struct Kept {
    digests: HashMap<Location, (Encoding, Vec<u8>)>,
    bytes: usize,
}

/// The digest at `location`, as it was read; `None` where it was not, or is no digest.
pub(super) fn digest(shelf: &Shelf, location: &Location) -> Option<DigestFile> {
    let shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    let (encoding, bytes) = shelf.digests.get(location)?;
    let (content, _) = gzip::inflate(&mut &**bytes, *encoding, Limits::default().digest).ok()?;
    DigestFile::parse(&content).ok()
}

/// Hands out what a store holds, and keeps digest files.
pub(super) struct Recorder<S> {
    inner: S,
    shelf: Shelf,
}

impl<S: Store> Recorder<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, shelf: Shelf::default() }
    }

    /// The same object, whose body is kept as it is taken.
    fn kept(&self, object: Object, of: Location) -> Object {
        let Object { body, encoding, metadata } = object;
        let tee = Tee { body, encoding, taken: Some(Vec::new()), of, shelf: self.shelf() };
        Object { body: Box::new(tee), encoding, metadata }
    }

    /// What is kept, which grows as the engine reads.
    pub(super) fn shelf(&self) -> Shelf {
        Arc::clone(&self.shelf)
    }
}

impl<S: Store> Store for Recorder<S> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.inner.list(bucket, prefix, after)
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_dirs(bucket, prefix)
    }

    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        self.inner.list_folder(bucket, prefix)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        let object = self.inner.get(location)?;
        Ok(if DigestKey::parse(location).is_some() { self.kept(object, location.clone()) } else { object })
    }

    fn get_each(&self, next: &Next<'_>, take: &mut Take<'_>) {
        let digests = Mutex::new(HashMap::new());
        let noted = || {
            let (number, location) = next()?;
            if DigestKey::parse(&location).is_some() {
                let mut digests = digests.lock().unwrap_or_else(PoisonError::into_inner);
                digests.insert(number, location.clone());
            }
            Some((number, location))
        };
        self.inner.get_each(&noted, &mut |number, object| {
            let digest = digests.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
            let object = match digest {
                Some(location) => object.map(|object| self.kept(object, location)),
                None => object,
            };
            take(number, object);
        });
    }

    fn waiting(&self) -> usize {
        self.inner.waiting()
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(location)
    }
}

/// A body whose bytes are kept as they are taken, up to [`MOST_KEPT`]. Of a longer one none are.
struct Tee {
    body: Box<dyn BufRead + Send>,
    encoding: Encoding,
    /// `None` once there is too much of it.
    taken: Option<Vec<u8>>,
    of: Location,
    shelf: Shelf,
}

impl Tee {
    fn keep(taken: &mut Option<Vec<u8>>, bytes: &[u8]) {
        if let Some(kept) = taken.as_mut().filter(|kept| kept.len() + bytes.len() <= MOST_KEPT) {
            kept.extend_from_slice(bytes);
        } else {
            *taken = None;
        }
    }
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.body.read(buffer)?;
        Self::keep(&mut self.taken, buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

impl BufRead for Tee {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.body.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        // What is buffered already cannot fail to be shown.
        if let Ok(bytes) = self.body.fill_buf() {
            Self::keep(&mut self.taken, bytes.get(..length).unwrap_or_default());
        }
        self.body.consume(length);
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        let Some(taken) = self.taken.take() else { return };
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.bytes + taken.len() <= MOST_ON_SHELF {
            shelf.bytes += taken.len();
            shelf.digests.insert(self.of.clone(), (self.encoding, taken));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_kept_however_it_is_read() {
        let location = Location::new("b", "k");
        let shelf = Shelf::default();
        let mut tee = Tee {
            body: Box::new(io::BufReader::with_capacity(2, &b"a digest file"[..])),
            encoding: Encoding::Gzip,
            taken: Some(Vec::new()),
            of: location.clone(),
            shelf: Arc::clone(&shelf),
        };
        let mut first = [0; 3];
        tee.read_exact(&mut first).unwrap();
        let shown = tee.fill_buf().unwrap().len();
        tee.consume(shown);
        io::copy(&mut tee, &mut io::sink()).unwrap();
        drop(tee);
        let kept = shelf.lock().unwrap().digests.get(&location).cloned();
        assert_eq!(kept, Some((Encoding::Gzip, b"a digest file".to_vec())));
        assert_eq!(digest(&shelf, &location), None);
        let mut large = Some(vec![0; MOST_KEPT]);
        Tee::keep(&mut large, &[]);
        assert!(large.is_some());
        Tee::keep(&mut large, b"x");
        Tee::keep(&mut large, b"x");
        assert_eq!(large, None);
    }
}
