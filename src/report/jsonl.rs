//! JSON Lines, `trailproof/events/1`: a JSON object per line for each event of a run, written at once, in UTF-8.
//!
//! Form: <https://jsonlines.org/>. Fields have the names and meanings of [`json`](super::json). `event` is the type:
//!
//! | `event` | further fields | when |
//! |---|---|---|
//! | `started` | `schema`, `version`, `sources`, `range`, `at`; of a run on single objects `single_objects` | first |
//! | `object` | `object` (`digest`, `log`), `uri`, `state` (`valid`, `tampered`, `unverified`) | with `-v`, for each object, before its chain |
//! | `finding` | as `findings[]` | before the summary of its chain; run-wide findings at any point |
//! | `chain` | as `chains[]` | when a chain is judged |
//! | `finished` | `at`, `verdict`, `interrupted`, `counts`, `keys`; with `--state` `resolved` | last: without `finished` the run broke off, and the rest is unknown |
//!
//! All events except `object` are flushed at once, so that a reader of stdout or a pipe can follow the run. A plain
//! file has the run when the run is over. Objects are flushed with the next event or by the full buffer, since a run
//! may have millions of objects.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::FormatRenderer;
use super::json::{WireChain, WireCounts, WireFinding, WireKey, WireRange, write_line};
use super::text::words::{object_state, object_type};
use crate::event::{Event, Report, ResolvedFinding, Summary};
use crate::time::Timestamp;

const SCHEMA: &str = "trailproof/events/1";

/// Writes events during the run.
pub(super) struct JsonLines {
    out: BufWriter<Box<dyn Write + Send>>,
}

impl JsonLines {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        Self { out: BufWriter::new(writer) }
    }
}

impl FormatRenderer for JsonLines {
    fn needs_report(&self) -> bool {
        false
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        write_line(&mut self.out, &EventLine::of(event))?;
        match event {
            Event::Object { .. } => Ok(()),
            Event::Started { .. } | Event::Finding(_) | Event::Chain(_) | Event::Finished(_) => {
                self.out.flush()
            }
        }
    }

    fn report(&mut self, _: &Report) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum EventLine<'a> {
    Started {
        schema: &'static str,
        version: &'a str,
        sources: &'a [String],
        range: WireRange,
        at: Timestamp,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        single_objects: bool,
    },
    Object {
        object: &'static str,
        uri: &'a str,
        state: &'static str,
    },
    Finding(Box<WireFinding<'a>>),
    Chain(WireChain<'a>),
    Finished {
        at: Timestamp,
        verdict: &'static str,
        interrupted: bool,
        counts: WireCounts,
        keys: Vec<WireKey<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resolved: Option<&'a [ResolvedFinding]>,
    },
}

impl<'a> EventLine<'a> {
    fn of(event: &'a Event) -> Self {
        match event {
            Event::Started { sources, range, at, origin, single_objects } => Self::Started {
                schema: SCHEMA,
                version: &origin.version,
                sources,
                range: WireRange::of(*range),
                at: *at,
                single_objects: *single_objects,
            },
            Event::Object { object, uri, state } => {
                Self::Object { object: object_type(*object), uri, state: object_state(*state) }
            }
            Event::Finding(finding) => Self::Finding(Box::new(WireFinding::of(finding))),
            Event::Chain(chain) => Self::Chain(WireChain::of(chain)),
            Event::Finished(summary) => Self::finished(summary),
        }
    }

    fn finished(summary: &'a Summary) -> Self {
        Self::Finished {
            at: summary.at,
            verdict: summary.verdict.as_str(),
            interrupted: summary.interrupted,
            counts: WireCounts::of(&summary.counts),
            keys: summary.keys.iter().map(WireKey::of).collect(),
            resolved: summary.resolved.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests;
