//! Files found by their CloudTrail name, where a copy lost the folders of S3.
//!
//! A flattened copy holds digests and log files in folders of another kind. A digest file records its own location. The
//! name of a log file gives account, region and day; the digests of the account give bucket and prefix. The location is
//! a place to look, not a proof: the prover checks every hash.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ident::Location;
use crate::store::Listed;
use crate::store::files::CopyFiles;

/// A file with a location in S3.
#[derive(Clone, Debug)]
pub struct PlacedFile {
    /// The files of the copy.
    pub files: Arc<dyn CopyFiles>,
    /// The path among the files.
    pub path: PathBuf,
    /// Size of the file, in bytes.
    pub size: u64,
    /// Whether the file is a proved digest, which the digests after it record.
    pub is_proved: bool,
}

/// Files by their location in S3.
#[derive(Clone, Default, Debug)]
pub struct PlacedFiles {
    buckets: BTreeMap<Arc<str>, BTreeMap<Box<str>, Vec<PlacedFile>>>,
}

impl PlacedFiles {
    /// Adds a file at `location`. A location may have several files.
    pub fn add(&mut self, location: Location, file: PlacedFile) {
        self.buckets.entry(location.bucket).or_default().entry(location.key).or_default().push(file);
    }

    /// Adds all files of `other`.
    pub fn extend(&mut self, other: Self) {
        for (bucket, keys) in other.buckets {
            let own = self.buckets.entry(bucket).or_default();
            for (key, files) in keys {
                own.entry(key).or_default().extend(files);
            }
        }
    }

    /// Whether there are no files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The locations of all files, in order.
    pub fn locations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.buckets.iter().flat_map(|(bucket, keys)| keys.keys().map(move |key| (&**bucket, &**key)))
    }

    /// The paths of all files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let files = self.buckets.values().flat_map(BTreeMap::values).flatten();
        files.map(|file| file.path.as_path())
    }

    /// The files at `location`.
    pub(super) fn at(&self, location: &Location) -> &[PlacedFile] {
        self.buckets.get(&location.bucket).and_then(|keys| keys.get(&location.key)).map_or(&[], Vec::as_slice)
    }

    /// The objects of `bucket` after `after` whose keys begin with `prefix`, in key order.
    pub(super) fn list<'a>(
        &'a self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> impl Iterator<Item = Listed> + Send + use<'a> {
        let prefix = prefix.to_owned();
        let start = match after {
            Some(after) if *after >= *prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix.as_str()),
        };
        let keys = self.buckets.get(bucket).map(|keys| keys.range::<str, _>((start, Bound::Unbounded)));
        keys.into_iter().flatten().take_while(move |(key, _)| key.starts_with(&prefix)).map(|(key, files)| {
            Listed {
                key: key.to_string(),
                size: files.first().map_or(0, |file| file.size),
                modified: None,
                etag: None,
                archived: None,
            }
        })
    }

    /// Names of the folders directly under `prefix`, in key order.
    pub(super) fn folders(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let Some(keys) = self.buckets.get(bucket) else { return names };
        let mut start = Bound::Included(prefix.to_owned());
        // Each step jumps over the keys of the folder just found.
        while let Some((key, _)) = keys.range::<str, _>((as_str(&start), Bound::Unbounded)).next()
            && let Some(rest) = key.strip_prefix(prefix)
        {
            start = match rest.split_once('/') {
                Some((name, _)) => {
                    names.push(name.to_owned());
                    // `0` follows `/` in ASCII.
                    Bound::Included(format!("{prefix}{name}0"))
                }
                None => Bound::Excluded(key.to_string()),
            };
        }
        names
    }
}

fn as_str(bound: &Bound<String>) -> Bound<&str> {
    match bound {
        Bound::Included(text) => Bound::Included(text),
        Bound::Excluded(text) => Bound::Excluded(text),
        Bound::Unbounded => Bound::Unbounded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::files::DiskFiles;

    #[test]
    fn lists_objects_and_folders_as_s3_does() {
        let files: Arc<dyn CopyFiles> = Arc::new(DiskFiles::new(&std::env::temp_dir()).unwrap());
        let mut placed = PlacedFiles::default();
        for key in ["a/b/1", "a/b/2", "a/b-c/3", "a/x", "b/4"] {
            let file = PlacedFile { files: Arc::clone(&files), path: key.into(), size: 1, is_proved: false };
            placed.add(Location::new("bucket", key), file);
        }
        let list = |prefix: &str, after: Option<&str>| -> Vec<String> {
            placed.list("bucket", prefix, after).map(|listed| listed.key).collect()
        };
        assert_eq!(list("", None), ["a/b-c/3", "a/b/1", "a/b/2", "a/x", "b/4"]);
        assert_eq!(list("a/", Some("a/b/1")), ["a/b/2", "a/x"]);
        assert_eq!(list("a/b/", Some("a")), ["a/b/1", "a/b/2"]);
        assert_eq!(placed.folders("bucket", "a/"), ["b-c", "b"]);
        assert_eq!(placed.folders("bucket", ""), ["a", "b"]);
        assert!(placed.folders("other", "").is_empty());
        assert_eq!(placed.at(&Location::new("bucket", "a/x")).len(), 1);
    }
}
