//! What holds for any bytes, a module for each fuzz target. A check returns, and panics where it finds something.

#[cfg(feature = "aws")]
pub mod answers;
pub mod anywhere;
pub mod archive;
pub mod arn;
pub mod digest;
mod edit;
pub mod gzip;
pub mod keys;
pub mod names;
pub mod prover;
mod reader;
pub mod report;
pub mod sidecar;
pub mod signed;
pub mod time;
pub mod whole_run;

/// A check of any bytes.
pub type Check = fn(&[u8]);

/// Every target's name and check.
pub const ALL: &[(&str, Check)] = &[
    #[cfg(feature = "aws")]
    ("answers", answers::check),
    ("anywhere", anywhere::check),
    ("archive", archive::check),
    ("arn", arn::check),
    ("digest", digest::check),
    ("gzip", gzip::check),
    ("keys", keys::check),
    ("names", names::check),
    ("prover", prover::check),
    ("report", report::check),
    ("sidecar", sidecar::check),
    ("signed", signed::check),
    ("time", time::check),
    ("whole_run", whole_run::check),
];
