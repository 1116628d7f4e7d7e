//! A moved folder of a bucket, named by the user.

use serde::{Deserialize, Serialize};

use super::Location;

/// A move named by the user, from the delivery folder to the folder of the copy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Relocation {
    /// Bucket of the original.
    pub from_bucket: String,
    /// Folder of the original: empty, or ending in a slash.
    pub from_prefix: String,
    /// Bucket of the copy.
    pub to_bucket: String,
    /// Folder of the copy: empty, or ending in a slash.
    pub to_prefix: String,
}

impl Relocation {
    /// The recorded location of the object whose copy is at `location`.
    #[must_use]
    pub fn original_of(&self, location: &Location) -> Option<Location> {
        (*location.bucket == *self.to_bucket).then_some(())?;
        let rest = location.key.strip_prefix(&*self.to_prefix)?;
        Some(Location::new(self.from_bucket.as_str(), format!("{}{rest}", self.from_prefix)))
    }

    /// Location of the copy of the object recorded at `location`.
    #[must_use]
    pub fn copy_of(&self, location: &Location) -> Option<Location> {
        (*location.bucket == *self.from_bucket).then_some(())?;
        let rest = location.key.strip_prefix(&*self.from_prefix)?;
        Some(Location::new(self.to_bucket.as_str(), format!("{}{rest}", self.to_prefix)))
    }
}
