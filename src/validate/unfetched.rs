//! Joins the findings on digests of a region whose keys could not be fetched: CloudTrail refuses a region as a whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Fault, Finding, KeyLack, Severity};
use crate::prove::ChainReport;
use crate::time::Timestamp;

/// The digests without keys, for each region and severity: a digest that its successor proves is a notice.
#[derive(Default)]
pub(super) struct UnfetchedKeys {
    regions: BTreeMap<(String, Severity), RegionWithoutKeys>,
}

/// The digests of a region without keys.
struct RegionWithoutKeys {
    digests: u64,
    /// Log files that only these digests list.
    logs: u64,
    /// The reason for the first digest.
    why: String,
}

impl UnfetchedKeys {
    /// Takes the findings on digests without keys, and on the log files that only these digests list.
    pub(super) fn take_from(chains: &mut [ChainReport]) -> Self {
        let mut unfetched = Self::default();
        let mut digests: BTreeSet<String> = BTreeSet::new();
        for chain in chains.iter_mut() {
            chain.findings.retain(|finding| match reason(finding) {
                Some(why) => {
                    let of_region = unfetched.of_region(&chain.id.region, finding.severity, why);
                    of_region.digests += 1;
                    digests.extend(finding.uri.clone());
                    false
                }
                None => true,
            });
        }
        for chain in chains.iter_mut().filter(|_| !digests.is_empty()) {
            chain.findings.retain(|finding| {
                let logs = match finding.fault {
                    Fault::ClaimedLog => 1,
                    Fault::ClaimedLogs { count } => count,
                    _ => return true,
                };
                let is_of_digest = finding.digest.as_ref().is_some_and(|digest| digests.contains(digest));
                let key = (chain.id.region.to_string(), Severity::Incomplete);
                let Some(of_region) = unfetched.regions.get_mut(&key).filter(|_| is_of_digest) else {
                    return true;
                };
                of_region.logs = of_region.logs.saturating_add(logs);
                false
            });
        }
        unfetched
    }

    fn of_region(&mut self, region: &str, severity: Severity, why: &str) -> &mut RegionWithoutKeys {
        let new = || RegionWithoutKeys { digests: 0, logs: 0, why: why.to_owned() };
        self.regions.entry((region.to_owned(), severity)).or_insert_with(new)
    }

    /// Adds the digests of another account.
    pub(super) fn add(&mut self, other: Self) {
        for ((region, severity), added) in other.regions {
            let of_region = self.of_region(&region, severity, &added.why);
            of_region.digests = of_region.digests.saturating_add(added.digests);
            of_region.logs = of_region.logs.saturating_add(added.logs);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.regions.is_empty()
    }

    pub(super) fn is_grave(&self) -> bool {
        self.regions.keys().any(|(_, severity)| *severity > Severity::Notice)
    }

    /// A finding for each region.
    pub(super) fn findings(self) -> Vec<Finding> {
        let finding = |((region, severity), without): ((String, Severity), RegionWithoutKeys)| {
            let RegionWithoutKeys { digests, logs, why } = without;
            let fault = Fault::KeysUnfetched { digests, logs, why };
            Finding { severity, region: Some(region), ..Finding::new(fault, Timestamp::from_unix(0)) }
        };
        self.regions.into_iter().map(finding).collect()
    }
}

/// Why the keys for a digest could not be fetched; `None` for other findings.
fn reason(finding: &Finding) -> Option<&str> {
    match &finding.fault {
        Fault::NoKey { lack: KeyLack::Unreachable { why, .. }, .. } => Some(why),
        _ => None,
    }
}
