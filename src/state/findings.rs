//! Findings over time: which are new, known, accepted and resolved.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{MAX_FINDINGS, RememberedFinding, StateDocument};
use crate::event::{FaultCause, Finding, FindingMemory, FindingStatus, Kind, ResolvedFinding, Severity};
use crate::time::{HOUR, Interval, Timestamp};
use crate::validate::EDGE;

impl RememberedFinding {
    /// A finding that a run saw first at `first_seen`. `None` for a notice, which is not remembered, and for a finding
    /// whose id does not stand for the content that was seen.
    pub(super) fn of(finding: &Finding, id: String, first_seen: Timestamp) -> Option<Self> {
        (finding.severity > Severity::Notice && finding.is_identified()).then(|| Self {
            id,
            copy: finding.copy.clone(),
            unseen: !finding.is_of_seen_object(),
            first_seen,
            kind: finding.kind,
            severity: finding.severity,
            cause: finding.fault.cause().map(str::to_owned),
            chain: finding.chain(),
            account: finding.account.clone(),
            region: finding.region.clone(),
            uri: finding.uri.clone(),
            start: finding.start,
            end: finding.end,
            at: finding.at,
            accepted: None,
        })
    }

    /// Whether the finding names each object that it is about, and the object was seen. A cause that this version does not
    /// know is refused.
    pub(super) fn is_acceptable(&self) -> bool {
        let cause = self.cause.as_deref().map(FaultCause::parse);
        !self.unseen && cause.is_none_or(|cause| cause.is_some_and(FaultCause::is_acceptable))
    }

    /// Whether somebody accepted the finding. An earlier version let people accept findings that name no object; these
    /// acceptances do not count.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.accepted.is_some() && self.is_acceptable()
    }

    /// The time that the finding is about. A newest digest that is too old is about the time after its end, however far
    /// the asked end is.
    pub(super) fn stretch(&self) -> Interval {
        let end = self.end.unwrap_or(self.at);
        match (self.kind, self.start) {
            (Kind::ChainStale, Some(start)) => Interval { start, end: start.plus(HOUR) },
            (Kind::ChainRestart, Some(start)) => Interval { start: start.plus(-1), end: start },
            (_, Some(start)) => Interval { start, end: end.max(start) },
            (_, None) => Interval { start: end.plus(-1), end },
        }
    }

    /// The time that has to be searched to find the finding again. An object outside of the days' folders is found in every
    /// run; nothing is said of others near the edges of covered time.
    pub(super) fn searched(&self) -> Interval {
        let Interval { start, end } = self.stretch();
        match self.kind {
            Kind::LogUnreferenced if self.at > Timestamp::from_unix(0) => {
                Interval { start: start.plus(-EDGE), end: end.plus(EDGE) }
            }
            Kind::LogUnreferenced => Interval { start, end: start },
            _ => Interval { start, end },
        }
    }

    pub(super) fn as_resolved(&self) -> ResolvedFinding {
        let mut resolved = ResolvedFinding::new(self.id.clone(), self.first_seen, self.kind);
        resolved.account.clone_from(&self.account);
        resolved.region.clone_from(&self.region);
        resolved.trail = self.chain.as_ref().map(|chain| chain.trail.to_string());
        resolved.uri.clone_from(&self.uri);
        (resolved.start, resolved.end) = (self.start, self.end);
        resolved
    }
}

/// Gives `finding` what memory knows of it, and turns an accepted finding into a notice.
pub(super) fn annotate(
    finding: Finding,
    id: String,
    known: Option<&RememberedFinding>,
    now: Timestamp,
) -> Finding {
    if finding.severity == Severity::Notice {
        return Finding { memory: Some(Box::new(FindingMemory::of(id))), ..finding };
    }
    let acceptance = known.and_then(RememberedFinding::acceptance).filter(|_| finding.is_of_seen_object());
    let mut memory = FindingMemory::of(id);
    memory.first_seen = Some(known.map_or(now, |known| known.first_seen));
    memory.status = Some(if known.is_some() { FindingStatus::Known } else { FindingStatus::New });
    memory.accepted.clone_from(&acceptance);
    let finding = Finding { memory: Some(Box::new(memory)), ..finding };
    match acceptance {
        Some(acceptance) => finding.as_accepted(&acceptance),
        None => finding,
    }
}

