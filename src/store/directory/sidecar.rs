//! Sidecar files: `NAME.metadata.json` holds the metadata of the object `NAME` beside it, in an output format of
//! `aws s3api head-object`.

mod head_object;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::names::key_segment;
use crate::ident::name_before_inflating;
use crate::ident::stem_of;
use crate::store::files::{CopyFiles, FileKind};
use crate::store::{METADATA_ERROR, Metadata, metadata_name};
use crate::text::encoding::decode;

/// Suffix of a sidecar's file name.
pub(super) const SUFFIX: &str = ".metadata.json";

/// Largest sidecar read, in bytes. S3 allows 2 KB of user metadata, so a valid sidecar is far smaller.
const MAX_SIDECAR: u64 = 64 << 10;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SidecarFile {
    metadata: BTreeMap<String, String>,
}

/// Whether the object at `key` may be a digest. Only digests need metadata; looking for a sidecar beside every log
/// file would double the work.
pub(super) fn may_be_digest(key: &str) -> bool {
    key.contains("CloudTrail-Digest")
}

/// Whether `key` has the form `…/CloudTrail-Digest/REGION/YYYY/MM/DD/NAME`.
pub(super) fn is_in_digest_folder(key: &str) -> bool {
    key.rsplit('/').nth(5) == Some("CloudTrail-Digest")
}

fn path_of(object: &Path) -> PathBuf {
    let mut path: OsString = object.into();
    path.push(SUFFIX);
    path.into()
}

/// The paths that the sidecar of the file at `path` may have; empty if the file is no digest.
pub(super) fn paths_of_digest(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().map(key_segment).unwrap_or_default();
    if !may_be_digest(&name) {
        return Vec::new();
    }
    // A tool that inflates a digest leaves the sidecar with the old name.
    let before = name_before_inflating(&name).map(|before| path.with_file_name(before));
    std::iter::once(path.to_owned()).chain(before).map(|object| path_of(&object)).collect()
}

/// Reads the metadata in the sidecar of `object`. Returns no metadata if there is no sidecar, and only
/// [`METADATA_ERROR`] if the sidecar cannot be parsed.
pub(super) fn read(files: &dyn CopyFiles, object: &Path) -> Metadata {
    let text = match read_capped(files, &path_of(object)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Metadata::new(),
        Err(error) => return metadata_error(&error.to_string()),
    };
    parse(&text)
}

/// Reads the metadata in the extended attributes of `object`, which some tools save instead of a sidecar.
pub(super) fn read_attributes(files: &dyn CopyFiles, object: &Path) -> Metadata {
    match files.attributes(object) {
        Ok(found) => found.into_iter().map(|(name, value)| (metadata_name(&name), trimmed(&value))).collect(),
        Err(error) => Metadata::from([(
            METADATA_ERROR.to_owned(),
            format!("the extended attributes are not usable: {error}"),
        )]),
    }
}

/// Parses a sidecar in UTF-8 or UTF-16.
fn parse(bytes: &[u8]) -> Metadata {
    let text = match decode(bytes) {
        Ok(text) => text,
        Err(error) => return metadata_error(&error.to_string()),
    };
    head_object::parse(&text).unwrap_or_else(|| {
        metadata_error("not JSON with `Metadata`; save it with `aws s3api head-object --output json`")
    })
}

/// Metadata in S3 has no white space around a value. A program that copies one may add some, or a NUL at its end.
fn trimmed(value: &str) -> String {
    value.trim_matches(|character: char| character.is_whitespace() || character == '\0').to_owned()
}

/// Whether the file at `path` is the output of `head-object` for a delivered file beside. Only digests need metadata, and
/// people save it of every object.
pub(crate) fn is_beside_delivered(files: &dyn CopyFiles, path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(stem) = name.and_then(|name| name.strip_suffix(SUFFIX)).and_then(stem_of) else { return false };
    let is_object = |ending: &str| {
        let object = path.with_file_name(format!("{stem}{ending}"));
        files.facts(&object).is_ok_and(|found| found.kind != FileKind::Folder)
    };
    let has_output = || {
        let bytes = read_capped(files, path).ok()?;
        let text = decode(&bytes).ok()?;
        Some(head_object::is_output(&text))
    };
    (is_object(".json.gz") || is_object(".json")) && has_output() == Some(true)
}

