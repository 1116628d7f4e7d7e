//! Divides a folder among the parts of S3 that its digests name: each digest is read, and the log files that it lists.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::homes::Homes;
use super::sample::{Base, WITNESSES, base_of, chain_part, recorded};
use super::votes::{BaseVotes, best_base};
use super::{Judge, Recorded};
use crate::ident::{DeliveredName, Location, name_before_inflating};
use crate::store::directory::names::key_segment;
use crate::store::directory::shared::{LogRegion, PartNumber, hash_of};
use crate::store::files::CopyFiles;
use crate::time::Timestamp;

/// Most digests and log files of a folder that are told apart.
const MAX_FILES: usize = 4_000_000;

/// The parts of S3 in a folder, and the files of each part.
#[derive(Default)]
pub(super) struct DividedFolder {
    /// The parts, by number: full paths of folders in S3 that hold what the folder of the copy holds.
    pub(super) bases: Vec<Base>,
    /// The part of each file, and whether a proved digest says so.
    files: HashMap<u64, (PartNumber, bool)>,
    /// The ends of the digests of each part that were read last.
    pub(super) digests: BTreeMap<PartNumber, BTreeSet<Timestamp>>,
    /// The log folders in which the proved digests that were read last list log files, by the part of the log files.
    pub(super) log_regions: BTreeMap<PartNumber, BTreeSet<LogRegion>>,
    /// Whether more files than are told apart were found.
    pub(super) is_over: bool,
}

impl DividedFolder {
    /// A folder with these parts.
    pub(super) fn of(bases: impl IntoIterator<Item = Base>) -> Self {
        Self { bases: bases.into_iter().collect(), ..Self::default() }
    }

    /// The number of a part, which is added if it is new.
    pub(super) fn part(&mut self, base: &Base) -> Option<PartNumber> {
        let known = self.bases.iter().position(|known| known == base);
        let number = PartNumber::try_from(known.unwrap_or(self.bases.len())).ok()?;
        if known.is_none() {
            self.bases.push(base.clone());
        }
        Some(number)
    }

    /// The likeliest part.
    pub(super) fn likeliest(
        &self,
        votes: &BTreeMap<PartNumber, BaseVotes>,
        is_named: &dyn Fn(&Base) -> bool,
    ) -> Option<PartNumber> {
        let by_base = |(part, votes): (&PartNumber, &BaseVotes)| {
            Some((self.bases.get(usize::from(*part))?.clone(), *votes))
        };
        let best = best_base(&votes.iter().filter_map(by_base).collect(), is_named)?;
        let number = self.bases.iter().position(|base| *base == best)?;
        PartNumber::try_from(number).ok()
    }

    /// The part of each file.
    pub(super) fn owners(self) -> HashMap<u64, PartNumber> {
        self.files.into_iter().map(|(name, (part, _))| (name, part)).collect()
    }

    /// Reads `digests`, which lie below the folder `above` as in S3, and returns the votes for each part.
    pub(super) fn read(
        &mut self,
        files: &Arc<dyn CopyFiles>,
        digests: &[PathBuf],
        above: &Path,
        judge: &Judge<'_>,
        homes: &mut Homes,
    ) -> BTreeMap<PartNumber, BaseVotes> {
        let mut votes: BTreeMap<PartNumber, BaseVotes> = BTreeMap::new();
        self.digests.clear();
        self.log_regions.clear();
        for chain in chains(digests) {
            let mut parts: Vec<Option<PartNumber>> = Vec::new();
            for (at, (name, path)) in chain.iter().enumerate() {
                let found = recorded(files, judge, path, &newer_than(&chain, at));
                let part = found.as_ref().and_then(|found| self.part_of(path, above, found));
                parts.push(part);
                let (Some(part), Some(Recorded { location, proved, logs })) = (part, found) else { continue };
                homes.note(&location, proved);
                votes.entry(part).or_default().add(proved);
                let end = DeliveredName::parse(name).map(|name| name.time);
                self.digests.entry(part).or_default().extend(end);
                self.note(name, part, proved);
                for log in &logs {
                    homes.note_log(log, proved);
                    self.note_log(log, proved);
                }
            }
            self.note_unknown(&chain, &parts);
        }
        votes
    }

    /// The part that a digest names. An unproved digest names no further part.
    fn part_of(&mut self, path: &Path, above: &Path, recorded: &Recorded) -> Option<PartNumber> {
        let tail: Vec<String> = path.strip_prefix(above).ok()?.iter().map(key_segment).collect();
        let base = base_of(&tail, recorded)?;
        (recorded.proved || self.bases.contains(&base)).then(|| self.part(&base))?
    }

    fn note(&mut self, name: &str, part: PartNumber, proved: bool) {
        let name = hash_of(name);
        let is_full = self.files.len() >= MAX_FILES;
        match self.files.get_mut(&name) {
            Some(known) if proved && !known.1 => *known = (part, true),
            Some(_) => {}
            None if is_full => self.is_over = true,
            None => drop(self.files.insert(name, (part, proved))),
        }
    }

    fn note_log(&mut self, log: &Location, proved: bool) {
        let full = format!("{}/{}", log.bucket, log.key);
        let below = |base: &Base| full.strip_prefix(&base.join("/"))?.strip_prefix('/');
        let found = self.bases.iter().zip(0..).find_map(|(base, part)| Some((part, below(base)?)));
        if let Some((part, below)) = found {
            self.note(log.name(), part, proved);
            let logs = LogRegion::below_account(below.split('/')).filter(|_| proved);
            self.log_regions.entry(part).or_default().extend(logs);
        }
    }

    /// Gives each digest that names none of the parts to the part of the digest before it, or after it: it lies in the
    /// place of a digest of this chain.
    fn note_unknown(&mut self, chain: &[(String, &PathBuf)], parts: &[Option<PartNumber>]) {
        for (at, (name, _)) in chain.iter().enumerate() {
            let own = parts.get(at).copied().flatten();
            let older = parts.iter().skip(at).flatten().next();
            let newer = parts.iter().take(at).rev().flatten().next();
            if let (None, Some(part)) = (own, older.or(newer)) {
                self.note(name, *part, false);
            }
        }
    }
}

/// The digests of a chain that may record the signature of the digest number `at`.
pub(super) fn newer_than(chain: &[(String, &PathBuf)], at: usize) -> Vec<PathBuf> {
    chain.iter().take(at).rev().take(WITNESSES).map(|(_, path)| (*path).clone()).collect()
}

/// The digests of each chain, the newest first, with the names of the objects.
pub(super) fn chains(digests: &[PathBuf]) -> Vec<Vec<(String, &PathBuf)>> {
    let mut chains: BTreeMap<String, Vec<(String, &PathBuf)>> = BTreeMap::new();
    for path in digests {
        let name = path.file_name().map(key_segment).unwrap_or_default();
        let name = name_before_inflating(&name).unwrap_or(name);
        chains.entry(chain_part(&name)).or_default().push((name, path));
    }
    let mut chains: Vec<_> = chains.into_values().collect();
    chains.iter_mut().for_each(|chain| chain.sort_unstable_by(|one, other| other.cmp(one)));
    chains
}
