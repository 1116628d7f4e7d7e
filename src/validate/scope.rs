//! What a source's folder names: the segments of its prefix, taken apart.
//!
//! The account follows the last `AWSLogs/[o-id/]`, since a trail's prefix may hold a segment `AWSLogs` itself. A segment
//! below it that is nothing of CloudTrail's belongs to such a prefix, or is a mistake: it is never dropped.

use std::fmt;
use std::sync::Arc;

use super::request::Source;
use crate::ident::{LogFolder, RegionFolder, is_account, is_organization, is_region};
use crate::time::{DAY, Interval, Timestamp};

/// The folder that stands between a trail's prefix and its accounts.
pub(super) const AWS_LOGS: &str = "AWSLogs";

/// An account's folder of digest files.
pub(super) const DIGESTS: &str = "CloudTrail-Digest";

/// An account's folder of log files of management and data events.
pub(super) const LOGS: &str = "CloudTrail";

/// How long a typed path may be, in bytes, to be taken for an object's: more than a key in S3 has.
const MAX_PATH: usize = 8_192;

/// Why a source names nothing that can be validated.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SourceError {
    /// A segment below `AWSLogs/` is nothing of CloudTrail's, and not part of a trail's prefix either.
    #[error("`{source_uri}`: `{segment}` is not {expected}")]
    Segment {
        /// The source, `s3://BUCKET/PREFIX`.
        source_uri: String,
        /// The segment.
        segment: String,
        /// What should stand there.
        expected: Expected,
    },
    /// It is the folder of a day, a month or a year of one region.
    #[error("`{source_uri}` is the folder of a time, and a source is narrowed to a region at most")]
    Time {
        /// The source, `s3://BUCKET/PREFIX`.
        source_uri: String,
        /// The region's folder, `s3://BUCKET/PREFIX`.
        region_uri: String,
        /// The time that the folder is of.
        stretch: Interval,
    },
    /// A single object and a folder are asked for in one run: the answers would be of different questions.
    #[error("the single object `{object}` and folders are named together")]
    Mixed {
        /// The object, `s3://BUCKET/KEY`.
        object: String,
    },
}

/// What should stand in the place of a segment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Expected {
    /// An account or an organization.
    AccountOrOrganization,
    /// An account of the organization before it.
    Account,
    /// One of CloudTrail's folders in an account.
    Folder,
    /// A region.
    Region,
    /// A year, a month or a day.
    Date,
    /// The name of a digest file, in the folder of its day.
    DigestName,
}

