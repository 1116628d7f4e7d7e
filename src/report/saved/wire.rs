//! The fields of a saved report. Fields that later versions added may be absent.

use serde::{Deserialize, Deserializer, de::Error as _};

use super::SavedError;
use crate::event::{
    Acceptance, ChainCounts, ChainSummary, Counts, CoveringChain, DigestCounts, Fault, Finding,
    FindingMemory, FindingStatus, Kind, LogCounts, Origin, Reason, RememberedTime, Report, ReportedChain,
    ResolvedFinding, Severity, StateCounts, Timeline, UsedKey, Verdict,
};
use crate::ident::ChainId;
use crate::report::escape::for_terminal;
use crate::report::json::SCHEMA;
use crate::text::{is_object, plain, shortened, without_type_names};
use crate::time::{Interval, Range, Timestamp};

/// Parses the report and the verdict that the file claims.
pub(super) fn parse(bytes: &[u8]) -> Result<(Report, Verdict), SavedError> {
    let shown = |text: String| for_terminal(&shortened(text)).into_owned();
    let malformed = |error: serde_json::Error| {
        SavedError::Malformed(shown(without_type_names(&plain(error.to_string()))))
    };
    if bytes.trim_ascii().is_empty() {
        return Err(SavedError::Malformed("it is empty".to_owned()));
    }
    if !is_object(bytes) {
        return Err(SavedError::Malformed("expected a JSON object with the field `schema`".to_owned()));
    }
    let SchemaField { schema } = serde_json::from_slice(bytes).map_err(malformed)?;
    match schema {
        Some(schema) if schema == SCHEMA => {}
        Some(schema) => return Err(SavedError::Schema(shown(schema))),
        None => return Err(SavedError::Malformed("missing field `schema`".to_owned())),
    }
    let report: WireReport = serde_json::from_slice(bytes).map_err(malformed)?;
    let verdict = report.verdict;
    Ok((report.into_report(), verdict))
}

#[derive(Deserialize)]
struct SchemaField {
    schema: Option<String>,
}

#[derive(Deserialize)]
struct WireReport {
    version: String,
    #[serde(deserialize_with = "verdict")]
    verdict: Verdict,
    sources: Vec<String>,
    range: WireRange,
    #[serde(deserialize_with = "moment")]
    started: Timestamp,
    #[serde(deserialize_with = "moment")]
    finished: Timestamp,
    #[serde(default)]
    run_by: Option<String>,
    #[serde(default)]
    command: Option<String>,
    #[serde(default)]
    interrupted: bool,
    #[serde(default)]
    single_objects: bool,
    counts: WireCounts,
    keys: Vec<WireKey>,
    chains: Vec<WireChain>,
    findings: Vec<WireFinding>,
    #[serde(default)]
    resolved: Option<Vec<ResolvedFinding>>,
}

impl WireReport {
    fn into_report(self) -> Report {
        let origin = Origin { version: self.version, run_by: self.run_by, command: self.command };
        let range = Range { start: self.range.start, end: self.range.end };
        let mut report = Report::new(self.sources, range, self.started, origin);
        report.finished = self.finished;
        report.interrupted = self.interrupted;
        report.single_objects = self.single_objects;
        report.resolved = self.resolved;
        report.counts = self.counts.into_counts();
        report.keys = self.keys.into_iter().map(WireKey::into_key).collect();
        for chain in self.chains {
            report.add_chain(ReportedChain::new(chain.into_summary(), Vec::new()));
        }
        let findings: Vec<Finding> =
            self.findings.into_iter().map(|finding| finding.into_finding(&report)).collect();
        report.add_findings(findings);
        report
    }
}

#[derive(Deserialize)]
struct WireRange {
    #[serde(deserialize_with = "moment_or_null")]
    start: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    end: Timestamp,
}

#[derive(Deserialize)]
struct WireCounts {
    digests: WireDigestCounts,
    logs: WireLogCounts,
    compressed_bytes: u64,
    inflated_bytes: u64,
}

#[derive(Deserialize)]
struct WireDigestCounts {
    valid: u64,
    tampered: u64,
    unverified: u64,
    #[serde(default)]
    remembered: u64,
}

#[derive(Deserialize)]
struct WireLogCounts {
    valid: u64,
    tampered: u64,
    unverified: u64,
    unreferenced: u64,
    #[serde(default)]
    remembered: u64,
}

