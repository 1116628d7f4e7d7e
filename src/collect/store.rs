//! A store that saves every object that is read.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{BufReader, Seek as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::absent::NotedListing;
use super::body::CollectedBody;
use super::{Collection, ListedFacts, ReadObject, beginning, folder};
use crate::ident::Location;
use crate::prove::reference;
use crate::store::{
    Disagreement, Encoding, Folder, Listed, Listing, Metadata, Next, Object, ObjectFacts, SecondCopy, Store,
    StoreError, Take, Version,
};

/// Most objects set aside until their folders are listed, when a collection continues an earlier one.
const SET_ASIDE: usize = 64;

/// Most folders whose listings are kept to compare the directory with.
const KEPT_FOLDERS: usize = 8;

/// Most objects of a folder that are compared with the directory. The others are read again.
const MAX_LISTED: usize = 1_000_000;

/// Listed names of a folder, and what the listing says of each.
type FolderListing = HashMap<Box<str>, ListedFacts>;

/// What a round of reads left over.
struct ReadRound {
    /// Objects that may be in the directory.
    set_aside: Vec<(usize, Location)>,
    /// Objects that an earlier collection saved, and that the source has moved to an archive.
    archived: Vec<(usize, Location, StoreError)>,
    /// Whether there may be more to read.
    is_more: bool,
}

/// Wraps the store of a validation. Each object is saved while it is read, and read once.
///
/// An object that an earlier collection saved is served from the directory, if the source lists it with the same size,
/// entity tag and time of the last write, and the file has the same hash as then. Only the first read is served: a second
/// read is there to confirm the first, and goes to the source. Digest files are read from the source, unless S3
/// moved them to an archive: a listing does not show their metadata, which have the signature, and S3 may replace metadata
/// without another entity tag.
pub struct CollectingStore {
    inner: Box<dyn Store>,
    collection: Arc<Collection>,
    /// Listings of folders, the latest at the end.
    listings: Mutex<VecDeque<(String, Arc<FolderListing>)>>,
}

impl CollectingStore {
    /// Saves what is read from `inner`.
    #[must_use]
    pub fn new(inner: Box<dyn Store>, collection: Arc<Collection>) -> Self {
        Self { inner, collection, listings: Mutex::default() }
    }

    /// The collection.
    #[must_use]
    pub fn collection(&self) -> &Collection {
        &self.collection
    }

    /// Wraps a read object, so that the body is saved.
    fn saved(&self, location: &Location, read: Result<Object, StoreError>) -> Result<Object, StoreError> {
        let object = match read {
            Ok(object) => object,
            Err(error) => {
                self.collection.note_failure(location, &error);
                return Err(error);
            }
        };
        if let Some(reason) = self.collection.unfit(location) {
            self.collection.leave_out(location, reason);
            return Ok(object);
        }
        let Object { body, encoding, metadata, hashed, facts } = object;
        let of = ReadObject { location: location.clone(), metadata: metadata.clone(), facts: facts.clone() };
        let body = Box::new(CollectedBody::new(body, of, Arc::clone(&self.collection)));
        Ok(Object { body, encoding, metadata, hashed, facts })
    }

    /// The error of every read after the directory could not be written.
    fn refusal(&self) -> Option<StoreError> {
        let why = self.collection.failure()?;
        Some(StoreError::Unreadable(format!("the copy cannot be written: {why}")))
    }

    /// Whether an earlier collection saved the object, and this run has not read it.
    fn may_be_served(&self, location: &Location) -> bool {
        self.collection.known.get(location).is_some_and(|known| known.may_be_served())
            && self.is_unread(location)
    }

    fn is_unread(&self, location: &Location) -> bool {
        let id = reference(location);
        let is_read = || {
            let reads = self.collection.reads();
            reads.saved.contains_key(&id) || reads.absent.contains(&id)
        };
        self.collection.unfit(location).is_none() && !is_read()
    }

    /// Whether a read says that an object was moved to an archive, which an earlier collection saved.
    fn is_archived_since(&self, location: &Location, read: &Result<Object, StoreError>) -> bool {
        matches!(read, Err(StoreError::Archived(_)))
            && self.collection.known.get(location).is_some()
            && self.is_unread(location)
    }

    /// The object as an earlier collection saved it, if the source lists the same object.
    fn served(&self, location: &Location) -> Option<Object> {
        let known = self.collection.known.get(location)?;
        let listed = self.listed(location)?;
        let is_same = known.is_listed_as(listed.etag.as_deref(), listed.modified);
        let copied = self.collection.copied(location);
        let mut file = self.collection.folder.open_saved(&copied, listed.size).filter(|_| is_same)?;
        (folder::sha256(&file).ok()? == known.sha256).then_some(())?;
        file.rewind().ok()?;
        let metadata = match known.has_signature {
            true => self.collection.saved_metadata(location, known)?,
            false => Metadata::new(),
        };
        self.collection.note_served(location, beginning(known.sha256));
        Some(Object {
            body: Box::new(BufReader::new(file)),
            encoding: Encoding::GzipOrPlain,
            metadata,
            hashed: None,
            facts: ObjectFacts::default(),
        })
    }

    /// What the source lists of an object: in a listing of the run, or in a listing of the object's folder made now.
    fn listed(&self, location: &Location) -> Option<ListedFacts> {
        if let Some(listed) = self.collection.listed(location) {
            return Some(listed);
        }
        let name = location.name();
        let prefix = location.key.strip_suffix(name)?;
        self.folder_listing(&location.bucket, prefix).get(name).cloned()
    }

