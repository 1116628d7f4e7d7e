//! What is a key: `PublicKey::from_der`, `rsa` alone and AWS-LC alone, over keys that are almost right. Where they
//! differ, the table says why that is no harm.

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::pkcs8::DecodePublicKey as _;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use sha2::Sha256;
use trailproof::ident::Sha256Hash;
use trailproof::signature::PublicKey;

use super::PAIRS;
use super::encodings::right;
use super::forged::raised;
use super::table::{ALL, AWS_LC, NOBODY, RSA_ENCRYPTION, Takes, genuine, pkcs1, spki, table};

const MESSAGE: &[u8] = b"a message";

/// How many keys are changed at random.
const CHANGED: usize = 4_000;

fn rsa_alone(der: &[u8]) -> Option<RsaPublicKey> {
    RsaPublicKey::from_pkcs1_der(der).or_else(|_| RsaPublicKey::from_public_key_der(der)).ok()
}

fn aws_lc_alone(der: &[u8]) -> Option<ParsedPublicKey> {
    ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).ok()
}

fn takes(der: &[u8]) -> Takes {
    Takes {
        ours: PublicKey::from_der(der).is_ok(),
        rsa: rsa_alone(der).is_some(),
        aws_lc: aws_lc_alone(der).is_some(),
    }
}

/// All answers to one signature of [`MESSAGE`], of those who take the key.
fn answers(der: &[u8], signature: &[u8]) -> Vec<(&'static str, bool)> {
    let hash = Sha256Hash::of(MESSAGE);
    let ours = PublicKey::from_der(der).ok();
    let rsa = rsa_alone(der).map(|key| key.verify(Pkcs1v15Sign::new::<Sha256>(), &hash.0, signature).is_ok());
    let aws_lc = aws_lc_alone(der).map(|key| key.verify_sig(MESSAGE, signature).is_ok());
    [
        ("ours", ours.as_ref().map(|key| key.verifies(hash, signature))),
        ("ours, plainly", ours.as_ref().map(|key| key.verifies_plainly(hash, signature))),
        ("rsa", rsa),
        ("AWS-LC", aws_lc),
    ]
    .into_iter()
    .filter_map(|(who, said)| Some((who, said?)))
    .collect()
}

