//! Opens the sources that were typed as SOURCE.

#[cfg(feature = "aws")]
pub(super) mod s3;

use std::io;
use std::path::{Path, PathBuf};

use super::args::RunArgs;
use super::{Failure, signals};
use crate::event::Finding;
use crate::ident::Location;
use crate::keys::KeyRing;
use crate::report::shell;
use crate::store::Store;
use crate::store::archive::ArchiveError;
use crate::validate::copies::{self, CopyError, OpenedCopies};
use crate::validate::{NamedTrail, SourceError, SourceFolder, TypedSource};

/// Open sources and the store that contains them.
pub(super) struct Opened {
    pub(super) store: Box<dyn Store>,
    pub(super) sources: Vec<SourceFolder>,
    /// Single objects. A run has objects or sources, never both.
    pub(super) objects: Vec<Location>,
    /// The text that was typed for each source; empty where source and text are equal.
    pub(super) typed: Vec<TypedSource>,
    /// Trails that were given by ARN.
    pub(super) named: Vec<NamedTrail>,
    /// Sources whose bucket is not there, of a run with memory.
    pub(super) gone: Vec<GoneBucket>,
    pub(super) keys: KeyRing,
    /// Findings that were made while opening.
    pub(super) findings: Vec<Finding>,
    /// Whether the sources are in S3.
    pub(super) in_s3: bool,
}

/// A source whose bucket is not there.
pub(super) struct GoneBucket {
    pub(super) source: SourceFolder,
    /// What ends a run that has no memory of the bucket.
    pub(super) failure: Failure,
    /// The region that was asked about the bucket first.
    pub(super) region: String,
}

/// Opens the sources: all in S3, or all copies on disk. `keys` are the keys from `--public-keys`.
pub(super) fn open(arguments: &RunArgs, keys: KeyRing) -> Result<Opened, Failure> {
    let (in_s3, on_disk): (Vec<&PathBuf>, Vec<&PathBuf>) =
        arguments.sources.iter().partition(|source| is_in_s3(source));
    match (in_s3.first(), on_disk.first()) {
        (Some(remote), Some(copy)) => Err(Failure::new(
            format!("`{}` is in S3 and `{}` is a directory", remote.display(), copy.display()),
            "validate S3 and the directory in two runs",
        )),
        (Some(_), None) => open_s3(arguments, keys),
        (None, _) => open_copies(arguments, keys),
    }
}

/// Whether a source is an address in S3 or an ARN, not a path.
pub(super) fn is_in_s3(source: &Path) -> bool {
    source.to_str().is_some_and(|text| text.starts_with("s3://") || text.starts_with("arn:"))
}

#[cfg(feature = "aws")]
fn open_s3(arguments: &RunArgs, keys: KeyRing) -> Result<Opened, Failure> {
    let opened = s3::open(arguments)?;
    let keys = match arguments.public_keys.is_empty() || arguments.fetch_keys {
        true => keys.asking(Box::new(crate::keys::cloudtrail::CloudTrailKeys::new(opened.aws))),
        false => keys,
    };
    let s3::OpenedS3 { store, sources, objects, named, gone, .. } = opened;
    let (typed, findings) = (Vec::new(), Vec::new());
    Ok(Opened { store: Box::new(store), sources, objects, typed, named, gone, keys, findings, in_s3: true })
}

#[cfg(not(feature = "aws"))]
fn open_s3(arguments: &RunArgs, _: KeyRing) -> Result<Opened, Failure> {
    let source = arguments.sources.first().map(|source| source.display().to_string()).unwrap_or_default();
    Err(Failure::new(
        format!("`{source}` is in S3, and this program was built without the feature `aws`"),
        "copy the bucket first, for example with `aws s3 sync`, and give the directory",
    ))
}

