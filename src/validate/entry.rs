//! Where a run begins: over folders, or over single objects.

use std::io;

use super::check::check;
use super::request::{Outcome, Request, Tools};
use super::{driver, object};
use crate::event::Sink;

/// Validates what was asked and tells `sink` what it finds, chain by chain, without [`Event::Started`](crate::event::Event::Started)
/// and [`Event::Finished`](crate::event::Event::Finished), which tell times.
///
/// # Errors
/// What `sink` returns, and [`SourceError`](super::SourceError), as [`io::ErrorKind::InvalidInput`], for a source that names nothing that can be
/// validated: [`check`] tells that before. Failures to look are findings.
pub fn validate(request: &Request, tools: Tools<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
    check(request, tools).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    if request.objects.is_empty() {
        driver::run(request, tools, None, sink)
    } else {
        object::validate(request, tools, sink)
    }
}
