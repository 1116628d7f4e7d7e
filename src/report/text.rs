//! The text report: verdict, asked sources and range, findings with hints, coverage, totals, keys.
//!
//! The report is written when the run is over. The object list (`verbose`) is the exception, since a run may have
//! millions of objects: objects are printed during the run, under their own heading before the verdict. The first
//! [`SHOWN`] findings of a kind are printed, and the rest is counted.
//!
//! All text from a bucket, a directory or the user goes through [`for_terminal`].

pub(super) mod coverage;
pub(super) mod findings;
pub(super) mod layout;
pub(super) mod memory;
pub(super) mod verdict;
pub(super) mod words;

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

use super::escape::for_terminal;
use super::{FormatRenderer, Options};
use crate::event::{Counts, Event, ObjectState, ObjectType, Origin, Report, UsedKey};
use crate::time::{Range, Timestamp};
use findings::GroupedFindings;
use layout::{TextColour, grouped};

/// Maximum number of findings to print per kind.
const SHOWN: usize = 20;

pub(super) struct TextReport {
    out: BufWriter<Box<dyn Write + Send>>,
    options: Options,
    listing: bool,
}

impl TextReport {
    pub(super) fn new(options: Options, writer: Box<dyn Write + Send>) -> Self {
        Self { out: BufWriter::new(writer), options, listing: false }
    }

    fn object(&mut self, object: ObjectType, uri: &str, state: ObjectState) -> io::Result<()> {
        if self.options.quiet || !self.options.verbose {
            return Ok(());
        }
        if !self.listing {
            self.listing = true;
            writeln!(self.out, "objects and results")?;
        }
        let (state, object) = (words::object_state(state), words::object_type(object));
        writeln!(self.out, "  {state:10}  {object:6}  {}", for_terminal(uri))
    }
}

impl FormatRenderer for TextReport {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Object { object, uri, state } => self.object(*object, uri, *state),
            Event::Started { .. } | Event::Finding(_) | Event::Chain(_) | Event::Finished(_) => Ok(()),
        }
    }

    fn report(&mut self, report: &Report) -> io::Result<()> {
        if self.listing {
            writeln!(self.out)?;
        }
        write(report, self.options, &mut self.out)?;
        self.out.flush()
    }
}

fn write(report: &Report, options: Options, out: &mut dyn Write) -> io::Result<()> {
    let paint = TextColour(options.colour);
    let findings: GroupedFindings<'_> = report.findings().collect();
    verdict::write(out, paint, report, &findings)?;
    if options.quiet {
        return Ok(());
    }
    write_asked(out, report)?;
    memory::write(out, report)?;
    findings.write(out, paint, "--report json=FILE")?;
    coverage::write(out, report, options.verbose)?;
    write_totals(out, report)?;
    write_keys(out, &report.keys)
}

fn write_asked(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    writeln!(out)?;
    write_sources_and_range(out, &report.sources, report.range)?;
    let took = match report.seconds() {
        0 => "under 1 s".to_owned(),
        seconds => format!("{} s", grouped(seconds)),
    };
    let Origin { version, run_by, .. } = &report.origin;
    writeln!(out, "run      {}, {took}, trailproof {}", report.started, for_terminal(version))?;
    run_by.as_ref().map_or(Ok(()), |who| writeln!(out, "by       {}", for_terminal(who)))
}

/// Prints the speed from whole seconds: a saved report has no fractions.
fn write_speed(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let Counts { digests, logs, compressed_bytes, .. } = &report.counts;
    let read =
        [digests.valid, digests.tampered, digests.unverified, logs.valid, logs.tampered, logs.unverified];
    let files = read.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    if files == 0 {
        return Ok(());
    }
    let per_second = |count: u64| count.checked_div(report.seconds());
    let (Some(files), Some(bytes)) = (per_second(files), per_second(*compressed_bytes)) else {
        return Ok(());
    };
    // A few large files may give less than 1 file per second, and `0` would be misleading.
    let files = if files == 0 { "under 1".to_owned() } else { grouped(files) };
    writeln!(out, "  speed    {files} files/s, {} stored bytes/s", grouped(bytes))
}

pub(super) fn write_sources_and_range(
    out: &mut dyn Write,
    sources: &[String],
    range: Range,
) -> io::Result<()> {
    for (index, source) in sources.iter().enumerate() {
        let label = if index == 0 { "sources" } else { "" };
        writeln!(out, "{label:7}  {}", for_terminal(source))?;
    }
    let Range { start, end } = range;
    let start = start.map_or_else(|| "where the record begins".to_owned(), |start| start.to_string());
    writeln!(out, "range    {start} to {end}")
}

/// `3 remembered, `, or nothing for a run that remembers nothing.
fn remembered(count: u64) -> String {
    if count == 0 { String::new() } else { format!("{} remembered, ", grouped(count)) }
}

fn write_totals(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let counts = &report.counts;
    let (digests, logs) = (&counts.digests, &counts.logs);
    writeln!(out, "\ntotals")?;
    writeln!(
        out,
        "  digests  {} valid, {}{} tampered, {} unverified",
        grouped(digests.valid),
        remembered(digests.remembered),
        grouped(digests.tampered),
        grouped(digests.unverified)
    )?;
    writeln!(
        out,
        "  logs     {} valid, {}{} tampered, {} unverified, {} unreferenced",
        grouped(logs.valid),
        remembered(logs.remembered),
        grouped(logs.tampered),
        grouped(logs.unverified),
        grouped(logs.unreferenced)
    )?;
    writeln!(
        out,
        "  bytes    {} stored, {} inflated",
        grouped(counts.compressed_bytes),
        grouped(counts.inflated_bytes)
    )?;
    write_speed(out, report)
}

/// Prints the keys grouped by source, in the report's order.
fn write_keys(out: &mut dyn Write, keys: &BTreeSet<UsedKey>) -> io::Result<()> {
    writeln!(out, "\nkeys used")?;
    if keys.is_empty() {
        return writeln!(out, "  none");
    }
    let mut sources: Vec<&str> = keys.iter().map(|key| key.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    for source in sources {
        writeln!(out, "  from `{}`", for_terminal(source))?;
        for key in keys.iter().filter(|key| key.source == source) {
            let (fingerprint, region) = (for_terminal(&key.fingerprint), for_terminal(&key.region));
            writeln!(out, "    {fingerprint:32}  {region:14}  {}", validity(key))?;
        }
    }
    Ok(())
}

/// The validity in days; the JSON report has seconds.
fn validity(key: &UsedKey) -> String {
    let day = |moment: Timestamp| moment.to_string().split('T').next().unwrap_or_default().to_owned();
    match (key.valid_from.map(day), key.valid_to.map(day)) {
        (Some(from), Some(to)) => format!("{from} to {to}"),
        (Some(from), None) => format!("from {from}"),
        (None, Some(to)) => format!("until {to}"),
        (None, None) => "validity not given".to_owned(),
    }
}

#[cfg(test)]
mod tests;
