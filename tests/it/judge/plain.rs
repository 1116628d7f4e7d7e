//! What the verdict means (README.md), once more: one thing after another, all of the store read, nothing shared with the
//! engine but values.

use std::collections::{BTreeMap, BTreeSet};

use trailproof::event::{Kind, Reason, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::store::memory::MemoryStore;
use trailproof::time::{HOUR, Interval, Timestamp};
use trailproof::validate::ValidationRequest;

use super::chain::{self, Seen};
use super::coverage;
use super::document::Keys;
use super::names::{Chain, Folder, Name, Place};
use super::world::World;

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
    pub(super) fn new(kind: Kind, severity: Severity) -> Self {
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

    pub(super) fn of(mut self, account: &str, region: &str) -> Self {
        (self.account, self.region) = (Some(account.to_owned()), Some(region.to_owned()));
        self
    }

    pub(super) fn of_chain(mut self, chain: &Chain) -> Self {
        self.trail = Some(chain.trail.clone());
        self.of(&chain.account, &chain.region)
    }

    pub(super) fn about(mut self, location: &Location) -> Self {
        self.uri = Some(location.to_string());
        self
    }
}

/// What is asked, and what has been said so far.
pub(super) struct Judge<'a> {
    pub(super) world: World<'a>,
    keys: Keys,
    pub(super) request: &'a ValidationRequest,
    pub(super) said: Vec<Said>,
    pub(super) counted: Counted,
    covered: BTreeMap<Chain, Vec<Interval>>,
    /// The chains of which more than a notice is said.
    spoken: BTreeSet<Chain>,
}

pub(super) fn judge(store: &MemoryStore, keys_json: &str, request: &ValidationRequest) -> Judged {
    let mut judge = Judge {
        world: World::read(store),
        keys: Keys::read(keys_json),
        request,
        said: Vec::new(),
        counted: Counted::default(),
        covered: BTreeMap::new(),
        spoken: BTreeSet::new(),
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
    pub(super) fn asks(&self, account: &str, region: &str) -> bool {
        let takes = |list: &[String], one: &str| list.is_empty() || list.iter().any(|it| it == one);
        takes(&self.request.accounts, account) && takes(&self.request.regions, region)
    }

    pub(super) fn asks_trail(&self, chain: &Chain) -> bool {
        self.request.trails.is_empty() || self.request.trails.contains(&chain.trail)
    }

    pub(super) fn interval(&self) -> Interval {
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
        self.covering_nothing(&judged);
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
    pub(super) fn is_future(&self, name: &Name) -> bool {
        name.end > self.request.now.plus(HOUR)
    }

    pub(super) fn is_named(&self, folder: &Folder) -> bool {
        self.request.sources.iter().any(|source| source.bucket == folder.bucket)
    }

    pub(super) fn say_of(&mut self, chain: &Chain, said: Said) {
        if said.severity > Severity::Notice {
            self.spoken.insert(chain.clone());
        }
        self.said.push(said.of_chain(chain));
    }

    /// Chains of which the digests that start them are all there is, and nothing else is said.
    fn covering_nothing(&mut self, judged: &BTreeMap<Chain, Vec<Seen>>) {
        for (chain, seen) in judged.iter().filter(|(chain, _)| self.covered.contains_key(*chain)) {
            let covers = self.covered.get(chain).is_some_and(|covered| !covered.is_empty());
            if !covers && seen.iter().any(|one| one.asked) && !self.spoken.contains(chain) {
                self.said.push(Said::new(Kind::NoDigests, Severity::Incomplete).of_chain(chain));
            }
        }
    }

    fn digests(&mut self, chain: &Chain, seen: &[Seen]) {
        for one in seen.iter().filter(|one| one.asked) {
            for (kind, severity) in one.said.iter().chain(&one.late) {
                let mut said = Said::new(*kind, *severity).about(&one.name.location());
                if one.is_gone() {
                    (said.start, said.end) = (Some(one.window().start), Some(one.window().end));
                }
                self.say_of(chain, said);
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
            let mut said = Said::new(stretch.kind, stretch.severity);
            (said.start, said.end, said.reason) = (stretch.start, stretch.end, stretch.reason);
            said.uri = stretch.about.map(|about| seen[about].name.location().to_string());
            self.say_of(chain, said);
        }
    }
}
