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

/// What is seen of an object that is not there.
pub const ABSENT: &str = "absent";

impl ChainProver {
    /// Stores the log files that an unproved digest lists.
    pub(super) fn claim(&mut self, file: &DigestFile, digest: &Location, at: Timestamp) {
        let mut claims = ClaimedLogs { digest: digest.clone(), at, named: Vec::new(), hashed: Vec::new() };
        if file.log_count() > MAX_NAMED {
            // A reference takes 16 bytes, so a forged digest with a million log files takes little memory.
            claims.hashed = file.claimed_logs().map(reference).collect();
        } else {
            claims.named = file.claimed_logs().cloned().collect();
        }
        self.state.claims.push(claims);
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
        for ClaimedLogs { digest, at, named, hashed } in mem::take(&mut self.state.claims) {
            let mut alone = 0;
            for log in named.iter().filter(|log| is_alone(reference(log))) {
                alone += 1;
                let found = Finding::new(Fault::ClaimedLog, at).about(log).by_digest(&digest);
                self.report(Finding { content: seen(log), ..found });
            }
            // Log files without a stored name are counted in one finding on the digest.
            let many = hashed.into_iter().filter(|hash| is_alone(*hash)).count() as u64;
            if many > 0 {
                let fault = Fault::ClaimedLogs { count: many };
                self.report(Finding::new(fault, at).about(&digest).by_digest(&digest));
            }
            self.state.counts.logs.unverified += alone + many;
            self.state.logs += alone + many;
        }
    }
}
