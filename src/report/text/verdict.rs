//! The verdict line, which must be understandable alone.

use std::io::{self, Write};

use super::coverage;
use super::findings::GroupedFindings;
use super::layout::{TextColour, grouped, plural};
use crate::event::{Counts, DigestCounts, FaultCause, Finding, Kind, LogCounts, Report, Severity, Verdict};

pub(super) fn write(
    out: &mut dyn Write,
    paint: TextColour,
    report: &Report,
    findings: &GroupedFindings<'_>,
) -> io::Result<()> {
    let verdict = report.verdict();
    let severity = match verdict {
        Verdict::Intact => None,
        Verdict::Incomplete => Some(Severity::Incomplete),
        Verdict::Tampered => Some(Severity::Tampered),
    };
    let word = paint.severity(severity, verdict.as_str());
    writeln!(out, "{word}: {}", why(report, findings))
}

/// The reason for the verdict, and the time up to which all chains are covered: later digests may not be delivered yet.
pub(in crate::report) fn why(report: &Report, findings: &GroupedFindings<'_>) -> String {
    // Of a run in shards without all results: nobody interrupted it.
    let lacks_shards = findings.count(Kind::ShardIncomplete) > 0;
    if report.interrupted && report.verdict() == Verdict::Incomplete && all_digests(&report.counts) == 0 {
        let why = match lacks_shards {
            true => "no shard has a usable result, so nothing is proved",
            false => "interrupted before any digest was checked",
        };
        return why.to_owned();
    }
    // Of single objects: coverage is that of their digests, and nobody asked for it.
    if let (Verdict::Intact, Some(objects)) = (report.verdict(), proved_objects(report)) {
        return objects;
    }
    let why = match report.verdict() {
        Verdict::Intact => intact(&report.counts, findings.count(Kind::Accepted)),
        Verdict::Incomplete => incomplete(report, findings),
        Verdict::Tampered => tampered(&report.counts, findings),
    };
    let so_far = match report.interrupted {
        true if lacks_shards => "some shards have no usable result: ",
        true => "interrupted before all objects were checked: ",
        false => "",
    };
    let until =
        report.covered_until().map(|covered| format!("; covered up to {covered}")).unwrap_or_default();
    format!("{so_far}{why}{until}")
}

fn intact(counts: &Counts, accepted: u64) -> String {
    let digests = plural(counts.digests.valid, "digest");
    let logs = plural(counts.logs.valid, "log file");
    let remembered = counts.digests.remembered.saturating_add(counts.logs.remembered);
    let logs = match remembered {
        0 => format!("{logs} proved"),
        _ => format!("{logs} proved, {} remembered unchanged", plural(remembered, "object")),
    };
    if accepted > 0 {
        let findings = plural(accepted, "finding");
        return format!("{digests} and {logs}, {findings} accepted");
    }
    format!("everything asked for is covered, {digests} and {logs}")
}

/// What is proved of the single objects that were asked for; `None` for a run over folders.
fn proved_objects(report: &Report) -> Option<String> {
    let proved: Vec<&Finding> =
        report.findings().filter(|finding| finding.kind == Kind::ObjectProved).collect();
    match proved.as_slice() {
        [] => None,
        [only] => Some(only.message().to_string()),
        objects => Some(format!("all {} asked for are proved", plural(objects.len() as u64, "object"))),
    }
}

fn tampered(counts: &Counts, findings: &GroupedFindings<'_>) -> String {
    let broken = findings.count(Kind::ChainBroken);
    let mut parts = Vec::new();
    if counts.digests.tampered > 0 || counts.logs.tampered > 0 {
        let logs = of(counts.logs.tampered, all_logs(counts), "log file");
        let digests = of(counts.digests.tampered, all_digests(counts), "digest");
        parts.push(format!("{logs}, {digests} tampered"));
    }
    if broken > 0 {
        parts.push(format!("{} broken", plural(broken, "chain link")));
    }
    if parts.is_empty() {
        parts.push(format!("{} of tampering", plural(findings.tampered(), "finding")));
    }
    parts.join(", ")
}

