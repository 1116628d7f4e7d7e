//! Log files that an unproved digest lists in days that are not read: the digests that prove them are not read either.

use std::collections::BTreeSet;

use super::listing::day_in;
use super::{RegionDays, whole};
use crate::ident::{Location, LogFolder};
use crate::prove::reference;
use crate::time::{Interval, Timestamp};
use crate::validate::context::RunContext;
use crate::validate::unreferenced;

impl RegionDays {
    /// The [`reference`]s of those of the claimed log files that an earlier run proved: an unchanged day has no object that
    /// was not proved. The days are listed once more, which is rare: only unproved digests claim log files.
    pub(in crate::validate) fn proved_before<'l>(
        &self,
        context: RunContext<'_>,
        claimed: impl Iterator<Item = &'l Location>,
    ) -> BTreeSet<u128> {
        // 1. The days to list.
        let (mut days, mut wanted) = (BTreeSet::new(), BTreeSet::new());
        for location in claimed {
            if let Some(day) = self.unchanged_day_of(location) {
                days.insert(day);
                wanted.insert(reference(location));
            }
        }
        // 2. The claimed log files in their listings.
        let days: Vec<(usize, LogFolder, Timestamp)> = days.into_iter().collect();
        let listed = context.workers.ask(&days, |&(number, logs, day)| {
            let Some(folder) = self.folders.get(number) else { return Vec::new() };
            let stretch = Interval { end: day.plus(whole(day).seconds() - 1), ..whole(day) };
            let objects = unreferenced::list_log_folder(context, (&folder.folder, logs), stretch);
            let references = objects.flatten().map(|(object, _)| {
                reference(&Location::new(folder.folder.bucket.clone(), object.key.as_str()))
            });
            references.filter(|reference| wanted.contains(reference)).collect()
        });
        listed.into_iter().flatten().collect()
    }

    /// The folder, log folder and day of a log file in a day that is listed as an earlier run sealed it.
    fn unchanged_day_of(&self, location: &Location) -> Option<(usize, LogFolder, Timestamp)> {
        self.folders.iter().enumerate().find_map(|(number, folder)| {
            folder.compared.iter().find_map(|logs| {
                let day = day_in(location, &folder.folder.bucket, &folder.folder.log_prefix_in(*logs))?;
                folder.unchanged.contains(&day).then_some((number, *logs, day))
            })
        })
    }
}
