//! The rules of DESIGN.md, section 1, once more: one thing after another, all of the store read, nothing shared with the
//! engine but values.

use std::collections::{BTreeMap, BTreeSet};

use trailproof::event::{Kind, Reason, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::store::memory::MemoryStore;
use trailproof::time::{HOUR, Interval, Timestamp, union};
use trailproof::validate::Request;

use super::chain::{self, Seen};
use super::coverage;
use super::document::{Keys, inflate, sha256};
use super::names::{Chain, Folder, Name, Place, When};
use super::world::{Object, World};

/// How near the edges of the covered time nothing is said of files that no digest lists, in seconds.
const EDGE: i64 = 35 * 60;

/// A finding, by what identifies it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Said {
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
    pub(super) trail: Option<String>,
    pub(super) uri: Option<String>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) reason: Option<Reason>,
}

/// How many ended how.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Counted {
    /// Valid, tampered, unverified.
    pub(super) digests: [u64; 3],
    /// Valid, tampered, unverified, unreferenced.
    pub(super) logs: [u64; 4],
}

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) said: Vec<Said>,
    pub(super) counted: Counted,
    pub(super) covered: BTreeMap<Chain, Vec<Interval>>,
}

impl Said {
    fn new(kind: Kind, severity: Severity) -> Self {
        let none = || None;
        Self {
            kind,
            severity,
            account: none(),
            region: none(),
            trail: none(),
            uri: none(),
            start: None,
            end: None,
            reason: None,
        }
    }

    fn of(mut self, account: &str, region: &str) -> Self {
        (self.account, self.region) = (Some(account.to_owned()), Some(region.to_owned()));
        self
    }

    fn of_chain(mut self, chain: &Chain) -> Self {
        self.trail = Some(chain.trail.clone());
        self.of(&chain.account, &chain.region)
    }

    fn about(mut self, location: &Location) -> Self {
        self.uri = Some(location.to_string());
        self
    }
}

/// What is asked, and what has been said so far.
struct Judge<'a> {
    world: World<'a>,
    keys: Keys,
    request: &'a Request,
    said: Vec<Said>,
    counted: Counted,
    covered: BTreeMap<Chain, Vec<Interval>>,
}

pub(super) fn judge(store: &MemoryStore, keys_json: &str, request: &Request) -> Judged {
    let mut judge = Judge {
        world: World::read(store),
        keys: Keys::read(keys_json),
        request,
        said: Vec::new(),
        counted: Counted::default(),
        covered: BTreeMap::new(),
    };
    judge.all();
    judge.said.sort();
    let worst = judge.said.iter().map(|said| said.severity).max();
    Judged {
        verdict: Verdict::from_worst(worst, judge.counted.digests[0]),
        said: judge.said,
        counted: judge.counted,
        covered: judge.covered,
    }
}

