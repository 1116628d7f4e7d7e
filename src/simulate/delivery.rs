//! Delivery: hour by hour in each chain, log files first, then the digest that lists the log files.

use std::collections::HashMap;

use rayon::prelude::*;

use super::document::{DigestDocument, LogEntry, SignedDigest, signature_metadata};
use super::events::{self, EventContent};
use super::keys::SigningKeys;
use super::real;
use super::{LogContent, SimulateError, Spec, stream};
use crate::ident::{DigestKey, Location, LogFolderKey, RegionFolder, Sha256Hash};
use crate::store::{Deposit, Metadata};
use crate::time::{HOUR, Interval, Timestamp};

/// Log files are named after multiples of this time, in seconds.
const MINUTES: i64 = 300;

/// Time from the hour's end to the hour's backfill digest, in hours.
const BACKFILL_DELAY: u32 = 3;

/// The delivered objects, by name.
#[derive(Debug)]
pub(super) struct DeliveredObjects {
    /// Digests, including backfill digests. Empty without tampers.
    pub(super) digests: Vec<DeliveredDigest>,
    /// Log files. Empty without tampers.
    pub(super) logs: Vec<DeliveredLog>,
    pub(super) digest_count: u64,
    pub(super) log_count: u64,
    pub(super) end: Timestamp,
}

/// A delivered digest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct DeliveredDigest {
    pub(super) end: Timestamp,
    pub(super) location: Location,
    pub(super) key: DigestKey,
    /// Whether the digest lists log files.
    pub(super) lists: bool,
    /// Whether the digest starts the chain: an empty digest of the hour before logging began.
    pub(super) starts: bool,
}

/// A delivered log file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct DeliveredLog {
    pub(super) minute: Timestamp,
    pub(super) location: Location,
}

/// Settings, keys and store of a delivery.
pub(super) struct DeliverySite<'a> {
    spec: &'a Spec,
    keys: &'a SigningKeys,
    store: &'a dyn Deposit,
    shared: Option<LogBody>,
    existing: HashMap<(&'a str, &'a str), Vec<&'a LogContent>>,
}

/// A chain to deliver.
#[derive(Clone, Copy)]
struct ChainNames<'a> {
    account: &'a str,
    region: &'a str,
    trail: &'a str,
}

/// A stored log file, and the data of the digest's entry.
struct LogBody {
    stored: Vec<u8>,
    hash: Sha256Hash,
    oldest: Timestamp,
    newest: Timestamp,
}

impl<'a> DeliverySite<'a> {
    /// Prepares a delivery to `store`.
    pub(super) fn new(
        spec: &'a Spec,
        keys: &'a SigningKeys,
        store: &'a dyn Deposit,
    ) -> Result<Self, SimulateError> {
        let mut existing: HashMap<_, Vec<_>> = HashMap::new();
        for log in &spec.logs {
            existing.entry((log.account.as_str(), log.region.as_str())).or_default().push(log);
        }
        existing.values_mut().for_each(|logs| logs.sort_by_key(|log| log.minute));
        let mut site = Self { spec, keys, store, shared: None, existing };
        if let ([account, ..], [region, ..], true) = (&*spec.accounts, &*spec.regions, spec.shared_body) {
            let random = &mut stream(spec.seed, "shared log");
            let content = events::content(random, (account, region), spec.start, spec.events_per_log)?;
            site.shared = Some(site.body(&content)?);
        }
        Ok(site)
    }

    /// Delivers all chains.
    pub(super) fn deliver(&self) -> Result<DeliveredObjects, SimulateError> {
        let made: Vec<DeliveredObjects> =
            self.chains().into_par_iter().map(|chain| self.deliver_chain(chain)).collect::<Result<_, _>>()?;
        let mut all = DeliveredObjects::none(self.spec.start);
        made.into_iter().for_each(|one| all.add(one));
        all.digests.sort_unstable();
        all.logs.sort_unstable();
        Ok(all)
    }

