//! Stores that break off, that refuse listings, and whose reads differ.

use std::io::{self, BufRead, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use trailproof::collect::{CollectingStore, Collection};
use trailproof::event::{Kind, Verdict};
use trailproof::ident::{Location, Sha256Hash};
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Listing, Metadata, Object, Store, StoreError, Version};
use trailproof::validate::{self, copies};

use super::store::{collect_into, content, delivered, left_out, request, validate_copy};
use super::{collect, options};
use crate::support;

/// A folder that cannot be listed: the copy does not say that nothing else is there.
#[test]
fn a_folder_that_cannot_be_listed_is_incomplete_in_the_copy_too() {
    struct Unlisted(MemoryStore);
    impl Unlisted {
        fn refusal(prefix: &str) -> Option<StoreError> {
            prefix.contains("/CloudTrail/us-east-1/").then(|| StoreError::Denied("no listing".to_owned()))
        }
    }
    impl Store for Unlisted {
        fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
            match Self::refusal(prefix) {
                Some(error) => Box::new(std::iter::once(Err(error))),
                None => self.0.list(bucket, prefix, after),
            }
        }
        fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
            Self::refusal(prefix).map_or_else(|| self.0.list_dirs(bucket, prefix), Err)
        }
        fn get(&self, location: &Location) -> Result<Object, StoreError> {
            self.0.get(location)
        }
        fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
            self.0.versions(location)
        }
    }
    let made = tempfile::tempdir().unwrap();
    let of = delivered();
    let request = request(&of);
    let collected = collect(Box::new(Unlisted(of.store)), &of.keys, &request, made.path(), 2);
    assert_eq!(collected.ran.verdict, Verdict::Incomplete);
    assert!(left_out(made.path()).values().all(|reason| reason.contains("cannot be listed: access denied")));
    assert_eq!(validate_copy(made.path(), &request).verdict, Verdict::Incomplete);
}

/// A store that is interrupted after some reads, or whose bodies break off.
struct Failing {
    inner: MemoryStore,
    reads: AtomicU64,
    most: u64,
}

impl Store for Failing {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.inner.list(bucket, prefix, after)
    }
    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_dirs(bucket, prefix)
    }
    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        let object = self.inner.get(location)?;
        if self.reads.fetch_add(1, Ordering::SeqCst) < self.most {
            return Ok(object);
        }
        Ok(Object { body: Box::new(Broken(Cursor::new(vec![0x1f, 0x8b]))), ..object })
    }
    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(location)
    }
}

/// A body that breaks off.
struct Broken(Cursor<Vec<u8>>);

impl Read for Broken {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.fill_buf()?.read(into)
    }
}

impl BufRead for Broken {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.0.position() {
            2 => Err(io::Error::other("the connection broke")),
            _ => self.0.fill_buf(),
        }
    }
    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

#[test]
fn a_broken_collection_is_completed_by_the_next() {
    let whole = tempfile::tempdir().unwrap();
    collect_into(whole.path(), delivered());
    for most in [0, 1, 3, 7] {
        let made = tempfile::tempdir().unwrap();
        let of = delivered();
        let request = request(&of);
        {
            // Dropped before its end, as a killed process leaves it.
            let collection = Arc::new(Collection::open(options(made.path(), &request), || ()).unwrap());
            let failing = Failing { inner: of.store, reads: AtomicU64::new(0), most };
            let store = CollectingStore::new(Box::new(failing), collection);
            let ran = support::run(&store, &of.keys, &request, 2);
            assert_ne!(ran.verdict, Verdict::Intact);
        }
        assert!(!made.path().join("collected.json").exists());
        // An unfinished copy accuses nobody.
        let opened = copies::open(&[made.path().to_owned()], &of.keys, &request.limits);
        assert!(matches!(opened, Err(validate::copies::CopyError::Unfinished(_))));
        let collected = collect_into(made.path(), delivered());
        assert_eq!(collected.ran.verdict, Verdict::Intact, "{:?}", collected.ran.findings);
        let found = content(made.path());
        assert!(found == content(whole.path()), "{:?}", found.keys());
        assert_eq!(validate_copy(made.path(), &request).verdict, Verdict::Intact);
        assert!(left_out(made.path()).is_empty(), "{:?}", left_out(made.path()));
    }
}

