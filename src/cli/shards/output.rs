//! Where plans and results go: stdout, files, folders, objects.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::cli::sources::is_in_s3;
use crate::cli::typed::target;
use crate::cli::{Failure, outputs};
use crate::report::WholeFile;
use crate::report::json::VisibleJson;
#[cfg(feature = "aws")]
use crate::store::s3::S3Store;

/// Where a plan goes.
pub(super) enum PlanTarget {
    Stdout,
    File(PathBuf),
    #[cfg(feature = "aws")]
    Object(crate::ident::Location),
}

impl PlanTarget {
    pub(super) fn of(typed: Option<PathBuf>) -> Result<Self, Failure> {
        typed.as_deref().map_or(Ok(()), target)?;
        match typed {
            None => Ok(Self::Stdout),
            Some(path) if path.as_os_str() == "-" => Ok(Self::Stdout),
            #[cfg(feature = "aws")]
            Some(path) if is_in_s3(&path) => object(&path).map(Self::Object),
            Some(path) if is_in_s3(&path) => Err(without_aws(&path)),
            Some(path) => Ok(Self::File(path)),
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Stdout => "stdout".to_owned(),
            Self::File(path) => path.display().to_string(),
            #[cfg(feature = "aws")]
            Self::Object(location) => location.to_string(),
        }
    }
}

/// An object by its address.
#[cfg(feature = "aws")]
pub(super) fn object(path: &Path) -> Result<crate::ident::Location, Failure> {
    let text = path.to_string_lossy();
    let parts = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    match parts.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty()) {
        Some((bucket, key)) => Ok(crate::ident::Location::new(bucket, key)),
        None => Err(Failure::new(format!("`{text}` names no object"), "give `s3://BUCKET/KEY`")),
    }
}

pub(super) fn without_aws(path: &Path) -> Failure {
    Failure::new(
        format!("`{}` is in S3, and this program was built without the feature `aws`", path.display()),
        "give a file",
    )
}

/// S3, for plans and results.
#[cfg(feature = "aws")]
pub(super) fn store(aws: &crate::cli::args::AwsArgs) -> Result<S3Store, Failure> {
    Ok(S3Store::new(crate::cli::aws::connect(aws)?, None))
}

/// A plan on its way to its target. A file is replaced, and an object is written, once the plan is complete.
pub(super) enum SpooledPlan {
    Stdout(VisibleJson<BufWriter<io::Stdout>>),
    File(Box<WholeFile>),
    #[cfg(feature = "aws")]
    Object(Box<S3Store>, crate::ident::Location, Vec<u8>),
}

impl SpooledPlan {
    pub(super) fn open(
        target: &PlanTarget,
        #[cfg(feature = "aws")] aws: &crate::cli::args::AwsArgs,
    ) -> Result<Self, Failure> {
        Ok(match target {
            PlanTarget::Stdout => Self::Stdout(VisibleJson(BufWriter::new(io::stdout()))),
            PlanTarget::File(path) => {
                let file = WholeFile::open(path).map_err(|error| outputs::unusable(&error))?;
                Self::File(Box::new(file))
            }
            #[cfg(feature = "aws")]
            PlanTarget::Object(location) => Self::Object(Box::new(store(aws)?), location.clone(), Vec::new()),
        })
    }

    pub(super) fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Stdout(out) => out,
            Self::File(file) => file.writer(),
            #[cfg(feature = "aws")]
            Self::Object(_, _, bytes) => bytes,
        }
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Stdout(mut out) => out.flush().map_err(|error| unwritable("stdout", &error)),
            Self::File(file) => file.finish().map_err(|error| outputs::unusable(&error)),
            #[cfg(feature = "aws")]
            Self::Object(store, location, bytes) => put(&store, &location, &bytes),
        }
    }
}

#[cfg(feature = "aws")]
fn put(store: &S3Store, location: &crate::ident::Location, bytes: &[u8]) -> Result<(), Failure> {
    use crate::store::{Deposit as _, Metadata, StoreError};
    store.put(location, bytes, &Metadata::new()).map_err(|error| match error {
        // An object that does not exist can be written: only its bucket can be missing.
        StoreError::NotFound => {
            let what = format!("there is no bucket `{}`", location.bucket);
            Failure::new(what, "make the bucket, or give another with `-o`")
        }
        error => unwritable(&location.to_string(), &error),
    })
}

pub(super) fn unwritable(name: &str, error: &dyn fmt::Display) -> Failure {
    Failure::new(format!("`{name}` cannot be written: {error}"), "write it elsewhere, or free space")
}

