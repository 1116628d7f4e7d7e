//! Compares files of copies: by bytes, and by inflated content.

use std::io::{self, BufRead as _};
use std::path::Path;

use crate::gzip::{self, BodyError, Encoding};
use crate::ident::Sha256Hash;
use crate::store::HashedBody;
use crate::store::files::{CopyFiles, FileKind, OpenFile};

/// Most inflated bytes of a file that are compared; a longer file differs from every other file.
const MAX_COMPARED: u64 = 1 << 30;

/// Whether two paths are regular files, not symbolic links, with equal bytes.
pub(super) fn same_bytes(
    files: &dyn CopyFiles,
    one: &Path,
    other_files: &dyn CopyFiles,
    other: &Path,
) -> io::Result<bool> {
    let (of_one, of_other) = (files.facts(one)?, other_files.facts(other)?);
    let is_file = |kind| kind == FileKind::File;
    if !is_file(of_one.kind) || !is_file(of_other.kind) || of_one.size != of_other.size {
        return Ok(false);
    }
    let (one, other) = (files.open(one)?, other_files.open(other)?);
    if let (Some(one), Some(other)) = (&one.hashed, &other.hashed) {
        return Ok(one.stored == other.stored);
    }
    let (mut one, mut other) = (one.body, other.body);
    loop {
        // The two buffers may differ in length, so only the common part is compared and consumed.
        let (here, there) = (one.fill_buf()?, other.fill_buf()?);
        let length = here.len().min(there.len());
        if here.get(..length) != there.get(..length) || here.is_empty() != there.is_empty() {
            return Ok(false);
        }
        if length == 0 {
            return Ok(true);
        }
        one.consume(length);
        other.consume(length);
    }
}

/// Whether two files have the same content, gzip or inflated. Files without valid content are the same if their bytes
/// are equal.
pub(super) fn same_content(
    files: &dyn CopyFiles,
    one: &Path,
    other_files: &dyn CopyFiles,
    other: &Path,
) -> io::Result<bool> {
    if same_bytes(files, one, other_files, other)? {
        return Ok(true);
    }
    let (one, other) = (content(files.open(one)?)?, content(other_files.open(other)?)?);
    Ok(one.is_some() && one == other)
}

/// Whether a file has the content of a body that was hashed before.
pub(super) fn has_content_of(body: &HashedBody, files: &dyn CopyFiles, path: &Path) -> io::Result<bool> {
    let file = files.open(path)?;
    if let Some(hashed) = &file.hashed
        && hashed.stored == body.stored
    {
        return Ok(true);
    }
    let content = content(file)?;
    Ok(content.is_some() && content == body.content.as_ref().ok().map(|(hash, _)| *hash))
}

/// Hash of the inflated content of a file; `None` for a file without valid content.
fn content(mut file: OpenFile) -> io::Result<Option<Sha256Hash>> {
    let hashed = match file.hashed {
        Some(hashed) => hashed.content,
        None => gzip::hash(&mut *file.body, Encoding::GzipOrPlain, MAX_COMPARED),
    };
    match hashed {
        Ok((hash, _)) => Ok(Some(hash)),
        Err(BodyError::Unreadable(why)) => Err(io::Error::other(why)),
        Err(BodyError::Malformed(_) | BodyError::TooLarge(_) | BodyError::TooLong(_)) => Ok(None),
    }
}