    fn folder_listing(&self, bucket: &str, prefix: &str) -> Arc<FolderListing> {
        let place = format!("{bucket}/{prefix}");
        // Lock during the listing, so that other threads wait for the result instead of listing the same folder.
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = listings.iter().find(|(known, _)| *known == place) {
            return Arc::clone(found);
        }
        let listed = self.inner.list(bucket, prefix, None).take(MAX_LISTED).map_while(Result::ok);
        let entry = |listed: Listed| {
            let name = listed.key.strip_prefix(prefix).filter(|name| !name.contains('/'))?;
            Some((name.into(), ListedFacts::of(&listed)))
        };
        let found = Arc::new(listed.filter_map(entry).collect::<FolderListing>());
        if listings.len() >= KEPT_FOLDERS {
            listings.pop_front();
        }
        listings.push_back((place, Arc::clone(&found)));
        found
    }

    /// Reads objects from the source, until `next` is empty or [`SET_ASIDE`] objects may be in the directory.
    fn read_round(
        &self,
        next: &Next<'_>,
        wanted: &Mutex<VecDeque<(usize, Location)>>,
        take: &mut Take<'_>,
    ) -> ReadRound {
        let under_way: Mutex<HashMap<usize, Location>> = Mutex::default();
        let set_aside = Mutex::new(Vec::new());
        let mut archived = Vec::new();
        let is_empty = Mutex::new(false);
        let lock_of = |queue: &Mutex<VecDeque<(usize, Location)>>| {
            queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
        };
        let next_read = || {
            let found = lock_of(wanted).or_else(|| {
                let mut aside = set_aside.lock().unwrap_or_else(PoisonError::into_inner);
                while aside.len() < SET_ASIDE {
                    let Some((number, location)) = next() else {
                        *is_empty.lock().unwrap_or_else(PoisonError::into_inner) = true;
                        return None;
                    };
                    if !self.may_be_served(&location) {
                        return Some((number, location));
                    }
                    aside.push((number, location));
                }
                None
            });
            let (number, location) = found?;
            under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(number, location.clone());
            Some((number, location))
        };
        self.inner.get_each(&next_read, &mut |number, read| {
            let location = under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
            match (location, read) {
                // Listings are for the time after the reads.
                (Some(location), read) if self.is_archived_since(&location, &read) => {
                    archived.extend(read.err().map(|error| (number, location, error)));
                }
                (Some(location), read) => take(number, self.saved(&location, read)),
                (None, read) => take(number, read),
            }
        });
        let set_aside = set_aside.into_inner().unwrap_or_else(PoisonError::into_inner);
        let is_more = !is_empty.into_inner().unwrap_or_else(PoisonError::into_inner);
        ReadRound { set_aside, archived, is_more }
    }
}

impl Store for CollectingStore {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        let listed = self.inner.list(bucket, prefix, after);
        Box::new(NotedListing::new(listed, &self.collection, bucket, prefix, after))
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let found = self.inner.list_dirs(bucket, prefix);
        let found = found.inspect_err(|error| self.collection.note_unlisted(bucket, prefix, error))?;
        self.collection.note_folders(bucket, prefix, &found);
        Ok(found)
    }

    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        let found = self.inner.list_folder(bucket, prefix);
        let found = found.inspect_err(|error| self.collection.note_unlisted(bucket, prefix, error))?;
        self.collection.note_folder(bucket, prefix, &found);
        Ok(found)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal);
        }
        let served = self.may_be_served(location).then(|| self.served(location)).flatten();
        match served {
            Some(object) => Ok(object),
            None => {
                let read = self.inner.get(location);
                let served = self.is_archived_since(location, &read).then(|| self.served(location)).flatten();
                served.map_or_else(|| self.saved(location, read), Ok)
            }
        }
    }

    fn get_each(&self, next: &Next<'_>, take: &mut Take<'_>) {
        let wanted: Mutex<VecDeque<(usize, Location)>> = Mutex::default();
        loop {
            if let Some(refusal) = self.refusal() {
                let rest = wanted.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter();
                let all = rest.chain(std::iter::from_fn(next));
                return all.for_each(|(number, _)| take(number, Err(refusal.clone())));
            }
            let ReadRound { set_aside, archived, is_more } = self.read_round(next, &wanted, take);
            for (number, location, error) in archived {
                let served = self.served(&location);
                take(number, served.map_or_else(|| self.saved(&location, Err(error)), Ok));
            }
            for (number, location) in set_aside {
                match self.served(&location) {
                    Some(object) => take(number, Ok(object)),
                    None => {
                        let mut wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
                        wanted.push_back((number, location));
                    }
                }
            }
            let is_done = wanted.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
            if is_done && !is_more {
                return;
            }
        }
    }

    fn waiting(&self) -> usize {
        self.inner.waiting()
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(location)
    }

    fn is_copy(&self) -> bool {
        self.inner.is_copy()
    }

    fn passed_over(&self) -> BTreeMap<PathBuf, u64> {
        self.inner.passed_over()
    }

    fn second_copies(&self, location: &Location) -> Vec<SecondCopy> {
        let mut all = self.inner.second_copies(location);
        all.extend(self.collection.saved_before(location));
        all
    }

    fn shown_at(&self, location: &Location) -> Option<Location> {
        self.inner.shown_at(location)
    }

    fn disagreements(&self) -> Vec<Disagreement> {
        self.inner.disagreements()
    }
}
