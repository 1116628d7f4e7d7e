//! Files that the user names: keys, and saved reports.

use std::fs;
use std::io::{BufWriter, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::{BigUint, RsaPublicKey};
use serde_json::json;

use super::{Big, Row};

#[test]
#[ignore = "large"]
fn keys() {
    let big = Big::make();
    let genuine = fs::read(big.path("keys.json")).unwrap();
    let limit = "`--max-keys-size` raises it";
    let junk = |name: &str, content: Vec<u8>| {
        fs::write(big.path("keys.json"), content).unwrap();
        let name = &*format!("keys, 100 MiB: {name}");
        big.row(&Row { name, arguments: &[], code: 2, says: &[limit], peak: 60.0 });
        big.row(&Row {
            name,
            arguments: &["--max-keys-size", "1G"],
            code: 2,
            says: &["cannot be used"],
            peak: 900.0,
        });
    };
    const SIZE: usize = 100 << 20;
    junk(
        "`{\"PublicKeyList\":[[],[],…`",
        [b"{\"PublicKeyList\":[".to_vec(), b"[],".repeat(SIZE / 3), b"0]}".to_vec()].concat(),
    );
    junk("`[[[[…`", vec![b'['; SIZE]);
    junk("a text", [b"{\"PublicKeyList\":[\"".to_vec(), vec![0x7f; SIZE], b"\"]}".to_vec()].concat());
    junk("PEM, one block", [b"-----BEGIN PUBLIC KEY-----\n".to_vec(), vec![b'A'; SIZE]].concat());
    junk("PEM, blocks without content", b"-----BEGIN PUBLIC KEY-----\n".repeat(SIZE / 27));
    fs::write(big.path("keys.json"), genuine).unwrap();
    million(&big);
}

/// A million keys that are none of anybody's, and the one that signed.
fn million(big: &Big) {
    let genuine: serde_json::Value =
        serde_json::from_slice(&fs::read(big.path("keys.json")).unwrap()).unwrap();
    let mut out = BufWriter::new(fs::File::create(big.path("keys.json")).unwrap());
    write!(out, "{{\"PublicKeyList\":[{}", genuine["PublicKeyList"][0]).unwrap();
    let mut random = ChaCha20Rng::from_seed([9; 32]);
    for _ in 0..1_000_000 {
        let mut modulus = [0; 256];
        random.fill_bytes(&mut modulus);
        (modulus[0], modulus[255]) = (modulus[0] | 0x80, modulus[255] | 1);
        let key = RsaPublicKey::new(BigUint::from_bytes_be(&modulus), BigUint::from(65_537_u32)).unwrap();
        let der = key.to_pkcs1_der().unwrap();
        let fingerprint = hex::encode(Md5::digest(der.as_bytes()));
        let entry = json!({"Value": STANDARD.encode(der.as_bytes()), "Fingerprint": fingerprint, "ValidityStartTime": 0, "ValidityEndTime": 9_999_999_999_u64});
        write!(out, ",{entry}").unwrap();
    }
    out.write_all(b"]}").unwrap();
    out.flush().unwrap();
    drop(out);
    let name = "1,000,001 saved keys";
    big.row(&Row { name, arguments: &[], code: 2, says: &["`--max-keys-size` raises it"], peak: 60.0 });
    big.row(&Row { name, arguments: &["--max-keys-size", "1G"], code: 0, says: &["intact"], peak: 6_000.0 });
}

#[test]
#[ignore = "large"]
fn reports() {
    let big = Big::make();
    let run = big.row(&Row {
        name: "the report to begin with",
        arguments: &["--format", "json"],
        code: 0,
        says: &[],
        peak: 60.0,
    });
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let finding = json!({
        "kind": "log-unreferenced", "severity": "incomplete", "account": "111122223333", "region": "us-east-1", "trail": null,
        "uri": format!("s3://trail-logs/{}", "k".repeat(120)), "digest": null, "message": "it lies among the log files",
        "expected": null, "actual": null, "start": null, "end": null, "reason": null,
    });
    let mut long = report.clone();
    long["verdict"] = json!("incomplete");
    long["findings"] = json!([]);
    let text = long.to_string();
    let (before, after) = text.split_once("\"findings\":[]").unwrap();
    let with = |piece: &str, size: usize| {
        format!(
            "{before}\"findings\":[{}{piece}]{after}",
            format!("{piece},").repeat(size / (piece.len() + 1))
        )
    };
    let size = 250 << 20;
    let whole = with(&finding.to_string(), size);
    let findings = ["findings", "a text", "`[[],[],…`"];
    let contents =
        [whole, format!("{before}\"findings\":\"{}\"{after}", "\u{7f}".repeat(size)), with("[]", size)];
    for ((name, content), code) in findings.into_iter().zip(contents).zip([0, 2, 2]) {
        fs::write(big.path("run.json"), content).unwrap();
        let arguments = vec!["report".to_owned(), big.path("run.json").display().to_string()];
        let name = &*format!("a report of 250 MiB: {name}");
        // What `serde_json` says of a text in a list's place repeats it, escaped; only what is shown of that is cut.
        big.take(&Row { name, arguments: &[], code, says: &[], peak: 4_000.0 }, arguments);
    }
    fs::write(big.path("run.json"), " ".repeat(300 << 20)).unwrap();
    let arguments = vec!["report".to_owned(), big.path("run.json").display().to_string()];
    let says = &["larger than the limit of 256 MiB", "`--max-size` raises the limit"];
    big.take(&Row { name: "a report of 300 MiB", arguments: &[], code: 2, says, peak: 300.0 }, arguments);
}
