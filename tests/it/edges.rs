//! Rules at their edges: the second, the byte or the one more at which another answer is given.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use trailproof::event::{Event, Finding, Kind, Severity, Verdict};
use trailproof::ident::{Location, Sha256Hash};
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Listing, Metadata, Object, Store, StoreError, Version};
use trailproof::time::{DAY, HOUR, Timestamp};
use trailproof::validate::{Deliveries, NamedTrail};

use crate::bodies::{content, gzip};
use crate::mended::{digests, hour, purge, purge_all, ran};
use crate::support::{Delivered, deliver, request, run};

/// CloudTrail's word on when it delivered the newest digest.
#[derive(Debug)]
struct Told(Timestamp);

impl Deliveries for Told {
    fn latest(&self, _: &str) -> Option<Timestamp> {
        Some(self.0)
    }
}

/// A trail that is named in full.
pub(crate) fn in_full(name: &str, latest: Timestamp) -> NamedTrail {
    NamedTrail {
        account: "111122223333".to_owned(),
        name: name.to_owned(),
        home_region: "us-east-1".to_owned(),
        deliveries: Arc::new(Told(latest)),
    }
}

/// The only thing that is said of five hours of a trail that went on, asked up to `end`, where CloudTrail says when it
/// delivered last.
fn said_of_the_end(end: Timestamp, latest: Option<Timestamp>) -> Finding {
    let delivered = cut_off();
    let mut asked = request(&["trail-logs"], end);
    asked.named.extend(latest.map(|latest| in_full("audit", latest)));
    let ran = ran(&delivered, &asked);
    let mut said = ran.findings.iter().filter(|finding| finding.severity > Severity::Notice);
    let (Some(finding), None) = (said.next(), said.next()) else { panic!("{:#?}", ran.findings) };
    assert_eq!((finding.start, finding.end), (Some(hour(5)), Some(end)));
    finding.clone()
}

fn cut_off() -> Delivered {
    let delivered = deliver(&Spec { hours: 8, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
    purge(&delivered.store, "audit", 5..8);
    delivered
}

/// A digest is delivered within four hours of its end: what came later is another one's, and what came an hour after the
/// asked end or later may be that of a digest that ends after it.
#[test]
fn a_digest_that_cloudtrail_delivered_is_missed_from_one_second_to_another() {
    let (newest, end) = (hour(5), hour(10));
    for (latest, kind) in [
        (newest, Kind::ChainStale),
        (newest.plus(4 * HOUR), Kind::ChainStale),
        (newest.plus(4 * HOUR + 1), Kind::DigestMissing),
        (end, Kind::DigestMissing),
        (end.plus(HOUR - 1), Kind::DigestMissing),
        (end.plus(HOUR), Kind::ChainStale),
        (end.plus(DAY), Kind::ChainStale),
    ] {
        let finding = said_of_the_end(end, Some(latest));
        assert_eq!(finding.kind, kind, "{latest}");
        let told = format!(", but CloudTrail reports the delivery of another digest at {latest}");
        assert_eq!(finding.message().ends_with(&told), kind == Kind::DigestMissing, "{}", finding.message());
    }
    assert_eq!(said_of_the_end(end, None).kind, Kind::ChainStale);
}

#[test]
fn how_long_a_trail_is_silent_is_told_in_hours_or_days() {
    for (seconds, told) in [
        (HOUR, "1 h 0 min"),
        (2 * HOUR + 1_859, "2 h 30 min"),
        (DAY - 1, "23 h 59 min"),
        (DAY, "1 d 0 h"),
        (2 * DAY + 2 * HOUR - 1, "2 d 1 h"),
    ] {
        let finding = said_of_the_end(hour(5).plus(seconds), None);
        assert_eq!(finding.message(), format!("the newest digest ends {told} before the end of the range"));
    }
}

/// A log file is told at the time of the digest that lists it, and after it.
#[test]
fn objects_are_told_by_time_and_digests_before_their_log_files() {
    let delivered = deliver(&Spec { hours: 3, logs_per_hour: 2, events_per_log: 1, ..Spec::default() });
    let mut asked = request(&["trail-logs"], hour(3));
    asked.every_object = true;
    let ran = ran(&delivered, &asked);
    let told: Vec<&str> = ran
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Object { uri, .. } => Some(&**uri),
            _ => None,
        })
        .collect();
    let kinds: Vec<bool> = told.iter().map(|uri| uri.contains("CloudTrail-Digest")).collect();
    // The digest that starts the chain lists none.
    assert_eq!(kinds, [vec![true], [true, false, false].repeat(3)].concat(), "{told:#?}");
    let logs: Vec<&&str> = told.iter().filter(|uri| !uri.contains("CloudTrail-Digest")).collect();
    assert!(logs.is_sorted(), "{told:#?}");
}

