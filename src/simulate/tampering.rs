//! Tampering: what an attacker, an accident or only CloudTrail could do to a delivery.

mod chains;
mod damage;
mod digests;
mod logs;
mod saved;
mod scene;

use std::borrow::Cow;

use super::delivery::{DeliveredDigest, DeliveredLog, DeliveredObjects};
use super::keys::{SavedKey, SigningKeys};
use super::{Answer, Pick, SimulateError, Spec, Tamper, TamperKind, Where};
use crate::ident::Location;
use crate::store::Deposit;

use damage::BodyDamage;

/// Inflated size of a log file's bomb, in MiB.
const LOG_BOMB: u32 = 256;

/// Inflated size of a digest's bomb, in MiB.
const DIGEST_BOMB: u32 = 512;

/// A delivery during tampering: the objects by name, and the keys to save.
pub(super) struct TamperScene<'a> {
    spec: &'a Spec,
    store: &'a dyn Deposit,
    keys: &'a SigningKeys,
    digests: Vec<DeliveredDigest>,
    logs: Vec<DeliveredLog>,
    /// Objects that tampering added.
    added: Vec<Location>,
    pub(super) saved: Vec<SavedKey>,
}

/// A tamper in progress.
#[derive(Clone, Copy)]
struct TamperTask<'a> {
    kind: TamperKind,
    at: &'a Where,
}

/// The effect of a tamper: touched objects, and a detail beyond the kind's description.
struct TamperEffect {
    touched: Vec<Location>,
    detail: Option<String>,
}

type TamperResult = Result<TamperEffect, SimulateError>;

/// `spec` with the settings that tampers need at delivery: a skipped hour, or a stop.
pub(super) fn prepare(spec: &Spec) -> Cow<'_, Spec> {
    let mut spec = Cow::Borrowed(spec);
    for tamper in spec.tampers.clone() {
        match tamper.kind {
            TamperKind::ChainGap if spec.skip_hour.is_none() => {
                spec.to_mut().skip_hour = inner_hour(spec.hours, &tamper.at);
            }
            TamperKind::OlderDeleted if spec.stop.is_none() && spec.hours >= 3 => {
                spec.to_mut().stop = Some((spec.hours / 2, 1));
            }
            _ => {}
        }
    }
    spec
}

/// The selected hour, if the hour has neighbours on both sides.
fn inner_hour(hours: u32, at: &Where) -> Option<u32> {
    let last = hours.checked_sub(2).filter(|_| at.text.is_none())?;
    let hour = match at.pick {
        Some(Pick::First) => 1,
        Some(Pick::Middle) | None => hours / 2,
        Some(Pick::Last) => last,
        Some(Pick::Nth(hour)) => u32::try_from(hour).ok()?,
    };
    (1..=last).contains(&hour).then_some(hour)
}

impl<'a> TamperScene<'a> {
    /// A scene with the delivery before tampering.
    pub(super) fn new(
        spec: &'a Spec,
        store: &'a dyn Deposit,
        keys: &'a SigningKeys,
        delivered: DeliveredObjects,
    ) -> Self {
        let DeliveredObjects { digests, logs, .. } = delivered;
        Self { spec, store, keys, digests, logs, added: Vec::new(), saved: keys.saved() }
    }

    /// Applies a tamper and returns the effect.
    pub(super) fn apply(&mut self, tamper: &Tamper) -> Result<Answer, SimulateError> {
        let task = TamperTask { kind: tamper.kind, at: &tamper.at };
        let done = self.perform(task)?;
        let description = tamper.kind.description();
        Ok(Answer {
            tamper: tamper.kind,
            uris: done.touched.iter().map(Location::to_string).collect(),
            what: done.detail.map_or(description.to_owned(), |detail| format!("{description}: {detail}")),
        })
    }

