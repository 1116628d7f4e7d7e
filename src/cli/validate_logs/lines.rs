//! The lines of `aws cloudtrail validate-logs` (AWS CLI 1.46.3), from the events of a run.
//!
//! | line | stream | when |
//! |---|---|---|
//! | `Validating log files for trail ARN between START and END`, and an empty one | stdout | at the beginning |
//! | `Digest file\tURI\tvalid`, `Log file\tURI\tvalid` | stdout | with `--verbose` |
//! | the same with `INVALID: WHY`, empty lines around it | stderr | for each file that is not valid |
//! | `No log files were delivered by CloudTrail between T and T` | stderr | where a chain begins, and there are older digests |
//! | `Results requested for …`, `Results found for …`, the sums | stdout | at the end |
//!
//! Hourly digests come first, newest first. After each digest come its log files, in the digest's order. Backfill digests
//! follow, in lines that begin with `(backfill) `. The engine reports a chain when the whole chain is judged, so all lines
//! are printed at the end; the AWS CLI prints each line during the run.
//!
//! Findings that the AWS CLI has no words for follow on stderr, before the sums, as `trailproof: KIND: URI: MESSAGE`:
//! checks that the AWS CLI does not make, files that could not be read, and INVALID files without proof of tampering.
//! Consequences of an INVALID digest are not repeated: its uncovered hour and its unverifiable log files.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufWriter, Write};
use std::mem;

use super::recorder::{self, Shelf};
use super::sums::{Ratio, Sums};
use super::words::{self, Said};
use crate::digest::DigestFile;
use crate::event::{Event, Finding, Kind, ObjectState, ObjectType, Severity, Sink, Summary};
use crate::ident::{ChainId, DigestKey, Location};
use crate::report::escape::for_terminal;
use crate::time::{HOUR, Interval, Timestamp};

/// The request, as far as the lines show it.
pub(super) struct Asked {
    pub(super) trail_arn: String,
    pub(super) home_region: String,
    /// Whether the trail is an organization's. An account's own trail may have the same name.
    pub(super) organization: bool,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) verbose: bool,
}

impl Asked {
    /// The finding with the part of a gap that was asked for. The run has one second more at both ends, to include the
    /// digests that end there.
    pub(super) fn part_of(&self, finding: &Finding) -> Finding {
        let mut part = finding.clone();
        if part.kind == Kind::ChainGap {
            part.start = part.start.map(|start| start.max(self.start));
            part.end = part.end.map(|end| if end == self.end.plus(1) { self.end } else { end });
        }
        part
    }

    const fn interval(&self) -> Interval {
        Interval { start: self.start, end: self.end }
    }
}

/// Writes the lines.
pub(super) struct Lines {
    asked: Asked,
    shelf: Shelf,
    out: BufWriter<Box<dyn Write + Send>>,
    err: Box<dyn Write + Send>,
    /// Whether the last line, on either stream, is followed by an empty line.
    is_spaced: bool,
    objects: Vec<(ObjectType, String, ObjectState)>,
    findings: Vec<Finding>,
    hourly: Vec<Told>,
    backfill: Vec<Told>,
    /// Findings to print at the end.
    notes: Vec<Finding>,
    /// The digests with an INVALID line, and the ends of their hours.
    invalid: HashMap<String, Timestamp>,
    /// Whether a line that begins with `trailproof: ` was printed.
    noted: bool,
    sums: Sums,
}

/// A chain's objects and findings.
struct Told {
    objects: Vec<(ObjectType, String, ObjectState)>,
    findings: Vec<Finding>,
}