/// What a run changes in the findings of a file.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct FindingUpdate {
    pub(super) seen: Vec<RememberedFinding>,
    /// Ids of findings that are resolved.
    pub(super) resolved: BTreeSet<String>,
}

impl FindingUpdate {
    pub(super) fn apply(&self, document: &mut StateDocument) {
        document.findings.retain(|finding| !self.resolved.contains(&finding.id));
        // A known finding stays as it is: somebody may have accepted it since the run began.
        let new = self.new_in(document);
        let room = MAX_FINDINGS.saturating_sub(document.findings.len());
        document.findings.extend(new.into_iter().take(room).cloned());
        document.findings.sort_by(|one, other| one.id.cmp(&other.id));
    }

    /// How many findings a document has no room for.
    pub(super) fn without_room_in(&self, document: &StateDocument) -> usize {
        let kept = document.findings.iter().filter(|finding| !self.resolved.contains(&finding.id)).count();
        (kept + self.new_in(document).len()).saturating_sub(MAX_FINDINGS)
    }

    /// The findings that a document does not have, by id.
    fn new_in(&self, document: &StateDocument) -> Vec<&RememberedFinding> {
        let known: BTreeSet<&str> = document.findings.iter().map(|finding| finding.id.as_str()).collect();
        let new = self.seen.iter().filter(|seen| !known.contains(seen.id.as_str()));
        let new: BTreeMap<&str, &RememberedFinding> = new.map(|seen| (seen.id.as_str(), seen)).collect();
        new.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Fault;
    use crate::state::{RunStamp, StateScope};

    fn finding(number: usize) -> RememberedFinding {
        let now = Timestamp::from_unix(0);
        let found = Finding::new(Fault::DigestReadsDiffer, now);
        RememberedFinding::of(&found, format!("{number:032x}"), now).unwrap()
    }

    #[test]
    fn findings_without_room_are_counted() {
        let run = RunStamp { id: "run".to_owned(), at: Timestamp::from_unix(0) };
        let document = || StateDocument::new(StateScope::Run { sources: Vec::new() }, run.clone());
        let update = |numbers: std::ops::Range<usize>, resolved: std::ops::Range<usize>| FindingUpdate {
            seen: numbers.map(finding).collect(),
            resolved: resolved.map(|number| finding(number).id).collect(),
        };
        for (before, seen, resolved, kept, left) in [
            (0..0, 0..10, 0..0, 10, 0),
            (0..10, 5..15, 0..0, 15, 0),
            (0..10, 5..15, 0..3, 12, 0),
            (0..0, 0..MAX_FINDINGS + 7, 0..0, MAX_FINDINGS, 7),
            (0..MAX_FINDINGS, 0..MAX_FINDINGS + 7, 0..0, MAX_FINDINGS, 7),
            (0..MAX_FINDINGS, 0..MAX_FINDINGS, 0..0, MAX_FINDINGS, 0),
            (0..MAX_FINDINGS, 7..MAX_FINDINGS + 7, 0..7, MAX_FINDINGS, 0),
        ] {
            let mut state = document();
            update(before.clone(), 0..0).apply(&mut state);
            assert_eq!(state.findings.len(), before.len());
            let update = update(seen, resolved);
            assert_eq!(update.without_room_in(&state), left);
            update.apply(&mut state);
            assert_eq!(state.findings.len(), kept);
            assert!(state.findings.is_sorted_by(|one, other| one.id < other.id));
        }
    }
}
