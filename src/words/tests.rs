//! Messages and hints of every fault.

mod left_out;

use std::collections::BTreeSet;

use super::*;
use crate::event::{
    BodyFault, DiscoveryLimit, Excess, FaultCause, KeyLack, Kind, ShardLack, Trace, UntakenHash,
};
use crate::ident::Location;
use crate::time::{Interval, Timestamp};

/// Causes that need nothing done.
const WITHOUT_HINT: [FaultCause; 5] = [
    FaultCause::LogProved,
    FaultCause::DigestProved,
    FaultCause::Relocated,
    FaultCause::RenamedFolder,
    FaultCause::Droppings,
];

/// What follows the message on a digest without a place in the chain.
const WITHOUT_ROOM: &str =
    "; the next digest names another predecessor, so this digest is not part of the chain";

/// Longest message of plain evidence, and longest hint, in bytes.
const LONG_MESSAGE: usize = 200;
const LONG_HINT: usize = 260;

/// A text that may stand in a bucket, with what would tear a literal or a terminal.
const HOSTILE: &str = "x\u{1b}[2J\u{202e}\r\n`y";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn said(fault: Fault) -> String {
    Finding::new(fault, at(0)).message()
}

fn traces(text: &dyn Fn() -> String) -> Vec<Trace> {
    vec![
        Trace::Nothing,
        Trace::DeleteMarker { deleted: None, kept: Some(text()) },
        Trace::DeleteMarker { deleted: Some(at(0)), kept: None },
        Trace::Unknown { why: "no".to_owned() },
        Trace::Contradiction { version: text() },
    ]
}

