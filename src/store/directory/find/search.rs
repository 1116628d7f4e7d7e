//! Walks the folders of a copy, and samples digests.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archives::FoundArchives;
use super::left_out::LeftOut;
use super::misplaced::{LogFolderSearch, MisplacedFiles};
use super::sample::{DIGESTS, DigestGroup, KnownDepth, known_tail};
use super::{Judge, StopSearch};
use crate::ident::{DeliveredName, DeliveredType, LogFolder, is_account, is_organization, is_region};
use crate::store::archive;
use crate::store::directory::leftovers::{FolderLeftovers, PassedOver};
use crate::store::directory::names::key_segment;
use crate::store::directory::sidecar;
use crate::store::files::{CopyFiles, FileEntry, FileKind};

/// Most folders visited in the search for digests.
const MAX_FOLDERS: usize = 200_000;

/// Folders after which a region's older days are not visited if the region has enough samples.
const MANY_FOLDERS: usize = MAX_FOLDERS / 2;

/// Most files kept that lie in no folder of S3's.
pub(super) const MAX_LOOSE: usize = 1_000_000;

/// The result of the walk.
pub(super) struct Searched {
    pub(super) groups: BTreeMap<GroupId, DigestGroup>,
    pub(super) log_folders: BTreeSet<LogRegionFolder>,
    /// Log files in no folder of a region and a day.
    pub(super) loose_logs: Vec<PathBuf>,
    /// Files in a log folder in its place, but not in the folder of their region and day.
    pub(super) misplaced: MisplacedFiles,
    /// The folders of the loose log files.
    pub(super) loose_log_folders: BTreeSet<PathBuf>,
    /// JSON files without a name of CloudTrail's, outside of the log folders of S3.
    pub(super) other_json: Vec<PathBuf>,
    /// Archives in a directory. They are not opened.
    pub(super) archives: FoundArchives,
    pub(super) skipped: Vec<LeftOut>,
    /// Folders of digests in their place that cannot be listed. A run that lists them says so itself.
    pub(super) unlistable: Vec<LeftOut>,
    /// Links to folders outside of the directory.
    pub(super) outside_links: BTreeSet<PathBuf>,
    pub(super) passed_over: BTreeMap<PathBuf, u64>,
}

impl Searched {
    /// Records a link to a folder outside the directory. A link to a folder inside needs no visit: the search finds
    /// the folder at the real path.
    fn note_outside_link(&mut self, files: &Arc<dyn CopyFiles>, link: PathBuf) {
        let leads_to_folder = files.facts_of_target(&link).is_ok_and(|found| found.kind == FileKind::Folder);
        if leads_to_folder && files.resolve(&link).is_err() {
            self.skipped.push(LeftOut::outside_link(&link));
            self.outside_links.insert(link);
        }
    }

    /// Whether digests of the chain of the digest called `name` lie in their place below an `AWSLogs` folder.
    pub(super) fn has_in_place(&self, name: &str) -> bool {
        let mut whole = self.groups.iter().filter(|(id, _)| id.depth == KnownDepth::Whole);
        whole.any(|(_, group)| group.has_chain_of(name))
    }
}

/// Which digests belong together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupId {
    pub(super) depth: KnownDepth,
    /// The path segments above the known folders of S3.
    pub(super) above: Vec<String>,
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

impl LogRegionFolder {
    /// Whether `full`, the full path of the folder in S3, ends as that of the log files' folder.
    pub(super) fn is_at(&self, full: &str) -> bool {
        full.ends_with(&format!("/{}/{}/{}", self.account, self.logs.as_str(), self.region))
    }
}

/// Walks all folders, and samples digests. The walk ends early when `stop` says so.
///
/// # Errors
/// An error if the root of the copy cannot be read.
pub(super) fn search(
    files: &Arc<dyn CopyFiles>,
    judge: &Judge<'_>,
    stop: &StopSearch<'_>,
) -> io::Result<Searched> {
    let mut search = TreeSearch {
        files,
        judge,
        stop,
        folders: 0,
        loose: 0,
        has_backslashes: false,
        log_folders: LogFolderSearch::default(),
        passed_over: PassedOver::default(),
        searched: Searched {
            groups: BTreeMap::new(),
            log_folders: BTreeSet::new(),
            loose_logs: Vec::new(),
            misplaced: MisplacedFiles::default(),
            loose_log_folders: BTreeSet::new(),
            other_json: Vec::new(),
            archives: FoundArchives::default(),
            skipped: Vec::new(),
            unlistable: Vec::new(),
            outside_links: BTreeSet::new(),
            passed_over: BTreeMap::new(),
        },
    };
    search.visit(files.root(), &mut Vec::new())?;
    for group in search.searched.groups.values_mut().take_while(|_| !stop()) {
        group.sample_oldest(files, judge);
    }
    let (passed_over, misplaced) = (search.passed_over.into_folders(), search.log_folders.found);
    search.log_folders.links.into_iter().for_each(|link| search.searched.note_outside_link(files, link));
    Ok(Searched { passed_over, misplaced, ..search.searched })
}

struct TreeSearch<'a> {
    files: &'a Arc<dyn CopyFiles>,
    judge: &'a Judge<'a>,
    stop: &'a StopSearch<'a>,
    folders: usize,
    loose: usize,
    /// Whether a file with `\` in its name was noted.
    has_backslashes: bool,
    log_folders: LogFolderSearch,
    passed_over: PassedOver,
    searched: Searched,
}

