//! trailproof proves that AWS CloudTrail's record is whole.

pub mod chain;
pub mod cli;
pub mod digest;
pub mod event;
pub mod gzip;
pub mod ident;
pub mod keys;
pub mod report;
pub mod signature;
pub mod simulate;
pub mod store;
pub mod time;
pub mod validate;
