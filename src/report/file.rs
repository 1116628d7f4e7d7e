//! The files of further reports: `--report FORMAT=FILE`. All files are checked before any file is opened, and a file
//! changes only when its report is complete.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::escape::for_terminal;
use super::replace::FileReplacement;
use super::{Format, UnknownFormat};

/// Maximum length of a chain of symbolic links, as on Linux (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Why a further report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No `=`, or an empty side.
    #[error("invalid report `{0}`: expected FORMAT=FILE")]
    Spec(String),
    /// An unknown format.
    #[error(transparent)]
    Format(#[from] UnknownFormat),
    /// Two reports for the same file.
    #[error("`{0}` is given twice")]
    Twice(String),
    /// The file cannot be written.
    #[error("cannot write `{path}`: {source}")]
    Open {
        /// The file as typed, safe to print.
        path: String,
        /// The operating system's error.
        source: io::Error,
    },
}

impl ReportError {
    /// The text of the `hint:` line.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Spec(_) | Self::Format(_) => {
                "give a known format and a file, such as `--report json=report.json`"
            }
            Self::Twice(_) => "give every report a different file",
            Self::Open { .. } => "give a file in an existing folder with write permission",
        }
    }
}

/// A further report as typed, `FORMAT=FILE`; not opened yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportFile {
    format: Format,
    /// The path as typed.
    path: PathBuf,
    place: PathTarget,
}

/// The target of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
enum PathTarget {
    /// A plain file, existing or not, with links resolved.
    File(PathBuf),
    /// A pipe, with links resolved.
    Pipe(PathBuf),
    /// A device, a socket, or an open file of a process, such as `/dev/stderr`. The path stays as typed, since two such
    /// paths may lead to the same terminal.
    Device(PathBuf),
}

impl ReportFile {
    /// Parses `FORMAT=FILE` and locates the file.
    ///
    /// # Errors
    /// [`ReportError`] for a malformed `spec`, or a path that is a folder or lies in a missing folder.
    pub fn parse(spec: &str) -> Result<Self, ReportError> {
        let (format, path) = words(spec)?;
        let place = locate(path).map_err(|source| cannot_write(path, source))?;
        Ok(Self { format, path: path.to_owned(), place })
    }

    /// Parses several reports.
    ///
    /// # Errors
    /// As for [`ReportFile::parse`], and [`ReportError::Twice`] if two paths lead to the same file.
    pub fn parse_all(specs: &[String]) -> Result<Vec<Self>, ReportError> {
        // Spelling errors are reported before unwritable files.
        specs.iter().try_for_each(|spec| words(spec).map(drop))?;
        let mut files: Vec<Self> = Vec::new();
        for spec in specs {
            let file = Self::parse(spec)?;
            if files.iter().any(|other| other.place == file.place) {
                return Err(ReportError::Twice(shown(&file.path)));
            }
            files.push(file);
        }
        Ok(files)
    }

    /// The format.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The path as typed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the output. A plain file stays unchanged until [`Fanout`](super::Fanout) has taken the run's last event; a
    /// pipe or a device is opened now and written during the run.
    ///
    /// # Errors
    /// [`ReportError::Open`] for an unwritable path.
    pub fn open(self) -> Result<OpenReport, ReportError> {
        let Self { format, path, place } = self;
        match to(place) {
            Ok((writer, replacement)) => Ok(OpenReport { format, path, writer, replacement }),
            Err(source) => Err(cannot_write(&path, source)),
        }
    }
}

/// A file that changes only when its new content is complete: see [`ReportFile`].
pub struct WholeFile {
    path: PathBuf,
    writer: BufWriter<Box<dyn Write + Send>>,
    /// Moves the complete content to the file; `None` for a pipe or a device.
    replacement: Option<FileReplacement>,
}

impl WholeFile {
    /// Opens the output for the file at `path`.
    ///
    /// # Errors
    /// [`ReportError::Open`] for an unwritable path.
    pub fn open(path: &Path) -> Result<Self, ReportError> {
        let opened = locate(path).and_then(to).map_err(|source| cannot_write(path, source))?;
        Ok(Self { path: path.to_owned(), writer: BufWriter::new(opened.0), replacement: opened.1 })
    }

