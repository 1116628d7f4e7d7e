//! Samples of digests: which digests of a copy are read to locate its folders, and what their paths say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Judge, Recorded, open_file};
use crate::ident::{DeliveredName, Location, is_organization};
use crate::store::directory::names::is_plain;
use crate::store::directory::shared::hash_of;
use crate::store::files::CopyFiles;

/// The full path `[BUCKET, KEY…]` of a folder in S3.
pub(super) type Base = Vec<String>;

/// Name of the folder that holds the accounts.
pub(super) const AWS_LOGS: &str = "AWSLogs";

/// Name of an account's folder of digests.
pub(in crate::store::directory) const DIGESTS: &str = "CloudTrail-Digest";

/// Proved digests sampled of each chain in each region of an account.
const PROVED: usize = 8;

/// Proved digests sampled of each chain where nothing but a digest's name is known. The number exceeds a day's digests:
/// a folder with more than a day is placed file by file.
const PROVED_BY_NAME: usize = 64;

/// Unproved digests sampled of each chain: whoever can write to the copy may add any number.
const UNPROVED: usize = 256;

/// Digests beside a digest that may record its signature: a backfill digest, or one that cannot be read, may lie between.
pub(super) const WITNESSES: usize = 2;

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
    chains: BTreeMap<SampledChain, ChainSamples>,
    /// Every digest outside of an `AWSLogs` folder.
    pub(super) digests: Vec<PathBuf>,
    /// The accounts of an `AWSLogs` folder: the path segments below it.
    pub(super) accounts: BTreeSet<Vec<String>>,
    /// The accounts with a folder of log files in its place.
    pub(super) log_accounts: BTreeSet<Vec<String>>,
}

/// The folders of S3 that hold a chain, as far as the copy has them, and the part of the name that its digests share.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SampledChain {
    region: Vec<String>,
    chain: String,
}

#[derive(Default)]
struct ChainSamples {
    proved: usize,
    unproved: usize,
    /// The last sample.
    last: PathBuf,
    /// The folder of the last sample.
    folder: PathBuf,
    /// The last digests that were seen, the last one first, with the segments in the known folders of S3.
    last_seen: Vec<(PathBuf, Vec<String>)>,
}

/// A sampled digest.
#[derive(Clone)]
pub(super) struct DigestSample {
    /// The segments of the path in the known folders of S3.
    pub(super) tail: Vec<String>,
    pub(super) path: PathBuf,
    /// Full path of the folder above the known folders of S3, as the digest records it; of the account's folder, if the
    /// digest lies in an `AWSLogs` folder.
    pub(super) base: Base,
    pub(super) proved: bool,
    /// The recorded location.
    pub(super) recorded: Location,
    /// Hashes of the names of the log files that the digest lists.
    pub(super) logs: Vec<u64>,
}

impl DigestSample {
    /// The segments below `AWSLogs/` up to the account: `[o-id/]ACCOUNT`.
    pub(super) fn account(&self) -> Vec<String> {
        account_in(&self.tail)
    }

    /// The region of a digest in its place below `AWSLogs/`.
    pub(super) fn region(&self) -> &str {
        self.tail.iter().rev().nth(4).map(String::as_str).unwrap_or_default()
    }
}

impl DigestGroup {
    /// Takes the digest at `path` as a sample if its chain needs more. Digests come in descending order of their names. A
    /// trail may have moved to another bucket, so each folder of a day has a sample. A trail that was away between two
    /// samples is not seen here: see [`other_places`](crate::store::directory::other_places).
    pub(super) fn see(
        &mut self,
        files: &Arc<dyn CopyFiles>,
        judge: &Judge<'_>,
        depth: KnownDepth,
        path: PathBuf,
        tail: &[String],
    ) {
        let Some((name, folders)) = tail.split_last() else { return };
        let region = folders.get(..folders.len().saturating_sub(3)).unwrap_or_default().to_vec();
        let chain = self.chains.entry(SampledChain { region, chain: chain_part(name) }).or_default();
        if !chain.is_full(depth) || path.parent() != Some(&*chain.folder) {
            self.samples.extend(chain.sample(files, judge, &path, tail));
        }
        chain.last_seen.insert(0, (path, tail.to_vec()));
        chain.last_seen.truncate(WITNESSES);
    }

