//! The JSON report, `trailproof/report/1`: an object, indentation of two spaces, a newline at the end, UTF-8.
//!
//! All fields below are always present, unless the table says when a field is absent; a field without a value is `null`. Later versions may add fields, but never
//! rename, remove or redefine a field. A moment is a string in UTC with whole seconds, `2026-09-01T00:00:00Z`; in a
//! stretch `start` is included and `end` is not. A count is a whole number, a size is in bytes. Invisible characters
//! are written as `\uXXXX`. The same input gives the same bytes for any number of jobs, except the fields of the run
//! itself: `started`, `finished`, `run_by` and `command`.
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `schema` | string | `trailproof/report/1` |
//! | `version` | string | version of the program that wrote the report |
//! | `verdict` | string | `intact`, `incomplete` or `tampered` |
//! | `sources` | array of strings | sources as the user named them, in the user's order |
//! | `range.start` | moment or null | asked start; null asks for the whole record |
//! | `range.end` | moment | asked end |
//! | `started`, `finished` | moment | when the run began and ended |
//! | `run_by` | string or null | person or job that ran the program: from `--run-by`, or user and host |
//! | `command` | string or null | the command line, quoted for a shell |
//! | `interrupted` | boolean | whether the run ended before all objects were checked, or a shard of the run has no result: an interrupted run is never `intact` |
//! | `single_objects` | `true`, or absent | single objects were asked for, in place of folders: `chains` has what was looked at, and says nothing of the rest of a chain |
//! | `counts.digests.valid`, `.tampered`, `.unverified` | count | digest files of the asked range by state |
//! | `counts.logs.valid`, `.tampered`, `.unverified` | count | log files that the digests list, by state |
//! | `counts.logs.unreferenced` | count | objects in log folders that no proved digest lists |
//! | `counts.digests.remembered`, `counts.logs.remembered` | count, or absent | not read by this run: an earlier run proved them, and they are listed unchanged since then; absent for 0 |
//! | `counts.compressed_bytes` | size | bodies as stored |
//! | `counts.inflated_bytes` | size | the same bodies inflated |
//! | `keys[]` | array of objects | public keys that verified a digest, in order of fingerprint, region |
//! | `keys[].fingerprint` | string | hex MD5 of the key as published |
//! | `keys[].region` | string | region of the digests that the key verified |
//! | `keys[].valid_from`, `.valid_to` | moment or null | validity of the key, null where the keys file gives no validity |
//! | `keys[].source` | string | `cloudtrail` (with ` at URL` for a custom endpoint), or the keys file's path |
//! | `chains[]` | array of objects | all chains of digests, each exactly once, in order of account, region, trail, home region, organization, backfill |
//! | `chains[].account` | string | account id, 12 digits |
//! | `chains[].region` | string | region of the log files |
//! | `chains[].trail` | string | trail name |
//! | `chains[].home_region` | string | home region of the trail |
//! | `chains[].organization` | string or null | organization id, for an organization's trail |
//! | `chains[].backfill` | boolean | whether the chain consists of the trail's backfill digests |
//! | `chains[].covered[]` | array of `start`, `end` | stretches of the asked range that proved digests cover, in order |
//! | `chains[].digests` | count | digests in the asked range, including digests known to be missing |
//! | `chains[].logs` | count | log files that the digests list |
//! | `chains[].counts.digests.valid`, `.tampered`, `.unverified` | count | the chain's digests, by state |
//! | `chains[].counts.logs.valid`, `.tampered`, `.unverified` | count | the log files that the chain's digests list, by state |
//! | `chains[].counts.digests.remembered`, `chains[].counts.logs.remembered` | count, or absent | as `counts.digests.remembered`; absent for 0 |
//! | `chains[].gaps` | count | gaps in the coverage: the chain's findings `chain-gap` |
//! | `chains[].timeline` | object or null | state of the chain's time, stretch by stretch; null without judged time |
//! | `chains[].timeline.start` | moment | start of the first stretch; every further stretch begins at the end of the previous stretch |
//! | `chains[].timeline.step` | seconds | unit of the lengths in `runs`; 3600 if all digests cover an hour |
//! | `chains[].timeline.runs` | string | stretches in order, written as length in steps and letter: `12p3q1t` |
//! | `chains[].remembered[]` | array of `start`, `end`, `read`, or absent | covered stretches that the run did not read, in order; every object of a stretch was read by a run that began at `read` or later; absent without such a stretch |
//! | `findings[]` | array of objects | chain by chain in order of time and key, then the run-wide findings in order of account, region, trail and key |
//! | `findings[].kind` | string | `log-modified` and so on: [`Kind`](crate::event::Kind) |
//! | `findings[].severity` | string | `tampered`, `incomplete` or `notice` |
//! | `findings[].account`, `.region`, `.trail` | string or null | account, region and trail of the finding |
//! | `findings[].home_region`, `.organization` | string or null | of the finding's chain, as in `chains[]`; null for a finding on no single chain |
//! | `findings[].backfill` | boolean or null | whether the chain consists of backfill digests; null for a finding on no single chain |
//! | `findings[].uri` | string or null | the object, `s3://BUCKET/KEY`; the path for a keys file |
//! | `findings[].digest` | string or null | the digest that the evidence comes from, `s3://BUCKET/KEY` |
//! | `findings[].cause` | string or null | cause, a word with a fixed meaning: `signature-misfit` and so on; null if unknown |
//! | `findings[].message` | string | what was seen; for people, not for programs |
//! | `findings[].hint` | string or null | what to do next, for people; null without a suggestion |
//! | `findings[].expected`, `.actual` | string or null | recorded and found value: a hex SHA-256, a location, a signature. The SHA-256 is that of the inflated content; `actual` of the causes `log-body` and `digest-body` is that of the bytes as stored; of the causes `log-deleted` and `digest-deleted` it is the S3 version of the object that the delete marker hides |
//! | `findings[].original` | string or null | where the proved original of the object lies: a path of a second copy, or the address of a replica |
//! | `findings[].copy` | string | the copy that the finding is about: a path, or an address in a replica; absent for a finding about the original |
//! | `findings[].read_at` | string, or absent | where the run read the object instead of `uri`, after a move that the user named (`--relocated-from`); absent otherwise, and where several copies may have been read |
//! | `findings[].start`, `.end` | moment or null | the stretch of time |
//! | `findings[].reason` | string or null | of a `chain-gap`: `logging-stopped`, `not-covered`, `digests-missing` or `interrupted` |
//! | `findings[].id` | string, or absent | id of the finding, the same in each run: 32 hex digits; only in a run with `--state` |
//! | `findings[].first_seen` | moment, or absent | when a run first saw the finding; absent for notices |
//! | `findings[].status` | string, or absent | `new`, or `known` from an earlier run; absent for notices |
//! | `findings[].accepted` | object, or absent | for kind `accepted`: `kind` and `severity` of the finding itself, `reason`, `by`, `at` |
//! | `findings[].covered_by[]` | array of objects | stretches that other chains of the same account and region cover, at most 16, in order of chain and time |
//! | `findings[].covered_by[].trail`, `.home_region`, `.organization` | string; the last or null | the other chain, as in `chains[]` |
//! | `findings[].covered_by[].start`, `.end` | moment | the stretch that the other chain covers |
//! | `findings[].objects[]` | array of strings | the objects of a finding on many objects, `s3://BUCKET/KEY`; else empty |
//! | `resolved[]` | array of objects, or absent | findings of earlier runs that this run looked for and did not find again; only with `--state` |
//! | `resolved[].id`, `.first_seen`, `.kind` | strings | as in `findings[]` |
//! | `resolved[].account`, `.region`, `.trail`, `.uri` | string or null | as in `findings[]` |
//! | `resolved[].start`, `.end` | moment or null | as in `findings[]`; absent in reports of earlier versions |
//!
//! The letters of a timeline: `p` proved, with all log files; `q` quiet: a proved digest lists no log file; `g` gap: no
//! digest covers the time; `u` unverified: the digest, or a log file in the digest's list, could not be proved; `t`
//! tampered: the digest or a log file is not what was delivered, or is gone; `r` remembered from an earlier run; `n` not
//! judged, between backfill digests.
//! If several letters apply, the gravest is written: `t`, then `u`. In this form a year of 200 chains takes 3.5 MB in
//! the worst case, when every second hour is quiet; an object per stretch would take 230 MB.
//!
//! A [JSON Schema](SCHEMA_FILE) of the report is in `src/report/json/report-1.schema.json`, and `trailproof report
//! --schema` prints the schema. `trailproof report` reads a report again: [`saved`](crate::report::saved).

