//! A file of the copy before it is whole: in memory at first, then in a temporary file.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tempfile::TempPath;

use super::folder::{CopyFolder, PlaceError};
use crate::ident::Sha256Hash;

/// Most bytes of a draft in memory. A log file usually has a few kB.
const MAX_BUFFER: usize = 1 << 20;

/// The bytes of an object so far.
pub(super) struct Draft {
    hasher: Sha256,
    size: u64,
    buffer: Vec<u8>,
    file: Option<(File, TempPath)>,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self { hasher: Sha256::new(), size: 0, buffer: Vec::new(), file: None }
    }

    /// Adds bytes. Returns `false` for a draft that exceeds `limit` bytes.
    pub(super) fn add(&mut self, bytes: &[u8], limit: u64, folder: &CopyFolder) -> io::Result<bool> {
        self.size += bytes.len() as u64;
        if self.size > limit {
            return Ok(false);
        }
        self.hasher.update(bytes);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() > MAX_BUFFER {
            self.write_buffer(folder)?;
        }
        Ok(true)
    }

    fn write_buffer(&mut self, folder: &CopyFolder) -> io::Result<()> {
        let (file, _) = match &mut self.file {
            Some(opened) => opened,
            none => none.insert(folder.temporary()?),
        };
        file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Size so far, in bytes.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Hash of the bytes so far.
    pub(super) fn sha256(&self) -> Sha256Hash {
        Sha256Hash(self.hasher.clone().finalize().into())
    }

    /// Moves the draft to `path`.
    pub(super) fn install(mut self, folder: &CopyFolder, path: &Path) -> Result<(), PlaceError> {
        self.write_buffer(folder).map_err(PlaceError::Io)?;
        match self.file {
            Some((file, temporary)) => {
                drop(file);
                folder.install(temporary, path)
            }
            None => Ok(()),
        }
    }
}
