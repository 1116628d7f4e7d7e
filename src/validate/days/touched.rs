//! The days that findings are about.

use std::collections::BTreeSet;

use super::whole;
use crate::event::{Fault, Finding, Kind, Severity};
use crate::ident::{DigestKey, Location};
use crate::time::{DAY, Interval, Timestamp};

/// The days that findings are about.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TouchedDays {
    days: BTreeSet<Timestamp>,
    stretches: Vec<Interval>,
    /// Whether a finding may be about any day.
    all: bool,
}

impl TouchedDays {
    pub(in crate::validate) fn of(findings: &[&Finding]) -> Self {
        let mut touched = Self::default();
        findings.iter().for_each(|finding| touched.add(finding));
        touched
    }

    /// Adds every day.
    pub(in crate::validate) const fn add_all(&mut self) {
        self.all = true;
    }

    /// Adds the days that a finding is about.
    pub fn add(&mut self, finding: &Finding) {
        // 1. Where the record begins is found again in each run. Objects outside of the days' folders are of no day.
        // Nothing is wrong with a digest that its successor proves without a signature or a key of its own.
        let is_proved = finding.severity == Severity::Notice
            && matches!(finding.kind, Kind::DigestUnsigned | Kind::KeyUnknown);
        let is_of_no_day = finding.kind == Kind::ChainStart
            || is_proved
            || matches!(finding.fault, Fault::StrayLog | Fault::StrayDigest)
            || matches!(finding.fault, Fault::MoreStrayDigests { .. } | Fault::MoreJunk { .. })
            || (matches!(finding.fault, Fault::NotADigestName) && finding.at <= Timestamp::from_unix(0));
        if is_of_no_day {
            return;
        }
        // 2. The newest digest is too old: nothing is wrong with the days after it, which belong to other trails.
        if finding.kind == Kind::ChainStale {
            self.days.insert(finding.at.day());
            return;
        }
        // 3. The days of the objects, of the stretch, and of the moment.
        let mut known = false;
        for uri in finding.uri.iter().chain(&finding.digest).chain(&finding.objects) {
            if let Some(days) = days_of(uri) {
                known = true;
                self.days.extend(days);
            }
        }
        if let (Some(start), Some(end)) = (finding.start, finding.end) {
            known = true;
            self.stretches.extend(Interval::new(start, end));
        }
        if finding.at > Timestamp::from_unix(0) {
            known = true;
            self.days.insert(finding.at.day());
        }
        self.all |= !known;
    }

    /// Whether a finding is about the day that begins at `day`, or may be about any day.
    pub(super) fn has(&self, day: Timestamp) -> bool {
        self.all || self.names(day)
    }

    /// Whether a finding is about the day that begins at `day`.
    #[must_use]
    pub fn names(&self, day: Timestamp) -> bool {
        self.days.contains(&day) || self.stretches.iter().any(|stretch| stretch.overlaps(whole(day)))
    }
}

/// The days of an object: of a digest the day of its end, of a log file the day of its folder and its neighbours, whose
/// digests may list the log file.
fn days_of(uri: &str) -> Option<Vec<Timestamp>> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    if let Some(digest) = DigestKey::parse(&Location::new(bucket, key)) {
        return Some(vec![digest.end.day()]);
    }
    // A folder of a day is followed by the name.
    let (folders, _) = key.rsplit_once('/')?;
    let date = folders.get(folders.len().checked_sub("2026/09/01".len())?..)?;
    let start = Timestamp::parse_digest_name(&format!("{}T000000Z", date.replace('/', "")))?;
    (start.day_folder() == date).then(|| vec![start, start.plus(-DAY), start.plus(DAY)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::RegionFolder;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_unix(1_788_220_800).plus(number * DAY)
    }

    fn folder() -> RegionFolder {
        RegionFolder {
            bucket: "b".into(),
            root: "".into(),
            organization: None,
            account: "111122223333".into(),
            region: "us-east-1".into(),
        }
    }

    /// The days from 0 to 29 that a finding is about, and whether it may be about any.
    fn touched_by(finding: Finding) -> (Vec<i64>, bool) {
        let touched = TouchedDays::of(&[&finding]);
        ((0..30).filter(|number| touched.names(day(*number))).collect(), touched.all)
    }

    #[test]
    fn findings_touch_the_days_that_they_are_about() {
        let log = format!("{}2026/09/05/x.json.gz", folder().log_prefix());
        let log = Location::new("b", log);
        let found = |at| Finding::new(Fault::LogsWithoutDigests, at);
        assert_eq!(touched_by(found(day(9).plus(7)).about(&log)), (vec![3, 4, 5, 9], false));
        assert_eq!(touched_by(found(day(9).plus(7))), (vec![9], false));
        let stretch = Interval { start: day(11).plus(5), end: day(13) };
        assert_eq!(touched_by(found(day(11)).over(stretch)), (vec![11, 12], false));
        assert_eq!(touched_by(found(Timestamp::from_unix(0))), (Vec::new(), true));
        // A trail that ended long ago says nothing of the days after.
        let stale = Interval { start: day(3).plus(5), end: day(29) };
        assert_eq!(
            touched_by(Finding::new(Fault::Stale { late: 9 }, stale.start).over(stale)),
            (vec![3], false)
        );
        let stray = Location::new("b", format!("{}readme", folder().log_prefix()));
        let stray = Finding::new(Fault::StrayLog, Timestamp::from_unix(0)).about(&stray);
        assert_eq!(touched_by(stray), (Vec::new(), false));
    }
}
