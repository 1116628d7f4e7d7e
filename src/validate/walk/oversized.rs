//! Digests that inflate to more than is held in memory. They cannot be parsed, but where a proved digest records their
//! hash, that is taken of the stream, and tells whether they are what was delivered.

use super::Walker;
use super::judge::Arrival;
use crate::chain::Record;
use crate::event::{Excess, Fault, Finding, UntakenHash};
use crate::gzip::{self, BodyError};
use crate::ident::Sha256Hash;
use crate::store::{Object, StoreError};
use crate::validate::again::{self, Again, Seen, Suspect};

/// What the stream shows of a digest that is too large to be held.
enum Streamed {
    /// Content, or a body without any, that may not be what was delivered.
    Seen(Seen),
    /// Nothing is there any more.
    Gone,
    /// Its hash could not be taken, and why.
    Untaken(UntakenHash),
}

impl Walker<'_, '_> {
    /// What is said of a digest that is too large to be held, by `excess`. Accuses
    /// nobody unless its stream, read twice, does not have the hash that is recorded.
    pub(super) fn oversized(&self, arrival: &Arrival, excess: Excess) -> Finding {
        let finding = |fault: Fault| Finding::new(fault, arrival.end);
        let oversized = |hash| finding(Fault::OversizedDigest { excess, hash });
        // 1. Without a recorded hash there is nothing to hold the stream against.
        let Some(recorded) = arrival.record.as_ref().and_then(Record::hash) else {
            return oversized(None);
        };
        if self.context.halt.leaves_out() {
            return oversized(Some(UntakenHash::Interrupted));
        }
        // 2. Its hash is that of all it inflates to, up to what a log file may inflate to.
        let limit = self.context.request.limits.log;
        let seen = match stream(self.context.tools.store.get(&arrival.location), limit) {
            Streamed::Seen(Ok(hash)) if hash == recorded => return oversized(None),
            Streamed::Seen(seen) => seen,
            Streamed::Gone => return finding(Fault::DigestVanished),
            Streamed::Untaken(why) => return oversized(Some(why)),
        };
        // 3. Nobody is accused on one read.
        let suspect = Suspect { location: arrival.location.clone(), seen };
        match again::look(self.context, &[suspect], limit).pop() {
            Some(Again::Same { .. }) => modified(arrival, recorded, seen),
            again => finding(again.and_then(Again::digest_fault).unwrap_or(Fault::DigestVanished)),
        }
    }
}

fn stream(object: Result<Object, StoreError>, limit: u64) -> Streamed {
    let mut object = match object {
        Ok(object) => object,
        Err(StoreError::NotFound) => return Streamed::Gone,
        Err(error) => return Streamed::Untaken(UntakenHash::Unread { why: error.to_string() }),
    };
    match gzip::hash(&mut *object.body, object.encoding, limit) {
        Ok((hash, _)) => Streamed::Seen(Ok(hash)),
        Err(BodyError::Malformed(fault)) => Streamed::Seen(Err(fault)),
        Err(BodyError::TooLarge(limit)) => {
            Streamed::Untaken(UntakenHash::Oversized { excess: Excess::Inflated { limit } })
        }
        Err(BodyError::TooLong(limit)) => {
            Streamed::Untaken(UntakenHash::Oversized { excess: Excess::Stored { limit } })
        }
        Err(BodyError::Unreadable(why)) => Streamed::Untaken(UntakenHash::Unread { why }),
    }
}

/// The finding for a digest whose stream is not what a proved digest records.
fn modified(arrival: &Arrival, recorded: Sha256Hash, seen: Seen) -> Finding {
    match seen {
        Ok(found) => Finding::new(Fault::NotAsRecorded, arrival.end).with_hashes(Some(recorded), Some(found)),
        Err(body) => Finding::new(Fault::DigestBody { body }, arrival.end),
    }
}
