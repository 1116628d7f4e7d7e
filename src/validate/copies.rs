//! Copies on disk: from directories to a store, and where to look in it.

mod file;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::request::{Source, TypedSource};
use super::scope::{Expected, Scope};
use crate::digest::DigestFile;
use crate::event::{Fault, Finding};
use crate::gzip;
use crate::handles::patiently;
use crate::ident::{DigestKey, Location};
use crate::keys::{KeyRing, Lookup};
use crate::signature;
use crate::store::Object;
use crate::store::directory::DirectoryStore;
use crate::store::directory::find::{self, Found, Recorded, Tree};
use crate::time::Timestamp;

/// Why directories cannot be validated.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// It cannot be read.
    #[error("the directory `{}` cannot be read: {source}", .path.display())]
    Unreadable {
        /// Which directory.
        path: PathBuf,
        /// What kept it.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("the directory `{}` is empty", .0.display())]
    Empty(PathBuf),
    /// Two copies of the same part would hide each other.
    #[error("`{}` and `{}` are copies of the same part of S3, `{part}`", .one.display(), .other.display())]
    Twice {
        /// One of them.
        one: PathBuf,
        /// The other.
        other: PathBuf,
        /// What both are copies of.
        part: String,
    },
    /// A single file that lies in no copy.
    #[error("`{}` is not a directory, and lies in no folder of a copy", .0.display())]
    NoCopy(PathBuf),
    /// There is no trail in it, and its path has a segment below `AWSLogs/` that is nothing of CloudTrail's.
    #[error("`{}`: `{segment}` is not {expected}, and there are no trails in it", .path.display())]
    Odd {
        /// Which directory.
        path: PathBuf,
        /// The segment.
        segment: String,
        /// What should stand there.
        expected: Expected,
    },
}

/// Directories as a store, with where to look in it and what is to be said of them.
#[derive(Debug)]
pub struct Copies {
    /// What they hold, addressed as in S3.
    pub store: DirectoryStore,
    /// Where to look for trails.
    pub sources: Vec<Source>,
    /// Single files, in place of sources, by where they belong in S3.
    pub objects: Vec<Location>,
    /// What the user named, with the places of each that are among the sources.
    pub typed: Vec<TypedSource>,
    /// Folders that are not called as what they are copies of, and folders nobody could look into.
    pub findings: Vec<Finding>,
}