/// The path without the slashes at its end, behind which no file is found.
fn path_of_file(path: &Path) -> Option<PathBuf> {
    path.to_str().map(|path| PathBuf::from(path.trim_end_matches('/')))
}

/// Where results go. Any thread may write a result.
pub(super) struct ResultOutput(ResultTarget);

enum ResultTarget {
    Stdout(Mutex<io::Stdout>),
    /// One file for all results, replaced at the end.
    File(Mutex<Box<WholeFile>>),
    /// A folder with a file for each result.
    Folder(PathBuf),
    /// One object for all results, written at the end.
    #[cfg(feature = "aws")]
    Object(Box<S3Store>, crate::ident::Location, Mutex<Vec<u8>>),
    /// A prefix with an object for each result.
    #[cfg(feature = "aws")]
    Prefix(Box<S3Store>, String, String),
}

impl ResultOutput {
    pub(super) fn open(
        typed: Option<&Path>,
        #[cfg(feature = "aws")] aws: &crate::cli::args::AwsArgs,
    ) -> Result<Self, Failure> {
        let Some(path) = typed.filter(|path| path.as_os_str() != "-") else {
            return Ok(Self(ResultTarget::Stdout(Mutex::new(io::stdout()))));
        };
        target(path)?;
        let is_folder = path.to_string_lossy().ends_with('/');
        if is_in_s3(path) {
            #[cfg(not(feature = "aws"))]
            return Err(without_aws(path));
            #[cfg(feature = "aws")]
            return Ok(Self(match is_folder {
                true => {
                    let (bucket, prefix) = crate::cli::typed::place("-o", &path.to_string_lossy())?;
                    ResultTarget::Prefix(Box::new(store(aws)?), bucket, prefix)
                }
                false => ResultTarget::Object(Box::new(store(aws)?), object(path)?, Mutex::default()),
            }));
        }
        if is_folder && path_of_file(path).is_some_and(|file| file.is_file()) {
            let what = format!("`{}` is a file", path.to_string_lossy().trim_end_matches('/'));
            return Err(Failure::new(what, "give a folder, or a file without a slash at its end"));
        }
        if is_folder || path.is_dir() {
            std::fs::create_dir_all(path).map_err(|error| unwritable(&path.display().to_string(), &error))?;
            return Ok(Self(ResultTarget::Folder(path.to_owned())));
        }
        let file = WholeFile::open(path).map_err(|error| outputs::unusable(&error))?;
        Ok(Self(ResultTarget::File(Mutex::new(Box::new(file)))))
    }

    /// Writes the result of shard `number` of a plan. `Ok(false)` if nobody reads stdout any longer.
    pub(super) fn write(&self, plan: &str, number: u64, line: &[u8]) -> Result<bool, Failure> {
        let name = || format!("{plan}-{number:06}.json");
        match &self.0 {
            ResultTarget::Stdout(out) => {
                let out = out.lock().unwrap_or_else(PoisonError::into_inner);
                let mut out = VisibleJson(out.lock());
                match out.write_all(line).and_then(|()| out.flush()) {
                    Ok(()) => Ok(true),
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
                    Err(error) => Err(unwritable("stdout", &error)),
                }
            }
            ResultTarget::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let written = file.writer().write_all(line);
                written.map(|()| true).map_err(|error| unwritable("the file of results", &error))
            }
            ResultTarget::Folder(folder) => {
                let mut file =
                    WholeFile::open(&folder.join(name())).map_err(|error| outputs::unusable(&error))?;
                let written = file.writer().write_all(line);
                written.map_err(|error| unwritable(&folder.display().to_string(), &error))?;
                file.finish().map(|()| true).map_err(|error| outputs::unusable(&error))
            }
            #[cfg(feature = "aws")]
            ResultTarget::Object(_, _, bytes) => {
                bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
                Ok(true)
            }
            #[cfg(feature = "aws")]
            ResultTarget::Prefix(store, bucket, prefix) => {
                let location = crate::ident::Location::new(bucket.as_str(), format!("{prefix}{}", name()));
                put(store, &location, line).map(|()| true)
            }
        }
    }

    /// Completes a file or an object of all results. Without `is_whole` the old content stays.
    pub(super) fn finish(self, is_whole: bool) -> Result<(), Failure> {
        match self.0 {
            ResultTarget::File(file) if is_whole => {
                let file = file.into_inner().unwrap_or_else(PoisonError::into_inner);
                file.finish().map_err(|error| outputs::unusable(&error))
            }
            #[cfg(feature = "aws")]
            ResultTarget::Object(store, location, bytes) if is_whole => {
                put(&store, &location, &bytes.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
            _ => Ok(()),
        }
    }
}
