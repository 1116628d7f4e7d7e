//! Archives read in place, as the files of a copy: zip, tar, and tar compressed by gzip or zstd.
//!
//! Nothing is written to disk. A zip and a plain tar are read by position. A compressed tar can only be read from the
//! start, so it is read once, log files are hashed on the way, and small other members are kept in memory; see
//! `compressed_tar.rs`.
//!
//! An archive is hostile: declared sizes are limits and never allocations, links are not followed, and a member that
//! two programs would read differently is refused. Everything refused is a [`MemberIssue`], and opening it is an error.

mod compressed_tar;
mod content;
mod format;
mod hashed;
mod inflated;
mod members;
mod names;
mod pax;
mod plain_tar;
mod positioned;
mod problem;
mod reread;
mod tar_header;
mod tar_listing;
mod tar_walk;
mod tree;
mod zip_body;
mod zip_files;
mod zip_gaps;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use self::format::ArchiveFormat;
use self::members::{ArchiveFiles, Listing, MemberBodies};
use self::positioned::PositionedFile;
pub use self::problem::{ArchiveError, MemberIssue, MemberName, MemberProblem};
use super::files::CopyFiles;
use crate::handles::patiently;

/// Limits on what an archive may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveLimits {
    /// Most members, folders included. The rest is not looked at.
    pub members: u64,
    /// Most memory for names and attributes, in bytes: the names, 64 for each, and 320 for each folder. The rest of
    /// the archive is not looked at.
    pub names: u64,
    /// Largest member of a zip or a compressed tar, in inflated bytes. A larger member is an error when it is read.
    pub member: u64,
    /// Most inflated bytes of a compressed tar in total. The rest is not looked at.
    pub stream: u64,
    /// Most memory for members of a compressed tar that are kept as stored, in bytes.
    pub memory: u64,
    /// Largest inflated log file, in bytes, for members of a compressed tar that are hashed.
    pub log_content: u64,
    /// Threads that hash members of a compressed tar, at least one.
    pub threads: usize,
}

impl Default for ArchiveLimits {
    /// 2,000,000 members, 512 MiB of names, 16 GiB for a member, 1 TiB for a stream, 256 MiB in memory, 16 GiB for a
    /// log file, and a thread for each processor.
    fn default() -> Self {
        Self {
            members: 2_000_000,
            names: 512 << 20,
            member: 16 << 30,
            stream: 1 << 40,
            memory: 256 << 20,
            log_content: 16 << 30,
            threads: thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// An archive whose members are known.
#[derive(Debug)]
pub struct OpenedArchive {
    /// The members as files. The root is the path of the archive with resolved links.
    pub files: Arc<dyn CopyFiles>,
    /// Problems of the archive and of its members: all of the archive, at most 1,000 of members, and at most 100 that
    /// are harmless.
    pub issues: Vec<MemberIssue>,
    /// Number of further problems of members that are not harmless.
    pub skipped_issues: u64,
    /// Number of members that repeat an earlier member's name and content.
    pub duplicates: u64,
    /// Whether all members are known. If not, a path that is not found is an error other than
    /// [`io::ErrorKind::NotFound`], and listings may lack members.
    pub is_whole: bool,
}

impl OpenedArchive {
    fn of<B: MemberBodies + 'static>(root: PathBuf, listing: Listing<B::Place>, bodies: B) -> Self {
        let skipped_issues = listing.issues.skipped;
        let duplicates = listing.issues.duplicates;
        let is_whole = listing.rest_unknown.is_none();
        let files = ArchiveFiles::new(root, listing.tree, bodies, listing.rest_unknown, listing.doubt);
        let issues = listing.issues.into_issues();
        Self { files: Arc::new(files), issues, skipped_issues, duplicates, is_whole }
    }
}

/// Whether a file is called like an archive.
#[must_use]
pub fn is_named_like_archive(name: &str) -> bool {
    names::is_archive(name.as_bytes())
}

/// Opens an archive. The format is told by the content, not by the name. A compressed tar is read to its end.
///
/// # Errors
/// [`ArchiveError`] if the members cannot be known. Problems of single members, and members that are unknown because
/// the archive is cut or damaged, are [`OpenedArchive::issues`].
pub fn open(path: &Path, limits: &ArchiveLimits) -> Result<OpenedArchive, ArchiveError> {
    let root = fs::canonicalize(path)?;
    let file = Arc::new(PositionedFile::new(patiently(|| File::open(&root))?)?);
    match format::of(&file, &root)? {
        ArchiveFormat::Zip => zip_files::open(root, file, limits),
        ArchiveFormat::Tar => Ok(plain_tar::open(root, file, limits)),
        ArchiveFormat::Compressed(compression) => compressed_tar::open(root, file, compression, limits),
        ArchiveFormat::Unsupported(name) => Err(ArchiveError::Unsupported(name)),
        ArchiveFormat::NoTarInside(name) => Err(ArchiveError::NoTarInside(name)),
        ArchiveFormat::Unknown => Err(ArchiveError::NotAnArchive),
    }
}

/// Whether a path is a file that is an archive, or is named like an archive. [`open`] says why such a file cannot be
/// read in place. A gzip file that holds no tar, such as a log file, is an archive only if its name says so.
///
/// # Errors
/// The errors of opening and reading a file. A missing path is an error.
pub fn is_archive(path: &Path) -> io::Result<bool> {
    // Opening a pipe would wait for a writer.
    if !fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let file = Arc::new(PositionedFile::new(patiently(|| File::open(path))?)?);
    let is_named_like = names::is_archive(path.as_os_str().as_encoded_bytes());
    Ok(match format::of(&file, path)? {
        ArchiveFormat::Zip
        | ArchiveFormat::Tar
        | ArchiveFormat::Compressed(_)
        | ArchiveFormat::Unsupported(_) => true,
        ArchiveFormat::NoTarInside(_) | ArchiveFormat::Unknown => is_named_like,
    })
}