/// A store whose first read of an object returns other bytes.
struct Turning(MemoryStore, Location, AtomicU64);
impl Store for Turning {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.0.list(bucket, prefix, after)
    }
    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.0.list_dirs(bucket, prefix)
    }
    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        let object = self.0.get(location)?;
        let body = crate::bodies::gzip(b"{\"Records\":[]}");
        match *location == self.1 && self.2.fetch_add(1, Ordering::SeqCst) == 0 {
            true => Ok(Object { body: Box::new(Cursor::new(body)), ..object }),
            false => Ok(object),
        }
    }
    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.0.versions(location)
    }
}

/// Two reads that differ: neither stands for the object.
#[test]
fn reads_that_differ_are_no_object() {
    let made = tempfile::tempdir().unwrap();
    let of = delivered();
    let request = request(&of);
    let log = of.store.locations().into_iter().find(|place| place.key.contains("/CloudTrail/")).unwrap();
    let store = Turning(of.store, log.clone(), AtomicU64::new(0));
    let collected = collect(Box::new(store), &of.keys, &request, made.path(), 2);
    assert_eq!(collected.ran.verdict, Verdict::Incomplete);
    assert_eq!(left_out(made.path())[&*log.key], "two reads returned different bytes");
    let copy = validate_copy(made.path(), &request);
    assert_eq!((copy.verdict, copy.kinds()), (Verdict::Incomplete, vec![Kind::LogUnreadable]));
}

/// What an earlier collection saved is kept, though neither of two reads stands for the object.
#[test]
fn reads_that_differ_remove_nothing_that_was_saved() {
    let made = tempfile::tempdir().unwrap();
    collect_into(made.path(), delivered());
    let of = delivered();
    let request = request(&of);
    let log = of.store.locations().into_iter().find(|place| place.key.contains("/CloudTrail/")).unwrap();
    let path = made.path().join(&*log.bucket).join(&*log.key);
    let genuine = std::fs::read(&path).unwrap();
    // Written again, so that the object is read.
    of.store.put(&log, &genuine, &Metadata::new()).unwrap();
    let store = Turning(of.store, log.clone(), AtomicU64::new(0));
    let collected = collect(Box::new(store), &of.keys, &request, made.path(), 2);
    assert_eq!(collected.ran.verdict, Verdict::Incomplete);
    assert_eq!(left_out(made.path())[&*log.key], "two reads returned different bytes");
    let kept = made.path().join(format!(".replaced/{}", Sha256Hash::of(&genuine)));
    assert!(!path.exists() && std::fs::read(kept).unwrap() == genuine);
    let copy = validate_copy(made.path(), &request);
    assert_eq!((copy.verdict, copy.kinds()), (Verdict::Incomplete, vec![Kind::LogUnreadable]));
}

/// A source that is a copy itself, and lacks what an earlier collection saved.
#[test]
fn a_copy_as_source_may_lack_what_was_saved() {
    let made = tempfile::tempdir().unwrap();
    let (source, copy) = (made.path().join("source"), made.path().join("copy"));
    collect_into(&source, delivered());
    let of = delivered();
    let request = request(&of);
    let collect_source = || {
        let opened = copies::open(std::slice::from_ref(&source), &of.keys, &request.limits).unwrap();
        let request = validate::ValidationRequest {
            sources: opened.sources,
            typed: opened.typed,
            findings: opened.findings,
            ..request.clone()
        };
        collect(Box::new(opened.store), &of.keys, &request, &copy, 2)
    };
    let first = collect_source();
    assert_eq!((first.ran.verdict, first.counts.absent), (Verdict::Intact, 0));
    let again = collect_source();
    assert_eq!((again.ran.verdict, again.counts.saved, again.counts.absent), (Verdict::Intact, 0, 0));
    let log = of.store.locations().into_iter().find(|place| place.key.contains("/CloudTrail/")).unwrap();
    let path = |root: &std::path::Path| root.join(&*log.bucket).join(&*log.key);
    std::fs::remove_file(path(&source)).unwrap();
    let lacking = collect_source();
    // The first log file of a day: the source itself may begin later.
    assert_eq!(
        (lacking.ran.verdict, lacking.counts.absent, lacking.counts.lost),
        (Verdict::Incomplete, 1, 0)
    );
    assert!(path(&copy).exists());
    assert_eq!(validate_copy(&copy, &request).verdict, Verdict::Intact);
}