/// Junk in a digest folder is a notice, and does not stand for the digests that should be there.
#[test]
fn a_region_whose_digest_folder_holds_junk_alone_has_no_digests() {
    let regions = ["eu-west-1", "us-east-1"].map(str::to_owned).to_vec();
    let delivered =
        deliver(&Spec { regions, hours: 3, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
    purge_all(&delivered.store, "/eu-west-1/");
    let junk = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/09/01/notes.txt";
    delivered.store.put(&Location::new("trail-logs", junk), b"x", &Metadata::new()).unwrap();
    let ran = ran(&delivered, &request(&["trail-logs"], hour(3)));
    assert_eq!(
        (ran.kinds(), ran.verdict),
        (vec![Kind::NoDigests], Verdict::Incomplete),
        "{:#?}",
        ran.findings
    );
    let of_region = |kind| {
        let found = ran.findings.iter().find(|finding| finding.kind == kind);
        found.and_then(|finding| finding.region.as_deref())
    };
    assert_eq!(of_region(Kind::NoDigests), Some("eu-west-1"));
    assert_eq!(of_region(Kind::ObjectUnrecognised), Some("eu-west-1"));
}

#[test]
fn the_gaps_of_a_chain_are_counted_and_nothing_else() {
    let spec = Spec { hours: 14, logs_per_hour: 1, events_per_log: 1, stop: Some((3, 8)), ..Spec::default() };
    let delivered = deliver(&spec);
    let (_, logs) = digests(&delivered.store, "audit").remove(0);
    delivered.store.put(&logs[0], b"x", &Metadata::new()).unwrap();
    let ran = ran(&delivered, &request(&["trail-logs"], delivered.simulated.end));
    assert_eq!(ran.kinds(), [Kind::LogModified, Kind::ChainGap], "{:#?}", ran.findings);
    let gaps: Vec<u64> = ran
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Chain(chain) => Some(chain.gaps),
            _ => None,
        })
        .collect();
    assert_eq!(gaps, [1]);
}

