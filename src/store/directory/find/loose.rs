//! Places files by their names, where a copy lost the folders of S3.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::search::LogRegionFolder;
use super::{Judge, Tree, open_file};
use crate::ident::{
    DeliveredName, DeliveredType, DigestKey, Location, LogFolder, RegionFolder, is_account, is_organization,
    name_before_inflating,
};
use crate::store::directory::mount::Mount;
use crate::store::directory::names::key_segment;
use crate::store::directory::placed::{PlacedFile, PlacedFiles};
use crate::store::files::CopyFiles;

/// Most log files whose home is kept.
const MAX_LOGS: usize = 4_000_000;

/// Where the digests of each account were delivered, as the digests record it.
#[derive(Clone, Default, Debug)]
pub struct Homes {
    accounts: BTreeMap<String, BTreeSet<Home>>,
    /// The home of each log file that a digest lists, by the hash of its name. Two homes of an account may be told
    /// apart by it alone.
    logs: HashMap<u64, Home>,
}

/// The folder of an account in S3, without the account.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Home {
    pub(super) bucket: Arc<str>,
    pub(super) root: Arc<str>,
    organization: Option<Arc<str>>,
}

impl Homes {
    /// Adds the homes of another copy.
    pub fn extend(&mut self, other: &Self) {
        for (account, homes) in &other.accounts {
            self.accounts.entry(account.clone()).or_default().extend(homes.iter().cloned());
        }
        let room = MAX_LOGS.saturating_sub(self.logs.len());
        self.logs.extend(other.logs.iter().take(room).map(|(name, home)| (*name, home.clone())));
    }

    /// Notes where a digest lists a log file.
    fn note_log(&mut self, location: &Location) {
        if self.logs.len() < MAX_LOGS
            && let Some(home) = Home::of_log(location)
        {
            self.logs.insert(hash_of(location.name()), home);
        }
    }

    /// The first home of an account.
    pub(super) fn of_account(&self, account: &str) -> Option<&Home> {
        self.accounts.get(account).and_then(BTreeSet::first)
    }

    /// Notes the location that a digest records.
    pub(super) fn note(&mut self, location: &Location) {
        let Some(DigestKey { folder, .. }) = DigestKey::parse(location) else { return };
        let home = Home { bucket: folder.bucket, root: folder.root, organization: folder.organization };
        self.accounts.entry(folder.account.to_string()).or_default().insert(home);
    }

    /// Whether no digest says where it was delivered.
    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The folders of an account's region; `None` for an account without digests, which may lie anywhere.
    fn region_folder(&self, account: &str, region: &str) -> Option<RegionFolder> {
        Some(self.of_account(account)?.region_folder(account, region))
    }

    /// The location of a file by its name.
    fn location_of(&self, name: &str) -> Option<Location> {
        let parsed = DeliveredName::parse(name)?;
        let whole = name_before_inflating(name);
        let name = whole.as_deref().unwrap_or(name);
        let home = self.logs.get(&hash_of(name)).or_else(|| self.of_account(parsed.account))?;
        let folder = home.region_folder(parsed.account, parsed.region);
        let prefix = match parsed.kind {
            DeliveredType::Digest => folder.digest_prefix(),
            DeliveredType::Log(logs) => folder.log_prefix_in(logs),
        };
        Some(Location::new(folder.bucket, format!("{prefix}{}/{name}", parsed.time.day_folder())))
    }
}

impl Home {
    /// The home of a log file at `location`.
    fn of_log(location: &Location) -> Option<Self> {
        let (root, rest) = location.key.rsplit_once("AWSLogs/")?;
        let first = rest.split('/').next()?;
        (root.is_empty() || root.ends_with('/')).then(|| Self {
            bucket: Arc::clone(&location.bucket),
            root: root.into(),
            organization: is_organization(first).then(|| first.into()),
        })
    }

    fn region_folder(&self, account: &str, region: &str) -> RegionFolder {
        let Self { bucket, root, organization } = self.clone();
        RegionFolder { bucket, root, organization, account: account.into(), region: region.into() }
    }
}

