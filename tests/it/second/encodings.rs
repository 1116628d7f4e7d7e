//! What a signature may be decrypted to: the one encoded message that RFC 8017 (section 9.2) allows, and many that are
//! almost it.

use sha2::{Digest as _, Sha256};

/// `DigestInfo` of SHA-256, but for the hash (RFC 8017, section 9.2, note 1).
pub(super) const SHA256_INFO: &str = "3031300d060960864801650304020105000420";

/// A name, and an encoded message as long as the modulus.
pub(super) type Encoding = (String, Vec<u8>);

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

/// `00 TYPE PS 00 T`, with as much padding as fills `length`.
fn padded(length: usize, kind: u8, padding: u8, info: &[u8]) -> Vec<u8> {
    let fill = length - 3 - info.len();
    [&[0, kind][..], &vec![padding; fill], &[0], info].concat()
}

/// The right encoded message of `message`.
pub(super) fn right(length: usize, message: &[u8]) -> Vec<u8> {
    padded(length, 1, 0xff, &info(SHA256_INFO, &Sha256::digest(message)))
}

fn info(prefix: &str, hash: &[u8]) -> Vec<u8> {
    [bytes(prefix), hash.to_vec()].concat()
}

/// Everything that is not the right one, for each kind of mistake or forgery that we know of.
pub(super) fn wrong(length: usize, message: &[u8]) -> Vec<Encoding> {
    let hash = Sha256::digest(message).to_vec();
    let right_info = info(SHA256_INFO, &hash);
    let mut all: Vec<Encoding> = Vec::new();
    all.extend(wrong_infos(&hash).into_iter().map(|(name, info)| (name, padded(length, 1, 0xff, &info))));
    all.extend(wrong_paddings(length, &right_info));
    all.extend(garbage_after(length, &right_info));
    all.extend(garbage_inside(length, &hash));
    all
}

/// `DigestInfo`s that say the same in another way, or something else.
fn wrong_infos(hash: &[u8]) -> Vec<Encoding> {
    let sha1 = "3021300906052b0e03021a05000414";
    let sha512 = "3051300d060960864801650304020305000440";
    let md5 = "3020300c06082a864886f70d020505000410";
    let long = [hash, hash].concat();
    let mut flipped = hash.to_vec();
    flipped[31] ^= 1;
    [
        ("no DigestInfo", "", hash),
        ("nothing", "", &[]),
        ("parameters missing", "302f300b06096086480165030402010420", hash),
        ("parameters missing, lengths as if not", "3031300d06096086480165030402010420", hash),
        ("parameters an empty OCTET STRING", "3031300d060960864801650304020104000420", hash),
        ("parameters a NULL with content", "3033300f0609608648016503040201050200000420", hash),
        ("parameters garbage", "303530110609608648016503040201040400112233", hash),
        (
            "parameters garbage, and the hash in its place",
            "3035301106096086480165030402010404001122330420",
            hash,
        ),
        ("length in long form", "308131300d060960864801650304020105000420", hash),
        ("inner length in long form", "303230810d060960864801650304020105000420", hash),
        ("hash length in long form", "3032300d06096086480165030402010500048120", hash),
        ("indefinite length", "3080300d060960864801650304020105000420", hash),
        ("length one too short", "3030300d060960864801650304020105000420", hash),
        ("length one too long", "3032300d060960864801650304020105000420", hash),
        ("hash in a BIT STRING", "3031300d060960864801650304020105000320", hash),
        ("hash in a constructed OCTET STRING", "3031300d060960864801650304020105002420", hash),
        ("a SET", "3131300d060960864801650304020105000420", hash),
        ("SHA-1 and its length", sha1, &hash[..20]),
        ("SHA-1 with 32 bytes", "302d300906052b0e03021a05000420", hash),
        ("MD5", md5, &hash[..16]),
        ("SHA-224", "302d300d06096086480165030402040500041c", &hash[..28]),
        ("SHA-384", "3041300d060960864801650304020205000430", &long[..48]),
        ("SHA-512", sha512, &long),
        ("SHA-512 with 32 bytes", "3031300d060960864801650304020305000420", hash),
        ("SHA-512/256", "3031300d060960864801650304020605000420", hash),
        ("SHA3-256", "3031300d060960864801650304020805000420", hash),
        ("another hash", SHA256_INFO, &flipped),
        ("31 bytes of the hash", "3030300d06096086480165030402010500041f", &hash[..31]),
        ("31 bytes of the hash, said to be 32", SHA256_INFO, &hash[..31]),
        ("a byte after the hash", SHA256_INFO, &[hash, &[0][..]].concat()),
        (
            "a byte after the hash, counted",
            "3032300d060960864801650304020105000421",
            &[hash, &[0][..]].concat(),
        ),
        ("a second hash", SHA256_INFO, &long),
        ("NULL after the hash", "3033300d060960864801650304020105000420", &[hash, &[5, 0][..]].concat()),
    ]
    .into_iter()
    .map(|(name, prefix, hash)| (format!("info: {name}"), info(prefix, hash)))
    .collect()
}

