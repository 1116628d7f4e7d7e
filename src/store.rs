//! Sources of objects. The engine reads buckets and keys, and is independent of how a store holds them.

pub mod archive;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod attributes;
pub mod directory;
pub mod files;
pub mod memory;
pub(crate) mod pointer;
pub mod relocated;
#[cfg(feature = "aws")]
pub mod s3;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::PathBuf;

pub use crate::gzip::Encoding;
use serde::{Deserialize, Serialize};

use crate::gzip::{self, BodyError, Sizes};
use crate::ident::{Location, Sha256Hash};
use crate::time::Timestamp;

/// Why a store did not return an object. Only [`StoreError::NotFound`] is evidence of tampering: the store answered,
/// and the object is absent. Every other error is a failure to look.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// The store holds no such object.
    #[error("not found")]
    NotFound,
    /// The store denies access to the object.
    #[error("access denied: {0}")]
    Denied(String),
    /// The object is in an archive and must be restored before reading.
    #[error("archived: {0}")]
    Archived(String),
    /// The store does not cover the location: another bucket, or a part of S3 missing from the copy.
    #[error("out of reach: {0}")]
    OutOfReach(String),
    /// The copy has the folder of the object and not the object, which may have been delivered after the copy was made.
    #[error("out of reach: {0}")]
    MaybeLater(String),
    /// The copy has no file in the object's place, and a file beside may be the object: see [`Store::renamed`].
    #[error("out of reach: {0}")]
    OtherName(String),
    /// Reading failed, retries included.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// Two copies hold the object with different content, and neither stands for the bucket.
    #[error("two copies differ: `{one}` and `{other}`")]
    Contradictory {
        /// Name of the first copy.
        one: String,
        /// Name of the second copy.
        other: String,
    },
}

/// User metadata of an object: names in lower case, without the prefix `x-amz-meta-`.
pub type Metadata = BTreeMap<String, String>;

/// The name of user metadata as in [`Metadata`], from a name in any case, with or without the prefix `x-amz-meta-`.
pub(crate) fn metadata_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.strip_prefix("x-amz-meta-").map(str::to_owned).unwrap_or(name)
}

/// Reserved metadata name. The value explains why a store could not parse the object's metadata.
pub const METADATA_ERROR: &str = ":error";

/// An object returned by a read.
pub struct Object {
    /// The body, for a single read. A read error is a failure to look.
    pub body: Box<dyn BufRead + Send>,
    /// Encodings the body may have.
    pub encoding: Encoding,
    /// User metadata; empty if a copy lost the metadata.
    pub metadata: Metadata,
    /// The result of hashing the body, if the store hashed the body in a pass over many objects.
    pub hashed: Option<HashedBody>,
    /// What the store says of the stored body. Nothing is judged by these facts.
    pub facts: ObjectFacts,
}

/// What a store says of a stored body, beside the body: in S3, headers of the answer. Each fact may be unknown.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ObjectFacts {
    /// Size of the stored body, in bytes.
    pub size: Option<u64>,
    /// Time of the last write.
    pub modified: Option<Timestamp>,
    /// The entity tag, with its quotes.
    pub etag: Option<String>,
    /// Version ID, in a bucket with versions.
    pub version: Option<String>,
    /// Why the bytes may not be those that were stored, such as a wrong checksum of an archive. Bytes with a recorded hash
    /// are proved all the same; other bytes accuse nobody.
    pub doubt: Option<String>,
}

impl Object {
    /// Hashes the inflated content, up to `limit` bytes, or returns the result of the store's own pass.
    ///
    /// # Errors
    /// The errors of [`gzip::hash`].
    pub fn hash(&mut self, limit: u64) -> Result<(Sha256Hash, Sizes), BodyError> {
        match &self.hashed {
            Some(hashed) => hashed.content.clone(),
            None => gzip::hash(&mut *self.body, self.encoding, limit),
        }
    }
}