/// Faults of every cause, with `text` where others wrote a text.
pub(crate) fn faults(text: &dyn Fn() -> String) -> Vec<Fault> {
    let why = || "no".to_owned();
    let fingerprint = text;
    let mut faults = vec![
        Fault::NotADigest { reason: "not a digest file: EOF".to_owned() },
        Fault::UnknownDigestForm { reason: "not a digest file: EOF".to_owned() },
        Fault::OversizedDigest { excess: Excess::Inflated { limit: 9 }, hash: None },
        Fault::OversizedDigest {
            excess: Excess::Stored { limit: 9 },
            hash: Some(UntakenHash::Oversized { excess: Excess::Inflated { limit: 7 } }),
        },
        Fault::OversizedDigest {
            excess: Excess::Inflated { limit: 9 },
            hash: Some(UntakenHash::Interrupted),
        },
        Fault::OversizedDigest {
            excess: Excess::Inflated { limit: 9 },
            hash: Some(UntakenHash::Unread { why: why() }),
        },
        Fault::UnreadableDigest { why: why() },
        Fault::DigestReadsDiffer,
        Fault::DigestUnconfirmed { why: why() },
        Fault::DigestVanished,
        Fault::DigestElsewhere,
        Fault::SignatureMisfit,
        Fault::MetadataSignatureMisfit,
        Fault::MetadataLost { why: why() },
        Fault::NotAsRecorded,
        Fault::NotAsRemembered { run: text() },
        Fault::OtherDigestRecorded,
        Fault::OtherSignatureRecorded,
        Fault::OverlapsSuccessor,
        Fault::NotThePredecessor,
        Fault::EarlierRecordsOther,
        Fault::EarlierFollowsIt,
        Fault::WithoutRoom(Box::new(Fault::Unsigned { metadata: None, proved: false })),
        Fault::LogContent,
        Fault::UnreadableLog { why: why() },
        Fault::OversizedLog { excess: Excess::Stored { limit: 9 } },
        Fault::LogReadsDiffer,
        Fault::LogUnconfirmed { why: why() },
        Fault::UnknownHash { written: text() },
        Fault::ClaimedLog,
        Fault::LogProved,
        Fault::ObjectExcluded,
        Fault::NoSuchObject,
        Fault::ObjectUnlisted,
        Fault::ObjectUnreadable { why: why() },
        Fault::NotAskedDigest,
        Fault::DigestsInterrupted,
        Fault::DigestsMissing,
        Fault::LoggingStopped,
        Fault::BeforeTheRecord,
        Fault::NotCovered,
        Fault::ChainRestarts,
        Fault::RecordBegins,
        Fault::NewChain,
        Fault::Accepted {
            fault: Box::new(Fault::Unsigned { metadata: None, proved: false }),
            reason: text(),
            by: text(),
            at: at(0),
        },
        Fault::NothingCovered,
        Fault::Stale { late: 3_600 },
        Fault::NewerDelivered { late: 1, delivered: at(0) },
        Fault::DeliveryUnchecked { delivered: at(0), why: why() },
        Fault::BackfillAlone,
        Fault::RegionInterrupted,
        Fault::EmptyDigestFolder,
        Fault::LogsWithoutDigests,
        Fault::UnlistedFolder { why: why() },
        Fault::FolderInterrupted,
        Fault::UnsearchedFolder { why: why() },
        Fault::UnplannedFolder { why: why() },
        Fault::SearchInterrupted,
        Fault::DiscoveryInterrupted,
        Fault::DiscoveryLimit { limit: DiscoveryLimit::Depth { most: 8 } },
        Fault::DiscoveryLimit { limit: DiscoveryLimit::Folders { most: 10_000 } },
        Fault::NestedAwsLogs,
        Fault::SkippedFolder { why: why() },
        Fault::RenamedFolder { belongs: text() },
        Fault::UnlistedLog,
        Fault::StrayLog,
        Fault::StrayDigest,
        Fault::MoreStrayDigests { count: 7 },
        Fault::NotADigestName,
        Fault::FutureDigest,
        Fault::ClockBehind { clock: at(0), newest: at(3_600) },
        Fault::NotARegion,
        Fault::ShardContradictory { shard: 1 },
        Fault::ShardWalksDiffer { shards: (1, 3) },
        Fault::ShardDigestsGone { planned: 9, found: 7 },
        Fault::ShardMemoryNewer { count: 2 },
        Fault::RejectedKey { entry: 1, region: None, reason: why() },
        Fault::RejectedKey { entry: 2, region: Some("us-east-1".to_owned()), reason: why() },
    ];
    faults.extend([None, Some(text())].map(|account| Fault::NothingFound {
        account,
        region: None,
        trail: Some(text()),
        delivered: Some(at(0)),
        found: Vec::new(),
    }));
    for body in
        [BodyFault::Empty, BodyFault::NotGzip, BodyFault::CutOff, BodyFault::Corrupt, BodyFault::Trailing]
    {
        faults.extend([Fault::DigestBody { body }, Fault::LogBody { body }]);
    }
    for count in [0, 1, 2] {
        faults.extend([
            Fault::ClaimedLogs { count },
            Fault::LogsInterrupted { count },
            Fault::DigestProved { logs: count },
            Fault::Relocated { count, belongs: Location::new("b", text()) },
            Fault::MoreUnlisted { count },
            Fault::UnlistedLogs { count, examples: vec![text()] },
            Fault::KeysUnfetched { digests: count, logs: count, why: why() },
            Fault::MoreJunk { count, folder: "p/".to_owned() },
            Fault::Droppings { count },
            Fault::ShardListingsChanged { count, examples: vec![text()] },
            Fault::ShardResultsLeftOut { count, first: text(), why: why() },
            Fault::MoreUnreadMembers { count },
            Fault::UnreadMember { member: (count > 0).then(|| (count, text())), why: why() },
            Fault::CopiesDiffer { is_digest: count == 1, judged: text(), other: text() },
        ]);
    }
    let lacks = [
        ShardLack::Missing,
        ShardLack::OtherPlan { plan: text() },
        ShardLack::OtherVersion { version: text() },
        ShardLack::OtherLine,
        ShardLack::Damaged { why: why() },
    ];
    faults.extend(lacks.map(|lack| Fault::ShardLacking { shard: 7, part: 1, parts: 2, lack }));
    for trace in traces(text) {
        faults.push(Fault::RememberedGone { trace: trace.clone(), run: text() });
        faults.extend([Fault::DigestGone(trace.clone()), Fault::LogGone(trace)]);
    }
    for proved in [false, true] {
        let validity = Some(Interval { start: at(0), end: at(1) });
        faults.extend([None, Some(why())].map(|metadata| Fault::Unsigned { metadata, proved }));
        let lacks = [
            KeyLack::Unknown { fingerprint: fingerprint() },
            KeyLack::NotThen { fingerprint: fingerprint(), validity },
            KeyLack::NotThen { fingerprint: fingerprint(), validity: None },
            KeyLack::Unreachable { fingerprint: fingerprint(), why: why() },
            KeyLack::Algorithm { name: text() },
        ];
        faults.extend(lacks.map(|lack| Fault::NoKey { lack, proved }));
    }
    faults
}

/// Whether a text is a lower-case fragment. Names of requests and services keep their capitals.
fn is_fragment(text: &str) -> bool {
    let is_name = ["GET ", "CloudTrail "].iter().any(|name| text.starts_with(name));
    let is_lower = is_name || !text.starts_with(char::is_uppercase);
    is_lower
        && !text.is_empty()
        && !text.ends_with(['.', ' ', ';', ':'])
        && text.matches('`').count().is_multiple_of(2)
}

