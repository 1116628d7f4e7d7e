//! Tampering with whole chains and whole deliveries.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::super::delivery::DeliveredDigest;
use super::super::document::signature_metadata;
use super::scene::StoredObject;
use super::{TamperEffect, TamperResult, TamperScene, TamperTask};
use crate::ident::{DigestKey, Location};

/// Number of the newest digests to delete.
const END: usize = 3;

impl TamperScene<'_> {
    /// Appends white space to the JSON: the hash changes, but all fields of the digest stay.
    pub(super) fn break_chain(&self, task: TamperTask<'_>) -> TamperResult {
        let [older, newer] = self.two_digests(task)?;
        let document = self.document(task, &older)?;
        let content = [document.content()?, b"\n".to_vec()].concat();
        let signed = document.sign_content(self.signer(task, &document)?, content)?;
        let mut metadata = self.read(&older.location)?.metadata;
        metadata.extend(signature_metadata(&signed.signature));
        self.put(&older.location, &StoredObject { metadata, ..self.packed(&signed.content)? })?;
        Ok(TamperEffect::to([older.location])
            .saying(format!("`{}` records the previous state", newer.location)))
    }

    /// The delivery skipped the hour already; lists the objects that are missing.
    pub(super) fn tell_gap(&self, task: TamperTask<'_>) -> TamperResult {
        let why =
            "needs an hour with neighbours on both sides, given as `first`, `middle`, `last` or a number";
        let hour = self.spec.skip_hour.ok_or_else(|| task.lacks(why))?;
        let window = self.spec.window(hour);
        let missing = |digest: &DeliveredDigest| {
            let mut key = DigestKey { end: window.end, ..digest.key.clone() };
            key.folder.bucket = self.spec.bucket_at(hour).into();
            (digest.key.chain(), key.location())
        };
        let chains: BTreeMap<_, _> =
            self.digests.iter().filter(|one| !one.key.backfill).map(missing).collect();
        Ok(TamperEffect::to(chains.into_values()).saying(window.to_string()))
    }

    pub(super) fn delete_end(&mut self, task: TamperTask<'_>) -> TamperResult {
        let chain = self.digest(task)?.key.chain();
        let all: Vec<_> = self.chain(&chain).cloned().collect();
        let kept = all.len().saturating_sub(END);
        let newest: Vec<_> = all.into_iter().skip(kept).collect();
        self.delete_with_logs(task, &newest)
    }

    pub(super) fn delete_start(&mut self, task: TamperTask<'_>) -> TamperResult {
        let chain = self.digest(task)?.key.chain();
        let all: Vec<_> = self.chain(&chain).cloned().collect();
        let count = all.iter().position(|one| one.lists).map_or(1, |first| first + 1);
        let first: Vec<_> = all.into_iter().take(count).collect();
        self.delete_with_logs(task, &first)
    }

    pub(super) fn delete_older(&mut self, task: TamperTask<'_>) -> TamperResult {
        let restart = self.spec.restart().ok_or_else(|| task.lacks("logging does not restart"))?;
        let digests = self.digests.iter().filter(|one| one.end < restart).map(|one| one.location.clone());
        let logs = self.logs.iter().filter(|log| log.minute < restart).map(|log| log.location.clone());
        let gone: Vec<_> = digests.chain(logs).collect();
        if gone.is_empty() {
            return Err(task.lacks("no objects are older than the stop"));
        }
        Ok(self.delete(gone)?.saying(format!("logging restarted at {restart}")))
    }

    pub(super) fn delete_digests(&mut self) -> TamperResult {
        self.delete(self.digests.iter().map(|digest| digest.location.clone()).collect())
    }

    pub(super) fn delete_everything(&mut self) -> TamperResult {
        let done = self.delete(self.everything())?;
        let location = Location::new(self.spec.bucket.as_str(), format!("{}README.txt", self.spec.root()));
        let stored =
            StoredObject { body: b"There is nothing to see here.\n".to_vec(), metadata: Default::default() };
        self.add(&location, &stored)?;
        Ok(done)
    }

    pub(super) fn relocate(&mut self) -> TamperResult {
        let old = self.everything();
        let moved: Vec<Location> = old.iter().map(relocated).collect();
        for (from, to) in old.iter().zip(&moved) {
            self.put(to, &self.read(from)?)?;
        }
        let (mut digests, mut logs, added) = (self.digests.clone(), self.logs.clone(), self.added.clone());
        self.delete(old)?;
        for digest in &mut digests {
            digest.location = relocated(&digest.location);
            digest.key.folder.bucket = Arc::clone(&digest.location.bucket);
        }
        logs.iter_mut().for_each(|log| log.location = relocated(&log.location));
        self.added = added.iter().map(relocated).collect();
        (self.digests, self.logs) = (digests, logs);
        Ok(TamperEffect::to(moved))
    }

    /// Deletes digests and the log files in their current lists.
    fn delete_with_logs(&mut self, task: TamperTask<'_>, digests: &[DeliveredDigest]) -> TamperResult {
        let there: HashSet<&Location> = self.logs.iter().map(|log| &log.location).collect();
        let mut gone = Vec::new();
        for digest in digests {
            let logs = self.document(task, digest)?.log_files;
            gone.extend(logs.iter().map(|log| log.location()).filter(|log| there.contains(log)));
            gone.push(digest.location.clone());
        }
        self.delete(gone)
    }

    fn everything(&self) -> Vec<Location> {
        let digests = self.digests.iter().map(|digest| &digest.location);
        let logs = self.logs.iter().map(|log| &log.location);
        digests.chain(logs).chain(&self.added).cloned().collect()
    }
}

fn relocated(location: &Location) -> Location {
    Location::new(format!("{}-copy", location.bucket), location.key.clone())
}
