//! The settings of a delivery.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{SimulateError, Tamper, pack};
use crate::ident::{RegionFolder, is_account, is_organization, is_region, is_trail};
use crate::time::{HOUR, Interval, Timestamp};

/// Time from the start of the hour to the start of a pause, in seconds.
const BEFORE_PAUSE: i64 = 600;

/// The settings of a delivery and the tampers. Hours are counted from 0.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Seed of all randomness.
    pub seed: u64,
    /// Start of logging. The digest that starts a chain covers the hour before.
    pub start: Timestamp,
    /// Length of the record in hours: every chain has a digest per hour, and the digest that starts the chain.
    pub hours: u32,
    /// Bucket name.
    pub bucket: String,
    /// The trail's prefix: empty, or folders without a slash at either end.
    pub prefix: String,
    /// Organization id; `None` unless the trail is an organization trail.
    pub organization: Option<String>,
    /// Account ids.
    pub accounts: Vec<String>,
    /// Regions of the log files.
    pub regions: Vec<String>,
    /// Home region of the trails; the first of `regions` if `None`.
    pub home_region: Option<String>,
    /// Trail names. Several trails share the prefix; every trail delivers its own log files.
    pub trails: Vec<String>,
    /// Number of log files per hour and chain.
    pub logs_per_hour: u32,
    /// Number of events per log file.
    pub events_per_log: u32,
    /// Interval of hours without log files, in hours.
    pub quiet_every: Option<u32>,
    /// Interval of key rotations, in hours.
    pub rotate_keys_every: Option<u32>,
    /// First hour and number of hours in which logging is off. Afterwards a new chain starts.
    pub stop: Option<(u32, u32)>,
    /// Hour and length of a pause: logging stops ten minutes into the hour, for 1 to 59 minutes, but not 50. The hour's
    /// digest is the last of the chain. The next chain, whose hours begin when logging restarts, may begin before that
    /// digest ends.
    pub pause: Option<(u32, u32)>,
    /// An hour without digest and log files, which the next digest links across as if the hour were complete.
    pub skip_hour: Option<u32>,
    /// Hour and name of the new bucket for all later deliveries.
    pub move_at: Option<(u32, String)>,
    /// Interval of backfilled log files, in hours: a backfill digest lists a log file that the hourly digest leaves
    /// out.
    pub backfill_every: Option<u32>,
    /// Whether digests have their signature as metadata; `false` simulates a copy that lost the metadata.
    pub metadata: bool,
    /// Whether bodies are written inflated under their `.json.gz` names, like some clients save objects.
    pub inflated: bool,
    /// Whether all synthetic log files share the same body, which makes a large delivery cheap.
    pub shared_body: bool,
    /// Existing log files to deliver instead of synthetic log files; the first trail lists the files.
    pub logs: Vec<LogContent>,
    /// The tampers, in order.
    pub tampers: Vec<Tamper>,
}