/// Opens directories, or the copies around single files. `keys` tell digests that are proved, which say what they are copies of, from forged ones; of those that
/// inflate to more than `limit` bytes none is asked.
///
/// # Errors
/// [`CopyError`].
pub fn open(directories: &[PathBuf], keys: &KeyRing, limit: u64) -> Result<Copies, CopyError> {
    let (mut found, mut typed, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    let mut passed_over = BTreeMap::new();
    let (files, directories): (Vec<&PathBuf>, Vec<&PathBuf>) =
        directories.iter().partition(|path| file::is_single(path));
    let mut roots = BTreeMap::new();
    for path in files {
        roots.entry(file::root(path)?).or_insert_with(Vec::new).push(path);
    }
    let mut objects = Vec::new();
    for (root, files) in &roots {
        let unreadable = |source| CopyError::Unreadable { path: root.clone(), source };
        let here = look(root, keys, limit).map_err(unreadable)?;
        for path in files {
            objects.push(file::object(path, &here.trees)?);
        }
        found.extend(here.trees);
    }
    let is_single = !roots.is_empty();
    for path in directories {
        let unreadable = |source| CopyError::Unreadable { path: path.clone(), source };
        if patiently(|| fs::read_dir(path)).map_err(unreadable)?.next().is_none() {
            return Err(CopyError::Empty(path.clone()));
        }
        let here = look(path, keys, limit).map_err(unreadable)?;
        if here.trees.is_empty() {
            make_sure_of(path)?;
        }
        findings.extend(here.skipped.iter().map(skipped));
        typed.push(TypedSource {
            name: path.display().to_string(),
            parts: here.trees.iter().map(source).collect(),
        });
        found.extend(here.trees);
        passed_over.extend(here.passed_over);
    }
    distinct(&found)?;
    // Of the copy around a single file nothing is asked.
    let trees = if is_single && typed.is_empty() { &[] } else { &*found };
    let mut sources: Vec<Source> = trees.iter().map(source).collect();
    sources.sort_unstable();
    sources.dedup();
    findings.extend(found.iter().filter_map(renamed));
    let mut mounts: Vec<_> = found.into_iter().map(|tree| tree.mount).collect();
    mounts.dedup();
    let store = DirectoryStore::new(mounts).having_passed_over(passed_over);
    Ok(Copies { store, sources, objects, typed, findings })
}

/// Where to look for the trails of a tree.
fn source(tree: &Tree) -> Source {
    Source { bucket: tree.bucket.clone(), prefix: format!("{}AWSLogs/", tree.prefix) }
}

/// Makes sure that a directory without trails is no misspelt part of a copy.
fn make_sure_of(path: &Path) -> Result<(), CopyError> {
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let segments = whole.iter().map(|segment| format!("{}/", segment.to_string_lossy()));
    match Scope::parse(&segments.collect::<String>()) {
        Scope::Odd(segment, expected) => Err(CopyError::Odd { path: path.to_owned(), segment, expected }),
        Scope::Above | Scope::Below(_) | Scope::Time { .. } => Ok(()),
    }
}

/// The trees in one directory, each with the part of S3 it is a copy of.
///
/// # Errors
/// Where the directory itself cannot be read.
pub fn look(directory: &Path, keys: &KeyRing, limit: u64) -> io::Result<Found> {
    find::find(directory, &|objects| judge(objects, keys, limit))
}

/// Where each sampled digest says it belongs, and whether it is proved: by its own signature, or by the one that
/// another sample records for it.
fn judge(objects: Vec<Object>, keys: &KeyRing, limit: u64) -> Vec<Option<Recorded>> {
    let parse = |mut object: Object| {
        let (bytes, _) = gzip::inflate(&mut *object.body, object.encoding, limit).ok()?;
        Some((DigestFile::parse(&bytes).ok()?.head(), object.metadata.remove("signature")))
    };
    let samples: Vec<Option<(DigestFile, Option<String>)>> = objects.into_iter().map(parse).collect();
    let mut recorded: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for previous in samples.iter().flatten().filter_map(|(file, _)| file.previous()) {
        recorded.entry(&previous.location).or_default().extend(previous.signature.as_deref());
    }
    let proved = |file: &DigestFile, own: &Option<String>| {
        let Some(place) = DigestKey::parse(file.location()) else { return false };
        let found = keys.lookup(file.fingerprint(), &place.folder.region, file.window().end);
        let Lookup::Valid(key) = found else { return false };
        let others = recorded.get(file.location()).into_iter().flatten().copied();
        own.as_deref().into_iter().chain(others).any(|hex| signature::verify(file, hex, &key.key).is_some())
    };
    let judged = samples.iter().map(|sample| {
        let (file, own) = sample.as_ref()?;
        Some(Recorded { location: file.location().clone(), proved: proved(file, own) })
    });
    judged.collect()
}

/// Refuses copies of the same part, or of a part of one another: one of them would hide the other's objects.
fn distinct(trees: &[Tree]) -> Result<(), CopyError> {
    let mut parts: Vec<(String, &Tree)> = Vec::new();
    for tree in trees {
        let base = if tree.mount.base.is_empty() { &tree.bucket } else { &tree.mount.base };
        parts.push((format!("{base}/"), tree));
    }
    parts.sort_by(|one, other| one.0.cmp(&other.0));
    // Sorted, a part that lies in another comes right after that one, or after its like.
    for pair in parts.windows(2) {
        if let [(outer, one), (inner, other)] = pair
            && inner.starts_with(outer.as_str())
            && one.mount.dir != other.mount.dir
        {
            let part = inner.trim_end_matches('/').to_owned();
            return Err(CopyError::Twice {
                one: one.mount.dir.clone(),
                other: other.mount.dir.clone(),
                part,
            });
        }
    }
    Ok(())
}

/// A folder that could not be looked into, so that nobody knows what lies in it.
fn skipped((folder, why): &(PathBuf, String)) -> Finding {
    let mut finding = Finding::new(Fault::SkippedFolder { why: why.clone() }, Timestamp::from_unix(0));
    finding.uri = Some(folder.display().to_string());
    finding
}

/// What is said of files in a copy that were never in S3.
pub(super) fn passed_over(files: u64) -> Option<Finding> {
    (files > 0).then(|| Finding::new(Fault::Droppings { count: files }, Timestamp::from_unix(0)))
}

/// A folder that is not called as the bucket it is a copy of.
fn renamed(tree: &Tree) -> Option<Finding> {
    let folder = tree.renamed.as_ref()?.display().to_string();
    let belongs = format!("s3://{}/{}", tree.bucket, tree.prefix);
    let fault = Fault::RenamedFolder { belongs: belongs.clone() };
    let mut finding = Finding::new(fault, Timestamp::from_unix(0));
    finding.uri = Some(folder);
    finding.expected = Some(belongs);
    Some(finding)
}
