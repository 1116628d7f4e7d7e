//! Digests that inflate to more than is held in memory. They cannot be parsed, but where a proved digest records their
//! hash, that is taken of the stream, and tells whether they are what was delivered.

use super::Walker;
use super::judge::Arrival;
use crate::chain::Record;
use crate::event::{Finding, Kind};
use crate::gzip::{self, BodyError};
use crate::ident::Sha256Hash;
use crate::store::{Object, StoreError};
use crate::validate::again::{self, Again, Seen, Suspect};
use crate::validate::fetch;

/// What the stream shows of a digest that is too large to be held.
enum Streamed {
    /// Content, or a body without any, that may not be what was delivered.
    Seen(Seen),
    /// Nothing is there any more.
    Gone,
    /// It could not be read to its end, and why.
    Unread(String),
}

impl Walker<'_, '_> {
    /// What is said of a digest that is too large to be held, for which `reason` says what raises the limit. Accuses
    /// nobody unless its stream, read twice, does not have the hash that is recorded.
    pub(super) fn oversized(&self, arrival: &Arrival, reason: String) -> Finding {
        let unreadable = |why: String| Finding::new(Kind::DigestUnreadable, arrival.end, why);
        // 1. Without a recorded hash there is nothing to hold the stream against.
        let Some(recorded) = arrival.record.as_ref().and_then(Record::hash) else {
            return unreadable(reason);
        };
        if self.context.halt.leaves_out() {
            return unreadable(format!("{reason}; the run was interrupted before its hash was taken"));
        }
        // 2. Its hash is that of all it inflates to, up to what a log file may inflate to.
        let limit = self.context.request.limits.log;
        let seen = match stream(self.context.tools.store.get(&arrival.location), limit) {
            Streamed::Seen(Ok(hash)) if hash == recorded => return unreadable(reason),
            Streamed::Seen(seen) => seen,
            Streamed::Gone => return unreadable("it was listed, and gone when it was read".to_owned()),
            Streamed::Unread(why) => {
                return unreadable(format!("{reason}; its hash could not be taken: {why}"));
            }
        };
        // 3. Nobody is accused on one read.
        let suspect = Suspect { location: arrival.location.clone(), seen: seen.clone() };
        match again::look(self.context, &[suspect], limit).pop() {
            Some(Again::Same { .. }) => modified(arrival, recorded, seen),
            Some(Again::Unsure(why)) => unreadable(why),
            Some(Again::Gone) | None => unreadable("it was listed, and gone when it was read".to_owned()),
        }
    }
}

fn stream(object: Result<Object, StoreError>, limit: u64) -> Streamed {
    let mut object = match object {
        Ok(object) => object,
        Err(StoreError::NotFound) => return Streamed::Gone,
        Err(error) => return Streamed::Unread(error.to_string()),
    };
    match gzip::hash(&mut *object.body, object.encoding, limit) {
        Ok((hash, _)) => Streamed::Seen(Ok(hash)),
        Err(BodyError::Malformed(reason)) => Streamed::Seen(Err(reason.to_owned())),
        Err(error) => Streamed::Unread(fetch::said(&error, "--max-log-size")),
    }
}

/// The finding for a digest whose stream is not what a proved digest records.
fn modified(arrival: &Arrival, recorded: Sha256Hash, seen: Seen) -> Finding {
    match seen {
        Ok(found) => {
            let message = "its content is not what its successor records";
            Finding::new(Kind::DigestModified, arrival.end, message).with_hashes(Some(recorded), Some(found))
        }
        Err(reason) => Finding::new(Kind::DigestMalformed, arrival.end, reason),
    }
}
