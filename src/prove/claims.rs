//! Log files that only an unproved digest lists: without a proved digest to list them too, they are unverified.

use std::mem;

use super::prover::{ChainProver, reference};
use super::state::ClaimedLogs;
use crate::digest::DigestFile;
use crate::event::{Fault, Finding};
use crate::ident::Location;
use crate::time::Timestamp;

/// How many log files of an unproved digest are reported one by one. A forged digest may list a million.
const MAX_NAMED: usize = 1_000;

/// Bytes that the finding on a named log file takes beside its key.
const NAMED: usize = 512;

/// Room in memory for the log files that the unproved digests of a region list. A few forged digests of some kilobytes each
/// may list millions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimRoom {
    /// Bytes for log files that are reported one by one.
    names: usize,
    /// Number of log files of which only a [`reference()`] is kept.
    references: usize,
}

impl Default for ClaimRoom {
    /// Some 100,000 names and four million references: 64 MiB each.
    fn default() -> Self {
        Self { names: 64 << 20, references: 4 << 20 }
    }
}

#[cfg(test)]
impl ClaimRoom {
    pub(super) const fn of(names: usize, references: usize) -> Self {
        Self { names, references }
    }
}

/// What is seen of an object that is not there.
pub const ABSENT: &str = "absent";

impl ChainProver {
    /// Stores the log files that an unproved digest lists.
    pub(super) fn claim(&mut self, file: &DigestFile, digest: &Location, at: Timestamp) {
        let (named, hashed) = (Vec::new(), Vec::new());
        let mut claims = ClaimedLogs { digest: digest.clone(), at, named, hashed, counted: 0 };
        if file.log_count() > MAX_NAMED {
            // A reference takes 16 bytes, so a forged digest with a million log files takes little memory.
            claims.hashed = file.claimed_logs().map(reference).collect();
        } else {
            claims.named = file.claimed_logs().cloned().collect();
        }
        self.state.claims.push(claims);
    }

    /// Takes room for the log files of the digests that were judged since the last call. Of a digest without room for names,
    /// the references are kept; without room for these, the number.
    pub fn make_room_for_claims(&mut self, room: &mut ClaimRoom) {
        for claims in self.state.claims.iter_mut().skip(self.state.roomed_claims) {
            let names = claims.named.iter().map(|log| log.key.len() + NAMED).sum();
            match room.names.checked_sub(names) {
                Some(left) => room.names = left,
                None => {
                    room.names = 0;
                    claims.hashed.extend(mem::take(&mut claims.named).iter().map(reference));
                }
            }
            match room.references.checked_sub(claims.hashed.len()) {
                Some(left) => room.references = left,
                None => {
                    room.references = 0;
                    claims.counted = mem::take(&mut claims.hashed).len() as u64;
                }
            }
        }
        self.state.roomed_claims = self.state.claims.len();
    }

    /// The claimed log files; without those of digests that list very many.
    pub fn claimed_logs(&self) -> impl Iterator<Item = &Location> {
        self.state.claims.iter().flat_map(|claims| &claims.named)
    }

    /// Reports the claimed log files that no proved digest of the region lists. `is_alone` answers whether a
    /// [`reference()`] is absent from all proved digests, `seen` what a read of a log file showed: its hash, or [`ABSENT`].
    pub fn settle_claims(
        &mut self,
        mut is_alone: impl FnMut(u128) -> bool,
        seen: impl Fn(&Location) -> Option<String>,
    ) {
        for ClaimedLogs { digest, at, named, hashed, counted } in mem::take(&mut self.state.claims) {
            let mut alone = 0;
            for log in named.iter().filter(|log| is_alone(reference(log))) {
                alone += 1;
                let found = Finding::new(Fault::ClaimedLog, at).about(log).by_digest(&digest);
                self.report(Finding { content: seen(log), ..found });
            }
            // Log files without a stored name are counted in one finding on the digest.
            let many = hashed.into_iter().filter(|hash| is_alone(*hash)).count() as u64 + counted;
            if many > 0 {
                let fault = Fault::ClaimedLogs { count: many };
                self.report(Finding::new(fault, at).about(&digest).by_digest(&digest));
            }
            self.state.counts.logs.unverified += alone + many;
            self.state.logs += alone + many;
        }
    }
}
