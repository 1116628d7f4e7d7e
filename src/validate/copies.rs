//! Copies on disk: turns directories into a store and the folders to search.

mod file;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::request::{SourceFolder, TypedSource};
use super::source_path::{ExpectedSegment, SourcePath};
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
    /// The directory cannot be read.
    #[error("the directory `{}` cannot be read: {source}", .path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The directory is empty.
    #[error("the directory `{}` is empty", .0.display())]
    Empty(PathBuf),
    /// Two copies of the same part of S3 would hide their objects from the run.
    #[error("`{}` and `{}` are copies of the same part of S3, `{part}`", .one.display(), .other.display())]
    Twice {
        /// The first copy.
        one: PathBuf,
        /// The second copy.
        other: PathBuf,
        /// The part of S3 that both are copies of.
        part: String,
    },
    /// A single file outside of any copy.
    #[error("`{}` is not a directory, and lies in no folder of a copy", .0.display())]
    NoCopy(PathBuf),
    /// The directory has no trails, and its path has an unknown segment below `AWSLogs/`.
    #[error("`{}`: `{segment}` is not {expected}, and there are no trails in it", .path.display())]
    Odd {
        /// The directory.
        path: PathBuf,
        /// The segment.
        segment: String,
        /// The expected segment.
        expected: ExpectedSegment,
    },
}

/// Directories opened as a store, with the folders to search and the findings so far.
#[derive(Debug)]
pub struct OpenedCopies {
    /// The files of the directories, addressed as in S3.
    pub store: DirectoryStore,
    /// The folders to search for trails.
    pub sources: Vec<SourceFolder>,
    /// Single files, in place of sources, by their place in S3.
    pub objects: Vec<Location>,
    /// The directories as typed, each with its folders among the sources.
    pub typed: Vec<TypedSource>,
    /// Findings on renamed folders, and on folders that cannot be read.
    pub findings: Vec<Finding>,
}

/// Opens directories, or the copies around single files. A digest names the bucket and folder of its copy; `keys` tell
/// proved digests from forged digests. Digests that inflate to more than `limit` bytes are not used.
///
/// # Errors
/// [`CopyError`].
pub fn open(directories: &[PathBuf], keys: &KeyRing, limit: u64) -> Result<OpenedCopies, CopyError> {
    let (mut found, mut typed, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    let mut passed_over = BTreeMap::new();
    // 1. Single files: find the copy around each, and the place in S3.
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
    // 2. Directories: find the trees in each.
    let is_single = !roots.is_empty();
    for path in directories {
        let unreadable = |source| CopyError::Unreadable { path: path.clone(), source };
        if patiently(|| fs::read_dir(path)).map_err(unreadable)?.next().is_none() {
            return Err(CopyError::Empty(path.clone()));
        }
        let here = look(path, keys, limit).map_err(unreadable)?;
        if here.trees.is_empty() {
            reject_misspelt(path)?;
        }
        findings.extend(here.skipped.iter().map(skipped));
        typed.push(TypedSource {
            name: path.display().to_string(),
            parts: here.trees.iter().map(source).collect(),
        });
        found.extend(here.trees);
        passed_over.extend(here.passed_over);
    }
    // 3. Join the trees into one store.
    reject_shadows(&found)?;
    // The copy around a single file is not asked for as a whole.
    let trees = if is_single && typed.is_empty() { &[] } else { &*found };
    let mut sources: Vec<SourceFolder> = trees.iter().map(source).collect();
    sources.sort_unstable();
    sources.dedup();
    findings.extend(found.iter().filter_map(renamed));
    let mut mounts: Vec<_> = found.into_iter().map(|tree| tree.mount).collect();
    mounts.dedup();
    let store = DirectoryStore::new(mounts).having_passed_over(passed_over);
    Ok(OpenedCopies { store, sources, objects, typed, findings })
}

/// The folder to search for the trails of a tree.
fn source(tree: &Tree) -> SourceFolder {
    SourceFolder { bucket: tree.bucket.clone(), prefix: format!("{}AWSLogs/", tree.prefix) }
}

/// Rejects a directory without trails whose path looks like a misspelt part of a copy.
fn reject_misspelt(path: &Path) -> Result<(), CopyError> {
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let segments = whole.iter().map(|segment| format!("{}/", segment.to_string_lossy()));
    match SourcePath::parse(&segments.collect::<String>()) {
        SourcePath::UnknownSegment(segment, expected) => {
            Err(CopyError::Odd { path: path.to_owned(), segment, expected })
        }
        SourcePath::AboveAwsLogs | SourcePath::InAwsLogs(_) | SourcePath::DateFolder { .. } => Ok(()),
    }
}

/// Finds the trees in one directory, each with the part of S3 that it copies.
///
/// # Errors
/// The directory itself cannot be read.
pub fn look(directory: &Path, keys: &KeyRing, limit: u64) -> io::Result<Found> {
    find::find(directory, &|objects| judge(objects, keys, limit))
}

/// The recorded place of each sampled digest, and whether the digest is proved: by its own signature, or by the
/// signature that a second sample records.
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

/// Rejects copies of the same part of S3, or of a part within a second copy: one copy would hide the other's objects.
fn reject_shadows(trees: &[Tree]) -> Result<(), CopyError> {
    let mut parts: Vec<(String, &Tree)> = Vec::new();
    for tree in trees {
        let base = if tree.mount.base.is_empty() { &tree.bucket } else { &tree.mount.base };
        parts.push((format!("{base}/"), tree));
    }
    parts.sort_by(|one, other| one.0.cmp(&other.0));
    // In sorted order, an inner part follows its outer part, or a sibling.
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

/// The finding on a folder that cannot be read.
fn skipped((folder, why): &(PathBuf, String)) -> Finding {
    let mut finding = Finding::new(Fault::SkippedFolder { why: why.clone() }, Timestamp::from_unix(0));
    finding.uri = Some(folder.display().to_string());
    finding
}

/// The notice on files in a copy that were never in S3.
pub(super) fn passed_over(files: u64) -> Option<Finding> {
    (files > 0).then(|| Finding::new(Fault::Droppings { count: files }, Timestamp::from_unix(0)))
}

/// The finding on a folder whose name is not the bucket's name.
fn renamed(tree: &Tree) -> Option<Finding> {
    let folder = tree.renamed.as_ref()?.display().to_string();
    let belongs = format!("s3://{}/{}", tree.bucket, tree.prefix);
    let fault = Fault::RenamedFolder { belongs: belongs.clone() };
    let mut finding = Finding::new(fault, Timestamp::from_unix(0));
    finding.uri = Some(folder);
    finding.expected = Some(belongs);
    Some(finding)
}
