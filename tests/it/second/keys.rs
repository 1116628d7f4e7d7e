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
use super::encodings::{right, tlv};
use super::forged::raised;

const MESSAGE: &[u8] = b"a message";

/// How many keys are changed at random.
const CHANGED: usize = 4_000;

/// Who takes a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Takes {
    ours: bool,
    rsa: bool,
    aws_lc: bool,
}

const NOBODY: Takes = Takes { ours: false, rsa: false, aws_lc: false };
const ALL: Takes = Takes { ours: true, rsa: true, aws_lc: true };
const RSA_AND_AWS_LC: Takes = Takes { ours: false, rsa: true, aws_lc: true };
const AWS_LC: Takes = Takes { ours: false, rsa: false, aws_lc: true };

// Why they are not of one mind. Ours takes none that another refuses, so that no difference lets anything pass.
const SHORT: &str =
    "both read short keys, and AWS-LC then verifies nothing with them: ours has a minimum of 2,048 bits";
const LONG: &str = "`rsa` takes 4,096 bits at most, twice as many as CloudTrail's keys have";
const ONE: &str = "AWS-LC reads any odd number, and then verifies nothing with this one";
const LAX: &str = "AWS-LC leaves parts of a `SubjectPublicKeyInfo` unread that are not the key";

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

/// An INTEGER, with a zero byte before a first bit that is set.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if bytes.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    tlv(2, &[sign, bytes].concat())
}

fn pkcs1(n: &[u8], e: &[u8]) -> Vec<u8> {
    tlv(0x30, &[integer(n), integer(e)].concat())
}

/// `SubjectPublicKeyInfo` (RFC 5280) around a PKCS#1 key.
fn spki(algorithm: &str, key: &[u8]) -> Vec<u8> {
    let algorithm = tlv(0x30, &hex::decode(algorithm).unwrap());
    tlv(0x30, &[algorithm, tlv(3, &[&[0][..], key].concat())].concat())
}

const RSA_ENCRYPTION: &str = "06092a864886f70d0101010500";

/// A modulus of so many bits, odd, that nobody has the factors of.
fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0; bits.div_ceil(8)];
    ChaCha20Rng::from_seed([5; 32]).fill_bytes(&mut bytes);
    let spare = bytes.len() * 8 - bits;
    bytes[0] = (bytes[0] | 0x80) >> spare;
    *bytes.last_mut().unwrap() |= 1;
    bytes
}

fn genuine() -> (Vec<u8>, Vec<u8>) {
    (PAIRS[0].private.n().to_bytes_be(), vec![1, 0, 1])
}

/// Each key, who takes it, and why where they are not of one mind.
fn table() -> Vec<(String, Vec<u8>, Takes, &'static str)> {
    let mut all = Vec::new();
    all.extend(lengths());
    all.extend(exponents());
    all.extend(numbers());
    all.extend(encodings());
    all.into_iter().map(|(name, der, takes, why)| (name.to_owned(), der, takes, why)).collect()
}

type Row = (&'static str, Vec<u8>, Takes, &'static str);

fn lengths() -> Vec<Row> {
    let of = |bits| pkcs1(&modulus(bits), &[1, 0, 1]);
    vec![
        ("512 bits", of(512), RSA_AND_AWS_LC, SHORT),
        ("1024 bits", of(1024), RSA_AND_AWS_LC, SHORT),
        ("2047 bits", of(2047), RSA_AND_AWS_LC, SHORT),
        ("2048 bits", of(2048), ALL, ""),
        ("2049 bits", of(2049), ALL, ""),
        ("4096 bits", of(4096), ALL, ""),
        ("4097 bits", of(4097), AWS_LC, LONG),
        ("8192 bits", of(8192), AWS_LC, LONG),
        ("8193 bits", of(8193), AWS_LC, LONG),
        ("16384 bits", of(16_384), AWS_LC, LONG),
    ]
}

