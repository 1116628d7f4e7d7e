//! Fast parts against slow ones that say the same: signatures by AWS-LC and by `rsa`, gzip by our reader and by flate2's.

mod encodings;
mod forged;
#[cfg(feature = "aws")]
mod keys;
#[cfg(feature = "aws")]
mod table;

use std::io::Read as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::GzBuilder;
use flate2::bufread::GzDecoder;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::pkcs8::EncodePublicKey as _;
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey};
use sha2::Sha256;
use trailproof::gzip::{self, BodyError};
use trailproof::ident::Sha256Hash;
use trailproof::signature::PublicKey;
use trailproof::store::Encoding;

use crate::bodies::config;

/// A private key, and its public one as both of its encodings give it.
struct Pair {
    private: RsaPrivateKey,
    public: [PublicKey; 2],
}

fn pair(bits: usize, exponent: u32) -> Pair {
    let random = &mut ChaCha20Rng::from_seed([9; 32]);
    let private = RsaPrivateKey::new_with_exp(random, bits, &BigUint::from(exponent)).unwrap();
    let public = private.to_public_key();
    let encoded = [
        public.to_pkcs1_der().unwrap().as_bytes().to_vec(),
        public.to_public_key_der().unwrap().as_bytes().to_vec(),
    ];
    Pair { private, public: encoded.map(|der| PublicKey::from_der(&der).unwrap()) }
}

/// The usual key, one with the exponent 3, a long one, and one whose length is no whole number of bytes.
static PAIRS: LazyLock<Vec<Pair>> =
    LazyLock::new(|| vec![pair(2048, 65_537), pair(2048, 3), pair(3072, 65_537), pair(2049, 65_537)]);

/// Which of them has the exponent 3.
const SHORT_EXPONENT: usize = 1;

/// What both say of a signature; they have to agree.
fn verified(pair: &Pair, hash: Sha256Hash, signature: &[u8]) -> bool {
    let said: Vec<bool> = pair
        .public
        .iter()
        .flat_map(|key| [key.verifies(hash, signature), key.verifies_plainly(hash, signature)])
        .collect();
    assert!(said.iter().all(|one| *one == said[0]), "{said:?} of {}", hex::encode(signature));
    said[0]
}

fn signed(pair: &Pair, hash: Sha256Hash) -> Vec<u8> {
    pair.private.sign(Pkcs1v15Sign::new::<Sha256>(), &hash.0).unwrap()
}

#[test]
fn both_take_what_was_signed_with_every_kind_of_key() {
    for pair in PAIRS.iter() {
        for number in 0..50_u8 {
            let hash = Sha256Hash::of(&[number]);
            assert!(verified(pair, hash, &signed(pair, hash)));
            assert!(!verified(pair, Sha256Hash::of(b"other"), &signed(pair, hash)));
        }
    }
}

#[test]
fn both_refuse_what_is_no_signature() {
    let hash = Sha256Hash::of(b"x");
    for pair in PAIRS.iter() {
        let good = signed(pair, hash);
        let modulus = rsa::traits::PublicKeyParts::n(&pair.private.to_public_key()).to_bytes_be();
        let wrong_padding = pair.private.sign(Pkcs1v15Sign::new_unprefixed(), &hash.0).unwrap();
        let beyond = (BigUint::from_bytes_be(&good) + BigUint::from_bytes_be(&modulus)).to_bytes_be();
        let others = [
            Vec::new(),
            vec![0; good.len()],
            vec![1; good.len()],
            vec![0xff; good.len()],
            [&[0][..], &good].concat(),
            [&good[..], &[0]].concat(),
            good[1..].to_vec(),
            good[..good.len() - 1].to_vec(),
            modulus,
            beyond,
            wrong_padding,
            vec![7; 1 << 16],
        ];
        for other in others {
            assert!(!verified(pair, hash, &other), "{}", hex::encode(other));
        }
    }
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn both_say_the_same_of_any_changed_signature(
        which in 0_usize..4,
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
        junk in prop::option::of(prop::collection::vec(any::<u8>(), 0..600)),
    ) {
        let (pair, hash) = (&PAIRS[which], Sha256Hash::of(b"x"));
        let mut signature = signed(pair, hash);
        let length = signature.len();
        signature[at.index(length)] ^= 1 << bit;
        prop_assert!(!verified(pair, hash, &signature));
        if let Some(junk) = junk {
            verified(pair, hash, &junk);
        }
    }

    #[test]
    fn both_say_the_same_under_any_changed_key(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let pair = &PAIRS[0];
        let hash = Sha256Hash::of(b"x");
        let mut der = pair.private.to_public_key().to_pkcs1_der().unwrap().as_bytes().to_vec();
        let length = der.len();
        der[at.index(length)] ^= 1 << bit;
        if let Ok(key) = PublicKey::from_der(&der) {
            let signature = signed(pair, hash);
            prop_assert!(!key.verifies(hash, &signature));
            prop_assert!(!key.verifies_plainly(hash, &signature));
        }
    }
}

