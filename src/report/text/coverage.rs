//! Coverage: a line of numbers for each chain, followed by the newest covered stretch. Complete chains share a single
//! line.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::layout::{fit, grouped, plural, wrap};
use crate::event::{ChainSummary, FaultCause, Finding, Kind, Report, ReportedChain, Verdict};
use crate::ident::ChainId;
use crate::report::escape::for_terminal;
use crate::time::Interval;

/// Column widths for lines of 80 columns; the region column fits the longest region name in common use.
pub(in crate::report) const REGION: usize = 14;
pub(in crate::report) const TRAIL: usize = 21;
const BACKFILL: &str = " (backfill)";

/// What is said in place of the coverage in a report on single objects.
pub(in crate::report) const NOT_JUDGED: &str = "not judged: only single objects were asked for";

/// Writes the table. With `all`, complete chains are listed too.
pub(super) fn write(out: &mut dyn Write, report: &Report, all: bool) -> io::Result<()> {
    writeln!(out, "\ncoverage")?;
    if report.single_objects {
        return writeln!(out, "  {NOT_JUDGED}");
    }
    if report.chains().len() == 0 {
        return writeln!(out, "  no chain of digests was found");
    }
    let (whole, listed): (Vec<_>, Vec<_>) =
        report.chains().partition(|chain| !all && is_whole(report, chain));
    if !listed.is_empty() {
        write_head(out)?;
    }
    listed.iter().try_for_each(|chain| write_chain(out, &chain.summary))?;
    let (backfill, hourly): (Vec<_>, Vec<_>) = whole.into_iter().partition(|chain| chain.summary.id.backfill);
    write_whole(out, &hourly)?;
    write_whole_backfill(out, backfill.len() as u64)?;
    match without_digests(report).len() {
        0 => Ok(()),
        number => {
            writeln!(out, "  {} without digests: see `no-digests` above", plural(number as u64, "region"))
        }
    }
}

/// Account and region of each region that was asked for and has no digests, so that no chain stands for it. A finding on one
/// object says nothing of its region.
pub(in crate::report) fn without_digests(report: &Report) -> BTreeSet<(&str, &str)> {
    let is_of_region = |finding: &&Finding| finding.kind == Kind::NoDigests && !is_of_object(finding);
    let findings = report.findings().filter(is_of_region);
    findings.filter_map(|finding| Some((finding.account.as_deref()?, finding.region.as_deref()?))).collect()
}

/// Whether the finding is on one object that was asked for and found no proof.
pub(in crate::report) fn is_of_object(finding: &Finding) -> bool {
    matches!(
        finding.fault.known_cause(),
        Some(FaultCause::NoSuchObject | FaultCause::ObjectExcluded | FaultCause::NotAskedDigest)
    )
}

/// Whether the chain is intact, all its digests and log files are proved, and it has no gaps and at most one covered
/// stretch. A chain with an accepted finding is intact, but not whole.
pub(in crate::report) fn is_whole(report: &Report, chain: &ReportedChain) -> bool {
    let ReportedChain { summary, .. } = chain;
    report.chain_verdict(chain) == Verdict::Intact
        && summary.unproved_digests() == 0
        && summary.unproved_logs() == 0
        && summary.gaps == 0
        && summary.covered.len() < 2
}

fn write_head(out: &mut dyn Write) -> io::Result<()> {
    let [region, trail] = ["region", "trail"];
    writeln!(
        out,
        "  account       {region:REGION$}  {trail:TRAIL$}  {:>7}  {:>10}  {:>4}",
        "digests", "logs", "gaps"
    )
}

/// Writes a line for all complete chains, with the stretch that all of them cover.
fn write_whole(out: &mut dyn Write, chains: &[&ReportedChain]) -> io::Result<()> {
    let stretches = || chains.iter().filter_map(|chain| chain.summary.covered.first().copied());
    let Some(hull) = stretches().reduce(Interval::hull) else { return Ok(()) };
    let (number, verb) = is_or_are(chains.len() as u64, "chain");
    let covered = match stretches().map(Some).reduce(|one, two| one?.intersect(two?)).flatten() {
        Some(common) if common == hull => format!("covered {common}"),
        Some(common) => format!("each is covered {common} or longer"),
        None => format!("covered at different times within {hull}"),
    };
    let which = match chains {
        [only] => {
            let id = &only.summary.id;
            format!("{} {} {}, ", for_terminal(&id.account), for_terminal(&id.region), trail(id))
        }
        _ => String::new(),
    };
    let names = if chains.len() > 1 { " (`-v` names them)" } else { "" };
    writeln!(out, "{}", wrap("  ", &format!("{number} {verb} whole: {which}{covered}{names}")))
}

fn write_whole_backfill(out: &mut dyn Write, number: u64) -> io::Result<()> {
    if number == 0 {
        return Ok(());
    }
    let (number, verb) = is_or_are(number, "chain");
    writeln!(out, "  {number} of backfill digests {verb} whole")
}

fn is_or_are(number: u64, noun: &str) -> (String, &'static str) {
    (plural(number, noun), if number == 1 { "is" } else { "are" })
}

fn write_chain(out: &mut dyn Write, chain: &ChainSummary) -> io::Result<()> {
    let account = for_terminal(&chain.id.account);
    let region = fit(&for_terminal(&chain.id.region), REGION);
    let trail = trail(&chain.id);
    let gaps = gaps(chain);
    let (digests, logs) = (grouped(chain.digests), grouped(chain.logs));
    writeln!(out, "  {account:12}  {region:REGION$}  {trail:TRAIL$}  {digests:>7}  {logs:>10}  {gaps:>4}")?;
    writeln!(out, "    {}", covered(chain))?;
    match unproved(chain) {
        Some(unproved) => writeln!(out, "    {unproved}"),
        None => Ok(()),
    }
}

/// `3 of 3 digests and 5 of 6 log files not proved`; `None` if all are proved.
pub(in crate::report) fn unproved(chain: &ChainSummary) -> Option<String> {
    let of = |number: u64, all: u64, noun: &str| {
        (number > 0).then(|| format!("{} of {}", grouped(number), plural(all.max(number), noun)))
    };
    let digests = of(chain.unproved_digests(), chain.digests, "digest");
    let logs = of(chain.unproved_logs(), chain.logs, "log file");
    let parts: Vec<String> = [digests, logs].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("{} not proved", parts.join(" and ")))
}

/// The trail's name, cut so that the backfill mark stays visible.
pub(in crate::report) fn trail(chain: &ChainId) -> String {
    let name = for_terminal(&chain.trail);
    if chain.backfill {
        format!("{}{BACKFILL}", fit(&name, TRAIL - BACKFILL.len()))
    } else {
        fit(&name, TRAIL)
    }
}

/// The number of gaps; `-` for backfill digests, which have no schedule and so no gaps.
fn gaps(chain: &ChainSummary) -> String {
    if chain.id.backfill { "-".to_owned() } else { grouped(chain.gaps) }
}

fn covered(chain: &ChainSummary) -> String {
    let mut text = match (chain.covered.as_slice(), chain.id.backfill) {
        ([], true) => "log files that were delivered late".to_owned(),
        ([], false) => "nothing covered".to_owned(),
        ([only], _) => only.to_string(),
        ([.., newest], _) => format!("{newest}, newest of {} stretches", chain.covered.len()),
    };
    if chain.id.home_region != chain.id.region {
        text.push_str(&format!(", home {}", for_terminal(&chain.id.home_region)));
    }
    if text.chars().count() > 76 {
        text = text.replacen(", home ", "\n    home ", 1);
    }
    text
}