fn exponents() -> Vec<Row> {
    let (n, _) = genuine();
    let of = |e: &[u8]| pkcs1(&n, e);
    vec![
        ("e = 0", of(&[0]), NOBODY, ""),
        ("e = 1", of(&[1]), NOBODY, ""),
        ("e = 2", of(&[2]), NOBODY, ""),
        ("e = 3", of(&[3]), ALL, ""),
        ("e = 4", of(&[4]), NOBODY, ""),
        ("e = 17", of(&[17]), ALL, ""),
        ("e = 65536", of(&[1, 0, 0]), NOBODY, ""),
        ("e = 65537", of(&[1, 0, 1]), ALL, ""),
        ("e = 2^32 + 1", of(&[1, 0, 0, 0, 1]), ALL, ""),
        ("e = 2^33 - 1", of(&[1, 0xff, 0xff, 0xff, 0xff]), ALL, ""),
        ("e = 2^33 + 1", of(&[2, 0, 0, 0, 1]), NOBODY, ""),
        ("e = 2^64 + 1", of(&[1, 0, 0, 0, 0, 0, 0, 0, 1]), NOBODY, ""),
        ("e of 2048 bits", of(&modulus(2048)), NOBODY, ""),
        ("e = n", of(&n), NOBODY, ""),
    ]
}

fn numbers() -> Vec<Row> {
    let (n, e) = genuine();
    let mut even = n.clone();
    *even.last_mut().unwrap() &= 0xfe;
    let raw = |n: &[u8], e: &[u8]| tlv(0x30, &[tlv(2, n), tlv(2, e)].concat());
    let padded = |zeros: usize| [vec![0; zeros], n.clone()].concat();
    vec![
        ("n = 0", pkcs1(&[0], &e), NOBODY, ""),
        ("n = 1", pkcs1(&[1], &e), AWS_LC, ONE),
        ("n even", pkcs1(&even, &e), NOBODY, ""),
        ("n negative", raw(&n, &e), NOBODY, ""),
        ("n of no bytes", raw(&[], &e), NOBODY, ""),
        ("n not minimal", raw(&padded(2), &e), NOBODY, ""),
        ("n not minimal, by 100 bytes", raw(&padded(100), &e), NOBODY, ""),
        ("e negative", raw(&padded(1), &[0x81, 0, 1]), NOBODY, ""),
        ("e of no bytes", raw(&padded(1), &[]), NOBODY, ""),
        ("e not minimal", raw(&padded(1), &[0, 1, 0, 1]), NOBODY, ""),
        ("written by hand as it should be", raw(&padded(1), &e), ALL, ""),
    ]
}

fn encodings() -> Vec<Row> {
    let (n, e) = genuine();
    let good = pkcs1(&n, &e);
    let both = [integer(&n), integer(&e)].concat();
    let after = |more: &[u8]| [&good[..], more].concat();
    let long = [&[0x30, 0x83, 0][..], &good[2..]].concat();
    let indefinite = [&[0x30, 0x80][..], &both, &[0, 0]].concat();
    let three = tlv(0x30, &[&both[..], &integer(&[3])].concat());
    vec![
        ("PKCS#1", good.clone(), ALL, ""),
        ("SubjectPublicKeyInfo", spki(RSA_ENCRYPTION, &good), ALL, ""),
        ("a byte after it", after(&[0]), NOBODY, ""),
        ("itself after it", after(&good), NOBODY, ""),
        ("a third number", three, NOBODY, ""),
        ("length in three bytes", long, NOBODY, ""),
        ("indefinite length", indefinite, NOBODY, ""),
        ("a SET", tlv(0x31, &both), NOBODY, ""),
        ("nothing", Vec::new(), NOBODY, ""),
        ("one number", tlv(0x30, &integer(&n)), NOBODY, ""),
        ("cut", good[..good.len() - 1].to_vec(), NOBODY, ""),
        ("SPKI, a byte after it", [spki(RSA_ENCRYPTION, &good), vec![0]].concat(), AWS_LC, LAX),
        ("SPKI, a byte after the key", spki(RSA_ENCRYPTION, &after(&[0])), NOBODY, ""),
        ("SPKI without parameters", spki("06092a864886f70d010101", &good), AWS_LC, LAX),
        ("SPKI with parameters", spki("06092a864886f70d0101010400", &good), AWS_LC, LAX),
        ("SPKI of RSA-PSS", spki("06092a864886f70d01010a0500", &good), NOBODY, ""),
        ("SPKI of RSA-OAEP", spki("06092a864886f70d0101070500", &good), AWS_LC, LAX),
        ("SPKI of DSA", spki("06072a8648ce3804010500", &good), NOBODY, ""),
        ("SPKI of SPKI", spki(RSA_ENCRYPTION, &spki(RSA_ENCRYPTION, &good)), NOBODY, ""),
    ]
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