fn hash_of(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Digests in no folder of S3's.
#[derive(Default)]
pub(super) struct PlacedDigests {
    /// Digests at the locations that they record.
    pub(super) placed: PlacedFiles,
    /// Digests that record no location of their name.
    pub(super) unusable: Vec<PathBuf>,
}

/// Places digests at the locations that they record.
pub(super) fn place_digests(
    files: &Arc<dyn CopyFiles>,
    digests: &[PathBuf],
    judge: &Judge<'_>,
    homes: &mut Homes,
) -> PlacedDigests {
    let mut all = PlacedDigests::default();
    for path in digests {
        let mut recorded = open_file(files, path).and_then(|object| judge(vec![object]).pop()?);
        let logs = recorded.as_mut().map(|recorded| std::mem::take(&mut recorded.logs)).unwrap_or_default();
        let name = path.file_name().map(key_segment).unwrap_or_default();
        let is_own = |location: &Location| {
            location.name() == name || name_before_inflating(&name).as_deref() == Some(location.name())
        };
        match recorded.map(|recorded| recorded.location).filter(is_own) {
            Some(location) => {
                homes.note(&location);
                logs.iter().for_each(|log| homes.note_log(log));
                add(&mut all.placed, files, path, Some(location));
            }
            None => all.unusable.push(path.clone()),
        }
    }
    all
}

/// Folders with files of accounts without digests, and the number of files.
pub(super) type Homeless = BTreeMap<(PathBuf, String), u64>;

/// Places files by account, region and day in their names: log files, and digests that the run has to report.
pub(super) fn place_by_name<'p>(
    files: &Arc<dyn CopyFiles>,
    paths: impl IntoIterator<Item = &'p PathBuf>,
    homes: &Homes,
    homeless: &mut Homeless,
) -> PlacedFiles {
    let mut placed = PlacedFiles::default();
    for path in paths {
        let name = path.file_name().map(key_segment).unwrap_or_default();
        match (homes.location_of(&name), DeliveredName::parse(&name), path.parent()) {
            (None, Some(name), Some(folder)) => {
                *homeless.entry((folder.to_owned(), name.account.to_owned())).or_default() += 1;
            }
            (location, ..) => add(&mut placed, files, path, location),
        }
    }
    placed
}

fn add(placed: &mut PlacedFiles, files: &Arc<dyn CopyFiles>, path: &Path, location: Option<Location>) {
    if let Some(location) = location {
        let size = files.facts(path).map_or(0, |found| found.size);
        placed.add(location, PlacedFile { files: Arc::clone(files), path: path.to_owned(), size });
    }
}

/// Mounts folders with the log files of a region in folders of days, where the folders above were renamed.
pub(super) fn mount_log_folders(
    files: &Arc<dyn CopyFiles>,
    found: &BTreeSet<LogRegionFolder>,
    trees: &[Tree],
    homes: &Homes,
    homeless: &mut Homeless,
) -> Vec<Tree> {
    let is_outside = |folder: &&LogRegionFolder| !trees.iter().any(|tree| tree.holds(&folder.dir));
    let mut mounted = Vec::new();
    for found in found.iter().filter(is_outside) {
        let Some(folder) = homes.region_folder(&found.account, &found.region) else {
            *homeless.entry((found.dir.clone(), found.account.clone())).or_default() += 1;
            continue;
        };
        let prefix = folder.log_prefix_in(found.logs);
        let base = format!("{}/{}", folder.bucket, prefix.trim_end_matches('/'));
        mounted.push(Tree {
            mount: Mount::new(Arc::clone(files), found.dir.clone(), base),
            bucket: folder.bucket.to_string(),
            prefix: folder.root.to_string(),
            renamed: None,
            holder: None,
        });
    }
    mounted
}

/// Whether a tree shows `path` in one of CloudTrail's folders of an account.
pub(super) fn is_in_delivery_folder(tree: &Tree, path: &Path) -> bool {
    tree.mount.full_path_of(path).is_some_and(|full| {
        let segments: Vec<&str> = full.split('/').collect();
        let Some(at) = segments.iter().rposition(|segment| *segment == "AWSLogs") else { return false };
        let mut below = segments.iter().skip(at + 1).peekable();
        below.next_if(|segment| is_organization(segment));
        let is_account = below.next().is_some_and(|segment| is_account(segment));
        let is_folder = below.next().is_some_and(|segment| {
            *segment == "CloudTrail-Digest" || LogFolder::ALL.iter().any(|logs| logs.as_str() == *segment)
        });
        is_account && is_folder
    })
}
