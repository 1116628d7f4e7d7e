//! What nobody can prove from what is left, as `SECURITY.md` says: each limit by a delivery that comes out `intact`, and
//! what tells of it all the same.

use std::fs;
use std::path::Path;

use trailproof::event::{Kind, Verdict};
use trailproof::ident::{DigestKey, Location, LogFolderKey};
use trailproof::simulate::{Spec, Tamper};
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::validate::ValidationRequest;

use crate::mended::{digests, hour, purge_all, ran};
use crate::support::{self, Delivered, deliver, keys, run};

fn spec() -> Spec {
    Spec { hours: 6, logs_per_hour: 1, events_per_log: 1, ..Spec::default() }
}

fn until(hours: i64) -> ValidationRequest {
    support::request(&["trail-logs"], hour(hours))
}

/// Removes digests with all log files that they list, without a trace.
fn purge(store: &MemoryStore, gone: &[(DigestKey, Vec<Location>)]) {
    for (key, logs) in gone {
        store.purge(&key.location());
        logs.iter().for_each(|log| store.purge(log));
    }
}

/// Whoever chooses the trusted keys chooses the verdict.
#[test]
fn a_record_made_anew_is_intact_under_its_makers_keys_and_no_others() {
    let (genuine, forged) = (deliver(&spec()), deliver(&Spec { seed: 1, ..spec() }));
    assert_ne!(genuine.simulated.keys_json, forged.simulated.keys_json);
    let asked = until(6);
    assert_eq!(run(&forged.store, &forged.keys, &asked, 2).verdict, Verdict::Intact);
    let told = run(&forged.store, &genuine.keys, &asked, 2);
    assert_eq!((told.verdict, told.counts.digests.valid), (Verdict::Incomplete, 0));
    assert!(told.kinds().contains(&Kind::KeyUnknown), "{:?}", told.kinds());
    // Both keys trusted: the report names the one that was used.
    let mut both = keys(forged.simulated.keys_json.as_bytes());
    let genuine = genuine.simulated.keys_json.as_bytes();
    trailproof::keys::saved::load(&mut both, "other.json", genuine).unwrap();
    let told = run(&forged.store, &both, &asked, 2);
    assert!(told.json.contains("public-keys.json") && !told.json.contains("other.json"), "{}", told.json);
}

/// The bucket as it was three hours ago: only who knows that it went on since can tell.
#[test]
fn an_older_state_of_the_bucket_is_whole_up_to_its_end() {
    let delivered = deliver(&spec());
    purge(&delivered.store, &digests(&delivered.store, "audit")[3..]);
    assert_eq!(ran(&delivered, &until(3)).verdict, Verdict::Intact);
    let told = ran(&delivered, &until(6));
    assert_eq!((told.verdict, told.kinds()), (Verdict::Incomplete, vec![Kind::ChainStale]));
}

/// Backfill digests come when they come, and a trail's hourly ones record none of them: unless another backfill digest
/// does, nothing tells of one that is gone but the log files that it alone listed.
#[test]
fn a_backfill_digest_leaves_no_trace_where_its_log_files_go_with_it() {
    let spec = Spec { logs_per_hour: 2, backfill_every: Some(2), ..spec() };
    let backfill = |delivered: &Delivered| {
        let digests = digests(&delivered.store, "audit").into_iter();
        digests.filter(|(key, _)| key.backfill).collect::<Vec<_>>()
    };
    // The third one's log file is too near the end to be named.
    for number in 0..2 {
        let delivered = deliver(&spec);
        let (key, logs) = backfill(&delivered).remove(number);
        assert!(!logs.is_empty());
        delivered.store.purge(&key.location());
        assert_eq!(ran(&delivered, &until(6)).kinds(), [Kind::LogUnreferenced]);
        logs.iter().for_each(|log| delivered.store.purge(log));
        assert_eq!(ran(&delivered, &until(6)).verdict, Verdict::Intact);
    }
}