mod chain;
mod safe;

use std::io::{self, Write};

use serde::Serialize;

use crate::event::{
    Acceptance, Counts, CoveringChain, Finding, FindingStatus, Reason, Report, ResolvedFinding, UsedKey,
};
use crate::time::{Range, Timestamp};

pub(super) use chain::WireChain;
pub(crate) use safe::VisibleJson;

/// The report's first field.
pub(super) const SCHEMA: &str = "trailproof/report/1";

/// The JSON Schema (draft 2020-12) of the report.
pub const SCHEMA_FILE: &str = include_str!("json/report-1.schema.json");

/// The JSON Schema of a plan, `trailproof/plan/1`.
pub const PLAN_SCHEMA_FILE: &str = include_str!("plan/plan-1.schema.json");

/// The JSON Schema of a list of trails, `trailproof/trails/1`.
pub const TRAILS_SCHEMA_FILE: &str = include_str!("trails-1.schema.json");

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write_document(out, &WireReport::of(report))
}

/// Writes a document in the form of the report and flushes `out`.
pub(super) fn write_document(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, safe::SafePretty::default());
    document.serialize(&mut serializer)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// A document in the form of the report, as text.
pub(super) fn document(document: &impl Serialize) -> String {
    let mut out = Vec::new();
    // Writing to memory does not fail.
    let _ = write_document(&mut out, document);
    String::from_utf8(out).unwrap_or_default()
}

