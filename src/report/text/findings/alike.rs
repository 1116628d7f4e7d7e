//! Findings that differ in nothing but the object: many of them share one text.

use std::collections::HashMap;
use std::io::{self, Write};

use super::subject;
use crate::event::{FaultCause, Finding, Severity};
use crate::report::escape::for_terminal;
use crate::report::text::layout::{grouped, wrap};

/// Number of findings that are alike from which on they share one text.
const MANY: usize = 8;

/// Number of objects that such a text names.
const NAMED: usize = 3;

/// What findings that are alike have in common.
#[derive(PartialEq, Eq, Hash)]
struct Likeness<'f> {
    cause: Option<&'f str>,
    place: [Option<&'f str>; 5],
    backfill: Option<bool>,
    message: String,
}

impl<'f> Likeness<'f> {
    /// `None` for a finding that has to be read alone: tampering, a stretch of time, or content that was compared.
    fn of(finding: &'f Finding) -> Option<Self> {
        let Finding { severity, uri, start, end, expected, original, copy, objects, .. } = finding;
        let is_plain = *severity < Severity::Tampered
            && (uri.is_some() && objects.is_empty())
            && (start.is_none() && end.is_none())
            && (expected.is_none() && original.is_none() && copy.is_none());
        let place =
            [&finding.account, &finding.region, &finding.trail, &finding.home_region, &finding.organization];
        is_plain.then(|| Self {
            cause: finding.fault.cause(),
            place: place.map(Option::as_deref),
            backfill: finding.backfill,
            message: common_message(finding),
        })
    }
}

/// The message; of a member of an archive without the member's name.
fn common_message(finding: &Finding) -> String {
    let message = finding.message();
    let is_of_member = finding.fault.known_cause() == Some(FaultCause::UnreadMember);
    match message.rsplit_once("was not read: ").filter(|_| is_of_member) {
        Some((_, why)) => why.to_owned(),
        None => message,
    }
}

/// The findings in order, those that are alike together at the place of the first if they are many.
pub(super) fn bundles<'f>(findings: &[&'f Finding]) -> Vec<Vec<&'f Finding>> {
    if findings.len() < MANY {
        return findings.iter().map(|finding| vec![*finding]).collect();
    }
    let mut bundles: HashMap<Likeness<'_>, Vec<usize>> = HashMap::new();
    for (number, finding) in findings.iter().enumerate() {
        if let Some(likeness) = Likeness::of(finding) {
            bundles.entry(likeness).or_default().push(number);
        }
    }
    let mut together: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut is_later = vec![false; findings.len()];
    for numbers in bundles.into_values().filter(|numbers| numbers.len() >= MANY) {
        for number in numbers.iter().skip(1) {
            is_later.iter_mut().skip(*number).take(1).for_each(|later| *later = true);
        }
        together.extend(numbers.first().copied().map(|first| (first, numbers)));
    }
    let firsts = findings.iter().zip(is_later).enumerate().filter(|(_, (_, is_later))| !is_later);
    let bundle = |(number, (finding, _)): (usize, (&&'f Finding, bool))| match together.get(&number) {
        Some(numbers) => numbers.iter().filter_map(|number| findings.get(*number).copied()).collect(),
        None => vec![*finding],
    };
    firsts.map(bundle).collect()
}

/// Writes findings that are alike: the first objects, the number of the others, and the message. `all` is the option that
/// prints all findings.
pub(super) fn write(out: &mut dyn Write, alike: &[&Finding], all: &str) -> io::Result<()> {
    let Some(first) = alike.first() else { return Ok(()) };
    let is_of_members = first.fault.known_cause() == Some(FaultCause::UnreadMember);
    if is_of_members {
        writeln!(out, "  {}", subject(first))?;
    }
    for finding in alike.iter().take(NAMED) {
        match is_of_members {
            true => writeln!(out, "{}", wrap("    ", &for_terminal(&finding.message())))?,
            false => writeln!(out, "  {}", subject(finding))?,
        }
    }
    let more = grouped(alike.len().saturating_sub(NAMED) as u64);
    writeln!(out, "  … and {more} more like these; `{all}` has all")?;
    match is_of_members {
        true => Ok(()),
        false => writeln!(out, "{}", wrap("    ", &for_terminal(&first.message()))),
    }
}