/// What flate2's own reader makes of a body: one whole member and nothing after it, or not.
fn plainly(body: &[u8]) -> Option<Vec<u8>> {
    let mut rest = body;
    let mut content = Vec::new();
    GzDecoder::new(&mut rest).read_to_end(&mut content).ok()?;
    rest.is_empty().then_some(content)
}

fn ours(body: &[u8]) -> Option<Vec<u8>> {
    match gzip::inflate(&mut &*body, Encoding::Gzip, 1 << 24) {
        Ok((content, sizes)) => {
            assert_eq!((sizes.compressed, sizes.inflated), (body.len() as u64, content.len() as u64));
            Some(content)
        }
        Err(BodyError::Malformed(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

/// A member with any header that RFC 1952 allows.
fn member(content: &[u8], level: u32, extra: Option<Vec<u8>>, name: bool, comment: bool) -> Vec<u8> {
    let mut builder = GzBuilder::new();
    if let Some(extra) = extra {
        builder = builder.extra(extra);
    }
    if name {
        builder = builder.filename("a name.json");
    }
    if comment {
        builder = builder.comment("a comment");
    }
    let mut body = Vec::new();
    builder.read(content, Compression::new(level)).read_to_end(&mut body).unwrap();
    body
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn our_gzip_reader_reads_what_flate2_reads(
        content in prop::collection::vec(0_u8..9, 0..20_000),
        level in 0_u32..10,
        extra in prop::option::of(prop::collection::vec(any::<u8>(), 0..300)),
        name: bool,
        comment: bool,
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
        piece in 1_usize..50,
    ) {
        let whole = member(&content, level, extra, name, comment);
        prop_assert_eq!(ours(&whole), Some(content.clone()));
        let mut pieces = std::io::BufReader::with_capacity(piece, &whole[..]);
        let (inflated, _) = gzip::inflate(&mut pieces, Encoding::Gzip, 1 << 24).unwrap();
        prop_assert_eq!(inflated, content);
        let place = at.index(whole.len());
        prop_assert_eq!(ours(&whole[..place]), None);
        let mut changed = whole;
        changed[place] ^= 1 << bit;
        prop_assert_eq!(ours(&changed), plainly(&changed), "byte {} bit {}", place, bit);
    }
}

#[test]
fn a_header_checksum_is_checked() {
    let plain = member(b"{}", 6, None, true, false);
    let mut header = plain[..10 + "a name.json".len() + 1].to_vec();
    header[3] |= 2;
    let checksum = crc32fast::hash(&header).to_le_bytes();
    let rest = &plain[header.len()..];
    let good = [&header[..], &checksum[..2], rest].concat();
    assert_eq!(ours(&good), Some(b"{}".to_vec()));
    assert_eq!(plainly(&good), Some(b"{}".to_vec()));
    let bad = [&header[..], &[checksum[0] ^ 1, checksum[1]], rest].concat();
    assert_eq!((ours(&bad), plainly(&bad)), (None, None));
    let mut reserved = plain;
    reserved[3] |= 0x20;
    assert_eq!((ours(&reserved), plainly(&reserved)), (None, None));
}
