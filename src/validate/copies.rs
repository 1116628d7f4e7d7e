//! Copies on disk: turns directories and archives into a store and the folders to search.

mod archived;
mod file;
mod unlisted;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cancel::CancelFlag;
use super::request::{ReadLimits, SourceFolder, TypedSource};
use super::source_path::{AWS_LOGS, ExpectedSegment, SourcePath};
use crate::digest::DigestFile;
use crate::event::{Fault, Finding};
use crate::gzip;
use crate::ident::{DigestKey, Location};
use crate::keys::{KeyRing, Lookup};
use crate::signature;
use crate::store::archive::ArchiveError;
use crate::store::directory::DirectoryStore;
use crate::store::directory::collected::unfinished_above;
use crate::store::directory::find::{self, Found, Homes, LeftOut, Recorded, SearchedCopy, Tree};
use crate::store::directory::other_places::DeliveryRoot;
use crate::store::files::{CopyFiles, DiskFiles};
use crate::store::{Disagreement, Object};
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
    /// The file is not an archive that can be read in place.
    #[error("`{}`: {source}", .path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: ArchiveError,
    },
    /// The directory or archive is empty.
    #[error("`{}` is empty", .0.display())]
    Empty(PathBuf),
    /// A copy of a bucket lies in a folder of the same bucket: a file moved within the bucket would look like the
    /// original.
    #[error("`{inner}` is a copy of `s3://{bucket}` inside of `{outer}`, which stands for the same bucket")]
    Nested {
        /// The folder of the bucket.
        outer: String,
        /// The copy inside.
        inner: String,
        /// The bucket.
        bucket: String,
    },
    /// The directory holds a collection that was not completed: what it lacks is in the source.
    #[error("`{}` holds an unfinished collection", .0.display())]
    Unfinished(PathBuf),
    /// The run was interrupted before the copy around a single file was searched.
    #[error("interrupted before `{}` was searched", .0.display())]
    Interrupted(PathBuf),
    /// A single file outside of any copy.
    #[error("`{}` is not a directory, and lies in no folder of a copy", .0.display())]
    NoCopy(PathBuf),
    /// A delivered file whose path has none of CloudTrail's folders.
    #[error("`{}` is one CloudTrail {what} outside of its folders", .path.display())]
    Loose {
        /// The file.
        path: PathBuf,
        /// The type of file, by its name.
        what: &'static str,
    },
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

/// Opens directories, archives, or the copies around single files. A digest names the bucket and folder of its copy;
/// `keys` tell proved digests from forged digests. Digests that inflate to more than [`ReadLimits::digest`] are not used.
///
/// # Errors
/// [`CopyError`].
pub fn open(sources: &[PathBuf], keys: &KeyRing, limits: &ReadLimits) -> Result<OpenedCopies, CopyError> {
    open_until(sources, keys, limits, &CancelFlag::new())
}

/// Checks that the directories and archives of `sources` exist. A single file of a copy need not exist: the digests of
/// the copy tell whether it was deleted.
///
/// # Errors
/// [`CopyError::Unreadable`] for the first that does not.
pub fn check_exist(sources: &[PathBuf]) -> Result<(), CopyError> {
    for path in sources.iter().filter(|path| !file::is_single(path)) {
        let found = fs::symlink_metadata(path);
        found.map_err(|source| CopyError::Unreadable { path: path.clone(), source })?;
    }
    Ok(())
}

