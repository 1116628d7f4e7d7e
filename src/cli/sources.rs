//! From directories to a store: which part of S3 each is a copy of.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;
use crate::digest::DigestFile;
use crate::event::{Finding, Kind};
use crate::gzip;
use crate::keys::{KeyRing, Lookup};
use crate::signature;
use crate::store::Object;
use crate::store::directory::DirectoryStore;
use crate::store::directory::find::{self, Recorded, Tree};
use crate::time::Timestamp;
use crate::validate::Source;

/// Largest digest read to find out what a directory is a copy of, in bytes inflated.
const MAX_SAMPLE: u64 = 32 << 20;

/// The directories as a store, with where to look in it and what is to be said of them.
pub(super) struct Opened {
    pub(super) store: DirectoryStore,
    pub(super) sources: Vec<Source>,
    pub(super) notices: Vec<Finding>,
}

/// Opens directories. `keys` tell samples that are proved from those that are not.
pub(super) fn open(directories: &[PathBuf], keys: &KeyRing) -> Result<Opened, Failure> {
    let mut trees = Vec::new();
    for directory in directories {
        check(directory)?;
        let found = find::find(directory, &|object| recorded(object, keys));
        trees.extend(found.map_err(|error| unreadable(directory, &error.to_string()))?);
    }
    distinct(&trees)?;
    let mut mounts: Vec<_> = trees.iter().map(|tree| tree.mount.clone()).collect();
    mounts.dedup();
    let source = |tree: &Tree| Source { bucket: tree.bucket.clone(), prefix: tree.prefix.clone() };
    let mut sources: Vec<Source> = trees.iter().map(source).collect();
    sources.sort_unstable();
    sources.dedup();
    Ok(Opened {
        store: DirectoryStore::new(mounts),
        sources,
        notices: trees.iter().filter_map(renamed).collect(),
    })
}

fn check(directory: &Path) -> Result<(), Failure> {
    let shown = directory.display();
    if directory.to_str().is_some_and(|text| text.starts_with("s3://") || text.starts_with("arn:")) {
        return Err(Failure::new(
            format!("`{shown}` is not a directory: this version reads copies on disk"),
            "copy it first, for example with `aws s3 sync`, and name the directory",
        ));
    }
    let mut entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return Err(unreadable(directory, &error.to_string())),
    };
    match entries.next() {
        Some(_) => Ok(()),
        None => Err(Failure::new(
            format!("the directory `{shown}` is empty"),
            "name the directory that holds the copy of the bucket; an empty one proves nothing",
        )),
    }
}

fn unreadable(directory: &Path, reason: &str) -> Failure {
    Failure::new(
        format!("the directory `{}` cannot be read: {reason}", directory.display()),
        "name a directory that holds a copy of a trail's bucket, or a part of one",
    )
}

/// Where a sampled digest says it belongs.
fn recorded(mut object: Object, keys: &KeyRing) -> Option<Recorded> {
    let (bytes, _) = gzip::inflate(&mut *object.body, object.encoding, MAX_SAMPLE).ok()?;
    let file = DigestFile::parse(&bytes).ok()?;
    let signature = object.metadata.get("signature");
    let proved = match keys.lookup(file.fingerprint(), file.window().end) {
        Lookup::Valid(key) => signature.is_some_and(|hex| signature::verify(&file, hex, &key.key).is_some()),
        Lookup::NotThen(_) | Lookup::Unknown => false,
    };
    Some(Recorded { location: file.location().clone(), proved })
}

/// Two copies of the same part would hide each other.
fn distinct(trees: &[Tree]) -> Result<(), Failure> {
    let mut seen: BTreeMap<&str, &Tree> = BTreeMap::new();
    for tree in trees {
        let base = if tree.mount.base.is_empty() { &tree.bucket } else { &tree.mount.base };
        match seen.insert(base, tree) {
            Some(other) if other.mount.dir != tree.mount.dir => {
                return Err(Failure::new(
                    format!(
                        "`{}` and `{}` are copies of the same part of S3, `{base}`",
                        other.mount.dir.display(),
                        tree.mount.dir.display()
                    ),
                    "validate them one at a time",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A folder that is not called as the bucket it is a copy of.
fn renamed(tree: &Tree) -> Option<Finding> {
    let folder = tree.renamed.as_ref()?.display().to_string();
    let belongs = format!("s3://{}/{}", tree.bucket, tree.prefix);
    let message = format!("by its digests this folder is a copy of `{belongs}`");
    let mut finding = Finding::new(Kind::Relocated, Timestamp::from_unix(0), message);
    finding.uri = Some(folder);
    finding.expected = Some(belongs);
    Some(finding)
}
