//! Which part of S3 a directory is a copy of.
//!
//! A directory may hold `BUCKET/KEY…` trees, one bucket's tree, or any part of one. Where a digest lies, held
//! against where it says it belongs, tells which. Samples that are proved outweigh those that are only parsed: a
//! forged digest shall not move the whole copy.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};

use super::DirectoryStore;
use super::droppings::{LeftOut, PassedOver};
use super::mount::Mount;
use super::names::{is_plain, key_segment};
use crate::handles::patiently;
use crate::ident::{DigestKey, Location, RegionFolder, is_account, is_organization};
use crate::store::{Object, Store as _};

/// Digests read to find out what an `AWSLogs` tree is a copy of: the newest by name of those that say where they
/// belong, more than a day's worth, so that a signature lost with the metadata is found in the digest that follows.
const SAMPLES: usize = 64;

/// Folders visited in looking for digests before giving up.
const MAX_FOLDERS: usize = 200_000;

/// Where a sampled digest says it belongs, and whether it is proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Where it says it belongs.
    pub location: Location,
    /// Whether its signature fits.
    pub proved: bool,
}

/// A tree found on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    /// The mount that shows it.
    pub mount: Mount,
    /// Bucket to look for `AWSLogs/` in.
    pub bucket: String,
    /// Folder to look for `AWSLogs/` in: empty, or with a slash at the end.
    pub prefix: String,
    /// The folder on disk, where its name is not the bucket's.
    pub renamed: Option<PathBuf>,
}

/// Says where each of the sampled digests of a tree belongs; `None` for what is no digest.
pub type Judge<'a> = dyn Fn(Vec<Object>) -> Vec<Option<Recorded>> + 'a;

/// What was found in a directory.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Found {
    /// Its trees.
    pub trees: Vec<Tree>,
    /// Folders that were not looked into, and why.
    pub skipped: Vec<(PathBuf, String)>,
    /// How many files that desktops and sync programs leave were passed over in each folder, its links resolved.
    pub passed_over: BTreeMap<PathBuf, u64>,
}

/// Finds the trees of `root`.
///
/// # Errors
/// Where `root` itself cannot be read.
pub fn find(root: &Path, judge: &Judge<'_>) -> io::Result<Found> {
    let mut search = Search {
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
        let tree = tree(root, &above, samples, judge)?.map_or_else(|| unknown_tree(root, &above), Ok)?;
        if !trees.contains(&tree) {
            trees.push(tree);
        }
    }
    Ok(Found { trees, skipped: search.skipped, passed_over: search.passed_over.into_folders() })
}

/// A digest's path under the directory: what stands above its part of the known structure, and that part.
struct Sample {
    tail: Vec<String>,
    path: PathBuf,
}

struct Search<'a> {
    root: &'a Path,
    judge: &'a Judge<'a>,
    /// Samples by what stands above the known structure.
    found: BTreeMap<Vec<String>, Vec<Sample>>,
    folders: usize,
    skipped: Vec<(PathBuf, String)>,
    passed_over: PassedOver,
}

impl Search<'_> {
    /// Looks for digests under `dir`, newest names first. Log folders hold none, and of an `AWSLogs` tree a few
    /// samples are enough.
    fn visit(&mut self, dir: &Path, root: &Path, segments: &mut Vec<String>) -> io::Result<()> {
        self.folders += 1;
        if self.folders > MAX_FOLDERS {
            if self.folders == MAX_FOLDERS + 1 {
                let why = format!("no folder is after the first {MAX_FOLDERS}: name the folder of the copy");
                self.skipped.push((dir.to_owned(), why));
            }
            return Ok(());
        }
        let mut entries = entries(dir)?;
        let mut left_out = LeftOut::default();
        entries.retain(|(name, kind)| !left_out.takes(dir, name, *kind));
        if !left_out.is_empty() {
            self.passed_over.note(&fs::canonicalize(dir)?, &left_out);
        }
        entries.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        let above_known = segments.iter().position(|segment| segment == "AWSLogs");
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
                self.take(path, segments);
            } else if kind.is_symlink() {
                self.pass_by(path, root);
            }
            segments.pop();
        }
        Ok(())
    }

    /// A link to a folder of the directory shows what is found at its own place. One that leads out is not followed.
    fn pass_by(&mut self, link: PathBuf, root: &Path) {
        let leads_out =
            fs::canonicalize(&link).is_ok_and(|target| target.is_dir() && !target.starts_with(root));
        if leads_out {
            self.skipped.push((link, "it is a symbolic link that leads out of the directory".to_owned()));
        }
    }

    fn is_enough(&self, segments: &[String], at: usize) -> bool {
        segments.get(..at).and_then(|above| self.found.get(above)).is_some_and(|found| found.len() >= SAMPLES)
    }

    /// Takes a digest that says where it belongs. What cannot be read, or says nothing, takes no other's place: the rest
    /// of the copy would else be held to lie in the wrong one.
    fn take(&mut self, path: PathBuf, segments: &[String]) {
        let Some(known) = known_tail(segments) else { return };
        let (above, tail) = segments.split_at(segments.len() - known);
        let samples = self.found.entry(above.to_vec()).or_default();
        if samples.len() < SAMPLES {
            let sample = Sample { tail: tail.to_vec(), path };
            let recorded = open(self.root, &sample).and_then(|object| (self.judge)(vec![object]).pop()?);
            if recorded.is_some_and(|recorded| base_of(&sample, &recorded).is_some()) {
                samples.push(sample);
            }
        }
    }
}

