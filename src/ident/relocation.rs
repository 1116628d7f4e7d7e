//! A folder of a bucket that was moved, as the user names it.

use serde::{Deserialize, Serialize};

use super::Location;

/// A move that the user named: what was delivered below one folder now lies below another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Relocation {
    /// Bucket of the original.
    pub from_bucket: String,
    /// Folder of the original: empty, or with a slash at the end.
    pub from_prefix: String,
    /// Bucket of the copy.
    pub to_bucket: String,
    /// Folder of the copy: empty, or with a slash at the end.
    pub to_prefix: String,
}

impl Relocation {
    /// Where the copy of the object recorded at `location` lies.
    #[must_use]
    pub fn copy_of(&self, location: &Location) -> Option<Location> {
        (*location.bucket == *self.from_bucket).then_some(())?;
        let rest = location.key.strip_prefix(&*self.from_prefix)?;
        Some(Location::new(self.to_bucket.as_str(), format!("{}{rest}", self.to_prefix)))
    }
}
