//! Objects below a region's folder outside of every day's folder: `…/x`, `…/2026/9/01/x`, `…/year=2026/x`.

use super::{cannot_search, search_interrupted};
use crate::event::Finding;
use crate::ident::Location;
use crate::store::Listed;
use crate::time::{DAY, Interval, Timestamp};
use crate::validate::context::RunContext;

/// When CloudTrail began, 2013-11-13: nothing was delivered before.
pub(in crate::validate) const BEGAN: Timestamp = Timestamp::from_unix(1_384_300_800);

/// Stands for the time of an object whose folder shows no time.
pub(in crate::validate) const NO_TIME: Timestamp = Timestamp::from_unix(0);

/// An object outside of every day's folder.
pub(in crate::validate) struct Stray {
    pub(in crate::validate) location: Location,
    /// What tells the object from any other in its place, where a listing shows that.
    pub(in crate::validate) content: Option<String>,
}

/// Receives each stray, and each failure to list a folder.
type StrayListener<'t> = dyn Fn(Result<Stray, Box<Finding>>) + 't;

/// The level of a date folder below a region's folder.
#[derive(Clone, Copy)]
enum DateLevel {
    Years,
    Months,
    Days,
}

/// Reports every object below `folder`, a region's folder, outside of every day's folder. Years and months are searched
/// if they overlap `asked`; with `None`, no year is searched.
pub(in crate::validate) fn find(
    context: RunContext<'_>,
    folder: &Location,
    asked: Option<Interval>,
    listener: &StrayListener<'_>,
) {
    let latest = context.request.now.plus(DAY);
    StraySearch { context, asked, latest, listener }.search_level(folder, "", DateLevel::Years);
}

/// The same in a region without digests, which would show that the clock of this machine is right: a day in the future may
/// be the present.
pub(in crate::validate) fn find_without_digests(
    context: RunContext<'_>,
    folder: &Location,
    asked: Interval,
    listener: &StrayListener<'_>,
) {
    let (asked, latest) = (Some(asked), Timestamp::from_unix(i64::MAX));
    StraySearch { context, asked, latest, listener }.search_level(folder, "", DateLevel::Years);
}

struct StraySearch<'a> {
    context: RunContext<'a>,
    asked: Option<Interval>,
    /// No delivery is later.
    latest: Timestamp,
    listener: &'a StrayListener<'a>,
}

impl StraySearch<'_> {
    /// Searches the folder for the years, the months or the days of `date`, such as `2026/09/`.
    fn search_level(&self, folder: &Location, date: &str, level: DateLevel) {
        if self.context.cancellation.skips_work() {
            return (self.listener)(Err(Box::new(search_interrupted(NO_TIME, folder))));
        }
        let mut report = |listed| self.report_stray(folder, listed);
        let names = match self.context.tools.store.visit_folder(&folder.bucket, &folder.key, &mut report) {
            Ok(names) => names,
            Err(error) => return (self.listener)(Err(Box::new(cannot_search(NO_TIME, folder, &error)))),
        };
        for name in names {
            let date = format!("{date}{name}/");
            let inner = Location::new(folder.bucket.clone(), format!("{}{name}/", folder.key));
            match (self.time_of(&date, level), level) {
                (None, _) => self.report_all_below(&inner),
                (Some(time), DateLevel::Years | DateLevel::Months)
                    if self.asked.is_some_and(|asked| asked.overlaps(time)) =>
                {
                    let next =
                        if matches!(level, DateLevel::Years) { DateLevel::Months } else { DateLevel::Days };
                    self.search_level(&inner, &date, next);
                }
                (Some(_), _) => {}
            }
        }
    }

    /// The time of a year, a month or a day, in CloudTrail's spelling. `None` for other text, and for a time before or
    /// after any delivery.
    fn time_of(&self, date: &str, level: DateLevel) -> Option<Interval> {
        let digits = date.replace('/', "");
        let (first, length) = match level {
            DateLevel::Years => (format!("{digits}0101"), 366),
            DateLevel::Months => (format!("{digits}01"), 31),
            DateLevel::Days => (digits, 1),
        };
        let start = Timestamp::parse_digest_name(&format!("{first}T000000Z"))?;
        let is_written = format!("{}/", start.day_folder()).starts_with(date);
        let time = Interval { start, end: start.plus(length * DAY) };
        let known = Interval::new(BEGAN, self.latest)?;
        (is_written && time.overlaps(known)).then_some(time)
    }

    /// Reports every object below a folder that CloudTrail never makes.
    fn report_all_below(&self, folder: &Location) {
        for listed in self.context.tools.store.list(&folder.bucket, &folder.key, None) {
            if self.context.cancellation.skips_work() {
                return (self.listener)(Err(Box::new(search_interrupted(NO_TIME, folder))));
            }
            match listed {
                Ok(listed) => self.report_stray(folder, listed),
                Err(error) => return (self.listener)(Err(Box::new(cannot_search(NO_TIME, folder, &error)))),
            }
        }
    }

    /// Reports an object; a folder marker is left out.
    fn report_stray(&self, folder: &Location, listed: Listed) {
        if listed.size > 0 || !listed.key.ends_with('/') {
            let content = listed.identity();
            let location = Location::new(folder.bucket.clone(), listed.key);
            (self.listener)(Ok(Stray { location, content }));
        }
    }
}
