//! The path of a source: the segments of its prefix, parsed.
//!
//! The account follows the last `AWSLogs/[o-id/]`, since a trail's prefix may itself contain a segment `AWSLogs`. A
//! segment below `AWSLogs/` that CloudTrail does not use belongs to such a prefix, or is a mistake: no segment is ever
//! dropped.

use std::fmt;
use std::sync::Arc;

use super::request::SourceFolder;
use crate::ident::{LogFolder, RegionFolder, is_account, is_organization, is_region};
use crate::time::{DAY, Interval, Timestamp};

/// The folder between a trail's prefix and its accounts.
pub(super) const AWS_LOGS: &str = "AWSLogs";

/// An account's folder of digest files.
pub(super) const DIGESTS: &str = "CloudTrail-Digest";

/// An account's folder of log files of management and data events.
pub(super) const LOGS: &str = "CloudTrail";

/// The most bytes of a typed path that may be an object's: more than a key in S3 has.
const MAX_PATH: usize = 8_192;

/// Why a source cannot be validated.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SourceError {
    /// CloudTrail does not use a segment below `AWSLogs/`, and the segment is not part of a trail's prefix either.
    #[error("`{source_uri}`: `{segment}` is not {expected}")]
    Segment {
        /// The source, `s3://BUCKET/PREFIX`.
        source_uri: String,
        /// The segment.
        segment: String,
        /// The expected segment.
        expected: ExpectedSegment,
    },
    /// The source is the folder of a day, a month or a year of one region.
    #[error("`{source_uri}` is the folder of a time, and a source is narrowed to a region at most")]
    Time {
        /// The source, `s3://BUCKET/PREFIX`.
        source_uri: String,
        /// The region's folder, `s3://BUCKET/PREFIX`.
        region_uri: String,
        /// The time of the folder.
        stretch: Interval,
    },
    /// The request has both a single object and a folder, which ask different questions.
    #[error("the single object `{object}` and folders are named together")]
    Mixed {
        /// The object, `s3://BUCKET/KEY`.
        object: String,
    },
}

/// The expected segment of a path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ExpectedSegment {
    /// An account or an organization.
    AccountOrOrganization,
    /// An account of the organization in the segment before.
    Account,
    /// A CloudTrail folder in an account.
    Folder,
    /// A region.
    Region,
    /// A year, a month or a day.
    Date,
    /// The name of a digest file, in the folder of its day.
    DigestName,
}

impl fmt::Display for ExpectedSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccountOrOrganization => "an account or organization id",
            Self::Account => "an account id",
            Self::Folder => "one of CloudTrail's folders",
            Self::Region => "a region",
            Self::Date => "a year, month or day",
            Self::DigestName => "the name of a digest file of that day",
        })
    }
}

impl SourceError {
    /// The command to type instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Segment { expected, .. } => expected.hint().to_owned(),
            Self::Mixed { .. } => "validate them one after the other".to_owned(),
            Self::Time { region_uri, stretch, .. } => {
                let Interval { start, end } = stretch;
                format!(
                    "give the region's folder and the time: `{region_uri} --start-time {start} --end-time {end}`"
                )
            }
        }
    }
}

impl ExpectedSegment {
    /// The segment to type.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::AccountOrOrganization => {
                "after `AWSLogs/` comes an account id of 12 digits, or an organization id: `o-` and 10 to 32 lower-case \
                 letters or digits"
            }
            Self::Account => "after an organization id comes an account id of 12 digits",
            Self::Folder => {
                "after the account id comes `CloudTrail-Digest/` or `CloudTrail/`; the account's folder takes in both"
            }
            Self::Region => "after it comes a region, such as `us-east-1`; `--region` narrows too",
            Self::Date => {
                "give the region's folder, with `--start-time` and `--end-time`; or one object in the folder of its day, \
                 `…/REGION/YYYY/MM/DD/NAME`"
            }
            Self::DigestName => {
                "a digest file is called `ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_YYYYMMDDTHHMMSSZ.json.gz`"
            }
        }
    }
}

