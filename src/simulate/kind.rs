//! The kinds of tampering.

use std::fmt;

use serde::{Serialize, Serializer};

/// A kind of tampering. A kind with a finding's name should lead to that finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TamperKind {
    /// One byte of a log file's content is changed, inside valid gzip.
    LogModified,
    /// The gzip trailer of a log file is cut off.
    LogTruncated,
    /// A second gzip member is appended to a log file.
    LogAppended,
    /// Bytes that are not gzip are appended to a log file.
    LogTrailing,
    /// A log file is replaced with plain text.
    LogNotGzip,
    /// A log file is replaced with gzip that inflates to 256 MB.
    LogBomb,
    /// A log file is cut to 0 bytes.
    LogEmptied,
    /// The bodies of two log files are exchanged.
    LogSwapped,
    /// A log file is deleted.
    LogDeleted,
    /// The same as `log-deleted`: the store decides whether a trace is left.
    LogMissing,
    /// A log file is left in place, but cannot be read.
    LogUnreadable,
    /// A log file is listed, validly signed, with an unknown hash algorithm.
    LogUnverifiable,
    /// A forged log file is put beside the real log files.
    LogUnreferenced,
    /// `notes.txt` is put into a log folder.
    LogJunkName,
    /// A forged object with escape codes and markup in its name is put into a log folder.
    LogNameEscape,
    /// A log file is removed from a digest, without a new signature.
    DigestModified,
    /// A log file is changed and the new hash is entered in the digest, without a new signature.
    DigestHashChanged,
    /// One hex digit of a digest's signature metadata is changed.
    DigestMetadata,
    /// A digest's signature metadata is replaced with text that is not hex.
    DigestMetadataJunk,
    /// A digest is changed and signed with the attacker's key under the real key's fingerprint.
    DigestResigned,
    /// A digest is changed and signed with the attacker's key under the attacker's fingerprint.
    DigestOwnKey,
    /// A digest is replaced with gzip of JSON that is not a digest.
    DigestMalformed,
    /// A digest is replaced with plain text.
    DigestNotGzip,
    /// The gzip trailer of a digest is cut off.
    DigestTruncated,
    /// A second gzip member is appended to a digest.
    DigestAppended,
    /// Bytes that are not gzip are appended to a digest.
    DigestTrailing,
    /// A digest is replaced with gzip that inflates to 512 MB of spaces.
    DigestBomb,
    /// A digest is cut to 0 bytes.
    DigestEmptied,
    /// A digest is renamed to another time of the chain.
    DigestMoved,
    /// A digest is copied to another time of the chain.
    DigestCopied,
    /// Bodies and metadata of two digests of the same chain are exchanged.
    DigestSwapped,
    /// A digest is deleted.
    DigestDeleted,
    /// The same as `digest-deleted`: the store decides whether a trace is left.
    DigestMissing,
    /// Two digests in a row are deleted.
    DigestDeletedTwo,
    /// A digest loses its metadata (by default the last digest, which no successor proves).
    DigestUnsigned,
    /// A digest is left in place, but cannot be read.
    DigestUnreadable,
    /// A forged digest with the attacker's key is put between two real digests.
    DigestExtra,
    /// An older digest with its metadata replaces the next digest.
    DigestReplayed,
    /// A digest is rewritten and validly signed, so that the successor does not link to the digest.
    ChainBroken,
    /// An hour has neither digest nor log files, and the next digest links across the hour, validly signed.
    ChainGap,
    /// The newest three digests of a chain and the log files in their lists are deleted.
    ChainStale,
    /// The same as `chain-stale`.
    EndDeleted,
    /// All digests are deleted; log files stay.
    NoDigests,
    /// All objects are deleted; an unrelated `README.txt` is left.
    AllDeleted,
    /// Logging stops and restarts, and all objects from before the stop are deleted.
    OlderDeleted,
    /// The first digest of a chain that lists log files is deleted, with these log files and all earlier digests.
    StartDeleted,
    /// The key that signed a digest is left out of the saved keys.
    KeyUnknown,
    /// The saved validity of the key that signed a digest ends before the key's first use.
    KeyExpired,
    /// The attacker's key is added to the saved keys under a real key's fingerprint.
    KeyBadEntry,
    /// A junk object whose name is dated 9999 is put into a digest folder.
    ObjectUnrecognised,
    /// The whole delivery is copied to the bucket `BUCKET-copy`, and the original deleted.
    Relocated,
}