    fn perform(&mut self, task: TamperTask<'_>) -> TamperResult {
        use TamperKind as K;
        match task.kind {
            K::LogModified => self.damage_log(task, BodyDamage::ByteChanged),
            K::LogTruncated => self.damage_log(task, BodyDamage::Truncated),
            K::LogAppended => self.damage_log(task, BodyDamage::MemberAppended),
            K::LogTrailing => self.damage_log(task, BodyDamage::JunkAppended),
            K::LogNotGzip => self.damage_log(task, BodyDamage::NotGzip),
            K::LogBomb => self.damage_log(task, BodyDamage::Bomb(LOG_BOMB)),
            K::LogEmptied => self.damage_log(task, BodyDamage::Emptied),
            K::LogSwapped => self.swap_logs(task),
            K::LogDeleted | K::LogMissing => self.delete_log(task),
            K::LogUnreadable => self.hide_log(task),
            K::LogUnverifiable => self.unknown_hash_algorithm(task),
            K::LogUnreferenced => self.forge_log(task),
            K::LogJunkName => self.junk_log_name(task, "notes.txt"),
            K::LogNameEscape => self.junk_log_name(task, logs::ESCAPING_NAME),
            K::DigestModified => self.strike_log(task),
            K::DigestHashChanged => self.change_hash(task),
            K::DigestMetadata => self.change_signature(task),
            K::DigestMetadataJunk => self.junk_signature(task),
            K::DigestResigned => self.resign(task, digests::NamedKey::Real),
            K::DigestOwnKey => self.resign(task, digests::NamedKey::Attackers),
            K::DigestMalformed => self.damage_digest(task, BodyDamage::NoDigest),
            K::DigestNotGzip => self.damage_digest(task, BodyDamage::NotGzip),
            K::DigestTruncated => self.damage_digest(task, BodyDamage::Truncated),
            K::DigestAppended => self.damage_digest(task, BodyDamage::MemberAppended),
            K::DigestTrailing => self.damage_digest(task, BodyDamage::JunkAppended),
            K::DigestBomb => self.damage_digest(task, BodyDamage::Bomb(DIGEST_BOMB)),
            K::DigestEmptied => self.damage_digest(task, BodyDamage::Emptied),
            K::DigestMoved | K::DigestCopied => self.move_digest(task),
            K::DigestSwapped => self.swap_digests(task),
            K::DigestDeleted | K::DigestMissing => self.delete_digest(task),
            K::DigestDeletedTwo => self.delete_two_digests(task),
            K::DigestUnsigned => self.drop_metadata(task),
            K::DigestUnreadable => self.hide_digest(task),
            K::DigestExtra => self.forge_digest(task),
            K::DigestReplayed => self.replay_digest(task),
            K::ChainBroken => self.break_chain(task),
            K::ChainGap => self.tell_gap(task),
            K::ChainStale | K::EndDeleted => self.delete_end(task),
            K::NoDigests => self.delete_digests(),
            K::AllDeleted => self.delete_everything(),
            K::OlderDeleted => self.delete_older(task),
            K::StartDeleted => self.delete_start(task),
            K::KeyUnknown => self.forget_key(task),
            K::KeyExpired => self.expire_key(task),
            K::KeyBadEntry => self.add_bad_key(task),
            K::ObjectUnrecognised => self.junk_digest_name(task),
            K::Relocated => self.relocate(),
        }
    }
}

impl TamperTask<'_> {
    /// The user's pick, or the kind's default.
    fn pick(&self) -> Pick {
        let default = match self.kind {
            TamperKind::DigestUnsigned => Pick::Last,
            _ => Pick::Middle,
        };
        self.at.pick.unwrap_or(default)
    }

    /// The error for a delivery without a suitable object.
    fn lacks(&self, why: impl Into<String>) -> SimulateError {
        SimulateError::Tamper { kind: self.kind, why: why.into() }
    }
}

impl TamperEffect {
    fn to(touched: impl IntoIterator<Item = Location>) -> Self {
        Self { touched: touched.into_iter().collect(), detail: None }
    }

    fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
