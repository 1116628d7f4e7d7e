//! Where a run begins: over folders, or over single objects.

use std::io;

use super::check::check;
use super::request::{RunOutcome, RunTools, ValidationRequest};
use super::{object, replicas};
use crate::event::Sink;

/// Validates the request and sends each finding to `sink`, chain by chain.
/// [`Event::Started`](crate::event::Event::Started) and [`Event::Finished`](crate::event::Event::Finished), which
/// contain times, are left to the caller.
///
/// # Errors
/// Errors of `sink`, and [`SourceError`](super::SourceError), as [`io::ErrorKind::InvalidInput`], for a source that
/// cannot be validated: [`check`] returns the same error before a run. Failures to read evidence are findings.
pub fn validate(
    request: &ValidationRequest,
    tools: RunTools<'_>,
    sink: &mut dyn Sink,
) -> io::Result<RunOutcome> {
    check(request, tools).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    if request.objects.is_empty() {
        replicas::validate(request, tools, sink)
    } else {
        object::validate(request, tools, sink)
    }
}
