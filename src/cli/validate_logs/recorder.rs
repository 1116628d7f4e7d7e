//! Keeps a copy of every digest file that the engine reads: the lines follow the order of log files in the digest.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::DigestFile;
use crate::gzip;
use crate::ident::{DigestKey, Location};
use crate::store::{Encoding, Folder, Listed, Listing, Next, Object, Store, StoreError, Take, Version};
use crate::validate::ReadLimits;

/// Largest stored digest file to keep, in bytes. CloudTrail's digest files have some kB. Log files of a larger digest are
/// printed in sorted order.
const MOST_KEPT: usize = 8 << 20;

/// Largest total of all kept digest files, in bytes.
const MOST_ON_SHELF: usize = 512 << 20;

/// Kept digest files, by location.
pub(super) type Shelf = Arc<Mutex<Kept>>;

/// The kept digest files and their total size.
#[derive(Default)]
pub(super) struct Kept {
    digests: HashMap<Location, (Encoding, Vec<u8>)>,
    bytes: usize,
}

/// The digest at `location`, as read; `None` where the file was not kept or is not a valid digest.
pub(super) fn digest(shelf: &Shelf, location: &Location) -> Option<DigestFile> {
    let shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    let (encoding, bytes) = shelf.digests.get(location)?;
    let (content, _) = gzip::inflate(&mut &**bytes, *encoding, ReadLimits::default().digest).ok()?;
    DigestFile::parse(&content).ok()
}

/// A store that keeps a copy of every digest file it returns.
pub(super) struct Recorder<S> {
    inner: S,
    shelf: Shelf,
}

impl<S: Store> Recorder<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, shelf: Shelf::default() }
    }

    /// Wraps an object, so that its body is kept while it is read.
    fn kept(&self, object: Object, of: Location) -> Object {
        let Object { body, encoding, metadata, hashed, facts } = object;
        let tee = Tee { body, encoding, taken: Some(Vec::new()), of, shelf: self.shelf() };
        Object { body: Box::new(tee), encoding, metadata, hashed, facts }
    }

    /// The shelf, which grows while the engine reads.
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

    fn visit_folder(
        &self,
        bucket: &str,
        prefix: &str,
        visit: &mut dyn FnMut(Listed),
    ) -> Result<Vec<String>, StoreError> {
        self.inner.visit_folder(bucket, prefix, visit)
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

/// A body that is kept while it is read. A body longer than [`MOST_KEPT`] is not kept at all.
struct Tee {
    body: Box<dyn BufRead + Send>,
    encoding: Encoding,
    /// The bytes so far; `None` once the body is too long.
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
        // Returning buffered bytes cannot fail.
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
    fn every_way_of_reading_keeps_the_body() {
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
