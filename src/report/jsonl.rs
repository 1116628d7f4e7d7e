//! JSON Lines, `trailproof/events/1`: every event of a run as it happens, one JSON object a line, UTF-8.
//!
//! Form: <https://jsonlines.org/>. Fields are those of [`json`](super::json) and mean the same. `event` tells the kind:
//!
//! | `event` | further fields | when |
//! |---|---|---|
//! | `started` | `schema`, `version`, `sources`, `range`, `at` | first |
//! | `object` | `object` (`digest`, `log`), `uri`, `state` (`valid`, `tampered`, `unverified`) | with `-v`, for each object, before its chain |
//! | `finding` | as `findings[]` | before its chain; those of no chain stand anywhere |
//! | `chain` | as `chains[]` | when a chain is judged |
//! | `finished` | `at`, `verdict`, `interrupted`, `counts`, `keys` | last: what lacks it broke off, and says nothing of the rest |
//!
//! Every event but `object` is flushed as it is written, so that a reader who follows stdout or a pipe sees it at once; a
//! plain file has the run when it is over. Objects go out with the event after them, or by the buffer, since a run may
//! have millions of them.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::Renderer;
use super::json::{WireChain, WireCounts, WireFinding, WireKey, WireRange, write_line};
use super::text::words::{object_state, object_type};
use crate::event::{Event, Report, Summary};
use crate::time::Timestamp;

const SCHEMA: &str = "trailproof/events/1";

/// Writes each event as it comes.
pub(super) struct JsonLines {
    out: BufWriter<Box<dyn Write + Send>>,
}

impl JsonLines {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        Self { out: BufWriter::new(writer) }
    }
}

impl Renderer for JsonLines {
    fn needs_report(&self) -> bool {
        false
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        write_line(&mut self.out, &Line::of(event))?;
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
enum Line<'a> {
    Started {
        schema: &'static str,
        version: &'a str,
        sources: &'a [String],
        range: WireRange,
        at: Timestamp,
    },
    Object {
        object: &'static str,
        uri: &'a str,
        state: &'static str,
    },
    Finding(WireFinding<'a>),
    Chain(WireChain<'a>),
    Finished {
        at: Timestamp,
        verdict: &'static str,
        interrupted: bool,
        counts: WireCounts,
        keys: Vec<WireKey<'a>>,
    },
}

impl<'a> Line<'a> {
    fn of(event: &'a Event) -> Self {
        match event {
            Event::Started { sources, range, at, origin } => Self::Started {
                schema: SCHEMA,
                version: &origin.version,
                sources,
                range: WireRange::of(*range),
                at: *at,
            },
            Event::Object { object, uri, state } => {
                Self::Object { object: object_type(*object), uri, state: object_state(*state) }
            }
            Event::Finding(finding) => Self::Finding(WireFinding::of(finding)),
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
        }
    }
}

#[cfg(test)]
mod tests;