impl TamperKind {
    /// All kinds, in the order of help texts.
    pub const ALL: [Self; 51] = [
        Self::LogModified,
        Self::LogTruncated,
        Self::LogAppended,
        Self::LogTrailing,
        Self::LogNotGzip,
        Self::LogBomb,
        Self::LogEmptied,
        Self::LogSwapped,
        Self::LogDeleted,
        Self::LogMissing,
        Self::LogUnreadable,
        Self::LogUnverifiable,
        Self::LogUnreferenced,
        Self::LogJunkName,
        Self::LogNameEscape,
        Self::DigestModified,
        Self::DigestHashChanged,
        Self::DigestMetadata,
        Self::DigestMetadataJunk,
        Self::DigestResigned,
        Self::DigestOwnKey,
        Self::DigestMalformed,
        Self::DigestNotGzip,
        Self::DigestTruncated,
        Self::DigestAppended,
        Self::DigestTrailing,
        Self::DigestBomb,
        Self::DigestEmptied,
        Self::DigestMoved,
        Self::DigestCopied,
        Self::DigestSwapped,
        Self::DigestDeleted,
        Self::DigestMissing,
        Self::DigestDeletedTwo,
        Self::DigestUnsigned,
        Self::DigestUnreadable,
        Self::DigestExtra,
        Self::DigestReplayed,
        Self::ChainBroken,
        Self::ChainGap,
        Self::ChainStale,
        Self::EndDeleted,
        Self::NoDigests,
        Self::AllDeleted,
        Self::OlderDeleted,
        Self::StartDeleted,
        Self::KeyUnknown,
        Self::KeyExpired,
        Self::KeyBadEntry,
        Self::ObjectUnrecognised,
        Self::Relocated,
    ];