/// A body that a store hashed in a pass over many objects, such as the members of a compressed archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HashedBody {
    /// Hash of the inflated content, as [`gzip::hash`] returns it.
    pub content: Result<(Sha256Hash, Sizes), BodyError>,
    /// Hash of the stored bytes, to compare two reads of a body without valid content.
    pub stored: Sha256Hash,
}

/// An object returned by a listing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Listed {
    /// Object key.
    pub key: String,
    /// Size of the stored body, in bytes.
    pub size: u64,
    /// Time of the last write. `None` if the store does not report the time, or if a writer can choose the time.
    pub modified: Option<Timestamp>,
    /// The entity tag, with its quotes, which each write changes. `None` if the store does not report entity tags.
    pub etag: Option<Box<str>>,
    /// The archive that the object has to be restored from before it is read; `None` for an object that can be read.
    pub archived: Option<ArchiveClass>,
}

impl Listed {
    /// What tells the object from any other object in its place: size, entity tag and time of the last write. `None` if
    /// the store reports no entity tag.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        let etag = self.etag.as_deref()?;
        let modified = self.modified.map(|modified| modified.to_string()).unwrap_or_default();
        Some(format!("{} {modified} {etag}", self.size))
    }
}

/// A storage class whose objects have to be restored before they are read.
///
/// `GLACIER_IR` is read like any class. Listings show neither the archive tiers of `INTELLIGENT_TIERING`, nor whether
/// an archived object is restored for a time.
///
/// Source: Amazon S3 User Guide, "Understanding and managing Amazon S3 storage classes".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ArchiveClass {
    /// S3 Glacier Flexible Retrieval, `GLACIER`.
    Glacier,
    /// S3 Glacier Deep Archive, `DEEP_ARCHIVE`.
    DeepArchive,
}

/// Direct children of a folder.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Folder {
    /// Names of the subfolders, without a slash, in UTF-8 byte order.
    pub folders: Vec<String>,
    /// Objects, in key order.
    pub objects: Vec<Listed>,
}

/// A version of an object. Lists of versions begin with the newest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// Version ID.
    pub id: String,
    /// Whether this version is a delete marker.
    pub delete_marker: bool,
    /// Creation time, if the store reports the time.
    pub modified: Option<Timestamp>,
}

/// A second copy of an object, for comparison with the object itself.
pub struct SecondCopy {
    /// Where the copy lies: a path, or the URI of a replica.
    pub name: String,
    /// The copy.
    pub object: Object,
}

/// Two copies of an object with different content.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Disagreement {
    /// Location of the object.
    pub location: Location,
    /// The copy that stands for the object, and was judged.
    pub judged: String,
    /// The copy that differs.
    pub other: String,
}

/// A lazy listing in key order.
pub type Listing<'a> = Box<dyn Iterator<Item = Result<Listed, StoreError>> + Send + 'a>;

/// Returns the next object to read and the caller's number for the object; `None` when no object is left.
pub type Next<'a> = dyn Fn() -> Option<(usize, Location)> + Sync + 'a;

/// Receives a read object, or the read error, with the caller's number for the object.
pub type Take<'a> = dyn FnMut(usize, Result<Object, StoreError>) + 'a;

/// The objects of a listing that lie directly under `prefix`.
fn directly_under(prefix: &str, listing: Listing<'_>) -> Result<Vec<Listed>, StoreError> {
    let is_here = |listed: &Listed| listed.key.strip_prefix(prefix).is_some_and(|name| !name.contains('/'));
    listing.filter(|listed| listed.as_ref().map_or(true, is_here)).collect()
}

/// Buckets of objects. Calls block, and are safe from any thread.
pub trait Store: Send + Sync {
    /// Lists the keys of `bucket` after `after` that begin with `prefix`, in UTF-8 byte order. `prefix` is empty or
    /// ends in `/`. A prefix without keys yields an empty listing, not an error. Keys are
    /// unknown where the listing has an error; later keys may follow.
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a>;

    /// Names of the folders directly under `prefix`, without a slash, in UTF-8 byte order.
    ///
    /// # Errors
    /// The errors of [`Store::list`].
    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError>;

