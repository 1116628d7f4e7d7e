//! Parser for the keys of digest files.
//!
//! Source: AWS CloudTrail User Guide, "CloudTrail digest file structure", and the observed deliveries.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ChainId, Location, LogFolder, is_account, is_organization, is_region, is_trail};
use crate::time::Timestamp;

const SUFFIX: &str = ".json.gz";
const BACKFILL: &str = "_backfill";

/// Folders of an account's region below a prefix of a bucket: the digest folder, and the log folders beside it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RegionFolder {
    /// Bucket name.
    pub bucket: Arc<str>,
    /// Part of the key before `AWSLogs/`: empty, or the trail's prefix with a slash.
    pub root: Arc<str>,
    /// Organization ID, for an organization trail.
    pub organization: Option<Arc<str>>,
    /// Account ID, 12 digits.
    pub account: Arc<str>,
    /// Region of the log files.
    pub region: Arc<str>,
}

impl RegionFolder {
    /// Key prefix `[prefix/]AWSLogs/[o-id/]ACCOUNT/`.
    #[must_use]
    pub fn account_prefix(&self) -> String {
        let organization = self.organization.as_deref().map(|id| format!("{id}/")).unwrap_or_default();
        format!("{}AWSLogs/{organization}{}/", self.root, self.account)
    }

    /// Key prefix `[prefix/]AWSLogs/[o-id/]ACCOUNT/CloudTrail-Digest/REGION/`.
    #[must_use]
    pub fn digest_prefix(&self) -> String {
        format!("{}CloudTrail-Digest/{}/", self.account_prefix(), self.region)
    }

    /// Key prefix `[prefix/]AWSLogs/[o-id/]ACCOUNT/CloudTrail/REGION/`.
    #[must_use]
    pub fn log_prefix(&self) -> String {
        self.log_prefix_in(LogFolder::CloudTrail)
    }

    /// Key prefix of any folder of log files.
    #[must_use]
    pub fn log_prefix_in(&self, logs: LogFolder) -> String {
        format!("{}{}/{}/", self.account_prefix(), logs.as_str(), self.region)
    }

    /// The log folder of the object at `location`, if the folder belongs to this account and region.
    #[must_use]
    pub fn log_folder_of(&self, location: &Location) -> Option<LogFolder> {
        let rest =
            location.key.strip_prefix(&self.account_prefix()).filter(|_| location.bucket == self.bucket)?;
        let (logs, rest) = rest.split_once('/')?;
        let is_here = rest.strip_prefix(&*self.region).is_some_and(|rest| rest.starts_with('/'));
        LogFolder::ALL.into_iter().find(|known| known.as_str() == logs && is_here)
    }
}

/// The fields of a digest file's key, each checked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DigestKey {
    /// Folders of the account's region.
    pub folder: RegionFolder,
    /// Trail name.
    pub trail: Arc<str>,
    /// Home region of the trail.
    pub home_region: Arc<str>,
    /// End time of the digest.
    pub end: Timestamp,
    /// Whether the name ends in `_backfill`.
    pub backfill: bool,
}

impl DigestKey {
    /// Whether both are keys of one digest, in other buckets or below other prefixes.
    #[must_use]
    pub fn is_elsewhere(&self, other: &Self) -> bool {
        let RegionFolder { bucket, root, .. } = &other.folder;
        let folder = RegionFolder { bucket: bucket.clone(), root: root.clone(), ..self.folder.clone() };
        self != other && Self { folder, ..self.clone() } == *other
    }

    /// Parses a whole key. `None` if the key is not a digest file's. For every parsed key, [`DigestKey::location`]
    /// returns the given location.
    #[must_use]
    pub fn parse(location: &Location) -> Option<Self> {
        // From the right, because the prefix may contain any number of folders.
        let mut segments = location.key.rsplitn(7, '/');
        let name = segments.next()?;
        let [day, month, year] = [segments.next()?, segments.next()?, segments.next()?];
        let region = segments.next()?;
        if segments.next()? != "CloudTrail-Digest" {
            return None;
        }
        let (root, organization, account) = parse_account_prefix(segments.next()?)?;
        let folder = RegionFolder {
            bucket: Arc::clone(&location.bucket),
            root: root.into(),
            organization: organization.map(Arc::from),
            account: account.into(),
            region: region.into(),
        };
        let key = Self::parse_name(&folder, name)?;
        // CloudTrail delivers a digest to the folder of the day in the name, so any other folder is wrong.
        (key.end.day_folder() == format!("{year}/{month}/{day}")).then_some(key)
    }