    /// The word a user types.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LogModified => "log-modified",
            Self::LogTruncated => "log-truncated",
            Self::LogAppended => "log-appended",
            Self::LogTrailing => "log-trailing",
            Self::LogNotGzip => "log-not-gzip",
            Self::LogBomb => "log-bomb",
            Self::LogEmptied => "log-emptied",
            Self::LogSwapped => "log-swapped",
            Self::LogDeleted => "log-deleted",
            Self::LogMissing => "log-missing",
            Self::LogUnreadable => "log-unreadable",
            Self::LogUnverifiable => "log-unverifiable",
            Self::LogUnreferenced => "log-unreferenced",
            Self::LogJunkName => "log-junk-name",
            Self::LogNameEscape => "log-name-escape",
            Self::DigestModified => "digest-modified",
            Self::DigestHashChanged => "digest-hash-changed",
            Self::DigestMetadata => "digest-metadata",
            Self::DigestMetadataJunk => "digest-metadata-junk",
            Self::DigestResigned => "digest-resigned",
            Self::DigestOwnKey => "digest-own-key",
            Self::DigestMalformed => "digest-malformed",
            Self::DigestNotGzip => "digest-not-gzip",
            Self::DigestTruncated => "digest-truncated",
            Self::DigestAppended => "digest-appended",
            Self::DigestTrailing => "digest-trailing",
            Self::DigestBomb => "digest-bomb",
            Self::DigestEmptied => "digest-emptied",
            Self::DigestMoved => "digest-moved",
            Self::DigestCopied => "digest-copied",
            Self::DigestSwapped => "digest-swapped",
            Self::DigestDeleted => "digest-deleted",
            Self::DigestMissing => "digest-missing",
            Self::DigestDeletedTwo => "digest-deleted-two",
            Self::DigestUnsigned => "digest-unsigned",
            Self::DigestUnreadable => "digest-unreadable",
            Self::DigestExtra => "digest-extra",
            Self::DigestReplayed => "digest-replayed",
            Self::ChainBroken => "chain-broken",
            Self::ChainGap => "chain-gap",
            Self::ChainStale => "chain-stale",
            Self::EndDeleted => "end-deleted",
            Self::NoDigests => "no-digests",
            Self::AllDeleted => "all-deleted",
            Self::OlderDeleted => "older-deleted",
            Self::StartDeleted => "start-deleted",
            Self::KeyUnknown => "key-unknown",
            Self::KeyExpired => "key-expired",
            Self::KeyBadEntry => "key-bad-entry",
            Self::ObjectUnrecognised => "object-unrecognised",
            Self::Relocated => "relocated",
        }
    }

    /// The description, in a line.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::LogModified => "one byte of a log file's content is changed, inside valid gzip",
            Self::LogTruncated => "the gzip trailer of a log file is cut off",
            Self::LogAppended => "a second gzip member is appended to a log file",
            Self::LogTrailing => "bytes that are no gzip are appended to a log file",
            Self::LogNotGzip => "a log file is replaced with plain text",
            Self::LogBomb => "a log file is replaced with gzip that inflates to 256 MB",
            Self::LogEmptied => "a log file is cut to 0 bytes",
            Self::LogSwapped => "the bodies of two log files are exchanged",
            Self::LogDeleted => "a log file is deleted",
            Self::LogMissing => "the same as `log-deleted`: the store decides whether a trace is left",
            Self::LogUnreadable => "a log file is left in place, but cannot be read",
            Self::LogUnverifiable => "a log file is listed, validly signed, with an unknown hash algorithm",
            Self::LogUnreferenced => "a forged log file is put beside the real log files",
            Self::LogJunkName => "`notes.txt` is put into a log folder",
            Self::LogNameEscape => {
                "a forged object with escape codes and markup in its name is put into a log folder"
            }
            Self::DigestModified => "a log file is removed from a digest, without a new signature",
            Self::DigestHashChanged => {
                "a log file is changed and the new hash is entered in the digest, without a new signature"
            }
            Self::DigestMetadata => "one hex digit of a digest's signature metadata is changed",
            Self::DigestMetadataJunk => "a digest's signature metadata is replaced with text that is not hex",
            Self::DigestResigned => {
                "a digest is changed and signed with the attacker's key under the real key's fingerprint"
            }
            Self::DigestOwnKey => {
                "a digest is changed and signed with the attacker's key under the attacker's fingerprint"
            }
            Self::DigestMalformed => "a digest is replaced with gzip of JSON that is not a digest",
            Self::DigestNotGzip => "a digest is replaced with plain text",
            Self::DigestTruncated => "the gzip trailer of a digest is cut off",
            Self::DigestAppended => "a second gzip member is appended to a digest",
            Self::DigestTrailing => "bytes that are no gzip are appended to a digest",
            Self::DigestBomb => "a digest is replaced with gzip that inflates to 512 MB of spaces",
            Self::DigestEmptied => "a digest is cut to 0 bytes",
            Self::DigestMoved => "a digest is renamed to another time of the chain",
            Self::DigestCopied => "a digest is copied to another time of the chain",
            Self::DigestSwapped => "bodies and metadata of two digests of the same chain are exchanged",
            Self::DigestDeleted => "a digest is deleted",
            Self::DigestMissing => "the same as `digest-deleted`: the store decides whether a trace is left",
            Self::DigestDeletedTwo => "two digests in a row are deleted",
            Self::DigestUnsigned => {
                "a digest loses its metadata (by default the last digest, which no successor proves)"
            }
            Self::DigestUnreadable => "a digest is left in place, but cannot be read",
            Self::DigestExtra => "a forged digest with the attacker's key is put between two real digests",
            Self::DigestReplayed => "an older digest with its metadata replaces the next digest",
            Self::ChainBroken => {
                "a digest is rewritten and validly signed, so that the successor does not link to the digest"
            }
            Self::ChainGap => {
                "an hour has neither digest nor log files, and the next digest links across the hour, validly signed"
            }
            Self::ChainStale => {
                "the newest three digests of a chain and the log files in their lists are deleted"
            }
            Self::EndDeleted => "the same as `chain-stale`",
            Self::NoDigests => "all digests are deleted; log files stay",
            Self::AllDeleted => "all objects are deleted; an unrelated `README.txt` is left",
            Self::OlderDeleted => {
                "logging stops and restarts, and all objects from before the stop are deleted"
            }
            Self::StartDeleted => {
                "the first digest of a chain that lists log files is deleted, with these log files and all earlier digests"
            }
            Self::KeyUnknown => "the key that signed a digest is left out of the saved keys",
            Self::KeyExpired => {
                "the saved validity of the key that signed a digest ends before the key's first use"
            }
            Self::KeyBadEntry => {
                "the attacker's key is added to the saved keys under a real key's fingerprint"
            }
            Self::ObjectUnrecognised => "a junk object with a name dated 9999 is put before the digests",
            Self::Relocated => {
                "the whole delivery is copied to the bucket `BUCKET-copy`, and the original is deleted"
            }
        }
    }
}

impl fmt::Display for TamperKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for TamperKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