    /// The writer of the new content.
    pub fn writer(&mut self) -> &mut (dyn Write + Send) {
        &mut self.writer
    }

    /// Replaces the old content.
    ///
    /// # Errors
    /// [`ReportError::Open`] if the content cannot be written. The old content then stays.
    pub fn finish(self) -> Result<(), ReportError> {
        let Self { path, mut writer, replacement } = self;
        let written = writer.flush().and_then(|()| replacement.map_or(Ok(()), FileReplacement::commit));
        written.map_err(|source| cannot_write(&path, source))
    }
}

/// The existing plain file that an output at `path` would replace, with links resolved; `None` for a new file, a pipe or a
/// device.
#[must_use]
pub fn replaced_file(path: &Path) -> Option<PathBuf> {
    match locate(path) {
        Ok(PathTarget::File(file)) => fs::canonicalize(file).ok(),
        Ok(PathTarget::Pipe(_) | PathTarget::Device(_)) | Err(_) => None,
    }
}

/// The two sides of `FORMAT=FILE`.
fn words(spec: &str) -> Result<(Format, &Path), ReportError> {
    let (format, path) = spec
        .split_once('=')
        .filter(|(format, path)| !format.is_empty() && !path.is_empty())
        .ok_or_else(|| ReportError::Spec(for_terminal(spec).into_owned()))?;
    Ok((format.parse()?, Path::new(path)))
}

/// A further report with an open writer.
pub struct OpenReport {
    pub(super) format: Format,
    pub(super) path: PathBuf,
    pub(super) writer: Box<dyn Write + Send>,
    /// Moves the complete report to its file; `None` for a pipe or a device.
    pub(super) replacement: Option<FileReplacement>,
}

type OpenOutput = (Box<dyn Write + Send>, Option<FileReplacement>);

fn to(place: PathTarget) -> io::Result<OpenOutput> {
    match place {
        PathTarget::File(path) => {
            let replacement = FileReplacement::of(path)?;
            Ok((replacement.writer(), Some(replacement)))
        }
        // A shell may have opened the file for appending.
        PathTarget::Pipe(path) | PathTarget::Device(path) => {
            Ok((Box::new(OpenOptions::new().append(true).open(path)?), None))
        }
    }
}

/// Resolves `path` link by link: the last link's target need not exist.
fn locate(path: &Path) -> io::Result<PathTarget> {
    let mut next = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let Some(name) = next.file_name().filter(|_| !is_folder_name(&next)) else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        let folder = next.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
        let resolved = folder.join(name);
        if has_open_files(&folder) {
            return Ok(PathTarget::Device(path.to_owned()));
        }
        let found = match fs::symlink_metadata(&resolved) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(PathTarget::File(resolved)),
            Err(error) => return Err(error),
        };
        if !found.is_symlink() {
            return place(path, resolved, found.file_type());
        }
        next = folder.join(fs::read_link(&resolved)?);
    }
    Err(io::Error::other("too many symbolic links"))
}

fn place(path: &Path, resolved: PathBuf, kind: fs::FileType) -> io::Result<PathTarget> {
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(match kind.is_file() {
        true => PathTarget::File(resolved),
        false if is_pipe(kind) => PathTarget::Pipe(resolved),
        false => PathTarget::Device(path.to_owned()),
    })
}

#[cfg(unix)]
fn is_pipe(kind: fs::FileType) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    kind.is_fifo()
}

#[cfg(not(unix))]
fn is_pipe(_: fs::FileType) -> bool {
    false
}

/// Whether the path ends like a folder's path: [`Path::file_name`] ignores such an end.
fn is_folder_name(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.ends_with(b"/") || bytes.ends_with(b"/.")
}

/// Whether `folder` contains a process's open files: `/dev/fd`, which `/dev/stdout` leads to as well.
fn has_open_files(folder: &Path) -> bool {
    folder == Path::new("/dev/fd") || (folder.starts_with("/proc") && folder.ends_with("fd"))
}

fn cannot_write(path: &Path, source: io::Error) -> ReportError {
    ReportError::Open { path: shown(path), source }
}

fn shown(path: &Path) -> String {
    for_terminal(&path.display().to_string()).into_owned()
}

#[cfg(test)]
mod tests;
