//! Sources: what lies below each is looked at, each is answered or said not to be, and what names nothing is refused.

#[cfg(feature = "aws")]
mod command;
mod object;

use trailproof::event::{Finding, Kind, NoProgress, Verdict};
use trailproof::ident::{DigestKey, Location, LogFolderKey, RegionFolder, Sha256Hash};
use trailproof::keys::KeyRing;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata, Store};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::plan::{self, Plan};
use trailproof::validate::{self, CancelFlag, RunTools, SourceError, SourceFolder, ValidationRequest};

use crate::bodies::gzip;
use crate::plan::watched::Watched;
use crate::signing;
use crate::support::{self, Ran, request, run, time};

fn asking(sources: &[(&str, &str)], end: Timestamp) -> ValidationRequest {
    let source = |(bucket, prefix): &(&str, &str)| SourceFolder {
        bucket: (*bucket).to_owned(),
        prefix: (*prefix).to_owned(),
    };
    ValidationRequest { sources: sources.iter().map(source).collect(), ..request(&[], end) }
}

/// Why `request` is refused; `None` where it is not.
fn refused(store: &dyn Store, request: &ValidationRequest) -> Option<SourceError> {
    let checked = with_tools(store, |tools| validate::check(request, tools)).err();
    assert_eq!(planned(store, request).err(), checked, "a plan refuses what a run does");
    checked
}

fn planned(store: &dyn Store, request: &ValidationRequest) -> Result<Plan, SourceError> {
    with_tools(store, |tools| plan::plan(request, tools))
}

