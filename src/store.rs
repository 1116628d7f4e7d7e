//! Where objects are read from. The engine sees buckets and keys, whatever holds them.

pub mod directory;
pub mod memory;
pub mod relocated;
#[cfg(feature = "aws")]
pub mod s3;

use std::collections::BTreeMap;
use std::io::BufRead;

pub use crate::gzip::Encoding;
use crate::ident::Location;
use crate::time::Timestamp;

/// Why an object could not be had. Only [`StoreError::NotFound`] says anything about tampering: the store was
/// asked, and there is nothing there. Everything else is a failure to look.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such object.
    #[error("not found")]
    NotFound,
    /// The store refuses to show it.
    #[error("access denied: {0}")]
    Denied(String),
    /// It is in an archive and would have to be restored first.
    #[error("archived: {0}")]
    Archived(String),
    /// What is at hand does not reach so far: another bucket, or a part that was not copied.
    #[error("out of reach: {0}")]
    OutOfReach(String),
    /// It could not be read, retries included.
    #[error("unreadable: {0}")]
    Unreadable(String),
}

/// User metadata of an object, names in lower case and without `x-amz-meta-`.
pub type Metadata = BTreeMap<String, String>;

/// A name no metadata has: under it a store says why an object's metadata could not be understood.
pub const METADATA_ERROR: &str = ":error";

/// An object as read.
pub struct Object {
    /// The body, read once. An error in reading it is a failure to look.
    pub body: Box<dyn BufRead + Send>,
    /// How the body may be encoded.
    pub encoding: Encoding,
    /// Its metadata; empty where a copy has lost it.
    pub metadata: Metadata,
}

/// An object as listed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Size of the stored body, in bytes.
    pub size: u64,
    /// When it was written last, where the store tells it and a writer cannot choose it.
    pub modified: Option<Timestamp>,
}

/// What lies directly in a folder.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Folder {
    /// The names of its folders, without slash, in UTF-8 byte order.
    pub folders: Vec<String>,
    /// Its objects, in order of their keys.
    pub objects: Vec<Listed>,
}

/// One version of an object, newest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// Version id.
    pub id: String,
    /// Whether this version marks a deletion.
    pub delete_marker: bool,
    /// When it was made, where the store tells.
    pub modified: Option<Timestamp>,
}

/// A lazy listing in key order.
pub type Listing<'a> = Box<dyn Iterator<Item = Result<Listed, StoreError>> + Send + 'a>;

/// Names the next object to read, with a number of its own; `None` where there is no more.
pub type Next<'a> = dyn Fn() -> Option<(usize, Location)> + Sync + 'a;

/// Takes an object that was read, or why it could not be, with its number.
pub type Take<'a> = dyn FnMut(usize, Result<Object, StoreError>) + 'a;

/// Something that holds buckets of objects. Calls block; any thread may make them.
pub trait Store: Send + Sync {
    /// The keys of `bucket` that begin with `prefix` and come after `after`, in UTF-8 byte order. Nothing there
    /// is an empty listing, not an error. `prefix` is empty or ends in `/`. After an error the listing ends.
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a>;

    /// The names (without slash, in UTF-8 byte order) of the folders directly under `prefix`.
    ///
    /// # Errors
    /// As [`Store::list`].
    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError>;

    /// The folders and objects directly under `prefix`.
    ///
    /// # Errors
    /// As [`Store::list`].
    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        let folders = self.list_dirs(bucket, prefix)?;
        let is_here =
            |listed: &Listed| listed.key.strip_prefix(prefix).is_some_and(|name| !name.contains('/'));
        let objects = self.list(bucket, prefix, None).filter(|listed| listed.as_ref().map_or(true, is_here));
        Ok(Folder { folders, objects: objects.collect::<Result<_, _>>()? })
    }

    /// The object at `location`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] only where the store was asked and there is nothing.
    fn get(&self, location: &Location) -> Result<Object, StoreError>;

    /// Reads each object that `next` names and gives it to `take`: on this thread, in any order, and each to its end
    /// once it was named. `take` calls no store. Several threads may share one `next`. A store that is far away has
    /// many requests under way at a time, whatever the number of threads; for others this is [`Store::get`] one by one.
    fn get_each(&self, next: &Next<'_>, take: &mut Take<'_>) {
        while let Some((number, location)) = next() {
            take(number, self.get(&location));
        }
    }

    /// How many threads may well wait for other calls at a time. A store that is near has no need of more than work.
    fn waiting(&self) -> usize {
        1
    }

    /// The versions of the object at `location`, newest first; empty where the store keeps none.
    ///
    /// # Errors
    /// As [`Store::get`].
    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError>;

    /// How many files that desktops and sync programs leave were passed over so far, in what was listed.
    fn passed_over(&self) -> u64 {
        0
    }
}

/// Something objects can be written to; what `simulate` makes a delivery in.
pub trait Deposit: Store {
    /// Writes or overwrites an object.
    ///
    /// # Errors
    /// Whatever kept it from being written.
    fn put(&self, location: &Location, body: &[u8], metadata: &Metadata) -> Result<(), StoreError>;

    /// Deletes an object; where versions are kept, by a delete marker.
    ///
    /// # Errors
    /// Whatever kept it from being deleted.
    fn delete(&self, location: &Location) -> Result<(), StoreError>;

    /// Leaves the object in place, but so that reading it fails without saying anything of its content.
    ///
    /// # Errors
    /// Whatever kept it from being changed.
    fn make_unreadable(&self, location: &Location) -> Result<(), StoreError>;
}
