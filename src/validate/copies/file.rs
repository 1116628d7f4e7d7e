//! A single file in a copy: the copy around the file, and its place in S3.

use std::path::{Path, PathBuf};

use super::CopyError;
use crate::ident::{DeliveredName, DeliveredType, Location, name_before_inflating};
use crate::store::directory::find::Tree;
use crate::validate::source_path;

/// Whether `path` names a single file: the path has the form of an object in a copy, whether or not the file exists.
pub(super) fn is_single(path: &Path) -> bool {
    !path.is_dir() && parts(path).is_some()
}

/// The folder that contains the `AWSLogs/` around a file.
pub(super) fn root(path: &Path) -> Result<PathBuf, CopyError> {
    parts(path).map(|(root, _)| root).ok_or_else(|| CopyError::NoCopy(path.to_owned()))
}

/// The place in S3 of a file in one of `trees`.
pub(super) fn object(path: &Path, trees: &[Tree]) -> Result<Location, CopyError> {
    let no_copy = || CopyError::NoCopy(path.to_owned());
    let (_, below) = parts(path).ok_or_else(no_copy)?;
    let holding = trees.iter().filter_map(|tree| {
        let whole = tree.mount.files.root().join(&below);
        let rest = whole.strip_prefix(&tree.mount.dir).ok()?.to_owned();
        tree.mount.shows(&whole).then_some((tree, rest))
    });
    let nearest = holding.min_by_key(|(_, rest)| rest.as_os_str().len());
    let (tree, rest) = nearest.ok_or_else(no_copy)?;
    let rest = rest.to_str().ok_or_else(no_copy)?;
    let full =
        if tree.mount.base.is_empty() { rest.to_owned() } else { format!("{}/{rest}", tree.mount.base) };
    let (bucket, key) = full.split_once('/').ok_or_else(no_copy)?;
    // A tool that inflated the file took `.gz` from its name.
    let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
    Ok(match name_before_inflating(name) {
        Some(name) => Location::new(bucket, format!("{folder}/{name}")),
        None => Location::new(bucket, key),
    })
}

/// Rejects a delivered file outside of the folders of a copy: its name does not say which digest should list it.
pub(super) fn reject_loose(path: &Path) -> Result<(), CopyError> {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(DeliveredName::parse);
    match name.filter(|_| path.is_file()) {
        Some(name) => {
            let what = match name.kind {
                DeliveredType::Digest => "digest file",
                DeliveredType::Log(_) => "log file",
            };
            Err(CopyError::Loose { path: path.to_owned(), what })
        }
        None => Ok(()),
    }
}

/// The folder that contains the last `AWSLogs/`, and the rest of the path.
fn parts(path: &Path) -> Option<(PathBuf, String)> {
    let whole = std::path::absolute(path).ok()?;
    let whole = whole.to_str()?;
    let (region, _) = source_path::split_day(whole)?;
    let below = whole.strip_prefix(&region.root)?;
    Some((PathBuf::from(&region.root), below.to_owned()))
}