/// A log file's name is up to 20 minutes off its delivery, so the digest that lists it may still be on its way.
#[test]
fn a_forged_log_file_near_the_end_is_named_by_a_later_run() {
    let forged = |delivered: &Delivered| {
        let folder = digests(&delivered.store, "audit").remove(0).0.folder;
        let key = LogFolderKey::make(&folder, hour(6).plus(-600), "abcdefgh12345678");
        let forged = Location::new("trail-logs", key.as_str());
        delivered.store.put(&forged, b"forged", &Metadata::new()).unwrap();
    };
    let today = deliver(&spec());
    forged(&today);
    assert_eq!(ran(&today, &until(6)).verdict, Verdict::Intact);
    let later = deliver(&Spec { hours: 8, ..spec() });
    forged(&later);
    assert_eq!(ran(&later, &until(6)).kinds(), [Kind::LogUnreferenced]);
}

/// With a clock that was set back the newest hours are not asked for; digests dated later than now are named.
#[test]
fn a_clock_that_was_set_back_is_shown_by_digests_of_its_future() {
    let delivered = deliver(&Spec { tampers: tampers(&["log-modified@last"]), ..spec() });
    assert_eq!(ran(&delivered, &until(6)).verdict, Verdict::Tampered);
    let told = ran(&delivered, &ValidationRequest { now: hour(4), ..until(4) });
    assert_eq!(told.verdict, Verdict::Intact, "{:#?}", told.findings);
    let future = told.findings.iter().filter(|finding| finding.kind == Kind::ObjectUnrecognised);
    assert!(future.count() > 0, "{:#?}", told.findings);
}

fn tampers(typed: &[&str]) -> Vec<Tamper> {
    typed.iter().map(|typed| typed.parse().unwrap()).collect()
}

/// Without a start, and without the names of what should be there, nobody misses what left no trace at all.
#[test]
fn a_trail_that_left_no_trace_is_missed_only_by_who_names_it() {
    let trails = ["audit", "other"].map(str::to_owned).to_vec();
    let delivered: Delivered = deliver(&Spec { trails, ..spec() });
    purge(&delivered.store, &digests(&delivered.store, "other"));
    purge_all(&delivered.store, "_other_");
    assert_eq!(ran(&delivered, &until(6)).verdict, Verdict::Intact);
    let mut asked = until(6);
    asked.trails = ["audit", "other"].map(str::to_owned).to_vec();
    assert_eq!(ran(&delivered, &asked).kinds(), [Kind::NoDigests]);
}

/// Whether a file or folder of tests has a function of this name.
fn has_function(path: &Path, name: &str) -> bool {
    if path.is_dir() {
        return fs::read_dir(path).unwrap().any(|entry| has_function(&entry.unwrap().path(), name));
    }
    fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("fn {name}(")))
}

/// `SECURITY.md` names a test or a fixture for each of its claims: they have to be there.
#[test]
fn what_security_md_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let (mut tests, mut fixtures) = (0, 0);
    for name in text.split('`').skip(1).step_by(2).filter(|name| name.contains("::") && !name.contains(' ')) {
        let (module, test) = name.split_once("::").unwrap();
        if module == "module" {
            continue;
        }
        let path = root.join("tests/it").join(module);
        let files = [path.with_extension("rs"), path];
        let test = test.rsplit("::").next().unwrap();
        let is_module = files[1].join(test).with_extension("rs").is_file();
        assert!(is_module || files.iter().any(|file| has_function(file, test)), "there is no test `{name}`");
        tests += 1;
    }
    let starred = text.split('*').skip(1).step_by(2);
    for name in starred.filter(|name| name.contains('_') && !name.contains([' ', '`'])) {
        assert!(root.join("fixtures").join(name).is_dir(), "there is no fixture `{name}`");
        fixtures += 1;
    }
    assert!(tests > 60 && fixtures > 40, "{tests} tests and {fixtures} fixtures");
}
