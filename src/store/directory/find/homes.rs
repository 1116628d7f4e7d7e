//! Where the digests of each account were delivered, as the digests record it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::sample::{DigestSample, chain_part};
use crate::ident::{
    DeliveredName, DeliveredType, DigestKey, Location, RegionFolder, is_organization, name_before_inflating,
};
use crate::store::directory::shared::{LogRegion, RegionParts, hash_of, time_around};
use crate::time::Timestamp;

/// Most log files whose home is kept.
const MAX_LOGS: usize = 4_000_000;

/// Where the digests of each account were delivered, as the digests record it.
#[derive(Clone, Default, Debug)]
pub struct Homes {
    accounts: BTreeMap<String, BTreeMap<Home, HomeDigests>>,
    /// The home of each log file that a digest lists, by the hash of its name, and whether the digest is proved. Two homes
    /// of an account may be told apart by it alone.
    logs: HashMap<u64, (Home, bool)>,
    /// The log folders in which proved digests list log files, for each account and home.
    log_regions: BTreeMap<(String, Home), BTreeSet<LogRegion>>,
    /// The chains of the digests: the part of a name that the digests of a chain share.
    chains: BTreeSet<String>,
    /// Hashes of the names of the log files that sampled digests list.
    sampled_logs: HashSet<u64>,
    /// The accounts whose digests were all read for the log files that they list.
    read_accounts: BTreeSet<String>,
}

