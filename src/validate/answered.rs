//! What was asked by name, and whether anything answers to it.

use std::collections::BTreeSet;

use super::Request;
use crate::event::{Finding, Kind};
use crate::ident::ChainId;
use crate::time::Timestamp;

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

    /// A trail that was named in full records in its home region at any rate.
    fn unanswered_trails(&self, request: &Request) -> Vec<Finding> {
        let is_asked = |names: &[String], name: &String| names.is_empty() || names.contains(name);
        let mut findings = Vec::new();
        for trail in &request.named {
            let place = [&trail.account, &trail.home_region, &trail.name].map(|name| Some(name.clone()));
            let [account, region, name] = &place;
            let is_asked = is_asked(&request.accounts, &trail.account)
                && is_asked(&request.regions, &trail.home_region)
                && is_asked(&request.trails, &trail.name);
            if is_asked && !self.has([account, region, name]) {
                let mut finding = no_digests([account, region, name], request.range.end);
                if let Some(latest) = trail.deliveries.latest(&trail.home_region) {
                    let said =
                        format!("; CloudTrail says that it delivered one at {latest}, here or elsewhere");
                    finding.message.push_str(&said);
                }
                findings.push(finding);
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
