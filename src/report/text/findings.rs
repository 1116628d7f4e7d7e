//! Findings, grouped by severity and kind and printed with hints.

mod alike;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use super::SHOWN;
use super::layout::{TextColour, grouped, wrap};
use super::memory;
use crate::event::{FaultCause, Finding, Kind, Reason, Severity};
use crate::report::escape::for_terminal;
use crate::report::severity_word;
use crate::time::Timestamp;
use crate::words;

/// Groups of findings: gravest severity first, then in the order of [`Kind::ALL`], which equals the enum's order.
#[derive(Default)]
pub(in crate::report) struct GroupedFindings<'f> {
    groups: BTreeMap<(Reverse<Severity>, Kind), KindGroup<'f>>,
}

/// The findings of a kind, by their hint, in order of first appearance.
#[derive(Default)]
struct KindGroup<'f> {
    by_hint: Vec<(Option<&'static str>, Vec<&'f Finding>)>,
}

impl<'f> FromIterator<&'f Finding> for GroupedFindings<'f> {
    fn from_iter<I: IntoIterator<Item = &'f Finding>>(findings: I) -> Self {
        let mut all = Self::default();
        for finding in findings {
            let group = all.groups.entry((Reverse(finding.severity), finding.kind)).or_default();
            group.add(words::hint(finding), finding);
        }
        all
    }
}

impl GroupedFindings<'_> {
    /// Number of findings of `kind`, with any severity.
    pub(super) fn count(&self, kind: Kind) -> u64 {
        self.groups.iter().filter(|((_, of), _)| *of == kind).map(|(_, group)| group.count()).sum()
    }

    /// Number of findings that prove tampering.
    pub(super) fn tampered(&self) -> u64 {
        let proving = |severity: &Reverse<Severity>| severity.0 == Severity::Tampered;
        self.groups
            .iter()
            .filter(|((severity, _), _)| proving(severity))
            .map(|(_, group)| group.count())
            .sum()
    }

    /// The kinds of findings that could not be vouched for, with their numbers.
    pub(super) fn incomplete(&self) -> impl Iterator<Item = (Kind, u64)> {
        let unproved = self.groups.iter().filter(|((severity, _), _)| severity.0 == Severity::Incomplete);
        unproved.map(|((_, kind), group)| (*kind, group.count()))
    }

    /// Writes the groups under a heading. `all` is the option that prints all findings.
    pub(in crate::report) fn write(
        &self,
        out: &mut dyn Write,
        paint: TextColour,
        all: &str,
    ) -> io::Result<()> {
        if self.groups.is_empty() {
            return writeln!(out, "\nfindings\n  none");
        }
        writeln!(out, "\nfindings")?;
        for (index, ((severity, kind), group)) in self.groups.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            group.write(out, paint, (severity.0, *kind), all)?;
        }
        Ok(())
    }
}

impl<'f> KindGroup<'f> {
    fn add(&mut self, hint: Option<&'static str>, finding: &'f Finding) {
        match self.by_hint.iter_mut().find(|(other, _)| *other == hint) {
            Some((_, findings)) => findings.push(finding),
            None => self.by_hint.push((hint, vec![finding])),
        }
    }

    fn count(&self) -> u64 {
        self.by_hint.iter().map(|(_, findings)| findings.len() as u64).sum()
    }

    /// Writes the findings, those with one hint together. At least one finding of each hint is shown.
    fn write(
        &self,
        out: &mut dyn Write,
        paint: TextColour,
        (severity, kind): (Severity, Kind),
        all: &str,
    ) -> io::Result<()> {
        let word = paint.severity(Some(severity), severity_word(severity));
        let (count, meaning) = (grouped(self.count()), words::meaning(kind));
        writeln!(out, "[{word}] {} ({count}): {meaning}", kind.as_str())?;
        let mut room = SHOWN;
        for (hint, findings) in &self.by_hint {
            let bundles = alike::bundles(findings);
            let shown = bundles.get(..room.max(1)).unwrap_or(&bundles);
            room = room.saturating_sub(shown.len());
            for bundle in shown {
                match bundle.as_slice() {
                    [only] => write_finding(out, only, all)?,
                    several => alike::write(out, several, all)?,
                }
            }
            let shown: usize = shown.iter().map(Vec::len).sum();
            if let more @ 1.. = findings.len().saturating_sub(shown) {
                writeln!(out, "  … and {} more; `{all}` has all", grouped(more as u64))?;
            }
            hint.map_or(Ok(()), |hint| writeln!(out, "{}", wrap("  hint: ", hint)))?;
        }
        Ok(())
    }
}

/// Writes a finding. `all` is the option that writes the objects of a finding on many.
fn write_finding(out: &mut dyn Write, finding: &Finding, all: &str) -> io::Result<()> {
    writeln!(out, "  {}", subject(finding))?;
    writeln!(out, "{}", wrap("    ", &for_terminal(&finding.message())))?;
    let objects = match finding.objects.len() {
        0 => None,
        number => Some(format!("{}: `{all}` has all", grouped(number as u64))),
    };
    let evidence = [
        ("recorded", finding.recorded_at()),
        ("objects", objects.as_deref()),
        ("expected", finding.expected.as_deref()),
        (actual_label(finding), finding.actual.as_deref()),
        ("digest", finding.digest.as_deref()),
        ("time", stretch(finding.start, finding.end).as_deref()),
        ("reason", finding.reason.map(Reason::as_str)),
        ("memory", memory::status(finding).as_deref()),
    ]
    .map(|(label, value)| value.map(|value| format!("    {label:8}  {}", for_terminal(value))));
    evidence.into_iter().flatten().try_for_each(|line| writeln!(out, "{line}"))
}

/// What the finding's `actual` is: the version that a delete marker hides, or a value that was found.
pub(in crate::report) fn actual_label(finding: &Finding) -> &'static str {
    match finding.fault.known_cause() {
        Some(FaultCause::LogDeleted | FaultCause::DigestDeleted) => "version",
        _ => "actual",
    }
}

/// The object, chain, or account and region of the finding.
pub(in crate::report) fn subject(finding: &Finding) -> String {
    if let Some(object) = finding.object() {
        return for_terminal(object).into_owned();
    }
    let parts: Vec<_> = [&finding.account, &finding.region, &finding.trail]
        .into_iter()
        .flatten()
        .map(|part| for_terminal(part))
        .collect();
    if parts.is_empty() { "the whole run".to_owned() } else { parts.join(" ") }
}

/// `START to END`, or the one that is known.
pub(in crate::report) fn stretch(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<String> {
    match (start, end) {
        (Some(start), Some(end)) => Some(format!("{start} to {end}")),
        (Some(start), None) => Some(format!("from {start}")),
        (None, Some(end)) => Some(format!("until {end}")),
        (None, None) => None,
    }
}
