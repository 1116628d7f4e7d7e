//! Digest files.

use serde_json::Value;
use trailproof::digest::DigestFile;
use trailproof::ident::Sha256Hash;

/// What is taken as a digest is what any JSON reader reads there.
pub fn check(bytes: &[u8]) {
    let file = match DigestFile::parse(bytes) {
        Ok(file) => file,
        Err(error) => return assert!(!error.to_string().contains(char::is_control), "{error}"),
    };
    let text = std::str::from_utf8(bytes).expect("a digest that is no text");
    // In a field that is skipped a number may be too large for any type, and an escape half a pair.
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    let text = |name: &str| value[name].as_str().unwrap_or_else(|| panic!("`{name}` is no text")).to_owned();
    assert_eq!(file.hash(), Sha256Hash::of(bytes));
    assert_eq!(*file.location().bucket, *text("digestS3Bucket"));
    assert_eq!(*file.location().key, *text("digestS3Object"));
    assert_eq!(file.window().start.to_string(), text("digestStartTime"));
    assert_eq!(file.window().end.to_string(), text("digestEndTime"));
    assert_eq!(file.fingerprint(), text("digestPublicKeyFingerprint"));
    assert_eq!(file.algorithm(), text("digestSignatureAlgorithm"));
    previous(&file, &value);
    let logs = value["logFiles"].as_array().expect("no list of log files");
    assert_eq!(file.log_count(), logs.len());
    for (claimed, log) in file.claimed_logs().zip(logs) {
        assert_eq!(Some(&*claimed.bucket), log["s3Bucket"].as_str());
        assert_eq!(Some(&*claimed.key), log["s3Object"].as_str());
    }
    signed(&file, &value);
}

fn previous(file: &DigestFile, value: &Value) {
    let Some(previous) = file.previous() else {
        return assert!(value["previousDigestS3Object"].is_null());
    };
    assert_eq!(value["previousDigestS3Bucket"], *previous.location.bucket);
    assert_eq!(value["previousDigestS3Object"], *previous.location.key);
    assert_eq!(value["previousDigestSignature"].as_str(), previous.signature.as_deref());
    if let Some(hash) = previous.hash {
        assert_eq!(value["previousDigestHashAlgorithm"], "SHA-256");
        let written = value["previousDigestHashValue"].as_str().unwrap();
        assert_eq!(hash.to_string(), written.to_ascii_lowercase());
    }
}

/// The bytes that were signed, put together by hand.
fn signed(file: &DigestFile, value: &Value) {
    let text = |name: &str| value[name].as_str().unwrap_or("null").to_owned();
    let lines = [
        text("digestEndTime"),
        format!("{}/{}", text("digestS3Bucket"), text("digestS3Object")),
        file.hash().to_string(),
        text("previousDigestSignature"),
    ];
    assert_eq!(file.string_to_sign(), lines.join("\n"));
}