/// Paddings that are none, around the right `DigestInfo`.
fn wrong_paddings(length: usize, right: &[u8]) -> Vec<Encoding> {
    let good = padded(length, 1, 0xff, right);
    let separator = length - right.len() - 1;
    let changed = |at: usize, byte: u8| {
        let mut changed = good.clone();
        changed[at] = byte;
        changed
    };
    let mut all = vec![
        ("block type 00".to_owned(), padded(length, 0, 0, right)),
        ("block type 00 with FF".to_owned(), padded(length, 0, 0xff, right)),
        ("block type 02".to_owned(), padded(length, 2, 0xff, right)),
        ("block type 02 with AA".to_owned(), padded(length, 2, 0xaa, right)),
        ("block type 03".to_owned(), padded(length, 3, 0xff, right)),
        ("padding of 00".to_owned(), padded(length, 1, 0, right)),
        ("padding of FE".to_owned(), padded(length, 1, 0xfe, right)),
        ("no separator".to_owned(), changed(separator, 0xff)),
        ("separator 01".to_owned(), changed(separator, 1)),
        ("two separators".to_owned(), changed(separator - 1, 0)),
        ("separator eight bytes in".to_owned(), changed(10, 0)),
        ("info at the left, nothing before".to_owned(), [right, &vec![0; length - right.len()]].concat()),
    ];
    for at in [2, 3, 9, 10, 11, length / 3, separator - 2, separator - 1] {
        for byte in [0, 1, 0x7f, 0xfe] {
            all.push((format!("padding byte {at} is {byte:02x}"), changed(at, byte)));
        }
    }
    all.into_iter().map(|(name, encoding)| (format!("padding: {name}"), encoding)).collect()
}

/// Short padding, the right `DigestInfo`, and garbage where nothing may be: what Bleichenbacher's forgery of 2006 needs.
fn garbage_after(length: usize, right: &[u8]) -> Vec<Encoding> {
    let mut all = Vec::new();
    for padding in [0, 1, 7, 8, 9, 20, length - right.len() - 4] {
        for garbage in [0, 0xff, 0x5a] {
            let mut encoding = [&[0, 1][..], &vec![0xff; padding], &[0], right].concat();
            encoding.resize(length, garbage);
            all.push((
                format!("forgery: {padding} bytes of padding, {garbage:02x} after the hash"),
                encoding,
            ));
        }
    }
    all
}

/// The same with the garbage inside, as parameters of the algorithm, every length right: what a parser that skips
/// parameters takes.
fn garbage_inside(length: usize, hash: &[u8]) -> Vec<Encoding> {
    let oid = bytes("0609608648016503040201");
    let made = |padding: usize, garbage: usize| {
        let algorithm = tlv(0x30, &[&oid[..], &tlv(4, &vec![0x5a; garbage])].concat());
        let info = tlv(0x30, &[algorithm, tlv(4, hash)].concat());
        [&[0, 1][..], &vec![0xff; padding], &[0], &info].concat()
    };
    let fitting =
        |padding: usize| (0..length).map(|garbage| made(padding, garbage)).find(|it| it.len() == length);
    let found = [0, 8, 9, 40, 100].into_iter().filter_map(|padding| Some((padding, fitting(padding)?)));
    found
        .map(|(padding, it)| (format!("forgery: {padding} bytes of padding, garbage for parameters"), it))
        .collect()
}

/// A value in DER (X.690): its tag, its length in as few bytes as it takes, and its content.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    let head = if content.len() < 128 {
        vec![tag, significant[0]]
    } else {
        [&[tag, 0x80 | u8::try_from(significant.len()).unwrap()][..], significant].concat()
    };
    [head, content.to_vec()].concat()
}
