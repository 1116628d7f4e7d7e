//! Metadata in extended attributes of files.
//!
//! `rclone --metadata` writes an object's metadata as `user.NAME`; goofys and geesefs show it so. Other programs keep
//! the header's name: `user.x-amz-meta-NAME`.

use std::ffi::CStr;
use std::io;
use std::path::Path;

use rustix::fs::{lgetxattr, llistxattr};
use rustix::io::Errno;

use super::{METADATA_ERROR, Metadata, metadata_name};

/// Namespace of the attributes that programs set for users.
const NAMESPACE: &str = "user.";

/// Longest list of names read, in bytes: Linux's limit (`XATTR_LIST_MAX`).
const MAX_NAMES: usize = 64 << 10;

/// Longest value read, in bytes. S3 allows 2 KB of metadata, and a signature has 512 hex digits.
const MAX_VALUE: usize = 4 << 10;

/// Most attributes read of a file. CloudTrail sets two or three.
const MAX_ATTRIBUTES: usize = 64;

/// Reads the attributes `user.*` of the file at `path`, without following a link. Returns nothing if the file system
/// has no attributes, and only [`METADATA_ERROR`] if an attribute of a digest is not usable.
///
/// # Errors
/// The error of the system.
pub(super) fn read(path: &Path) -> io::Result<Metadata> {
    let mut names = vec![0; MAX_NAMES];
    let length = match llistxattr(path, &mut names[..]) {
        Ok(length) => length,
        Err(error) if is_absence(error) => return Ok(Metadata::new()),
        Err(error) => return Err(error.into()),
    };
    let mut found = Metadata::new();
    let names = names.get(..length).unwrap_or_default().split_inclusive(|byte| *byte == 0);
    let names = names.filter_map(|name| CStr::from_bytes_with_nul(name).ok()?.to_str().ok());
    for full in names.filter(|name| name.starts_with(NAMESPACE)).take(MAX_ATTRIBUTES) {
        let name = metadata_name(full.strip_prefix(NAMESPACE).unwrap_or(full));
        match value(path, full)? {
            Some(Ok(value)) => drop(found.insert(name, value)),
            // Other programs keep other things in attributes.
            Some(Err(_)) if !is_of_digests(&name) => {}
            Some(Err(reason)) => return Ok(unusable(full, reason)),
            None => {}
        }
    }
    Ok(found)
}

/// The value of an attribute, or why the value is not usable; `None` if the attribute is gone.
fn value(path: &Path, name: &str) -> io::Result<Option<Result<String, &'static str>>> {
    let mut value = vec![0; MAX_VALUE];
    match lgetxattr(path, name, &mut value[..]) {
        Ok(length) => {
            value.truncate(length);
            Ok(Some(String::from_utf8(value).map_err(|_| "not valid UTF-8")))
        }
        Err(Errno::RANGE) => Ok(Some(Err("longer than 4 KiB (S3 allows 2 KB)"))),
        Err(error) if is_absence(error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether CloudTrail sets metadata of this name for digests.
fn is_of_digests(name: &str) -> bool {
    matches!(name, "signature" | "signature-algorithm" | "backfill-generation-timestamp")
}

#[cfg(target_os = "linux")]
fn is_absence(error: Errno) -> bool {
    matches!(error, Errno::NOTSUP | Errno::NODATA | Errno::NOSYS)
}

#[cfg(not(target_os = "linux"))]
fn is_absence(error: Errno) -> bool {
    matches!(error, Errno::NOTSUP | Errno::NOATTR | Errno::NOSYS)
}

fn unusable(name: &str, reason: &str) -> Metadata {
    let message = format!("the extended attribute `{}` is not usable: {reason}", name.escape_debug());
    Metadata::from([(METADATA_ERROR.to_owned(), message)])
}

#[cfg(test)]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
mod tests {
    use std::fs;

    use rustix::fs::{XattrFlags, lsetxattr};

    use super::*;

    /// A file with these attributes; `None` if the file system has no user attributes.
    fn file(attributes: &[(&str, &[u8])]) -> Option<(tempfile::TempDir, std::path::PathBuf)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("digest.json.gz");
        fs::write(&path, "x").unwrap();
        for (name, value) in attributes {
            if let Err(error) = lsetxattr(&path, *name, value, XattrFlags::empty()) {
                eprintln!("skipped: cannot set the attribute `{name}`: {error}");
                return None;
            }
        }
        Some((dir, path))
    }

    #[test]
    fn metadata_of_rclone_and_of_others_is_read() {
        for prefix in ["user.", "user.x-amz-meta-", "user.X-Amz-Meta-"] {
            let signature = format!("{prefix}signature");
            let algorithm = format!("{prefix}signature-algorithm");
            let attributes: [(&str, &[u8]); 3] =
                [(&signature, b"00ff"), (&algorithm, b"SHA256withRSA"), ("user.icon", b"\xff")];
            let Some((_dir, path)) = file(&attributes) else { return };
            let expected = [("signature", "00ff"), ("signature-algorithm", "SHA256withRSA")];
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(read(&path).unwrap(), Metadata::from(expected), "{prefix}");
        }
    }

    #[test]
    fn an_unusable_signature_is_an_error_and_not_a_lack_of_metadata() {
        for value in [&b"\xff\xfe"[..], &[b'0'; MAX_VALUE + 1]] {
            // ext4 keeps values of at most a block, so the long value may be refused.
            let Some((_dir, path)) = file(&[("user.signature", value)]) else { continue };
            let told = read(&path).unwrap();
            assert!(told.len() == 1 && told.contains_key(METADATA_ERROR), "{told:?}");
        }
    }

    #[test]
    fn a_file_without_attributes_has_no_metadata_and_a_missing_file_is_an_error() {
        let Some((dir, path)) = file(&[]) else { return };
        assert_eq!(read(&path).unwrap(), Metadata::new());
        assert_eq!(read(&dir.path().join("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
