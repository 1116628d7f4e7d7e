//! The inputs of a command: files that no output may be written over.
//!
//! An existing file is refused as an output where it is an input, or lies in a directory that is an input: evidence, keys
//! and memory stay as they are. A new file in such a directory is no harm, nor is the report of the day before that somebody
//! keeps beside the evidence. But the state has files of its own alone, and in `AWSLogs/` of a copy a new file is one that
//! CloudTrail did not deliver.

use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;
use super::args::RunArgs;
use super::sources::is_in_s3;
use crate::report;
use crate::store::archive::is_named_like_archive;

/// What an input is for.
#[derive(Clone, Copy)]
pub(super) enum InputRole {
    Source,
    Keys,
    State,
    Copy,
    Plan,
    Result,
    Report,
}

impl InputRole {
    /// The role of a directory in which a file lies, with the preposition.
    const fn directory(self) -> &'static str {
        match self {
            Self::Source => "a file in the source",
            Self::Keys => "a file in the directory of public keys",
            Self::State => "a file in the state",
            Self::Copy => "a file in the copy",
            Self::Plan => "a file in the directory of the plan",
            Self::Result => "a file in the results",
            Self::Report => "a file in the directory of the report",
        }
    }

    /// The role of a file.
    const fn file(self) -> &'static str {
        match self {
            Self::Source => "a source of the run",
            Self::Keys => "a file of public keys of the run",
            Self::State => "the state",
            Self::Copy => "the copy",
            Self::Plan => "the plan being read",
            Self::Result => "a result being read",
            Self::Report => "the report being read",
        }
    }
}

/// The inputs of a command on this machine.
#[derive(Default)]
pub(super) struct Inputs(Vec<Input>);

struct Input {
    role: InputRole,
    /// The path as typed.
    typed: PathBuf,
    /// The file or directory, with links resolved.
    path: PathBuf,
}

impl Input {
    fn holds(&self, file: &Path) -> bool {
        let is_evidence = || match self.role {
            InputRole::Source | InputRole::Copy => file == self.path || is_evidence(file),
            _ => true,
        };
        file.starts_with(&self.path) && is_evidence()
    }
}

impl Inputs {
    /// Sources, keys and state of a run.
    pub(super) fn of_run(arguments: &RunArgs) -> Self {
        Self::default()
            .with(InputRole::Source, &arguments.sources)
            .with(InputRole::Keys, &arguments.public_keys)
            .with(InputRole::State, &arguments.state)
    }

    /// Adds inputs. Addresses in S3, and paths that do not exist, hold no file of this machine.
    pub(super) fn with<'p>(mut self, role: InputRole, paths: impl IntoIterator<Item = &'p PathBuf>) -> Self {
        for typed in paths.into_iter().filter(|path| !is_in_s3(path)) {
            if let Ok(path) = fs::canonicalize(typed) {
                let path = if matches!(role, InputRole::Source) { evidence_of(path) } else { path };
                self.0.push(Input { role, typed: typed.clone(), path });
            }
        }
        self
    }

    /// Refuses an output that would replace an input, or lie where only the input's own files belong.
    pub(super) fn check(&self, output: &Path) -> Result<(), Failure> {
        let Some(replaced) = report::replaced_file(output) else { return self.check_new(output) };
        let Some(input) = self.0.iter().find(|input| input.holds(&replaced)) else { return Ok(()) };
        let (output, typed) = (output.display(), input.typed.display());
        let (is, hint) = match replaced == input.path || !input.path.is_dir() {
            true => (input.role.file().to_owned(), "write to another file".to_owned()),
            false => {
                let is = format!("{} `{typed}`", input.role.directory());
                (is, format!("write to a file outside of `{typed}`"))
            }
        };
        Err(Failure::new(format!("`{output}` is {is}, and would be written over"), hint))
    }

    /// Refuses a new file in the state, and in `AWSLogs/` of a copy: the next run would report it.
    fn check_new(&self, output: &Path) -> Result<(), Failure> {
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
        let Ok(folder) = fs::canonicalize(folder.unwrap_or(Path::new("."))) else { return Ok(()) };
        let belongs_to = |input: &&Input| {
            folder.starts_with(&input.path)
                && match input.role {
                    InputRole::State => true,
                    InputRole::Source | InputRole::Copy => folder.iter().any(|name| name == "AWSLogs"),
                    _ => false,
                }
        };
        let Some(input) = self.0.iter().find(belongs_to) else { return Ok(()) };
        let (output, typed) = (output.display(), input.typed.display());
        let (among, outside) = match input.role {
            InputRole::State => (format!("in the state `{typed}`"), format!("`{typed}`")),
            _ => (format!("among the log files and digests of `{typed}`"), "`AWSLogs/`".to_owned()),
        };
        let what =
            format!("`{output}` would lie {among}, where the next run would take it for a file of these");
        Err(Failure::new(what, format!("write to a file outside of {outside}")))
    }
}

/// Whether a file of a copy is called like evidence: a log file, a digest, a sidecar or an archive, renamed or not.
fn is_evidence(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.contains("_CloudTrail") || name.ends_with(".metadata.json") || is_named_like_archive(&name)
}

/// What a source is read with: one log or digest file is proved by the files around it, below `AWSLogs/`.
fn evidence_of(source: PathBuf) -> PathBuf {
    let folder = source.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "AWSLogs"));
    match folder {
        Some(folder) if source.is_file() => folder.to_path_buf(),
        _ => source,
    }
}
