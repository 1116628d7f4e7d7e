//! Finds the part of S3 a directory was copied from.
//!
//! A directory may hold `BUCKET/KEY…` trees, the tree of one bucket, or any part of a tree. Each digest records a
//! location in S3; comparing the recorded location with the path on disk gives the part. Proved digests outweigh
//! parsed digests: a forged digest must not relocate the whole copy.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};

use super::DirectoryStore;
use super::leftovers::{FolderLeftovers, PassedOver};
use super::mount::Mount;
use super::names::{is_plain, key_segment};
use crate::handles::patiently;
use crate::ident::{DigestKey, Location, RegionFolder, is_account, is_organization};
use crate::store::{Object, Store as _};

/// Digests sampled to locate an `AWSLogs` tree in S3: the newest by name of the digests with a usable location. The
/// number exceeds a day's digests: if a digest lost the signature with the metadata, the next digest holds the
/// signature.
const SAMPLES: usize = 64;

/// Most folders visited in the search for digests.
const MAX_FOLDERS: usize = 200_000;

/// The recorded location of a sampled digest, and whether the digest is proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Location recorded in the digest.
    pub location: Location,
    /// Whether the digest's signature is valid.
    pub proved: bool,
}

/// A delivery tree found on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    /// The mounted folder of the tree.
    pub mount: Mount,
    /// Bucket that holds `AWSLogs/`.
    pub bucket: String,
    /// Folder that holds `AWSLogs/`: empty, or ending in a slash.
    pub prefix: String,
    /// The folder on disk, if the name differs from the bucket's name.
    pub renamed: Option<PathBuf>,
}

/// Returns the recorded location of each sampled digest of a tree; `None` for an object that is not a digest.
pub type Judge<'a> = dyn Fn(Vec<Object>) -> Vec<Option<Recorded>> + 'a;

/// Result of searching a directory.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Found {
    /// Trees found in the directory.
    pub trees: Vec<Tree>,
    /// Folders left out of the search, and the reasons.
    pub skipped: Vec<(PathBuf, String)>,
    /// Number of skipped leftovers of desktops and sync programs, by folder with resolved links.
    pub passed_over: BTreeMap<PathBuf, u64>,
}

/// Finds the trees in `root`.
///
/// # Errors
/// An error if `root` itself cannot be read.
pub fn find(root: &Path, judge: &Judge<'_>) -> io::Result<Found> {
    let mut search = TreeSearch {
        root,
        judge,
        found: BTreeMap::new(),
        folders: 0,
        skipped: Vec::new(),
        passed_over: PassedOver::default(),
    };
    search.visit(root, &fs::canonicalize(root)?, &mut Vec::new())?;
    let mut trees: Vec<Tree> = Vec::new();
    for (above, samples) in search.found {
        let tree =
            locate_tree(root, &above, samples, judge)?.map_or_else(|| unknown_tree(root, &above), Ok)?;
        if !trees.contains(&tree) {
            trees.push(tree);
        }
    }
    Ok(Found { trees, skipped: search.skipped, passed_over: search.passed_over.into_folders() })
}

/// A sampled digest: the path on disk, and the segments of the path in the known structure.
struct DigestSample {
    tail: Vec<String>,
    path: PathBuf,
}

struct TreeSearch<'a> {
    root: &'a Path,
    judge: &'a Judge<'a>,
    /// Samples, by the path segments above the known structure.
    found: BTreeMap<Vec<String>, Vec<DigestSample>>,
    folders: usize,
    skipped: Vec<(PathBuf, String)>,
    passed_over: PassedOver,
}