impl WireCounts {
    fn into_counts(self) -> Counts {
        let WireDigestCounts { valid, tampered, unverified, remembered } = self.digests;
        let digests = DigestCounts { valid, tampered, unverified, remembered };
        let WireLogCounts { valid, tampered, unverified, unreferenced, remembered } = self.logs;
        let logs = LogCounts { valid, tampered, unverified, unreferenced, remembered };
        Counts { digests, logs, compressed_bytes: self.compressed_bytes, inflated_bytes: self.inflated_bytes }
    }
}

#[derive(Deserialize)]
struct WireKey {
    fingerprint: String,
    region: String,
    #[serde(deserialize_with = "moment_or_null")]
    valid_from: Option<Timestamp>,
    #[serde(deserialize_with = "moment_or_null")]
    valid_to: Option<Timestamp>,
    source: String,
}

impl WireKey {
    fn into_key(self) -> UsedKey {
        let Self { fingerprint, region, valid_from, valid_to, source } = self;
        UsedKey { fingerprint, region, valid_from, valid_to, source }
    }
}

#[derive(Deserialize)]
struct WireChain {
    account: String,
    region: String,
    trail: String,
    home_region: String,
    organization: Option<String>,
    backfill: bool,
    covered: Vec<WireStretch>,
    digests: u64,
    logs: u64,
    #[serde(default)]
    counts: Option<WireChainCounts>,
    #[serde(default)]
    gaps: Option<u64>,
    #[serde(default)]
    timeline: Option<WireTimeline>,
    #[serde(default)]
    remembered: Vec<RememberedTime>,
}

#[derive(Deserialize)]
struct WireChainCounts {
    digests: StateCounts,
    logs: StateCounts,
}

impl WireChainCounts {
    const fn into_counts(self) -> ChainCounts {
        ChainCounts { digests: self.digests, logs: self.logs }
    }
}

impl WireChain {
    fn into_summary(self) -> ChainSummary {
        // Older reports have no `gaps`: count the holes between the covered stretches.
        let between = self.covered.len().saturating_sub(1) as u64;
        ChainSummary {
            id: ChainId {
                account: self.account.into(),
                region: self.region.into(),
                trail: self.trail.into(),
                home_region: self.home_region.into(),
                organization: self.organization.map(Into::into),
                backfill: self.backfill,
            },
            covered: self.covered.into_iter().map(|stretch| stretch.0).collect(),
            digests: self.digests,
            logs: self.logs,
            counts: self.counts.map(WireChainCounts::into_counts),
            gaps: self.gaps.unwrap_or(between),
            timeline: self.timeline.map(|timeline| timeline.0),
            remembered: self.remembered,
            in_replica: false,
        }
    }
}

#[derive(Deserialize)]
struct WireFinding {
    #[serde(deserialize_with = "kind")]
    kind: Kind,
    #[serde(deserialize_with = "severity")]
    severity: Severity,
    account: Option<String>,
    region: Option<String>,
    trail: Option<String>,
    #[serde(default)]
    home_region: Option<String>,
    #[serde(default)]
    organization: Option<String>,
    /// `None` if the field is absent, `Some(None)` if the field is null.
    #[serde(default, deserialize_with = "present")]
    backfill: Option<Option<bool>>,
    uri: Option<String>,
    digest: Option<String>,
    #[serde(default)]
    cause: Option<String>,
    message: String,
    expected: Option<String>,
    actual: Option<String>,
    #[serde(default)]
    original: Option<String>,
    #[serde(default)]
    copy: Option<String>,
    #[serde(default)]
    read_at: Option<String>,
    #[serde(default, deserialize_with = "moment_or_null")]
    start: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment_or_null")]
    end: Option<Timestamp>,
    #[serde(default, deserialize_with = "reason")]
    reason: Option<Reason>,
    #[serde(default)]
    covered_by: Vec<WireCovering>,
    #[serde(default)]
    objects: Vec<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    first_seen: Option<Timestamp>,
    #[serde(default)]
    status: Option<FindingStatus>,
    #[serde(default)]
    accepted: Option<Acceptance>,
}

#[derive(Deserialize)]
struct WireCovering {
    trail: String,
    home_region: String,
    organization: Option<String>,
    #[serde(flatten)]
    stretch: WireStretch,
}

impl WireCovering {
    fn into_covering(self, account: &str, region: &str) -> CoveringChain {
        let chain = ChainId {
            account: account.into(),
            region: region.into(),
            trail: self.trail.into(),
            home_region: self.home_region.into(),
            organization: self.organization.map(Into::into),
            backfill: false,
        };
        CoveringChain { chain, stretch: self.stretch.0 }
    }
}