/// [`open`], until `stop` is set: then the search ends, and each source that was not searched whole is a finding.
///
/// # Errors
/// [`CopyError`].
pub fn open_until(
    sources: &[PathBuf],
    keys: &KeyRing,
    limits: &ReadLimits,
    stop: &CancelFlag,
) -> Result<OpenedCopies, CopyError> {
    if let Some(folder) = sources.iter().find_map(|path| unfinished_above(path)) {
        return Err(CopyError::Unfinished(folder));
    }
    let (mut whole, mut typed) = (Found::default(), Vec::new());
    let mut findings = Vec::new();
    // 1. Single files: find the copy around each, and the place in S3.
    let (files, copies): (Vec<&PathBuf>, Vec<&PathBuf>) =
        sources.iter().partition(|path| file::is_single(path));
    let mut roots = BTreeMap::new();
    for path in files {
        roots.entry(file::root(path)?).or_insert_with(Vec::new).push(path);
    }
    let mut objects = Vec::new();
    for (root, files) in &roots {
        let unreadable = |source| CopyError::Unreadable { path: root.clone(), source };
        let here = look_until(root, keys, limits.digest, stop).map_err(unreadable)?;
        for path in files {
            objects.push(file::object(path, &here.trees).map_err(|error| match stop.is_set() {
                true => CopyError::Interrupted(root.clone()),
                false => error,
            })?);
        }
        whole.trees.extend(here.trees);
    }
    // 2. Directories and archives: find the trees in each.
    let is_single = !roots.is_empty();
    let mut opened_roots = Vec::new();
    let (mut searched, mut unsearched, mut homes) = (Vec::new(), Vec::new(), Homes::default());
    for path in copies {
        let unreadable = |source| CopyError::Unreadable { path: path.clone(), source };
        file::reject_loose(path)?;
        if stop.is_set() {
            unsearched.push(path);
            continue;
        }
        let opened = archived::open(path, limits)?;
        let entries = opened.files.entries(opened.files.root()).map_err(unreadable)?;
        // An archive of which nothing can be read is not empty.
        if entries.is_empty() && opened.findings.is_empty() {
            return Err(CopyError::Empty(path.clone()));
        }
        let here = search_in(&opened.files, keys, limits.digest, stop).map_err(unreadable)?;
        homes.extend(here.homes());
        opened_roots.push(opened.files.root().to_owned());
        findings.extend(opened.findings);
        if opened.duplicates > 0 {
            whole.passed_over.insert(opened.files.root().to_owned(), opened.duplicates);
        }
        searched.push((path, here));
    }
    // Log files of an account with several buckets are told apart by what digests list.
    let mut scattered: BTreeSet<String> =
        searched.iter().flat_map(|(_, here)| here.accounts_of_loose_logs()).collect();
    // In a single folder, the digests were read to tell its log files apart.
    if searched.iter().map(|(_, here)| here.digest_folders()).sum::<usize>() > 1 {
        scattered.extend(searched.iter().flat_map(|(_, here)| here.accounts_of_shared_logs()));
    }
    let mut divided = &homes.divided_accounts() & &scattered;
    divided.extend(searched.iter().flat_map(|(_, here)| here.accounts_in_doubt(&homes)));
    if !divided.is_empty() && !stop.is_set() {
        for (_, here) in &searched {
            homes.extend(&here.homes_of_logs(&divided, &|objects| judge(objects, keys, limits.digest)));
        }
    }
    for (path, here) in searched {
        if stop.is_set() {
            unsearched.push(path);
            continue;
        }
        let here = here.place(&homes);
        let parts = folders(&here);
        if parts.is_empty() {
            reject_misspelt(path)?;
        }
        // The target of a link may be a source itself.
        let left_out = here.skipped.iter().filter(|left| !left.leads_into(&opened_roots));
        findings.extend(left_out.map(skipped));
        findings.extend(here.trees.iter().filter_map(renamed));
        findings.extend(unlisted::findings(&here.unlisted, limits.named));
        typed.push(TypedSource { name: path.display().to_string(), parts });
        whole.trees.extend(here.trees);
        whole.placed.extend(here.placed);
        whole.passed_over.extend(here.passed_over);
    }
    for path in unsearched {
        findings.push(skipped(&LeftOut::interrupted(path)));
        typed.push(TypedSource { name: path.display().to_string(), parts: Vec::new() });
    }
    reject_nested(&whole.trees)?;
    // 3. Join the trees into one store. The copy around a single file is not asked for as a whole.
    let is_asked_whole = !is_single || !typed.is_empty();
    let parts = folders(&whole);
    let root = |part: &SourceFolder| {
        let prefix = part.prefix.strip_suffix(&format!("{AWS_LOGS}/"))?;
        Some(DeliveryRoot { bucket: part.bucket.clone(), prefix: prefix.to_owned() })
    };
    let roots = parts.iter().filter_map(root).collect();
    let sources = if is_asked_whole { parts } else { Vec::new() };
    let mounts = whole.trees.into_iter().map(|tree| tree.mount).collect();
    let store = DirectoryStore::new(mounts)
        .with_placed(whole.placed)
        .with_roots(roots)
        .having_passed_over(whole.passed_over);
    Ok(OpenedCopies { store, sources, objects, typed, findings })
}

/// The folders to search for the trails of a copy.
fn folders(found: &Found) -> Vec<SourceFolder> {
    let of_tree = |tree: &Tree| SourceFolder {
        bucket: tree.bucket.clone(),
        prefix: format!("{}{AWS_LOGS}/", tree.prefix),
    };
    let of_placed = |(bucket, key): (&str, &str)| {
        let (root, _) = key.rsplit_once(&format!("{AWS_LOGS}/"))?;
        Some(SourceFolder { bucket: bucket.to_owned(), prefix: format!("{root}{AWS_LOGS}/") })
    };
    let all: BTreeSet<SourceFolder> =
        found.trees.iter().map(of_tree).chain(found.placed.locations().filter_map(of_placed)).collect();
    all.into_iter().collect()
}

