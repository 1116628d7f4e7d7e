//! The prover: judges one chain of digests, and does nothing else.
//!
//! A [`ChainProver`] has no store, thread, clock, progress bar or English. You give it the digests of one chain as they
//! were read, newest first, with the key that each names. It gives back the digests that it proved, whose log files you
//! hash, and **everything that it needs next, as one batch** of [`Need`]s. At the end it is a [`ChainReport`].
//!
//! The rules are those of this project's design, by number:
//!
//! 1. **A digest is proved** by its own signature, or by a proved newer digest (or a [`RememberedHead`]) that records its
//!    hash: `digest`, `signatures`.
//! 2. **The chain is proved** link by link: what a digest records of its predecessor is what lies there: `order`,
//!    `overlap`.
//! 3. **A log file is proved** by a proved digest that lists its SHA-256: `log`.
//! 4. **Coverage is proved**: proved digests tile the asked interval; a digest that starts a chain covers nothing before
//!    its end: `coverage`.
//!
//! Nobody is accused on one read: before a fault that accuses, the prover asks for a [`Need::SecondRead`].
//!
//! # The life of a chain
//!
//! ```text
//! new → to_read → check → take → advance ⇄ answer → take_proved → log … → finish
//! ```

mod ahead;
mod check;
mod claims;
mod coverage;
mod digest;
mod log;
mod marks;
mod memory;
mod need;
mod order;
mod overlap;
mod oversized;
mod prover;
mod read;
mod report;
mod scope;
mod signatures;
mod state;
mod timeline;

pub use log::LogSeen;
pub use need::{ProverAnswer, ProverNeed, ReadLimit, SecondRead, StreamRead};
pub use prover::{ChainProver, ProvedDigestLogs, reference};
pub use read::{DigestContent, ReadDigest, SeenBody};
pub use report::ChainReport;
pub use scope::{ChainScope, ListedDigest, digest_location};
pub use signatures::{CheckedDigest, SignatureCheck};
pub use state::{ChainHead, ChainState, RememberedHead};

#[cfg(test)]
mod tests;
