//! Tampering: what an attacker, an accident or only CloudTrail itself could do to a delivery.

mod chains;
mod damage;
mod digests;
mod logs;
mod saved;
mod scene;

use std::borrow::Cow;

use super::delivery::{Delivered, DeliveredDigest, DeliveredLog};
use super::keys::{KeyRing, SavedKey};
use super::{Answer, Pick, SimulateError, Spec, Tamper, TamperKind, Where};
use crate::ident::Location;
use crate::store::Deposit;

use damage::Damage;

/// MiB that a log file's bomb inflates to.
const LOG_BOMB: u32 = 256;

/// MiB that a digest's bomb inflates to.
const DIGEST_BOMB: u32 = 512;

/// A delivery that is being tampered with: what is there, by name, and the keys that will be saved.
pub(super) struct Scene<'a> {
    spec: &'a Spec,
    store: &'a dyn Deposit,
    keys: &'a KeyRing,
    digests: Vec<DeliveredDigest>,
    logs: Vec<DeliveredLog>,
    /// Objects that tampering added.
    added: Vec<Location>,
    pub(super) saved: Vec<SavedKey>,
}

/// One tampering at work.
#[derive(Clone, Copy)]
struct Task<'a> {
    kind: TamperKind,
    at: &'a Where,
}

/// What a tampering touched, and what there is to say beyond the kind's description.
struct Done {
    touched: Vec<Location>,
    detail: Option<String>,
}

type Outcome = Result<Done, SimulateError>;

/// `spec` with what its tampers need of the making itself: an hour left out, or a stop.
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

/// An hour with neighbours on both sides.
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

impl<'a> Scene<'a> {
    /// A delivery as it was made.
    pub(super) fn new(
        spec: &'a Spec,
        store: &'a dyn Deposit,
        keys: &'a KeyRing,
        delivered: Delivered,
    ) -> Self {
        let Delivered { digests, logs, .. } = delivered;
        Self { spec, store, keys, digests, logs, added: Vec::new(), saved: keys.saved() }
    }

    /// Does one tampering and says what it did.
    pub(super) fn apply(&mut self, tamper: &Tamper) -> Result<Answer, SimulateError> {
        let task = Task { kind: tamper.kind, at: &tamper.at };
        let done = self.perform(task)?;
        let description = tamper.kind.description();
        Ok(Answer {
            tamper: tamper.kind,
            uris: done.touched.iter().map(Location::to_string).collect(),
            what: done.detail.map_or(description.to_owned(), |detail| format!("{description}: {detail}")),
        })
    }

    fn perform(&mut self, task: Task<'_>) -> Outcome {
        use TamperKind as K;
        match task.kind {
            K::LogModified => self.damage_log(task, Damage::ByteChanged),
            K::LogTruncated => self.damage_log(task, Damage::Truncated),
            K::LogAppended => self.damage_log(task, Damage::MemberAppended),
            K::LogTrailing => self.damage_log(task, Damage::JunkAppended),
            K::LogNotGzip => self.damage_log(task, Damage::NotGzip),
            K::LogBomb => self.damage_log(task, Damage::Bomb(LOG_BOMB)),
            K::LogEmptied => self.damage_log(task, Damage::Emptied),
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
            K::DigestMalformed => self.damage_digest(task, Damage::NoDigest),
            K::DigestNotGzip => self.damage_digest(task, Damage::NotGzip),
            K::DigestTruncated => self.damage_digest(task, Damage::Truncated),
            K::DigestAppended => self.damage_digest(task, Damage::MemberAppended),
            K::DigestTrailing => self.damage_digest(task, Damage::JunkAppended),
            K::DigestBomb => self.damage_digest(task, Damage::Bomb(DIGEST_BOMB)),
            K::DigestEmptied => self.damage_digest(task, Damage::Emptied),
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

impl Task<'_> {
    /// Which one is chosen where the user did not say.
    fn pick(&self) -> Pick {
        let default = match self.kind {
            TamperKind::DigestUnsigned => Pick::Last,
            _ => Pick::Middle,
        };
        self.at.pick.unwrap_or(default)
    }

    /// The error that the delivery has nothing to do this to.
    fn lacks(&self, why: impl Into<String>) -> SimulateError {
        SimulateError::Tamper { kind: self.kind, why: why.into() }
    }
}

impl Done {
    fn to(touched: impl IntoIterator<Item = Location>) -> Self {
        Self { touched: touched.into_iter().collect(), detail: None }
    }

    fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
