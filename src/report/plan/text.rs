//! The plan for people: a summary line, asked sources and range, digests, log files, findings, and cost.

use std::io::{self, Write};
use std::path::Path;

use super::{Options, Planned};
use crate::event::Severity;
use crate::report::escape::for_terminal;
use crate::report::text::coverage::{REGION, TRAIL, trail};
use crate::report::text::findings::GroupedFindings;
use crate::report::text::layout::{TextColour, fit, grouped, plural};
use crate::report::text::write_sources_and_range;
use crate::validate::plan::{
    Amount, ArchivedAmount, ChainPlan, Cost, FREE_TRANSFER_GB, Plan, RegionPlan, Usd,
};

/// Writes `planned` as text and flushes `out`. With `quiet`, writes the first line only; `verbose` has no effect.
///
/// # Errors
/// The errors of `out`, unchanged.
pub fn write(planned: &Planned<'_>, options: Options, out: &mut dyn Write) -> io::Result<()> {
    let paint = TextColour(options.colour);
    write_summary(out, paint, planned.plan)?;
    if !options.quiet {
        writeln!(out)?;
        write_sources_and_range(out, planned.sources, planned.range)?;
        writeln!(out, "plan     trailproof {}, from listings alone", env!("CARGO_PKG_VERSION"))?;
        write_chains(out, &planned.plan.chains)?;
        write_regions(out, &planned.plan.regions)?;
        let findings: GroupedFindings<'_> = planned.plan.findings.iter().collect();
        findings.write(out, paint, "--format json")?;
        write_totals(out, planned)?;
    }
    out.flush()
}

/// Writes the summary line, which must be understandable alone.
fn write_summary(out: &mut dyn Write, paint: TextColour, plan: &Plan) -> io::Result<()> {
    let word = match plan.is_complete() {
        true => "plan".to_owned(),
        false => paint.severity(Some(Severity::Incomplete), "incomplete plan"),
    };
    if plan.inside().objects == 0 {
        return writeln!(out, "{word}: no digests found, so nothing would be proved; nothing was verified");
    }
    let digests = plural(plan.inside().plus(plan.beside()).objects, "digest");
    let (logs, bytes) = (plural(plan.logs().objects, "log file"), plural(plan.reads().bytes, "byte"));
    writeln!(out, "{word}: {digests} and about {logs} to read, {bytes}; nothing was verified")
}

fn write_chains(out: &mut dyn Write, chains: &[ChainPlan]) -> io::Result<()> {
    writeln!(out, "\ndigests to read")?;
    if chains.is_empty() {
        return writeln!(out, "  no chain of digests was found");
    }
    let [region, trail] = ["region", "trail"];
    writeln!(
        out,
        "  account       {region:REGION$}  {trail:TRAIL$}  {:>11}  {:>10}",
        "in range", "neighbours"
    )?;
    chains.iter().try_for_each(|chain| write_chain(out, chain))
}

fn write_chain(out: &mut dyn Write, chain: &ChainPlan) -> io::Result<()> {
    let ChainPlan { id, selected, inside, witnesses, first, last } = chain;
    let account = for_terminal(&id.account);
    let (region, trail) = (fit(&for_terminal(&id.region), REGION), trail(id));
    let (digests, beside) = (grouped(inside.objects), grouped(witnesses.objects));
    writeln!(out, "  {account:12}  {region:REGION$}  {trail:TRAIL$}  {digests:>11}  {beside:>10}")?;
    writeln!(out, "    ending {first} to {last}, {}", plural(inside.plus(*witnesses).bytes, "byte"))?;
    if id.home_region != id.region {
        writeln!(out, "    home {}", for_terminal(&id.home_region))?;
    }
    if !selected {
        writeln!(out, "    not asked for: read for its lists of log files")?;
    }
    Ok(())
}