#[test]
fn every_cause_is_made_and_has_a_hint_or_needs_none() {
    let made: BTreeSet<FaultCause> =
        faults(&|| "x".to_owned()).iter().filter_map(Fault::known_cause).collect();
    let all: BTreeSet<FaultCause> = FaultCause::ALL.iter().copied().collect();
    assert_eq!(made, all);
    for cause in all {
        let hint = hints::by_cause(cause);
        assert_eq!(hint.is_none(), WITHOUT_HINT.contains(&cause), "{cause:?}");
        assert!(hint.is_none_or(|hint| is_fragment(hint) && hint.len() <= LONG_HINT), "{hint:?}");
    }
    for kind in Kind::ALL {
        assert!(is_fragment(meaning(kind)), "{kind:?}");
        assert!(hints::by_kind(kind).is_none_or(is_fragment), "{kind:?}");
    }
}

#[test]
fn messages_are_short_lower_case_fragments() {
    for fault in faults(&|| "x".to_owned()) {
        let message = said(fault.clone());
        assert!(is_fragment(&message), "{message}");
        assert!(message.len() <= LONG_MESSAGE, "{} bytes: {message}", message.len());
        assert!(message.is_ascii(), "{message}");
    }
}

#[test]
fn texts_of_others_are_escaped_and_cut() {
    for fault in faults(&|| HOSTILE.to_owned()) {
        let message = said(fault);
        assert!(!message.contains(['\u{1b}', '\u{202e}', '\r', '\n']), "{message:?}");
    }
    for fault in faults(&|| "\u{7f}".repeat(1 << 16)) {
        let message = said(fault);
        assert!(message.len() < 1_000, "{} bytes", message.len());
    }
}

/// A permission does not help where CloudTrail failed or was not reached.
#[test]
fn keys_that_could_not_be_fetched_have_a_hint_for_each_reason() {
    for (why, word) in [
        ("AccessDeniedException: no", "allow `cloudtrail:ListPublicKeys`"),
        ("HTTP 500 without an error code", "CloudTrail failed"),
        ("ServiceUnavailable: later", "CloudTrail failed"),
        ("`https://c.example` did not answer: connection refused", "check the network"),
        ("the endpoint answered with HTTP 200, but not as AWS answers", "check the network"),
    ] {
        let lack = KeyLack::Unreachable { fingerprint: "x".to_owned(), why: why.to_owned() };
        let unfetched = Fault::KeysUnfetched { digests: 1, logs: 1, why: why.to_owned() };
        for fault in [Fault::NoKey { lack, proved: false }, unfetched] {
            let hint = hint(&Finding::new(fault, at(0))).unwrap();
            assert!(hint.starts_with(word) && is_fragment(hint) && hint.len() <= LONG_HINT, "{hint}");
        }
    }
}

/// A copy on disk has no permissions of S3, and a bucket cannot be copied more fully.
#[test]
fn an_object_that_could_not_be_read_has_a_hint_for_each_reason() {
    for (why, of_object, of_folder) in [
        ("access denied: AccessDenied: no", "allow `s3:GetObject`", "allow `s3:ListBucket`"),
        ("access denied: Permission denied", "let the user", "let the user"),
        ("archived: InvalidObjectState", "restore the object", "make the folder"),
        ("out of reach: not in this copy: x", "copy the object", "copy the object"),
        ("two copies differ: `a` and `b`", "find out which of the copies", "find out which of the copies"),
        ("unreadable: ExpiredToken: The token has expired", "sign in again", "sign in again"),
        ("unreadable: HTTP 503", "make the object readable", "make the folder"),
        (
            "unreadable: a symbolic link leads out of the directory",
            "if the copy needs what lies there, give the target",
            "if the copy needs what lies there, give the target",
        ),
        ("unreadable: not a regular file", "a folder, a pipe or a device lies", "make the folder"),
        (
            "unreadable: a symbolic link that leads nowhere or to itself",
            "copy the object from",
            "make the folder",
        ),
        ("unreadable: the archive ends early, at byte 9", "get a complete copy", "get a complete copy"),
    ] {
        let why = why.to_owned();
        let object = Fault::UnreadableDigest { why: why.clone() };
        for (fault, word) in [(object, of_object), (Fault::UnlistedFolder { why }, of_folder)] {
            let hint = hint(&Finding::new(fault, at(0))).unwrap();
            assert!(hint.starts_with(word) && is_fragment(hint) && hint.len() <= LONG_HINT, "{hint}");
        }
    }
    for kind in [Kind::DigestMissing, Kind::LogMissing] {
        let hint = hint(&Finding::told(kind, at(0), "x")).unwrap();
        assert!(!hint.contains("this copy") && !hint.contains("s3:"), "{hint}");
    }
}

