//! The engine: from what was asked to findings, in bounded memory.
//!
//! One run, in the order of the code:
//!
//! 1. `discover` finds the folders of every region of every account below the sources.
//! 2. Regions roll through the `driver`: their digests are listed ahead, read in windows, newest first, and given to the
//!    [provers](crate::prove), one for each chain. What all provers need next is read together (`needs`).
//! 3. The log files of proved digests are hashed in parallel (`logs`).
//! 4. A region that is done is searched for files that no digest lists (`unreferenced`), reported, and forgotten.
//! 5. What was asked for and not found is reported (`answered`).
//!
//! Judgement is in [`prove`](crate::prove), which reads nothing. Threads are only here.

mod again;
mod answered;
mod cancel;
mod check;
mod context;
pub mod copies;
mod digests;
mod discover;
mod driver;
mod listed;
mod logs;
mod missed;
mod needs;
mod object;
pub mod plan;
mod region;
mod region_report;
mod request;
mod scope;
mod target;
mod tell;
mod trace;
mod trail;
mod unreferenced;
mod workers;

use std::io;

use crate::event::Sink;

pub use cancel::Stop;
pub use check::check;
pub use request::{Limits, Outcome, Request, Source, Tools, TypedSource};
pub use scope::{Expected, SourceError};
pub use target::{is_object, range_of};
pub use trail::{Deliveries, NamedTrail};

/// Validates what was asked and tells `sink` what it finds, chain by chain, without [`Event::Started`] and
/// [`Event::Finished`], which tell times.
///
/// # Errors
/// What `sink` returns, and [`SourceError`], as [`io::ErrorKind::InvalidInput`], for a source that names nothing that can be
/// validated: [`check`] tells that before. Failures to look are findings.
pub fn validate(request: &Request, tools: Tools<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
    check(request, tools).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    if request.objects.is_empty() {
        driver::run(request, tools, None, sink)
    } else {
        object::validate(request, tools, sink)
    }
}
