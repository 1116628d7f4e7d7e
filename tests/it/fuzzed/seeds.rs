//! What fuzzing starts from: the fixtures of this repository, and real digests and keys where they are at hand.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use trailproof::simulate::{Spec, Tamper};

use crate::checks::gzip::one_member;
use crate::support::{deliver, request, run};

/// Largest seed, in bytes: a fuzzer gets further with small ones.
const LARGEST: u64 = 8 << 10;

/// Where inputs lie that once found something, a folder for each target.
const FOUND: &str = "tests/fuzz/found";

/// Every seed of a target, in order.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut seeds: BTreeSet<Vec<u8>> = match target {
        "answers" => answers(),
        "anywhere" => choices(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        "archive" => crate::archives::seeds(),
        "arn" => arns(),
        "digest" => bodies(is_digest)
            .into_iter()
            .filter_map(|body| one_member(&body))
            .chain(real("digests"))
            .collect(),
        "gzip" => bodies(|path| path.to_string_lossy().ends_with(".json.gz")),
        "keys" => keys(),
        "names" => names(),
        "prover" => provers(),
        "report" => reports(),
        "sidecar" => bodies(|path| path.to_string_lossy().ends_with(".metadata.json")),
        "signed" => choices(&[0, 1, 2, 4, 7, 0x41, 0x81, 0xc7]),
        "time" => times(),
        "whole_run" => choices(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        _ => panic!("there is no target `{target}`"),
    };
    seeds.extend(found(target));
    seeds.into_iter().collect()
}