    /// Folders and objects directly under `prefix`.
    ///
    /// # Errors
    /// The errors of [`Store::list`].
    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        let folders = self.list_dirs(bucket, prefix)?;
        Ok(Folder { folders, objects: directly_under(prefix, self.list(bucket, prefix, None))? })
    }

    /// Passes the objects directly under `prefix` to `visit` and returns the names of the folders, as
    /// [`Store::list_dirs`] does. Unlike [`Store::list_folder`], a remote store holds a page of objects at a time, so
    /// a folder may have any number.
    ///
    /// # Errors
    /// The errors of [`Store::list`]. Some objects may have been passed before.
    fn visit_folder(
        &self,
        bucket: &str,
        prefix: &str,
        visit: &mut dyn FnMut(Listed),
    ) -> Result<Vec<String>, StoreError> {
        let found = self.list_folder(bucket, prefix)?;
        found.objects.into_iter().for_each(visit);
        Ok(found.folders)
    }

    /// Reads the object at `location`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] only if the store answered and the object is absent.
    fn get(&self, location: &Location) -> Result<Object, StoreError>;

    /// Reads every object returned by `next` and passes the object to `take`, on the calling thread, in any order.
    /// Each object returned by `next` is read to the end. `take` must not call the store. Several threads may share
    /// one `next`. A remote store keeps many requests in flight, whatever the number of threads; the default
    /// implementation calls [`Store::get`] for one object after another.
    fn get_each(&self, next: &Next<'_>, take: &mut Take<'_>) {
        while let Some((number, location)) = next() {
            take(number, self.get(&location));
        }
    }

    /// Number of threads that may usefully wait for single calls at the same time. A local store needs no more
    /// threads than the work itself.
    fn waiting(&self) -> usize {
        1
    }

    /// Versions of the object at `location`, newest first; empty if the store keeps no versions.
    ///
    /// # Errors
    /// The errors of [`Store::get`].
    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError>;

    /// Whether the objects are files of a copy, so that an archive among them may hold other objects.
    fn is_copy(&self) -> bool {
        false
    }

    /// Number of listed files skipped so far as leftovers of desktops and sync programs, by folder.
    fn passed_over(&self) -> BTreeMap<PathBuf, u64> {
        BTreeMap::new()
    }

    /// Every copy of the object at `location`, for a search for the original of an object that is not as delivered. Empty
    /// if the store holds each object once.
    fn second_copies(&self, location: &Location) -> Vec<SecondCopy> {
        let _ = location;
        Vec::new()
    }

    /// The files of a copy that may be the object at `location` under other names, with their own locations, if
    /// [`Store::get`] answers [`StoreError::OtherName`]. Only the hash of the object proves which one is.
    fn renamed(&self, location: &Location) -> Vec<(Location, Object)> {
        let _ = location;
        Vec::new()
    }

    /// Where listings show the file that [`Store::get`] reads for the object at `location`, if that is another place: a
    /// folder of a copy may hold the objects of several buckets.
    fn shown_at(&self, location: &Location) -> Option<Location> {
        let _ = location;
        None
    }

    /// Objects with copies that differ, among the objects read so far.
    fn disagreements(&self) -> Vec<Disagreement> {
        Vec::new()
    }
}

/// A writable store. `simulate` writes deliveries to a writable store.
pub trait Deposit: Store {
    /// Writes or overwrites an object.
    ///
    /// # Errors
    /// The cause of a failed write.
    fn put(&self, location: &Location, body: &[u8], metadata: &Metadata) -> Result<(), StoreError>;

    /// Deletes an object. A store with versions adds a delete marker.
    ///
    /// # Errors
    /// The cause of a failed deletion.
    fn delete(&self, location: &Location) -> Result<(), StoreError>;

    /// Keeps the object in listings, but makes every read fail with an error other than [`StoreError::NotFound`].
    ///
    /// # Errors
    /// The cause of a failed change.
    fn make_unreadable(&self, location: &Location) -> Result<(), StoreError>;
}
