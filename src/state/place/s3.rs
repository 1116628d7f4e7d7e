//! A state in a prefix of a bucket. S3 compares the version: `If-None-Match: *` for a first write, `If-Match` with the
//! ETag for a later write.
//!
//! Source: Amazon S3 User Guide, "How to prevent object overwrites with conditional writes".

use super::{FileVersion, PlaceError, PlacedFile, StatePlace};
use crate::ident::Location;
use crate::state::MAX_FILE;
use crate::state::scope::{REGIONS, RUNS};
use crate::store::s3::{S3Store, WriteCondition};
use crate::store::{Store as _, StoreError};

/// A prefix of a bucket.
#[derive(Debug)]
pub struct S3Place {
    store: S3Store,
    bucket: String,
    /// Empty, or with a slash at the end.
    prefix: String,
}

impl S3Place {
    /// The state below `prefix` of `bucket`. A prefix is empty or ends in a slash.
    #[must_use]
    pub const fn new(store: S3Store, bucket: String, prefix: String) -> Self {
        Self { store, bucket, prefix }
    }

    fn location(&self, file: &str) -> Location {
        Location::new(self.bucket.as_str(), format!("{}{file}", self.prefix))
    }

    fn failed(&self, file: &str, error: &StoreError) -> PlaceError {
        PlaceError::failed(self.location(file).to_string(), error)
    }
}

impl StatePlace for S3Place {
    fn name(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    fn check_holder(&self) -> Result<(), PlaceError> {
        match self.store.probe(&self.bucket, &self.prefix) {
            Err(StoreError::NotFound) => Err(PlaceError::NoBucket { bucket: self.bucket.clone() }),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn list(&self) -> Result<Vec<String>, PlaceError> {
        let mut files = Vec::new();
        for folder in [REGIONS, RUNS] {
            for listed in self.store.list(&self.bucket, &format!("{}{folder}", self.prefix), None) {
                let listed = listed.map_err(|error| self.failed(folder, &error))?;
                // A folder marker of the console is no file.
                let file = listed.key.strip_prefix(&self.prefix).filter(|file| !file.ends_with('/'));
                files.extend(file.map(str::to_owned));
            }
        }
        files.sort();
        Ok(files)
    }

    fn read(&self, file: &str) -> Result<Option<PlacedFile>, PlaceError> {
        match self.store.read_tagged(&self.location(file), MAX_FILE) {
            Ok((bytes, etag)) => Ok(Some(PlacedFile { bytes, version: FileVersion(etag) })),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(self.failed(file, &error)),
        }
    }

    fn write(
        &self,
        file: &str,
        bytes: &[u8],
        expected: Option<&FileVersion>,
    ) -> Result<FileVersion, PlaceError> {
        let condition = expected.map_or(WriteCondition::Absent, |version| WriteCondition::Tag(&version.0));
        match self.store.write_if(&self.location(file), bytes, condition) {
            Ok(Some(etag)) => Ok(FileVersion(etag)),
            Ok(None) => Err(PlaceError::Changed),
            Err(StoreError::NotFound) => Err(PlaceError::NoBucket { bucket: self.bucket.clone() }),
            Err(error) => Err(self.failed(file, &error)),
        }
    }
}