/// Writes a document in the form of the report, on a single line and without flushing `out`.
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
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    single_objects: bool,
    counts: WireCounts,
    keys: Vec<WireKey<'a>>,
    chains: Vec<WireChain<'a>>,
    findings: Vec<WireFinding<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<&'a [ResolvedFinding]>,
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
            single_objects: report.single_objects,
            counts: WireCounts::of(&report.counts),
            keys: report.keys.iter().map(WireKey::of).collect(),
            chains: report.chains().map(|chain| WireChain::of(&chain.summary)).collect(),
            findings: report.findings().map(WireFinding::of).collect(),
            resolved: report.resolved.as_deref(),
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
    #[serde(skip_serializing_if = "is_zero")]
    remembered: u64,
}

#[derive(Serialize)]
struct WireLogCounts {
    valid: u64,
    tampered: u64,
    unverified: u64,
    unreferenced: u64,
    #[serde(skip_serializing_if = "is_zero")]
    remembered: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl WireCounts {
    pub(super) const fn of(counts: &Counts) -> Self {
        let Counts { digests, logs, compressed_bytes, inflated_bytes } = counts;
        Self {
            digests: WireDigestCounts {
                valid: digests.valid,
                tampered: digests.tampered,
                unverified: digests.unverified,
                remembered: digests.remembered,
            },
            logs: WireLogCounts {
                valid: logs.valid,
                tampered: logs.tampered,
                unverified: logs.unverified,
                unreferenced: logs.unreferenced,
                remembered: logs.remembered,
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
    original: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<&'a str>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    reason: Option<&'static str>,
    covered_by: Vec<WireCovering<'a>>,
    objects: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<&'a Acceptance>,
}

#[derive(Serialize)]
struct WireCovering<'a> {
    trail: &'a str,
    home_region: &'a str,
    organization: Option<&'a str>,
    start: Timestamp,
    end: Timestamp,
}

impl<'a> WireCovering<'a> {
    fn of(covering: &'a CoveringChain) -> Self {
        let CoveringChain { chain, stretch } = covering;
        Self {
            trail: &chain.trail,
            home_region: &chain.home_region,
            organization: chain.organization.as_deref(),
            start: stretch.start,
            end: stretch.end,
        }
    }
}

impl<'a> WireFinding<'a> {
    pub(super) fn of(finding: &'a Finding) -> Self {
        let memory = finding.memory.as_deref();
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
            original: finding.original.as_deref(),
            copy: finding.copy.as_deref(),
            read_at: finding.read_at.as_deref(),
            start: finding.start,
            end: finding.end,
            reason: finding.reason.map(Reason::as_str),
            covered_by: finding.covered_by.iter().map(WireCovering::of).collect(),
            objects: &finding.objects,
            id: memory.map(|memory| memory.id.as_str()),
            first_seen: memory.and_then(|memory| memory.first_seen),
            status: memory.and_then(|memory| memory.status).map(FindingStatus::as_str),
            accepted: memory.and_then(|memory| memory.accepted.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests;
