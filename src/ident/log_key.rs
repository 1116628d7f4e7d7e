//! Parser for the keys of objects in log folders: the day of the folder, and the time in the name.

use serde::{Deserialize, Serialize};

use super::{RegionFolder, is_account, is_region};
use crate::time::{DAY, Interval, Timestamp};

/// A folder for log files in an account's folder.
///
/// Source: AWS CloudTrail User Guide, "Finding your CloudTrail log files".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum LogFolder {
    /// Management and data events.
    CloudTrail,
    /// Insights events.
    #[serde(rename = "CloudTrail-Insight")]
    Insight,
    /// Network activity events.
    #[serde(rename = "CloudTrail-NetworkActivity")]
    NetworkActivity,
    /// Summaries of data events.
    #[serde(rename = "CloudTrail-Aggregated")]
    Aggregated,
}

impl LogFolder {
    /// All folders for log files.
    pub const ALL: [Self; 4] = [Self::CloudTrail, Self::Insight, Self::NetworkActivity, Self::Aggregated];

    /// Name of the folder.
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

/// Delivery time in the key of an object in `…/CloudTrail/REGION/YYYY/MM/DD/`.
///
/// Source: AWS CloudTrail User Guide, "CloudTrail log file examples" (log file name format).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFolderKey {
    /// Minute in a log file's name, within about 20 minutes of the delivery.
    Minute(Timestamp),
    /// Day of the folder, for any other name.
    Day(Interval),
}

impl LogFolderKey {
    /// Parses the rest of a key after [`RegionFolder::log_prefix`]. `None` if the rest has no folder of a day.
    ///
    /// A name with another date than the folder's is not a log file's name. So a new name alone cannot move an object
    /// out of the checked time range, and neither can an empty name: an object may have the folder's own name, such
    /// as a 0-byte folder marker.
    #[must_use]
    pub fn parse(rest: &str) -> Option<Self> {
        Self::parse_in(LogFolder::CloudTrail, rest)
    }

    /// Like [`LogFolderKey::parse`], for a key in any folder of log files. The file names contain the name of the
    /// folder.
    #[must_use]
    pub fn parse_in(logs: LogFolder, rest: &str) -> Option<Self> {
        let (folder, name) = rest.split_at_checked("2026/09/01".len())?;
        let name = name.strip_prefix('/')?;
        let start = Timestamp::parse_digest_name(&format!("{}T000000Z", folder.replace('/', "")))?;
        // Rejects slashes in other places, such as `202/6/0901`.
        (start.day_folder() == folder).then_some(())?;
        let day = Interval::new(start, start.plus(DAY))?;
        Some(match delivery_minute(logs, name) {
            // A minute outside the day would let the name alone choose the time.
            Some(minute) if day.contains(minute) => Self::Minute(minute),
            _ => Self::Day(day),
        })
    }

    /// Key of a log file delivered at `minute`, with the 16 characters of `unique`.
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

/// Whether `name` is the name of a log file, in any folder of log files.
#[must_use]
pub fn is_log_name(name: &str) -> bool {
    LogFolder::ALL.iter().any(|logs| delivery_minute(*logs, name).is_some())
}

/// Parses the minute in `ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz`.
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
