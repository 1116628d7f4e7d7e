//! Tampering with digests.

use super::super::document::{DigestDocument, SIGNATURE, signature_metadata};
use super::super::pack;
use super::scene::StoredObject;
use super::{BodyDamage, TamperEffect, TamperKind, TamperResult, TamperScene, TamperTask};
use crate::ident::{DigestKey, Location, Sha256Hash};
use crate::store::Metadata;
use crate::time::{HOUR, Interval, Timestamp};

/// Offset of a moved digest, in seconds. The extra second gives a name that no hourly digest has.
const MOVED_BY: i64 = HOUR + 1;

/// The fingerprint in a digest that the attacker signs.
#[derive(Clone, Copy, Debug)]
pub(super) enum NamedKey {
    /// The original key's fingerprint.
    Real,
    /// The attacker's fingerprint.
    Attackers,
}

impl TamperScene<'_> {
    pub(super) fn damage_digest(&self, task: TamperTask<'_>, damage: BodyDamage) -> TamperResult {
        self.damage(self.digest(task)?.location, damage)
    }

    pub(super) fn strike_log(&self, task: TamperTask<'_>) -> TamperResult {
        let digest = self.digest(task)?;
        let mut document = self.document(task, &digest)?;
        let detail = change(&mut document);
        self.replace(&digest.location, &document.content()?)?;
        Ok(TamperEffect::to([digest.location]).saying(detail))
    }

    pub(super) fn change_hash(&self, task: TamperTask<'_>) -> TamperResult {
        let digest = self.digest_where(task, |digest| digest.lists)?;
        let mut document = self.document(task, &digest)?;
        let entry =
            document.log_files.first_mut().ok_or_else(|| task.lacks("the digest lists no log file"))?;
        let log = entry.location();
        self.damage(log.clone(), BodyDamage::ByteChanged)?;
        let content = pack::inflate(&self.read(&log)?.body)?;
        entry.hash_value = Sha256Hash::of(&content).to_string();
        self.replace(&digest.location, &document.content()?)?;
        Ok(TamperEffect::to([digest.location, log]))
    }

    pub(super) fn change_signature(&self, task: TamperTask<'_>) -> TamperResult {
        let digest = self.digest(task)?;
        let mut stored = self.read(&digest.location)?;
        let signature = stored.metadata.get_mut(SIGNATURE).filter(|signature| !signature.is_empty());
        let signature = signature.ok_or_else(|| task.lacks("the digest has no signature metadata"))?;
        let digit = if signature.pop() == Some('0') { '1' } else { '0' };
        signature.push(digit);
        self.put(&digest.location, &stored)?;
        Ok(TamperEffect::to([digest.location]))
    }

    pub(super) fn junk_signature(&self, task: TamperTask<'_>) -> TamperResult {
        let digest = self.digest(task)?;
        let mut stored = self.read(&digest.location)?;
        stored.metadata.extend(signature_metadata("no hex at all"));
        self.put(&digest.location, &stored)?;
        Ok(TamperEffect::to([digest.location]))
    }

    pub(super) fn resign(&self, task: TamperTask<'_>, named: NamedKey) -> TamperResult {
        let digest = self.digest(task)?;
        let attacker = self.keys.attacker()?;
        let mut document = self.document(task, &digest)?;
        let detail = change(&mut document);
        if let NamedKey::Attackers = named {
            document = document.naming_key(&attacker);
        }
        let signed = document.sign(&attacker)?;
        let mut metadata = self.read(&digest.location)?.metadata;
        metadata.extend(signature_metadata(&signed.signature));
        self.put(&digest.location, &StoredObject { metadata, ..self.packed(&signed.content)? })?;
        Ok(TamperEffect::to([digest.location]).saying(detail))
    }

    /// Moves or copies a digest.
    pub(super) fn move_digest(&mut self, task: TamperTask<'_>) -> TamperResult {
        let digest = self.digest(task)?;
        let moved = DigestKey { end: digest.end.plus(MOVED_BY), ..digest.key };
        let place = moved.location();
        let stored = self.read(&digest.location)?;
        self.add(&place, &stored)?;
        if task.kind == TamperKind::DigestCopied {
            return Ok(TamperEffect::to([place]).saying(format!("a copy of `{}`", digest.location)));
        }
        self.delete(vec![digest.location.clone()])?;
        Ok(TamperEffect::to([digest.location, place]))
    }

    pub(super) fn swap_digests(&self, task: TamperTask<'_>) -> TamperResult {
        let [older, newer] = self.two_digests(task)?;
        let (first, second) = (self.read(&older.location)?, self.read(&newer.location)?);
        self.put(&older.location, &second)?;
        self.put(&newer.location, &first)?;
        Ok(TamperEffect::to([older.location, newer.location]))
    }

    pub(super) fn replay_digest(&self, task: TamperTask<'_>) -> TamperResult {
        let [older, newer] = self.two_digests(task)?;
        self.put(&newer.location, &self.read(&older.location)?)?;
        Ok(TamperEffect::to([newer.location]).saying(format!("with the body of `{}`", older.location)))
    }

    pub(super) fn delete_digest(&mut self, task: TamperTask<'_>) -> TamperResult {
        let digest = self.digest(task)?;
        self.delete(vec![digest.location])
    }

    pub(super) fn delete_two_digests(&mut self, task: TamperTask<'_>) -> TamperResult {
        let two = self.two_digests(task)?;
        self.delete(two.map(|digest| digest.location).into())
    }

    pub(super) fn drop_metadata(&self, task: TamperTask<'_>) -> TamperResult {
        let digest = self.digest(task)?;
        let body = self.read(&digest.location)?.body;
        self.put(&digest.location, &StoredObject { body, metadata: Metadata::new() })?;
        Ok(TamperEffect::to([digest.location]))
    }

    pub(super) fn hide_digest(&self, task: TamperTask<'_>) -> TamperResult {
        self.hide(self.digest(task)?.location)
    }

    /// Forges a digest that follows the older of two digests, like the newer digest does.
    pub(super) fn forge_digest(&mut self, task: TamperTask<'_>) -> TamperResult {
        let [older, newer] = self.two_digests(task)?;
        let window = Interval { start: older.end, end: older.end.plus(HOUR / 2) };
        let key = DigestKey { end: window.end, ..older.key };
        let attacker = self.keys.attacker()?;
        let real = self.document(task, &newer)?;
        let forged = DigestDocument {
            previous_digest_s3_bucket: real.previous_digest_s3_bucket,
            previous_digest_s3_object: real.previous_digest_s3_object,
            previous_digest_hash_value: real.previous_digest_hash_value,
            previous_digest_hash_algorithm: real.previous_digest_hash_algorithm,
            previous_digest_signature: real.previous_digest_signature,
            ..DigestDocument::starting(&key, window, Vec::new()).naming_key(&attacker)
        };
        let signed = forged.sign(&attacker)?;
        let metadata = signature_metadata(&signed.signature);
        self.add(&signed.location, &StoredObject { metadata, ..self.packed(&signed.content)? })?;
        Ok(TamperEffect::to([signed.location]))
    }

    /// Adds an object whose name is dated after all digests, in a folder dated before: a reader that trusts both stops
    /// there.
    pub(super) fn junk_digest_name(&mut self, task: TamperTask<'_>) -> TamperResult {
        let digest = self.digest(task)?.key;
        let name = format!(
            "{}_CloudTrail-Digest_{}_{}_{}_99990101T000000Z.json.gz",
            digest.folder.account, digest.folder.region, digest.trail, digest.home_region
        );
        let month = digest.end.day_folder();
        let month = month.rsplit_once('/').map_or("", |(month, _)| month);
        let place = format!("{}{month}/00/{name}", digest.folder.digest_prefix());
        let location = Location::new(digest.folder.bucket.clone(), place);
        self.add(&location, &self.packed(b"{}")?)?;
        Ok(TamperEffect::to([location]))
    }
}

/// Removes evidence from a digest: a log file, or the start of the hour if the digest lists no log file.
fn change(document: &mut DigestDocument) -> String {
    if let Some(log) = document.log_files.pop() {
        return format!("`{}` was listed", log.location().to_string().escape_debug());
    }
    let start = Timestamp::parse_digest_field(&document.digest_start_time);
    document.digest_start_time = start.map(|start| start.plus(-HOUR).to_string()).unwrap_or_default();
    "the digest lists no log file, so the start was set an hour earlier".to_owned()
}
