//! trailproof proves that AWS CloudTrail's record is whole.
//!
//! CloudTrail delivers log files to S3 and, each hour, a signed digest file that lists their hashes and points to
//! the digest before it. From these, and from public keys that do not come from the same place, this crate proves:
//!
//! 1. **a digest**, by its own RSA signature under a key that was valid when it was signed, or by a proved successor
//!    that records its hash;
//! 2. **the chain**, link by link: what a digest records of its predecessor is what lies there;
//! 3. **a log file**, by a proved digest that lists its SHA-256, its gzip stream one whole member;
//! 4. **coverage**: proved digests tile the asked time, for each account, region and trail; a digest that starts a chain
//!    covers nothing;
//! 5. **that nothing was added**: objects in log folders that no proved digest lists are named.
//!
//! ```
//! use trailproof::Validator;
//! use trailproof::event::NoProgress;
//! use trailproof::keys::KeyRing;
//!
//! // Keys never come from the evidence: `aws cloudtrail list-public-keys > keys.json`
//! let keys = KeyRing::from_file("fixtures/log_modified/delivery/public-keys.json")?;
//! let report = Validator::new("fixtures/log_modified/delivery", keys).run(&mut NoProgress)?;
//! println!("{}: {} findings", report.verdict().as_str(), report.findings().count());
//! # assert_eq!(report.verdict().as_str(), "tampered");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It does not prove that CloudTrail was told of every event, nor that logging was on while no digest says so. A
//! record that was deleted whole, or up to some moment after which logging began anew, cannot be told from one that
//! never was, unless you say from when on it should be there.
//!
//! # Where things live
//!
//! Values are at the bottom, then judges, then stores and keys, then the engine, then reports and the command line:
//!
//! - [`time`], [`ident`], [`event`]: values. Locations, chains, hashes, findings, verdicts, and the [`event::Report`] of a run.
//! - [`gzip`], [`digest`], [`signature`], [`chain`]: judges. Pure: no input or output, no clock, no panic on any bytes.
//!   [`digest::DigestFile`] is parsed and not trusted; only [`chain::ProvedDigest`] shows the hashes of log files.
//! - [`store`], [`keys`]: where objects and trusted keys come from: S3 and CloudTrail, directories and files, memory.
//! - `aws`, `trails`: the user's account, its configuration and its trails. These, S3 and CloudTrail are behind the
//!   feature `aws`, which is on by default.
//! - [`mod@validate`]: the engine. It tells an [`event::Sink`] what it finds and never prints.
//! - [`words`]: the English of findings: a message for each fault, a hint for each cause.
//! - [`simulate`]: synthetic deliveries with real signatures, and ways to tamper with them.
//! - [`report`]: every format of a report, each a function of [`event::Report`].
//!
//! The program is `cli`, which is no part of the library. [`architecture`] follows one run through the code. Every report format is written from an [`event::Report`].

#[doc = include_str!("ARCHITECTURE.md")]
pub mod architecture {}
#[cfg(feature = "aws")]
pub mod aws;
pub mod chain;
#[doc(hidden)] // the program's, and no part of the library
pub mod cli;
pub mod digest;
pub mod event;
pub mod gzip;
mod handles;
pub mod ident;
pub mod keys;
pub mod prove;
pub mod report;
pub mod signature;
pub mod simulate;
pub mod store;
mod text;
pub mod time;
#[cfg(feature = "aws")]
pub mod trails;
pub mod validate;
pub mod words;

pub use validate::Validator;
