//! Log files: those that digests list, and those that none lists.

use std::collections::{BTreeMap, BTreeSet};

use trailproof::event::{Kind, Severity};
use trailproof::ident::Location;
use trailproof::time::{HOUR, Interval, Timestamp, union};

use super::chain::Seen;
use super::document::{inflate, sha256};
use super::names::{Chain, Folder, Place, When};
use super::plain::{Judge, Said};
use super::world::Object;

/// How near the edges of the covered time nothing is said of files that no digest lists, in seconds.
const EDGE: i64 = 35 * 60;

impl Judge<'_> {
    /// The log files that proved digests list.
    pub(super) fn logs(&mut self, chain: &Chain, seen: &[Seen]) {
        for one in seen.iter().filter(|one| one.asked && one.proved) {
            for log in &one.document().unwrap().logs {
                let verdict = match (&log.hash, self.world.object(&log.location)) {
                    (None, _) => Some(Kind::LogUnverifiable),
                    (_, Object::Gone { marked: true }) => Some(Kind::LogDeleted),
                    (_, Object::Gone { marked: false }) => Some(Kind::LogMissing),
                    (_, Object::Refused) => Some(Kind::LogUnreadable),
                    (Some(hash), Object::There { body, .. }) => {
                        let content = inflate(&body).map(|content| sha256(&content));
                        (content.as_ref() != Some(hash)).then_some(Kind::LogModified)
                    }
                };
                self.log(chain, &log.location, verdict);
            }
        }
    }

    fn log(&mut self, chain: &Chain, location: &Location, verdict: Option<Kind>) {
        let state = match verdict.map(Kind::severity) {
            None | Some(Severity::Notice) => 0,
            Some(Severity::Tampered) => 1,
            Some(Severity::Incomplete) => 2,
        };
        self.counted.logs[state] += 1;
        if let Some(kind) = verdict {
            self.say_of(chain, Said::new(kind, kind.severity()).about(location));
        }
    }

    /// Log files that only digests list which are not proved. Regions of accounts are judged each by itself, so that what
    /// a digest of one claims to list in another is nobody's there.
    pub(super) fn unverifiable(&mut self, judged: &BTreeMap<Chain, Vec<Seen>>) {
        let mut told = BTreeSet::new();
        let asked: Vec<_> = judged.iter().filter(|(chain, _)| self.asks_trail(chain)).collect();
        for (chain, seen) in asked {
            let is_here = |other: &Chain| (&other.account, &other.region) == (&chain.account, &chain.region);
            let region: BTreeMap<_, _> = judged
                .iter()
                .filter(|(other, _)| is_here(other))
                .map(|(id, seen)| (id.clone(), seen.clone()))
                .collect();
            let listed = listed_by(&region);
            for one in seen.iter().filter(|one| one.asked && !one.proved) {
                for log in one.document().into_iter().flat_map(|it| &it.logs) {
                    let place = (chain.account.clone(), chain.region.clone(), log.location.clone());
                    if !listed.contains(&log.location) && told.insert(place) {
                        self.log(chain, &log.location, Some(Kind::LogUnverifiable));
                    }
                }
            }
        }
    }

    /// What lies among the log files of the named folders and no digest lists.
    pub(super) fn unreferenced(&mut self, judged: &BTreeMap<Chain, Vec<Seen>>) {
        let told: BTreeSet<(Option<String>, Option<String>, Option<String>)> = self
            .said
            .iter()
            .map(|said| (said.account.clone(), said.region.clone(), said.uri.clone()))
            .collect();
        let known = listed_by(judged);
        let places: Vec<_> = self.world.places().map(|(location, place)| (location.clone(), place)).collect();
        for (location, place) in places {
            let Place::Log(folder, when) = place else { continue };
            let is_asked = self.asks(&folder.account, &folder.region) && self.is_named(&folder);
            let here =
                (Some(folder.account.clone()), Some(folder.region.clone()), Some(location.to_string()));
            let is_known = known.contains(&location) || told.contains(&here);
            if !is_asked || is_known {
                continue;
            }
            let is_named = match when {
                // It lies in no day's folder.
                None => !self.answers(judged, &folder) || !covered_in(judged, &folder).is_empty(),
                Some(when) if !self.answers(judged, &folder) => {
                    self.without_digests(&folder, when);
                    false
                }
                Some(when) => {
                    self.is_searched(judged, &folder, when) || self.is_before(judged, &folder, when)
                }
            };
            if is_named {
                self.counted.logs[3] += 1;
                let said = Said::new(Kind::LogUnreferenced, Severity::Incomplete);
                self.said.push(said.of(&folder.account, &folder.region).about(&location));
            }
        }
    }

    /// Whether there is a digest of the asked range in the folder.
    fn answers(&self, judged: &BTreeMap<Chain, Vec<Seen>>, folder: &Folder) -> bool {
        judged.values().flatten().any(|one| one.asked && !one.is_gone() && one.name.folder == *folder)
    }

    /// Log files of the asked range beside which there is no digest of that range: said once of each folder. The digest of a
    /// young one may be on its way.
    fn without_digests(&mut self, folder: &Folder, when: When) {
        if matches!(when, When::Minute(minute) if minute >= self.request.now.plus(-5 * HOUR)) {
            return;
        }
        let mut said = Said::new(Kind::NoDigests, Severity::Incomplete).of(&folder.account, &folder.region);
        said.uri = Some(folder.log_uri());
        if time_of(when).overlaps(self.interval()) && !self.said.contains(&said) {
            self.said.push(said);
        }
    }

    /// Whether a file of that time would be listed by a digest that was read.
    fn is_searched(&self, judged: &BTreeMap<Chain, Vec<Seen>>, folder: &Folder, when: When) -> bool {
        let inner = covered_in(judged, folder).into_iter().filter_map(|it| it.shrink(EDGE));
        let asked = self.interval();
        let end = asked.end.min(self.settled(judged, folder));
        let asked = Interval { start: asked.start.min(end), end };
        inner.filter_map(|window| window.intersect(asked)).any(|window| window.overlaps(time_of(when)))
    }

    /// Whether a file is older than the record, where all there is was asked for.
    fn is_before(&self, judged: &BTreeMap<Chain, Vec<Seen>>, folder: &Folder, when: When) -> bool {
        let begins = judged.iter().filter(|(chain, _)| !chain.backfill).filter_map(|(_, seen)| {
            let here = seen.iter().filter(|one| !one.is_gone() && one.name.folder == *folder);
            let oldest = here.map(|one| one.name.end).min()?;
            let starts = seen.iter().any(|one| one.starts() && one.window().end == oldest);
            Some(if starts { oldest } else { oldest.plus(-HOUR) })
        });
        let began = Timestamp::parse_digest_field("2013-11-13T00:00:00Z").unwrap();
        let before = begins.min().and_then(|begins| Interval::new(began, begins.plus(-EDGE)));
        self.request.range.start.is_none() && before.is_some_and(|before| before.overlaps(time_of(when)))
    }

    /// Until when each trail that delivers to the folder has told what it delivered.
    fn settled(&self, judged: &BTreeMap<Chain, Vec<Seen>>, folder: &Folder) -> Timestamp {
        let grace = self.request.now.plus(-5 * HOUR);
        let ends = judged.iter().filter(|(chain, _)| !chain.backfill).filter_map(|(_, seen)| {
            let newest = seen.iter().filter(|one| one.proved).max_by_key(|one| one.window().end)?;
            (newest.name.folder == *folder || covers_in(seen, folder)).then(|| newest.window().end)
        });
        let settled = ends.map(|end| if end < grace { grace } else { end.plus(-EDGE) });
        settled.min().unwrap_or(Timestamp::from_unix(i64::MAX / 2))
    }
}