/// The names in `dir`, and what they name. An entry as the system gives it keeps the folder open, and those of all
/// folders above would be open with it.
fn entries(dir: &Path) -> io::Result<Vec<(OsString, FileType)>> {
    let entry =
        |entry: io::Result<DirEntry>| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?)));
    patiently(|| fs::read_dir(dir))?.map(entry).collect()
}

/// Whether this is a folder of log files: `…/AWSLogs/[o-id/]ACCOUNT/CloudTrail`, where no digests are. A folder of
/// that name elsewhere may be anything.
fn is_log_folder(segments: &[String]) -> bool {
    let mut above = segments.iter().rev().map(String::as_str);
    let named = matches!(above.next(), Some("CloudTrail" | "CloudTrail-Insight"));
    let account = above.next().is_some_and(is_account);
    let next = above.next();
    let in_organization = next.is_some_and(is_organization) && above.next() == Some("AWSLogs");
    named && account && (next == Some("AWSLogs") || in_organization)
}

/// How many segments at the end are of the known structure
/// `AWSLogs/[o-id/]ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/NAME`. `None` where the name is no digest's, or where
/// it lies in the wrong folder of such a structure.
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
    for part in expected.iter().rev() {
        if above.next_if(|segment| segment == part).is_none() {
            return partial(folders, known);
        }
        known += 1;
    }
    if above.next_if(|segment| **segment == account).is_none() {
        return partial(folders, known);
    }
    known += 1 + usize::from(above.next_if(|segment| is_organization(segment)).is_some());
    if above.next_if(|segment| *segment == "AWSLogs").is_none() {
        return partial(folders, known);
    }
    Some(known + 1)
}

/// A structure whose upper part is not there: the directory is a copy of a part. Less than the day's folders would
/// let a file moved within its tree speak for the tree, unless the directory itself begins there.
fn partial(folders: &[String], known: usize) -> Option<usize> {
    let above = folders.get(..(folders.len() + 1).checked_sub(known)?)?;
    let misplaced = above.iter().any(|segment| segment == "AWSLogs" || segment == "CloudTrail-Digest");
    let whole_day = known >= "YYYY/MM/DD/NAME".split('/').count();
    (!misplaced && (whole_day || above.is_empty())).then_some(known)
}

/// Settles what the tree under `above` is a copy of; `None` where no digest in it says so.
fn tree(root: &Path, above: &[String], samples: Vec<Sample>, judge: &Judge<'_>) -> io::Result<Option<Tree>> {
    let Some(base) = settle(root, above, samples, judge) else { return Ok(None) };
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

/// The full path, `[BUCKET, KEY…]`, of what lies in `above`: as a proved sample says, one whose bucket is the folder's
/// name first, and else as most samples say.
fn settle(root: &Path, above: &[String], samples: Vec<Sample>, judge: &Judge<'_>) -> Option<Vec<String>> {
    let read = |sample: Sample| open(root, &sample).map(|object| (sample, object));
    let (samples, objects): (Vec<Sample>, Vec<Object>) = samples.into_iter().filter_map(read).unzip();
    let mut votes: BTreeMap<Vec<String>, (bool, bool, usize)> = BTreeMap::new();
    for (sample, recorded) in samples.iter().zip(judge(objects)) {
        let Some((base, proved)) = recorded.and_then(|recorded| base_of(sample, &recorded)) else { continue };
        let named = base.first() == above.first() && !above.is_empty();
        let vote = votes.entry(base).or_default();
        *vote = (vote.0 || proved, named, vote.2 + 1);
    }
    let best = votes.into_iter().max_by(|(a, one), (b, other)| one.cmp(other).then_with(|| b.cmp(a)));
    best.map(|(base, _)| base)
}

/// The sampled file with its metadata; `None` where it cannot be read.
fn open(root: &Path, sample: &Sample) -> Option<Object> {
    let mount = Mount::new(root, sample.path.parent()?, "CloudTrail-Digest").ok()?;
    DirectoryStore::new(vec![mount])
        .get(&Location::new("CloudTrail-Digest", sample.tail.last()?.as_str()))
        .ok()
}

/// The full path of the folder above a sample's known part, by where the sample says it belongs.
fn base_of(sample: &Sample, recorded: &Recorded) -> Option<(Vec<String>, bool)> {
    let full = recorded.location.to_string();
    let full = full.strip_prefix("s3://").filter(|full| is_plain(full))?;
    let mut base: Vec<String> = full.split('/').map(str::to_owned).collect();
    base.ends_with(&sample.tail).then(|| base.truncate(base.len() - sample.tail.len()))?;
    (!base.is_empty()).then_some((base, recorded.proved))
}

/// A tree without a digest that could be read: its folder is taken for the bucket.
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