impl WireFinding {
    fn into_finding(self, report: &Report) -> Finding {
        let fault = Fault::Told { kind: self.kind, cause: self.cause, message: self.message };
        let at = self.start.or(self.end).unwrap_or(Timestamp::from_unix(0));
        let names = [&self.account, &self.region].map(|name| name.clone().unwrap_or_default());
        let [account, region] = &names;
        let covering = self.covered_by.into_iter().map(|covering| covering.into_covering(account, region));
        let (first_seen, status, accepted) = (self.first_seen, self.status, self.accepted);
        let memory =
            self.id.map(|id| FindingMemory { first_seen, status, accepted, ..FindingMemory::of(id) });
        let finding = Finding {
            memory: memory.map(Box::new),
            covered_by: covering.collect(),
            objects: self.objects,
            severity: self.severity,
            account: self.account,
            region: self.region,
            trail: self.trail,
            home_region: self.home_region,
            organization: self.organization,
            backfill: self.backfill.flatten(),
            uri: self.uri,
            digest: self.digest,
            expected: self.expected,
            actual: self.actual,
            original: self.original,
            copy: self.copy,
            read_at: self.read_at,
            start: self.start,
            end: self.end,
            reason: self.reason,
            ..Finding::new(fault, at)
        };
        match self.backfill {
            Some(_) => finding,
            None => in_its_chain(finding, report),
        }
    }
}

/// Assigns a finding of an older report to the first chain with the same account, region and trail.
fn in_its_chain(finding: Finding, report: &Report) -> Finding {
    match report.chains().find(|chain| finding.names(&chain.summary.id)) {
        Some(chain) => finding.of_chain(&chain.summary.id),
        None => finding,
    }
}

/// A present field, possibly null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<bool>>, D::Error> {
    Option::<bool>::deserialize(deserializer).map(Some)
}

struct WireStretch(Interval);

impl<'de> Deserialize<'de> for WireStretch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct StretchEnds {
            #[serde(deserialize_with = "moment")]
            start: Timestamp,
            #[serde(deserialize_with = "moment")]
            end: Timestamp,
        }
        let StretchEnds { start, end } = StretchEnds::deserialize(deserializer)?;
        let stretch = Interval::new(start, end);
        stretch.map(Self).ok_or_else(|| D::Error::custom("a stretch ends before its start"))
    }
}

struct WireTimeline(Timeline);

impl<'de> Deserialize<'de> for WireTimeline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct TimelineRuns {
            #[serde(deserialize_with = "moment")]
            start: Timestamp,
            step: u64,
            runs: String,
        }
        let TimelineRuns { start, step, runs } = TimelineRuns::deserialize(deserializer)?;
        let timeline = Timeline::parse(start, step, &runs).filter(|_| step > 0);
        timeline.map(Self).ok_or_else(|| D::Error::custom("invalid timeline"))
    }
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    Timestamp::parse_report(&text).ok_or_else(|| D::Error::custom(format!("invalid moment `{text}`")))
}

fn moment_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let moment = Timestamp::parse_report(&text);
    moment.map(Some).ok_or_else(|| D::Error::custom(format!("invalid moment `{text}`")))
}

fn verdict<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Verdict, D::Error> {
    let all = [Verdict::Intact, Verdict::Incomplete, Verdict::Tampered];
    word(&String::deserialize(deserializer)?, "verdict", all, Verdict::as_str)
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
    word(&String::deserialize(deserializer)?, "kind of finding", Kind::ALL, Kind::as_str)
}

fn severity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Severity, D::Error> {
    let all = [Severity::Notice, Severity::Incomplete, Severity::Tampered];
    word(&String::deserialize(deserializer)?, "severity", all, crate::report::severity_word)
}

fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Reason>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    word(&text, "reason", Reason::ALL, Reason::as_str).map(Some)
}

/// The value whose word is `text`.
fn word<T: Copy, E: serde::de::Error>(
    text: &str,
    what: &str,
    all: impl IntoIterator<Item = T>,
    as_str: impl Fn(T) -> &'static str,
) -> Result<T, E> {
    let named = all.into_iter().find(|one| as_str(*one) == text);
    named.ok_or_else(|| E::custom(format!("unknown {what} `{text}`")))
}