    /// Parses the name of an object in `folder`, whatever the day of the folder.
    #[must_use]
    pub fn parse_name(folder: &RegionFolder, name: &str) -> Option<Self> {
        let (account, region, rest) = split_name(name)?;
        if account != &*folder.account || region != &*folder.region {
            return None;
        }
        let (rest, backfill) = match rest.strip_suffix(BACKFILL) {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        // From the right, because a trail's name may contain underscores.
        let (rest, end) = rest.rsplit_once('_')?;
        let (trail, home_region) = rest.rsplit_once('_')?;
        (is_trail(trail) && is_region(home_region)).then_some(())?;
        Some(Self {
            folder: folder.clone(),
            trail: trail.into(),
            home_region: home_region.into(),
            end: Timestamp::parse_digest_name(end)?,
            backfill,
        })
    }

    /// Chain of the digest.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        ChainId {
            account: Arc::clone(&self.folder.account),
            region: Arc::clone(&self.folder.region),
            trail: Arc::clone(&self.trail),
            home_region: Arc::clone(&self.home_region),
            organization: self.folder.organization.clone(),
            backfill: self.backfill,
        }
    }

    /// CloudTrail's delivery location for the digest.
    #[must_use]
    pub fn location(&self) -> Location {
        let Self { folder, trail, home_region, end, .. } = self;
        let backfill = if self.backfill { BACKFILL } else { "" };
        let key = format!(
            "{}{}/{}_CloudTrail-Digest_{}_{trail}_{home_region}_{}{backfill}{SUFFIX}",
            folder.digest_prefix(),
            end.day_folder(),
            folder.account,
            folder.region,
            end.digest_name(),
        );
        Location::new(Arc::clone(&folder.bucket), key)
    }
}

/// Splits a digest's name into account, region and the rest without the suffix. Parsing starts on the left, because a
/// trail's name may contain underscores and region-like text.
fn split_name(name: &str) -> Option<(&str, &str, &str)> {
    let (account, rest) = name.strip_suffix(SUFFIX)?.split_once("_CloudTrail-Digest_")?;
    let (region, rest) = rest.split_once('_')?;
    (is_account(account) && is_region(region)).then_some((account, region, rest))
}

/// Splits `[prefix/]AWSLogs/[o-id/]ACCOUNT` into prefix with the slash, organization and account.
fn parse_account_prefix(path: &str) -> Option<(&str, Option<&str>, &str)> {
    let (rest, account) = path.rsplit_once('/')?;
    let (rest, organization) = match rest.rsplit_once('/') {
        Some((above, last)) if is_organization(last) => (above, Some(last)),
        _ => (rest, None),
    };
    let root = rest.strip_suffix("AWSLogs")?;
    (is_account(account) && (root.is_empty() || root.ends_with('/'))).then_some((root, organization, account))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: &str) -> Option<DigestKey> {
        let location = Location::new("b", key);
        let parsed = DigestKey::parse(&location)?;
        assert_eq!(parsed.location(), location);
        Some(parsed)
    }

    #[test]
    fn fields_are_taken_from_both_ends() {
        let key = parse(
            "a/b/AWSLogs/o-abcdefghij/111122223333/CloudTrail-Digest/eu-west-3/2026/09/01/\
             111122223333_CloudTrail-Digest_eu-west-3_audit_us-east-1_x_us-west-2_20260901T000657Z.json.gz",
        )
        .unwrap();
        assert_eq!((&*key.trail, &*key.home_region), ("audit_us-east-1_x", "us-west-2"));
        assert_eq!((&*key.folder.root, key.folder.organization.as_deref()), ("a/b/", Some("o-abcdefghij")));
        assert!(!key.backfill);
    }

    #[test]
    fn backfill_is_a_suffix_and_a_trail_may_be_named_so() {
        let name = |trail, tail| {
            format!(
                "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/\
                 111122223333_CloudTrail-Digest_us-east-1_{trail}_us-east-1_20260901T000657Z{tail}.json.gz"
            )
        };
        assert!(parse(&name("audit", "_backfill")).unwrap().backfill);
        assert_eq!(&*parse(&name("audit_backfill", "")).unwrap().trail, "audit_backfill");
        assert!(parse(&name("audit", "_backfill_backfill")).is_none());
        assert!(parse(&name("audit", "x")).is_none());
    }

    #[test]
    fn what_no_digest_is_called_is_refused() {
        let good = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/\
                    111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T000657Z.json.gz";
        assert!(parse(good).is_some());
        for (from, to) in [
            ("2026/09/01", "2026/09/02"),
            ("20260901T", "99990901T"),
            ("us-east-1_audit", "nowhere_audit"),
            ("/us-east-1/", "/us-east-2/"),
            ("111122223333_", "111122223334_"),
            ("_audit_", "_a_"),
            ("AWSLogs/", "xAWSLogs/"),
            (".json.gz", ".json"),
        ] {
            assert!(parse(&good.replacen(from, to, 1)).is_none(), "{from} -> {to}");
        }
        // Folder and name alike: of no region, and of no account.
        for (from, to) in [("us-east-1", "nowhere"), ("111122223333", "1111")] {
            assert!(parse(&good.replacen(from, to, 2)).is_none(), "{from} -> {to}");
        }
        assert!(parse("").is_none() && parse("////////").is_none());
    }
}