/// Unless other accounts were asked for, of which it is none.
#[test]
fn a_trail_that_is_named_in_full_has_to_be_there() {
    let delivered = deliver(&Spec { hours: 3, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
    let mut asked = request(&["trail-logs"], hour(3));
    asked.named.push(in_full("audit", hour(3)));
    assert_eq!(ran(&delivered, &asked).verdict, Verdict::Intact);

    asked.named.push(in_full("gone", hour(3)));
    let missed = ran(&delivered, &asked);
    assert_eq!((missed.kinds(), missed.verdict), (vec![Kind::NoDigests], Verdict::Incomplete));
    let finding = missed.findings.iter().find(|finding| finding.kind == Kind::NoDigests).unwrap();
    let places = [&finding.account, &finding.region, &finding.trail].map(|place| place.as_deref().unwrap());
    assert_eq!(places, ["111122223333", "us-east-1", "gone"]);
    let told = format!("; CloudTrail reports the delivery of a digest at {}, here or elsewhere", hour(3));
    assert!(finding.message().ends_with(&told), "{}", finding.message());

    asked.named.remove(1);
    asked.accounts.push("444455556666".to_owned());
    let missed = ran(&delivered, &asked);
    assert_eq!(missed.kinds(), [Kind::NoDigests], "{:#?}", missed.findings);
    let finding = missed.findings.iter().find(|finding| finding.kind == Kind::NoDigests).unwrap();
    assert_eq!((finding.account.as_deref(), finding.trail.as_deref()), (Some("444455556666"), None));
}

/// What CloudTrail says of a trail is said of that trail's own chain alone: not of another trail's, nor of another account's
/// of its organization.
#[test]
fn cloudtrails_word_is_on_the_trail_it_was_asked_about() {
    let delivered = cut_off();
    for (name, home_region, account, kind) in [
        ("audit", "us-east-1", "111122223333", Kind::DigestMissing),
        ("other", "us-east-1", "111122223333", Kind::ChainStale),
        ("audit", "eu-west-1", "111122223333", Kind::ChainStale),
        ("audit", "us-east-1", "444455556666", Kind::ChainStale),
    ] {
        let (account, home_region) = (account.to_owned(), home_region.to_owned());
        let went_on = NamedTrail { account, home_region, ..in_full(name, hour(10)) };
        let mut asked = request(&["trail-logs"], hour(10));
        asked.named.extend([went_on, in_full("audit", hour(5))]);
        let ran = ran(&delivered, &asked);
        let told = ran.findings.iter().find(|finding| finding.start == Some(hour(5)));
        assert_eq!(told.map(|finding| finding.kind), Some(kind), "{name}: {:#?}", ran.findings);
    }
}

#[test]
fn a_modified_log_file_is_told_with_both_hashes_and_the_digest_that_lists_it() {
    let delivered = deliver(&Spec { hours: 2, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
    let (digest, logs) = digests(&delivered.store, "audit").remove(0);
    let recorded = Sha256Hash::of(&content(&delivered.store, &logs[0]));
    delivered.store.put(&logs[0], &gzip(b"{}"), &Metadata::new()).unwrap();
    let ran = ran(&delivered, &request(&["trail-logs"], hour(2)));
    let finding = ran.findings.iter().find(|finding| finding.kind == Kind::LogModified).unwrap();
    assert_eq!(finding.uri, Some(logs[0].to_string()));
    assert_eq!(finding.digest, Some(digest.location().to_string()));
    assert_eq!(finding.expected, Some(recorded.to_string()));
    assert_eq!(finding.actual, Some(Sha256Hash::of(b"{}").to_string()));

    delivered.store.purge(&logs[0]);
    let ran = self::ran(&delivered, &request(&["trail-logs"], hour(2)));
    let finding = ran.findings.iter().find(|finding| finding.kind == Kind::LogMissing).unwrap();
    assert_eq!(finding.digest, Some(digest.location().to_string()));
    assert_eq!((&finding.expected, &finding.actual), (&Some(recorded.to_string()), &None));
}

/// What is given in an object's place.
#[derive(Clone)]
enum Turn {
    Nothing,
    Body(Vec<u8>),
    Signature(&'static str),
}

/// Gives these the first times that one object is asked for, the last one first.
struct AtFirst<'s> {
    inner: &'s MemoryStore,
    location: Location,
    turns: Mutex<Vec<Turn>>,
}

impl Store for AtFirst<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.inner.list(bucket, prefix, after)
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_dirs(bucket, prefix)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        let mut object = self.inner.get(location)?;
        match (*location == self.location).then(|| self.turns.lock().unwrap().pop()).flatten() {
            None => {}
            Some(Turn::Nothing) => return Err(StoreError::NotFound),
            Some(Turn::Body(body)) => object.body = Box::new(Cursor::new(body)),
            Some(Turn::Signature(hex)) => {
                object.metadata.insert("signature".to_owned(), hex.to_owned());
            }
        }
        Ok(object)
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(location)
    }
}

#[test]
fn what_two_reads_do_not_agree_on_is_unreadable_and_no_tampering() {
    let delivered = deliver(&Spec { hours: 3, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
    let (digest, logs) = digests(&delivered.store, "audit").remove(1);
    let (log, digest) = (logs[0].clone(), digest.location());
    let (other, cut) = (Turn::Body(gzip(b"{}")), |text: &[u8]| Turn::Body(text.to_vec()));
    let signed = Turn::Signature("00");
    for (location, turns, kind) in [
        (&log, vec![other.clone()], Kind::LogUnreadable),
        (&log, vec![cut(b"cut")], Kind::LogUnreadable),
        (&log, vec![cut(b"cut"), cut(b"tuc")], Kind::LogUnreadable),
        (&log, vec![Turn::Nothing, other.clone()], Kind::LogUnreadable),
        (&log, vec![other.clone(); 2], Kind::LogModified),
        (&digest, vec![other.clone()], Kind::DigestUnreadable),
        (&digest, vec![signed.clone()], Kind::DigestUnreadable),
        (&digest, vec![signed.clone(), other.clone()], Kind::DigestUnreadable),
        (&digest, vec![Turn::Nothing, other.clone()], Kind::DigestUnreadable),
        (&digest, vec![other; 2], Kind::DigestMalformed),
        (&digest, vec![signed; 2], Kind::DigestModified),
    ] {
        let store = AtFirst { inner: &delivered.store, location: location.clone(), turns: Mutex::new(turns) };
        let ran = run(&store, &delivered.keys, &request(&["trail-logs"], hour(3)), 2);
        let said = ran.kinds().into_iter().find(|said| *said != Kind::ChainGap);
        assert_eq!(said, Some(kind), "{:#?}", ran.findings);
        let accused = matches!(kind, Kind::LogModified | Kind::DigestMalformed | Kind::DigestModified);
        assert_eq!(ran.verdict == Verdict::Tampered, accused, "{:#?}", ran.findings);
    }
}

/// A digest without metadata is judged by its successor: that it is another one shows only then.
#[test]
fn what_a_successor_does_not_record_is_read_twice_before_it_is_tampering() {
    let spec = Spec { metadata: false, hours: 5, logs_per_hour: 1, events_per_log: 1, ..Spec::default() };
    let delivered = deliver(&spec);
    let location = digests(&delivered.store, "audit").remove(2).0.location();
    let mut document: Value = serde_json::from_slice(&content(&delivered.store, &location)).unwrap();
    document["logFiles"] = Value::Array(Vec::new());
    let other = Turn::Body(gzip(document.to_string().as_bytes()));
    for (turns, kind) in
        [(vec![other.clone()], Kind::DigestUnreadable), (vec![other; 2], Kind::DigestModified)]
    {
        let store = AtFirst { inner: &delivered.store, location: location.clone(), turns: Mutex::new(turns) };
        let ran = run(&store, &delivered.keys, &request(&["trail-logs"], hour(4)), 2);
        let found =
            ran.findings.iter().find(|finding| finding.uri.as_deref() == Some(&*location.to_string()));
        assert_eq!(found.map(|finding| finding.kind), Some(kind), "{:#?}", ran.findings);
        assert_eq!(ran.verdict == Verdict::Tampered, kind == Kind::DigestModified, "{:#?}", ran.findings);
    }
}

#[test]
fn a_source_that_names_a_region_is_that_region_alone() {
    let regions = ["eu-west-1", "us-east-1"].map(str::to_owned).to_vec();
    let delivered =
        deliver(&Spec { regions, hours: 3, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
    let mut asked = request(&["trail-logs"], hour(3));
    asked.sources[0].prefix = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/".to_owned();
    let ran = ran(&delivered, &asked);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    let told = ran.events.iter().filter_map(|event| match event {
        Event::Chain(chain) => Some(chain.id.region.to_string()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["eu-west-1"]);
}