#[test]
fn all_take_the_same_keys_or_the_table_says_why() {
    let mut wrong = Vec::new();
    for (name, der, wanted, why) in table() {
        let found = takes(&der);
        let of_one_mind = found == NOBODY || found == ALL;
        if found != wanted || of_one_mind != why.is_empty() {
            wrong.push(format!("{name}: {found:?}, {why:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A signature is believed only under keys that verify it by every library that takes them.
#[test]
fn whoever_takes_a_key_says_the_same_of_signatures() {
    let pair = &PAIRS[0];
    let good = raised(&pair.private, &right(256, MESSAGE));
    for (name, der, ..) in table() {
        let bits = rsa_alone(&der).map_or(2048, |key| key.n().bits());
        for length in [256, bits.div_ceil(8)] {
            let one = [vec![0; length - 1], vec![1]].concat();
            for signature in [&good, &right(length, MESSAGE), &one, &Vec::new()] {
                let said = answers(&der, signature);
                let ours: Vec<bool> =
                    said.iter().filter(|(who, _)| who.starts_with("ours")).map(|(_, it)| *it).collect();
                assert!(ours.iter().all(|it| *it == ours[0]), "{name}: {said:?}");
                let all_alike = said.iter().all(|(_, it)| *it == said[0].1);
                assert!(all_alike, "{name}: {said:?}");
            }
        }
    }
}

/// A key with the private one that belongs to it: `n` is the product of those of other keys, which saves searching for
/// primes.
fn long(parts: &[&RsaPrivateKey]) -> (RsaPublicKey, BigUint) {
    let e = BigUint::from(65_537_u32);
    let one = BigUint::from(1_u8);
    let primes = parts.iter().flat_map(|part| part.primes());
    let phi = primes.fold(one.clone(), |phi, prime| phi * (prime - 1_u8));
    let n = parts.iter().fold(one.clone(), |n, part| n * part.n());
    let multiple =
        (1..65_537_u32).map(|k| &phi * k + 1_u8).find(|it| (it % &e) == BigUint::from(0_u8)).unwrap();
    (RsaPublicKey::new_unchecked(n, e.clone()), multiple / e)
}

#[test]
fn keys_of_every_length_verify_what_they_signed_or_nobody_takes_them() {
    let random = &mut ChaCha20Rng::from_seed([13; 32]);
    let mut short = |bits| RsaPrivateKey::new(random, bits).unwrap();
    let (tiny, small, other, third) = (short(512), short(1024), short(2048), short(3072));
    let one = &PAIRS[0].private;
    for (parts, wanted) in [
        (&[&tiny][..], &["rsa"][..]),
        (&[&small], &["rsa"]),
        (&[&small, one], &["ours", "ours, plainly", "rsa", "AWS-LC"]),
        (&[one, &other], &["ours", "ours, plainly", "rsa", "AWS-LC"]),
        (&[one, &other, &third, &small], &["AWS-LC"]),
    ] {
        let (public, d) = long(parts);
        let der = pkcs1(&public.n().to_bytes_be(), &[1, 0, 1]);
        let encoding = BigUint::from_bytes_be(&right(public.size(), MESSAGE));
        let signed = encoding.modpow(&d, public.n()).to_bytes_be();
        let signature = [vec![0; public.size() - signed.len()], signed].concat();
        let said = answers(&der, &signature);
        let believing: Vec<&str> = said.iter().filter(|(_, it)| *it).map(|(who, _)| *who).collect();
        assert_eq!(believing, wanted, "{} bits: {said:?}", public.n().bits());
    }
}

/// Any change of a key's bytes.
fn changed(random: &mut ChaCha20Rng, good: &[u8]) -> Vec<u8> {
    let mut der = good.to_vec();
    // Half of the changes hit what is not the modulus: heads, lengths and the exponent.
    let outside = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    let near_end = random.next_u32().is_multiple_of(2);
    let edge = random.next_u32() as usize % outside.len();
    let at = match random.next_u32() % 2 {
        0 if near_end => der.len() - 1 - edge.min(6),
        0 => edge,
        _ => random.next_u32() as usize % der.len(),
    };
    match random.next_u32() % 5 {
        0 | 1 => der[at] ^= 1 << (random.next_u32() % 8),
        2 => der[at] = random.next_u32().to_le_bytes()[0],
        3 => der.insert(at, random.next_u32().to_le_bytes()[0]),
        _ => drop(der.remove(at)),
    }
    der
}

/// Whether a difference is one that the table has: here only what AWS-LC leaves unread around a key or after it.
fn is_explained(der: &[u8], found: Takes, key: &[u8]) -> bool {
    let goes_on = || der.len() > 4 + usize::from(u16::from_be_bytes([der[2], der[3]]));
    let is_lax = || der.windows(key.len()).any(|part| part == key) || goes_on();
    found == NOBODY || found == ALL || (found == AWS_LC && der.len() > key.len() + 10 && is_lax())
}

#[test]
fn all_say_the_same_of_changed_keys() {
    let (n, e) = genuine();
    let random = &mut ChaCha20Rng::from_seed([17; 32]);
    let good = pkcs1(&n, &e);
    let signature = raised(&PAIRS[0].private, &right(256, MESSAGE));
    let mut unexplained = Vec::new();
    let mut taken = 0;
    for number in 0..CHANGED {
        let source = if number % 2 == 0 { good.clone() } else { spki(RSA_ENCRYPTION, &good) };
        let der = changed(random, &source);
        let found = takes(&der);
        taken += usize::from(found.ours);
        if !is_explained(&der, found, &good) {
            unexplained.push(format!("{found:?} {}", hex::encode(&der)));
        }
        let same_key = rsa_alone(&der).is_some_and(|key| key == PAIRS[0].private.to_public_key());
        for (who, said) in answers(&der, &signature) {
            let is_whole = || found == AWS_LC && der.windows(good.len()).any(|part| part == good);
            assert!(said == same_key || (said && is_whole()), "{who}: {}", hex::encode(&der));
        }
    }
    assert!(
        unexplained.is_empty(),
        "{}:\n{}",
        unexplained.len(),
        unexplained[..unexplained.len().min(20)].join("\n")
    );
    assert!(taken > CHANGED / 8, "{taken}");
}