/// The digests that record a home.
#[derive(Clone, Default, Debug)]
struct HomeDigests {
    proved: u64,
    unproved: u64,
    /// The ends of the digests.
    ends: BTreeSet<Timestamp>,
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
            let own = self.accounts.entry(account.clone()).or_default();
            for (home, digests) in homes {
                let own = own.entry(home.clone()).or_default();
                own.proved += digests.proved;
                own.unproved += digests.unproved;
                own.ends.extend(&digests.ends);
            }
        }
        for (name, (home, proved)) in &other.logs {
            self.note_log_at(*name, home, *proved);
        }
        for (home, folders) in &other.log_regions {
            self.log_regions.entry(home.clone()).or_default().extend(folders.iter().cloned());
        }
        self.chains.extend(other.chains.iter().cloned());
        self.sampled_logs.extend(&other.sampled_logs);
        self.read_accounts.extend(other.read_accounts.iter().cloned());
    }

    /// Notes what a sampled digest records.
    pub(super) fn note_sample(&mut self, sample: &DigestSample) {
        self.note(&sample.recorded, sample.proved);
        self.sampled_logs.extend(&sample.logs);
    }

    /// Notes that all digests of these accounts were read for the log files that they list.
    pub(super) fn note_read(&mut self, accounts: &BTreeSet<String>) {
        self.read_accounts.extend(accounts.iter().cloned());
    }

    /// Whether all digests of the account were read for the log files that they list.
    pub(super) fn has_read(&self, account: &str) -> bool {
        self.read_accounts.contains(account)
    }

    /// Whether a folder has digests of the chain called `chain`.
    pub(super) fn has_chain(&self, chain: &str) -> bool {
        self.chains.contains(chain)
    }

    /// Whether a digest lists the log file called `name`.
    pub(super) fn lists(&self, name: &str) -> bool {
        let whole = name_before_inflating(name);
        let name = hash_of(whole.as_deref().unwrap_or(name));
        self.sampled_logs.contains(&name) || self.logs.contains_key(&name)
    }

    /// Whether digests of the account end around the delivery of the file called `name`.
    pub(super) fn cover(&self, account: &str, name: &str) -> bool {
        let homes = self.accounts.get(account).into_iter().flat_map(BTreeMap::values);
        let around = time_around(Path::new(name));
        around.is_some_and(|time| {
            homes.into_iter().any(|digests| digests.ends.range(time.start..time.end).next().is_some())
        })
    }

    /// Notes the location that a digest records.
    pub(super) fn note(&mut self, location: &Location, proved: bool) {
        let Some(DigestKey { folder, end, .. }) = DigestKey::parse(location) else { return };
        self.chains.insert(chain_part(location.name()));
        let home = Home { bucket: folder.bucket, root: folder.root, organization: folder.organization };
        let digests = self.accounts.entry(folder.account.to_string()).or_default().entry(home).or_default();
        digests.ends.insert(end);
        *if proved { &mut digests.proved } else { &mut digests.unproved } += 1;
    }

    /// Notes where a digest, proved or not, lists a log file.
    pub(super) fn note_log(&mut self, location: &Location, proved: bool) {
        if let Some(home) = Home::of_log(location) {
            self.note_log_at(hash_of(location.name()), &home, proved);
            if let Some((account, logs)) = log_region_of(location).filter(|_| proved) {
                self.log_regions.entry((account, home)).or_default().insert(logs);
            }
        }
    }

    fn note_log_at(&mut self, name: u64, home: &Home, proved: bool) {
        let is_full = self.logs.len() >= MAX_LOGS;
        match self.logs.get_mut(&name) {
            Some(known) if proved && !known.1 => *known = (home.clone(), true),
            Some(_) => {}
            None if is_full => {}
            None => drop(self.logs.insert(name, (home.clone(), proved))),
        }
    }

    /// Whether no digest says where it was delivered.
    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The accounts with several homes.
    #[must_use]
    pub fn divided_accounts(&self) -> BTreeSet<String> {
        let divided = self.accounts.iter().filter(|(account, _)| self.of_account(account).len() > 1);
        divided.map(|(account, _)| account.clone()).collect()
    }

    /// The homes of an account, the home with most digests first. An unproved digest says nothing beside proved digests:
    /// whoever can write to the copy may add any number.
    pub(super) fn of_account(&self, account: &str) -> Vec<&Home> {
        let all = self.accounts.get(account);
        let has_proved = all.is_some_and(|all| all.values().any(|digests| digests.proved > 0));
        let mut homes: Vec<_> =
            all.into_iter().flatten().filter(|(_, digests)| digests.proved > 0 || !has_proved).collect();
        // The sort is stable, so equal homes stay in the order of their names.
        homes.sort_by_key(|(_, digests)| Reverse((digests.proved, digests.unproved)));
        homes.into_iter().map(|(home, _)| home).collect()
    }

    /// The home of the log file called `name`, if a digest lists it.
    pub(super) fn of_log(&self, name: &str) -> Option<&Home> {
        let whole = name_before_inflating(name);
        self.logs.get(&hash_of(whole.as_deref().unwrap_or(name))).map(|(home, _)| home)
    }

    /// The full path of the account's folder in which a digest lists the log file called `name`.
    pub(super) fn account_folder_of_log(&self, name: &str) -> Option<String> {
        let DeliveredName { account, region, .. } = DeliveredName::parse(name)?;
        let folder = self.of_log(name)?.region_folder(account, region);
        Some(format!("{}/{}", folder.bucket, folder.account_prefix().trim_end_matches('/')))
    }

    /// The home of a log file that no digest lists.
    fn of_unlisted(&self, account: &str, name: &str) -> Option<&Home> {
        let homes = self.of_account(account);
        if homes.len() < 2 {
            return homes.into_iter().next();
        }
        let parts = self.parts_of(account, &homes);
        let part = parts.part_of_unlisted(LogRegion::of_name(name).as_ref(), time_around(Path::new(name)))?;
        homes.get(usize::from(part)).copied()
    }

    /// The homes of an account as the parts of a shared folder.
    pub(super) fn parts_of(&self, account: &str, homes: &[&Home]) -> RegionParts {
        let mut parts = RegionParts::of((!homes.is_empty()).then_some(0));
        for (home, part) in homes.iter().zip(0..) {
            let digests = self.accounts.get(account).and_then(|all| all.get(*home));
            parts.parts.insert(part);
            parts.digests.insert(part, digests.map(|digests| digests.ends.clone()).unwrap_or_default());
            let searched = self.log_regions.get(&(account.to_owned(), (*home).clone()));
            parts.log_regions.insert(part, searched.cloned().unwrap_or_default());
        }
        parts
    }

    /// The location of a file by its name.
    pub(super) fn location_of(&self, name: &str) -> Option<Location> {
        let parsed = DeliveredName::parse(name)?;
        let home = self.of_log(name).or_else(|| self.of_unlisted(parsed.account, name))?;
        let whole = name_before_inflating(name);
        let name = whole.as_deref().unwrap_or(name);
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

    /// The folders of an account's region in this home.
    pub(super) fn region_folder(&self, account: &str, region: &str) -> RegionFolder {
        let Self { bucket, root, organization } = self.clone();
        RegionFolder { bucket, root, organization, account: account.into(), region: region.into() }
    }
}

/// The account and the log folder of a log file at `location`.
fn log_region_of(location: &Location) -> Option<(String, LogRegion)> {
    let (_, rest) = location.key.rsplit_once("AWSLogs/")?;
    let mut segments = rest.split('/').peekable();
    segments.next_if(|segment| is_organization(segment));
    let account = segments.next()?.to_owned();
    Some((account, LogRegion::below_account(segments)?))
}
