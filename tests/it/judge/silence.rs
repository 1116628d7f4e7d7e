//! What is to be said where there is no digest.

use std::collections::{BTreeMap, BTreeSet};

use trailproof::event::{Kind, Severity};

use super::chain::Seen;
use super::names::{Chain, Place};
use super::plain::{Judge, Said};

impl Judge<'_> {
    /// Objects in digest folders that are called as no digest is.
    pub(super) fn unrecognised(&mut self) {
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
    pub(super) fn nothing_found(&mut self, judged: &BTreeMap<Chain, Vec<Seen>>) {
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
            .all()
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
