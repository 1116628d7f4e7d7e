//! Digests that are as large as they may be, and of the worst JSON; and one of ten million log files.

use std::fs;

use rsa::Pkcs1v15Sign;
use serde_json::json;
use sha2::Sha256;

use super::{Big, Row, gzip_file};
use crate::bodies;

/// Just under the limit of 64 MiB.
const MOST: usize = (64 << 20) - 4096;

/// A digest's text with `inside` in the place of `more`.
fn with(big: &Big, inside: &str) -> String {
    let digest = big.objects("CloudTrail-Digest").remove(1);
    let genuine = String::from_utf8(bodies::inflate(&fs::read(digest).unwrap())).unwrap();
    let (before, after) = genuine.split_once("\"logFiles\":[").unwrap();
    let (_, after) = after.split_once(']').unwrap();
    [before, inside, after].concat()
}

fn filled(before: &str, piece: &str, after: &str) -> String {
    let count = (MOST - before.len() - after.len() - 2_000) / piece.len();
    [before, &piece.repeat(count), after].concat()
}

#[test]
#[ignore = "large"]
fn of_the_worst_json() {
    let big = Big::make();
    let log = |bucket: &str, key: &str, hash: &str| {
        json!({"s3Bucket": bucket, "s3Object": key, "hashValue": hash, "hashAlgorithm": ""}).to_string()
    };
    let logs =
        |one: &str, other: &str| filled("\"logFiles\":[", &format!("{one},{other},"), &format!("{one}]"));
    let text = |field: &str, piece: &str| {
        with(&big, &filled(&format!("\"logFiles\":[],\"{field}\":\""), piece, "\""))
    };
    let shapes = [
        ("[[[[…", "[".repeat(MOST)),
        ("{\"a\":{\"a\":…", "{\"a\":".repeat(MOST / 5)),
        ("[{},{},…]", filled("[", "{},", "{}]")),
        ("{\"a\":1,\"a\":1,…}", with(&big, &filled("\"logFiles\":[]", ",\"a\":1", ""))),
        ("a text and nothing else", filled("\"", "\u{7f}", "\"")),
        ("logFiles: a text", with(&big, &filled("\"logFiles\":\"", "\u{7f}", "\""))),
        ("logFiles: [a text]", with(&big, &filled("\"logFiles\":[\"", "\u{7f}", "\"]"))),
        ("logFiles: [{},{},…]", with(&big, &filled("\"logFiles\":[", "{},", "{}]"))),
        (
            "logFiles: one with a long key",
            with(
                &big,
                &filled(
                    "\"logFiles\":[{\"s3Bucket\":\"\",\"hashValue\":\"\",\"hashAlgorithm\":\"\",\"s3Object\":\"",
                    "\\n",
                    "\"}]",
                ),
            ),
        ),
        ("a long text beside", text("more", "x")),
        ("the same, escaped", text("more", "\\n")),
        ("a long account", text("awsAccountId\",\"b\":\"", "x").replacen("\"awsAccountId\":", "\"c\":", 1)),
        ("the smallest log files", with(&big, &logs(&log("", "", ""), &log("", "", "")))),
        ("small ones of two buckets", with(&big, &logs(&log("a", "k", "0"), &log("c", "k", "0")))),
        (
            "log files as delivered",
            with(
                &big,
                &logs(
                    &log("trail-logs", &"k".repeat(120), &"0".repeat(64)),
                    &log("trail-logs", &"k".repeat(120), &"0".repeat(64)),
                ),
            ),
        ),
    ];
    let digest = big.objects("CloudTrail-Digest").remove(1);
    for (name, content) in shapes {
        assert!(content.len() <= 64 << 20, "{name}");
        fs::write(&digest, bodies::gzip_at(content.as_bytes(), flate2::Compression::fast())).unwrap();
        let name = format!("a digest of 64 MiB: `{name}`");
        big.row(&Row { name: &name, arguments: &[], code: 1, says: &["digest-m"], peak: 260.0 });
    }
}

/// Ten million log files, of which there is one: what they take is not how many there are on disk.
#[test]
#[ignore = "large"]
fn of_ten_million_log_files() {
    many(10_000_000, 12_000.0);
}

#[test]
#[ignore = "large"]
fn of_a_million_log_files() {
    many(1_000_000, 1_500.0);
}

fn many(count: u32, peak: f64) {
    use crate::signing::{document, key, put, signer};
    use trailproof::ident::{DigestKey, Location, Sha256Hash};
    use trailproof::store::directory::DirectoryStore;
    use trailproof::store::{Deposit as _, Metadata};

    let dir = tempfile::tempdir().unwrap();
    let end = crate::support::time("2026-09-01T03:06:57Z");
    let big = Big { end: end.to_string(), dir };
    fs::create_dir(big.path("buckets")).unwrap();
    let store = DirectoryStore::of_buckets(&big.path("buckets")).unwrap();
    let at: DigestKey = key(crate::hostile::DIGEST_KEY, end, false);
    // A smaller one that is put first makes the folder, the sidecar and the keys.
    put(&store, &document(&at, &json!({})));
    fs::write(big.path("keys.json"), &signer().saved).unwrap();
    let log = "a/AWSLogs/o-abcdefghij/111122223333/CloudTrail/us-east-1/2026/09/01/\
               111122223333_CloudTrail_us-east-1_20260901T0230Z_0123456789abcdef.json.gz";
    store.put(&Location::new("b", log), &bodies::gzip(b"{\"Records\":[]}"), &Metadata::new()).unwrap();
    let entry = json!({
        "s3Bucket": "b", "s3Object": log, "hashValue": Sha256Hash::of(b"{\"Records\":[]}").to_string(),
        "hashAlgorithm": "SHA-256", "newestEventTime": "2026-09-01T02:30:00Z", "oldestEventTime": "2026-09-01T02:30:00Z",
    })
    .to_string();
    let whole = document(&at, &json!({})).to_string();
    let (before, after) = whole.split_once("\"logFiles\":[]").unwrap();
    let before = format!("{before}\"logFiles\":[");
    let pieces =
        || {
            std::iter::once(before.as_bytes())
                .chain((1..count).flat_map(|_| [entry.as_bytes(), b","]))
                .chain([entry.as_bytes(), b"]", after.as_bytes()])
        };
    let hash = {
        use sha2::Digest as _;
        let mut hasher = Sha256::new();
        pieces().for_each(|piece| hasher.update(piece));
        Sha256Hash(hasher.finalize().into())
    };
    let location = at.location();
    let to_sign = format!("{end}\nb/{}\n{hash}\nnull", location.key);
    let signed = {
        use sha2::Digest as _;
        signer().key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(to_sign.as_bytes())).unwrap()
    };
    let metadata = Metadata::from([("signature".to_owned(), hex::encode(signed))]);
    store.put(&location, b"", &metadata).unwrap();
    gzip_file(&big.path("buckets").join("b").join(&*location.key), |out| {
        pieces().try_for_each(|piece| out.write_all(piece))
    });
    let name = &*format!("a digest of {count} log files");
    if count > 1_000_000 {
        let says = &["raise `--max-digest-size`"];
        big.row(&Row { name, arguments: &[], code: 3, says, peak: 250.0 });
    }
    big.row(&Row { name, arguments: &["--max-digest-size", "8G"], code: 0, says: &["intact"], peak });
}
