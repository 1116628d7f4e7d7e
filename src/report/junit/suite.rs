//! Suites and cases: assigns findings to checks, and judges the checks.

use std::collections::BTreeMap;

use crate::event::{Finding, Kind, Report, ReportedChain, Severity, Verdict};
use crate::report::text::findings::actual_label;
use crate::report::text::layout::plural;
use crate::report::text::{memory, verdict};
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

    /// The check of a finding on a region. Log files of a chain have findings on the chain: a region has a log folder that
    /// could not be searched.
    const fn of_region(kind: Kind) -> Self {
        match Self::of(kind) {
            Self::Logs => Self::Additions,
            check @ (Self::Digests | Self::Coverage | Self::Additions) => check,
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
    fn new<'f>(
        name: String,
        always: &[SuiteCheck],
        check_of: fn(Kind) -> SuiteCheck,
        findings: impl IntoIterator<Item = &'f Finding>,
    ) -> Self {
        let mut checks: BTreeMap<SuiteCheck, Vec<&Finding>> =
            always.iter().map(|check| (*check, Vec::new())).collect();
        let mut notices = Vec::new();
        for finding in findings {
            match finding.severity {
                Severity::Notice => notices.extend(describe(finding)),
                Severity::Incomplete | Severity::Tampered => {
                    checks.entry(check_of(finding.kind)).or_default().push(finding);
                }
            }
        }
        let case = |(check, findings): (SuiteCheck, Vec<&Finding>)| TestCase {
            name: check.name(),
            outcome: CaseOutcome::of(&findings),
        };
        Self { name, properties: Vec::new(), cases: checks.into_iter().map(case).collect(), notices }
    }

    /// The suite of a chain. A check without a finding passes only if its objects were proved.
    pub(super) fn of_chain(report: &Report, chain: &ReportedChain, name: String) -> Self {
        let summary = &chain.summary;
        let checks: &[SuiteCheck] = match summary.id.backfill {
            // Nothing is said of the rest of the chain.
            _ if report.single_objects => &[],
            true => &[SuiteCheck::Digests, SuiteCheck::Logs],
            false => &[SuiteCheck::Digests, SuiteCheck::Logs, SuiteCheck::Coverage],
        };
        let mut suite = Self::new(name, checks, SuiteCheck::of, &chain.findings);
        let digests = unproved(report.open_digests(chain), summary.digests, "digest");
        let logs = unproved(report.open_logs(chain), summary.logs, "log file");
        let unlooked = report.unlooked(chain).map(unlooked);
        let no_time = (!chain.is_covered()).then(|| "no digest was proved".to_owned());
        let gaps = (chain.untold_gaps() > 0).then(|| plural(chain.untold_gaps(), "gap"));
        suite.withhold(SuiteCheck::Digests, digests.or_else(|| unlooked.clone()));
        suite.withhold(SuiteCheck::Logs, logs.or(unlooked));
        match summary.id.backfill {
            true => suite.withhold(SuiteCheck::Digests, no_time),
            false => suite.withhold(SuiteCheck::Coverage, no_time.or(gaps)),
        }
        let covered: Vec<_> =
            summary.covered.iter().map(|stretch| format!("{} to {}", stretch.start, stretch.end)).collect();
        suite.properties = vec![
            ("digests", summary.digests.to_string()),
            ("logs", summary.logs.to_string()),
            ("covered", covered.join(", ")),
        ];
        suite
    }

    /// The suite of a region, or of an account or a region alone.
    pub(super) fn of_region(
        report: &Report,
        (account, region): (Option<&str>, Option<&str>),
        findings: Vec<&Finding>,
    ) -> Self {
        let name = [account, region].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let of_region = |chain: &&ReportedChain| {
            let id = &chain.summary.id;
            (Some(&*id.account), Some(&*id.region)) == (account, region)
        };
        let chains: Vec<&ReportedChain> = report.chains().filter(of_region).collect();
        // A run on single objects does not look for additions.
        let always: &[SuiteCheck] = match chains.is_empty() || report.single_objects {
            true => &[],
            false => &[SuiteCheck::Additions],
        };
        let mut suite = Self::new(name, always, SuiteCheck::of_region, findings);
        // Objects are searched for in covered time only, after the digests and log files.
        let is_covered = chains.iter().any(|chain| !chain.summary.covered.is_empty());
        let left_out = chains.iter().find_map(|chain| report.unlooked(chain)).map(unlooked);
        let interrupted = || report.interrupted.then(|| "the run was interrupted".to_owned());
        let no_time =
            || (!is_covered).then(|| "no time is covered, so the log folders were not searched".to_owned());
        suite.withhold(SuiteCheck::Additions, left_out.or_else(interrupted).or_else(no_time));
        suite
    }

    /// Turns a passed check into an error, if there is a reason.
    fn withhold(&mut self, check: SuiteCheck, why: Option<String>) {
        let Some(why) = why else { return };
        let passed =
            |case: &&mut TestCase| case.name == check.name() && matches!(case.outcome, CaseOutcome::Passed);
        for case in self.cases.iter_mut().filter(passed) {
            let kind = Verdict::Incomplete.as_str();
            let message = format!("{kind}: {why}");
            case.outcome = CaseOutcome::Error(CaseMessage { kind, message, lines: Vec::new() });
        }
    }

    pub(super) fn of_run<'f>(report: &Report, findings: impl IntoIterator<Item = &'f Finding>) -> Self {
        let verdict = report.verdict();
        let why = verdict::why(report, &report.findings().collect());
        let told = CaseMessage {
            kind: verdict.as_str(),
            message: format!("{}: {why}", verdict.as_str()),
            lines: Vec::new(),
        };
        let outcome = match verdict {
            Verdict::Intact => CaseOutcome::Passed,
            Verdict::Tampered => CaseOutcome::Failure(told),
            Verdict::Incomplete => CaseOutcome::Error(told),
        };
        let mut suite = Self::new("run".to_owned(), &[], SuiteCheck::of, findings);
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

/// Why a check without a finding does not pass: a finding on the region or the run has the reason.
fn unproved(number: u64, all: u64, noun: &str) -> Option<String> {
    let all = plural(all.max(number), noun);
    (number > 0)
        .then(|| format!("{number} of {all} not proved; see the findings on the region and on the run"))
}

/// Why a check without a finding does not pass: something was not looked at.
fn unlooked(finding: &Finding) -> String {
    format!("not everything was looked at: {}: {}", finding.kind.as_str(), finding.message())
}

/// The finding as lines of text.
fn describe(finding: &Finding) -> Vec<String> {
    let mut lines = vec![match finding.object() {
        Some(object) => format!("{}: {object}", finding.kind.as_str()),
        None => finding.kind.as_str().to_owned(),
    }];
    lines.push(format!("  {}", finding.message()));
    let objects = match finding.objects.len() {
        0 => None,
        number => Some(format!("{number}: see the JSON report (`--report json=FILE`)")),
    };
    let more = [
        ("recorded", finding.recorded_at()),
        ("objects", objects.as_deref()),
        ("expected", finding.expected.as_deref()),
        (actual_label(finding), finding.actual.as_deref()),
        ("digest", finding.digest.as_deref()),
    ];
    for (name, value) in more {
        lines.extend(value.map(|value| format!("  {name:8}  {value}")));
    }
    let times = [("from", finding.start), ("to", finding.end)];
    for (name, moment) in times {
        lines.extend(moment.map(|moment| format!("  {name:8}  {moment}")));
    }
    lines.extend(finding.reason.map(|reason| format!("  {:8}  {}", "reason", reason.as_str())));
    lines.extend(memory::id(finding).map(|id| format!("  {:8}  {id}", "id")));
    lines
}