impl Lines {
    pub(super) fn new(
        asked: Asked,
        shelf: Shelf,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            asked,
            shelf,
            out: BufWriter::new(out),
            err,
            is_spaced: true,
            objects: Vec::new(),
            findings: Vec::new(),
            hourly: Vec::new(),
            backfill: Vec::new(),
            notes: Vec::new(),
            invalid: HashMap::new(),
            noted: false,
            sums: Sums::default(),
        }
    }

    /// Whether digests were found, every file is valid, and no `trailproof: ` line was printed.
    pub(super) fn is_clean(&self) -> bool {
        let Sums { digests, backfill, logs, .. } = &self.sums;
        let is_valid = |ratio: &Ratio| ratio.invalid + ratio.unread == 0;
        let found = digests.valid + backfill.valid > 0;
        found && !self.noted && [digests, backfill, logs].into_iter().all(is_valid)
    }

    /// Keeps a chain's objects and findings. Of the chain of another trail with the same name only the findings that do not
    /// name the chain are kept: findings on the region or the run may have come before.
    fn chain(&mut self, id: &ChainId) {
        let (objects, findings) = (mem::take(&mut self.objects), mem::take(&mut self.findings));
        if id.organization.is_some() != self.asked.organization {
            self.notes.extend(findings.into_iter().filter(|finding| !finding.is_of(id)));
            return;
        }
        let told = Told { objects, findings };
        if id.backfill { self.backfill.push(told) } else { self.hourly.push(told) }
    }

    /// Writes the first line, before the run.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        let Asked { trail_arn, start, end, .. } = &self.asked;
        let trail = for_terminal(trail_arn);
        writeln!(self.out, "Validating log files for trail {trail} between {start} and {end}\n")?;
        self.out.flush()
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.notes.append(&mut self.findings);
        for told in mem::take(&mut self.hourly) {
            self.walk(told, false)?;
        }
        for told in mem::take(&mut self.backfill) {
            self.walk(told, true)?;
        }
        for note in mem::take(&mut self.notes) {
            if !self.follows(&note) && !self.is_before_start(&note) {
                self.note(&note)?;
            }
        }
        if summary.interrupted {
            self.say_aside("trailproof: interrupted: not every file was checked")?;
        }
        self.write_sums()?;
        self.out.flush()
    }

    /// Whether a finding is a consequence of INVALID digests.
    fn follows(&self, finding: &Finding) -> bool {
        match (finding.kind, finding.start, finding.end) {
            (Kind::LogUnverifiable, _, _) => {
                finding.digest.as_ref().is_some_and(|digest| self.invalid.contains_key(digest))
            }
            (Kind::ChainGap, Some(start), Some(end)) => {
                let hours =
                    self.invalid.values().filter(|digest| start < **digest && **digest <= end).count();
                i64::try_from(hours).is_ok_and(|hours| end.unix() - start.unix() <= hours * HOUR)
            }
            _ => false,
        }
    }

    /// Whether a gap ends at the requested start. The run begins one second earlier, to include the digest that ends there.
    fn is_before_start(&self, finding: &Finding) -> bool {
        finding.kind == Kind::ChainGap && finding.end.is_some_and(|end| end <= self.asked.start)
    }

    /// Writes the lines of a chain in the AWS CLI's order.
    fn walk(&mut self, told: Told, backfill: bool) -> io::Result<()> {
        let mut walk = Walk::new(told);
        let digests = mem::take(&mut walk.digests);
        let mut proved = None;
        for (index, (location, key, state)) in digests.iter().enumerate() {
            let file = recorder::digest(&self.shelf, location);
            let said = self.digest(&mut walk, location, *state, file.as_ref(), backfill)?;
            if matches!(said, Said::Invalid(_)) {
                self.invalid.insert(location.to_string(), key.end);
            }
            let Some(file) = file else { continue };
            if said != Said::Valid && proved.is_none() {
                proved = Some(self.listed_by_valid(&digests));
            }
            let others = proved.as_ref().filter(|_| said != Said::Valid);
            for log in file.claimed_logs().filter(|log| others.is_none_or(|others| !others.contains(*log))) {
                self.log(&mut walk, log)?;
            }
            let older = digests.iter().skip(index + 1).find(|(_, older, _)| older.end < key.end);
            if let Some((_, older, _)) = older.filter(|_| file.previous().is_none()) {
                let mark = if backfill { "(backfill) " } else { "" };
                let (from, to) = (older.end, file.window().start);
                self.say_bad(&format!(
                    "{mark}No log files were delivered by CloudTrail between {from} and {to}"
                ))?;
            }
        }
        // Log files whose digests were not kept on the shelf come last.
        let mut left: Vec<Location> = walk.logs.keys().cloned().collect();
        left.retain(|log| !walk.told.contains(log));
        left.sort();
        left.iter().try_for_each(|log| self.log(&mut walk, log))?;
        self.notes.extend(walk.findings.into_values().flatten());
        self.notes.append(&mut walk.others);
        Ok(())
    }

    /// The log files that valid digests list. An INVALID digest may list the same files; its list is ignored for these.
    fn listed_by_valid(&self, digests: &[(Location, DigestKey, ObjectState)]) -> HashSet<Location> {
        let valid = digests.iter().filter(|(_, _, state)| *state == ObjectState::Valid);
        let files = valid.filter_map(|(location, _, _)| recorder::digest(&self.shelf, location));
        files.flat_map(|file| file.claimed_logs().cloned().collect::<Vec<_>>()).collect()
    }

    fn digest(
        &mut self,
        walk: &mut Walk,
        location: &Location,
        state: ObjectState,
        file: Option<&DigestFile>,
        backfill: bool,
    ) -> io::Result<Said> {
        let findings = walk.findings.remove(&location.to_string()).unwrap_or_default();
        let said = words::digest(state, &findings, || self.no_key(file));
        self.notes.extend(findings.into_iter().filter(|finding| !words::is_told(finding, &said)));
        let ratio = if backfill { &mut self.sums.backfill } else { &mut self.sums.digests };
        ratio.count(&said);
        if let (Said::Valid, Some(file)) = (&said, file) {
            self.sums.find(self.asked.interval(), file);
        }
        let mark = if backfill { "(backfill) " } else { "" };
        self.say(&format!("{mark}Digest file"), location, &said)?;
        Ok(said)
    }

    fn no_key(&self, file: Option<&DigestFile>) -> String {
        let fingerprint = file.map(DigestFile::fingerprint).unwrap_or_default();
        format!("public key not found in region {} for fingerprint {fingerprint}", self.asked.home_region)
    }

    /// Writes the line of a listed log file. A file that the run did not check gets no line, since an unproved digest may
    /// list any file.
    fn log(&mut self, walk: &mut Walk, location: &Location) -> io::Result<()> {
        let Some(state) = walk.logs.get(location) else { return Ok(()) };
        walk.told.insert(location.clone());
        let findings = walk.findings.get(&location.to_string()).map_or(&[][..], Vec::as_slice);
        let said = words::log(*state, findings);
        let notes = findings.iter().filter(|finding| !words::is_told(finding, &said)).cloned();
        self.notes.extend(notes);
        walk.findings.remove(&location.to_string());
        self.sums.logs.count(&said);
        self.say("Log file", location, &said)
    }

    fn say(&mut self, what: &str, location: &Location, said: &Said) -> io::Result<()> {
        let uri = location.to_string();
        let uri = for_terminal(&uri);
        match said {
            Said::Valid if self.asked.verbose => {
                self.is_spaced = false;
                writeln!(self.out, "{what}\t{uri}\tvalid")
            }
            Said::Valid | Said::Nothing => Ok(()),
            Said::Invalid(why) => self.say_bad(&format!("{what}\t{uri}\tINVALID: {}", for_terminal(why))),
        }
    }

    /// Writes a line to stderr. Flushes stdout first, to keep the order.
    fn say_bad(&mut self, line: &str) -> io::Result<()> {
        self.out.flush()?;
        let before = if self.is_spaced { "" } else { "\n" };
        self.is_spaced = true;
        write!(self.err, "{before}{line}\n\n")
    }

    fn note(&mut self, finding: &Finding) -> io::Result<()> {
        if finding.severity == Severity::Notice {
            return Ok(());
        }
        let finding = &self.asked.part_of(finding);
        let about = match &finding.uri {
            Some(uri) => format!("{uri}: "),
            None => words::chain_and_time(finding),
        };
        self.say_aside(&format!("trailproof: {}: {about}{}", finding.kind.as_str(), finding.message()))
    }

    /// Writes a `trailproof: ` line to stderr.
    fn say_aside(&mut self, line: &str) -> io::Result<()> {
        self.noted = true;
        self.out.flush()?;
        writeln!(self.err, "{}", for_terminal(line))
    }

    fn write_sums(&mut self) -> io::Result<()> {
        let Self { out, asked, sums, .. } = self;
        if !self.is_spaced {
            writeln!(out)?;
        }
        writeln!(out, "Results requested for {} to {}", asked.start, asked.end)?;
        if sums.digests.all() + sums.backfill.all() == 0 {
            return writeln!(out, "No digests found");
        }
        match sums.found {
            Some((start, end)) => writeln!(out, "Results found for {start} to {end}:")?,
            None => writeln!(out, "No valid digests found in range")?,
        }
        sums.digests.write(out, "digest")?;
        sums.backfill.write(out, "backfill digest")?;
        sums.logs.write(out, "log")?;
        writeln!(out)
    }
}