/// An existing log file to deliver under its own name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogContent {
    /// Account id.
    pub account: String,
    /// Region.
    pub region: String,
    /// The minute in the name. The digest whose window contains the minute lists the file.
    pub minute: Timestamp,
    /// The name, the last segment of the key.
    pub name: String,
    /// Path of the file with the gzip body. The file is read at delivery.
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
    /// The window of an hour's digest.
    pub(super) fn window(&self, hour: u32) -> Interval {
        let start = self.start.plus(i64::from(hour) * HOUR);
        let start = match self.pause {
            Some((at, minutes)) if hour > at => start.plus(BEFORE_PAUSE + i64::from(minutes) * 60 - HOUR),
            Some(_) | None => start,
        };
        Interval { start, end: start.plus(HOUR) }
    }

    /// Start of a pause in `hour`.
    pub(super) fn stops_within(&self, hour: u32) -> Option<Timestamp> {
        self.pause.filter(|(at, _)| *at == hour).map(|_| self.window(hour).start.plus(BEFORE_PAUSE))
    }

    /// Whether a new chain starts with `hour`, after a pause in the previous hour.
    pub(super) fn is_resumed(&self, hour: u32) -> bool {
        self.pause.is_some_and(|(at, _)| at.checked_add(1) == Some(hour))
    }

    /// Whether logging is off in `hour`.
    pub(super) fn is_stopped(&self, hour: u32) -> bool {
        self.stop.is_some_and(|(after, hours)| hour >= after && hour - after < hours)
    }

    /// The start of the first window after a stop, if within the record.
    pub(super) fn restart(&self) -> Option<Timestamp> {
        let (after, hours) = self.stop?;
        let hour = after.saturating_add(hours);
        (hour < self.hours).then(|| self.window(hour).start)
    }

    /// Whether `hour` has no log files.
    pub(super) fn is_quiet(&self, hour: u32) -> bool {
        is_nth(hour, self.quiet_every)
    }

    /// Whether a log file of `hour` is left to a backfill digest.
    pub(super) fn is_backfilled(&self, hour: u32) -> bool {
        is_nth(hour, self.backfill_every)
    }

    /// The bucket for deliveries of `hour`.
    pub(super) fn bucket_at(&self, hour: u32) -> &str {
        match &self.move_at {
            Some((from, bucket)) if hour >= *from => bucket,
            Some(_) | None => &self.bucket,
        }
    }

    /// All buckets of the delivery.
    pub(super) fn buckets(&self) -> BTreeSet<&str> {
        let moved = self.move_at.as_ref().map(|(_, bucket)| bucket.as_str());
        moved.into_iter().chain([self.bucket.as_str()]).collect()
    }

    /// The part of a key before `AWSLogs/`.
    pub(super) fn root(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }

    /// `content` as a body in the delivery's form.
    pub(super) fn pack(&self, content: &[u8]) -> Result<Vec<u8>, SimulateError> {
        if self.inflated { Ok(content.to_vec()) } else { pack::gzip(content) }
    }

    /// Home region of the trails.
    pub(super) fn home(&self) -> &str {
        self.home_region.as_deref().or(self.regions.first().map(String::as_str)).unwrap_or_default()
    }

    /// The folders of a region of an account.
    pub(super) fn folder(&self, bucket: &str, account: &str, region: &str) -> RegionFolder {
        RegionFolder {
            bucket: bucket.into(),
            root: self.root().into(),
            organization: self.organization.as_deref().map(Into::into),
            account: account.into(),
            region: region.into(),
        }
    }

    /// Refuses settings that CloudTrail could not have delivered.
    ///
    /// # Errors
    /// [`SimulateError::Spec`] with the invalid setting.
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
        let has_empty_folder = self.prefix.split('/').any(str::is_empty);
        if !self.prefix.is_empty() && has_empty_folder {
            return Err(SimulateError::Spec(format!(
                "invalid prefix `{}`: a prefix neither begins nor ends with `/`, and has no `//`",
                self.prefix.escape_debug()
            )));
        }
        self.check_times()
    }

    fn check_times(&self) -> Result<(), SimulateError> {
        let every = [self.quiet_every, self.rotate_keys_every, self.backfill_every];
        if self.hours == 0 || every.contains(&Some(0)) {
            return Err(SimulateError::Spec("a number of hours is 0".to_owned()));
        }
        // A pause of 50 minutes would end with the hour, and two digests would have the same name.
        if self.pause.is_some_and(|(_, minutes)| !(1..60).contains(&minutes) || minutes == 50) {
            return Err(SimulateError::Spec("a pause takes 1 to 59 minutes, but not 50".to_owned()));
        }
        let written = |moment: Timestamp| Timestamp::parse_digest_field(&moment.to_string()) == Some(moment);
        let end = self.window(self.hours).end;
        if !written(self.start.plus(-crate::time::DAY)) || !written(end.plus(crate::time::DAY)) {
            return Err(SimulateError::Spec("the delivery exceeds the years 0 to 9999".to_owned()));
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
        return Err(SimulateError::Spec(format!("duplicate {what}")));
    }
    names.iter().try_for_each(|name| check_name(what, name, good))
}

fn check_name(what: &str, name: &str, good: impl Fn(&str) -> bool) -> Result<(), SimulateError> {
    if good(name) {
        return Ok(());
    }
    Err(SimulateError::Spec(format!("invalid {what} `{}`", name.escape_debug())))
}
