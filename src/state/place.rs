//! Where a state is kept: a directory, or a prefix of a bucket.

mod directory;
#[cfg(feature = "aws")]
mod s3;

use std::fmt;

pub use directory::DirectoryPlace;
#[cfg(feature = "aws")]
pub use s3::S3Place;

/// A place of named files that are replaced whole, each only if it still has the content that was read.
pub trait StatePlace: Send + Sync {
    /// The place, for messages.
    fn name(&self) -> String;

    /// Checks that the place can be written, as far as this can be told without a write. A run that ends after hours
    /// should not learn only then that its memory cannot be kept.
    ///
    /// # Errors
    /// [`PlaceError::Failed`].
    fn check(&self) -> Result<(), PlaceError> {
        Ok(())
    }

    /// Checks that what holds the place exists, after a file was not found. A failure to look is no error.
    ///
    /// # Errors
    /// [`PlaceError::NoBucket`].
    fn check_holder(&self) -> Result<(), PlaceError> {
        Ok(())
    }

    /// The names of the files of scopes, in order. Unfinished files do not count.
    ///
    /// # Errors
    /// [`PlaceError::Failed`].
    fn list(&self) -> Result<Vec<String>, PlaceError>;

    /// Reads a file of at most [`MAX_FILE`](super::MAX_FILE) bytes; `None` if the place has no such file.
    ///
    /// # Errors
    /// [`PlaceError::Failed`], also for a larger file.
    fn read(&self, file: &str) -> Result<Option<PlacedFile>, PlaceError>;

    /// Writes a file that does not exist, or replaces the `expected` version of a file. The file has the old or the new
    /// content at any moment, and the new content lasts once this returns.
    ///
    /// # Errors
    /// [`PlaceError::Changed`] if the file has another version, and the file is then as before.
    fn write(
        &self,
        file: &str,
        bytes: &[u8],
        expected: Option<&FileVersion>,
    ) -> Result<FileVersion, PlaceError>;
}

/// A file as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacedFile {
    /// The content.
    pub bytes: Vec<u8>,
    /// The version to replace.
    pub version: FileVersion,
}

/// A version of a file: an ETag, or a hash of the content. Only compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileVersion(pub(super) String);

/// Why a place could not be read or written.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PlaceError {
    /// The file does not have the expected version.
    Changed,
    /// The bucket of the place does not exist.
    NoBucket {
        /// The bucket.
        bucket: String,
    },
    /// The place failed.
    Failed {
        /// The file or folder.
        name: String,
        /// The error of the operating system or the server.
        why: String,
    },
}

impl PlaceError {
    fn failed(name: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::Failed { name: name.into(), why: why.to_string() }
    }
}

impl std::error::Error for PlaceError {}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("another run changed the file"),
            Self::NoBucket { bucket } => write!(f, "there is no bucket `{bucket}`"),
            Self::Failed { name, why } => write!(f, "the state `{name}` cannot be read or written: {why}"),
        }
    }
}
