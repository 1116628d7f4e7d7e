//! Walks the folders of a copy, and samples digests.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archives::FoundArchives;
use super::{Judge, Recorded, open_file};
use crate::ident::{DeliveredName, DeliveredType, LogFolder, is_account, is_organization};
use crate::store::archive;
use crate::store::directory::leftovers::{FolderLeftovers, PassedOver};
use crate::store::directory::names::{is_plain, key_segment};
use crate::store::files::{CopyFiles, FileEntry, FileKind};

/// Digests sampled of a folder to locate it in S3: the newest by name of the digests with a usable location. The
/// number exceeds a day's digests: if a digest lost the signature with the metadata, the next digest holds the
/// signature.
const SAMPLES: usize = 64;

/// Digests sampled of each further account of an `AWSLogs` folder, and of each further chain of another folder.
const FURTHER_SAMPLES: usize = 8;

/// Most folders visited in the search for digests.
const MAX_FOLDERS: usize = 200_000;

/// Most files kept that lie in no folder of S3's.
const MAX_LOOSE: usize = 1_000_000;

/// The result of the walk.
pub(super) struct Searched {
    pub(super) groups: BTreeMap<GroupId, DigestGroup>,
    pub(super) log_folders: BTreeSet<LogRegionFolder>,
    /// Log files in no folder of a region and a day.
    pub(super) loose_logs: Vec<PathBuf>,
    /// The folders of these log files.
    pub(super) loose_log_folders: BTreeSet<PathBuf>,
    /// Archives in a directory. They are not opened.
    pub(super) archives: FoundArchives,
    pub(super) skipped: Vec<(PathBuf, String)>,
    pub(super) passed_over: BTreeMap<PathBuf, u64>,
}

/// Which digests belong together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupId {
    pub(super) depth: KnownDepth,
    /// The path segments above the known folders of S3.
    pub(super) above: Vec<String>,
}

/// How much of a path is known to be S3's. The deepest is located first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KnownDepth {
    /// From `AWSLogs/` on.
    Whole,
    /// At least the folders of the day.
    Day,
    /// Less: only the name is certain.
    Name,
}

/// Digests under one folder.
#[derive(Default)]
pub(super) struct DigestGroup {
    pub(super) samples: Vec<DigestSample>,
    /// Number of samples of each chain in a region.
    sampled: BTreeMap<String, usize>,
    /// Number of samples of each account.
    of_account: BTreeMap<String, usize>,
    /// Every digest outside of an `AWSLogs` folder.
    pub(super) digests: Vec<PathBuf>,
    /// The accounts of an `AWSLogs` folder: the path segments below it.
    pub(super) accounts: BTreeSet<Vec<String>>,
    /// The accounts with a folder of log files in its place.
    pub(super) log_accounts: BTreeSet<Vec<String>>,
}

/// A sampled digest: the path, and the segments of the path in the known folders of S3.
#[derive(Clone)]
pub(super) struct DigestSample {
    pub(super) tail: Vec<String>,
    pub(super) path: PathBuf,
}

/// A folder of a copy with the log files of one account and region, in folders of days.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LogRegionFolder {
    /// The folder of the region.
    pub(super) dir: PathBuf,
    pub(super) account: String,
    pub(super) logs: LogFolder,
    pub(super) region: String,
}

/// Walks all folders, and samples digests.
///
/// # Errors
/// An error if the root of the copy cannot be read.
pub(super) fn search(files: &Arc<dyn CopyFiles>, judge: &Judge<'_>) -> io::Result<Searched> {
    let mut search = TreeSearch {
        files,
        judge,
        folders: 0,
        loose: 0,
        passed_over: PassedOver::default(),
        searched: Searched {
            groups: BTreeMap::new(),
            log_folders: BTreeSet::new(),
            loose_logs: Vec::new(),
            loose_log_folders: BTreeSet::new(),
            archives: FoundArchives::default(),
            skipped: Vec::new(),
            passed_over: BTreeMap::new(),
        },
    };
    search.visit(files.root(), &mut Vec::new())?;
    Ok(Searched { passed_over: search.passed_over.into_folders(), ..search.searched })
}

struct TreeSearch<'a> {
    files: &'a Arc<dyn CopyFiles>,
    judge: &'a Judge<'a>,
    folders: usize,
    loose: usize,
    passed_over: PassedOver,
    searched: Searched,
}

