//! Prometheus metrics in the text exposition format 0.0.4, for node_exporter's textfile collector.
//!
//! Form: <https://prometheus.io/docs/instrumenting/exposition_formats/>. All metrics are gauges of the last finished
//! run; seconds are whole, moments are Unix times.
//!
//! | metric | labels | meaning |
//! |---|---|---|
//! | `trailproof_build_info` | `version` | 1 |
//! | `trailproof_run_start_timestamp_seconds`, `trailproof_run_end_timestamp_seconds` | | start and end of the run: alert if the end is too long ago, since a crashed run leaves the file unchanged |
//! | `trailproof_run_duration_seconds` | | duration of the run |
//! | `trailproof_run_interrupted` | | 1 if the run ended before all objects were checked |
//! | `trailproof_verdict` | `verdict` | 1 for the verdict, 0 for the two others |
//! | `trailproof_range_start_timestamp_seconds`, `trailproof_range_end_timestamp_seconds` | | the asked range; without start if the whole record was asked for |
//! | `trailproof_digests`, `trailproof_logs` | `state` | digest and log files by state |
//! | `trailproof_stored_bytes`, `trailproof_inflated_bytes` | | bodies as stored, and inflated |
//! | `trailproof_findings` | `kind`, `severity` | findings; all kinds are present, with 0 if not found |
//! | `trailproof_memory_findings` | `status` | findings that are `new`, `known` from earlier runs, `accepted`, and `resolved` since then; only in a run with memory |
//! | `trailproof_chain_digests`, `trailproof_chain_logs`, `trailproof_chain_covered_seconds` | chain | digests, log files and covered time of the chain in the asked range |
//! | `trailproof_chain_unproved_digests`, `trailproof_chain_unproved_logs` | chain | digests and log files of the chain that are not proved: tampered with, missing, unverified or not read |
//! | `trailproof_chain_newest_proved_digest_timestamp_seconds` | chain | end of the time that proved digests cover, within the asked range; absent without coverage |
//! | `trailproof_chain_newest_proved_digest_age_seconds` | chain | time from the newest proved digest to the end of the run |
//!
//! The labels of a chain are `account`, `region`, `trail`, `home_region` and `organization` (empty for an account's own
//! trail). Backfill digests cover no time and have no series. A report on single objects has no series of chains: it says
//! nothing of the rest of a chain.
//!
//! The collector may read at any moment, so the file is replaced as a whole when the run is over and stays unchanged
//! until then: an empty file would make alerts flap, and half a file would be wrong.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::severity_word;
use super::text::memory;
use crate::event::{ChainSummary, Counts, Kind, Report, Severity, Verdict};
use crate::ident::ChainId;
use crate::time::Interval;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut page = MetricsPage(String::new());
    write_run(&mut page, report);
    write_counts(&mut page, &report.counts);
    write_findings(&mut page, report);
    write_memory(&mut page, report);
    write_chains(&mut page, report);
    out.write_all(page.0.as_bytes())
}

fn write_run(page: &mut MetricsPage, report: &Report) {
    let (start, end) = (report.started.unix(), report.finished.unix());
    page.metric("build_info", "version of the program");
    page.sample("build_info", &[("version", &report.origin.version)], 1);
    page.single("run_start_timestamp_seconds", "when the run began", start);
    page.single("run_end_timestamp_seconds", "when the run ended", end);
    page.single("run_duration_seconds", "how long the run took", report.seconds());
    let interrupted = i64::from(report.interrupted);
    page.single("run_interrupted", "1 if the run ended before all objects were checked", interrupted);
    let of_run = report.verdict();
    page.metric("verdict", "1 for the verdict of the run");
    for verdict in [Verdict::Intact, Verdict::Incomplete, Verdict::Tampered] {
        page.sample("verdict", &[("verdict", verdict.as_str())], i64::from(verdict == of_run));
    }
    if let Some(start) = report.range.start {
        page.single("range_start_timestamp_seconds", "start of the asked range", start.unix());
    }
    page.single("range_end_timestamp_seconds", "end of the asked range", report.range.end.unix());
}

