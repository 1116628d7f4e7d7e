//! What was asked by name, and whether anything answers to it.

use std::collections::{BTreeMap, BTreeSet};

use super::Request;
use crate::event::{Finding, Kind};
use crate::ident::ChainId;
use crate::time::{DELIVERY_GRACE, Timestamp};

/// Which accounts, regions and trails had a digest in range, and whether anything else was said.
#[derive(Default)]
pub(super) struct Answered {
    chains: BTreeSet<[String; 3]>,
    pub(super) said: bool,
}

impl Answered {
    /// Notes that `id` has a digest of the asked range.
    pub(super) fn by(&mut self, id: &ChainId) {
        self.chains.insert([&id.account, &id.region, &id.trail].map(|name| name.to_string()));
    }

    /// A trail that was named in full records in its home region at any rate, and in each region of which CloudTrail says
    /// that it delivered a digest of the asked time.
    fn unanswered_trails(&self, request: &Request) -> Vec<Finding> {
        let is_asked = |names: &[String], name: &String| names.is_empty() || names.contains(name);
        let mut findings = Vec::new();
        for trail in &request.named {
            if !is_asked(&request.accounts, &trail.account) || !is_asked(&request.trails, &trail.name) {
                continue;
            }
            let is_current = |latest: &Timestamp| {
                request.range.start.is_none_or(|start| start < *latest)
                    && latest.plus(-DELIVERY_GRACE) <= request.range.end
            };
            let mut expected: BTreeMap<String, Option<Timestamp>> = trail
                .deliveries
                .regions()
                .into_iter()
                .filter(|(_, latest)| is_current(latest))
                .map(|(region, latest)| (region, Some(latest)))
                .collect();
            expected.insert(trail.home_region.clone(), trail.deliveries.latest(&trail.home_region));
            for (region, latest) in
                expected.into_iter().filter(|(region, _)| is_asked(&request.regions, region))
            {
                let place = [&trail.account, &region, &trail.name].map(|name| Some(name.clone()));
                let [account, region, name] = &place;
                if !self.has([account, region, name]) {
                    findings.push(undelivered([account, region, name], request.range.end, latest));
                }
            }
        }
        findings
    }

    /// What was asked by name and not found is said, each account × region × trail that was named: nothing found is
    /// never success.
    pub(super) fn unanswered(&self, request: &Request) -> Vec<Finding> {
        let named = |names: &[String]| match names {
            [] => vec![None],
            names => names.iter().cloned().map(Some).collect(),
        };
        let (accounts, regions, trails) =
            (named(&request.accounts), named(&request.regions), named(&request.trails));
        let mut findings = self.unanswered_trails(request);
        if !findings.is_empty() {
            return findings;
        }
        for account in &accounts {
            for region in &regions {
                for trail in &trails {
                    let asked = [account, region, trail];
                    if !self.has(asked) && (asked.iter().any(|name| name.is_some()) || !self.said) {
                        findings.push(no_digests(asked, request.range.end));
                    }
                }
            }
        }
        findings
    }

    /// Whether a chain was found that has each of the names that are given.
    fn has(&self, asked: [&Option<String>; 3]) -> bool {
        let fits = |chain: &[String; 3]| {
            asked.iter().zip(chain).all(|(asked, name)| asked.as_ref().is_none_or(|asked| asked == name))
        };
        self.chains.iter().any(fits)
    }
}

/// Says that there is no digest of a trail, of which CloudTrail says that it delivered one at `latest`.
fn undelivered(asked: [&Option<String>; 3], at: Timestamp, latest: Option<Timestamp>) -> Finding {
    let mut finding = no_digests(asked, at);
    if let Some(latest) = latest {
        let said = format!("; CloudTrail says that it delivered one at {latest}, here or elsewhere");
        finding.message.push_str(&said);
    }
    finding
}

fn no_digests(asked: [&Option<String>; 3], at: Timestamp) -> Finding {
    let words = ["account", "region", "trail"].iter().zip(asked);
    let named: Vec<String> = words
        .filter_map(|(word, name)| Some(format!("{word} `{}`", name.as_ref()?.escape_debug())))
        .collect();
    let message = match named.as_slice() {
        [] => "no digest was found for what was asked".to_owned(),
        named => format!("no digest of the asked range was found for {}", named.join(", ")),
    };
    let [account, region, trail] = asked.map(Clone::clone);
    Finding { account, region, trail, ..Finding::new(Kind::NoDigests, at, message) }
}
