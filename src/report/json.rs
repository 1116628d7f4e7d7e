//! The JSON report, `trailproof/report/1`: one object, two spaces of indentation, one newline at the end, UTF-8.
//!
//! Every field below is always there; one that has nothing to say is `null`. Fields may be added in later versions,
//! and none is ever renamed, removed or given another meaning. A moment is a string in UTC with whole seconds,
//! `2026-09-01T00:00:00Z`; in a stretch `start` is included and `end` is not. A count is a whole number, a size is in
//! bytes. Characters that nobody sees are written as `\uXXXX`. The same input gives the same bytes for any number of jobs,
//! but for what is of the run itself: `started`, `finished`, `run_by` and `command`.
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `schema` | string | `trailproof/report/1` |
//! | `version` | string | version of the program that wrote it |
//! | `verdict` | string | `intact`, `incomplete` or `tampered` |
//! | `sources` | array of strings | what the user named, in that order |
//! | `range.start` | moment or null | asked start; null asks for all there is |
//! | `range.end` | moment | asked end |
//! | `started`, `finished` | moment | when the run began and ended |
//! | `run_by` | string or null | who ran it: as told by `--run-by`, or user and host |
//! | `command` | string or null | the command line, quoted for a shell |
//! | `interrupted` | boolean | whether the run was ended before everything was looked at: then it is never `intact` |
//! | `counts.digests.valid`, `.tampered`, `.unverified` | count | digest files of the asked range by state |
//! | `counts.logs.valid`, `.tampered`, `.unverified` | count | log files these list, by state |
//! | `counts.logs.unreferenced` | count | objects in log folders that no proved digest lists |
//! | `counts.compressed_bytes` | size | bodies as stored |
//! | `counts.inflated_bytes` | size | the same bodies inflated |
//! | `keys[]` | array of objects | public keys that verified a digest, in order of fingerprint, region |
//! | `keys[].fingerprint` | string | hex MD5 of the key as published |
//! | `keys[].region` | string | region of the digests it verified |
//! | `keys[].valid_from`, `.valid_to` | moment or null | its validity, null where the keys file gives none |
//! | `keys[].source` | string | `cloudtrail` (with ` at URL` where that is not AWS's own endpoint), or the keys file's path |
//! | `chains[]` | array of objects | every chain of digests once, in order of account, region, trail, home region, organization, backfill |
//! | `chains[].account` | string | account id, 12 digits |
//! | `chains[].region` | string | region the log files are from |
//! | `chains[].trail` | string | trail name |
//! | `chains[].home_region` | string | region the trail was made in |
//! | `chains[].organization` | string or null | organization id, for an organization's trail |
//! | `chains[].backfill` | boolean | whether these are the trail's backfill digests |
//! | `chains[].covered[]` | array of `start`, `end` | stretches of the asked range that proved digests cover, in order |
//! | `chains[].digests` | count | digests in the asked range, those known to be missing included |
//! | `chains[].logs` | count | log files these list |
//! | `chains[].gaps` | count | gaps in its coverage: its findings `chain-gap` |
//! | `chains[].timeline` | object or null | what its time is worth, stretch by stretch; null where there is nothing to show |
//! | `chains[].timeline.start` | moment | where the first stretch begins; each begins where the one before ends |
//! | `chains[].timeline.step` | seconds | unit of the lengths that follow; 3600 where every digest covers one hour |
//! | `chains[].timeline.runs` | string | stretches in order, each a length in steps and a letter: `12p3q1t` |
//! | `findings[]` | array of objects | those of each of `chains[]` in order of time and key, then all others in order of account, region, trail and key |
//! | `findings[].kind` | string | `log-modified` and so on: [`Kind`](crate::event::Kind) |
//! | `findings[].severity` | string | `tampered`, `incomplete` or `notice` |
//! | `findings[].account`, `.region`, `.trail` | string or null | what it concerns |
//! | `findings[].home_region`, `.organization` | string or null | of its chain, as in `chains[]`; null where it concerns no single chain |
//! | `findings[].backfill` | boolean or null | whether its chain is one of backfill digests; null where it concerns no single chain |
//! | `findings[].uri` | string or null | the object, `s3://BUCKET/KEY`; of a keys file, its path |
//! | `findings[].digest` | string or null | the digest that says so, `s3://BUCKET/KEY` |
//! | `findings[].cause` | string or null | why, in a word that never changes its meaning: `signature-misfit` and so on; null where it is not known |
//! | `findings[].message` | string | what was seen, for a person; not for programs |
//! | `findings[].hint` | string or null | what to do about it, for a person; null where there is nothing to do |
//! | `findings[].expected`, `.actual` | string or null | what was recorded and what was found: a hex SHA-256, a location, a signature |
//! | `findings[].start`, `.end` | moment or null | the stretch it concerns |
//! | `findings[].reason` | string or null | of a `chain-gap`: `logging-stopped`, `not-covered`, `digests-missing` or `interrupted` |
//!
//! The letters of a timeline: `p` proved, with every log file; `q` quiet: a proved digest lists no log file; `g` gap: no
//! digest covers it; `u` unverified: its digest or a log file of it could not be vouched for; `t` tampered: one of them is
//! not what was delivered, or is gone; `n` nothing is said of it, between backfill digests. Where several hold, the
//! gravest is given: `t`, then `u`. Written in this way a year of 200 chains takes 3.5 MB where every other hour is
//! quiet, which is the worst; one object for each stretch would take 230 MB.
//!
//! A [JSON Schema](SCHEMA_FILE) of it is in `src/report/json/report-1.schema.json`, and `trailproof report --schema`
//! prints it. `trailproof report` reads the report again: [`saved`](crate::report::saved).