impl TreeSearch<'_> {
    /// Searches `dir` for digests, newest names first. Skips log folders in their place, which hold no digests, and
    /// stops in an account of an `AWSLogs` folder with enough samples.
    fn visit(&mut self, dir: &Path, segments: &mut Vec<String>) -> io::Result<()> {
        self.folders += 1;
        if self.folders > MAX_FOLDERS {
            // One note is enough, although further folders also end up here.
            if self.folders == MAX_FOLDERS + 1 {
                let why =
                    format!("the search stops after {MAX_FOLDERS} folders: name the folder of the copy");
                self.searched.skipped.push((dir.to_owned(), why));
            }
            return Ok(());
        }
        let mut entries = self.files.entries(dir)?;
        let mut left_out = FolderLeftovers::default();
        entries.retain(|entry| !left_out.records(&**self.files, dir, entry));
        if !left_out.is_empty() {
            self.passed_over.note(&**self.files, &self.files.resolve(dir)?, &left_out);
        }
        // Descending names, so that the samples are the newest digests.
        entries.sort_unstable_by(|one, other| other.name.cmp(&one.name));
        self.note_account(segments);
        let mut is_over = false;
        for FileEntry { name, kind } in entries {
            let path = dir.join(&name);
            // The files of a day are looked at to the last: they name all chains.
            is_over |= kind == FileKind::Folder && self.is_enough(segments);
            segments.push(key_segment(&name));
            match kind {
                FileKind::File if self.takes_archive(&path, segments) => {}
                _ if is_over => {}
                FileKind::Folder if !is_log_folder(segments) => {
                    if let Err(error) = self.visit(&path, segments) {
                        self.searched.skipped.push((path, error.to_string()));
                    }
                }
                FileKind::Folder => self.note_log_folder(segments),
                FileKind::File => self.take_file(path, segments),
                FileKind::Link => self.note_outside_link(path),
                FileKind::Other => {}
            }
            segments.pop();
        }
        Ok(())
    }

    /// Notes an `AWSLogs` folder, and an account of it: they are known even if no digest in them is readable.
    fn note_account(&mut self, segments: &[String]) {
        let Some(at) = above_aws_logs(segments) else { return };
        let (above, below) = segments.split_at(at);
        let account = below.get(1..).unwrap_or_default();
        let is_account = match account {
            [account] => is_account(account),
            [organization, account] => is_organization(organization) && is_account(account),
            _ => false,
        };
        if account.is_empty() || is_account {
            let id = GroupId { depth: KnownDepth::Whole, above: above.to_vec() };
            let group = self.searched.groups.entry(id).or_default();
            group.accounts.extend(is_account.then(|| account.to_vec()));
        }
    }

    /// Notes the account of a log folder in its place.
    fn note_log_folder(&mut self, segments: &[String]) {
        let Some(at) = above_aws_logs(segments) else { return };
        let (above, below) = segments.split_at(at);
        let id = GroupId { depth: KnownDepth::Whole, above: above.to_vec() };
        let account = below.get(1..below.len() - 1).unwrap_or_default().to_vec();
        self.searched.groups.entry(id).or_default().log_accounts.insert(account);
    }

    /// Records a link to a folder outside the directory. A link to a folder inside needs no visit: the search finds
    /// the folder at the real path.
    fn note_outside_link(&mut self, link: PathBuf) {
        let leads_to_folder =
            self.files.facts_of_target(&link).is_ok_and(|found| found.kind == FileKind::Folder);
        if leads_to_folder && self.files.resolve(&link).is_err() {
            self.searched.skipped.push((link, "the symbolic link leads out of the directory".to_owned()));
        }
    }

    /// Whether the account around `segments` has enough samples.
    fn is_enough(&self, segments: &[String]) -> bool {
        let Some(at) = above_aws_logs(segments) else { return false };
        let (above, below) = segments.split_at(at);
        let Some(account) = below.iter().skip(1).find(|segment| is_account(segment)) else { return false };
        let id = GroupId { depth: KnownDepth::Whole, above: above.to_vec() };
        self.searched.groups.get(&id).is_some_and(|group| group.is_enough(account))
    }

    /// Notes the file if it is an archive. An archive within an archive is reported by the archive's reader.
    fn takes_archive(&mut self, path: &Path, segments: &[String]) -> bool {
        let is_archive = segments.last().is_some_and(|name| archive::is_named_like_archive(name));
        if is_archive && self.files.root().is_dir() {
            self.searched.archives.add(path, segments);
        }
        is_archive
    }

    fn take_file(&mut self, path: PathBuf, segments: &[String]) {
        let Some(name) = segments.last().and_then(|name| DeliveredName::parse(name)) else { return };
        match name.kind {
            DeliveredType::Digest => self.take_digest(path, segments, &name),
            DeliveredType::Log(logs) => self.take_log(path, segments, &name, logs),
        }
    }

    /// Adds a digest with a usable recorded location to the samples. Other files are not added: unusable samples
    /// would use up the limit, and the rest of the copy would be mounted in the wrong place.
    fn take_digest(&mut self, path: PathBuf, segments: &[String], name: &DeliveredName<'_>) {
        let Some(known) = known_tail(segments, name) else { return };
        let (above, tail) = segments.split_at(segments.len() - known);
        let is_whole = tail.first().is_some_and(|first| first == "AWSLogs");
        let depth = match known >= "YYYY/MM/DD/NAME".split('/').count() {
            _ if is_whole => KnownDepth::Whole,
            true => KnownDepth::Day,
            false => KnownDepth::Name,
        };
        if !is_whole && self.loose >= MAX_LOOSE {
            return self.note_too_many(path);
        }
        let group = self.searched.groups.entry(GroupId { depth, above: above.to_vec() }).or_default();
        if !is_whole {
            self.loose += 1;
            group.digests.push(path.clone());
        }
        let sampled_as = chain_part(segments.last().map(String::as_str).unwrap_or_default());
        if group.is_full(sampled_as) {
            return;
        }
        let sample = DigestSample { tail: tail.to_vec(), path };
        let recorded =
            open_file(self.files, &sample.path).and_then(|object| (self.judge)(vec![object]).pop()?);
        if recorded.is_some_and(|recorded| base_of(&sample, &recorded).is_some()) {
            *group.sampled.entry(sampled_as.to_owned()).or_default() += 1;
            *group.of_account.entry(name.account.to_owned()).or_default() += 1;
            group.samples.push(sample);
        }
    }

    fn take_log(&mut self, path: PathBuf, segments: &[String], name: &DeliveredName<'_>, logs: LogFolder) {
        let mut day = name.time.day_folder();
        day.insert_str(0, &format!("{}/", name.region));
        let folders = segments.split_last().map(|(_, folders)| folders).unwrap_or_default();
        let is_in_day = folders.iter().rev().zip(day.rsplit('/')).all(|(segment, part)| segment == part);
        let region = path.ancestors().nth(4);
        if let Some(dir) = region.filter(|_| is_in_day && folders.len() >= 4) {
            self.searched.log_folders.insert(LogRegionFolder {
                dir: dir.to_owned(),
                account: name.account.to_owned(),
                logs,
                region: name.region.to_owned(),
            });
        } else {
            if self.loose >= MAX_LOOSE {
                return self.note_too_many(path);
            }
            self.loose += 1;
            self.searched.loose_log_folders.extend(path.parent().map(Path::to_owned));
            self.searched.loose_logs.push(path);
        }
    }

    /// Notes once that not every file was looked at.
    fn note_too_many(&mut self, path: PathBuf) {
        if self.loose == MAX_LOOSE {
            self.loose += 1;
            let why = format!("the search stops after {MAX_LOOSE} files outside of the folders of S3");
            self.searched.skipped.push((path, why));
        }
    }
}

