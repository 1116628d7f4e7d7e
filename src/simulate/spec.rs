//! What is to be delivered.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{SimulateError, Tamper, pack};
use crate::ident::{RegionFolder, is_account, is_organization, is_region, is_trail};
use crate::time::{HOUR, Interval, Timestamp};

/// How long into its hour a pause begins, in seconds.
const BEFORE_PAUSE: i64 = 600;

/// What is to be delivered and how it is tampered with afterwards. Hours are counted from 0.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Where all randomness comes from.
    pub seed: u64,
    /// When logging begins. The digest that starts a chain is of the hour before.
    pub start: Timestamp,
    /// Hours the record spans: a digest for each, in each chain, beside the one that starts it.
    pub hours: u32,
    /// Bucket name.
    pub bucket: String,
    /// The trail's prefix: empty, or folders without slashes at the ends.
    pub prefix: String,
    /// Organization id of an organization's trail.
    pub organization: Option<String>,
    /// Account ids.
    pub accounts: Vec<String>,
    /// Regions the log files are from.
    pub regions: Vec<String>,
    /// Region the trails were made in; the first of `regions` where it is not said.
    pub home_region: Option<String>,
    /// Trail names. Several trails share the prefix, and each delivers log files of its own.
    pub trails: Vec<String>,
    /// Log files an hour and chain.
    pub logs_per_hour: u32,
    /// Events in a log file.
    pub events_per_log: u32,
    /// Every so many hours, one without log files.
    pub quiet_every: Option<u32>,
    /// Every so many hours, a new key signs.
    pub rotate_keys_every: Option<u32>,
    /// After so many hours logging is off for so many hours. The chain after that starts anew.
    pub stop: Option<(u32, u32)>,
    /// In this hour logging stops after ten minutes, for so many minutes: fewer than 60, and not 50. The hour's digest is the chain's
    /// last one, and the chain after it, whose hours begin when logging does, may begin before it ends.
    pub pause: Option<(u32, u32)>,
    /// An hour without digest and log files, though the next digest links across it as if nothing were missing.
    pub skip_hour: Option<u32>,
    /// From this hour on, deliveries go to another bucket.
    pub move_at: Option<(u32, String)>,
    /// Every so many hours, one log file is left out of the digest and listed by a backfill digest.
    pub backfill_every: Option<u32>,
    /// Whether digests carry their signature as metadata; `false` is what a copy leaves of it.
    pub metadata: bool,
    /// Whether bodies are written inflated under their `.json.gz` names, as some clients save them.
    pub inflated: bool,
    /// Whether all made-up log files have one body, which makes a large delivery cheap.
    pub shared_body: bool,
    /// Existing log files to deliver instead of made-up ones; the first trail lists them.
    pub logs: Vec<LogContent>,
    /// What is done to the delivery, in this order.
    pub tampers: Vec<Tamper>,
}

/// An existing log file to deliver under its own name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogContent {
    /// Account id.
    pub account: String,
    /// Region.
    pub region: String,
    /// The minute in its name; the digest whose window holds it lists the file.
    pub minute: Timestamp,
    /// Its name, the last segment of the key.
    pub name: String,
    /// The file with its gzip body, read when it is delivered.
    pub path: PathBuf,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            seed: 0,
            start: Timestamp::from_unix(1_788_221_217), // 2026-09-01T00:06:57Z
            hours: 12,
            bucket: "trail-logs".to_owned(),
            prefix: String::new(),
            organization: None,
            accounts: vec!["111122223333".to_owned()],
            regions: vec!["us-east-1".to_owned()],
            home_region: None,
            trails: vec!["audit".to_owned()],
            logs_per_hour: 3,
            events_per_log: 4,
            quiet_every: None,
            rotate_keys_every: None,
            stop: None,
            pause: None,
            skip_hour: None,
            move_at: None,
            backfill_every: None,
            metadata: true,
            inflated: false,
            shared_body: false,
            logs: Vec::new(),
            tampers: Vec::new(),
        }
    }
}

impl Spec {
    /// The window of one hour's digest.
    pub(super) fn window(&self, hour: u32) -> Interval {
        let start = self.start.plus(i64::from(hour) * HOUR);
        let start = match self.pause {
            Some((at, minutes)) if hour > at => start.plus(BEFORE_PAUSE + i64::from(minutes) * 60 - HOUR),
            Some(_) | None => start,
        };
        Interval { start, end: start.plus(HOUR) }
    }

    /// When logging stops within `hour`.
    pub(super) fn stops_within(&self, hour: u32) -> Option<Timestamp> {
        self.pause.filter(|(at, _)| *at == hour).map(|_| self.window(hour).start.plus(BEFORE_PAUSE))
    }

    /// Whether a chain begins anew with `hour`, after a pause in the one before.
    pub(super) fn is_resumed(&self, hour: u32) -> bool {
        self.pause.is_some_and(|(at, _)| at.checked_add(1) == Some(hour))
    }