mod safe;

use std::io::{self, Write};

use serde::Serialize;

use crate::event::{ChainSummary, Counts, Finding, Reason, Report, Timeline, UsedKey};
use crate::time::{Interval, Range, Timestamp};

/// The report's first field.
pub(super) const SCHEMA: &str = "trailproof/report/1";

/// The JSON Schema (draft 2020-12) of this report.
pub const SCHEMA_FILE: &str = include_str!("json/report-1.schema.json");

/// That of a plan, `trailproof/plan/1`.
pub const PLAN_SCHEMA_FILE: &str = include_str!("plan/plan-1.schema.json");

/// That of a list of trails, `trailproof/trails/1`.
pub const TRAILS_SCHEMA_FILE: &str = include_str!("trails-1.schema.json");

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write_document(out, &WireReport::of(report))
}

/// Writes one document in the form of this report and flushes `out`.
pub(super) fn write_document(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, safe::SafePretty::default());
    document.serialize(&mut serializer)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes one document in the form of this report, on one line and without flushing `out`.
pub(super) fn write_line(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, safe::SafeCompact);
    document.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct WireReport<'a> {
    schema: &'static str,
    version: &'a str,
    verdict: &'static str,
    sources: &'a [String],
    range: WireRange,
    started: Timestamp,
    finished: Timestamp,
    run_by: Option<&'a str>,
    command: Option<&'a str>,
    interrupted: bool,
    counts: WireCounts,
    keys: Vec<WireKey<'a>>,
    chains: Vec<WireChain<'a>>,
    findings: Vec<WireFinding<'a>>,
}

