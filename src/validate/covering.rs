//! Finds the chains of a region that cover time which another chain of the region does not cover.
//!
//! A trail that is replaced, an account that joins an organization and a new home region all end a chain and begin
//! another. The gap remains a finding: an attacker can replace a trail by a trail that records nothing.

use super::request::ValidationRequest;
use crate::event::{CoveringChain, Fault, Finding};
use crate::ident::ChainId;
use crate::prove::ChainReport;
use crate::time::{Interval, Timestamp};

/// The most stretches to name in a finding.
const MAX_COVERING: usize = 16;

/// Notes on each finding on uncovered time which of the `covered` chains cover a part of it.
pub(super) fn note_covering(
    request: &ValidationRequest,
    chains: &mut [ChainReport],
    covered: &[(ChainId, Vec<Interval>)],
) {
    for chain in chains.iter_mut().filter(|chain| !chain.id.backfill) {
        for finding in &mut chain.findings {
            let Some(time) = uncovered_time(request, finding) else { continue };
            let others = covered.iter().filter(|(id, _)| *id != chain.id && !id.backfill);
            let stretches = others.flat_map(|(id, covered)| {
                let parts = covered.iter().filter_map(move |part| part.intersect(time));
                let parts = parts.filter(|part| part.seconds() > 0);
                parts.map(|stretch| CoveringChain { chain: id.clone(), stretch })
            });
            finding.covered_by = stretches.take(MAX_COVERING).collect();
        }
    }
}

/// The time that a finding calls uncovered; `None` for other findings. Before the record begins, that is the asked time.
fn uncovered_time(request: &ValidationRequest, finding: &Finding) -> Option<Interval> {
    match finding.fault {
        Fault::BeforeTheRecord | Fault::LoggingStopped | Fault::NotCovered | Fault::Stale { .. } => {
            Interval::new(finding.start?, finding.end?)
        }
        Fault::RecordBegins => {
            Interval::new(request.range.start.unwrap_or(Timestamp::from_unix(0)), finding.start?)
        }
        _ => None,
    }
}
