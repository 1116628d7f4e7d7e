//! Objects in a folder of a copy that stands for another place of S3.
//!
//! A trail may move to another bucket or prefix for some hours, and both places may be synced into one folder. The search
//! for trees samples digests, and may have seen none of these hours. So the path below `AWSLogs/` tells where the file of
//! such an object may lie. It is a place to look, not a proof: the prover checks every hash.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::DirectoryStore;
use super::candidates::{Candidate, Rank, path_below};
use super::find;
use super::mount::Mount;
use super::shared::{FolderShare, SharedFolder};
use crate::ident::Location;
use crate::store::StoreError;
use crate::store::files::FileKind;

/// The folder that holds the accounts, in a key.
const AWS_LOGS: &str = "AWSLogs/";

/// Most days kept with their files told apart. A full cache is emptied.
const REMEMBERED_DAYS: usize = 64;

/// The folder in S3 above an `AWSLogs/` folder of a copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeliveryRoot {
    /// Bucket name.
    pub bucket: String,
    /// Part of the keys before `AWSLogs/`: empty, or ending in a slash.
    pub prefix: String,
}

/// The folders of S3 that the copies have, and the days in them whose files were told apart.
#[derive(Default, Debug)]
pub(super) struct OtherPlaces {
    roots: Vec<DeliveryRoot>,
    /// The files of a day, by the folder of the day's digests and the account's full path in the other place.
    days: Mutex<HashMap<(PathBuf, String), Arc<SharedFolder>>>,
}

impl DirectoryStore {
    /// Adds the folders of S3 in which the copies have an `AWSLogs/` folder.
    #[must_use]
    pub fn with_roots(self, roots: Vec<DeliveryRoot>) -> Self {
        Self { others: OtherPlaces { roots, ..OtherPlaces::default() }, ..self }
    }

    /// Whether the copies have folders of other places that may hold the object at `location`.
    pub(super) fn has_other_places(&self, location: &Location) -> bool {
        self.others.of(location).next().is_some()
    }

    /// The files that may be the object at `location` in a folder that stands for another place, with the location at
    /// which listings show the files.
    pub(super) fn in_other_place(&self, location: &Location) -> Option<(Location, Vec<Candidate<'_>>)> {
        self.others.of(location).find_map(|place| {
            let files = self.covering(&place).flat_map(|(mount, rest)| {
                let paths = self.files_in(mount, &place, &rest).unwrap_or_default().into_iter();
                let unknown = paths.filter(|(path, _)| !mount.is_owner_of(path));
                unknown.map(move |(path, _)| Candidate {
                    rank: Rank::InOtherPlace,
                    files: &*mount.files,
                    path,
                    mount: Some(mount),
                })
            });
            let files: Vec<Candidate<'_>> = files.collect();
            (!files.is_empty()).then_some((place, files))
        })
    }

    /// Why no folder that stands for another place has the object at `location`. Such a folder proves that the object is
    /// missing by the files that digests give to the object's own place. `None` if no such folder has the object's day.
    pub(super) fn absence_in_other_place(&self, location: &Location) -> Option<StoreError> {
        self.others.of(location).find_map(|place| {
            self.covering(&place).find_map(|(mount, rest)| {
                let path = path_below(mount, &rest).ok()?;
                let day = path.parent()?;
                mount.files.facts(day).is_ok_and(|found| found.kind == FileKind::Folder).then_some(())?;
                let own = self.others.told_apart(mount, location, day)?;
                Some(self.missing.reason(&own, location, &path))
            })
        })
    }

    /// The mounts that cover `place`, each with the rest of the full path below.
    fn covering(&self, place: &Location) -> impl Iterator<Item = (&Mount, String)> {
        let full = format!("{}/{}", place.bucket, place.key);
        self.mounts.iter().filter_map(move |mount| Some((mount, mount.below(&full)?.to_owned())))
    }
}

impl OtherPlaces {
    /// The places with the path of `location` below `AWSLogs/` in the other folders of the copies.
    fn of(&self, location: &Location) -> impl Iterator<Item = Location> {
        let (prefix, below) = location.key.rsplit_once(AWS_LOGS).unwrap_or_default();
        let is_place = !below.is_empty() && (prefix.is_empty() || prefix.ends_with('/'));
        let others = self
            .roots
            .iter()
            .filter(move |root| is_place && (*root.bucket != *location.bucket || root.prefix != prefix));
        others
            .map(move |root| Location::new(root.bucket.as_str(), format!("{}{AWS_LOGS}{below}", root.prefix)))
    }

    /// The account's folder around `day` as a mount of the place of `location` alone: it shows the files that the digests
    /// of the day give to this place.
    fn told_apart(&self, mount: &Mount, location: &Location, day: &Path) -> Option<Mount> {
        // 1. The folders above: `ACCOUNT/FOLDER/REGION/YYYY/MM/DD`.
        let dir = day.ancestors().nth(5)?;
        let region_and_day = day.strip_prefix(day.ancestors().nth(4)?).ok()?;
        let digests = dir.join(find::DIGESTS).join(region_and_day);
        let full = format!("{}/{}", location.bucket, location.key);
        let base = full.rsplitn(7, '/').nth(6)?;
        // 2. Read the digests of the day, once.
        let id = (digests, base.to_owned());
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        let known = days.get(&id).cloned();
        let folder = known.unwrap_or_else(|| Arc::new(find::tell_apart(&mount.files, dir, &id.0, base)));
        if days.len() >= REMEMBERED_DAYS {
            days.clear();
        }
        days.insert(id, Arc::clone(&folder));
        let share = FolderShare { folder, part: 0 };
        Some(Mount::new(Arc::clone(&mount.files), dir, base).of_share(share))
    }
}
