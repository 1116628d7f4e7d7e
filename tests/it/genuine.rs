//! What AWS itself has published, and real deliveries where they are at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use trailproof::digest::DigestFile;
use trailproof::event::{Kind, Verdict};
use trailproof::gzip;
use trailproof::ident::{DigestKey, Location, LogFolderKey, Sha256Hash};
use trailproof::signature::PublicKey;
use trailproof::simulate::{self, Simulated, Spec};
use trailproof::store::directory::DirectoryStore;
use trailproof::store::{Encoding, Store as _};

use crate::bodies;
use crate::support::{Ran, keys, request, run};

/// The key that signed the documented digests' predecessors.
pub(crate) const SIGNER: &str = "31e8b5433410dfb61a9dc45cc65b22ff";

fn published(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/aws").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// The published keys: what their fingerprint is said to be, and the key.
pub(crate) fn published_keys() -> Vec<(String, PublicKey)> {
    let files = ["list-public-keys_2015.json", "list-public-keys_2016.json"];
    let entries = files.iter().flat_map(|file| {
        let file = json(&published(file));
        let list = file.get("publicKeyList").or(file.get("PublicKeyList"));
        list.unwrap().as_array().unwrap().clone()
    });
    let key = |entry: Value| {
        let text = |field: &str| entry[field].as_str().unwrap().to_owned();
        (text("Fingerprint"), PublicKey::from_base64(&text("Value")).unwrap())
    };
    entries.map(key).collect()
}

pub(crate) struct Signed {
    pub(crate) hash: Sha256Hash,
    pub(crate) signature: Vec<u8>,
}

pub(crate) fn signatures() -> Vec<Signed> {
    let file = json(&published("signatures.json"));
    let signed = |vector: &Value| {
        assert_eq!(vector["fingerprint"], SIGNER);
        Signed {
            hash: Sha256Hash::parse(vector["sha256_of_string_to_sign"].as_str().unwrap()).unwrap(),
            signature: hex::decode(vector["signature_hex"].as_str().unwrap()).unwrap(),
        }
    };
    file["vectors"].as_array().unwrap().iter().map(signed).collect()
}

pub(crate) fn signer() -> PublicKey {
    published_keys().into_iter().find(|(fingerprint, _)| fingerprint == SIGNER).unwrap().1
}

#[test]
fn the_published_fingerprints_are_those_of_the_published_keys() {
    let keys = published_keys();
    assert_eq!(keys.len(), 4);
    for (fingerprint, key) in &keys {
        assert_eq!(key.fingerprint(), fingerprint);
    }
    let ring = |file: &str| crate::support::keys(&published(file)).len();
    assert_eq!(ring("list-public-keys_2015.json"), 3);
    assert_eq!(ring("list-public-keys_2016.json"), 1);
}

#[test]
fn the_genuine_signatures_verify_under_their_key_and_no_other() {
    let signed = signatures();
    assert_eq!(signed.len(), 2);
    for (fingerprint, key) in published_keys() {
        for Signed { hash, signature } in &signed {
            assert_eq!(key.verifies(*hash, signature), fingerprint == SIGNER, "{fingerprint}, {hash}");
        }
    }
    let [one, other] = &signed[..] else { panic!("two signatures") };
    assert!(!signer().verifies(one.hash, &other.signature), "a signature of another hash");
}

#[test]
fn one_flipped_bit_of_signature_or_hash_fails() {
    let key = signer();
    for Signed { hash, signature } in signatures() {
        for bit in (0..signature.len() * 8).step_by(29) {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verifies(hash, &flipped), "bit {bit} of the signature");
        }
        for bit in 0..256 {
            let mut flipped = hash;
            flipped.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verifies(flipped, &signature), "bit {bit} of the hash");
        }
        assert!(!key.verifies(hash, &signature[1..]) && !key.verifies(hash, &[]));
        assert!(!key.verifies(hash, &[&signature[..], &[0]].concat()), "a longer signature");
    }
}