impl fmt::Display for SourceFolder {
    /// `s3://BUCKET/PREFIX`, unescaped: the printer escapes for its own format.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// The path of a source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum SourcePath {
    /// A folder above every counting `AWSLogs/`.
    AboveAwsLogs,
    /// `AWSLogs/`, or a CloudTrail folder below `AWSLogs/`.
    InAwsLogs(AwsLogsPath),
    /// A folder below `AWSLogs/` that may be a trail's prefix: CloudTrail does not use this segment.
    UnknownSegment(String, ExpectedSegment),
    /// The folder of a year, a month or a day of a region.
    DateFolder { region: AwsLogsPath, stretch: Interval },
}

/// The parts of `[prefix/]AWSLogs/[o-id/]ACCOUNT/FOLDER/REGION/` that a source names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct AwsLogsPath {
    /// The prefix before `AWSLogs/`: empty, or with a slash at the end.
    pub(super) root: String,
    pub(super) organization: Option<String>,
    pub(super) account: Option<String>,
    /// A CloudTrail folder in the account.
    pub(super) folder: Option<String>,
    pub(super) region: Option<String>,
}

impl SourcePath {
    /// Parses a source's prefix.
    pub(super) fn parse(prefix: &str) -> Self {
        let segments: Vec<&str> = prefix.split_terminator('/').collect();
        let Some(at) = segments.iter().rposition(|segment| *segment == AWS_LOGS) else {
            return Self::AboveAwsLogs;
        };
        let (above, below) = segments.split_at(at);
        let mut below = below.iter().skip(1).copied().peekable();
        let mut next_if = |is: fn(&str) -> bool| below.next_if(|segment| is(segment)).map(str::to_owned);
        let root = above.iter().map(|segment| format!("{segment}/")).collect();
        let organization = next_if(is_organization);
        let account = next_if(is_account);
        let folder = account.as_ref().and_then(|_| next_if(is_folder));
        let region = folder.as_ref().and_then(|_| next_if(is_region));
        let known = AwsLogsPath { root, organization, account, folder, region };
        let rest: Vec<&str> = below.collect();
        let Some(first) = rest.first() else { return Self::InAwsLogs(known) };
        let Some(expected) = known.expected() else { return date_folder(known, &rest) };
        Self::UnknownSegment((*first).to_owned(), expected)
    }
}

/// The folder of a date below a region's folder, or the first segment that is not a date.
fn date_folder(region: AwsLogsPath, segments: &[&str]) -> SourcePath {
    for (at, segment) in segments.iter().enumerate() {
        if segments.get(..=at).and_then(stretch_of_date).is_none() {
            return SourcePath::UnknownSegment((*segment).to_owned(), ExpectedSegment::Date);
        }
    }
    let Some(stretch) = stretch_of_date(segments) else { return SourcePath::AboveAwsLogs };
    SourcePath::DateFolder { region, stretch }
}

/// The time of the folders `YYYY`, `YYYY/MM` or `YYYY/MM/DD`.
fn stretch_of_date(segments: &[&str]) -> Option<Interval> {
    let midnight = |year: &str, month: &str, day: &str| {
        let has_width = year.len() == 4 && month.len() == 2 && day.len() == 2;
        has_width.then(|| Timestamp::parse_digest_name(&format!("{year}{month}{day}T000000Z")))?
    };
    let start_of_year = |year: i32| midnight(&format!("{year:04}"), "01", "01");
    let (start, end) = match segments {
        [year] => (midnight(year, "01", "01")?, start_of_year(year.parse::<i32>().ok()? + 1)?),
        [year, month] => {
            let next = month.parse::<u32>().ok()? + 1;
            let end = match next {
                13 => start_of_year(year.parse::<i32>().ok()? + 1)?,
                next => midnight(year, &format!("{next:02}"), "01")?,
            };
            (midnight(year, month, "01")?, end)
        }
        [year, month, day] => {
            let start = midnight(year, month, day)?;
            (start, start.plus(DAY))
        }
        _ => return None,
    };
    Interval::new(start, end)
}