fn metadata_error(reason: &str) -> Metadata {
    Metadata::from([(METADATA_ERROR.to_owned(), format!("the sidecar file is not usable: {reason}"))])
}

/// Reads a regular file. A symbolic link is an error, because a sidecar is stored beside the object and never
/// elsewhere.
fn read_capped(files: &dyn CopyFiles, path: &Path) -> io::Result<Vec<u8>> {
    let found = files.facts(path)?;
    let problem = match found.kind {
        FileKind::File if found.size <= MAX_SIDECAR => None,
        FileKind::File => {
            let (size, most) = (found.size, MAX_SIDECAR >> 10);
            Some(format!("it has {size} bytes, more than {most} KiB (S3 allows 2 KB of metadata)"))
        }
        FileKind::Folder => Some("it is a folder".to_owned()),
        FileKind::Link => Some("it is a symbolic link, which is not followed".to_owned()),
        FileKind::Other => Some("it is a pipe or a device, not a file".to_owned()),
    };
    if let Some(problem) = problem {
        return Err(io::Error::other(problem));
    }
    let mut bytes = Vec::new();
    files.open(path)?.body.take(MAX_SIDECAR).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes the sidecar of `object`, or removes the sidecar if `metadata` is empty.
pub(super) fn write(object: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.is_empty() {
        return remove(object);
    }
    let mut text = serde_json::to_vec_pretty(&SidecarFile { metadata: metadata.clone() })?;
    text.push(b'\n');
    fs::write(path_of(object), text)
}

/// Removes the sidecar of `object`, if present.
pub(super) fn remove(object: &Path) -> io::Result<()> {
    match fs::remove_file(path_of(object)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_in_every_encoding_of_head_object() {
        let text = r#"{"ContentLength": 1, "Metadata": {"x-amz-meta-Signature": "00ff"}}"#;
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in
            [text.as_bytes(), &[b"\xef\xbb\xbf", text.as_bytes()].concat(), &[b"\xff\xfe", &*utf16].concat()]
        {
            assert_eq!(parse(bytes), Metadata::from([("signature".to_owned(), "00ff".to_owned())]));
        }
    }

    /// What to do differs for each.
    #[cfg(unix)]
    #[test]
    fn what_is_no_usable_sidecar_is_named() {
        use crate::store::files::DiskFiles;

        let dir = tempfile::tempdir().unwrap();
        let files = DiskFiles::new(dir.path()).unwrap();
        let object = |name: &str| files.root().join(name);
        fs::create_dir(path_of(&object("folder"))).unwrap();
        std::os::unix::fs::symlink("elsewhere", path_of(&object("link"))).unwrap();
        fs::write(path_of(&object("large")), vec![b' '; (64 << 10) + 1]).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path_of(&object("socket"))).unwrap();
        for (name, what) in [
            ("folder", "it is a folder"),
            ("link", "it is a symbolic link, which is not followed"),
            ("large", "it has 65537 bytes, more than 64 KiB (S3 allows 2 KB of metadata)"),
            ("socket", "it is a pipe or a device, not a file"),
        ] {
            assert_eq!(read(&files, &object(name)), metadata_error(what), "{name}");
        }
        assert_eq!(read(&files, &object("none")), Metadata::new());
    }

    #[test]
    fn other_output_is_an_error_and_not_a_lack_of_metadata() {
        for bytes in [
            &b"bytes\tapplication/json\nMETADATA\t00ff\n"[..],
            b"Metadata:\n  signature: [00ff]\n",
            b"{\"metadata\": {\"signature\": \"00ff\"}}",
            b"{\"Metadata\": {\"signature\": 1}}",
            b"\xff\xfe{",
            b"",
        ] {
            let told = parse(bytes);
            assert!(told.len() == 1 && told.contains_key(METADATA_ERROR), "{told:?}");
        }
    }
}
