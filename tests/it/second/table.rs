//! Keys that are almost right, who takes each, and why where not all do.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use rsa::traits::PublicKeyParts as _;

use super::PAIRS;
use super::encodings::tlv;

/// Who takes a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Takes {
    pub(super) ours: bool,
    pub(super) rsa: bool,
    pub(super) aws_lc: bool,
}

pub(super) const NOBODY: Takes = Takes { ours: false, rsa: false, aws_lc: false };
pub(super) const ALL: Takes = Takes { ours: true, rsa: true, aws_lc: true };
const RSA_AND_AWS_LC: Takes = Takes { ours: false, rsa: true, aws_lc: true };
pub(super) const AWS_LC: Takes = Takes { ours: false, rsa: false, aws_lc: true };

// Why they are not of one mind. Ours takes none that another refuses, so that no difference lets anything pass.
const SHORT: &str =
    "both read short keys, and AWS-LC then verifies nothing with them: ours has a minimum of 2,048 bits";
const LONG: &str = "`rsa` takes 4,096 bits at most, twice as many as CloudTrail's keys have";
const ONE: &str = "AWS-LC reads any odd number, and then verifies nothing with this one";
const LAX: &str = "AWS-LC leaves parts of a `SubjectPublicKeyInfo` unread that are not the key";

/// An INTEGER, with a zero byte before a first bit that is set.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if bytes.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    tlv(2, &[sign, bytes].concat())
}

pub(super) fn pkcs1(n: &[u8], e: &[u8]) -> Vec<u8> {
    tlv(0x30, &[integer(n), integer(e)].concat())
}

/// `SubjectPublicKeyInfo` (RFC 5280) around a PKCS#1 key.
pub(super) fn spki(algorithm: &str, key: &[u8]) -> Vec<u8> {
    let algorithm = tlv(0x30, &hex::decode(algorithm).unwrap());
    tlv(0x30, &[algorithm, tlv(3, &[&[0][..], key].concat())].concat())
}

pub(super) const RSA_ENCRYPTION: &str = "06092a864886f70d0101010500";

/// A modulus of so many bits, odd, that nobody has the factors of.
fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0; bits.div_ceil(8)];
    ChaCha20Rng::from_seed([5; 32]).fill_bytes(&mut bytes);
    let spare = bytes.len() * 8 - bits;
    bytes[0] = (bytes[0] | 0x80) >> spare;
    *bytes.last_mut().unwrap() |= 1;
    bytes
}

pub(super) fn genuine() -> (Vec<u8>, Vec<u8>) {
    (PAIRS[0].private.n().to_bytes_be(), vec![1, 0, 1])
}

/// Each key, who takes it, and why where they are not of one mind.
pub(super) fn table() -> Vec<(String, Vec<u8>, Takes, &'static str)> {
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
