//! The text report: verdict first, then what was asked, coverage, findings with what to do next, totals, keys.
//!
//! The verdict is known last and printed first, so the report is written when the run is over. Listing every object
//! (`verbose`) is the exception: these lines are printed as they come, under a heading of their own before the
//! verdict, since a run may have millions of them. What is kept in memory is bounded by the number of chains and
//! kinds: of each kind the first [`SHOWN`] findings and a count.
//!
//! Everything that comes from a bucket, a directory or the user goes through [`for_terminal`].

pub(super) mod coverage;
pub(super) mod findings;
pub(super) mod layout;
pub(super) mod verdict;
pub(super) mod words;

use std::io::{self, BufWriter, Write};

use super::Options;
use super::escape::for_terminal;
use crate::event::{ChainSummary, Counts, Event, ObjectState, ObjectType, Origin, Sink, Summary, UsedKey};
use crate::time::{Range, Timestamp};
use findings::Findings;
use layout::{Paint, grouped};

/// So many findings of one kind are shown in full.
const SHOWN: usize = 20;

pub(super) struct Text {
    out: BufWriter<Box<dyn Write + Send>>,
    options: Options,
    run: Run,
    listing: bool,
}

/// What is remembered until the run is over.
#[derive(Default)]
struct Run {
    begun: Option<Begun>,
    findings: Findings,
    chains: Vec<ChainSummary>,
}

struct Begun {
    sources: Vec<String>,
    range: Range,
    at: Timestamp,
    origin: Origin,
}

impl Begun {
    /// How long the run took, where that is a second or more.
    fn seconds(&self, summary: &Summary) -> Option<u64> {
        let seconds = summary.at.unix().saturating_sub(self.at.unix());
        u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)
    }
}

impl Text {
    pub(super) fn new(options: Options, writer: Box<dyn Write + Send>) -> Self {
        Self { out: BufWriter::new(writer), options, run: Run::default(), listing: false }
    }

    fn object(&mut self, object: ObjectType, uri: &str, state: ObjectState) -> io::Result<()> {
        if self.options.quiet || !self.options.verbose {
            return Ok(());
        }
        if !self.listing {
            self.listing = true;
            writeln!(self.out, "objects, as they were judged")?;
        }
        let (state, object) = (words::object_state(state), words::object_type(object));
        writeln!(self.out, "  {state:10}  {object:6}  {}", for_terminal(uri))
    }

    fn finished(&mut self, summary: &Summary) -> io::Result<()> {
        if self.listing {
            writeln!(self.out)?;
        }
        self.run.write(&mut self.out, self.options, summary)?;
        self.out.flush()
    }
}

impl Sink for Text {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Started { sources, range, at, origin } => {
                let (sources, origin) = (sources.clone(), origin.clone());
                self.run.begun = Some(Begun { sources, range: *range, at: *at, origin });
                Ok(())
            }
            Event::Object { object, uri, state } => self.object(*object, uri, *state),
            Event::Finding(finding) => {
                self.run.findings.add(finding);
                Ok(())
            }
            Event::Chain(chain) => {
                self.run.chains.push(ChainSummary { timeline: None, ..chain.clone() });
                Ok(())
            }
            Event::Finished(summary) => self.finished(summary),
        }
    }
}

impl Run {
    fn write(&self, out: &mut dyn Write, options: Options, summary: &Summary) -> io::Result<()> {
        let paint = Paint(options.colour);
        let covered = ChainSummary::covered_until(&self.chains);
        verdict::write(out, paint, summary, &self.findings, covered)?;
        if options.quiet {
            return Ok(());
        }
        self.write_asked(out, summary)?;
        coverage::write(out, &self.chains)?;
        self.findings.write(out, paint, "--report json=FILE")?;
        write_totals(out, summary)?;
        self.write_speed(out, summary)?;
        write_keys(out, &summary.keys)
    }

    fn write_asked(&self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        let Some(begun) = &self.begun else { return Ok(()) };
        writeln!(out)?;
        write_sources_and_range(out, &begun.sources, begun.range)?;
        let took = match begun.seconds(summary) {
            Some(seconds) => format!("{} s", grouped(seconds)),
            None => "under 1 s".to_owned(),
        };
        let Origin { version, run_by, .. } = &begun.origin;
        writeln!(out, "run      {}, {took}, trailproof {}", begun.at, for_terminal(version))?;
        run_by.as_ref().map_or(Ok(()), |who| writeln!(out, "by       {}", for_terminal(who)))
    }
}

impl Run {
    /// By whole seconds, since a report that is read again has no others.
    fn write_speed(&self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        let Some(seconds) = self.begun.as_ref().and_then(|begun| begun.seconds(summary)) else {
            return Ok(());
        };
        let Counts { digests, logs, compressed_bytes, .. } = &summary.counts;
        let read =
            [digests.valid, digests.tampered, digests.unverified, logs.valid, logs.tampered, logs.unverified];
        let files = read.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
        let (files, bytes) = (grouped(files / seconds), grouped(compressed_bytes / seconds));
        // Few large files are under one a second, and `0` says nothing.
        let files = if files == "0" { "under 1" } else { &files };
        writeln!(out, "  speed    {files} files/s, {bytes} stored bytes/s")
    }
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

fn write_totals(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let counts = &summary.counts;
    let (digests, logs) = (&counts.digests, &counts.logs);
    writeln!(out, "\ntotals")?;
    writeln!(
        out,
        "  digests  {} valid, {} tampered, {} unverified",
        grouped(digests.valid),
        grouped(digests.tampered),
        grouped(digests.unverified)
    )?;
    writeln!(
        out,
        "  logs     {} valid, {} tampered, {} unverified, {} unreferenced",
        grouped(logs.valid),
        grouped(logs.tampered),
        grouped(logs.unverified),
        grouped(logs.unreferenced)
    )?;
    writeln!(
        out,
        "  bytes    {} stored, {} inflated",
        grouped(counts.compressed_bytes),
        grouped(counts.inflated_bytes)
    )
}

/// The keys under each source, in the order they come.
fn write_keys(out: &mut dyn Write, keys: &[UsedKey]) -> io::Result<()> {
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

/// By the day; the JSON report has the second.
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
