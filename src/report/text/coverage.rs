//! The coverage table: a line for each chain with its numbers, and below it the newest stretch that is covered.

use std::io::{self, Write};

use super::layout::{fit, grouped};
use crate::event::ChainSummary;
use crate::ident::ChainId;
use crate::report::escape::for_terminal;

/// Widths that add up to 80 columns; the region's is that of the longest name in common use.
pub(in crate::report) const REGION: usize = 14;
pub(in crate::report) const TRAIL: usize = 21;
const BACKFILL: &str = " (backfill)";

pub(super) fn write(out: &mut dyn Write, chains: &[ChainSummary]) -> io::Result<()> {
    writeln!(out, "\ncoverage")?;
    if chains.is_empty() {
        return writeln!(out, "  no chain of digests was found");
    }
    let [region, trail] = ["region", "trail"];
    writeln!(
        out,
        "  account       {region:REGION$}  {trail:TRAIL$}  {:>7}  {:>10}  {:>4}",
        "digests", "logs", "gaps"
    )?;
    chains.iter().try_for_each(|chain| write_chain(out, chain))
}

fn write_chain(out: &mut dyn Write, chain: &ChainSummary) -> io::Result<()> {
    let account = for_terminal(&chain.id.account);
    let region = fit(&for_terminal(&chain.id.region), REGION);
    let trail = trail(&chain.id);
    let gaps = gaps(chain);
    let (digests, logs) = (grouped(chain.digests), grouped(chain.logs));
    writeln!(out, "  {account:12}  {region:REGION$}  {trail:TRAIL$}  {digests:>7}  {logs:>10}  {gaps:>4}")?;
    writeln!(out, "    {}", covered(chain))
}

/// The trail's name, cut so that what marks a backfill chain is always seen.
pub(in crate::report) fn trail(chain: &ChainId) -> String {
    let name = for_terminal(&chain.trail);
    if chain.backfill {
        format!("{}{BACKFILL}", fit(&name, TRAIL - BACKFILL.len()))
    } else {
        fit(&name, TRAIL)
    }
}

/// Backfill digests come when they come: what they leave open is no gap.
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
