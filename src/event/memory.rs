//! What the memory of runs knows of findings.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Fault, Finding, Kind, Severity};
use crate::time::Timestamp;

/// What memory knows of a finding. Only runs with a memory give findings this field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FindingMemory {
    /// The finding's id, the same in each run: see [`Finding::id`].
    pub id: String,
    /// When a run first saw the finding; `None` for a notice, which is not remembered.
    pub first_seen: Option<Timestamp>,
    /// Whether an earlier run saw the finding; `None` for a notice.
    pub status: Option<FindingStatus>,
    /// Who accepted the finding; `None` for a finding that nobody accepted.
    pub accepted: Option<Acceptance>,
}

/// Whether an earlier run saw a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingStatus {
    /// No earlier run saw the finding.
    New,
    /// An earlier run saw the finding.
    Known,
}

impl FindingStatus {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Known => "known",
        }
    }
}

/// The acceptance of a finding by a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Acceptance {
    /// The kind that the finding has without the acceptance.
    pub kind: Kind,
    /// The severity that the finding has without the acceptance.
    pub severity: Severity,
    /// The reason.
    pub reason: String,
    /// The person.
    pub by: String,
    /// When the person accepted the finding.
    pub at: Timestamp,
}

/// A finding of an earlier run that the present run looked for and did not find again.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResolvedFinding {
    /// The finding's id.
    pub id: String,
    /// When a run first saw the finding.
    pub first_seen: Timestamp,
    /// Kind of the finding.
    pub kind: Kind,
    /// Account id; `None` for a finding that concerned no single account.
    pub account: Option<String>,
    /// Region; `None` for a finding that concerned no single region.
    pub region: Option<String>,
    /// Trail; `None` for a finding that concerned no single trail.
    pub trail: Option<String>,
    /// The object, as `s3://BUCKET/KEY`.
    pub uri: Option<String>,
    /// Start of the stretch of time.
    #[serde(default)]
    pub start: Option<Timestamp>,
    /// End of the stretch of time.
    #[serde(default)]
    pub end: Option<Timestamp>,
}

impl FindingMemory {
    /// The id alone, of a finding that memory does not keep.
    #[must_use]
    pub const fn of(id: String) -> Self {
        Self { id, first_seen: None, status: None, accepted: None }
    }
}

impl Acceptance {
    /// An acceptance of a finding of `kind` and `severity`.
    #[must_use]
    pub const fn new(kind: Kind, severity: Severity, reason: String, by: String, at: Timestamp) -> Self {
        Self { kind, severity, reason, by, at }
    }
}

impl ResolvedFinding {
    /// A finding with `id` that concerned no single account, region, trail or object.
    #[must_use]
    pub const fn new(id: String, first_seen: Timestamp, kind: Kind) -> Self {
        Self {
            id,
            first_seen,
            kind,
            account: None,
            region: None,
            trail: None,
            uri: None,
            start: None,
            end: None,
        }
    }
}

