//! Saved reports, and what other formats make of them.

use std::io;

use trailproof::event::Report;
use trailproof::report::{self, Format, Options, saved};

use crate::support::Buffer;

/// Most bytes of a report.
const LIMIT: u64 = 1 << 20;

/// A report is refused, or rendered in every format; as JSON it is then read again as it is written.
pub fn check(bytes: &[u8]) {
    let report = match saved::read(bytes, LIMIT) {
        Ok(report) => report,
        Err(error) => return assert!(!error.to_string().contains(char::is_control), "{error}"),
    };
    for format in Format::ALL {
        report::render(&report, format, Options::default(), Box::new(io::sink())).unwrap();
    }
    let written = json(&report);
    let again = saved::read(&written[..], u64::MAX).expect("a report that is not read again");
    assert_eq!(json(&again), written, "a report that changes as it is written");
}

fn json(report: &Report) -> Vec<u8> {
    let buffer = Buffer::default();
    report::render(report, Format::Json, Options::default(), Box::new(buffer.clone())).unwrap();
    let written = buffer.0.lock().unwrap();
    written.clone()
}
