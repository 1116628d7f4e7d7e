//! Suites and cases: assigns findings to checks, and judges the checks.

use std::collections::BTreeMap;

use crate::event::{Finding, Kind, Report, ReportedChain, Severity, Verdict};
use crate::report::UNEXPLAINED;
use crate::words::meaning;

/// Maximum number of findings to list per check.
const LISTED: usize = 100;

/// A check. The order is the order of the cases.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SuiteCheck {
    Digests,
    Logs,
    Coverage,
    Additions,
}

impl SuiteCheck {
    const fn of(kind: Kind) -> Self {
        match kind {
            Kind::DigestModified
            | Kind::DigestMalformed
            | Kind::DigestMoved
            | Kind::DigestDeleted
            | Kind::DigestMissing
            | Kind::ChainBroken
            | Kind::KeyUnknown
            | Kind::DigestUnsigned
            | Kind::DigestUnreadable
            | Kind::ObjectUnrecognised
            | Kind::Relocated => Self::Digests,
            Kind::LogModified
            | Kind::LogDeleted
            | Kind::LogMissing
            | Kind::LogUnreadable
            | Kind::LogUnverifiable => Self::Logs,
            Kind::ChainGap
            | Kind::ChainRestart
            | Kind::ChainStale
            | Kind::NoDigests
            | Kind::ChainStart
            | Kind::ObjectProved
            | Kind::Accepted
            | Kind::ClockBehind
            | Kind::ShardIncomplete => Self::Coverage,
            Kind::LogUnreferenced => Self::Additions,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Digests => "digests",
            Self::Logs => "log files",
            Self::Coverage => "coverage",
            Self::Additions => "additions",
        }
    }
}

pub(super) struct TestSuite {
    pub(super) name: String,
    pub(super) properties: Vec<(&'static str, String)>,
    pub(super) cases: Vec<TestCase>,
    pub(super) notices: Vec<String>,
}

pub(super) struct TestCase {
    pub(super) name: &'static str,
    pub(super) outcome: CaseOutcome,
}

pub(super) enum CaseOutcome {
    Passed,
    Failure(CaseMessage),
    Error(CaseMessage),
}

/// Content of a `failure` or `error` element.
pub(super) struct CaseMessage {
    pub(super) kind: &'static str,
    pub(super) message: String,
    pub(super) lines: Vec<String>,
}

impl TestSuite {
    /// A suite with the cases in `always`, and further cases for the checks with findings.
    pub(super) fn new<'f>(
        name: String,
        always: &[SuiteCheck],
        findings: impl IntoIterator<Item = &'f Finding>,
    ) -> Self {
        let mut checks: BTreeMap<SuiteCheck, Vec<&Finding>> =
            always.iter().map(|check| (*check, Vec::new())).collect();
        let mut notices = Vec::new();
        for finding in findings {
            match finding.severity {
                Severity::Notice => notices.extend(describe(finding)),
                Severity::Incomplete | Severity::Tampered => {
                    checks.entry(SuiteCheck::of(finding.kind)).or_default().push(finding);
                }
            }
        }
        let case = |(check, findings): (SuiteCheck, Vec<&Finding>)| TestCase {
            name: check.name(),
            outcome: CaseOutcome::of(&findings),
        };
        Self { name, properties: Vec::new(), cases: checks.into_iter().map(case).collect(), notices }
    }

    pub(super) fn of_chain(chain: &ReportedChain, name: String) -> Self {
        let summary = &chain.summary;
        let checks: &[SuiteCheck] = match summary.id.backfill {
            true => &[SuiteCheck::Digests, SuiteCheck::Logs],
            false => &[SuiteCheck::Digests, SuiteCheck::Logs, SuiteCheck::Coverage],
        };
        let mut suite = Self::new(name, checks, &chain.findings);
        let covered: Vec<_> =
            summary.covered.iter().map(|stretch| format!("{} to {}", stretch.start, stretch.end)).collect();
        suite.properties = vec![
            ("digests", summary.digests.to_string()),
            ("logs", summary.logs.to_string()),
            ("covered", covered.join(", ")),
        ];
        suite
    }

    pub(super) fn of_run<'f>(report: &Report, findings: impl IntoIterator<Item = &'f Finding>) -> Self {
        let verdict = report.verdict();
        let told = |message: &str| CaseMessage {
            kind: verdict.as_str(),
            message: format!("{}: {message}", verdict.as_str()),
            lines: Vec::new(),
        };
        let outcome = match verdict {
            Verdict::Intact => CaseOutcome::Passed,
            Verdict::Tampered => CaseOutcome::Failure(told("the record is not what CloudTrail delivered")),
            Verdict::Incomplete => CaseOutcome::Error(told(UNEXPLAINED)),
        };
        let mut suite = Self::new("run".to_owned(), &[], findings);
        suite.cases.insert(0, TestCase { name: "verdict", outcome });
        suite.properties =
            vec![("version", report.origin.version.clone()), ("interrupted", report.interrupted.to_string())];
        suite
    }
}

impl CaseOutcome {
    fn of(findings: &[&Finding]) -> Self {
        let worst = findings.iter().map(|finding| finding.severity).max();
        let first = findings.iter().find(|finding| Some(finding.severity) == worst);
        let (Some(worst), Some(first)) = (worst, first) else { return Self::Passed };
        let kind = first.kind.as_str();
        let message = match findings.len() {
            1 => format!("{kind}: {}", meaning(first.kind)),
            number => format!("{number} findings, such as {kind}: {}", meaning(first.kind)),
        };
        let mut lines: Vec<String> =
            findings.iter().take(LISTED).flat_map(|finding| describe(finding)).collect();
        if let Some(more @ 1..) = findings.len().checked_sub(LISTED) {
            lines.push(format!("and {more} more: see the JSON report (`--report json=FILE`)"));
        }
        let told = CaseMessage { kind, message, lines };
        match worst {
            Severity::Tampered => Self::Failure(told),
            Severity::Incomplete | Severity::Notice => Self::Error(told),
        }
    }
}

/// The finding as lines of text.
fn describe(finding: &Finding) -> Vec<String> {
    let mut lines = vec![match &finding.uri {
        Some(uri) => format!("{}: {uri}", finding.kind.as_str()),
        None => finding.kind.as_str().to_owned(),
    }];
    lines.push(format!("  {}", finding.message()));
    let more = [("expected", &finding.expected), ("actual", &finding.actual), ("digest", &finding.digest)];
    for (name, value) in more {
        lines.extend(value.iter().map(|value| format!("  {name:8}  {value}")));
    }
    let times = [("from", finding.start), ("to", finding.end)];
    for (name, moment) in times {
        lines.extend(moment.map(|moment| format!("  {name:8}  {moment}")));
    }
    lines.extend(finding.reason.map(|reason| format!("  {:8}  {}", "reason", reason.as_str())));
    lines
}