fn incomplete(report: &Report, findings: &GroupedFindings<'_>) -> String {
    let counts = &report.counts;
    let has_digests = all_digests(counts) > 0;
    let (gaps, restarts) = (findings.count(Kind::ChainGap), findings.count(Kind::ChainRestart));
    let stale = findings.count(Kind::ChainStale);
    let absent = report.findings().filter(is_of_absent_object).count() as u64;
    let parts: Vec<String> = [
        (gaps, format!("{} in coverage", plural(gaps, "gap"))),
        (restarts, format!("{} restarted", plural(restarts, "chain"))),
        (stale, out_of_date(stale, report)),
        (counts.digests.unverified, unverified(counts.digests.unverified, all_digests(counts), "digest")),
        (counts.logs.unverified, unverified(counts.logs.unverified, all_logs(counts), "log file")),
        (counts.logs.unreferenced, format!("{} unreferenced", plural(counts.logs.unreferenced, "log file"))),
        (u64::from(has_digests || stale > 0), without_digests(report).unwrap_or_default()),
        (
            absent,
            format!(
                "{} to validate {} not exist",
                plural(absent, "object"),
                if absent == 1 { "does" } else { "do" }
            ),
        ),
    ]
    .into_iter()
    .filter_map(|(number, part)| (number > 0 && !part.is_empty()).then_some(part))
    .collect();
    match (has_digests, parts.is_empty()) {
        (true, false) => format!("{}; no tampering found", parts.join(", ")),
        (true, true) => format!("{}; no tampering found", other_causes(findings)),
        (false, false) if stale > 0 || absent > 0 => format!("{}, so nothing is proved", parts.join(", ")),
        (false, _) if report.findings().any(is_unlisted) => {
            "a folder could not be listed, and no digests were found elsewhere, so nothing is proved"
                .to_owned()
        }
        (false, _) => "no digests found, so nothing is proved".to_owned(),
    }
}

/// Whether the finding says that a folder could not be listed.
fn is_unlisted(finding: &Finding) -> bool {
    finding.fault.known_cause() == Some(FaultCause::UnlistedFolder)
}

/// Whether the finding says that an object that was asked for does not exist.
fn is_of_absent_object(finding: &&Finding) -> bool {
    finding.fault.known_cause() == Some(FaultCause::NoSuchObject)
}

/// `2 chains out of date, newest digest ended 2026-11-25T19:06:57Z`.
fn out_of_date(chains: u64, report: &Report) -> String {
    let stale = report.findings().filter(|finding| finding.kind == Kind::ChainStale);
    let newest = stale.filter_map(|finding| finding.start).max();
    let newest = newest.map(|end| format!(", newest digest ended {end}")).unwrap_or_default();
    format!("{} out of date{newest}", plural(chains, "chain"))
}

/// `8 regions without digests`, or the number of names and sources that were asked for; `None` if each has digests.
fn without_digests(report: &Report) -> Option<String> {
    let others = report.findings().filter(|finding| finding.kind == Kind::NoDigests);
    let is_other = |finding: &&Finding| finding.region.is_none() && !coverage::is_of_object(finding);
    let others = others.filter(is_other).count();
    let regions = match coverage::without_digests(report).len() {
        0 => None,
        number => Some(plural(number as u64, "region")),
    };
    let others = match others {
        0 => None,
        1 => Some("1 name or source".to_owned()),
        number => Some(format!("{} names or sources", grouped(number as u64))),
    };
    let parts: Vec<String> = [regions, others].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("{} without digests", parts.join(" and ")))
}

/// The kinds of findings that no count shows.
fn other_causes(findings: &GroupedFindings<'_>) -> String {
    let kinds = findings.incomplete().map(|(kind, count)| format!("{} `{}`", grouped(count), kind.as_str()));
    let kinds: Vec<String> = kinds.collect();
    match kinds.as_slice() {
        [] => "not everything asked for could be proved".to_owned(),
        kinds => format!("not everything asked for could be proved ({})", kinds.join(", ")),
    }
}

fn unverified(number: u64, all: u64, noun: &str) -> String {
    format!("{} not verified", of(number, all, noun))
}

/// `1 of 36 log files`.
fn of(number: u64, all: u64, noun: &str) -> String {
    format!("{} of {}", grouped(number), plural(all, noun))
}

const fn all_digests(counts: &Counts) -> u64 {
    let DigestCounts { tampered, unverified, .. } = counts.digests;
    counts.proved_digests().saturating_add(tampered).saturating_add(unverified)
}

const fn all_logs(counts: &Counts) -> u64 {
    let LogCounts { valid, remembered, tampered, unverified, .. } = counts.logs;
    valid.saturating_add(remembered).saturating_add(tampered).saturating_add(unverified)
}
