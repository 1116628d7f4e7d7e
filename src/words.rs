//! The English of findings: a message for each fault, and a hint for each cause.
//!
//! A message is a lower-case fragment: what was seen, then the consequence. Reports print the message under the object.
//! Literals are in backticks, and no period ends the text. External texts are escaped when quoted here, and again when a
//! report prints the message. A hint says what to do.

mod coverage;
mod digest;
mod hints;
mod keys;
mod kinds;
mod log;
mod scope;
mod shards;
mod trace;

use std::borrow::Cow;

use crate::event::{Fault, Finding, Trace};
use crate::text::{plural, shortened};

pub use hints::hint;
#[cfg(feature = "aws")]
pub(crate) use hints::{is_expired, is_server_failure};
pub use kinds::meaning;

impl Finding {
    /// The message of the finding, for people.
    #[must_use]
    pub fn message(&self) -> String {
        let mut told = match (&self.fault, &self.original) {
            (Fault::LogGone(Trace::Nothing), Some(_)) => trace::FOUND_ELSEWHERE.to_owned(),
            (fault, _) => message(fault).into_owned(),
        };
        // A saved message is whole.
        if let Fault::Told { .. } = self.fault {
            return told;
        }
        if let Some(copy) = &self.copy {
            told.push_str(&format!("; this is about the copy {}", quoted(copy)));
        }
        if let Some(original) = &self.original {
            told.push_str(&format!("; the proved original is {}", quoted(original)));
        }
        if !self.covered_by.is_empty() {
            told.push_str(&format!("; {}", coverage::covering(&self.covered_by)));
        }
        told
    }
}