impl Judge<'_> {
    fn asks(&self, account: &str, region: &str) -> bool {
        let takes = |list: &[String], one: &str| list.is_empty() || list.iter().any(|it| it == one);
        takes(&self.request.accounts, account) && takes(&self.request.regions, region)
    }

    fn asks_trail(&self, chain: &Chain) -> bool {
        self.request.trails.is_empty() || self.request.trails.contains(&chain.trail)
    }

    fn interval(&self) -> Interval {
        let start = self.request.range.start.unwrap_or(Timestamp::from_unix(i64::MIN / 2));
        Interval { start, end: self.request.range.end }
    }

    fn all(&mut self) {
        for _ in 0..self.keys.rejected {
            let mut said = Said::new(Kind::KeyUnknown, Severity::Notice);
            said.uri = Some("public-keys.json".to_owned());
            self.said.push(said);
        }
        let chains = self.listed();
        let judged: BTreeMap<Chain, Vec<Seen>> = chains
            .into_iter()
            .map(|(chain, names)| {
                let (listed, elsewhere) = names.into_iter().partition(|name| self.is_named(&name.folder));
                let range = self.request.range;
                (chain, chain::judge(&self.world, &self.keys, listed, elsewhere, range))
            })
            .collect();
        for (chain, seen) in &judged {
            if self.asks_trail(chain) {
                self.digests(chain, seen);
                self.coverage(chain, seen);
                self.logs(chain, seen);
            }
        }
        self.unverifiable(&judged);
        self.unreferenced(&judged);
        self.unrecognised();
        self.nothing_found(&judged);
    }

    /// The digests of each chain, wherever in the buckets they lie.
    fn listed(&self) -> BTreeMap<Chain, Vec<Name>> {
        let mut chains: BTreeMap<Chain, Vec<Name>> = BTreeMap::new();
        for (_, place) in self.world.places() {
            let Place::Digest(folder, Some(name)) = place else { continue };
            if self.asks(&folder.account, &folder.region) && !self.is_future(&name) {
                chains.entry(name.chain.clone()).or_default().push(name);
            }
        }
        // A chain that was moved is followed; one that nothing in the named buckets leads to is not looked at.
        chains.retain(|_, names| names.iter().any(|name| self.is_named(&name.folder)));
        chains
    }

    /// A digest that ends after now is none: an hour is left for clocks that differ.
    fn is_future(&self, name: &Name) -> bool {
        name.end > self.request.now.plus(HOUR)
    }

    fn is_named(&self, folder: &Folder) -> bool {
        self.request.sources.iter().any(|source| source.bucket == folder.bucket)
    }

    fn digests(&mut self, chain: &Chain, seen: &[Seen]) {
        for one in seen.iter().filter(|one| one.asked) {
            for (kind, severity) in &one.said {
                let mut said = Said::new(*kind, *severity).of_chain(chain).about(&one.name.location());
                if one.is_gone() {
                    (said.start, said.end) = (Some(one.window().start), Some(one.window().end));
                }
                self.said.push(said);
            }
            let worst = one.said.iter().map(|(_, severity)| *severity).max();
            self.counted.digests[match worst {
                Some(Severity::Tampered) => 1,
                Some(Severity::Incomplete) => 2,
                Some(Severity::Notice) | None => 0,
            }] += 1;
        }
    }

    fn coverage(&mut self, chain: &Chain, seen: &[Seen]) {
        if chain.backfill {
            return;
        }
        self.covered.insert(chain.clone(), coverage::covered(seen, self.interval()));
        for stretch in coverage::judge(seen, self.request.range, self.request.now) {
            let mut said = Said::new(stretch.kind, stretch.severity).of_chain(chain);
            (said.start, said.end, said.reason) = (stretch.start, stretch.end, stretch.reason);
            said.uri = stretch.about.map(|about| seen[about].name.location().to_string());
            self.said.push(said);
        }
    }

    /// The log files that proved digests list.
    fn logs(&mut self, chain: &Chain, seen: &[Seen]) {
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
            self.said.push(Said::new(kind, kind.severity()).of_chain(chain).about(location));
        }
    }

    /// Log files that only digests list which are not proved. Regions of accounts are judged each by itself, so that what
    /// a digest of one claims to list in another is nobody's there.
    fn unverifiable(&mut self, judged: &BTreeMap<Chain, Vec<Seen>>) {
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
    fn unreferenced(&mut self, judged: &BTreeMap<Chain, Vec<Seen>>) {
        let told: BTreeSet<(Option<String>, Option<String>, Option<String>)> = self
            .said
            .iter()
            .map(|said| (said.account.clone(), said.region.clone(), said.uri.clone()))
            .collect();
        let known = listed_by(judged);
        let places: Vec<_> = self.world.places().map(|(location, place)| (location.clone(), place)).collect();
        for (location, place) in places {
            let Place::Log(folder, Some(when)) = place else { continue };
            let is_asked = self.asks(&folder.account, &folder.region) && self.is_named(&folder);
            let here =
                (Some(folder.account.clone()), Some(folder.region.clone()), Some(location.to_string()));
            let is_known = known.contains(&location) || told.contains(&here);
            if !is_asked || is_known {
                continue;
            }
            if !self.answers(judged, &folder) {
                self.without_digests(&folder, when);
            } else if self.is_searched(judged, &folder, when) {
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

    /// Log files of the asked range beside which there is no digest of that range: said once of each folder.
    fn without_digests(&mut self, folder: &Folder, when: When) {
        let mut said = Said::new(Kind::NoDigests, Severity::Incomplete).of(&folder.account, &folder.region);
        said.uri = Some(folder.log_uri());
        if time_of(when).overlaps(self.interval()) && !self.said.contains(&said) {
            self.said.push(said);
        }
    }

    /// Whether a file of that time would be listed by a digest that was read.
    fn is_searched(&self, judged: &BTreeMap<Chain, Vec<Seen>>, folder: &Folder, when: When) -> bool {
        let hourly = judged.iter().filter(|(chain, _)| !chain.backfill);
        let here = hourly.flat_map(|(_, seen)| seen).filter(|one| one.proved && one.name.folder == *folder);
        let inner = union(here.map(Seen::window).collect()).into_iter().filter_map(|it| it.shrink(EDGE));
        let asked = self.interval();
        let end = asked.end.min(self.on_its_way(judged, folder));
        let asked = Interval { start: asked.start.min(end), end };
        inner.filter_map(|window| window.intersect(asked)).any(|window| window.overlaps(time_of(when)))
    }

    /// From when on the next digest of some trail that delivers to the folder may still be on its way.
    fn on_its_way(&self, judged: &BTreeMap<Chain, Vec<Seen>>, folder: &Folder) -> Timestamp {
        let ends = judged.iter().filter(|(chain, _)| !chain.backfill).filter_map(|(_, seen)| {
            let newest = seen.iter().rfind(|one| !one.is_gone())?;
            let proved = seen.iter().filter(|one| one.proved && one.asked);
            proved.map(|one| one.window().end).max().filter(|_| newest.name.folder == *folder)
        });
        let late = ends.filter(|end| end.plus(5 * HOUR) >= self.request.now);
        late.min().unwrap_or(Timestamp::from_unix(i64::MAX / 2))
    }

    fn unrecognised(&mut self) {
        let places: Vec<_> = self.world.places().map(|(location, place)| (location.clone(), place)).collect();
        for (location, place) in places {
            let Place::Digest(folder, name) = place else { continue };
            let is_digest = name.is_some_and(|name| !self.is_future(&name));
            if !is_digest && self.asks(&folder.account, &folder.region) && self.is_named(&folder) {
                let said = Said::new(Kind::ObjectUnrecognised, Severity::Notice);
                self.said.push(said.of(&folder.account, &folder.region).about(&location));
            }
        }
    }

    /// Parts of what was asked in which there is no digest at all.
    fn nothing_found(&mut self, judged: &BTreeMap<Chain, Vec<Seen>>) {
        self.backfill_alone(judged);
        if self.request.trails.is_empty() {
            self.silent_regions(judged);
        }
        let is_silent = self.said.iter().all(|said| said.severity == Severity::Notice);
        self.named_and_absent(judged, is_silent);
    }

    fn has_digests(seen: &[Seen]) -> bool {
        seen.iter().any(|one| one.asked)
    }

    /// A trail with backfill digests in range and no hourly ones.
    fn backfill_alone(&mut self, judged: &BTreeMap<Chain, Vec<Seen>>) {
        let speaks = |judge: &Self, chain: &Chain| {
            let is_gap = |said: &&Said| matches!(said.kind, Kind::ChainGap | Kind::ChainStale);
            let of = |said: &Said| (said.account.clone(), said.region.clone(), said.trail.clone());
            let names = [&chain.account, &chain.region, &chain.trail].map(|name| Some(name.clone()));
            judge.said.iter().filter(is_gap).any(|said| of(said) == names.clone().into())
        };
        let mut alone = Vec::new();
        for (chain, seen) in judged {
            let is_hourly = |other: &Chain| {
                let same = (&other.account, &other.region, &other.trail, &other.home);
                !other.backfill && same == (&chain.account, &chain.region, &chain.trail, &chain.home)
            };
            let hourly = judged
                .iter()
                .any(|(other, seen)| is_hourly(other) && (Self::has_digests(seen) || speaks(self, other)));
            if chain.backfill && self.asks_trail(chain) && Self::has_digests(seen) && !hourly {
                alone.push(Said::new(Kind::NoDigests, Severity::Incomplete).of_chain(chain));
            }
        }
        self.said.extend(alone);
    }

    /// A region with a digest folder of which nothing else is said, and no digest is in range.
    fn silent_regions(&mut self, judged: &BTreeMap<Chain, Vec<Seen>>) {
        let regions: BTreeSet<(String, String)> = self
            .world
            .places()
            .filter_map(|(_, place)| match place {
                Place::Digest(folder, _) if self.is_named(&folder) => Some((folder.account, folder.region)),
                _ => None,
            })
            .filter(|(account, region)| self.asks(account, region))
            .collect();
        for (account, region) in regions {
            let is_here = |chain: &&Chain| chain.account == account && chain.region == region;
            let answers = judged.iter().any(|(chain, seen)| is_here(&chain) && Self::has_digests(seen));
            let is_said = self.said.iter().any(|said| {
                said.severity > Severity::Notice
                    && said.account.as_ref() == Some(&account)
                    && said.region.as_ref() == Some(&region)
            });
            if !answers && !is_said {
                self.said.push(Said::new(Kind::NoDigests, Severity::Incomplete).of(&account, &region));
            }
        }
    }

    /// Every account, region and trail that was named has to be there, and something has to be said of what was not.
    fn named_and_absent(&mut self, judged: &BTreeMap<Chain, Vec<Seen>>, is_silent: bool) {
        let each = |list: &[String]| -> Vec<Option<String>> {
            if list.is_empty() { vec![None] } else { list.iter().cloned().map(Some).collect() }
        };
        let request = self.request;
        for account in each(&request.accounts) {
            for region in each(&request.regions) {
                for trail in each(&request.trails) {
                    let fits = |name: &Option<String>, is: &str| name.as_ref().is_none_or(|name| name == is);
                    let is_there = judged.iter().any(|(chain, seen)| {
                        self.asks_trail(chain)
                            && Self::has_digests(seen)
                            && fits(&account, &chain.account)
                            && fits(&region, &chain.region)
                            && fits(&trail, &chain.trail)
                    });
                    let names_any = account.is_some() || region.is_some() || trail.is_some();
                    if !is_there && (names_any || is_silent) {
                        let mut said = Said::new(Kind::NoDigests, Severity::Incomplete);
                        (said.account, said.region, said.trail) = (account.clone(), region.clone(), trail);
                        self.said.push(said);
                    }
                }
            }
        }
    }
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
