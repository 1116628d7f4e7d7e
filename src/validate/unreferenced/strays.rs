//! Objects below a region's folder that lie in no folder CloudTrail delivers to: `…/x`, `…/2026/9/01/x`, `…/year=2026/x`.

use super::{cannot_search, left_out};
use crate::event::Finding;
use crate::ident::Location;
use crate::store::Listed;
use crate::time::{DAY, Interval, Timestamp};
use crate::validate::context::RunContext;

/// When CloudTrail began, 2013-11-13: nothing was delivered before.
pub(in crate::validate) const BEGAN: Timestamp = Timestamp::from_unix(1_384_300_800);

/// What stands for the time of an object whose folder tells none.
pub(in crate::validate) const NO_TIME: Timestamp = Timestamp::from_unix(0);

/// What is told of: where a stray lies, or what kept a folder from being listed.
type Tell<'t> = dyn Fn(Result<Location, Box<Finding>>) + 't;

/// How deep a folder lies below a region's.
#[derive(Clone, Copy)]
enum Level {
    Years,
    Months,
    Days,
}

/// Tells of every object below `folder`, a region's, that lies in no day's folder. Years and months are looked into where
/// they touch `asked`; with `None` none is.
pub(in crate::validate) fn find(
    context: RunContext<'_>,
    folder: &Location,
    asked: Option<Interval>,
    tell: &Tell<'_>,
) {
    Search { context, asked, tell }.level(folder, "", Level::Years);
}

struct Search<'a> {
    context: RunContext<'a>,
    asked: Option<Interval>,
    tell: &'a Tell<'a>,
}

impl Search<'_> {
    /// Looks into the folder for the years, the months or the days of `date`, such as `2026/09/`.
    fn level(&self, folder: &Location, date: &str, level: Level) {
        if self.context.halt.leaves_out() {
            return (self.tell)(Err(Box::new(left_out(NO_TIME, folder))));
        }
        let found = match self.context.tools.store.list_folder(&folder.bucket, &folder.key) {
            Ok(found) => found,
            Err(error) => return (self.tell)(Err(Box::new(cannot_search(NO_TIME, folder, &error)))),
        };
        found.objects.into_iter().for_each(|listed| self.stray(folder, listed));
        for name in found.folders {
            let date = format!("{date}{name}/");
            let inner = Location::new(folder.bucket.clone(), format!("{}{name}/", folder.key));
            match (self.time_of(&date, level), level) {
                (None, _) => self.all_below(&inner),
                (Some(time), Level::Years | Level::Months)
                    if self.asked.is_some_and(|asked| asked.overlaps(time)) =>
                {
                    let next = if matches!(level, Level::Years) { Level::Months } else { Level::Days };
                    self.level(&inner, &date, next);
                }
                (Some(_), _) => {}
            }
        }
    }

    /// The time of a year, a month or a day, written as CloudTrail writes it. `None` for what is none, and for a time at
    /// which nothing can have been delivered.
    fn time_of(&self, date: &str, level: Level) -> Option<Interval> {
        let digits = date.replace('/', "");
        let (first, length) = match level {
            Level::Years => (format!("{digits}0101"), 366),
            Level::Months => (format!("{digits}01"), 31),
            Level::Days => (digits, 1),
        };
        let start = Timestamp::parse_digest_name(&format!("{first}T000000Z"))?;
        let is_written = format!("{}/", start.day_folder()).starts_with(date);
        let time = Interval { start, end: start.plus(length * DAY) };
        let known = Interval::new(BEGAN, self.context.request.now.plus(DAY))?;
        (is_written && time.overlaps(known)).then_some(time)
    }

    /// Tells of every object below a folder that CloudTrail makes nowhere.
    fn all_below(&self, folder: &Location) {
        for listed in self.context.tools.store.list(&folder.bucket, &folder.key, None) {
            if self.context.halt.leaves_out() {
                return (self.tell)(Err(Box::new(left_out(NO_TIME, folder))));
            }
            match listed {
                Ok(listed) => self.stray(folder, listed),
                Err(error) => return (self.tell)(Err(Box::new(cannot_search(NO_TIME, folder, &error)))),
            }
        }
    }

    /// A folder marker is none.
    fn stray(&self, folder: &Location, listed: Listed) {
        if listed.size > 0 || !listed.key.ends_with('/') {
            (self.tell)(Ok(Location::new(folder.bucket.clone(), listed.key)));
        }
    }
}
