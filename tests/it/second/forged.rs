//! Signatures that are almost right, genuine ones, and forged ones: AWS-LC, which is fast, `rsa`, which is the second
//! opinion, and both asked without anything of ours say the same of each.

use std::fs;
use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BigUint, RsaPrivateKey};
use serde_json::Value;
use trailproof::digest::DigestFile;
use trailproof::ident::Sha256Hash;
use trailproof::keys::{KeyRing, Lookup, saved};
use trailproof::store::Encoding;

use super::encodings::{right, wrong};
use super::{PAIRS, Pair, SHORT_EXPONENT, verified};
use crate::fixtures::{deliveries, tree};

const MESSAGE: &[u8] = b"2026-09-01T01:06:57Z\nbucket/key\nhash\nnull";

/// How many signatures are changed at random.
const CHANGED: usize = 10_000;

/// What is signed with the raw private operation, `EM^d mod n`: no library signs what is wrong.
pub(super) fn raised(key: &RsaPrivateKey, encoding: &[u8]) -> Vec<u8> {
    let value = BigUint::from_bytes_be(encoding);
    fixed(&value.modpow(key.d(), key.n()), key.size())
}

/// `value` in `length` bytes.
fn fixed(value: &BigUint, length: usize) -> Vec<u8> {
    let digits = value.to_bytes_be();
    [vec![0; length - digits.len()], digits].concat()
}

fn hash() -> Sha256Hash {
    Sha256Hash::of(MESSAGE)
}

#[test]
fn only_the_one_right_encoding_verifies() {
    for pair in PAIRS.iter() {
        let length = pair.private.size();
        assert!(verified(pair, hash(), &raised(&pair.private, &right(length, MESSAGE))));
        for (name, encoding) in wrong(length, MESSAGE) {
            assert_eq!(encoding.len(), length, "{name}");
            // An encoding beyond the modulus cannot be what a signature gives.
            if BigUint::from_bytes_be(&encoding) < *pair.private.n() {
                assert!(!verified(pair, hash(), &raised(&pair.private, &encoding)), "{name}");
            }
        }
    }
}

/// The smallest number whose cube is `least` or more.
fn cube_root(least: &BigUint) -> BigUint {
    let (mut low, mut high) = (BigUint::from(0_u8), BigUint::from(1_u8) << (least.bits() / 3 + 1));
    while low < high {
        let middle: BigUint = (&low + &high) >> 1;
        if &middle * &middle * &middle < *least { low = middle + 1_u8 } else { high = middle }
    }
    high
}

/// Bleichenbacher's forgery (CRYPTO 2006, rump session), made without the private key: with the exponent 3, the cube
/// root of an encoding whose end is not looked at.
#[test]
fn forgeries_for_the_exponent_three_are_refused() {
    let pair = &PAIRS[SHORT_EXPONENT];
    let length = pair.private.size();
    let mut made = 0;
    for (name, encoding) in wrong(length, MESSAGE) {
        if !(name.starts_with("forgery") && encoding.ends_with(&[0; 64])) {
            continue;
        }
        let root = cube_root(&BigUint::from_bytes_be(&encoding));
        let cube = fixed(&(&root * &root * &root), length);
        let kept = cube.iter().zip(&encoding).take_while(|(one, other)| one == other).count();
        // The forged part is there, so that a verifier which looks no further would be deceived.
        let end = encoding.windows(32).position(|part| *part == hash().0).unwrap() + 32;
        assert!(kept >= end, "{name}: {kept} bytes of {end}");
        assert!(!verified(pair, hash(), &fixed(&root, length)), "{name}");
        made += 1;
    }
    assert_eq!(made, 6);
}

/// The same number written in other ways, and numbers that are none a signature can be.
fn other_numbers(pair: &Pair, good: &[u8]) -> Vec<Vec<u8>> {
    let (n, s, length) = (pair.private.n(), BigUint::from_bytes_be(good), pair.private.size());
    let mut all = vec![
        Vec::new(),
        vec![0],
        fixed(&BigUint::from(0_u8), length),
        fixed(&BigUint::from(1_u8), length),
        fixed(&(n - &s), length),
        fixed(&(n - 1_u8), length),
        n.to_bytes_be(),
        (n + 1_u8).to_bytes_be(),
        (n + &s).to_bytes_be(),
        (n * 2_u8 + &s).to_bytes_be(),
        vec![0xff; length],
        good.iter().rev().copied().collect(),
        good[..length / 2].to_vec(),
    ];
    for zeros in [1, 2, 256] {
        all.push([vec![0; zeros], good.to_vec()].concat());
        all.push([good.to_vec(), vec![0; zeros]].concat());
    }
    all
}

#[test]
fn a_signature_has_one_written_form() {
    for pair in PAIRS.iter() {
        let good = raised(&pair.private, &right(pair.private.size(), MESSAGE));
        for other in other_numbers(pair, &good) {
            assert!(!verified(pair, hash(), &other), "{}", hex::encode(other));
        }
    }
}

/// A signature that begins with a zero byte verifies with it, and not without.
#[test]
fn leading_zeros_belong_to_a_signature() {
    let pair = &PAIRS[0];
    let mut found = 0;
    for number in 0..2_000_u32 {
        let message = number.to_be_bytes();
        let good = super::signed(pair, Sha256Hash::of(&message));
        if good[0] == 0 {
            assert!(verified(pair, Sha256Hash::of(&message), &good));
            assert!(!verified(pair, Sha256Hash::of(&message), &good[1..]));
            found += 1;
        }
        if found == 2 {
            return;
        }
    }
    panic!("{found} signatures begin with a zero byte");
}

