//! Any bytes in any place: no panic, no hang; what comes of them is an error or a finding.

mod documents;
mod readers;
mod signed;

use std::io::BufReader;
use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::sample::Index;
use trailproof::digest::DigestFile;
use trailproof::event::Verdict;
use trailproof::gzip::{self, BodyError};
use trailproof::ident::{DigestKey, Location, LogFolderKey, RegionFolder, Sha256Hash};
use trailproof::keys::{KeyRing, saved};
use trailproof::signature::PublicKey;
use trailproof::simulate::{Spec, Tamper};
use trailproof::store::directory::DirectoryStore;
use trailproof::store::{Deposit as _, Encoding, Metadata, Store as _};
use trailproof::time::{self, Timestamp};

use crate::bodies::{config, content, gzip, read};
use crate::support::{Delivered, deliver, request, run};

/// A small genuine delivery, made once.
fn delivered() -> Delivered {
    deliver(&Spec { hours: 3, logs_per_hour: 1, events_per_log: 1, ..Spec::default() })
}

/// Objects of every type as they are when nobody has touched them.
struct Good {
    digest: Vec<u8>,
    log: Vec<u8>,
    keys: Vec<u8>,
    sidecar: Vec<u8>,
    pem: Vec<u8>,
}

fn good() -> &'static Good {
    static GOOD: OnceLock<Good> = OnceLock::new();
    GOOD.get_or_init(|| {
        let delivered = delivered();
        let locations = delivered.store.locations();
        let is_digest = |location: &&Location| DigestKey::parse(location).is_some();
        let digest = locations.iter().rfind(is_digest).unwrap();
        let log = locations.iter().find(|location| !is_digest(location)).unwrap();
        let metadata = read(&delivered.store, digest).1;
        let key = serde_json::from_str::<serde_json::Value>(&delivered.simulated.keys_json).unwrap();
        let value = key["PublicKeyList"][0]["Value"].as_str().unwrap().to_owned();
        Good {
            digest: content(&delivered.store, digest),
            log: read(&delivered.store, log).0,
            keys: delivered.simulated.keys_json.into_bytes(),
            sidecar: serde_json::to_vec(&serde_json::json!({ "Metadata": metadata })).unwrap(),
            pem: format!("-----BEGIN RSA PUBLIC KEY-----\n{value}\n-----END RSA PUBLIC KEY-----\n")
                .into_bytes(),
        }
    })
}

#[derive(Clone, Debug)]
enum Edit {
    Flip(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    /// A piece of it again in another place.
    Splice(Index, Index, usize),
}

/// Text that means something to a parser.
const TELLING: [&str; 12] =
    ["null", "\"", "{", "[", "1e999", "-1", "\\u0000", "\\ud800", "-----BEGIN ", "\u{0}", "é", ","];

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let insert = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..9),
        prop::sample::select(&TELLING[..]).prop_map(|text| text.as_bytes().to_vec()),
    ];
    let edit = prop_oneof![
        3 => (any::<Index>(), 0..8_u32).prop_map(|(at, bit)| Edit::Flip(at, 1 << bit)),
        1 => any::<Index>().prop_map(Edit::Cut),
        1 => (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        2 => (any::<Index>(), insert).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        1 => (any::<Index>(), any::<Index>(), 1..200_usize).prop_map(|(at, to, length)| Edit::Splice(at, to, length)),
    ];
    prop::collection::vec(edit, 1..4)
}

fn edited(good: &[u8], edits: &[Edit]) -> Vec<u8> {
    edits.iter().fold(good.to_vec(), |mut bytes, edit| {
        let length = bytes.len();
        let range = |at: &Index, many: usize| {
            let at = at.index(length + 1);
            at..(at + many).min(length)
        };
        match edit {
            Edit::Flip(at, mask) if length > 0 => *at.get_mut(&mut bytes) ^= mask,
            Edit::Flip(..) => {}
            Edit::Cut(at) => bytes.truncate(at.index(length + 1)),
            Edit::Remove(at, many) => drop(bytes.drain(range(at, *many))),
            Edit::Insert(at, more) => drop(bytes.splice(range(at, 0), more.iter().copied())),
            Edit::Splice(at, to, many) => {
                let piece = bytes[range(at, *many)].to_vec();
                bytes.splice(range(to, 0), piece);
            }
        }
        bytes
    })
}

/// Anything at all, or something good with a few things done to it.
fn bytes(good: fn() -> &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..300),
        3 => edits().prop_map(move |edits| edited(good(), &edits)),
    ]
}

