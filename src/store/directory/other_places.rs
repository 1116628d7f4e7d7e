//! Objects in a folder of a copy that stands for another place of S3: a trail moved to another bucket or prefix for some
//! hours, and both places were synced into one folder. The search for trees samples digests, and may have seen none of
//! these hours. So the path below `AWSLogs/` tells where the file of such an object may lie. It is a place to look, not a
//! proof: the prover checks every hash.

use super::DirectoryStore;
use super::candidates::{Candidate, Rank};
use crate::ident::Location;

/// The folder in S3 above an `AWSLogs/` folder of a copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeliveryRoot {
    /// Bucket name.
    pub bucket: String,
    /// Part of the keys before `AWSLogs/`: empty, or ending in a slash.
    pub prefix: String,
}

impl DirectoryStore {
    /// Adds the folders of S3 in which the copies have an `AWSLogs/` folder.
    #[must_use]
    pub fn with_roots(self, roots: Vec<DeliveryRoot>) -> Self {
        Self { roots, ..self }
    }

    /// The files that may be the object at `location` in a folder that stands for another place, with the location at
    /// which listings show the files.
    pub(super) fn in_other_place(&self, location: &Location) -> Option<(Location, Vec<Candidate<'_>>)> {
        let (prefix, below) = location.key.rsplit_once(AWS_LOGS)?;
        let is_same = |root: &&DeliveryRoot| *root.bucket == *location.bucket && root.prefix == prefix;
        let others = self.roots.iter().filter(|root| !is_same(root));
        let mut places = others
            .filter(|_| prefix.is_empty() || prefix.ends_with('/'))
            .map(|root| Location::new(root.bucket.as_str(), format!("{}{AWS_LOGS}{below}", root.prefix)));
        places.find_map(|place| {
            let found = self.files_shown_at(&place);
            (!found.is_empty()).then_some((place, found))
        })
    }

    /// The files that the mounts show at `place`.
    fn files_shown_at(&self, place: &Location) -> Vec<Candidate<'_>> {
        let full = format!("{}/{}", place.bucket, place.key);
        let covering = self.mounts.iter().filter_map(|mount| Some((mount, mount.below(&full)?)));
        let found = covering.flat_map(|(mount, rest)| {
            let paths = self.files_in(mount, place, rest).unwrap_or_default().into_iter();
            paths.map(|(path, _)| Candidate { rank: Rank::InOtherPlace, files: &*mount.files, path })
        });
        found.collect()
    }
}

/// The folder that holds the accounts, in a key.
const AWS_LOGS: &str = "AWSLogs/";