/// A signature changed in one of many ways.
fn changed(random: &mut ChaCha20Rng, good: &[u8], other: &[u8]) -> Vec<u8> {
    let mut signature = good.to_vec();
    let at = random.next_u32() as usize % signature.len();
    match random.next_u32() % 8 {
        0..=2 => signature[at] ^= 1 << (random.next_u32() % 8),
        3 => random.fill_bytes(&mut signature[at..]),
        4 => signature.rotate_left(at),
        5 => signature[at..].copy_from_slice(&other[at..]),
        6 => signature.truncate(at),
        _ => random.fill_bytes(&mut signature),
    }
    signature
}

#[test]
fn both_say_the_same_of_ten_thousand_changed_signatures() {
    let random = &mut ChaCha20Rng::from_seed([11; 32]);
    let mut taken = 0;
    for (pair, wanted) in PAIRS.iter().zip([CHANGED / 2, CHANGED / 4, CHANGED / 8, CHANGED / 8]) {
        let (key, length) = (&pair.public[0], pair.private.size());
        let good = raised(&pair.private, &right(length, MESSAGE));
        let other = raised(&pair.private, &right(length, b"another message"));
        for _ in 0..wanted {
            let signature = changed(random, &good, &other);
            let both = [key.verifies(hash(), &signature), key.verifies_plainly(hash(), &signature)];
            assert_eq!(both, [signature == good; 2], "{}", hex::encode(&signature));
            taken += usize::from(signature == good);
        }
    }
    // Some changes change nothing: a rotation by nothing at all.
    assert!(taken < 10, "{taken}");
}

/// The signatures of a digest that anybody could hold against it: its metadata's, and what lies beside it.
fn signature_beside(digest: &Path) -> Option<String> {
    let sidecar = fs::read(format!("{}.metadata.json", digest.display())).ok()?;
    let sidecar: Value = serde_json::from_slice(&sidecar).unwrap();
    sidecar["Metadata"]["signature"].as_str().map(str::to_owned)
}

fn parsed(path: &Path) -> Option<DigestFile> {
    let body = fs::read(path).ok()?;
    let content = trailproof::gzip::inflate(&mut &body[..], Encoding::GzipOrPlain, 1 << 20).ok()?.0;
    DigestFile::parse(&content).ok()
}

fn signing_key(ring: &KeyRing, digest: &DigestFile) -> Option<trailproof::signature::PublicKey> {
    match ring.lookup(digest.fingerprint(), "us-east-1", digest.window().end) {
        Lookup::Valid(key) | Lookup::NotThen(key) => Some(key.key.clone()),
        Lookup::Unknown | Lookup::Unreachable(_) => None,
    }
}

/// What both say of all digests of one delivery: how many verify, and how many do not.
fn of_delivery(delivery: &Path) -> (usize, usize) {
    let mut ring = KeyRing::new();
    saved::load(&mut ring, "keys", &fs::read(delivery.join("public-keys.json")).unwrap()).unwrap();
    let files: Vec<_> = tree::files(delivery).unwrap();
    let digests = files.iter().filter(|path| path.to_str().unwrap().contains("/CloudTrail-Digest/"));
    let digests: Vec<_> =
        digests.filter_map(|path| Some((delivery.join(path), parsed(&delivery.join(path))?))).collect();
    let recorded: Vec<String> = digests
        .iter()
        .filter_map(|(_, digest)| digest.previous()?.signature.clone())
        .map(|it| it.to_string())
        .collect();
    let (mut good, mut bad) = (0, 0);
    for (path, digest) in &digests {
        let Some(key) = signing_key(&ring, digest) else { continue };
        let hash = Sha256Hash::of(digest.string_to_sign().as_bytes());
        for signature in signature_beside(path).iter().chain(&recorded) {
            let Ok(signature) = hex::decode(signature) else { continue };
            let both = [key.verifies(hash, &signature), key.verifies_plainly(hash, &signature)];
            assert_eq!(both[0], both[1], "{}", path.display());
            if both[0] { good += 1 } else { bad += 1 }
        }
    }
    (good, bad)
}

/// Each digest of each fixture, held against its own signature and against those that all others record.
#[test]
fn both_say_the_same_of_every_digest_of_the_fixtures() {
    let (mut good, mut bad) = (0, 0);
    for delivery in deliveries() {
        let (verified, refused) = of_delivery(&delivery);
        good += verified;
        bad += refused;
    }
    assert!(good > 1_000 && bad > 1_000, "{good} verify, {bad} do not");
}

/// AWS's own two signatures, their key in both of its encodings, and each of 2,048 bits the other way round.
#[test]
fn both_say_the_same_of_genuine_signatures() {
    for signed in crate::genuine::signatures() {
        for key in crate::genuine::published_keys().into_iter().map(|(_, key)| key) {
            let said = key.verifies(signed.hash, &signed.signature);
            assert_eq!(said, key.verifies_plainly(signed.hash, &signed.signature));
            assert_eq!(said, key.fingerprint() == crate::genuine::SIGNER);
        }
        let key = crate::genuine::signer();
        for bit in 0..signed.signature.len() * 8 {
            let mut flipped = signed.signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verifies(signed.hash, &flipped) && !key.verifies_plainly(signed.hash, &flipped));
        }
    }
}
