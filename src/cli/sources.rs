//! What the user named as SOURCE, opened.

use std::path::PathBuf;

use super::Failure;
use crate::keys::KeyRing;
use crate::validate::copies::{self, Copies, CopyError};

/// Opens the directories that the user named.
pub(super) fn open(directories: &[PathBuf], keys: &KeyRing) -> Result<Copies, Failure> {
    for directory in directories {
        if directory.to_str().is_some_and(|text| text.starts_with("s3://") || text.starts_with("arn:")) {
            return Err(Failure::new(
                format!("`{}` is not a directory: this version reads copies on disk", directory.display()),
                "copy it first, for example with `aws s3 sync`, and name the directory",
            ));
        }
    }
    copies::open(directories, keys).map_err(|error| Failure::new(error.to_string(), hint(&error)))
}

const fn hint(error: &CopyError) -> &'static str {
    match error {
        CopyError::Unreadable { .. } => {
            "name a directory that holds a copy of a trail's bucket, or a part of one"
        }
        CopyError::Empty(_) => {
            "name the directory that holds the copy of the bucket; an empty one proves nothing"
        }
        CopyError::Twice { .. } => "validate them one at a time",
    }
}