impl DigestGroup {
    /// Whether an account has enough samples.
    fn is_enough(&self, account: &str) -> bool {
        let own = self.of_account.get(account).copied().unwrap_or_default();
        own >= if self.samples.len() > own { FURTHER_SAMPLES } else { SAMPLES }
    }

    fn is_full(&self, sampled_as: &str) -> bool {
        let own = self.sampled.get(sampled_as).copied().unwrap_or_default();
        let most = if self.samples.len() > own { FURTHER_SAMPLES } else { SAMPLES };
        own >= most
    }
}

/// The files of an account's folder.
#[derive(Default)]
pub(super) struct DeliveredFiles {
    pub(super) digests: Vec<PathBuf>,
    pub(super) logs: Vec<PathBuf>,
    /// Folders that were left out, and the reasons.
    pub(super) skipped: Vec<(PathBuf, String)>,
}

/// The digests and log files in an account's folder.
pub(super) fn delivered_below(files: &dyn CopyFiles, folder: &Path) -> DeliveredFiles {
    let (mut found, mut folders) = (DeliveredFiles::default(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = match files.entries(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                found.skipped.push((folder, error.to_string()));
                continue;
            }
        };
        if found.digests.len() + found.logs.len() >= MAX_LOOSE {
            let why = format!("the search stops after {MAX_LOOSE} files of an account with several buckets");
            found.skipped.push((folder, why));
            break;
        }
        let mut left_out = FolderLeftovers::default();
        for entry in entries {
            let path = folder.join(&entry.name);
            match (entry.kind, DeliveredName::parse(&key_segment(&entry.name))) {
                _ if left_out.records(files, &folder, &entry) => {}
                (FileKind::Folder, _) => folders.push(path),
                (FileKind::File, Some(DeliveredName { kind: DeliveredType::Digest, .. })) => {
                    found.digests.push(path);
                }
                (FileKind::File, Some(_)) => found.logs.push(path),
                _ => {}
            }
        }
    }
    found
}