    /// Whether logging is off in `hour`.
    pub(super) fn is_stopped(&self, hour: u32) -> bool {
        self.stop.is_some_and(|(after, hours)| hour >= after && hour - after < hours)
    }

    /// The start of the first window after logging was off, where there is one.
    pub(super) fn restart(&self) -> Option<Timestamp> {
        let (after, hours) = self.stop?;
        let hour = after.saturating_add(hours);
        (hour < self.hours).then(|| self.window(hour).start)
    }

    /// Whether `hour` has no log files.
    pub(super) fn is_quiet(&self, hour: u32) -> bool {
        is_nth(hour, self.quiet_every)
    }

    /// Whether one of the log files of `hour` is left to a backfill digest.
    pub(super) fn is_backfilled(&self, hour: u32) -> bool {
        is_nth(hour, self.backfill_every)
    }

    /// The bucket of `hour`.
    pub(super) fn bucket_at(&self, hour: u32) -> &str {
        match &self.move_at {
            Some((from, bucket)) if hour >= *from => bucket,
            Some(_) | None => &self.bucket,
        }
    }

    /// Every bucket something is delivered to.
    pub(super) fn buckets(&self) -> BTreeSet<&str> {
        let moved = self.move_at.as_ref().map(|(_, bucket)| bucket.as_str());
        moved.into_iter().chain([self.bucket.as_str()]).collect()
    }

    /// What stands before `AWSLogs/` in a key.
    pub(super) fn root(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }

    /// `content` as this delivery stores bodies.
    pub(super) fn pack(&self, content: &[u8]) -> Result<Vec<u8>, SimulateError> {
        if self.inflated { Ok(content.to_vec()) } else { pack::gzip(content) }
    }

    /// Region the trails were made in.
    pub(super) fn home(&self) -> &str {
        self.home_region.as_deref().or(self.regions.first().map(String::as_str)).unwrap_or_default()
    }

    /// The folders of one region of one account.
    pub(super) fn folder(&self, bucket: &str, account: &str, region: &str) -> RegionFolder {
        RegionFolder {
            bucket: bucket.into(),
            root: self.root().into(),
            organization: self.organization.as_deref().map(Into::into),
            account: account.into(),
            region: region.into(),
        }
    }

    /// Refuses what CloudTrail could not have delivered.
    ///
    /// # Errors
    /// [`SimulateError::Spec`], which says what.
    pub fn check(&self) -> Result<(), SimulateError> {
        check_names("account", &self.accounts, is_account)?;
        check_names("region", &self.regions, is_region)?;
        check_names("trail", &self.trails, is_trail)?;
        check_name("home region", self.home(), is_region)?;
        if let Some(organization) = &self.organization {
            check_name("organization", organization, is_organization)?;
        }
        for bucket in self.buckets() {
            check_name("bucket", bucket, |name| !name.is_empty() && !name.contains('/'))?;
        }
        check_name("prefix", &self.prefix, |name| {
            name.is_empty() || name.split('/').all(|part| !part.is_empty())
        })?;
        self.check_times()
    }

    fn check_times(&self) -> Result<(), SimulateError> {
        let every = [self.quiet_every, self.rotate_keys_every, self.backfill_every];
        if self.hours == 0 || every.contains(&Some(0)) {
            return Err(SimulateError::Spec("a number of hours is 0".to_owned()));
        }
        // One of 50 minutes would end with its hour: two digests would then have one name.
        if self.pause.is_some_and(|(_, minutes)| !(1..60).contains(&minutes) || minutes == 50) {
            return Err(SimulateError::Spec("a pause takes 1 to 59 minutes, and not 50".to_owned()));
        }
        let written = |moment: Timestamp| Timestamp::parse_digest_field(&moment.to_string()) == Some(moment);
        let end = self.window(self.hours).end;
        if !written(self.start.plus(-crate::time::DAY)) || !written(end.plus(crate::time::DAY)) {
            return Err(SimulateError::Spec(
                "the delivery begins or ends beyond the years 0 to 9999".to_owned(),
            ));
        }
        Ok(())
    }
}

fn is_nth(hour: u32, every: Option<u32>) -> bool {
    every.is_some_and(|every| (u64::from(hour) + 1).checked_rem(u64::from(every)) == Some(0))
}

fn check_names(what: &str, names: &[String], good: fn(&str) -> bool) -> Result<(), SimulateError> {
    if names.is_empty() {
        return Err(SimulateError::Spec(format!("no {what}")));
    }
    let distinct: BTreeSet<_> = names.iter().collect();
    if distinct.len() < names.len() {
        return Err(SimulateError::Spec(format!("the same {what} twice")));
    }
    names.iter().try_for_each(|name| check_name(what, name, good))
}

fn check_name(what: &str, name: &str, good: impl Fn(&str) -> bool) -> Result<(), SimulateError> {
    if good(name) {
        return Ok(());
    }
    Err(SimulateError::Spec(format!("`{}` is no {what}", name.escape_debug())))
}