impl TreeSearch<'_> {
    /// Searches `dir` for digests, newest names first. Skips log folders in their place, which hold no digests. In a copy
    /// of very many folders, stops in a region of an `AWSLogs` folder with enough samples.
    fn visit(&mut self, dir: &Path, segments: &mut Vec<String>) -> io::Result<()> {
        if (self.stop)() {
            return Ok(());
        }
        self.folders += 1;
        if self.folders > MAX_FOLDERS {
            // One note is enough, although further folders also end up here.
            if self.folders == MAX_FOLDERS + 1 {
                let why =
                    format!("the search stops after {MAX_FOLDERS} folders: name the folder of the copy");
                self.searched.skipped.push(LeftOut::new(dir, why));
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
                _ if is_over || (self.stop)() => {}
                FileKind::Folder if !is_log_folder(segments) => {
                    if let Err(error) = self.visit(&path, segments) {
                        let left_out = LeftOut::new(path, error.to_string());
                        match is_digest_folder(segments) {
                            true => self.searched.unlistable.push(left_out),
                            false => self.searched.skipped.push(left_out),
                        }
                    }
                }
                FileKind::Folder => {
                    self.note_log_folder(segments);
                    self.log_folders.search(&**self.files, &path, segments, self.stop);
                }
                FileKind::File => self.take_file(path, segments),
                FileKind::Link => self.searched.note_outside_link(self.files, path),
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

    /// Whether the region around `segments` has enough samples.
    fn is_enough(&self, segments: &[String]) -> bool {
        let Some(at) = above_aws_logs(segments).filter(|_| self.folders > MANY_FOLDERS) else { return false };
        let (above, below) = segments.split_at(at);
        let Some(digests) = below.iter().position(|segment| segment == "CloudTrail-Digest") else {
            return false;
        };
        let id = GroupId { depth: KnownDepth::Whole, above: above.to_vec() };
        let region = below.get(..digests + 2);
        region
            .is_some_and(|region| self.searched.groups.get(&id).is_some_and(|group| group.is_enough(region)))
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
        let name = segments.last().map(String::as_str).unwrap_or_default();
        let Some(name) = DeliveredName::parse(name) else {
            return if is_unpacked_flat(name) {
                self.note_backslashes(path)
            } else {
                self.take_other(path, name)
            };
        };
        match name.kind {
            DeliveredType::Digest => self.take_digest(path, segments, &name),
            DeliveredType::Log(logs) => self.take_log(path, segments, &name, logs),
        }
    }

    fn take_digest(&mut self, path: PathBuf, segments: &[String], name: &DeliveredName<'_>) {
        let known = known_tail(segments, name);
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
        group.see(self.files, self.judge, depth, path, tail);
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

    /// Notes a JSON file that may be a log file with another name.
    fn take_other(&mut self, path: PathBuf, name: &str) {
        if !is_json(name) {
            return;
        }
        if self.loose >= MAX_LOOSE {
            return self.note_too_many(path);
        }
        self.loose += 1;
        self.searched.other_json.push(path);
    }

    /// Notes once that an archive was unpacked without its folders.
    fn note_backslashes(&mut self, path: PathBuf) {
        if !self.has_backslashes {
            self.has_backslashes = true;
            let why = "a program unpacked an archive into names with `\\` in place of folders; give the archive itself";
            self.searched.skipped.push(LeftOut::new(path, why.to_owned()));
        }
    }

    /// Notes once that not every file was looked at.
    fn note_too_many(&mut self, path: PathBuf) {
        if self.loose == MAX_LOOSE {
            self.loose += 1;
            let why = format!("the search stops after {MAX_LOOSE} files outside of the folders of S3");
            self.searched.skipped.push(LeftOut::new(path, why));
        }
    }
}

/// Whether a name is a path of Windows to a file of CloudTrail's, or to its sidecar.
fn is_unpacked_flat(name: &str) -> bool {
    let last = name.rsplit_once('\\').map(|(_, last)| last.strip_suffix(sidecar::SUFFIX).unwrap_or(last));
    last.is_some_and(|last| DeliveredName::parse(last).is_some())
}

/// Whether a file may be a log file with another name: it ends as JSON does, and is not the metadata of a digest.
fn is_json(name: &str) -> bool {
    let object = name.strip_suffix(sidecar::SUFFIX).and_then(DeliveredName::parse);
    let is_sidecar = object.is_some_and(|object| object.kind == DeliveredType::Digest);
    (name.ends_with(".json") || name.ends_with(".json.gz")) && !is_sidecar
}

/// Number of segments above the last `AWSLogs`: a trail's prefix may have the name too.
pub(super) fn above_aws_logs(segments: &[String]) -> Option<usize> {
    segments.iter().rposition(|segment| segment == "AWSLogs")
}

/// Whether `segments` is an account's folder of digests in its place, or a folder of a region or a date in it.
fn is_digest_folder(segments: &[String]) -> bool {
    let below = above_aws_logs(segments).and_then(|at| segments.get(at + 1..)).unwrap_or_default();
    let (account, rest) = match below {
        [organization, account, rest @ ..] if is_organization(organization) => (account, rest),
        [account, rest @ ..] => (account, rest),
        [] => return false,
    };
    let is_number = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    is_account(account)
        && match rest {
            [digests] => digests == DIGESTS,
            [digests, region, date @ ..] => {
                digests == DIGESTS && is_region(region) && date.len() <= 3 && date.iter().all(is_number)
            }
            [] => false,
        }
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
