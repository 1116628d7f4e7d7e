//! Mounts folders of a copy at their places in S3.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Tree;
use super::sample::{AWS_LOGS, Base};
use crate::ident::is_organization;
use crate::store::directory::mount::Mount;
use crate::store::directory::names::key_segment;
use crate::store::directory::shared::FolderShare;
use crate::store::files::CopyFiles;

/// Mounts the folder of an account of an `AWSLogs` folder at `base`, the full path of the account's folder.
pub(super) fn account_tree(
    files: &Arc<dyn CopyFiles>,
    above: &[String],
    segments: &[String],
    base: &Base,
    share: Option<FolderShare>,
) -> Tree {
    let folder = folder_of(files, above);
    let dir = folder.join(AWS_LOGS).join(segments.join("/"));
    let (bucket, prefix) = split_base(base, false);
    let holder = Some(holder(&folder, &prefix));
    let mount = Mount::new(Arc::clone(files), dir.clone(), base.join("/"));
    let renamed = (!mount.is_called_like_bucket()).then_some(dir);
    Tree { mount: Mount { share, ..mount }, bucket, prefix, renamed, holder }
}

/// Mounts a part of a folder without `AWSLogs/`.
pub(super) fn folder_tree(
    files: &Arc<dyn CopyFiles>,
    folder: &Path,
    base: &Base,
    share: FolderShare,
) -> Tree {
    let (bucket, prefix) = split_base(base, false);
    let mount = Mount::new(Arc::clone(files), folder, base.join("/")).of_share(share);
    let renamed = (folder != files.root()).then(|| folder.to_owned());
    Tree { mount, bucket, prefix, renamed, holder: None }
}

/// Mounts a folder inside of a bucket's folder, or beside it, at the place that its digests record.
pub(super) fn displaced_tree(files: &Arc<dyn CopyFiles>, dir: PathBuf, base: &Base) -> Tree {
    let (bucket, prefix) = split_base(base, false);
    let mount = Mount::new(Arc::clone(files), dir.clone(), base.join("/"));
    Tree { mount, bucket, prefix, renamed: Some(dir), holder: None }
}

/// The folder of a copy with these segments.
pub(super) fn folder_of(files: &Arc<dyn CopyFiles>, segments: &[String]) -> PathBuf {
    segments.iter().fold(files.root().to_owned(), |dir, part| dir.join(part))
}

/// Mounts the folder `above` at `base`; `is_whole` if `AWSLogs/` lies in the folder.
pub(super) fn tree_at(files: &Arc<dyn CopyFiles>, above: &[String], base: &Base, is_whole: bool) -> Tree {
    // Trailing names that are equal in the copy and in S3 stay below the mount; the mount covers the differing part.
    let equal = above.iter().rev().zip(base.iter().rev()).take_while(|(one, other)| one == other).count();
    // Beside an organization's folder, folders of accounts may lie that belong into one.
    let is_organizations = !is_whole && above.last().is_some_and(|name| is_organization(name));
    let shared = if is_organizations { 0 } else { equal };
    let differing = above.iter().take(above.len() - shared);
    let dir: PathBuf = differing.fold(files.root().to_owned(), |dir, part| dir.join(part));
    let mount_base = base.get(..base.len() - shared).unwrap_or_default().join("/");
    let (bucket, prefix) = split_base(base, is_whole);
    let renamed = (!above.is_empty() && equal == 0).then(|| dir.clone());
    let folder: PathBuf = above.iter().fold(files.root().to_owned(), |dir, part| dir.join(part));
    let holder = is_whole.then(|| holder(&folder, &prefix));
    Tree { mount: Mount::new(Arc::clone(files), dir, mount_base), bucket, prefix, renamed, holder }
}

/// The folder that stands for the bucket, above the trail's prefix if the copy has the prefix.
fn holder(folder: &Path, prefix: &str) -> PathBuf {
    match folder.ends_with(prefix) {
        true => folder.iter().take(folder.iter().count() - Path::new(prefix).iter().count()).collect(),
        false => folder.to_owned(),
    }
}

/// The bucket, and the folder above `AWSLogs/`. The whole base is above it if `is_above`.
fn split_base(base: &Base, is_above: bool) -> (String, String) {
    let (bucket, key) = base.split_first().map(|(bucket, key)| (bucket.clone(), key)).unwrap_or_default();
    let own = key.iter().rposition(|segment| segment == AWS_LOGS).filter(|_| !is_above);
    let known = own.unwrap_or(key.len());
    (bucket, key.iter().take(known).map(|segment| format!("{segment}/")).collect())
}

/// Builds a tree without a readable digest: the name of the folder is used as the bucket's name.
pub(super) fn unknown_tree(files: &Arc<dyn CopyFiles>, above: &[String]) -> Tree {
    let root = files.root();
    let mount = |base: String| Mount::new(Arc::clone(files), root, base);
    match above.split_first() {
        Some((bucket, rest)) => Tree {
            mount: mount(String::new()),
            bucket: bucket.clone(),
            prefix: rest.iter().map(|segment| format!("{segment}/")).collect(),
            renamed: None,
            // How much of the path is the trail's prefix is unknown, too.
            holder: Some(folder_of(files, above)),
        },
        None => {
            let bucket = name_of_root(files);
            let (prefix, holder) = (String::new(), Some(root.to_owned()));
            Tree { mount: mount(bucket.clone()), bucket, prefix, renamed: None, holder }
        }
    }
}

/// The name of the copy's folder, for a bucket whose name is unknown.
fn name_of_root(files: &Arc<dyn CopyFiles>) -> String {
    files.root().file_name().map_or_else(|| "directory".to_owned(), key_segment)
}