impl TreeSearch<'_> {
    /// Searches `dir` for digests, newest names first. Skips log folders, which hold no digests, and stops in an
    /// `AWSLogs` tree with enough samples.
    fn visit(&mut self, dir: &Path, root: &Path, segments: &mut Vec<String>) -> io::Result<()> {
        self.folders += 1;
        if self.folders > MAX_FOLDERS {
            // One note is enough, although further folders also end up here.
            if self.folders == MAX_FOLDERS + 1 {
                let why =
                    format!("the search stops after {MAX_FOLDERS} folders: name the folder of the copy");
                self.skipped.push((dir.to_owned(), why));
            }
            return Ok(());
        }
        let mut entries = read_entries(dir)?;
        let mut left_out = FolderLeftovers::default();
        entries.retain(|(name, kind)| !left_out.records(dir, name, *kind));
        if !left_out.is_empty() {
            self.passed_over.note(&fs::canonicalize(dir)?, &left_out);
        }
        // Descending names, so that the samples are the newest digests.
        entries.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        let above_known = segments.iter().position(|segment| segment == "AWSLogs");
        // An `AWSLogs` folder is a tree even if no digest in the folder is readable.
        if segments.last().is_some_and(|last| last == "AWSLogs") {
            let above = segments.iter().take(segments.len() - 1).cloned().collect();
            self.found.entry(above).or_default();
        }
        for (name, kind) in entries {
            let path = dir.join(&name);
            if above_known.is_some_and(|at| self.is_enough(segments, at)) {
                return Ok(());
            }
            segments.push(key_segment(&name));
            if kind.is_dir() && !is_log_folder(segments) {
                if let Err(error) = self.visit(&path, root, segments) {
                    self.skipped.push((path, error.to_string()));
                }
            } else if kind.is_file() {
                self.sample_digest(path, segments);
            } else if kind.is_symlink() {
                self.note_outside_link(path, root);
            }
            segments.pop();
        }
        Ok(())
    }

    /// Records a link to a folder outside the directory. A link to a folder inside needs no visit: the search finds
    /// the folder at the real path.
    fn note_outside_link(&mut self, link: PathBuf, root: &Path) {
        let leads_out =
            fs::canonicalize(&link).is_ok_and(|target| target.is_dir() && !target.starts_with(root));
        if leads_out {
            self.skipped.push((link, "the symbolic link leads out of the directory".to_owned()));
        }
    }

    fn is_enough(&self, segments: &[String], at: usize) -> bool {
        segments.get(..at).and_then(|above| self.found.get(above)).is_some_and(|found| found.len() >= SAMPLES)
    }

    /// Adds a digest with a usable recorded location to the samples. Other files are not added: unusable samples
    /// would use up the limit, and the rest of the copy would be mounted in the wrong place.
    fn sample_digest(&mut self, path: PathBuf, segments: &[String]) {
        let Some(known) = known_tail(segments) else { return };
        let (above, tail) = segments.split_at(segments.len() - known);
        let samples = self.found.entry(above.to_vec()).or_default();
        if samples.len() < SAMPLES {
            let sample = DigestSample { tail: tail.to_vec(), path };
            let recorded =
                open_sample(self.root, &sample).and_then(|object| (self.judge)(vec![object]).pop()?);
            if recorded.is_some_and(|recorded| base_of(&sample, &recorded).is_some()) {
                samples.push(sample);
            }
        }
    }
}

/// Names and types of the entries in `dir`. A `DirEntry` keeps the folder open, so keeping entries would keep all
/// parent folders open during the search.
fn read_entries(dir: &Path) -> io::Result<Vec<(OsString, FileType)>> {
    let entry =
        |entry: io::Result<DirEntry>| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?)));
    patiently(|| fs::read_dir(dir))?.map(entry).collect()
}

/// Whether `segments` is a folder of log files without digests: `…/AWSLogs/[o-id/]ACCOUNT/CloudTrail`. Elsewhere, a
/// folder called `CloudTrail` may hold digests.
fn is_log_folder(segments: &[String]) -> bool {
    let mut above = segments.iter().rev().map(String::as_str);
    let named = matches!(above.next(), Some("CloudTrail" | "CloudTrail-Insight"));
    let account = above.next().is_some_and(is_account);
    let next = above.next();
    let in_organization = next.is_some_and(is_organization) && above.next() == Some("AWSLogs");
    named && account && (next == Some("AWSLogs") || in_organization)
}

/// Number of trailing segments in the known structure
/// `AWSLogs/[o-id/]ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/NAME`. `None` if the name is not a digest's name, or
/// if the digest lies in the wrong folder of the structure.
fn known_tail(segments: &[String]) -> Option<usize> {
    let (name, folders) = segments.split_last()?;
    let (account, rest) = name.split_once("_CloudTrail-Digest_")?;
    let (region, _) = rest.split_once('_')?;
    let folder = RegionFolder {
        bucket: "".into(),
        root: "".into(),
        organization: None,
        account: account.into(),
        region: region.into(),
    };
    let key = DigestKey::parse_name(&folder, name)?;
    let day = key.end.day_folder();
    let mut expected: Vec<&str> = vec!["CloudTrail-Digest", region];
    expected.extend(day.split('/'));
    let mut known = 1;
    let mut above = folders.iter().rev().peekable();
    // Compare from the file upwards, because a copy of a part lacks the upper folders.
    for part in expected.iter().rev() {
        if above.next_if(|segment| segment == part).is_none() {
            return partial_tail(folders, known);
        }
        known += 1;
    }
    if above.next_if(|segment| **segment == account).is_none() {
        return partial_tail(folders, known);
    }
    known += 1 + usize::from(above.next_if(|segment| is_organization(segment)).is_some());
    if above.next_if(|segment| *segment == "AWSLogs").is_none() {
        return partial_tail(folders, known);
    }
    Some(known + 1)
}

