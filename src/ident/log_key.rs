//! The key of an object in a log folder: which day's folder it is in, and what its name says of the time.

use super::{RegionFolder, is_account, is_region};
use crate::time::{DAY, Interval, Timestamp};

/// A folder of an account that CloudTrail delivers log files to.
///
/// Source: AWS CloudTrail User Guide, "Finding your CloudTrail log files".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LogFolder {
    /// Management and data events.
    CloudTrail,
    /// Insights events.
    Insight,
    /// Network activity events.
    NetworkActivity,
    /// Summaries of data events.
    Aggregated,
}

impl LogFolder {
    /// Every folder of log files.
    pub const ALL: [Self; 4] = [Self::CloudTrail, Self::Insight, Self::NetworkActivity, Self::Aggregated];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloudTrail => "CloudTrail",
            Self::Insight => "CloudTrail-Insight",
            Self::NetworkActivity => "CloudTrail-NetworkActivity",
            Self::Aggregated => "CloudTrail-Aggregated",
        }
    }
}

/// What the key of an object in `…/CloudTrail/REGION/YYYY/MM/DD/` says of when it was delivered.
///
/// Source: AWS CloudTrail User Guide, "CloudTrail log file examples" (log file name format).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFolderKey {
    /// A log file's name: the minute it names, which is within about 20 minutes of delivery.
    Minute(Timestamp),
    /// Another name: all that is known is the day of its folder.
    Day(Interval),
}

impl LogFolderKey {
    /// Reads the rest of a key after [`RegionFolder::log_prefix`]. `None` where it is in no day's folder.
    ///
    /// A name whose date is not its folder's is no log file's, so nobody can move an object out of the time that
    /// is looked at by its name alone. Nor by having none: an object may be called as the folder itself, as a marker of
    /// 0 bytes is.
    #[must_use]
    pub fn parse(rest: &str) -> Option<Self> {
        Self::parse_in(LogFolder::CloudTrail, rest)
    }

    /// The same of a key in another folder of log files, whose files are called after it.
    #[must_use]
    pub fn parse_in(logs: LogFolder, rest: &str) -> Option<Self> {
        let (folder, name) = rest.split_at_checked("2026/09/01".len())?;
        let name = name.strip_prefix('/')?;
        let start = Timestamp::parse_digest_name(&format!("{}T000000Z", folder.replace('/', "")))?;
        (start.day_folder() == folder).then_some(())?;
        let day = Interval::new(start, start.plus(DAY))?;
        Some(match delivery_minute(logs, name) {
            Some(minute) if day.contains(minute) => Self::Minute(minute),
            _ => Self::Day(day),
        })
    }

    /// The key of a log file that CloudTrail names with `minute` and the 16 characters of `unique`.
    #[must_use]
    pub fn make(folder: &RegionFolder, minute: Timestamp, unique: &str) -> String {
        format!(
            "{}{}/{}_CloudTrail_{}_{}_{unique}.json.gz",
            folder.log_prefix(),
            minute.day_folder(),
            folder.account,
            folder.region,
            minute.log_name(),
        )
    }
}

/// The minute in `ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz`.
fn delivery_minute(logs: LogFolder, name: &str) -> Option<Timestamp> {
    let mut fields = name.strip_suffix(".json.gz")?.split('_');
    let known = is_account(fields.next()?) && fields.next()? == logs.as_str() && is_region(fields.next()?);
    let minute = Timestamp::parse_log_name(fields.next()?)?;
    let unique = fields.next()?;
    (known && !unique.is_empty() && !unique.contains('/') && fields.next().is_none()).then_some(minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minute_or_day_or_nothing() {
        let minute = Timestamp::parse_log_name("20260901T1205Z").unwrap();
        let name = "111122223333_CloudTrail_us-east-1_20260901T1205Z_abcdefgh12345678.json.gz";
        let parse = |day: &str, name: &str| LogFolderKey::parse(&format!("{day}/{name}"));
        assert_eq!(parse("2026/09/01", name), Some(LogFolderKey::Minute(minute)));
        for (from, to) in [
            ("0901", "0902"),
            (".gz", ""),
            ("111122223333", "1111"),
            ("_CloudTrail_", "_CloudTrail-Insight_"),
            ("us-east-1", "nowhere"),
            ("abcdefgh12345678", ""),
            ("12345678", "/12345678"),
            ("12345678", "_12345678"),
        ] {
            let other = name.replace(from, to);
            assert!(matches!(parse("2026/09/01", &other), Some(LogFolderKey::Day(_))), "{other}");
        }
        let insight = name.replace("_CloudTrail_", "_CloudTrail-Insight_");
        let rest = format!("2026/09/01/{insight}");
        assert_eq!(LogFolderKey::parse_in(LogFolder::Insight, &rest), Some(LogFolderKey::Minute(minute)));
        for other in ["", "/", "notes.txt", "a/b"] {
            assert!(matches!(parse("2026/09/01", other), Some(LogFolderKey::Day(_))), "{other}");
        }
        for nowhere in ["", "2026/09/01", "2026/09/1/x", "2026-09-01/x", "2026/02/30/x", "é026/09/01/x"] {
            assert_eq!(LogFolderKey::parse(nowhere), None, "{nowhere}");
        }
    }
}