impl fmt::Display for Expected {
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
    /// What to type instead.
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

impl Expected {
    /// What should be typed there.
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

impl fmt::Display for Source {
    /// `s3://BUCKET/PREFIX`, unescaped: whoever prints it escapes it for that place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// What a source's folder names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Scope {
    /// A folder above every `AWSLogs/` that counts.
    Above,
    /// `AWSLogs/`, or one of CloudTrail's folders below it.
    Below(Below),
    /// A folder below `AWSLogs/` that may be a trail's prefix: this segment is nothing of CloudTrail's.
    Odd(String, Expected),
    /// A year, a month or a day of a region.
    Time { region: Below, stretch: Interval },
}

/// `[prefix/]AWSLogs/`, and what a source names of `[o-id/]ACCOUNT/FOLDER/REGION/` below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Below {
    /// What stands before `AWSLogs/`: empty, or with a slash at the end.
    pub(super) root: String,
    pub(super) organization: Option<String>,
    pub(super) account: Option<String>,
    /// One of CloudTrail's folders in the account.
    pub(super) folder: Option<String>,
    pub(super) region: Option<String>,
}

impl Scope {
    /// Takes a source's prefix apart.
    pub(super) fn parse(prefix: &str) -> Self {
        let segments: Vec<&str> = prefix.split_terminator('/').collect();
        let Some(at) = segments.iter().rposition(|segment| *segment == AWS_LOGS) else { return Self::Above };
        let (above, below) = segments.split_at(at);
        let mut below = below.iter().skip(1).copied().peekable();
        let mut next_if = |is: fn(&str) -> bool| below.next_if(|segment| is(segment)).map(str::to_owned);
        let root = above.iter().map(|segment| format!("{segment}/")).collect();
        let organization = next_if(is_organization);
        let account = next_if(is_account);
        let folder = account.as_ref().and_then(|_| next_if(is_folder));
        let region = folder.as_ref().and_then(|_| next_if(is_region));
        let known = Below { root, organization, account, folder, region };
        let rest: Vec<&str> = below.collect();
        let Some(first) = rest.first() else { return Self::Below(known) };
        let Some(expected) = known.expected() else { return time(known, &rest) };
        Self::Odd((*first).to_owned(), expected)
    }
}

/// The folder of a time below that of a region, or the segment that is of no time.
fn time(region: Below, segments: &[&str]) -> Scope {
    for (at, segment) in segments.iter().enumerate() {
        if segments.get(..=at).and_then(stretch).is_none() {
            return Scope::Odd((*segment).to_owned(), Expected::Date);
        }
    }
    let Some(stretch) = stretch(segments) else { return Scope::Above };
    Scope::Time { region, stretch }
}

/// The time of the folders `YYYY`, `YYYY/MM` or `YYYY/MM/DD`.
fn stretch(segments: &[&str]) -> Option<Interval> {
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

/// The region, and the rest of the key, of what lies in the folder of a day; `None` for a key that does not, or that is a
/// folder itself.
pub(super) fn in_day(key: &str) -> Option<(Below, &str)> {
    if key.ends_with('/') || key.len() > MAX_PATH {
        return None;
    }
    let splits = key.match_indices('/').map(|(at, _)| key.split_at(at + 1));
    let mut days = splits.filter_map(|(folder, rest)| match Scope::parse(folder) {
        Scope::Time { region, stretch } if stretch.seconds() == DAY => Some((region, rest)),
        Scope::Time { .. } | Scope::Above | Scope::Below(_) | Scope::Odd(..) => None,
    });
    days.next_back()
}

/// Whether an account's folder called `name` is one of CloudTrail's.
pub(super) fn is_folder(name: &str) -> bool {
    name == DIGESTS || LogFolder::ALL.iter().any(|logs| logs.as_str() == name)
}

impl Below {
    /// What may come next; `None` after a region.
    const fn expected(&self) -> Option<Expected> {
        match self {
            Self { account: None, organization: None, .. } => Some(Expected::AccountOrOrganization),
            Self { account: None, .. } => Some(Expected::Account),
            Self { folder: None, .. } => Some(Expected::Folder),
            Self { region: None, .. } => Some(Expected::Region),
            Self { .. } => None,
        }
    }

    /// The folder itself.
    pub(super) fn prefix(&self) -> String {
        let Self { root, organization, account, folder, region } = self;
        let below = [organization, account, folder, region].into_iter().flatten();
        let below: String = below.map(|segment| format!("{segment}/")).collect();
        format!("{root}{AWS_LOGS}/{below}")
    }

    /// The region that it names, if it does.
    pub(super) fn region_folder(&self, bucket: &Arc<str>) -> Option<RegionFolder> {
        Some(RegionFolder {
            bucket: Arc::clone(bucket),
            root: self.root.as_str().into(),
            organization: self.organization.as_deref().map(Arc::from),
            account: self.account.as_deref()?.into(),
            region: self.region.as_deref()?.into(),
        })
    }

    /// Whether the folders of a region lie in it.
    fn holds(&self, region: &RegionFolder) -> bool {
        let whole = region.account_prefix();
        let Some(folder) = &self.folder else { return whole.starts_with(&self.prefix()) };
        let account = Self { folder: None, region: None, ..self.clone() }.prefix();
        let is_asked = self.region.as_ref().is_none_or(|only| **only == *region.region);
        (whole == account && is_asked)
            || (self.region.is_none() && whole.starts_with(&format!("{account}{folder}/")))
    }
}

impl Source {
    /// Whether the folders of a region lie below it.
    pub(super) fn holds(&self, region: &RegionFolder) -> bool {
        *self.bucket == *region.bucket
            && match Scope::parse(&self.prefix) {
                Scope::Below(below) => below.holds(region),
                Scope::Above | Scope::Odd(..) => region.account_prefix().starts_with(&self.prefix),
                Scope::Time { .. } => false,
            }
    }
}

#[cfg(test)]
mod tests;