fn with_tools<R>(store: &dyn Store, act: impl FnOnce(RunTools<'_>) -> R) -> R {
    let (pool, keys, stop) = (support::pool(2), KeyRing::new(), CancelFlag::new());
    act(RunTools { store, keys: &keys, pool: &pool, progress: &NoProgress, stop: &stop })
}

fn put(store: &MemoryStore, bucket: &str, key: &str) {
    store.put(&Location::new(bucket, key), b"x", &Metadata::new()).unwrap();
}

/// The sources of the findings that say of one that nothing was found.
fn unanswered(findings: &[Finding]) -> Vec<String> {
    let found = findings.iter().filter(|finding| finding.kind == Kind::NoDigests);
    found.filter_map(|finding| finding.uri.clone()).collect()
}

/// Prefixes that hold a segment `AWSLogs`, or slashes of their own.
const ROOTS: [&str; 16] = [
    "",
    "AWSLogs/",
    "AWSLogs/AWSLogs/",
    "AWSLogs/central/",
    "AWSLogs/prod/a/b/",
    "x/AWSLogs/y/",
    "AWSLogs/111122223333/",
    "AWSLogs/222233334444/",
    "AWSLogs/o-abcdefghij/",
    "AWSLogs/o-abcdefghij/222233334444/",
    "o-abcdefghij/",
    "cloudtrail//",
    "/x/",
    "/",
    "///",
    "AWSLogs//",
];

#[test]
fn a_trail_is_found_below_whatever_prefix_it_has() {
    for root in ROOTS {
        for organization in ["", "o-abcdefghij/"] {
            let made = at_root(root, organization);
            let logs = format!("{root}AWSLogs/{organization}");
            let first = root.split_inclusive('/').next().unwrap_or_default();
            for prefix in
                ["", first, root, &format!("{root}AWSLogs/"), &logs, &format!("{logs}111122223333/")]
            {
                let asked = asking(&[("b", prefix)], made.end);
                assert_eq!(refused(&made.store, &asked), None, "{root:?} by {prefix:?}");
                let whole = made.ran(&asked);
                assert_eq!(whole.verdict, Verdict::Intact, "{root:?} by {prefix:?}: {:#?}", whole.findings);
                assert_eq!(
                    (whole.counts.digests.valid, whole.counts.logs.valid),
                    (3, 3),
                    "{root:?} {prefix:?}"
                );
            }
            made.store.purge(&made.logs[1]);
            let torn = made.ran(&asking(&[("b", "")], made.end));
            assert_eq!(torn.kinds(), [Kind::LogMissing], "{root:?}: {:#?}", torn.findings);
        }
    }
}

/// Folders of other services are many and hold no trail, so they are not walked.
#[test]
fn folders_of_other_services_are_not_walked() {
    let made = at_root("", "");
    for folder in [
        "111122223333/Config",
        "222233334444/vpcflowlogs",
        "aws-account-id=111122223333/aws-service=vpcflowlogs",
    ] {
        (0..200).for_each(|hour| put(&made.store, "b", &format!("AWSLogs/{folder}/us-east-1/{hour}/x")));
    }
    let watched = Watched::new(&made.store);
    let ran = run(&watched, &signing::signer().ring, &asking(&[("b", "")], made.end), 2);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    // The bucket, `AWSLogs/`, three accounts, two folders of each real account, and those of one region, of whose log files
    // the year and the month are looked into as well.
    assert!(watched.calls().lists < 18, "{:?}", watched.calls());
}

#[test]
fn each_source_is_answered_or_said_not_to_be() {
    let made = at_root("p/", "");
    put(&made.store, "b", "other/AWSLogs/111122223333/Config/us-east-1/x");
    put(&made.store, "c", "notes.txt");
    let account = "p/AWSLogs/111122223333/";
    let region = format!("{account}CloudTrail/us-east-1/");
    let whole: &[(&str, &str)] = &[("b", "")];
    for (sources, empty) in [
        (&[("b", "p/")][..], &[][..]),
        (&[("b", "p/"), ("c", "")], &["s3://c/"]),
        (&[("c", ""), ("b", "p/")], &["s3://c/"]),
        (&[("b", "p/"), ("nowhere", "")], &["s3://nowhere/"]),
        (&[("b", "p/"), ("b", "other/")], &["s3://b/other/"]),
        (&[("b", "p/"), ("b", "nothing/")], &["s3://b/nothing/"]),
        (&[("b", ""), ("b", "p/")], &[]),
        (&[("b", ""), ("b", account)], &[]),
        (&[("b", account), ("b", &region)], &[]),
        (&[("b", account), ("b", "p/AWSLogs/222233334444/")], &["s3://b/p/AWSLogs/222233334444/"]),
        (
            &[("b", &region), ("b", "p/AWSLogs/111122223333/CloudTrail/eu-west-1/")],
            &["s3://b/p/AWSLogs/111122223333/CloudTrail/eu-west-1/"],
        ),
        (&[("b", "p/"), ("c", ""), ("d", "")], &["s3://c/", "s3://d/"]),
        (whole, &[]),
    ] {
        let asked = asking(sources, made.end);
        let ran = made.ran(&asked);
        assert_eq!(unanswered(&ran.findings), empty, "{sources:?}");
        let verdict = if empty.is_empty() { Verdict::Intact } else { Verdict::Incomplete };
        assert_eq!(ran.verdict, verdict, "{sources:?}: {:#?}", ran.findings);
        assert_eq!(unanswered(&planned(&made.store, &asked).unwrap().findings), empty, "{sources:?}");
    }
}

#[test]
fn narrowing_that_leaves_nothing_of_a_source_is_said_of_that_source() {
    let made = at_root("", "");
    type Narrow = fn(&mut ValidationRequest, String);
    let narrow: [(&str, &str, Narrow); 3] = [
        ("111122223333", "222233334444", |asked, name| asked.accounts.push(name)),
        ("us-east-1", "eu-west-1", |asked, name| asked.regions.push(name)),
        ("audit", "other", |asked, name| asked.trails.push(name)),
    ];
    for (number, (name, other, narrow)) in narrow.into_iter().enumerate() {
        let bucket = format!("c{number}");
        for digest in &made.digests {
            put(&made.store, &bucket, &digest.key.replace(name, other));
        }
        let mut asked = asking(&[("b", ""), (&bucket, "")], made.end);
        assert!(unanswered(&made.ran(&asked).findings).is_empty(), "{other}");
        narrow(&mut asked, name.to_owned());
        let empty = [format!("s3://{bucket}/")];
        assert_eq!(unanswered(&made.ran(&asked).findings), empty, "{other}");
        assert_eq!(unanswered(&planned(&made.store, &asked).unwrap().findings), empty, "{other}");
    }
}

#[test]
fn what_is_nothing_of_cloudtrails_is_refused_by_its_name() {
    let made = at_root("AWSLogs/central/", "");
    put(&made.store, "b", "AWSLogs/111122223333/Config/us-east-1/2026/x");
    put(&made.store, "b", "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01/x");
    for (prefix, segment) in [
        ("AWSLogs/11112222333/", "11112222333"),
        ("AWSLogs/1111222233334/", "1111222233334"),
        ("AWSLogs/o-short/", "o-short"),
        ("AWSLogs/us-east-1/", "us-east-1"),
        ("AWSLogs/CloudTrail/us-east-1/", "CloudTrail"),
        ("AWSLogs/nothing/", "nothing"),
        ("AWSLogs/o-abcdefghij/CloudTrail/", "CloudTrail"),
        ("AWSLogs/111122223333/Config/", "Config"),
        ("AWSLogs/111122223333/Config/us-east-1/", "Config"),
        ("AWSLogs/111122223333/CloudTrail-Digests/", "CloudTrail-Digests"),
        ("AWSLogs/111122223333/us-east-1/", "us-east-1"),
        ("AWSLogs/111122223333/CloudTrail/us_east_1/", "us_east_1"),
        ("AWSLogs/111122223333/CloudTrail/US-EAST-1/", "US-EAST-1"),
        ("AWSLogs/111122223333/CloudTrail/us-east-1/2026/9/", "9"),
        ("AWSLogs//111122223333/", ""),
    ] {
        let asked = asking(&[("b", ""), ("b", prefix)], made.end);
        let Some(SourceError::Segment { segment: named, .. }) = refused(&made.store, &asked) else {
            panic!("{prefix} is taken");
        };
        assert_eq!(named, segment, "{prefix}");
    }
    for prefix in ["AWSLogs/central/", "AWSLogs/central/AWSLogs/"] {
        assert_eq!(refused(&made.store, &asking(&[("b", prefix)], made.end)), None, "{prefix}");
    }
    for folder in ["2026/", "2026/09/", "2026/09/01/"] {
        let prefix = format!("AWSLogs/111122223333/CloudTrail/us-east-1/{folder}");
        let error = refused(&made.store, &asking(&[("b", &prefix)], made.end)).unwrap();
        assert!(error.hint().contains("/us-east-1/ --start-time 2026-"), "{}", error.hint());
    }
}

/// Three digests with a log file each, in the bucket `b`.
struct Made {
    store: MemoryStore,
    digests: Vec<Location>,
    logs: Vec<Location>,
    end: Timestamp,
}

impl Made {
    fn ran(&self, request: &ValidationRequest) -> Ran {
        let ring = &signing::signer().ring;
        let one = run(&self.store, ring, request, 1);
        assert_eq!(one.json, run(&self.store, ring, request, 8).json, "`--jobs` 1 and 8 differ");
        one
    }
}

/// A trail that delivers below `root` in the bucket `b`. `simulate` makes no prefixes with slashes at their ends.
fn at_root(root: &str, organization: &str) -> Made {
    signed("b", root, organization, time("2026-09-01T03:06:57Z"))
}

/// The same up to an hour before the present, in the bucket `trail-logs` of an account that has its keys.
#[cfg(feature = "aws")]
fn deliver_signed(account: &crate::account::Account, prefix: &str) {
    let end = Timestamp::from_unix(crate::account::now()).plus(-HOUR);
    let made = signed("trail-logs", &format!("{prefix}/"), "", end);
    crate::remote::fill(&account.cloud, &made.store, "trail-logs");
    account.cloud.add_keys_json("us-east-1", &signing::signer().saved);
}

fn signed(bucket: &str, root: &str, organization: &str, end: Timestamp) -> Made {
    let (store, mut made) = (MemoryStore::new(), (Vec::new(), Vec::new()));
    let account = format!("{root}AWSLogs/{organization}111122223333/");
    let mut previous = serde_json::json!({});
    for back in [2, 1, 0] {
        let end = end.plus(-back * HOUR);
        let key = signing::key(
            &format!(
                "{account}CloudTrail-Digest/us-east-1/2026/09/01/\
                 111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T010657Z.json.gz"
            ),
            end,
            false,
        );
        let folder = RegionFolder { bucket: bucket.into(), ..key.folder };
        let key = DigestKey { folder, ..key };
        let log =
            Location::new(bucket, LogFolderKey::make(&key.folder, end.plus(-HOUR / 2), "abcdefgh12345678"));
        let content = format!("{{\"Records\":[{{\"eventID\":\"{back}\"}}]}}");
        store.put(&log, &gzip(content.as_bytes()), &Metadata::new()).unwrap();
        let mut more = serde_json::json!({"logFiles": [{
            "s3Bucket": bucket, "s3Object": &*log.key, "hashValue": Sha256Hash::of(content.as_bytes()).to_string(),
            "hashAlgorithm": "SHA-256", "newestEventTime": end.to_string(), "oldestEventTime": end.to_string(),
        }]});
        more.as_object_mut().unwrap().extend(previous.as_object().unwrap().clone());
        previous = signing::put(&store, &signing::document(&key, &more));
        made.0.push(key.location());
        made.1.push(log);
    }
    Made { store, digests: made.0, logs: made.1, end }
}