    fn chains(&self) -> Vec<ChainNames<'a>> {
        let spec = self.spec;
        let mut chains = Vec::new();
        for account in &spec.accounts {
            for region in &spec.regions {
                chains.extend(spec.trails.iter().map(|trail| ChainNames { account, region, trail }));
            }
        }
        chains
    }

    fn deliver_chain(&self, chain: ChainNames<'a>) -> Result<DeliveredObjects, SimulateError> {
        let mut delivered = DeliveredObjects::none(self.spec.start);
        let mut previous = None;
        for hour in 0..self.spec.hours {
            if self.spec.is_stopped(hour) || self.spec.is_resumed(hour) {
                previous = None;
            }
            if !self.spec.is_stopped(hour) && self.spec.skip_hour != Some(hour) {
                let before = match previous.take() {
                    Some(before) => before,
                    None => self.deliver_start(chain, hour, &mut delivered)?,
                };
                previous = Some(self.deliver_hour(chain, hour, &before, &mut delivered)?);
            }
        }
        Ok(delivered)
    }

    /// Delivers the digest that starts a chain: an empty digest of the hour before `hour`.
    fn deliver_start(
        &self,
        chain: ChainNames<'a>,
        hour: u32,
        delivered: &mut DeliveredObjects,
    ) -> Result<SignedDigest, SimulateError> {
        let window = self.spec.window(hour);
        let window = Interval { start: window.start.plus(-HOUR), end: window.start };
        let key = DigestKey { end: window.end, ..self.digest_key(chain, hour, false) };
        let signer = self.keys.at_hour(hour);
        let document = DigestDocument::starting(&key, window, Vec::new()).naming_key(signer);
        let signed = document.sign(signer)?;
        self.put_digest(&signed, &Metadata::new())?;
        delivered.digest(key, &document, self.remembers());
        Ok(signed)
    }

    fn deliver_hour(
        &self,
        chain: ChainNames<'a>,
        hour: u32,
        previous: &SignedDigest,
        delivered: &mut DeliveredObjects,
    ) -> Result<SignedDigest, SimulateError> {
        let mut logs = if self.spec.is_quiet(hour) { Vec::new() } else { self.deliver_logs(chain, hour)? };
        delivered.log_count += logs.len() as u64;
        if self.remembers() {
            delivered.logs.extend(logs.iter().map(|(minute, log)| DeliveredLog::new(*minute, log)));
        }
        if self.spec.is_backfilled(hour)
            && let Some((_, late)) = logs.pop()
        {
            self.deliver_backfill(chain, hour, late, delivered)?;
        }
        let key = self.digest_key(chain, hour, false);
        let logs: Vec<LogEntry> = logs.into_iter().map(|(_, log)| log).collect();
        let signer = self.keys.at_hour(hour);
        let document = DigestDocument::starting(&key, self.spec.window(hour), logs).naming_key(signer);
        let document = document.following(previous);
        let signed = document.sign(signer)?;
        self.put_digest(&signed, &Metadata::new())?;
        delivered.digest(key, &document, self.remembers());
        Ok(signed)
    }

    /// Delivers a backfill digest, made hours later and signed with the key of that time.
    fn deliver_backfill(
        &self,
        chain: ChainNames<'a>,
        hour: u32,
        late: LogEntry,
        delivered: &mut DeliveredObjects,
    ) -> Result<(), SimulateError> {
        let key = self.digest_key(chain, hour, true);
        let window = self.spec.window(hour);
        let made = window.end.plus(i64::from(BACKFILL_DELAY) * HOUR);
        let signer = self.keys.at_hour(hour.saturating_add(BACKFILL_DELAY));
        let document = DigestDocument::starting(&key, window, vec![late]).naming_key(signer);
        let stamp = Metadata::from([("backfill-generation-timestamp".to_owned(), made.to_string())]);
        self.put_digest(&document.sign(signer)?, &stamp)?;
        delivered.digest(key, &document, self.remembers());
        Ok(())
    }

    fn put_digest(&self, signed: &SignedDigest, more: &Metadata) -> Result<(), SimulateError> {
        let mut metadata = Metadata::new();
        if self.spec.metadata {
            metadata = signature_metadata(&signed.signature);
            metadata.extend(more.clone());
        }
        self.put(&signed.location, &self.spec.pack(&signed.content)?, &metadata)
    }

    fn digest_key(&self, chain: ChainNames<'a>, hour: u32, backfill: bool) -> DigestKey {
        DigestKey {
            folder: self.folder(chain, hour),
            trail: chain.trail.into(),
            home_region: self.spec.home().into(),
            end: self.spec.window(hour).end,
            backfill,
        }
    }

    fn folder(&self, chain: ChainNames<'a>, hour: u32) -> RegionFolder {
        self.spec.folder(self.spec.bucket_at(hour), chain.account, chain.region)
    }

    /// Delivers the log files of an hour. Returns minutes and digest entries.
    fn deliver_logs(
        &self,
        chain: ChainNames<'a>,
        hour: u32,
    ) -> Result<Vec<(Timestamp, LogEntry)>, SimulateError> {
        let folder = self.folder(chain, hour);
        if self.spec.logs.is_empty() {
            let stop = self.spec.stops_within(hour);
            let numbers = (0..self.spec.logs_per_hour).into_par_iter();
            let numbers = numbers.filter(|number| stop.is_none_or(|stop| self.minute(hour, *number) < stop));
            return numbers.map(|number| self.deliver_made_up(chain, &folder, hour, number)).collect();
        }
        let found = self.existing_logs(chain, hour);
        found.par_iter().map(|log| self.deliver_existing(&folder, log)).collect()
    }

    fn deliver_made_up(
        &self,
        chain: ChainNames<'a>,
        folder: &RegionFolder,
        hour: u32,
        number: u32,
    ) -> Result<(Timestamp, LogEntry), SimulateError> {
        let ChainNames { account, region, trail } = chain;
        let random = &mut stream(self.spec.seed, &format!("log {account} {region} {trail} {hour} {number}"));
        let minute = self.minute(hour, number);
        let location = log_location(folder, minute, &events::unique(random));
        if let Some(body) = &self.shared {
            return Ok((minute, self.put_log(&location, body)?));
        }
        let content = events::content(random, (account, region), minute, self.spec.events_per_log)?;
        Ok((minute, self.put_log(&location, &self.body(&content)?)?))
    }

    /// The minute of a log file. The log files of an hour are spread evenly over the multiples of five minutes in the
    /// window.
    fn minute(&self, hour: u32, number: u32) -> Timestamp {
        let window = self.spec.window(hour);
        let first = window.start.plus((-window.start.unix()).rem_euclid(MINUTES));
        let minutes = (window.end.unix() - first.unix() + MINUTES - 1) / MINUTES;
        let step = i64::from(number) * minutes / i64::from(self.spec.logs_per_hour.max(1));
        first.plus(step * MINUTES)
    }

    fn deliver_existing(
        &self,
        folder: &RegionFolder,
        log: &LogContent,
    ) -> Result<(Timestamp, LogEntry), SimulateError> {
        let key = format!("{}{}/{}", folder.log_prefix(), log.minute.day_folder(), log.name);
        let location = Location::new(folder.bucket.clone(), key);
        let (stored, content) = real::read(log)?;
        let hash = Sha256Hash::of(&content.json);
        let stored = if self.spec.inflated { content.json } else { stored };
        let body = LogBody { stored, hash, oldest: content.oldest, newest: content.newest };
        Ok((log.minute, self.put_log(&location, &body)?))
    }

    /// The existing log files whose minute is in the window of `hour`. The first trail delivers the files.
    fn existing_logs(&self, chain: ChainNames<'a>, hour: u32) -> &[&'a LogContent] {
        let is_first = self.spec.trails.first().is_some_and(|first| first == chain.trail);
        let Some(logs) = self.existing.get(&(chain.account, chain.region)).filter(|_| is_first) else {
            return &[];
        };
        let window = self.spec.window(hour);
        let before = |moment: Timestamp| logs.partition_point(|log| log.minute < moment);
        logs.get(before(window.start)..before(window.end)).unwrap_or_default()
    }

    fn body(&self, content: &EventContent) -> Result<LogBody, SimulateError> {
        let stored = self.spec.pack(&content.json)?;
        let hash = Sha256Hash::of(&content.json);
        Ok(LogBody { stored, hash, oldest: content.oldest, newest: content.newest })
    }

    fn put_log(&self, location: &Location, body: &LogBody) -> Result<LogEntry, SimulateError> {
        self.put(location, &body.stored, &Metadata::new())?;
        Ok(LogEntry::new(location, body.hash, body.oldest, body.newest))
    }

    fn put(&self, location: &Location, body: &[u8], metadata: &Metadata) -> Result<(), SimulateError> {
        self.store.put(location, body, metadata).map_err(SimulateError::unwritten(location))
    }

    /// Whether to keep names of delivered objects: only tampering needs names.
    fn remembers(&self) -> bool {
        !self.spec.tampers.is_empty()
    }
}

fn log_location(folder: &RegionFolder, minute: Timestamp, unique: &str) -> Location {
    Location::new(folder.bucket.clone(), LogFolderKey::make(folder, minute, unique))
}

impl DeliveredLog {
    fn new(minute: Timestamp, log: &LogEntry) -> Self {
        Self { minute, location: log.location() }
    }
}

impl DeliveredObjects {
    const fn none(end: Timestamp) -> Self {
        Self { digests: Vec::new(), logs: Vec::new(), digest_count: 0, log_count: 0, end }
    }

    fn digest(&mut self, key: DigestKey, document: &DigestDocument, remember: bool) {
        self.digest_count += 1;
        self.end = self.end.max(key.end);
        if remember {
            let lists = !document.log_files.is_empty();
            let starts = !key.backfill && document.previous_digest_s3_object.is_none();
            let (end, location) = (key.end, document.location());
            self.digests.push(DeliveredDigest { end, location, key, lists, starts });
        }
    }

    fn add(&mut self, other: Self) {
        self.digests.extend(other.digests);
        self.logs.extend(other.logs);
        self.digest_count += other.digest_count;
        self.log_count += other.log_count;
        self.end = self.end.max(other.end);
    }
}