/// Text that may look like `good` and holds anything.
fn text(good: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        1 => any::<String>(),
        1 => "[-0-9TZ:+._/a-z ]{0,40}",
        2 => edits().prop_map(|edits| String::from_utf8_lossy(&edited(good.as_bytes(), &edits)).into_owned()),
    ]
}

pub const DIGEST_KEY: &str = "a/AWSLogs/o-abcdefghij/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/\
    111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T010657Z_backfill.json.gz";

const LOG_REST: &str = "2026/09/01/111122223333_CloudTrail_us-east-1_20260901T0010Z_abcdefgh12345678.json.gz";

fn folder() -> RegionFolder {
    DigestKey::parse(&Location::new("b", DIGEST_KEY)).unwrap().folder
}

/// What is told of hostile text cannot write over what stands on the screen.
fn assert_shown(message: &str) {
    assert!(!message.contains(char::is_control), "{message:?}");
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn a_digest_is_parsed_or_refused(bytes in bytes(|| &good().digest)) {
        if let Ok(file) = DigestFile::parse(&bytes) {
            prop_assert_eq!(file.hash(), Sha256Hash::of(&bytes));
            prop_assert!(file.window().start <= file.window().end);
            prop_assert_eq!(file.claimed_logs().count(), file.log_count());
            prop_assert!(file.string_to_sign().lines().count() >= 4);
        }
    }

    #[test]
    fn a_body_is_one_whole_member_or_malformed(body in bytes(|| &good().log), limit in 0..2_000_u64, plain: bool) {
        let encoding = if plain { Encoding::GzipOrPlain } else { Encoding::Gzip };
        let hashed = gzip::hash(&mut &body[..], encoding, limit);
        let piecewise = gzip::hash(&mut BufReader::with_capacity(2, &body[..]), encoding, limit);
        // What is both too large and corrupt is whichever shows first.
        let too_large = [&hashed, &piecewise].iter().any(|one| matches!(one, Err(BodyError::TooLarge(_))));
        prop_assert!(too_large || hashed == piecewise, "{:?} in whole, {:?} in pieces", hashed, piecewise);
        let inflated = gzip::inflate(&mut &body[..], encoding, limit);
        match (hashed, inflated) {
            (Ok((hash, sizes)), Ok((content, same))) => {
                prop_assert_eq!((hash, sizes), (Sha256Hash::of(&content), same));
                prop_assert!(sizes.inflated <= limit && sizes.compressed == body.len() as u64);
                let whole = body == good().log || plain || body.starts_with(&[0x1f, 0x8b]);
                prop_assert!(whole, "taken without being gzip");
            }
            (Err(one), Err(other)) => {
                prop_assert_eq!(&one, &other);
                prop_assert!(!matches!(one, BodyError::Unreadable(_)), "nothing failed in reading");
            }
            (one, other) => prop_assert!(false, "{:?} but {:?}", one, other.map(|_| ())),
        }
    }

    #[test]
    fn a_digests_key_is_taken_apart_and_put_together(key in text(DIGEST_KEY), bucket in any::<String>()) {
        let location = Location::new(bucket, key);
        if let Some(parsed) = DigestKey::parse(&location) {
            prop_assert_eq!(parsed.location(), location);
        }
    }

    #[test]
    fn a_name_gives_the_key_it_was_made_of(name in text(&DIGEST_KEY[76..])) {
        if let Some(parsed) = DigestKey::parse_name(&folder(), &name) {
            let location = parsed.location();
            prop_assert_eq!(location.name(), name.as_str());
            prop_assert_eq!(DigestKey::parse(&location), Some(parsed));
        }
    }

    #[test]
    fn a_log_folders_key_is_a_moment_of_its_day(rest in text(LOG_REST)) {
        match LogFolderKey::parse(&rest) {
            Some(LogFolderKey::Minute(minute)) => prop_assert!(rest.starts_with(&minute.day_folder())),
            Some(LogFolderKey::Day(day)) => {
                prop_assert!(rest.starts_with(&day.start.day_folder()));
                prop_assert_eq!(day.seconds(), 86_400);
            }
            None => {}
        }
    }

    #[test]
    fn a_keys_file_gives_keys_or_a_reason(
        bytes in prop_oneof![bytes(|| &good().keys), bytes(|| &good().pem)],
    ) {
        let mut ring = KeyRing::new();
        let loaded = saved::load(&mut ring, "keys", &bytes);
        prop_assert_eq!(loaded.is_ok(), !ring.is_empty(), "{:?}", loaded);
    }

    #[test]
    fn a_key_has_its_own_fingerprint_or_is_none(der in prop::collection::vec(any::<u8>(), 0..400), base64 in any::<String>()) {
        if let Ok(key) = PublicKey::from_der(&der) {
            prop_assert_eq!(key.fingerprint().len(), 32);
        }
        let _ = PublicKey::from_base64(&base64);
    }

    #[test]
    fn a_typed_time_is_a_moment_or_refused(
        typed in prop_oneof![text("2026-09-01T00:00:00+09:00"), text("24h"), text("P7DT1H"), text("2026-09-01")],
        now in any::<i64>(),
    ) {
        match time::parse_typed(&typed, Timestamp::from_unix(now)) {
            Ok(moment) => drop(moment.to_string()),
            Err(error) => assert_shown(&error.to_string()),
        }
    }

    #[test]
    fn a_written_time_is_read_as_it_is_written(
        written in prop_oneof![text("2026-09-01T00:06:57Z"), text("20260901T000657Z"), text("20260901T0006Z")],
        seconds in any::<i64>(),
    ) {
        let field = Timestamp::parse_digest_field(&written).map(|moment| moment.to_string());
        let name = Timestamp::parse_digest_name(&written).map(Timestamp::digest_name);
        let log = Timestamp::parse_log_name(&written).map(Timestamp::log_name);
        for again in [field, name, log].into_iter().flatten() {
            // A leap second is read as the second before it.
            prop_assert!(again == written || written.contains("60") , "`{}` is read as `{}`", written, again);
        }
        let moment = Timestamp::from_unix(seconds);
        let shown = (moment.to_string(), moment.day_folder(), moment.digest_name(), moment.log_name());
        prop_assert!(!shown.0.is_empty() && moment.day() <= moment);
    }

    #[test]
    fn a_typed_tampering_is_understood_or_refused(typed in text("log-modified@us-east-2:last")) {
        match typed.parse::<Tamper>() {
            Ok(tamper) => prop_assert_eq!(tamper.to_string().parse::<Tamper>(), Ok(tamper)),
            Err(error) => assert_shown(&error.to_string()),
        }
    }

    #[test]
    fn a_sidecar_gives_metadata_or_says_why_not(bytes in bytes(|| &good().sidecar)) {
        let dir = tempfile::tempdir().unwrap();
        let store = DirectoryStore::of_buckets(dir.path()).unwrap();
        let location = Location::new("b", DIGEST_KEY);
        store.put(&location, b"x", &Metadata::new()).unwrap();
        std::fs::write(dir.path().join(format!("b/{DIGEST_KEY}.metadata.json")), &bytes).unwrap();
        let metadata = store.get(&location).unwrap().metadata;
        let failed = metadata.contains_key(trailproof::store::METADATA_ERROR);
        prop_assert!(!failed || metadata.len() == 1, "{:?}", metadata);
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn a_run_over_junk_comes_to_an_end(
        body in bytes(|| &good().digest),
        at: Index,
        packed: bool,
        signature in prop_oneof![Just(None), any::<String>().prop_map(Some), text("00ff").prop_map(Some)],
    ) {
        let delivered = delivered();
        let location = at.get(&delivered.store.locations()).clone();
        prop_assume!(body != content(&delivered.store, &location));
        let body = if packed { gzip(&body) } else { body };
        let metadata = signature.into_iter().map(|text| ("signature".to_owned(), text)).collect();
        delivered.store.put(&location, &body, &metadata).unwrap();
        let asked = request(&["trail-logs"], delivered.simulated.end);
        let ran = run(&delivered.store, &delivered.keys, &asked, 2);
        prop_assert_ne!(ran.verdict, Verdict::Intact, "{}", location);
        prop_assert!(!ran.json.chars().any(|c| c.is_control() && c != '\n'), "{}", ran.json);
    }

    #[test]
    fn an_object_of_any_name_is_at_most_named(key in text(DIGEST_KEY), bucket: bool) {
        let delivered = delivered();
        let bucket = if bucket { "trail-logs" } else { "b" };
        delivered.store.put(&Location::new(bucket, key), b"junk", &Metadata::new()).unwrap();
        let asked = request(&["trail-logs", "b"], delivered.simulated.end);
        let ran = run(&delivered.store, &delivered.keys, &asked, 2);
        prop_assert_eq!(ran.counts.digests.valid, 4, "{:#?}", ran.findings);
    }
}
