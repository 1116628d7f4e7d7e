//! Tampering with log files.

use super::super::delivery::DeliveredDigest;
use super::super::document::{DigestDocument, SignedDigest};
use super::super::{SimulateError, events, stream};
use super::scene::StoredObject;
use super::{BodyDamage, TamperEffect, TamperResult, TamperScene, TamperTask};
use crate::ident::Location;

/// A name that is dangerous in a terminal, in CSV, in a spreadsheet and in HTML unless escaped.
pub(super) const ESCAPING_NAME: &str = "=1+1,\"\u{1b}[2J'<script>alert(1)<script>.json.gz";

/// A hash algorithm that no real digest names.
const UNKNOWN_ALGORITHM: &str = "SHA3-256";

impl TamperScene<'_> {
    pub(super) fn damage_log(&self, task: TamperTask<'_>, damage: BodyDamage) -> TamperResult {
        let log = self.log(task)?;
        self.damage(log.location, damage)
    }

    /// Damages a body; the metadata stays.
    pub(super) fn damage(&self, location: Location, damage: BodyDamage) -> TamperResult {
        let stored = self.read(&location)?;
        self.put(
            &location,
            &StoredObject { body: damage.to(self.spec, stored.body)?, metadata: stored.metadata },
        )?;
        Ok(TamperEffect::to([location]))
    }

    pub(super) fn swap_logs(&self, task: TamperTask<'_>) -> TamperResult {
        let chosen = self.log(task)?;
        let mine = self.read(&chosen.location)?;
        let later = self.logs.iter().skip_while(|log| **log != chosen).skip(1);
        let earlier = self.logs.iter().rev().skip_while(|log| **log != chosen).skip(1);
        for other in later.chain(earlier) {
            let theirs = self.read(&other.location)?;
            if theirs.body != mine.body {
                self.put(&chosen.location, &theirs)?;
                self.put(&other.location, &mine)?;
                return Ok(TamperEffect::to([chosen.location, other.location.clone()]));
            }
        }
        Err(task.lacks("needs two log files with different content"))
    }

    pub(super) fn delete_log(&mut self, task: TamperTask<'_>) -> TamperResult {
        let log = self.log(task)?;
        self.delete(vec![log.location])
    }

    pub(super) fn hide_log(&self, task: TamperTask<'_>) -> TamperResult {
        self.hide(self.log(task)?.location)
    }

    /// The digest and all following digests are signed again with their real keys: only CloudTrail could do this.
    pub(super) fn unknown_hash_algorithm(&self, task: TamperTask<'_>) -> TamperResult {
        let log = self.log(task)?.location;
        let (digest, mut document) = self.listing(task, &log)?;
        for entry in document.log_files.iter_mut().filter(|entry| entry.location() == log) {
            UNKNOWN_ALGORITHM.clone_into(&mut entry.hash_algorithm);
        }
        let signed = document.sign(self.signer(task, &document)?)?;
        self.put_signed(&digest.location, &signed)?;
        self.link_again(task, &digest, signed)?;
        Ok(TamperEffect::to([log, digest.location]))
    }

    pub(super) fn forge_log(&mut self, task: TamperTask<'_>) -> TamperResult {
        let beside = self.log(task)?;
        let (folder, name) = split(task, &beside.location)?;
        let fields: Vec<&str> = name.split('_').collect();
        let (Some(account), Some(region), Some((begin, _))) =
            (fields.first(), fields.get(2), name.rsplit_once('_'))
        else {
            return Err(task.lacks("the name of the selected log file has an unknown form"));
        };
        let random = &mut stream(self.spec.seed, &format!("forged {}", beside.location));
        let unique = events::unique(random);
        let content = events::content(random, (account, region), beside.minute, self.spec.events_per_log)?;
        let location =
            Location::new(beside.location.bucket.clone(), format!("{folder}/{begin}_{unique}.json.gz"));
        self.add(&location, &self.packed(&content.json)?)?;
        Ok(TamperEffect::to([location]))
    }

    pub(super) fn junk_log_name(&mut self, task: TamperTask<'_>, name: &str) -> TamperResult {
        let beside = self.log(task)?.location;
        let (folder, _) = split(task, &beside)?;
        let location = Location::new(beside.bucket.clone(), format!("{folder}/{name}"));
        self.add(&location, &self.packed(b"{\"Records\":[]}")?)?;
        Ok(TamperEffect::to([location]))
    }

    /// The digest that lists a log file, searched outwards from the log file's time.
    fn listing(
        &self,
        task: TamperTask<'_>,
        log: &Location,
    ) -> Result<(DeliveredDigest, DigestDocument), SimulateError> {
        let minute =
            self.logs.iter().find(|known| known.location == *log).map_or(0, |known| known.minute.unix());
        let beside =
            |digest: &&DeliveredDigest| digest.lists && log.key.starts_with(&digest.key.folder.log_prefix());
        let mut near: Vec<&DeliveredDigest> = self.digests.iter().filter(beside).collect();
        near.sort_by_key(|digest| digest.end.unix().abs_diff(minute));
        for digest in near {
            let document = self.document(task, digest)?;
            if document.log_files.iter().any(|entry| entry.location() == *log) {
                return Ok((digest.clone(), document));
            }
        }
        Err(task.lacks(format!("no digest lists `{log}`")))
    }

    /// Links all successors of `digest` again to the new version `signed`.
    fn link_again(
        &self,
        task: TamperTask<'_>,
        digest: &DeliveredDigest,
        signed: SignedDigest,
    ) -> Result<(), SimulateError> {
        let chain = digest.key.chain();
        let mut previous = signed;
        for next in self.chain(&chain).skip_while(|other| *other != digest).skip(1) {
            let document = self.document(task, next)?;
            if document.previous_digest_s3_object.as_deref() != Some(&*previous.location.key) {
                break;
            }
            let document = document.following(&previous);
            previous = document.sign(self.signer(task, &document)?)?;
            self.put_signed(&next.location, &previous)?;
        }
        Ok(())
    }
}

fn split<'l>(task: TamperTask<'_>, location: &'l Location) -> Result<(&'l str, &'l str), SimulateError> {
    location.key.rsplit_once('/').ok_or_else(|| task.lacks("the log file is in no folder"))
}