impl Sink for Lines {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Started { .. } => Ok(()),
            Event::Object { object, uri, state } => {
                self.objects.push((*object, uri.clone(), *state));
                Ok(())
            }
            Event::Finding(finding) => {
                self.findings.push(Finding::clone(finding));
                Ok(())
            }
            Event::Chain(chain) => {
                self.chain(&chain.id);
                Ok(())
            }
            Event::Finished(summary) => self.finish(summary),
        }
    }
}

/// A chain's objects and findings, indexed for the walk.
struct Walk {
    /// Newest first.
    digests: Vec<(Location, DigestKey, ObjectState)>,
    logs: HashMap<Location, ObjectState>,
    told: HashSet<Location>,
    /// Findings by object.
    findings: HashMap<String, Vec<Finding>>,
    /// Findings without an object.
    others: Vec<Finding>,
}

impl Walk {
    fn new(told: Told) -> Self {
        let (mut digests, mut logs) = (Vec::new(), HashMap::new());
        for (object, uri, state) in told.objects {
            let Some(location) = location(&uri) else { continue };
            match object {
                ObjectType::Log => drop(logs.insert(location, state)),
                ObjectType::Digest => {
                    let key = DigestKey::parse(&location);
                    digests.extend(key.map(|key| (location, key, state)));
                }
            }
        }
        digests.sort_by_key(|(_, key, _)| std::cmp::Reverse(key.end));
        let (mut findings, mut others) = (HashMap::<String, Vec<Finding>>::new(), Vec::new());
        for finding in told.findings {
            match finding.uri.clone() {
                Some(uri) => findings.entry(uri).or_default().push(finding),
                None => others.push(finding),
            }
        }
        Self { digests, logs, told: HashSet::new(), findings, others }
    }
}

/// Parses `s3://BUCKET/KEY`.
fn location(uri: &str) -> Option<Location> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    Some(Location::new(bucket, key))
}
