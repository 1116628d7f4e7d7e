//! What changed since earlier runs, for a run with memory.

use std::io::{self, Write};

use super::SHOWN;
use super::findings::stretch;
use super::layout::{grouped, plural};
use crate::event::{Finding, FindingStatus, Report, ResolvedFinding};
use crate::report::escape::for_terminal;

/// Prints what changed since earlier runs; nothing for a run without memory.
pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let Some(summary) = summary(report) else { return Ok(()) };
    writeln!(out, "memory   {summary}")?;
    if let Some(unread) = unread(report) {
        writeln!(out, "         {unread}")?;
    }
    let resolved = report.resolved.as_deref().unwrap_or_default();
    for finding in resolved.iter().take(SHOWN) {
        writeln!(out, "  resolved {}", self::resolved(finding))?;
    }
    match resolved.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "  … and {} more resolved", grouped(more as u64)),
    }
}

/// The numbers of findings by status, as words; `None` for a run without memory.
pub(in crate::report) fn summary(report: &Report) -> Option<String> {
    let counted = counts(report)?.map(|(status, count)| format!("{} {status}", grouped(count)));
    Some(counted.join(", "))
}

/// The numbers of findings by status; `None` for a run without memory.
pub(in crate::report) fn counts(report: &Report) -> Option<[(&'static str, u64); 4]> {
    let resolved = report.resolved.as_ref()?;
    let memories = || report.findings().filter_map(|finding| finding.memory.as_deref());
    let open = || memories().filter(|memory| memory.accepted.is_none());
    let count = |status| open().filter(|memory| memory.status == Some(status)).count() as u64;
    Some([
        ("new", count(FindingStatus::New)),
        ("known", count(FindingStatus::Known)),
        ("accepted", memories().filter(|memory| memory.accepted.is_some()).count() as u64),
        ("resolved", resolved.len() as u64),
    ])
}

/// How many objects the run did not read, and when they were last read; `None` if the run read every object.
pub(in crate::report) fn unread(report: &Report) -> Option<String> {
    let remembered = || report.chains().flat_map(|chain| &chain.summary.remembered);
    let read = remembered().map(|time| time.read).min()?;
    let (digests, logs) = (report.counts.digests.remembered, report.counts.logs.remembered);
    Some(format!(
        "{} and {} remembered and unchanged, each read {read} or later",
        plural(digests, "digest"),
        plural(logs, "log file"),
    ))
}

/// Kind, subject and time of a resolved finding.
pub(in crate::report) fn resolved(finding: &ResolvedFinding) -> String {
    let ResolvedFinding { account, region, trail, uri, .. } = finding;
    let parts = [account, region, trail].into_iter().flatten().map(|part| for_terminal(part));
    let place = parts.collect::<Vec<_>>().join(" ");
    let subject = uri.as_deref().map_or(place, |uri| for_terminal(uri).into_owned());
    let time = stretch(finding.start, finding.end).map(|time| format!(", {time}")).unwrap_or_default();
    format!("{}: {subject}{time}", finding.kind.as_str())
}

/// The id to accept the finding by; `None` for a finding that memory does not keep.
pub(in crate::report) fn id(finding: &Finding) -> Option<&str> {
    let memory = finding.memory.as_deref()?;
    memory.status.map(|_| memory.id.as_str())
}

/// The finding's status and id, to accept the finding by; `None` for a finding that memory does not keep.
pub(in crate::report) fn status(finding: &Finding) -> Option<String> {
    let memory = finding.memory.as_deref()?;
    let since = memory.first_seen.map(|seen| format!(" since {seen}")).unwrap_or_default();
    Some(format!("{}{since}, id {}", memory.status?.as_str(), memory.id))
}