impl Finding {
    /// The id of the finding: 128 bits in hex of a SHA-256 over what was seen, but not over messages. The same
    /// observation has the same id in each run; an observation that changes in any way has another id: also where the
    /// report shows no difference, such as another content of an object that no digest lists.
    ///
    /// The end of a [`Kind::ChainStale`] finding is the asked end, which moves with each run, so it does not count.
    #[must_use]
    pub fn id(&self) -> String {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let end = time(self.end.filter(|_| self.kind != Kind::ChainStale));
        let (start, count) = (time(self.start), self.fault.count().map(|count| count.to_string()));
        let backfill = self.backfill.map(|backfill| if backfill { "backfill" } else { "hourly" });
        let fields = [
            Some(self.kind.as_str()),
            self.fault.cause(),
            self.account.as_deref(),
            self.region.as_deref(),
            self.trail.as_deref(),
            self.home_region.as_deref(),
            self.organization.as_deref(),
            backfill,
            self.uri.as_deref(),
            self.digest.as_deref(),
            start.as_deref(),
            end.as_deref(),
            self.reason.map(super::Reason::as_str),
            self.expected.as_deref(),
            self.actual.as_deref(),
            count.as_deref(),
        ];
        let objects = self.objects.iter().map(|object| Some(object.as_str()));
        // The name of each part keeps the parts apart. A finding without such evidence has the same id as before.
        let content = self.content.iter().map(|content| ("content", content.clone()));
        let copy = self.copy.iter().map(|copy| ("copy", copy.clone()));
        let evidence = content.chain(copy).chain(self.fault.evidence().0);
        let evidence: Vec<String> =
            evidence.map(|(name, value)| format!("evidence:{name}:{value}")).collect();
        let mut hasher = Sha256::new();
        for field in fields.into_iter().chain(objects).chain(evidence.iter().map(|part| Some(part.as_str())))
        {
            // A missing field differs from an empty one, and lengths keep neighbours apart.
            hasher.update([u8::from(field.is_some())]);
            let field = field.unwrap_or_default();
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        let mut hex = hex::encode(hasher.finalize());
        hex.truncate(32);
        hex
    }
}

impl Fault {
    /// The number of objects that a finding counts; `None` for a finding without a count.
    #[must_use]
    pub const fn count(&self) -> Option<u64> {
        match self {
            Self::ClaimedLogs { count }
            | Self::LogsInterrupted { count }
            | Self::UnlistedLogs { count, .. }
            | Self::MoreUnlisted { count }
            | Self::MoreStrayDigests { count }
            | Self::MoreJunk { count, .. }
            | Self::MoreUnreadMembers { count }
            | Self::Droppings { count } => Some(*count),
            Self::KeysUnfetched { digests, logs, .. } => Some(digests.saturating_add(*logs)),
            Self::WithoutRoom(fault) | Self::Accepted { fault, .. } => fault.count(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Interval;

    fn gap(start: i64, end: i64) -> Finding {
        let stretch = Interval { start: Timestamp::from_unix(start), end: Timestamp::from_unix(end) };
        Finding::new(Fault::NotCovered, stretch.start).over(stretch).of_region("111122223333", "us-east-1")
    }

    #[test]
    fn an_id_lasts_and_changes_with_what_was_seen() {
        let one = gap(0, 3_600);
        assert_eq!(one.id(), gap(0, 3_600).id());
        assert_eq!(one.id().len(), 32);
        let uri = |uri: &str| Finding { uri: Some(uri.to_owned()), ..one.clone() };
        let others = [
            gap(0, 7_200),
            gap(1, 3_600),
            uri(""),
            uri("s3://b/k"),
            Finding { actual: Some("s3://b/k".to_owned()), ..one.clone() },
            Finding { expected: Some("s3://b/k".to_owned()), ..one.clone() },
            Finding { objects: vec!["s3://b/k".to_owned()], ..one.clone() },
            Finding { objects: vec!["s3://b/k".to_owned(), String::new()], ..one.clone() },
            Finding { account: Some("444455556666".to_owned()), ..one.clone() },
            Finding { trail: Some("audit".to_owned()), ..one.clone() },
            Finding { backfill: Some(false), ..one.clone() },
            Finding { backfill: Some(true), ..one.clone() },
            Finding::new(Fault::MoreUnlisted { count: 1 }, one.at),
            Finding::new(Fault::MoreUnlisted { count: 2 }, one.at),
        ];
        let ids: std::collections::BTreeSet<String> = others.iter().chain([&one]).map(Finding::id).collect();
        assert_eq!(ids.len(), others.len() + 1);
    }

    #[test]
    fn an_id_does_not_depend_on_messages_or_on_the_asked_end() {
        let unreadable = |why: &str| {
            Finding::new(Fault::UnreadableLog { why: why.to_owned() }, Timestamp::from_unix(0)).id()
        };
        assert_eq!(unreadable("timeout"), unreadable("denied"));
        let stale = |end| Finding {
            end: Some(Timestamp::from_unix(end)),
            ..Finding::new(Fault::Stale { late: end }, Timestamp::from_unix(0))
        };
        assert_eq!(stale(1).id(), stale(2).id());
    }
}
