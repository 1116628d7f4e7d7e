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
    /// The recorded location of the object whose copy is at `location`. Where one folder lies within the other, an object in
    /// both belongs to the inner folder.
    #[must_use]
    pub fn original_of(&self, location: &Location) -> Option<Location> {
        let rest = self.in_copy(location)?;
        let is_original =
            self.in_original(location).is_some() && self.from_prefix.len() > self.to_prefix.len();
        (!is_original)
            .then(|| Location::new(self.from_bucket.as_str(), format!("{}{rest}", self.from_prefix)))
    }

    /// Location of the copy of the object recorded at `location`. Where one folder lies within the other, an object in both
    /// belongs to the inner folder.
    #[must_use]
    pub fn copy_of(&self, location: &Location) -> Option<Location> {
        let rest = self.in_original(location)?;
        let is_copy = self.in_copy(location).is_some() && self.to_prefix.len() > self.from_prefix.len();
        (!is_copy).then(|| Location::new(self.to_bucket.as_str(), format!("{}{rest}", self.to_prefix)))
    }

    /// The key below the folder of the copy.
    fn in_copy<'l>(&self, location: &'l Location) -> Option<&'l str> {
        (*location.bucket == *self.to_bucket).then(|| location.key.strip_prefix(&*self.to_prefix))?
    }

    /// The key below the folder of the original.
    fn in_original<'l>(&self, location: &'l Location) -> Option<&'l str> {
        (*location.bucket == *self.from_bucket).then(|| location.key.strip_prefix(&*self.from_prefix))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_in_both_folders_belongs_to_the_inner_one() {
        let moved = |from: &str, to: &str| Relocation {
            from_bucket: "b".to_owned(),
            from_prefix: from.to_owned(),
            to_bucket: "b".to_owned(),
            to_prefix: to.to_owned(),
        };
        for (from, to, key, copy, original) in [
            ("", "dr/", "AWSLogs/x", Some("dr/AWSLogs/x"), None),
            ("", "dr/", "dr/AWSLogs/x", None, Some("AWSLogs/x")),
            ("old/", "", "old/AWSLogs/x", Some("AWSLogs/x"), None),
            ("old/", "", "AWSLogs/x", None, Some("old/AWSLogs/x")),
            ("a/", "a/b/", "a/b/x", None, Some("a/x")),
            ("a/", "c/", "a/x", Some("c/x"), None),
            ("a/", "c/", "e/x", None, None),
        ] {
            let (moved, place) = (moved(from, to), Location::new("b", key));
            let at = |key: Option<&str>| key.map(|key| Location::new("b", key));
            assert_eq!((moved.copy_of(&place), moved.original_of(&place)), (at(copy), at(original)), "{key}");
            assert_eq!(moved.copy_of(&Location::new("other", key)), None);
        }
    }
}