fn open_copies(arguments: &RunArgs, keys: KeyRing) -> Result<Opened, Failure> {
    let failed = |error: CopyError| Failure::new(what(&error), hint(&error));
    // A path with a typing error needs no keys.
    copies::check_exist(&arguments.sources).map_err(failed)?;
    let keys = with_fetched(arguments, keys)?;
    let opened = copies::open_until(&arguments.sources, &keys, &arguments.limits.of_run(), signals::flag());
    let OpenedCopies { store, sources, typed, objects, findings } = opened.map_err(failed)?;
    let (store, named) = (Box::new(store), Vec::new());
    let gone = Vec::new();
    Ok(Opened { store, sources, objects, typed, named, gone, keys, findings, in_s3: false })
}

/// Requires keys for a directory: keys never come from the evidence.
fn with_fetched(arguments: &RunArgs, keys: KeyRing) -> Result<KeyRing, Failure> {
    #[cfg(feature = "aws")]
    if arguments.fetch_keys {
        let aws = super::aws::connect(&arguments.aws)?;
        return Ok(keys.asking(Box::new(crate::keys::cloudtrail::CloudTrailKeys::new(aws))));
    }
    if arguments.public_keys.is_empty() && !arguments.dry_run {
        return Err(no_keys());
    }
    Ok(keys)
}

/// The error message for a copy without keys.
pub(super) fn no_keys() -> Failure {
    Failure::new(
        "no public keys: validating a directory or an archive needs keys from another place",
        "save the keys with `trailproof keys --region REGION --start-time TIME > keys.json` and give `--public-keys \
         keys.json`, or ask CloudTrail now with `--fetch-keys`",
    )
}

/// The error message for a source that cannot be validated.
pub(super) fn unusable(error: &SourceError) -> Failure {
    Failure::new(error.to_string(), error.hint())
}

/// What is wrong. A missing path has the same words wherever it is found missing.
fn what(error: &CopyError) -> String {
    match error {
        CopyError::Unreadable { path, source } if source.kind() == io::ErrorKind::NotFound => {
            format!("`{}`: no such file or directory", path.display())
        }
        error => error.to_string(),
    }
}

fn hint(error: &CopyError) -> String {
    let hint = match error {
        CopyError::Archive {
            path,
            source: ArchiveError::NoCentralDirectory(_) | ArchiveError::NoMemberNamed(_),
        } => {
            return format!(
                "get a complete copy; or save what is left with `zip -FF {} --out FIXED.zip`, and give FIXED.zip",
                shell::quote(&path.display().to_string())
            );
        }
        CopyError::Unreadable { .. } => {
            "give a directory with a copy of a trail's bucket, or a part of one; one file is validated where it lies in \
             the copy: `…/AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/NAME`"
        }
        CopyError::Archive { .. } => {
            "give a directory, a `.zip`, or a `.tar`, plain or compressed by gzip or zstd; one file is validated where it \
             lies in the copy: `…/AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/NAME`"
        }
        CopyError::Loose { .. } => {
            "validate it where it lies in the copy, beside its digests: \
             `…/AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/NAME`"
        }
        CopyError::Unfinished(_) => "complete the copy: run the same `trailproof collect` again",
        CopyError::Interrupted(_) => "run again, and let the run finish",
        CopyError::Empty(_) => {
            "give the directory with the copy of the bucket; an empty directory proves nothing"
        }
        CopyError::Nested { .. } => {
            "move the inner copy out of the bucket's folder, or validate each copy alone"
        }
        CopyError::Odd { expected, .. } => expected.hint(),
        CopyError::NoCopy(_) => {
            "give the directory of the copy; one file is validated where it lies in the copy: \
             `…/AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/NAME`"
        }
    };
    hint.to_owned()
}

/// Bucket and folder (with a slash at its end) of `s3://BUCKET[/PREFIX]`.
pub(super) fn parse_s3(text: &str) -> Option<(String, String)> {
    let rest = text.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
    (!bucket.is_empty()).then(|| (bucket.to_owned(), format!("{prefix}{slash}")))
}
