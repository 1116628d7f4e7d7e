//! Digests too large to be held in memory. Such a digest cannot be parsed. If a proved digest records its hash, the
//! hash of its stream shows whether the digest is the delivered one.

use super::digest::DigestInPlace;
use super::need::{ProverAnswer, ProverNeed, ReadLimit, SecondRead, StreamRead};
use super::prover::ChainProver;
use crate::chain::Record;
use crate::event::{Excess, Fault, Finding, UntakenHash};
use crate::ident::Sha256Hash;

use super::read::SeenBody;

impl ChainProver {
    /// The finding on an oversized digest, which exceeds a limit by `excess`. The finding is tampering only if the
    /// stream, read twice, does not have the recorded hash.
    pub(super) fn judge_oversized(
        &self,
        digest: &DigestInPlace,
        excess: Excess,
    ) -> Result<Finding, ProverNeed> {
        let finding = |fault| Ok(Finding::new(fault, digest.end));
        let oversized = |hash| Fault::OversizedDigest { excess, hash };
        // 1. Without a recorded hash, the stream cannot be compared.
        let Some(recorded) = digest.record.as_ref().and_then(Record::hash) else {
            return finding(oversized(None));
        };
        // 2. Hash the whole stream, up to the limit of a log file.
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
        // 3. A tampering finding needs a second read.
        match self.answer_to(ProverNeed::SecondRead { location, seen, limit: ReadLimit::Log })? {
            ProverAnswer::SecondRead(SecondRead::Same { stored, .. }) => {
                Ok(modified(digest, recorded, seen, *stored))
            }
            ProverAnswer::SecondRead(SecondRead::Unsure(why)) => {
                finding(Fault::DigestUnconfirmed { why: why.clone() })
            }
            ProverAnswer::SecondRead(SecondRead::Gone) => finding(Fault::DigestVanished),
            _ => finding(Fault::DigestReadsDiffer),
        }
    }
}

/// The finding on a digest whose stream differs from the record in a proved digest.
fn modified(
    digest: &DigestInPlace,
    recorded: Sha256Hash,
    seen: SeenBody,
    stored: Option<Sha256Hash>,
) -> Finding {
    match seen {
        Ok(found) => Finding::new(Fault::NotAsRecorded, digest.end).with_hashes(Some(recorded), Some(found)),
        Err(body) => Finding::new(Fault::DigestBody { body }, digest.end).with_hashes(None, stored),
    }
}