/// The part of a source's folder before the last `AWSLogs/`.
#[must_use]
pub fn above_logs(prefix: &str) -> &str {
    let is_whole = |at: &usize| *at == 0 || prefix.get(..*at).is_some_and(|above| above.ends_with('/'));
    let last = prefix.rmatch_indices("AWSLogs/").map(|(at, _)| at).find(is_whole);
    last.and_then(|at| prefix.get(..at)).unwrap_or(prefix)
}

/// Splits an object key in the folder of a day into the region and the rest of the key. `None` for a key outside of
/// such a folder, and for a folder.
pub(super) fn split_day(key: &str) -> Option<(AwsLogsPath, &str)> {
    if key.ends_with('/') || key.len() > MAX_PATH {
        return None;
    }
    let splits = key.match_indices('/').map(|(at, _)| key.split_at(at + 1));
    let mut days = splits.filter_map(|(folder, rest)| match SourcePath::parse(folder) {
        SourcePath::DateFolder { region, stretch } if stretch.seconds() == DAY => Some((region, rest)),
        SourcePath::DateFolder { .. }
        | SourcePath::AboveAwsLogs
        | SourcePath::InAwsLogs(_)
        | SourcePath::UnknownSegment(..) => None,
    });
    days.next_back()
}

/// Whether `name` is a CloudTrail folder of an account.
pub(super) fn is_folder(name: &str) -> bool {
    name == DIGESTS || LogFolder::ALL.iter().any(|logs| logs.as_str() == name)
}

impl AwsLogsPath {
    /// The segment that may come next; `None` after a region.
    const fn expected(&self) -> Option<ExpectedSegment> {
        match self {
            Self { account: None, organization: None, .. } => Some(ExpectedSegment::AccountOrOrganization),
            Self { account: None, .. } => Some(ExpectedSegment::Account),
            Self { folder: None, .. } => Some(ExpectedSegment::Folder),
            Self { region: None, .. } => Some(ExpectedSegment::Region),
            Self { .. } => None,
        }
    }

    /// The prefix of the folder itself.
    pub(super) fn prefix(&self) -> String {
        let Self { root, organization, account, folder, region } = self;
        let below = [organization, account, folder, region].into_iter().flatten();
        let below: String = below.map(|segment| format!("{segment}/")).collect();
        format!("{root}{AWS_LOGS}/{below}")
    }

    /// The named region's folder, if a region is named.
    pub(super) fn region_folder(&self, bucket: &Arc<str>) -> Option<RegionFolder> {
        Some(RegionFolder {
            bucket: Arc::clone(bucket),
            root: self.root.as_str().into(),
            organization: self.organization.as_deref().map(Arc::from),
            account: self.account.as_deref()?.into(),
            region: self.region.as_deref()?.into(),
        })
    }

    /// Whether the path contains the folders of a region.
    fn holds(&self, region: &RegionFolder) -> bool {
        let whole = region.account_prefix();
        let Some(folder) = &self.folder else { return whole.starts_with(&self.prefix()) };
        let account = Self { folder: None, region: None, ..self.clone() }.prefix();
        let is_asked = self.region.as_ref().is_none_or(|only| **only == *region.region);
        (whole == account && is_asked)
            || (self.region.is_none() && whole.starts_with(&format!("{account}{folder}/")))
    }
}

impl SourceFolder {
    /// Whether the source contains the folders of a region.
    #[must_use]
    pub fn holds(&self, region: &RegionFolder) -> bool {
        *self.bucket == *region.bucket
            && match SourcePath::parse(&self.prefix) {
                SourcePath::InAwsLogs(below) => below.holds(region),
                SourcePath::AboveAwsLogs | SourcePath::UnknownSegment(..) => {
                    region.account_prefix().starts_with(&self.prefix)
                }
                SourcePath::DateFolder { .. } => false,
            }
    }
}

#[cfg(test)]
mod tests;