    /// Takes the oldest digest of each chain as a sample.
    pub(super) fn sample_oldest(&mut self, files: &Arc<dyn CopyFiles>, judge: &Judge<'_>) {
        for chain in self.chains.values_mut() {
            if let Some((path, tail)) =
                chain.last_seen.first().cloned().filter(|(path, _)| *path != chain.last)
            {
                chain.last_seen.remove(0);
                self.samples.extend(chain.sample(files, judge, &path, &tail));
            }
        }
    }

    /// Whether the group has digests of the chain of the digest called `name`.
    pub(super) fn has_chain_of(&self, name: &str) -> bool {
        let chain = chain_part(name);
        self.chains.keys().any(|known| known.chain == chain)
    }

    /// The accounts of an `AWSLogs` folder that digests in other folders place: the accounts with log files, and all if
    /// no digest lies in its place.
    pub(super) fn accounts_to_place(&self) -> BTreeSet<Vec<String>> {
        let others = self.accounts.iter().filter(|_| self.chains.is_empty());
        self.log_accounts.iter().chain(others).cloned().collect()
    }

    /// The chains of the digests in an `AWSLogs` folder, by account.
    pub(super) fn chains_by_account(&self) -> BTreeMap<Vec<String>, BTreeSet<String>> {
        let mut chains: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
        for SampledChain { region, chain } in self.chains.keys() {
            chains.entry(account_in(region)).or_default().insert(chain.clone());
        }
        chains
    }

    /// Whether the region's folder, with the segments `below` an `AWSLogs` folder, has enough samples.
    pub(super) fn is_enough(&self, region: &[String]) -> bool {
        let mut chains = self.chains.iter().filter(|(id, _)| id.region == region).peekable();
        chains.peek().is_some() && chains.all(|(_, chain)| chain.is_full(KnownDepth::Whole))
    }
}

impl ChainSamples {
    /// Reads a digest. Digests without a usable location are no samples: they would use up the limit, and the rest of the
    /// copy would be mounted in the wrong place.
    fn sample(
        &mut self,
        files: &Arc<dyn CopyFiles>,
        judge: &Judge<'_>,
        path: &Path,
        tail: &[String],
    ) -> Option<DigestSample> {
        let newer: Vec<PathBuf> = self.last_seen.iter().map(|(path, _)| path.clone()).collect();
        let recorded = recorded(files, judge, path, &newer)?;
        let base = match tail.first().is_some_and(|first| first == AWS_LOGS) {
            true => account_base_of(tail, &recorded)?,
            false => base_of(tail, &recorded)?,
        };
        let Recorded { location, proved, logs } = recorded;
        let logs = logs.iter().map(|log| hash_of(log.name())).collect();
        *if proved { &mut self.proved } else { &mut self.unproved } += 1;
        self.last = path.to_owned();
        self.folder = path.parent().unwrap_or(path).to_owned();
        Some(DigestSample {
            tail: tail.to_vec(),
            path: path.to_owned(),
            base,
            proved,
            recorded: location,
            logs,
        })
    }

    const fn is_full(&self, depth: KnownDepth) -> bool {
        let proved = if matches!(depth, KnownDepth::Name) { PROVED_BY_NAME } else { PROVED };
        self.proved >= proved || self.unproved >= UNPROVED
    }
}

