//! The prover judges one chain of digests, and does nothing else.
//!
//! A [`ChainProver`] has no store, thread, clock, progress bar or English. You give the prover the digests of one chain
//! as read, newest first, each with the key named in the digest. The prover returns the digests that it proved, so that
//! you can hash their log files, and **all its next needs in one list** of [`ProverNeed`]s. At the end the prover
//! becomes a [`ChainReport`].
//!
//! The rules have the numbers of the project's design:
//!
//! 1. **A digest is proved** by its own signature, or by a proved newer digest (or a [`RememberedHead`]) that records
//!    its hash: `signatures`, `digest`, `entry`.
//! 2. **The chain is proved** link by link: a digest records its predecessor, and the predecessor matches the record:
//!    `order`, `overlap`.
//! 3. **A log file is proved** by a proved digest that lists its SHA-256: `log`.
//! 4. **Coverage is proved**: proved digests tile the asked interval. A digest that starts a chain covers nothing
//!    before its end: `coverage`.
//!
//! A tampering finding needs two reads: the prover asks for a [`ProverNeed::SecondRead`] before it reports the finding.
//!
//! # The life of a chain
//!
//! ```text
//! new → to_read → check → take → advance ⇄ answer → take_proved → log … → finish
//! ```

mod ahead;
mod apart;
mod check;
mod claims;
mod coverage;
mod digest;
mod ended;
mod entry;
mod hashed;
mod link;
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
mod shared_copy;
mod signatures;
mod state;
mod stretch;
mod timeline;

pub use claims::{ABSENT, ClaimRoom};
pub(crate) use coverage::LOOK_BACK;
pub use ended::{ChainLogs, ChainWalk};
pub use log::{LogRead, LogSeen};
pub use need::{ProverAnswer, ProverNeed, ReadLimit, SecondRead, StreamRead};
pub use prover::{ChainProver, ProvedDigestLogs, reference};
pub use read::{DigestContent, ReadDigest, SeenBody};
pub use report::ChainReport;
pub use scope::{ChainScope, ListedDigest, digest_location};
pub use signatures::{CheckedDigest, SignatureCheck};
pub use state::{ChainHead, ChainState, RememberedHead};
pub use stretch::{RememberedStretch, StretchEdge};

#[cfg(test)]
mod tests;
