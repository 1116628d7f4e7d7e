//! `--restore-manifest FILE`: the archived objects of a plan, for a restore job of S3 Batch Operations.
//!
//! The file is CSV without a header, an object a line: `bucket,key`, with the key URL-encoded. The order of the lines
//! means nothing. The third column, a version, is left out: a job then restores current versions, which a run reads.
//!
//! Source: Amazon S3 User Guide, "Creating an S3 Batch Operations job", "Specifying a manifest".

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Failure, outputs, typed};
use crate::ident::Location;
use crate::report::WholeFile;

/// Every byte but letters, digits, `-`, `.`, `_`, `~` and the slash between folders: the unreserved characters of
/// RFC 3986. A comma or a line end in a key cannot end a field.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A manifest in progress. The file changes when the manifest is complete.
pub(super) struct RestoreManifest(Mutex<OpenManifest>);

struct OpenManifest {
    file: WholeFile,
    written: io::Result<()>,
    /// Number of objects.
    count: u64,
}

impl RestoreManifest {
    /// Opens the manifest for a plan of sources in S3.
    pub(super) fn open(path: &Path, in_s3: bool) -> Result<Self, Failure> {
        if !in_s3 {
            return Err(Failure::new(
                "`--restore-manifest` needs a source in S3: a directory has no archived objects",
                "give `s3://BUCKET[/PREFIX]`, or leave the option out",
            ));
        }
        typed::local_file("a manifest", "--restore-manifest ", path)?;
        let file = WholeFile::open(path).map_err(|error| outputs::unusable(&error))?;
        Ok(Self(Mutex::new(OpenManifest { file, written: Ok(()), count: 0 })))
    }

    /// Adds objects; any thread may. The first error is kept for [`RestoreManifest::finish`].
    pub(super) fn add(&self, objects: &[Location]) {
        let lines: String = objects.iter().map(line).collect();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.written.is_ok() {
            open.written = open.file.writer().write_all(lines.as_bytes());
            open.count = open.count.saturating_add(objects.len() as u64);
        }
    }

    /// Replaces the file by the complete manifest, and returns the number of its objects.
    pub(super) fn finish(self) -> Result<u64, Failure> {
        let OpenManifest { file, written, count } =
            self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        written.map_err(|error| {
            Failure::new(
                format!("the restore manifest cannot be written: {error}"),
                "free disk space, or write the manifest elsewhere",
            )
        })?;
        file.finish().map(|()| count).map_err(|error| outputs::unusable(&error))
    }
}

fn line(object: &Location) -> String {
    let key = utf8_percent_encode(&object.key, ENCODED);
    format!("{},{key}\n", object.bucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_and_slashes_stay() {
        for (key, encoded) in [
            ("a/AWSLogs/x_y-1.json.gz", "a/AWSLogs/x_y-1.json.gz"),
            ("a b,c\"\n", "a%20b%2Cc%22%0A"),
            ("100%/é=+", "100%25/%C3%A9%3D%2B"),
        ] {
            assert_eq!(line(&Location::new("logs", key)), format!("logs,{encoded}\n"));
        }
    }
}