#[test]
fn both_encodings_are_the_same_key() {
    let file = json(&published("signatures.json"));
    let key = |field: &str| {
        let der = STANDARD.decode(file[field].as_str().unwrap()).unwrap();
        PublicKey::from_der(&der).unwrap()
    };
    let (spki, pkcs1) = (key("public_key_value_as_published_SPKI_DER_b64"), key("public_key_pkcs1_DER_b64"));
    assert_eq!(spki.fingerprint(), SIGNER);
    assert_ne!(pkcs1.fingerprint(), SIGNER);
    assert_eq!(spki.possible_fingerprints(), pkcs1.possible_fingerprints());
    assert!(spki.possible_fingerprints().contains(&SIGNER.to_owned()));
    for Signed { hash, signature } in signatures() {
        assert!(spki.verifies(hash, &signature) && pkcs1.verifies(hash, &signature));
    }
}

#[test]
fn the_documented_digests_parse() {
    for (name, logs) in [("digest_one-log.json", 1), ("digest_empty.json", 0)] {
        let bytes = published(name);
        let digest = DigestFile::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((digest.log_count(), digest.fingerprint()), (logs, SIGNER), "{name}");
        assert_eq!(digest.hash(), Sha256Hash::of(&bytes));
        let (key, window) = (DigestKey::parse(digest.location()).unwrap(), digest.window());
        assert_eq!((key.end, window.seconds()), (window.end, 3_600), "{name}");
        let previous = DigestKey::parse(&digest.previous().unwrap().location).unwrap();
        assert_eq!((previous.chain(), previous.end), (key.chain(), window.start), "{name}");
    }
}

/// Names a folder of real deliveries that lies elsewhere.
const REAL: &str = "TRAILPROOF_REAL_DELIVERIES";

/// Real deliveries, which are not ours to pass on: beside the repository, or where the environment says.
#[expect(clippy::print_stderr, reason = "a test that was skipped has to say so")]
fn real() -> Option<PathBuf> {
    let beside = || Some(Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared/real"));
    let path = std::env::var_os(REAL).map(PathBuf::from).or_else(beside)?;
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: there are no real deliveries at `{}`; `{REAL}` may name them", path.display());
    None
}

/// The last column of a table without quotes.
fn last_column(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().to_owned()).collect()
}

#[test]
fn real_keys_of_digests_and_logs_are_recognised() {
    let Some(real) = real() else { return };
    let digests = last_column(&real.join("deliveries/sans504_digest-deliveries.csv"));
    assert_eq!(digests.len(), 1_804);
    let mut chains = BTreeSet::new();
    for key in digests {
        let location = Location::new("falsimentis-log", key);
        let parsed = DigestKey::parse(&location).unwrap_or_else(|| panic!("{location} is not recognised"));
        assert_eq!(parsed.location(), location);
        chains.insert(parsed.chain());
    }
    assert_eq!(chains.len(), 22);
    let logs = last_column(&real.join("deliveries/sans504_log-deliveries.csv"));
    assert_eq!(logs.len(), 3_589);
    for key in logs {
        let region = key.find("/CloudTrail/").unwrap() + "/CloudTrail/".len();
        let rest = key[region..].split_once('/').unwrap().1;
        assert!(matches!(LogFolderKey::parse(rest), Some(LogFolderKey::Minute(_))), "{key}");
    }
}

#[test]
fn a_real_digest_with_escaped_slashes_parses() {
    let Some(real) = real() else { return };
    let bytes = fs::read(real.join("digests/llm-guard_2023-10-15.json")).unwrap();
    let digest = DigestFile::parse(&bytes).unwrap();
    let key = DigestKey::parse(digest.location()).unwrap();
    assert_eq!((&*key.folder.region, &*key.home_region), ("ap-northeast-1", "us-west-2"));
    assert_eq!((&*key.trail, key.end), ("llm-guard-trail", digest.window().end));
    assert!(digest.log_count() > 0);
    assert!(digest.claimed_logs().all(|log| log.key.starts_with("AWSLogs/327878933619/CloudTrail/")));
}