impl<'a> WireReport<'a> {
    fn of(report: &'a Report) -> Self {
        Self {
            schema: SCHEMA,
            version: &report.origin.version,
            verdict: report.verdict().as_str(),
            sources: &report.sources,
            range: WireRange::of(report.range),
            started: report.started,
            finished: report.finished,
            run_by: report.origin.run_by.as_deref(),
            command: report.origin.command.as_deref(),
            interrupted: report.interrupted,
            counts: WireCounts::of(&report.counts),
            keys: report.keys.iter().map(WireKey::of).collect(),
            chains: report.chains().map(|chain| WireChain::of(&chain.summary)).collect(),
            findings: report.findings().map(WireFinding::of).collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct WireRange {
    start: Option<Timestamp>,
    end: Timestamp,
}

impl WireRange {
    pub(super) const fn of(range: Range) -> Self {
        let Range { start, end } = range;
        Self { start, end }
    }
}

#[derive(Serialize)]
pub(super) struct WireCounts {
    digests: WireDigestCounts,
    logs: WireLogCounts,
    compressed_bytes: u64,
    inflated_bytes: u64,
}

#[derive(Serialize)]
struct WireDigestCounts {
    valid: u64,
    tampered: u64,
    unverified: u64,
}

#[derive(Serialize)]
struct WireLogCounts {
    valid: u64,
    tampered: u64,
    unverified: u64,
    unreferenced: u64,
}

impl WireCounts {
    pub(super) const fn of(counts: &Counts) -> Self {
        let Counts { digests, logs, compressed_bytes, inflated_bytes } = counts;
        Self {
            digests: WireDigestCounts {
                valid: digests.valid,
                tampered: digests.tampered,
                unverified: digests.unverified,
            },
            logs: WireLogCounts {
                valid: logs.valid,
                tampered: logs.tampered,
                unverified: logs.unverified,
                unreferenced: logs.unreferenced,
            },
            compressed_bytes: *compressed_bytes,
            inflated_bytes: *inflated_bytes,
        }
    }
}

#[derive(Serialize)]
pub(super) struct WireKey<'a> {
    fingerprint: &'a str,
    region: &'a str,
    valid_from: Option<Timestamp>,
    valid_to: Option<Timestamp>,
    source: &'a str,
}

impl<'a> WireKey<'a> {
    pub(super) fn of(key: &'a UsedKey) -> Self {
        let UsedKey { fingerprint, region, valid_from, valid_to, source } = key;
        Self { fingerprint, region, valid_from: *valid_from, valid_to: *valid_to, source }
    }
}

#[derive(Serialize)]
pub(super) struct WireChain<'a> {
    account: &'a str,
    region: &'a str,
    trail: &'a str,
    home_region: &'a str,
    organization: Option<&'a str>,
    backfill: bool,
    covered: Vec<WireStretch>,
    digests: u64,
    logs: u64,
    gaps: u64,
    timeline: Option<WireTimeline>,
}

#[derive(Serialize)]
struct WireTimeline {
    start: Timestamp,
    step: u64,
    runs: String,
}

impl WireTimeline {
    fn of(timeline: &Timeline) -> Self {
        Self { start: timeline.start(), step: timeline.step(), runs: timeline.to_string() }
    }
}

#[derive(Serialize)]
struct WireStretch {
    start: Timestamp,
    end: Timestamp,
}

impl<'a> WireChain<'a> {
    pub(super) fn of(chain: &'a ChainSummary) -> Self {
        let ChainSummary { id, covered, digests, logs, gaps, timeline } = chain;
        Self {
            account: &id.account,
            region: &id.region,
            trail: &id.trail,
            home_region: &id.home_region,
            organization: id.organization.as_deref(),
            backfill: id.backfill,
            covered: covered.iter().map(|&Interval { start, end }| WireStretch { start, end }).collect(),
            digests: *digests,
            logs: *logs,
            gaps: *gaps,
            timeline: timeline.as_ref().map(WireTimeline::of),
        }
    }
}

#[derive(Serialize)]
pub(super) struct WireFinding<'a> {
    kind: &'static str,
    severity: &'static str,
    account: Option<&'a str>,
    region: Option<&'a str>,
    trail: Option<&'a str>,
    home_region: Option<&'a str>,
    organization: Option<&'a str>,
    backfill: Option<bool>,
    uri: Option<&'a str>,
    digest: Option<&'a str>,
    cause: Option<&'a str>,
    message: String,
    hint: Option<&'static str>,
    expected: Option<&'a str>,
    actual: Option<&'a str>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    reason: Option<&'static str>,
}

impl<'a> WireFinding<'a> {
    pub(super) fn of(finding: &'a Finding) -> Self {
        Self {
            kind: finding.kind.as_str(),
            severity: super::severity_word(finding.severity),
            account: finding.account.as_deref(),
            region: finding.region.as_deref(),
            trail: finding.trail.as_deref(),
            home_region: finding.home_region.as_deref(),
            organization: finding.organization.as_deref(),
            backfill: finding.backfill,
            uri: finding.uri.as_deref(),
            digest: finding.digest.as_deref(),
            cause: finding.fault.cause(),
            message: finding.message(),
            hint: crate::words::hint(finding),
            expected: finding.expected.as_deref(),
            actual: finding.actual.as_deref(),
            start: finding.start,
            end: finding.end,
            reason: finding.reason.map(Reason::as_str),
        }
    }
}

#[cfg(test)]
mod tests;
