//! Suites and cases: which check a finding belongs to, and what the check comes to.

use std::collections::BTreeMap;

use crate::event::{Finding, Kind, Report, ReportedChain, Severity, Verdict};
use crate::report::UNEXPLAINED;
use crate::words::meaning;

/// So many findings of one check are listed.
const LISTED: usize = 100;

/// What is checked. The order is that of the cases.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Check {
    Digests,
    Logs,
    Coverage,
    Additions,
}

impl Check {
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
            | Kind::ObjectProved => Self::Coverage,
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

pub(super) struct Suite {
    pub(super) name: String,
    pub(super) properties: Vec<(&'static str, String)>,
    pub(super) cases: Vec<Case>,
    pub(super) notices: Vec<String>,
}

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) outcome: Outcome,
}

pub(super) enum Outcome {
    Passed,
    Failure(Told),
    Error(Told),
}

/// What a failure or an error tells.
pub(super) struct Told {
    pub(super) kind: &'static str,
    pub(super) message: String,
    pub(super) lines: Vec<String>,
}

impl Suite {
    /// A suite with the cases that are always there, and those that findings ask for.
    pub(super) fn new<'f>(
        name: String,
        always: &[Check],
        findings: impl IntoIterator<Item = &'f Finding>,
    ) -> Self {
        let mut checks: BTreeMap<Check, Vec<&Finding>> =
            always.iter().map(|check| (*check, Vec::new())).collect();
        let mut notices = Vec::new();
        for finding in findings {
            match finding.severity {
                Severity::Notice => notices.extend(describe(finding)),
                Severity::Incomplete | Severity::Tampered => {
                    checks.entry(Check::of(finding.kind)).or_default().push(finding);
                }
            }
        }
        let case = |(check, findings): (Check, Vec<&Finding>)| Case {
            name: check.name(),
            outcome: Outcome::of(&findings),
        };
        Self { name, properties: Vec::new(), cases: checks.into_iter().map(case).collect(), notices }
    }

    pub(super) fn of_chain(chain: &ReportedChain, name: String) -> Self {
        let summary = &chain.summary;
        let checks: &[Check] = match summary.id.backfill {
            true => &[Check::Digests, Check::Logs],
            false => &[Check::Digests, Check::Logs, Check::Coverage],
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
        let told = |message: &str| Told {
            kind: verdict.as_str(),
            message: format!("{}: {message}", verdict.as_str()),
            lines: Vec::new(),
        };
        let outcome = match verdict {
            Verdict::Intact => Outcome::Passed,
            Verdict::Tampered => Outcome::Failure(told("the record is not what CloudTrail delivered")),
            Verdict::Incomplete => Outcome::Error(told(UNEXPLAINED)),
        };
        let mut suite = Self::new("run".to_owned(), &[], findings);
        suite.cases.insert(0, Case { name: "verdict", outcome });
        suite.properties =
            vec![("version", report.origin.version.clone()), ("interrupted", report.interrupted.to_string())];
        suite
    }
}

impl Outcome {
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
        let told = Told { kind, message, lines };
        match worst {
            Severity::Tampered => Self::Failure(told),
            Severity::Incomplete | Severity::Notice => Self::Error(told),
        }
    }
}

/// A finding in lines of text.
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
