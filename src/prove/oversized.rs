//! Digests that inflate to more than is held in memory. They cannot be parsed, but where a proved digest records their hash,
//! that is taken of the stream, and tells whether they are what was delivered.

use super::digest::DigestInPlace;
use super::need::{ProverAnswer, ProverNeed, ReadLimit, SecondRead, StreamRead};
use super::prover::ChainProver;
use crate::chain::Record;
use crate::event::{Excess, Fault, Finding, UntakenHash};
use crate::ident::Sha256Hash;

use super::read::SeenBody;

impl ChainProver {
    /// What is found of a digest that is too large to be held, which exceeds a limit by `excess`. Accuses
    /// nobody unless its stream, read twice, does not have the hash that is recorded.
    pub(super) fn judge_oversized(
        &self,
        digest: &DigestInPlace,
        excess: Excess,
    ) -> Result<Finding, ProverNeed> {
        let finding = |fault| Ok(Finding::new(fault, digest.end));
        let oversized = |hash| Fault::OversizedDigest { excess, hash };
        // 1. Without a recorded hash there is nothing to hold the stream against.
        let Some(recorded) = digest.record.as_ref().and_then(Record::hash) else {
            return finding(oversized(None));
        };
        // 2. Its hash is that of all it inflates to, up to what a log file may inflate to.
        let location = digest.location.clone();
        let seen = match self.answer_to(ProverNeed::Stream { location: location.clone() })? {
            ProverAnswer::Stream(StreamRead::Seen(Ok(hash))) if *hash == recorded => {
                return finding(oversized(None));
            }
            ProverAnswer::Stream(StreamRead::Seen(seen)) => *seen,
            ProverAnswer::Stream(StreamRead::Gone) => return finding(Fault::DigestVanished),
            ProverAnswer::Stream(StreamRead::Unread(why)) => {
                return finding(oversized(Some(UntakenHash::Unread { why: why.clone() })));
            }
            ProverAnswer::Stream(StreamRead::Oversized(excess)) => {
                return finding(oversized(Some(UntakenHash::Oversized { excess: *excess })));
            }
            _ => return finding(oversized(Some(UntakenHash::Interrupted))),
        };
        // 3. Nobody is accused on one read.
        match self.answer_to(ProverNeed::SecondRead { location, seen, limit: ReadLimit::Log })? {
            ProverAnswer::SecondRead(SecondRead::Same { .. }) => Ok(modified(digest, recorded, seen)),
            ProverAnswer::SecondRead(SecondRead::Unsure(why)) => {
                finding(Fault::DigestUnconfirmed { why: why.clone() })
            }
            ProverAnswer::SecondRead(SecondRead::Gone) => finding(Fault::DigestVanished),
            _ => finding(Fault::DigestReadsDiffer),
        }
    }
}

/// The finding for a digest whose stream is not what a proved digest records.
fn modified(digest: &DigestInPlace, recorded: Sha256Hash, seen: SeenBody) -> Finding {
    match seen {
        Ok(found) => Finding::new(Fault::NotAsRecorded, digest.end).with_hashes(Some(recorded), Some(found)),
        Err(body) => Finding::new(Fault::DigestBody { body }, digest.end),
    }
}
