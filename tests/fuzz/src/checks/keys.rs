//! Public keys, saved ones among them, and signatures by them.

use trailproof::ident::Sha256Hash;
use trailproof::keys::{KeyRing, saved};
use trailproof::signature::PublicKey;

use super::reader::Reader;

/// A key is taken or refused; what was taken verifies the same by both of our verifiers, and is saved as it was read.
pub fn check(bytes: &[u8]) {
    let mut reader = Reader(bytes);
    let which = reader.byte();
    let rest = reader.0;
    match which % 4 {
        0 => file(rest),
        1 => key(PublicKey::from_der(rest).ok(), b""),
        2 => key(PublicKey::from_base64(&String::from_utf8_lossy(rest)).ok(), b""),
        _ => {
            let length = usize::from(reader.number()).min(reader.0.len());
            let (der, signature) = reader.0.split_at(length);
            key(PublicKey::from_der(der).ok(), signature);
        }
    }
}

fn file(bytes: &[u8]) {
    let mut ring = KeyRing::new();
    match saved::load(&mut ring, "keys.json", bytes) {
        Ok(()) => assert!(!ring.is_empty(), "loaded, and without a key"),
        Err(error) => {
            assert!(ring.is_empty(), "refused, and a key was taken");
            assert!(!error.to_string().contains(char::is_control), "{error}");
        }
    }
    for rejected in ring.rejected() {
        assert!(!rejected.reason.contains(char::is_control), "{rejected:?}");
    }
}

fn key(key: Option<PublicKey>, signature: &[u8]) {
    let Some(key) = key else { return };
    let hash = Sha256Hash::of(b"x");
    for signature in [signature, &[0; 256], &[1; 256], b""] {
        let plainly = key.verifies_plainly(hash, signature);
        assert_eq!(key.verifies(hash, signature), plainly, "the two verifiers differ");
    }
    let again = PublicKey::from_base64(&key.to_base64()).expect("a key that cannot be saved");
    assert!(again == key && again.fingerprint() == key.fingerprint());
    assert!(key.possible_fingerprints().iter().all(|name| name.len() == 32));
}