fn write_regions(out: &mut dyn Write, regions: &[RegionPlan]) -> io::Result<()> {
    writeln!(out, "\nlog files to read, estimated")?;
    if regions.is_empty() {
        return writeln!(out, "  none");
    }
    writeln!(out, "  account       {:REGION$}  {:>13}  {:>19}", "region", "files", "bytes")?;
    regions.iter().try_for_each(|region| {
        let account = for_terminal(&region.account);
        let name = fit(&for_terminal(&region.region), REGION);
        let (files, bytes) = (grouped(region.logs.objects), grouped(region.logs.bytes));
        writeln!(out, "  {account:12}  {name:REGION$}  {files:>13}  {bytes:>19}")
    })
}

fn write_totals(out: &mut dyn Write, planned: &Planned<'_>) -> io::Result<()> {
    let plan = planned.plan;
    let Amount { objects, bytes } = plan.reads();
    writeln!(out, "\ntotals")?;
    writeln!(
        out,
        "  digests   {} in range, {} neighbours, read but not counted",
        grouped(plan.inside().objects),
        grouped(plan.beside().objects)
    )?;
    writeln!(out, "  logs      about {}", grouped(plan.logs().objects))?;
    match planned.cost() {
        Some(cost) => {
            writeln!(out, "  bytes     {}", grouped(bytes))?;
            writeln!(out, "  requests  {} LIST, {} GET", grouped(plan.list_requests), grouped(objects))?;
            write_cost(out, cost)?;
            write_archived(out, plan.archived, planned.manifest)?;
        }
        None => writeln!(out, "  files     {}, {}", grouped(objects), plural(bytes, "byte"))?,
    }
    writeln!(out, "\nThis is a plan: nothing was verified. Log files are estimated by the minutes in")?;
    writeln!(out, "their names, up to 20 minutes off, whether or not a digest lists them.")
}

fn write_cost(out: &mut dyn Write, cost: Cost) -> io::Result<()> {
    let Cost { requests, transfer_to_internet } = cost;
    let both = Usd::from_nanos(requests.nanos().saturating_add(transfer_to_internet.nanos()));
    writeln!(out, "  cost      {} in the bucket's region", money(requests))?;
    writeln!(
        out,
        "            {} over the internet, less with free transfer ({FREE_TRANSFER_GB} GB a month)",
        money(both)
    )?;
    writeln!(out, "            at the prices of S3 Standard in us-east-1")
}

/// Writes what has to be restored before a run.
fn write_archived(out: &mut dyn Write, archived: ArchivedAmount, manifest: Option<&Path>) -> io::Result<()> {
    let ArchivedAmount { digests, logs } = archived;
    let Amount { objects, bytes } = archived.all();
    if objects > 0 {
        let (digests, logs) = (plural(digests.objects, "digest"), plural(logs.objects, "log file"));
        writeln!(out, "  archived  {digests}, {logs}, {}", plural(bytes, "byte"))?;
        match manifest {
            Some(file) => {
                let file = file.display().to_string();
                writeln!(
                    out,
                    "            to be restored first: the manifest `{}` lists them",
                    for_terminal(&file)
                )?;
            }
            None => writeln!(
                out,
                "            to be restored first: `--restore-manifest FILE` lists the objects"
            )?,
        }
    } else {
        writeln!(out, "  archived  none")?;
    }
    writeln!(out, "            Listings do not show the archive tiers of S3 Intelligent-Tiering, and")?;
    writeln!(out, "            show restored objects as archived.")
}

/// Dollars and cents, rounded up.
fn money(amount: Usd) -> String {
    const CENT: u64 = 10_000_000;
    let cents = amount.nanos().div_ceil(CENT);
    match cents {
        1 if amount.nanos() < CENT => "under $0.01".to_owned(),
        _ => format!("${}.{:02}", grouped(cents / 100), cents % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_up_to_cents() {
        let shown =
            [0, 1, 9_999_999, 10_000_000, 10_000_001, 1_234_560_000_000].map(Usd::from_nanos).map(money);
        assert_eq!(shown, ["$0.00", "under $0.01", "under $0.01", "$0.01", "$0.02", "$1,234.56"]);
    }
}