/// What a report says of a cause is the same whether its evidence is at hand or only the word.
#[test]
fn a_cause_that_was_told_has_the_same_words() {
    for fault in faults(&|| "x".to_owned()) {
        let own = Finding::new(fault, at(0));
        let told = Fault::Told {
            kind: own.kind,
            cause: own.fault.cause().map(str::to_owned),
            message: own.message(),
        };
        let told = Finding::new(told, at(0));
        assert_eq!((told.kind, told.severity), (own.kind, own.severity));
        assert_eq!((told.message(), told.fault.cause()), (own.message(), own.fault.cause()));
        assert_eq!(hint(&told), hint(&own), "{own:?}");
    }
}

#[test]
fn a_cause_that_is_not_known_has_the_hint_of_its_kind() {
    for kind in Kind::ALL {
        let later =
            Fault::Told { kind, cause: Some("of-a-later-version".to_owned()), message: "x".to_owned() };
        let later = Finding::new(later, at(0));
        assert_eq!(later.fault.cause(), Some("of-a-later-version"));
        assert_eq!(Finding::told(kind, at(0), "x").fault.cause(), None);
        assert_eq!(hint(&later), hint(&Finding::told(kind, at(0), "x")));
    }
}

#[test]
fn a_digest_without_room_keeps_what_it_is() {
    for fault in faults(&|| "x".to_owned()) {
        let own = Finding::new(fault, at(0)).as_notice();
        let without = own.clone().without_room();
        assert_eq!((without.kind, without.fault.kind()), (own.kind, own.kind));
        assert_eq!((without.severity, without.fault.cause()), (own.severity, own.fault.cause()));
        assert_eq!(without.message(), own.message() + WITHOUT_ROOM);
    }
}

#[test]
fn counts_and_lengths_are_spelt_out() {
    for (fault, words) in [
        (Fault::ClaimedLogs { count: 1 }, "1 log file is listed by this unproved digest alone"),
        (Fault::LogsInterrupted { count: 1 }, "interrupted before 1 log file was read"),
        (Fault::LogsInterrupted { count: 2 }, "interrupted before 2 log files were read"),
        (Fault::LogsInterrupted { count: 17_160 }, "interrupted before 17,160 log files were read"),
        (Fault::DigestProved { logs: 0 }, "the digest is proved, and lists no log file"),
        (Fault::Stale { late: 0 }, "the newest digest ends 0 h 0 min before the end of the range"),
        (Fault::Stale { late: 86_399 }, "the newest digest ends 23 h 59 min before the end of the range"),
        (Fault::Stale { late: 90_000 }, "the newest digest ends 1 d 1 h before the end of the range"),
        (Fault::Droppings { count: 1 }, "1 file that desktops and sync programs leave was passed over"),
        (
            Fault::MoreUnlisted { count: 1 },
            "1 more object lies among the log files, and no proved digest lists it",
        ),
        (
            Fault::DigestGone(Trace::Contradiction { version: "v".to_owned() }),
            "GET returned 404, but version `v` is listed as current",
        ),
        (
            Fault::LogBody { body: BodyFault::CutOff },
            "the gzip stream is cut off, so the log file is not as delivered",
        ),
    ] {
        assert_eq!(said(fault), words);
    }
}

#[test]
fn what_was_found_instead_is_named_and_then_counted() {
    let nothing = |account: Option<&str>, found: usize| Fault::NothingFound {
        account: account.map(str::to_owned),
        region: account.map(|_| "us-east-1".to_owned()),
        trail: None,
        delivered: None,
        found: (0..found).map(|number| format!("r{number}")).collect(),
    };
    assert_eq!(said(nothing(None, 0)), "no digest of the asked time was found below the source");
    let asked = "no digest of the asked range was found for account `1`, region `us-east-1`";
    assert_eq!(said(nothing(Some("1"), 1)), format!("{asked}; found: `r0`"));
    let many = format!("{asked}; found: `r0`, `r1`, `r2`, `r3`, `r4` and 2 more");
    assert_eq!(said(nothing(Some("1"), 7)), many);
    let mistyped = Fault::NothingFound {
        account: None,
        region: None,
        trail: Some("adit".to_owned()),
        delivered: None,
        found: vec!["other".to_owned(), "audit".to_owned()],
    };
    let asked = "no digest of the asked range was found for trail `adit`";
    assert_eq!(said(mistyped), format!("{asked}; found: `other`, `audit`; did you mean `audit`?"));
}
