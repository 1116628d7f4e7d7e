//! Saved reports, and what other formats make of them.

use std::io;

use trailproof::report::saved::Saved;
use trailproof::report::{self, Format, Options};

use crate::support::Buffer;

/// Most bytes of a report.
const LIMIT: u64 = 1 << 20;

/// A report is refused, or rendered in every format; as JSON it is then read again as it is written.
pub fn check(bytes: &[u8]) {
    let saved = match Saved::read(bytes, LIMIT) {
        Ok(saved) => saved,
        Err(error) => return assert!(!error.to_string().contains(char::is_control), "{error}"),
    };
    for format in Format::ALL {
        let mut sink = report::to_writer(format, Options::default(), Box::new(io::sink()));
        saved.clone().tell(&mut *sink).unwrap();
    }
    let written = json(&saved);
    let again = Saved::read(&written[..], u64::MAX).expect("a report that is not read again");
    assert_eq!(json(&again), written, "a report that changes as it is written");
}

fn json(saved: &Saved) -> Vec<u8> {
    let buffer = Buffer::default();
    let mut sink = report::to_writer(Format::Json, Options::default(), Box::new(buffer.clone()));
    saved.clone().tell(&mut *sink).unwrap();
    drop(sink);
    let written = buffer.0.lock().unwrap();
    written.clone()
}