/// The inputs of a target that once found something.
pub fn found(target: &str) -> Vec<Vec<u8>> {
    files(&root().join(FOUND).join(target)).iter().map(|path| fs::read(path).unwrap()).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Regular files below `folder`; none where it is not there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.symlink_metadata().unwrap() {
            kind if kind.is_dir() => found.extend(files(&path)),
            kind if kind.is_file() => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}

/// The files of the fixtures: those that AWS has published, and those of each delivery.
fn fixtures() -> Vec<PathBuf> {
    let deliveries = crate::fixtures::deliveries().into_iter();
    deliveries.chain([root().join("fixtures/aws")]).flat_map(|folder| files(&folder)).collect()
}

fn is_digest(path: &Path) -> bool {
    path.to_string_lossy().contains("_CloudTrail-Digest_") && path.extension().is_some_and(|end| end == "gz")
}

/// Content of the small files of all fixtures, each once.
fn bodies(is_wanted: impl Fn(&Path) -> bool) -> BTreeSet<Vec<u8>> {
    let small = |path: &PathBuf| path.metadata().is_ok_and(|found| found.len() <= LARGEST);
    let wanted = fixtures().into_iter().filter(|path| is_wanted(path) && small(path));
    wanted.filter_map(|path| fs::read(path).ok()).collect()
}

/// Real digests or keys, where they are at hand.
fn real(folder: &str) -> Vec<Vec<u8>> {
    files(&root().join("../shared/real").join(folder)).iter().map(|path| fs::read(path).unwrap()).collect()
}

fn keys() -> BTreeSet<Vec<u8>> {
    let saved: Vec<Vec<u8>> =
        bodies(|path| path.ends_with("public-keys.json")).into_iter().chain(real("keys")).collect();
    let mut seeds = BTreeSet::new();
    for file in &saved {
        seeds.insert([&[0], &file[..]].concat());
        let Ok(value) = serde_json::from_slice::<Value>(file) else { continue };
        let listed = value["PublicKeyList"].as_array().or_else(|| value["publicKeyList"].as_array());
        for key in listed.into_iter().flatten().filter_map(|key| key["Value"].as_str()) {
            let Ok(der) = STANDARD.decode(key) else { continue };
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n");
            seeds.insert([&[0], pem.as_bytes()].concat());
            seeds.insert([&[1], &der[..]].concat());
            seeds.insert([&[2], key.as_bytes()].concat());
            let length = u16::try_from(der.len()).unwrap().to_be_bytes();
            seeds.insert([&[3], &length[..], &der, &[0x42; 256]].concat());
        }
    }
    seeds
}

fn names() -> BTreeSet<Vec<u8>> {
    let name = |delivery: &Path, path: &Path| {
        let rest = path.strip_prefix(delivery).ok()?.to_str()?;
        Some(rest.replacen('/', "\0", 1).into_bytes())
    };
    let mut seeds = BTreeSet::new();
    for delivery in crate::fixtures::deliveries() {
        seeds.extend(files(&delivery).iter().filter_map(|path| name(&delivery, path)));
    }
    seeds.insert(
        b"2026/09/01/111122223333_CloudTrail_us-east-1_20260901T0010Z_abcdefgh12345678.json.gz".to_vec(),
    );
    seeds
}

fn arns() -> BTreeSet<Vec<u8>> {
    let texts = [
        "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit",
        "arn:aws-us-gov:cloudtrail:us-gov-west-1:111122223333:trail/a.b_c-d",
        "arn:aws:s3:::bucket",
        "us-isob-east-1",
        "111122223333",
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

fn times() -> BTreeSet<Vec<u8>> {
    let texts = [
        "2026-09-01T00:00:00Z",
        "2026-09-01T09:00:00.5+09:00",
        "2026-09-01",
        "24h",
        "7d",
        "1w 2d 3h 4m 5s",
        "P1DT2H",
        "20260901T000657Z",
        "20260901T0006Z",
        "@253402207201",
        "-0001-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "2026-09-01T00:00:00[Europe/Berlin]",
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

/// One input for each first choice, with some more to choose by.
fn choices(first: &[u8]) -> BTreeSet<Vec<u8>> {
    let rest = [0, 5, 2, 9, 1, 7, 0, 3, 4, 200, 6, b'x', b'y', 0, 12, 2, 1, 0, 40, 3, 5, 5, 5];
    first.iter().map(|first| [&[*first], &rest[..]].concat()).collect()
}

/// Each chain, untouched, with each touch alone, and with answers that say nothing or anything.
fn provers() -> BTreeSet<Vec<u8>> {
    let touches =
        (0..18_u8).map(|touch| vec![touch % 7, 0, touch, touch, 0, 3, 4, 2, 1, 9, 200, 0, 0, 5, 8, 0, 3]);
    let answers = [0, 0x10, 0x20, 0x40, 0x80, 0x0f]
        .map(|flags| vec![3, flags, 1, 90, 80, 2, 0, 0, 2, 8, 0, 5, 12, 0, 4]);
    (0..7).map(|chain| vec![chain]).chain(touches).chain(answers).collect()
}

/// Reports of an intact delivery and of some that were tampered with.
fn reports() -> BTreeSet<Vec<u8>> {
    let kinds = ["", "log-modified", "log-deleted", "digest-modified", "chain-gap", "log-unreferenced"];
    let report = |kind: &str| {
        let tampers = kind.parse::<Tamper>().ok();
        let spec = Spec {
            hours: 3,
            logs_per_hour: 1,
            events_per_log: 1,
            tampers: tampers.into_iter().collect(),
            ..Spec::default()
        };
        let delivered = deliver(&spec);
        run(&delivered.store, &delivered.keys, &request(&["trail-logs"], delivered.simulated.end), 1)
            .json
            .into_bytes()
    };
    kinds.into_iter().map(report).collect()
}

/// What S3 and CloudTrail answer, in the forms of the Amazon S3 API Reference and the CloudTrail API Reference.
fn answers() -> BTreeSet<Vec<u8>> {
    let list = |inside: &str| {
        format!(
            "<ListBucketResult><Name>bucket</Name><Prefix>AWSLogs/</Prefix><EncodingType>url</EncodingType>{inside}</ListBucketResult>"
        )
    };
    let keys = "<Contents><Key>AWSLogs/2</Key><Size>3</Size></Contents><Contents><Key>AWSLogs/3%2B+x</Key><Size>4</Size></Contents>";
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
    let folders = "<CommonPrefixes><Prefix>AWSLogs/111122223333/</Prefix></CommonPrefixes>";
    let versions = "<ListVersionsResult><Version><Key>AWSLogs/1</Key><VersionId>v</VersionId><IsLatest>true</IsLatest>\
        <LastModified>2026-09-01T00:00:00.000Z</LastModified></Version><DeleteMarker><Key>AWSLogs/1</Key>\
        <VersionId>w</VersionId></DeleteMarker></ListVersionsResult>";
    let error = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    let listed =
        String::from_utf8(bodies(|path| path.ends_with("public-keys.json")).pop_first().unwrap()).unwrap();
    let next = "\0NEXT\0\0";
    [
        format!("\0\0{}", list(keys)),
        format!("\u{1}\0{}{next}{}", list(&format!("{keys}{more}")), list("")),
        format!("\u{2}\0{}{next}{versions}", list(folders)),
        "\u{3}\0{}".to_owned(),
        format!("\u{3}\u{4}{error}{next}{versions}"),
        format!("\0\u{3}{error}"),
        format!("\u{4}\0{listed}"),
    ]
    .map(String::into_bytes)
    .into()
}