fn write_counts(page: &mut MetricsPage, counts: &Counts) {
    let (digests, logs) = (&counts.digests, &counts.logs);
    page.metric("digests", "digest files of the asked range, by state");
    for (state, count) in [
        ("valid", digests.valid),
        ("remembered", digests.remembered),
        ("tampered", digests.tampered),
        ("unverified", digests.unverified),
    ] {
        page.sample("digests", &[("state", state)], count);
    }
    page.metric("logs", "log files, by state");
    for (state, count) in [
        ("valid", logs.valid),
        ("remembered", logs.remembered),
        ("tampered", logs.tampered),
        ("unverified", logs.unverified),
        ("unreferenced", logs.unreferenced),
    ] {
        page.sample("logs", &[("state", state)], count);
    }
    page.single("stored_bytes", "bodies that were read, as stored", counts.compressed_bytes);
    page.single("inflated_bytes", "bodies that were read, inflated", counts.inflated_bytes);
}

fn write_findings(page: &mut MetricsPage, report: &Report) {
    let mut counts: BTreeMap<(Kind, Severity), u64> =
        Kind::ALL.iter().map(|kind| ((*kind, kind.severity()), 0)).collect();
    for finding in report.findings() {
        *counts.entry((finding.kind, finding.severity)).or_default() += 1;
    }
    page.metric("findings", "findings, by kind and severity");
    for ((kind, severity), count) in counts {
        let labels = [("kind", kind.as_str()), ("severity", severity_word(severity))];
        page.sample("findings", &labels, count);
    }
}

/// Nothing for a run without memory.
fn write_memory(page: &mut MetricsPage, report: &Report) {
    let Some(counts) = memory::counts(report) else { return };
    page.metric("memory_findings", "findings, by what earlier runs knew of them");
    for (status, count) in counts {
        page.sample("memory_findings", &[("status", status)], count);
    }
}

fn write_chains(page: &mut MetricsPage, report: &Report) {
    let chains: Vec<&ChainSummary> = report
        .chains()
        .map(|chain| &chain.summary)
        .filter(|chain| !chain.id.backfill && !report.single_objects)
        .collect();
    let mut gauge = |name: &str, help: &str, value: &dyn Fn(&ChainSummary) -> Option<i64>| {
        page.metric(name, help);
        for chain in &chains {
            if let Some(value) = value(chain) {
                page.sample(name, &labels(&chain.id), value);
            }
        }
    };
    let newest = |chain: &ChainSummary| chain.covered.last().map(|stretch| stretch.end.unix());
    let count = |count: u64| Some(i64::try_from(count).unwrap_or(i64::MAX));
    gauge("chain_digests", "digest files of the chain in the asked range", &|chain| count(chain.digests));
    gauge("chain_logs", "log files that the digests of the chain list", &|chain| count(chain.logs));
    gauge("chain_unproved_digests", "digest files of the chain that are not proved", &|chain| {
        count(chain.unproved_digests())
    });
    gauge("chain_unproved_logs", "log files of the chain that are not proved", &|chain| {
        count(chain.unproved_logs())
    });
    gauge("chain_covered_seconds", "time of the asked range that proved digests cover", &|chain| {
        Some(chain.covered.iter().copied().map(Interval::seconds).fold(0, i64::saturating_add))
    });
    gauge(
        "chain_newest_proved_digest_timestamp_seconds",
        "end of the time that proved digests cover, within the asked range",
        &newest,
    );
    gauge(
        "chain_newest_proved_digest_age_seconds",
        "how long before the end of the run the newest proved digest ended",
        &|chain| newest(chain).map(|end| report.finished.unix().saturating_sub(end)),
    );
}

fn labels(id: &ChainId) -> [(&'static str, &str); 5] {
    [
        ("account", &id.account),
        ("region", &id.region),
        ("trail", &id.trail),
        ("home_region", &id.home_region),
        ("organization", id.organization.as_deref().unwrap_or_default()),
    ]
}

/// The text of the metrics, complete metric by metric: `HELP`, `TYPE`, samples.
struct MetricsPage(String);

impl MetricsPage {
    fn metric(&mut self, name: &str, help: &str) {
        self.line(&format!("# HELP trailproof_{name} {help}"));
        self.line(&format!("# TYPE trailproof_{name} gauge"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        self.line(&format!("trailproof_{name}{{{}}} {value}", labels.join(",")));
    }

    fn single(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.metric(name, help);
        self.line(&format!("trailproof_{name} {value}"));
    }

    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }
}

/// A label's value: hidden characters are shown, then backslash, quotation mark and line feed are escaped.
fn escaped(value: &str) -> String {
    super::escape::for_terminal(value).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
