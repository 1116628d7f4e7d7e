//! trailproof proves that AWS CloudTrail's record is whole.
//!
//! CloudTrail delivers log files to S3. Each hour CloudTrail also delivers a signed digest file, which lists the hashes
//! of the log files and points to the digest before it. From the digests and log files, and from public keys of a
//! separate source, this crate proves:
//!
//! 1. **a digest**, by its own RSA signature under a key that was valid at the time of signing, or by a proved
//!    successor that records its hash;
//! 2. **the chain**, link by link: a digest records its predecessor, and the predecessor matches the record;
//! 3. **a log file**, by a proved digest that lists its SHA-256, with a gzip stream of one whole member;
//! 4. **coverage**: proved digests tile the asked time, for each account, region and trail. A digest that starts a
//!    chain covers nothing;
//! 5. **that nothing was added**: objects in log folders that no proved digest lists are reported by name.
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
//! [`Validator`] has an example for S3, and [`report::render`] one that writes a report and reads it again.
//!
//! trailproof does not prove that CloudTrail was told of every event, nor that logging was on while no digest says so.
//! A record deleted as a whole, or up to a moment after which logging began anew, looks like a record that never was,
//! unless you name the start of the record, or keep a memory of earlier runs ([`Validator::run_with_memory`]).
//!
//! # Where things live
//!
//! Values are at the bottom, then judges, then stores and keys, then the engine, then reports and the command line:
//!
//! - [`time`], [`ident`], [`event`]: values. Locations, chains, hashes, findings, verdicts, and the [`event::Report`]
//!   of a run.
//! - [`gzip`], [`digest`], [`signature`], [`chain`]: judges. Pure: no input or output, no clock, no panic on any bytes.
//!   [`digest::DigestFile`] is parsed and not trusted; only [`chain::ProvedDigest`] exposes the hashes of log files.
//! - [`mod@prove`]: the prover. Judges one chain, and reads nothing.
//! - [`store`], [`keys`]: sources of objects and trusted keys: S3 and CloudTrail, directories and files, memory.
//! - `aws`, `trails`: the user's account, its configuration and its trails. The feature `aws`, on by default, includes
//!   both modules, S3 and CloudTrail.
//! - [`mod@validate`]: the engine. Sends findings to an [`event::Sink`] and never prints.
//! - [`state`]: the memory of runs. Keeps what a run proved outside the evidence, for the next run to compare.
//! - [`shards`]: one run in shards, for several machines, and merged again.
//! - [`words`]: the English of findings: a message for each fault, a hint for each cause.
//! - [`mod@collect`]: makes a copy of what a run reads.
//! - [`deploy`]: recipes for engines that run shards.
//! - [`simulate`]: synthetic deliveries with real signatures, and ways to tamper with deliveries.
//! - [`report`]: every format of a report, each a function of [`event::Report`].
//!
//! The program is `cli`, which is not part of the library. [`architecture`] follows one run through the code.

#[doc = include_str!("ARCHITECTURE.md")]
pub mod architecture {}
#[cfg(feature = "aws")]
pub mod aws;
pub mod chain;
#[doc(hidden)] // the program's, and no part of the library
pub mod cli;
pub mod collect;
pub mod deploy;
pub mod digest;
pub mod event;
pub mod gzip;
mod handles;
pub mod ident;
pub mod keys;
pub mod prove;
pub mod report;
pub mod shards;
pub mod signature;
pub mod simulate;
pub mod state;
pub mod store;
mod text;
pub mod time;
#[cfg(feature = "aws")]
pub mod trails;
pub mod validate;
pub mod words;

pub use validate::Validator;