/// What the digest at `path` records, and whether it is proved: by its own signature, or by a newer digest.
pub(super) fn recorded(
    files: &Arc<dyn CopyFiles>,
    judge: &Judge<'_>,
    path: &Path,
    newer: &[PathBuf],
) -> Option<Recorded> {
    let alone = judge(vec![open_file(files, path)?]).into_iter().next()??;
    if alone.proved || newer.is_empty() {
        return Some(alone);
    }
    let together = std::iter::once(path).chain(newer.iter().map(PathBuf::as_path));
    let together = together.filter_map(|path| open_file(files, path)).collect();
    let with_witnesses = judge(together).into_iter().next().flatten();
    Some(Recorded { proved: with_witnesses.is_some_and(|recorded| recorded.proved), ..alone })
}

/// The part of a digest's name that all digests of its chain share.
pub(super) fn chain_part(name: &str) -> String {
    let stem = name.split_once(".json").map_or(name, |(stem, _)| stem);
    let (stem, backfill) = stem.strip_suffix("_backfill").map_or((stem, ""), |stem| (stem, "_backfill"));
    let chain = stem.rsplit_once('_').map_or(stem, |(chain, _)| chain);
    format!("{chain}{backfill}")
}

/// Number of trailing segments in the known structure
/// `AWSLogs/[o-id/]ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/NAME`. The count ends at the first folder that is not the
/// folder of the digest's name: a copy of a part lacks the upper folders, or has them under other names.
pub(super) fn known_tail(segments: &[String], name: &DeliveredName<'_>) -> usize {
    let folders = segments.split_last().map(|(_, folders)| folders).unwrap_or_default();
    let day = name.time.day_folder();
    let mut expected: Vec<&str> = vec![name.account, name.folder(), name.region];
    expected.extend(day.split('/'));
    let mut known = 1;
    let mut above = folders.iter().rev().peekable();
    for part in expected.iter().rev() {
        if above.next_if(|segment| segment == part).is_none() {
            return known;
        }
        known += 1;
    }
    // The name does not say the organization: a copy without `AWSLogs` above may have another folder in its place.
    let organization = usize::from(above.next_if(|segment| is_organization(segment)).is_some());
    let is_whole = above.next().is_some_and(|segment| segment == AWS_LOGS);
    if is_whole { known + organization + 1 } else { known }
}

/// The segments below `AWSLogs/` up to the account, of a path that begins with `AWSLogs`.
fn account_in(tail: &[String]) -> Vec<String> {
    tail.iter().skip(1).take_while(|segment| *segment != DIGESTS).cloned().collect()
}

/// Full path of an account's folder, from the recorded location of a digest in one. `tail` begins with `AWSLogs`. The
/// copy may lack the organization's folder, or have one that S3 has not.
fn account_base_of(tail: &[String], recorded: &Recorded) -> Option<Base> {
    let (above, below) = tail.split_at_checked(tail.iter().position(|segment| segment == DIGESTS)?)?;
    let base = base_of(below, recorded)?;
    let mut folders = base.iter().rev().peekable();
    let is_account = folders.next() == above.last();
    let _ = folders.next_if(|segment| is_organization(segment));
    (is_account && folders.next().is_some_and(|segment| segment == AWS_LOGS)).then_some(base)
}

/// The part of an account's full path above the last `AWSLogs`.
pub(super) fn root_of(account: &Base) -> Base {
    let root = account.iter().rposition(|segment| segment == AWS_LOGS).unwrap_or_default();
    account.get(..root).unwrap_or_default().to_vec()
}

/// Full path of the folder above the known segments `tail` of a digest, from the recorded location.
pub(super) fn base_of(tail: &[String], recorded: &Recorded) -> Option<Base> {
    let full = recorded.location.to_string();
    let full = full.strip_prefix("s3://").filter(|full| is_plain(full))?;
    let mut base: Base = full.split('/').map(str::to_owned).collect();
    let (name, folders) = tail.split_last()?;
    let recorded_name = base.pop()?;
    (recorded_name == *name || recorded_name.strip_suffix(".gz") == Some(name)).then_some(())?;
    base.ends_with(folders).then(|| base.truncate(base.len() - folders.len()))?;
    (!base.is_empty()).then_some(base)
}