/// The real log files, delivered anew into a directory of their own.
struct Redelivered {
    _dir: tempfile::TempDir,
    store: DirectoryStore,
    spec: Spec,
    simulated: Simulated,
}

impl Redelivered {
    fn make(real: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tar = real.join("logs/suzaku_SANS-504_3871-log-files.tar");
        let logs = dir.path().join("logs");
        fs::create_dir(&logs).unwrap();
        let done = Command::new("tar").arg("-xf").arg(tar).arg("-C").arg(&logs).status().unwrap();
        assert!(done.success(), "{done}");
        let spec = simulate::spec_from_logs(&logs, Spec::default()).unwrap();
        let delivery = dir.path().join("delivery");
        fs::create_dir(&delivery).unwrap();
        let store = DirectoryStore::of_buckets(&delivery).unwrap();
        let simulated = simulate::simulate(&spec, &store).unwrap();
        Self { _dir: dir, store, spec, simulated }
    }

    fn validate(&self) -> Ran {
        let keys = keys(self.simulated.keys_json.as_bytes());
        run(&self.store, &keys, &request(&[&self.spec.bucket], self.simulated.end), 2)
    }

    fn logs(&self) -> impl Iterator<Item = Location> {
        let keys = self.store.list(&self.spec.bucket, "", None).map(|listed| listed.unwrap().key);
        keys.filter(|key| key.contains("/CloudTrail/"))
            .map(|key| Location::new(self.spec.bucket.as_str(), key))
    }

    fn path(&self, log: &Location) -> PathBuf {
        self._dir.path().join("delivery").join(&*log.bucket).join(&*log.key)
    }
}

/// What each real log file's content hashes to, by the file's name.
fn known_hashes(real: &Path) -> BTreeMap<String, Sha256Hash> {
    let text = fs::read_to_string(real.join("logs/sans504_inflated-sha256.csv")).unwrap();
    let row = |line: &str| {
        let mut fields = line.split(',');
        let name = fields.next().unwrap().rsplit('/').next().unwrap().to_owned();
        (name, Sha256Hash::parse(fields.nth(1).unwrap()).unwrap())
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn the_real_log_files_are_proved_and_one_changed_byte_is_named() {
    let Some(real) = real() else { return };
    let delivery = Redelivered::make(&real);
    let intact = delivery.validate();
    assert_eq!(intact.verdict, Verdict::Intact, "{:?}", intact.kinds());
    assert_eq!(intact.counts.logs.valid, 3_871);

    let known = known_hashes(&real);
    assert_eq!(known.len(), 3_871);
    let logs: Vec<Location> = delivery.logs().collect();
    assert_eq!(logs.len(), 3_871);
    for log in &logs {
        let mut body = BufReader::new(fs::File::open(delivery.path(log)).unwrap());
        let (hash, _) = gzip::hash(&mut body, Encoding::Gzip, u64::MAX).unwrap();
        assert_eq!(known.get(log.name()), Some(&hash), "{log}");
    }

    let log = &logs[logs.len() / 3];
    let mut content = bodies::content(&delivery.store, log);
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(delivery.path(log), bodies::gzip(&content)).unwrap();
    let tampered = delivery.validate();
    assert_eq!(tampered.kinds(), [Kind::LogModified]);
    assert_eq!(tampered.counts.logs.valid, 3_870);
    let finding = tampered.findings.iter().find(|finding| finding.kind == Kind::LogModified).unwrap();
    assert_eq!(finding.uri.as_deref(), Some(log.to_string().as_str()));
    assert_eq!(finding.expected.as_deref(), Some(known[log.name()].to_string().as_str()));
    assert_eq!(finding.actual.as_deref(), Some(Sha256Hash::of(&content).to_string().as_str()));
}