/// Rejects a copy of a bucket in a folder of the same bucket.
fn reject_nested(trees: &[Tree]) -> Result<(), CopyError> {
    let held: BTreeMap<&Path, &Tree> =
        trees.iter().filter_map(|tree| Some((tree.holder.as_deref()?, tree))).collect();
    for (holder, tree) in &held {
        let outer = holder.ancestors().skip(1).filter_map(|above| Some((above, held.get(above)?)));
        if let Some((above, _)) = outer.into_iter().find(|(_, outer)| outer.bucket == tree.bucket) {
            let files = &tree.mount.files;
            return Err(CopyError::Nested {
                outer: files.display(above),
                inner: files.display(holder),
                bucket: tree.bucket.clone(),
            });
        }
    }
    Ok(())
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
    look_until(directory, keys, limit, &CancelFlag::new())
}

fn look_until(directory: &Path, keys: &KeyRing, limit: u64, stop: &CancelFlag) -> io::Result<Found> {
    let files: Arc<dyn CopyFiles> = Arc::new(DiskFiles::new(directory)?);
    let searched = search_in(&files, keys, limit, stop)?;
    let homes = searched.homes().clone();
    Ok(searched.place(&homes))
}

fn search_in(
    files: &Arc<dyn CopyFiles>,
    keys: &KeyRing,
    limit: u64,
    stop: &CancelFlag,
) -> io::Result<SearchedCopy> {
    // Many digests may be read after the walk.
    let judge = |objects: Vec<Object>| match stop.is_set() {
        true => objects.iter().map(|_| None).collect(),
        false => judge(objects, keys, limit),
    };
    find::search(files, &judge, &|| stop.is_set())
}

/// The recorded place of each sampled digest, and whether the digest is proved: by its own signature, or by the
/// signature that a second sample records.
pub(super) fn judge(objects: Vec<Object>, keys: &KeyRing, limit: u64) -> Vec<Option<Recorded>> {
    let mut logs: Option<Vec<Location>> = None;
    let parse = |mut object: Object| {
        let is_first = logs.is_none();
        let logs = logs.get_or_insert_default();
        let (bytes, _) = gzip::inflate(&mut *object.body, object.encoding, limit).ok()?;
        let file = DigestFile::parse(&bytes).ok()?;
        if is_first {
            logs.extend(file.claimed_logs().cloned());
        }
        Some((file.head(), object.metadata.remove("signature")))
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
        let logs = logs.take().unwrap_or_default();
        Some(Recorded { location: file.location().clone(), proved: proved(file, own), logs })
    });
    judged.collect()
}

/// The finding on a folder that cannot be read.
fn skipped(LeftOut { path, why, account, region }: &LeftOut) -> Finding {
    let mut finding = Finding::new(Fault::SkippedFolder { why: why.clone() }, Timestamp::from_unix(0));
    finding.uri = Some(path.display().to_string());
    (finding.account, finding.region) = (account.clone(), region.clone());
    finding
}

/// The notice on files in a copy that were never in S3.
pub(super) fn passed_over(files: u64) -> Option<Finding> {
    (files > 0).then(|| Finding::new(Fault::Droppings { count: files }, Timestamp::from_unix(0)))
}

/// The findings on objects with copies that differ. The judged copy is reported by its own result.
pub(super) fn disagreements(found: Vec<Disagreement>) -> Vec<Finding> {
    let finding = |Disagreement { location, judged, other }| {
        let is_digest = location.key.contains("/CloudTrail-Digest/");
        let fault = Fault::CopiesDiffer { is_digest, judged, other };
        Finding::new(fault, Timestamp::from_unix(0)).about(&location)
    };
    found.into_iter().map(finding).collect()
}

/// The finding on a folder whose name is not the bucket's name.
fn renamed(tree: &Tree) -> Option<Finding> {
    let folder = tree.mount.files.display(tree.renamed.as_ref()?);
    let belongs = format!("s3://{}/{}", tree.bucket, tree.prefix);
    let fault = Fault::RenamedFolder { belongs: belongs.clone() };
    let mut finding = Finding::new(fault, Timestamp::from_unix(0));
    finding.uri = Some(folder);
    finding.expected = Some(belongs);
    Some(finding)
}
