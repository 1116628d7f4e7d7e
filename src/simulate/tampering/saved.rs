//! Tampering with the saved keys.

use super::super::SimulateError;
use super::super::keys::SavedKey;
use super::{TamperEffect, TamperResult, TamperScene, TamperTask};
use crate::time::{DAY, Interval};

impl TamperScene<'_> {
    pub(super) fn forget_key(&mut self, task: TamperTask<'_>) -> TamperResult {
        let fingerprint = self.fingerprint(task)?;
        self.saved.retain(|key| key.fingerprint != fingerprint);
        // A file without keys is refused, and would not show the finding.
        if self.saved.is_empty() {
            self.saved.push(self.keys.unused()?.saved);
        }
        Ok(TamperEffect::to([]).saying(fingerprint))
    }

    pub(super) fn expire_key(&mut self, task: TamperTask<'_>) -> TamperResult {
        let fingerprint = self.fingerprint(task)?;
        for key in self.saved.iter_mut().filter(|key| key.fingerprint == fingerprint) {
            // A key is valid from a day before its first use.
            let end = key.valid.start;
            key.valid = Interval { start: end.plus(-30 * DAY), end };
        }
        Ok(TamperEffect::to([]).saying(fingerprint))
    }

    pub(super) fn add_bad_key(&mut self, task: TamperTask<'_>) -> TamperResult {
        let fingerprint = self.fingerprint(task)?;
        let SavedKey { value, valid, .. } = self.keys.attacker()?.saved;
        self.saved.push(SavedKey { value, fingerprint: fingerprint.clone(), valid });
        Ok(TamperEffect::to([]).saying(fingerprint))
    }

    fn fingerprint(&self, task: TamperTask<'_>) -> Result<String, SimulateError> {
        let digest = self.digest(task)?;
        Ok(self.document(task, &digest)?.digest_public_key_fingerprint)
    }
}
