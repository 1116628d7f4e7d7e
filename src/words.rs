//! The English of findings: the message of each fault, and what to do about each cause.
//!
//! A message is a lower-case fragment: what was seen, then the consequence. It is printed under the object that it is
//! about, literals stand in backticks, and nothing follows the last word. Texts of others are escaped where they are quoted,
//! and escaped again by whoever prints the message. A hint says what to do.

mod coverage;
mod digest;
mod hints;
mod keys;
mod kinds;
mod log;
mod scope;
mod trace;

use std::borrow::Cow;

use crate::event::{Fault, Finding};
use crate::text::shortened;

pub use hints::hint;
pub use kinds::meaning;

impl Finding {
    /// What was seen, for a person.
    #[must_use]
    pub fn message(&self) -> String {
        message(&self.fault).into_owned()
    }
}

/// What was seen, and the consequence.
fn message(fault: &Fault) -> Cow<'_, str> {
    let words = match fault {
        // Digest files: content.
        Fault::DigestBody { body } => return Cow::Owned(format!("{body}, so it is not a digest file")),
        Fault::NotADigest { reason } => reason,
        Fault::OversizedDigest { excess, hash } => return digest::oversized(*excess, hash.as_ref()).into(),
        Fault::UnreadableDigest { why } | Fault::UnreadableLog { why } => why,
        Fault::DigestReadsDiffer => "two reads of the digest gave different bytes or metadata",
        Fault::DigestUnconfirmed { why } => return digest::unconfirmed(why).into(),
        Fault::DigestVanished => "the digest was listed, but was gone when it was read",
        Fault::DigestElsewhere => "the digest names another bucket or key than the one it lies at",
        // Digest files: signatures and links.
        Fault::SignatureMisfit => "the signature does not verify the content",
        Fault::MetadataSignatureMisfit => {
            "the signature in the metadata does not verify the content, which the successor proves"
        }
        Fault::Unsigned { metadata, proved } => {
            return digest::unsigned(metadata.as_deref(), *proved).into();
        }
        Fault::MetadataLost { why } => return digest::metadata_lost(why).into(),
        Fault::NoKey { lack, proved } => return digest::with_proof(keys::lack(lack), *proved).into(),
        Fault::NotAsRecorded => "the content does not have the hash that the successor records",
        Fault::NotAsRemembered { run } => {
            return digest::not_as_remembered(run).into();
        }
        Fault::OtherDigestRecorded => "the signature verifies, but the successor records another digest here",
        Fault::OtherSignatureRecorded => {
            "the signature in the metadata is not the one that the successor records"
        }
        Fault::OverlapsSuccessor => "the digest ends after its successor starts",
        Fault::NotThePredecessor => "the digest is genuine, but its successor records another predecessor",
        Fault::EarlierRecordsOther => "a digest of an earlier time records another digest here",
        Fault::EarlierFollowsIt => {
            "the digest ends after the start of a digest that records it as its predecessor"
        }
        Fault::WithoutRoom(inner) => return digest::without_room(&message(inner)).into(),
        Fault::DigestGone(trace) => return trace::words("digest", trace).into(),
        Fault::RememberedGone { trace, run } => return trace::remembered(run, trace).into(),
        // Log files.
        Fault::LogContent => "the content does not have the hash that the digest lists",
        Fault::LogBody { body } => {
            return Cow::Owned(format!("{body}, so it is not what CloudTrail delivered"));
        }
        Fault::LogGone(trace) => return trace::words("log file", trace).into(),
        Fault::OversizedLog { excess } => return log::oversized(*excess).into(),
        Fault::LogReadsDiffer => "two reads of the log file gave different bytes",
        Fault::LogUnconfirmed { why } => return log::unconfirmed(why).into(),
        Fault::UnknownHash { written } => return log::unknown_hash(written).into(),
        Fault::ClaimedLog => "only a digest that is not proved lists the log file",
        Fault::ClaimedLogs { count } => return log::claimed(*count).into(),
        Fault::LogsInterrupted { count } => return log::interrupted(*count).into(),
        // Single objects.
        Fault::LogProved => "a proved digest lists the log file, and its content has the listed hash",
        Fault::DigestProved { logs } => return digest::proved(*logs),
        Fault::ObjectExcluded => "the account or the region of the object was not asked for",
        Fault::NoSuchObject => "there is no such object, and no proved digest records one",
        Fault::ObjectUnlisted => "no proved digest lists the object",
        Fault::ObjectUnreadable { why } => return log::unreadable_object(why).into(),
        Fault::NotAskedDigest => "the digest is not one of those that were asked for",
        // Coverage.
        Fault::Relocated { count, belongs } => return coverage::relocated(*count, belongs).into(),
        Fault::DigestsInterrupted => "interrupted before the digests of this time were checked",
        Fault::DigestsMissing => "the digests of this time were delivered and are gone",
        Fault::LoggingStopped => {
            "no digest covers this time, and the next one starts a new chain: logging or validation was off"
        }
        Fault::BeforeTheRecord => {
            "no digest covers this time: the record begins later, or older digests are gone"
        }
        Fault::NotCovered => "no proved digest covers this time",
        Fault::ChainRestarts => {
            "a new chain starts here: logging or validation was stopped and started again within the hour of this digest"
        }
        Fault::RecordBegins => {
            "the record begins here: this digest starts the chain, and nothing proves that there was none before"
        }
        Fault::NothingCovered => "the only digest starts the chain, so it covers nothing",
        Fault::Stale { late } => return coverage::stale(*late).into(),
        Fault::NewerDelivered { late, delivered } => {
            return coverage::newer_delivered(*late, *delivered).into();
        }
        Fault::DeliveryUnchecked { delivered, why } => {
            return coverage::delivery_unchecked(*delivered, why).into();
        }
        Fault::BackfillAlone => "there are backfill digests of the asked range, but no hourly ones",
        // Regions, folders and sources.
        Fault::RegionInterrupted => "interrupted before the region was checked",
        Fault::EmptyDigestFolder => "the digest folder holds no digest of the asked range",
        Fault::LogsWithoutDigests => "there are log files of the asked range, but no digest that lists them",
        Fault::UnlistedFolder { why } => return scope::unlisted("its content was not checked", why).into(),
        Fault::FolderInterrupted => "interrupted before the digest folder was listed to its end",
        Fault::UnsearchedFolder { why } => {
            return scope::unlisted("unreferenced files were not looked for", why).into();
        }
        Fault::UnplannedFolder { why } => {
            return scope::unlisted("its log files are not in the plan", why).into();
        }
        Fault::SearchInterrupted => "interrupted before the folder was searched for unreferenced files",
        Fault::DiscoveryInterrupted => "interrupted before every trail was found",
        Fault::DiscoveryLimit { limit } => return scope::discovery_limit(*limit).into(),
        Fault::NestedAwsLogs => "the folder was not searched: it lies in one of CloudTrail's own folders",
        Fault::SkippedFolder { why } => return scope::skipped(why).into(),
        Fault::RenamedFolder { belongs } => return scope::renamed(belongs).into(),
        Fault::NothingFound { account, region, trail, delivered, found } => {
            let names = [("account", account), ("region", region), ("trail", trail)];
            return scope::nothing_found(names, *delivered, found).into();
        }
        // Objects that nobody vouches for.
        Fault::UnlistedLog => "the object lies among the log files, but no proved digest lists it",
        Fault::StrayLog => {
            "the object lies where CloudTrail delivers no log file, and no proved digest lists it"
        }
        Fault::MoreUnlisted { count } => return scope::more_unlisted(*count).into(),
        Fault::NotADigestName => "not a valid digest file name",
        Fault::FutureDigest => "the file name is dated in the future",
        Fault::MoreJunk { count, folder } => return scope::more_junk(*count, folder).into(),
        Fault::NotARegion => "not a valid region name",
        Fault::Droppings { count } => return scope::droppings(*count).into(),
        // Keys.
        Fault::RejectedKey { entry, region, reason } => {
            return keys::rejected(*entry, region.as_deref(), reason).into();
        }
        Fault::Told { message, .. } => message,
    };
    Cow::Borrowed(words)
}

/// A text that others wrote, as a literal: escaped, and cut where it is long.
fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text.escape_debug().to_string()))
}

/// `1 log file`, `2 log files`.
fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
