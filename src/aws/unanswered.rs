//! Requests without an answer: the endpoint, and the reason.

use std::error::Error;
use std::fmt;
use std::io;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::failure::causes;
use crate::text::shortened;

/// An endpoint that did not answer.
#[derive(Debug)]
pub(super) struct EndpointError {
    /// Scheme, host and port.
    endpoint: String,
    why: String,
    source: BoxError,
}

impl EndpointError {
    /// Adds the endpoint of `uri` as a cause of the error. The kind of `error` stays, because retries depend on the
    /// kind.
    pub(super) fn wrap(error: ConnectorError, uri: &str) -> ConnectorError {
        if error.is_user() {
            return error;
        }
        let connection = error.connection_metadata().cloned();
        let (is_timeout, is_io, kind) = (error.is_timeout(), error.is_io(), error.as_other());
        let why = why(&error);
        let cause = Box::new(Self { endpoint: endpoint(uri), why, source: error.into_source() });
        let wrapped = match (is_timeout, is_io) {
            (true, _) => ConnectorError::timeout(cause),
            (false, true) => ConnectorError::io(cause),
            (false, false) => ConnectorError::other(cause, kind),
        };
        match connection {
            Some(connection) => wrapped.with_connection(connection),
            None => wrapped,
        }
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` did not answer: {}", self.endpoint, self.why)
    }
}

impl Error for EndpointError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// Scheme, host and port of a URI, without user and password.
fn endpoint(uri: &str) -> String {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("https", uri));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}")
}

fn why(error: &ConnectorError) -> String {
    let kind = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    let says = |word: &str| texts.iter().any(|text| text.contains(word));
    if error.is_timeout() {
        return format!("timeout{}", texts.last().map(|text| format!(" ({text})")).unwrap_or_default());
    }
    let last = shortened(texts.last().map(|text| text.replace('\n', "; ")).unwrap_or_default());
    if says("dns error") {
        return format!("host name not found (DNS): {last}");
    }
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
        Some(io::ErrorKind::TimedOut) => "timeout".to_owned(),
        _ if says("certificate") => format!("TLS certificate not accepted: {last}"),
        Some(io::ErrorKind::InvalidData) => format!("TLS failed: {last}"),
        _ => last,
    }
}