/// Whether a proved digest of a chain lies in a folder and covers anything.
fn covers_in(seen: &[Seen], folder: &Folder) -> bool {
    seen.iter().any(|one| one.proved && !one.starts() && one.name.folder == *folder)
}

/// What the chains cover that have proved digests in a folder, wherever their other digests lie, whatever was asked.
fn covered_in(judged: &BTreeMap<Chain, Vec<Seen>>, folder: &Folder) -> Vec<Interval> {
    let hourly = judged.iter().filter(|(chain, _)| !chain.backfill).map(|(_, seen)| seen);
    let here = hourly.filter(|seen| covers_in(seen, folder)).flatten();
    union(here.filter(|one| one.proved && !one.starts()).map(Seen::window).collect())
}

fn time_of(when: When) -> Interval {
    match when {
        When::Minute(minute) => Interval { start: minute, end: minute.plus(1) },
        When::Day(day) => Interval { start: day, end: day.plus(24 * HOUR) },
    }
}

/// The log files that proved digests list, witnesses and trails that were not asked for included.
fn listed_by(judged: &BTreeMap<Chain, Vec<Seen>>) -> BTreeSet<Location> {
    let documents = judged.values().flatten().filter(|one| one.proved).filter_map(Seen::document);
    documents.flat_map(|document| document.logs.iter().map(|log| log.location.clone())).collect()
}