/// Accepts a path without the upper part of the known structure, from a copy of a part of S3. At least the folders of
/// the day must match, unless the path begins at the directory itself: a file moved inside a tree must not relocate
/// the tree.
fn partial_tail(folders: &[String], known: usize) -> Option<usize> {
    let above = folders.get(..(folders.len() + 1).checked_sub(known)?)?;
    let misplaced = above.iter().any(|segment| segment == "AWSLogs" || segment == "CloudTrail-Digest");
    let whole_day = known >= "YYYY/MM/DD/NAME".split('/').count();
    (!misplaced && (whole_day || above.is_empty())).then_some(known)
}

/// Determines the part of S3 that the tree under `above` was copied from; `None` if no digest in the tree gives a
/// location.
fn locate_tree(
    root: &Path,
    above: &[String],
    samples: Vec<DigestSample>,
    judge: &Judge<'_>,
) -> io::Result<Option<Tree>> {
    let Some(base) = likeliest_base(root, above, samples, judge) else { return Ok(None) };
    // Trailing names that are equal on disk and in S3 stay below the mount; the mount covers the differing part.
    let shared = above.iter().rev().zip(base.iter().rev()).take_while(|(one, other)| one == other).count();
    let dir: PathBuf =
        above.iter().take(above.len() - shared).fold(root.to_owned(), |dir, part| dir.join(part));
    let mount_base = base.get(..base.len() - shared).unwrap_or_default().join("/");
    let (bucket, key) = base.split_first().map(|(bucket, key)| (bucket.clone(), key)).unwrap_or_default();
    let known = key.iter().rposition(|segment| segment == "AWSLogs").unwrap_or(key.len());
    let prefix: String = key.iter().take(known).map(|segment| format!("{segment}/")).collect();
    let renamed = (!above.is_empty() && shared == 0).then(|| dir.clone());
    Ok(Some(Tree { mount: Mount::new(root, &dir, mount_base)?, bucket, prefix, renamed }))
}

/// Full path `[BUCKET, KEY…]` of the folder `above`. A proved sample decides, then a sample whose bucket has the
/// folder's name, then the majority of the samples.
fn likeliest_base(
    root: &Path,
    above: &[String],
    samples: Vec<DigestSample>,
    judge: &Judge<'_>,
) -> Option<Vec<String>> {
    let read = |sample: DigestSample| open_sample(root, &sample).map(|object| (sample, object));
    let (samples, objects): (Vec<DigestSample>, Vec<Object>) = samples.into_iter().filter_map(read).unzip();
    let mut votes: BTreeMap<Vec<String>, (bool, bool, usize)> = BTreeMap::new();
    for (sample, recorded) in samples.iter().zip(judge(objects)) {
        let Some((base, proved)) = recorded.and_then(|recorded| base_of(sample, &recorded)) else { continue };
        let named = base.first() == above.first() && !above.is_empty();
        let vote = votes.entry(base).or_default();
        *vote = (vote.0 || proved, named, vote.2 + 1);
    }
    // Of equal votes the smallest path wins, so that the result is repeatable.
    let best = votes.into_iter().max_by(|(a, one), (b, other)| one.cmp(other).then_with(|| b.cmp(a)));
    best.map(|(base, _)| base)
}

/// Opens a sampled file with metadata; `None` if the file cannot be read.
fn open_sample(root: &Path, sample: &DigestSample) -> Option<Object> {
    let mount = Mount::new(root, sample.path.parent()?, "CloudTrail-Digest").ok()?;
    // The store checks links and reads the sidecar, as in the later run.
    DirectoryStore::new(vec![mount])
        .get(&Location::new("CloudTrail-Digest", sample.tail.last()?.as_str()))
        .ok()
}

/// Full path of the folder above the sample's known segments, from the recorded location, and whether the sample is
/// proved.
fn base_of(sample: &DigestSample, recorded: &Recorded) -> Option<(Vec<String>, bool)> {
    let full = recorded.location.to_string();
    let full = full.strip_prefix("s3://").filter(|full| is_plain(full))?;
    let mut base: Vec<String> = full.split('/').map(str::to_owned).collect();
    base.ends_with(&sample.tail).then(|| base.truncate(base.len() - sample.tail.len()))?;
    (!base.is_empty()).then_some((base, recorded.proved))
}

/// Builds a tree without a readable digest: the name of the folder is used as the bucket's name.
fn unknown_tree(root: &Path, above: &[String]) -> io::Result<Tree> {
    match above.split_first() {
        Some((bucket, rest)) => Ok(Tree {
            mount: Mount::new(root, root, "")?,
            bucket: bucket.clone(),
            prefix: rest.iter().map(|segment| format!("{segment}/")).collect(),
            renamed: None,
        }),
        None => {
            let canonical = fs::canonicalize(root)?;
            let bucket = canonical.file_name().map_or_else(|| "directory".to_owned(), key_segment);
            Ok(Tree {
                mount: Mount::new(root, root, bucket.clone())?,
                bucket,
                prefix: String::new(),
                renamed: None,
            })
        }
    }
}
