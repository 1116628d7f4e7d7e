//! Bodies in `aws-chunked` encoding, as AWS's SDKs send them to put checksums at the end.
//!
//! A chunk is its length in hex, perhaps `;chunk-signature=…`, a line end, the bytes and a line end. One of length 0
//! ends the body; trailers follow, which are not checked, as signatures are not.

use bytes::Bytes;

use super::ask::Ask;
use super::s3::Refusal;

/// Whether the body is encoded in this way.
pub fn is_meant(ask: &Ask) -> bool {
    ask.header("x-amz-content-sha256").is_some_and(|hash| hash.starts_with("STREAMING-"))
}

/// The body itself, which has to be as long as was announced.
pub fn decode(ask: &Ask) -> Result<Bytes, Refusal> {
    let announced = ask.header("x-amz-decoded-content-length").and_then(|length| length.parse().ok());
    let incomplete = || Refusal::new(400, "IncompleteBody", "The request body terminated unexpectedly");
    let body = join(&ask.body).ok_or_else(incomplete)?;
    if announced == Some(body.len()) { Ok(body.into()) } else { Err(incomplete()) }
}

fn join(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        let length = line.split(';').next()?;
        let length = usize::from_str_radix(length, 16).ok()?;
        rest = &rest[end + 2..];
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length..)?.strip_prefix(b"\r\n")?;
    }
}
