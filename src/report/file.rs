//! The files that further reports go to: `--report FORMAT=FILE`. All are checked before any is opened, and none is
//! changed before its report is whole.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::escape::for_terminal;
use super::replace::Replacement;
use super::{Format, UnknownFormat};

/// How many links may lead from one to the next, as on Linux (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Why a further report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No `=`, or nothing on one side of it.
    #[error("`{0}` names no format and file")]
    Spec(String),
    /// A format that does not exist.
    #[error(transparent)]
    Format(#[from] UnknownFormat),
    /// Two reports for one file.
    #[error("`{0}` is named twice")]
    Twice(String),
    /// The file cannot be written.
    #[error("cannot write `{path}`: {source}")]
    Open {
        /// The file as named, safe to print.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

impl ReportError {
    /// What to do about it, for a `hint:` line.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Spec(_) | Self::Format(_) => "give FORMAT=FILE, such as `--report json=report.json`",
            Self::Twice(_) => "give each report a file of its own",
            Self::Open { .. } => "name a file in a folder that exists and that you may write to",
        }
    }
}

/// A further report as it was named, `FORMAT=FILE`; nothing is opened yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportFile {
    format: Format,
    /// As it was named.
    path: PathBuf,
    place: Place,
}

/// What a path leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Place {
    /// A plain file, whether it is there yet or not, with links resolved.
    File(PathBuf),
    /// A pipe, with links resolved.
    Pipe(PathBuf),
    /// A device, a socket, or an open file of a process, such as `/dev/stderr`; as it was named, since two of these may
    /// well lead to the same terminal.
    Device(PathBuf),
}

impl ReportFile {
    /// Reads `FORMAT=FILE` and finds out what the file is.
    ///
    /// # Errors
    /// [`ReportError`] where the words are wrong, or the path leads to no file and to no place for one.
    pub fn parse(spec: &str) -> Result<Self, ReportError> {
        let (format, path) = words(spec)?;
        let place = locate(path).map_err(|source| cannot_write(path, source))?;
        Ok(Self { format, path: path.to_owned(), place })
    }

    /// The same of several.
    ///
    /// # Errors
    /// As [`ReportFile::parse`], and where two name the same file, however that is spelt.
    pub fn parse_all(specs: &[String]) -> Result<Vec<Self>, ReportError> {
        // What is misspelt is said before what cannot be written.
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

    /// Whether the report would take the place of the plain file at `path`.
    #[must_use]
    pub fn replaces(&self, path: &Path) -> bool {
        let Place::File(file) = &self.place else { return false };
        fs::canonicalize(path).is_ok_and(|path| path == *file)
    }

    /// The file as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes ready to write. A plain file stays as it is until [`Fanout`](super::Fanout) has taken a run's last event;
    /// a pipe or a device is opened, and written to as the run goes on.
    ///
    /// # Errors
    /// [`ReportError::Open`] where nothing can be written there.
    pub fn open(self) -> Result<OpenReport, ReportError> {
        let Self { format, path, place } = self;
        match to(place) {
            Ok((writer, replacement)) => Ok(OpenReport { format, path, writer, replacement }),
            Err(source) => Err(cannot_write(&path, source)),
        }
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

/// A further report that can be written.
pub struct OpenReport {
    pub(super) format: Format,
    pub(super) path: PathBuf,
    pub(super) writer: Box<dyn Write + Send>,
    /// What puts the report in its file's place when it is whole.
    pub(super) replacement: Option<Replacement>,
}

type Opened = (Box<dyn Write + Send>, Option<Replacement>);

fn to(place: Place) -> io::Result<Opened> {
    match place {
        Place::File(path) => {
            let replacement = Replacement::of(path)?;
            Ok((replacement.writer(), Some(replacement)))
        }
        // A shell that opened the file may have opened it to append.
        Place::Pipe(path) | Place::Device(path) => {
            Ok((Box::new(OpenOptions::new().append(true).open(path)?), None))
        }
    }
}

/// Finds out what `path` leads to, link by link: the target of a link need not be there.
fn locate(path: &Path) -> io::Result<Place> {
    let mut next = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let Some(name) = next.file_name().filter(|_| !is_folder_name(&next)) else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        let folder = next.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
        let resolved = folder.join(name);
        if has_open_files(&folder) {
            return Ok(Place::Device(path.to_owned()));
        }
        let found = match fs::symlink_metadata(&resolved) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::File(resolved)),
            Err(error) => return Err(error),
        };
        if !found.is_symlink() {
            return place(path, resolved, found.file_type());
        }
        next = folder.join(fs::read_link(&resolved)?);
    }
    Err(io::Error::other("too many links lead from one to the next"))
}

fn place(path: &Path, resolved: PathBuf, kind: fs::FileType) -> io::Result<Place> {
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(match kind.is_file() {
        true => Place::File(resolved),
        false if is_pipe(kind) => Place::Pipe(resolved),
        false => Place::Device(path.to_owned()),
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

/// Whether a path ends as that of a folder does: [`Path::file_name`] takes such an end for nothing.
fn is_folder_name(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.ends_with(b"/") || bytes.ends_with(b"/.")
}

/// Whether `folder` holds a process's open files: `/dev/fd`, where `/dev/stdout` leads as well.
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
