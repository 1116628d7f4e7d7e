//! Digests that inflate to more than is held in memory. They cannot be parsed, but where a proved digest records their hash,
//! that is taken of the stream, and tells whether they are what was delivered.

use super::digest::DigestInPlace;
use super::need::{Answer, Need, ReadLimit, SecondRead, Streamed};
use super::prover::ChainProver;
use crate::chain::Record;
use crate::event::{Excess, Fault, Finding, UntakenHash};
use crate::ident::Sha256Hash;

use super::read::Seen;

impl ChainProver {
    /// What is found of a digest that is too large to be held, which exceeds a limit by `excess`. Accuses
    /// nobody unless its stream, read twice, does not have the hash that is recorded.
    pub(super) fn judge_oversized(&self, digest: &DigestInPlace, excess: Excess) -> Result<Finding, Need> {
        let finding = |fault| Ok(Finding::new(fault, digest.end));
        let oversized = |hash| Fault::OversizedDigest { excess, hash };
        // 1. Without a recorded hash there is nothing to hold the stream against.
        let Some(recorded) = digest.record.as_ref().and_then(Record::hash) else {
            return finding(oversized(None));
        };
        // 2. Its hash is that of all it inflates to, up to what a log file may inflate to.
        let location = digest.location.clone();
        let seen = match self.answered(Need::Stream { location: location.clone() })? {
            Answer::Stream(Streamed::Seen(Ok(hash))) if *hash == recorded => return finding(oversized(None)),
            Answer::Stream(Streamed::Seen(seen)) => *seen,
            Answer::Stream(Streamed::Gone) => return finding(Fault::DigestVanished),
            Answer::Stream(Streamed::Unread(why)) => {
                return finding(oversized(Some(UntakenHash::Unread { why: why.clone() })));
            }
            Answer::Stream(Streamed::Oversized(excess)) => {
                return finding(oversized(Some(UntakenHash::Oversized { excess: *excess })));
            }
            _ => return finding(oversized(Some(UntakenHash::Interrupted))),
        };
        // 3. Nobody is accused on one read.
        match self.answered(Need::SecondRead { location, seen, limit: ReadLimit::Log })? {
            Answer::SecondRead(SecondRead::Same { .. }) => Ok(modified(digest, recorded, seen)),
            Answer::SecondRead(SecondRead::Unsure(why)) => {
                finding(Fault::DigestUnconfirmed { why: why.clone() })
            }
            Answer::SecondRead(SecondRead::Gone) => finding(Fault::DigestVanished),
            _ => finding(Fault::DigestReadsDiffer),
        }
    }
}

/// The finding for a digest whose stream is not what a proved digest records.
fn modified(digest: &DigestInPlace, recorded: Sha256Hash, seen: Seen) -> Finding {
    match seen {
        Ok(found) => Finding::new(Fault::NotAsRecorded, digest.end).with_hashes(Some(recorded), Some(found)),
        Err(body) => Finding::new(Fault::DigestBody { body }, digest.end),
    }
}