/// What was seen, and the consequence.
fn message(fault: &Fault) -> Cow<'_, str> {
    match fault {
        // Digest files: content.
        Fault::DigestBody { body } => format!("{body}, so the object is not a digest file").into(),
        Fault::NotADigest { reason } => reason.into(),
        Fault::UnknownDigestForm { reason } => digest::unknown_form(reason).into(),
        Fault::OversizedDigest { excess, hash } => digest::oversized(*excess, hash.as_ref()).into(),
        Fault::UnreadableDigest { why } | Fault::UnreadableLog { why } => why.into(),
        Fault::DigestReadsDiffer => "two reads of the digest gave different bytes or metadata".into(),
        Fault::DigestUnconfirmed { why } => digest::unconfirmed(why).into(),
        Fault::DigestVanished => "the digest was listed, but was gone when it was read".into(),
        Fault::DigestElsewhere => "the digest names another bucket or key than its own location".into(),
        // Digest files: signatures and links.
        Fault::SignatureMisfit => "the signature does not verify the content".into(),
        Fault::MetadataSignatureMisfit => "the signature in the metadata does not verify the content, which the successor proves".into(),
        Fault::Unsigned { metadata, proved } => digest::unsigned(metadata.as_deref(), *proved).into(),
        Fault::MetadataLost { why } => digest::metadata_lost(why).into(),
        Fault::NoKey { lack, proved } => digest::with_proof(keys::lack(lack), *proved).into(),
        Fault::NotAsRecorded => "the content does not have the hash that the successor records".into(),
        Fault::NotAsRemembered { run } => digest::not_as_remembered(run).into(),
        Fault::OtherDigestRecorded => "the signature verifies, but the successor records another digest here".into(),
        Fault::OtherSignatureRecorded => "the signature in the metadata differs from the signature that the successor records".into(),
        Fault::OverlapsSuccessor => "the digest ends after its successor starts".into(),
        Fault::NotThePredecessor => "the digest is genuine, but its successor records another predecessor".into(),
        Fault::EarlierRecordsOther => "a digest of an earlier time records another digest here".into(),
        Fault::EarlierFollowsIt => "another digest names this digest as its predecessor, but starts before this digest ends".into(),
        Fault::WithoutRoom(inner) => digest::without_room(&message(inner)).into(),
        Fault::DigestGone(trace) => trace::words("digest", trace).into(),
        Fault::RememberedGone { trace, run } => trace::remembered(run, trace).into(),
        // Log files.
        Fault::LogContent => "the content does not have the hash that the digest lists".into(),
        Fault::LogBody { body } => format!("{body}, so the log file is not as delivered").into(),
        Fault::LogGone(trace) => trace::words("log file", trace).into(),
        Fault::OversizedLog { excess } => log::oversized(*excess).into(),
        Fault::LogReadsDiffer => "two reads of the log file gave different bytes".into(),
        Fault::LogUnconfirmed { why } => log::unconfirmed(why).into(),
        Fault::UnknownHash { written } => log::unknown_hash(written).into(),
        Fault::ClaimedLog => "only an unproved digest lists the log file".into(),
        Fault::ClaimedLogs { count } => log::claimed(*count).into(),
        Fault::LogsInterrupted { count } => log::interrupted(*count).into(),
        // Single objects.
        Fault::LogProved => "a proved digest lists the log file, and its content has the listed hash".into(),
        Fault::DigestProved { logs } => digest::proved(*logs),
        Fault::ObjectExcluded => "the account or the region of the object was not asked for".into(),
        Fault::NoSuchObject => "the object does not exist, and no proved digest records the object".into(),
        Fault::ObjectUnlisted => "no proved digest lists the object".into(),
        Fault::ObjectUnreadable { why } => log::unreadable_object(why).into(),
        Fault::NotAskedDigest => "the digest does not belong to the asked accounts, regions and trails".into(),
        // Coverage.
        Fault::Relocated { count, belongs } => coverage::relocated(*count, belongs).into(),
        Fault::DigestsInterrupted => "interrupted before the digests of this time were checked".into(),
        Fault::DigestsMissing => "the digests of this time were delivered and are gone".into(),
        Fault::LoggingStopped => "no digest covers this time, and the next digest starts a new chain: logging or validation was off".into(),
        Fault::BeforeTheRecord => "no digest covers this time: the record begins later, or older digests are gone".into(),
        Fault::NotCovered => "no proved digest covers this time".into(),
        Fault::ChainRestarts => "a new chain starts here: logging or validation was stopped and started again within the hour of this digest".into(),
        Fault::RecordBegins => "the record begins here: this digest starts the chain, and an earlier record cannot be ruled out".into(),
        Fault::NewChain => "no earlier run saw this chain".into(),
        Fault::NothingCovered => "the only digest starts the chain, so no time is covered".into(),
        Fault::Stale { late } => coverage::stale(*late).into(),
        Fault::NewerDelivered { late, delivered } => coverage::newer_delivered(*late, *delivered).into(),
        Fault::DeliveryUnchecked { delivered, why } => coverage::delivery_unchecked(*delivered, why).into(),
        Fault::BackfillAlone => "the asked range has backfill digests, but no hourly digests".into(),
        // Regions, folders and sources.
        Fault::RegionInterrupted => "interrupted before the region was checked".into(),
        Fault::EmptyDigestFolder => "the digest folder has no digest of the asked range".into(),
        Fault::LogsWithoutDigests => "the asked range has log files, but no digests".into(),
        Fault::UnlistedFolder { why } => scope::unlisted("its content was not checked", why).into(),
        Fault::FolderInterrupted => "interrupted before the digest folder was listed to its end".into(),
        Fault::UnsearchedFolder { why } => scope::unlisted("unreferenced files were not looked for", why).into(),
        Fault::UnplannedFolder { why } => scope::unlisted("its log files are not in the plan", why).into(),
        Fault::SearchInterrupted => "interrupted before the folder was searched for unreferenced files".into(),
        Fault::DiscoveryInterrupted => "interrupted before every trail was found".into(),
        Fault::DiscoveryLimit { limit } => scope::discovery_limit(*limit).into(),
        Fault::NestedAwsLogs => "the folder was not searched, since it is inside a CloudTrail folder".into(),
        Fault::SkippedFolder { why } => scope::skipped(why).into(),
        Fault::RenamedFolder { belongs } => scope::renamed(belongs).into(),
        Fault::NothingFound { account, region, trail, delivered, found } => {
            let names = [("account", account), ("region", region), ("trail", trail)];
            scope::nothing_found(names, *delivered, found).into()
        }
        // Time.
        Fault::ClockBehind { clock, newest } => scope::clock_behind(*clock, *newest).into(),
        // Objects without proof.
        Fault::UnlistedLogs { count, examples } => scope::unlisted_logs(*count, examples).into(),
        Fault::UnlistedLog => "the object is among the log files, but no proved digest lists the object".into(),
        Fault::StrayLog => "the object is where CloudTrail delivers no log files, and no proved digest lists the object".into(),
        Fault::StrayDigest => "the digest is where CloudTrail delivers no digests, so it was not read".into(),
        Fault::MoreStrayDigests { count } => scope::more_stray_digests(*count).into(),
        Fault::MoreUnlisted { count } => scope::more_unlisted(*count).into(),
        Fault::NotADigestName => "not a valid digest file name".into(),
        Fault::FutureDigest => "the file name is dated in the future".into(),
        Fault::MoreJunk { count, folder } => scope::more_junk(*count, folder).into(),
        Fault::NotARegion => "not a valid region name".into(),
        Fault::UnreadMember { member, why } => scope::unread_member(member.as_ref(), why).into(),
        Fault::MoreUnreadMembers { count } => scope::more_unread_members(*count).into(),
        Fault::CopiesDiffer { judged, other, .. } => scope::copies_differ(judged, other).into(),
        Fault::Droppings { count } => scope::droppings(*count).into(),
        // Keys.
        Fault::KeysUnfetched { digests, logs, why } => keys::unfetched(*digests, *logs, why).into(),
        Fault::RejectedKey { entry, region, reason } => keys::rejected(*entry, region.as_deref(), reason).into(),
        // Shards.
        Fault::ShardLacking { shard, part, parts, lack } => shards::lacking(*shard, (*part, *parts), lack).into(),
        Fault::ShardContradictory { shard } => format!("shard {shard} has two results that differ").into(),
        Fault::ShardWalksDiffer { shards: (first, last) } => format!("shards {first} to {last} of the region saw different digests").into(),
        Fault::ShardDigestsGone { planned, found } => shards::digests_gone(*planned, *found).into(),
        Fault::ShardMemoryNewer { count } => shards::memory_newer(*count).into(),
        Fault::ShardListingsChanged { count, examples } => shards::listings_changed(*count, examples).into(),
        Fault::ShardResultsLeftOut { count, first, why } => shards::left_out(*count, first, why).into(),
        Fault::Accepted { fault, reason, by, at } => format!("accepted by {} at {at}: {}; {}", quoted(by), quoted(reason), message(fault)).into(),
        Fault::Told { message, .. } => message.into(),
    }
}

/// An external text as a literal: escaped, and cut if too long.
fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text.escape_debug().to_string()))
}

/// `1 log file`, `2 log files`.
fn counted(count: u64, noun: &str) -> String {
    plural(count, noun)
}

#[cfg(test)]
pub(crate) mod tests;
