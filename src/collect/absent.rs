//! Objects that the copy holds from an earlier collection, and the source does not. The copy keeps them: an object may be
//! the last there is.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::evidence::belongs;
use super::journal::{AbsentLine, JournalLine, location};
use super::{Collection, MAX_EXAMPLES};
use crate::ident::Location;
use crate::prove::reference;
use crate::store::{Folder, Listed, Listing, StoreError};

/// Most listings and folders noted of a run. Absence beyond them is noticed only where the engine asks for an object.
const MAX_NOTED: usize = 1_000_000;

/// What a run listed. A saved object that is in none of these listings, and in the range of one, is not in the source.
#[derive(Default)]
pub(super) struct ListedPlaces {
    /// Listings of everything below `BUCKET/PREFIX`.
    below: HashMap<String, Vec<ListedKeys>>,
    /// Names of all folders in `BUCKET/PREFIX`.
    folders: HashMap<String, HashSet<String>>,
    /// The `BUCKET/PREFIX` whose objects, without those in folders, were listed.
    objects: HashSet<String>,
    noted: usize,
}

/// The keys of a listing: after `after`, up to `last` or to the end.
struct ListedKeys {
    after: Option<String>,
    last: Option<String>,
}

impl ListedKeys {
    fn cover(&self, key: &str) -> bool {
        self.after.as_deref().is_none_or(|after| key > after)
            && self.last.as_deref().is_none_or(|last| key <= last)
    }
}

impl ListedPlaces {
    fn has_room_for(&mut self, more: usize) -> bool {
        self.noted += more;
        self.noted <= MAX_NOTED
    }

    /// Whether a listing would have shown the object.
    fn cover(&self, location: &Location) -> bool {
        let whole = format!("{}/{}", location.bucket, location.key);
        whole.match_indices('/').any(|(at, _)| {
            let (prefix, rest) = whole.split_at(at + 1);
            let is_below =
                self.below.get(prefix).is_some_and(|all| all.iter().any(|keys| keys.cover(&location.key)));
            let is_direct = match rest.split_once('/') {
                Some((folder, _)) => self.folders.get(prefix).is_some_and(|names| !names.contains(folder)),
                None => self.objects.contains(prefix),
            };
            is_below || is_direct
        })
    }
}

/// A listing whose range is noted.
pub(super) struct NotedListing<'a> {
    inner: Listing<'a>,
    collection: &'a Collection,
    bucket: String,
    prefix: String,
    after: Option<String>,
    last: Option<String>,
    /// Whether the listing ended without an error.
    is_whole: bool,
    has_failed: bool,
}

impl<'a> NotedListing<'a> {
    pub(super) fn new(
        inner: Listing<'a>,
        collection: &'a Collection,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> Self {
        Self {
            inner,
            collection,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
            last: None,
            is_whole: false,
            has_failed: false,
        }
    }
}

impl Iterator for NotedListing<'_> {
    type Item = Result<Listed, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.inner.next();
        match &item {
            Some(Ok(listed)) => {
                self.collection.note_listed(&self.bucket, listed);
                self.last = Some(listed.key.clone());
            }
            Some(Err(error)) => {
                self.has_failed = true;
                self.collection.note_unlisted(&self.bucket, &self.prefix, error);
            }
            None => self.is_whole = !self.has_failed,
        }
        item
    }
}

impl Drop for NotedListing<'_> {
    fn drop(&mut self) {
        let (is_whole, last) = (self.is_whole, self.last.take());
        if is_whole || last.is_some() {
            let keys = ListedKeys { after: self.after.take(), last: last.filter(|_| !is_whole) };
            self.collection.note_keys(format!("{}/{}", self.bucket, self.prefix), keys);
        }
    }
}

impl Collection {
    fn note_keys(&self, place: String, keys: ListedKeys) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.known.is_empty() && places.has_room_for(1) {
            places.below.entry(place).or_default().push(keys);
        }
    }

    /// Notes a complete listing of the folders in a folder.
    pub(super) fn note_folders(&self, bucket: &str, prefix: &str, names: &[String]) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.known.is_empty() && places.has_room_for(names.len() + 1) {
            places.folders.insert(format!("{bucket}/{prefix}"), names.iter().cloned().collect());
        }
    }

    /// Notes a complete listing of a folder.
    pub(super) fn note_folder(&self, bucket: &str, prefix: &str, found: &Folder) {
        found.objects.iter().for_each(|listed| self.note_listed(bucket, listed));
        self.note_folders(bucket, prefix, &found.folders);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.known.is_empty() && places.has_room_for(1) {
            places.objects.insert(format!("{bucket}/{prefix}"));
        }
    }

    /// Notes that the source does not hold an object, if the copy holds it. Returns whether it does.
    pub(super) fn note_held(&self, location: &Location) -> bool {
        let copied = self.copied(location);
        if self.unfit(location).is_some() || !self.folder.has_file(&copied) {
            return false;
        }
        if !self.reads().absent.insert(reference(location)) {
            return true;
        }
        self.tally.absent.fetch_add(1, Ordering::Relaxed);
        let path = format!("{}/{}", copied.bucket, copied.key);
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.absent.len() < MAX_EXAMPLES {
            examples.absent.push((location.clone(), path.as_str().into()));
        }
        drop(examples);
        let absent = self.options.started;
        self.add_line(&JournalLine::Absent(AbsentLine { uri: location.to_string(), path, absent }));
        true
    }

    /// Takes back that the source does not hold an object: a later read found the object.
    pub(super) fn note_found(&self, location: &Location) {
        if self.reads().absent.remove(&reference(location)) {
            self.tally.absent.fetch_sub(1, Ordering::Relaxed);
            let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
            examples.absent.retain(|(example, _)| example != location);
        }
    }

    /// Notes the objects of the asked range that an earlier collection saved, and that the listings of this run lack.
    pub(super) fn note_lost(&self) -> io::Result<()> {
        if self.known.is_empty() {
            return Ok(());
        }
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        self.journal.lines()?.each(&mut |at, line| {
            let JournalLine::Object(line) = line else { return Ok(()) };
            let Some(location) = location(&line.uri) else { return Ok(()) };
            let is_known = self.known.get(&location).is_some_and(|known| known.at == at);
            let is_lost = is_known
                && belongs(&location, line.size, &self.options)
                && !self.reads().has_seen(reference(&location))
                && places.cover(&location);
            if is_lost && self.note_held(&location) {
                self.tally.lost.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_listings_show_that_an_object_is_absent() {
        let mut places = ListedPlaces::default();
        let cover = |places: &ListedPlaces, key: &str| places.cover(&Location::new("b", key));
        assert!(!cover(&places, "a/x/1"));
        places.folders.insert("b/a/".to_owned(), HashSet::from(["x".to_owned()]));
        assert!(!cover(&places, "a/x/1") && !cover(&places, "a/1") && cover(&places, "a/y/1"));
        places.objects.insert("b/a/".to_owned());
        assert!(!cover(&places, "a/x/1") && cover(&places, "a/1"));
        let keys = |after: Option<&str>, last: Option<&str>| ListedKeys {
            after: after.map(str::to_owned),
            last: last.map(str::to_owned),
        };
        places
            .below
            .insert("b/a/x/".to_owned(), vec![keys(Some("a/x/3"), Some("a/x/5")), keys(Some("a/x/8"), None)]);
        for (key, is_covered) in
            [("1", false), ("3", false), ("4", true), ("5", true), ("6", false), ("9", true)]
        {
            assert_eq!(cover(&places, &format!("a/x/{key}")), is_covered, "{key}");
        }
    }
}