/// The part of a digest's name that all digests of its chain share.
pub(super) fn chain_part(name: &str) -> &str {
    let stem = name.split_once(".json").map_or(name, |(stem, _)| stem);
    let stem = stem.strip_suffix("_backfill").unwrap_or(stem);
    stem.rsplit_once('_').map_or(stem, |(chain, _)| chain)
}

/// Number of segments above the last `AWSLogs`: a trail's prefix may have the name too.
pub(super) fn above_aws_logs(segments: &[String]) -> Option<usize> {
    segments.iter().rposition(|segment| segment == "AWSLogs")
}

/// Whether `segments` is a folder of log files without digests: `…/AWSLogs/[o-id/]ACCOUNT/CloudTrail`. Elsewhere, a
/// folder called `CloudTrail` may hold digests.
fn is_log_folder(segments: &[String]) -> bool {
    let mut above = segments.iter().rev().map(String::as_str);
    let named = above.next().is_some_and(|name| LogFolder::ALL.iter().any(|logs| logs.as_str() == name));
    let account = above.next().is_some_and(is_account);
    let next = above.next();
    let in_organization = next.is_some_and(is_organization) && above.next() == Some("AWSLogs");
    named && account && (next == Some("AWSLogs") || in_organization)
}

/// Number of trailing segments in the known structure
/// `AWSLogs/[o-id/]ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/NAME`. `None` if the digest lies in the wrong folder of
/// the structure.
fn known_tail(segments: &[String], name: &DeliveredName<'_>) -> Option<usize> {
    let (_, folders) = segments.split_last()?;
    let day = name.time.day_folder();
    let mut expected: Vec<&str> = vec![name.folder(), name.region];
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
    if above.next_if(|segment| **segment == name.account).is_none() {
        return partial_tail(folders, known);
    }
    known += 1 + usize::from(above.next_if(|segment| is_organization(segment)).is_some());
    if above.next_if(|segment| *segment == "AWSLogs").is_none() {
        return partial_tail(folders, known);
    }
    Some(known + 1)
}

/// Accepts a path without the upper part of the known structure, from a copy of a part of S3. A file moved inside a
/// tree must not relocate the tree.
fn partial_tail(folders: &[String], known: usize) -> Option<usize> {
    let above = folders.get(..(folders.len() + 1).checked_sub(known)?)?;
    let misplaced = above.iter().any(|segment| segment == "AWSLogs" || segment == "CloudTrail-Digest");
    (!misplaced).then_some(known)
}

/// Full path of the folder above the sample's known segments, from the recorded location, and whether the sample is
/// proved.
pub(super) fn base_of(sample: &DigestSample, recorded: &Recorded) -> Option<(Vec<String>, bool)> {
    let full = recorded.location.to_string();
    let full = full.strip_prefix("s3://").filter(|full| is_plain(full))?;
    let mut base: Vec<String> = full.split('/').map(str::to_owned).collect();
    let (name, folders) = sample.tail.split_last()?;
    let recorded_name = base.pop()?;
    (recorded_name == *name || recorded_name.strip_suffix(".gz") == Some(name)).then_some(())?;
    base.ends_with(folders).then(|| base.truncate(base.len() - folders.len()))?;
    (!base.is_empty()).then_some((base, recorded.proved))
}
