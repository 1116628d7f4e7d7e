//! Reads a stored body: exactly one whole gzip member, inflated in pieces up to a limit.
//!
//! A gzip file may hold several members (RFC 1952, section 2.2). Many readers stop after the first member, or accept
//! a truncated trailer. CloudTrail writes one member, so extra bytes or missing bytes are evidence of a change.

mod member;

use std::io::{self, BufRead, Read};

use sha2::{Digest as _, Sha256};

use crate::event::BodyFault;
use crate::ident::Sha256Hash;

/// First byte of every gzip member, and of no JSON text. A single byte is enough, because a reader may return one
/// byte at a time.
const MAGIC: u8 = 0x1f;

/// Extra stored bytes allowed, beside an eighth of the limit. A deflate stream may hold empty blocks (RFC 1951,
/// section 3.2.4), and a name in the header has no length limit, so a stream of either never reaches the limit of
/// inflated bytes. Incompressible data grows by at most an eighth: the longest fixed code of a byte has 9 bits
/// (section 3.2.6). The extra bytes are for headers, and for writers with many blocks.
const ROOM: u64 = 1 << 20;

/// Possible encodings of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// Gzip only, as delivered by CloudTrail.
    Gzip,
    /// Gzip, or plain text if the body does not begin like gzip: some clients save inflated copies, and some stores
    /// send inflated bodies.
    GzipOrPlain,
}

/// Why a body has no valid content.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BodyError {
    /// The body was read to the end and is not exactly one whole gzip member.
    #[error("{0}")]
    Malformed(BodyFault),
    /// The inflated body exceeds the limit, in bytes; the rest was not read.
    #[error("inflates to more than the limit of {0} bytes")]
    TooLarge(u64),
    /// The stored body exceeds the limit of inflated bytes, plus an eighth and 1 MiB, before inflating to the limit.
    /// Holds the limit, in bytes.
    #[error("the stored body exceeds the limit of {0} bytes without inflating to the limit")]
    TooLong(u64),
    /// Reading failed; the content is unknown.
    #[error("{0}")]
    Unreadable(String),
}

/// Sizes of a body, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Sizes {
    /// Stored size.
    pub compressed: u64,
    /// Inflated size.
    pub inflated: u64,
}

/// Inflates `body` and hashes the content, without keeping the content.
///
/// # Errors
/// [`BodyError`]; a read error of `body` is always [`BodyError::Unreadable`].
pub fn hash(
    body: &mut dyn BufRead,
    encoding: Encoding,
    limit: u64,
) -> Result<(Sha256Hash, Sizes), BodyError> {
    let mut hasher = Sha256::new();
    let sizes = read(body, encoding, limit, |piece| hasher.update(piece))?;
    Ok((Sha256Hash(hasher.finalize().into()), sizes))
}

/// Inflates `body` into memory.
///
/// # Errors
/// The errors of [`hash`].
pub fn inflate(
    body: &mut dyn BufRead,
    encoding: Encoding,
    limit: u64,
) -> Result<(Vec<u8>, Sizes), BodyError> {
    let mut content = Vec::new();
    let sizes = read(body, encoding, limit, |piece| content.extend_from_slice(piece))?;
    Ok((content, sizes))
}

fn read(
    body: &mut dyn BufRead,
    encoding: Encoding,
    limit: u64,
    take: impl FnMut(&[u8]),
) -> Result<Sizes, BodyError> {
    let most = limit.saturating_add(limit / 8).saturating_add(ROOM);
    let mut source = CountedBody { body, consumed: 0, most, is_too_long: false, failure: None };
    let start = source.fill_buf().map(|bytes| (bytes.is_empty(), bytes.first() == Some(&MAGIC)));
    let result = match (start, encoding) {
        (Err(_), _) => Err(BodyError::Malformed(BodyFault::CutOff)),
        (Ok((true, _)), _) => Err(BodyError::Malformed(BodyFault::Empty)),
        (Ok((_, true)), _) => read_member(&mut source, limit, take),
        (Ok(_), Encoding::GzipOrPlain) => member::copy(&mut source, limit, take),
        (Ok(_), Encoding::Gzip) => Err(BodyError::Malformed(BodyFault::NotGzip)),
    };
    // A read error comes first: the decoder saw only a part of the body.
    match (source.failure, result) {
        (Some(failure), _) => Err(BodyError::Unreadable(failure)),
        (None, _) if source.is_too_long => Err(BodyError::TooLong(limit)),
        (None, Ok(inflated)) => Ok(Sizes { compressed: source.consumed, inflated }),
        (None, Err(error)) => Err(error),
    }
}

fn read_member(source: &mut CountedBody<'_>, limit: u64, take: impl FnMut(&[u8])) -> Result<u64, BodyError> {
    let inflated = member::read(source, limit, take)?;
    // CloudTrail writes a single member, so bytes after the member are evidence.
    match source.fill_buf() {
        Ok([]) => Ok(inflated),
        Ok(_) => Err(BodyError::Malformed(BodyFault::Trailing)),
        Err(_) => Err(BodyError::Malformed(BodyFault::CutOff)),
    }
}

/// The stored body, with a count of consumed bytes. Keeps read errors apart from the decoder's errors.
struct CountedBody<'a> {
    body: &'a mut dyn BufRead,
    consumed: u64,
    /// Most bytes to consume.
    most: u64,
    /// Whether more than `most` bytes were available.
    is_too_long: bool,
    failure: Option<String>,
}

impl Read for CountedBody<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), available.get(..length)) {
            to.copy_from_slice(from);
        }
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for CountedBody<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // An interrupted read is retried. The second `fill_buf` below is needed because the borrow checker does not
        // let borrowed bytes out of a loop.
        while let Err(error) = self.body.fill_buf() {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failure = Some(error.to_string());
                return Err(error);
            }
        }
        let bytes = self.body.fill_buf();
        // A body that ends exactly here is not too long.
        if self.consumed > self.most && bytes.as_ref().is_ok_and(|bytes| !bytes.is_empty()) {
            self.is_too_long = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if let Err(error) = &bytes {
            self.failure = Some(error.to_string());
        }
        bytes
    }

    fn consume(&mut self, amount: usize) {
        self.consumed += amount as u64;
        self.body.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gz(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn hashed(body: &[u8]) -> Result<Sha256Hash, BodyError> {
        hash(&mut &*body, Encoding::Gzip, 1 << 20).map(|(hash, _)| hash)
    }

    #[test]
    fn one_whole_member_is_hashed_inflated() {
        let body = gz(b"{}");
        let (hash, sizes) = hash(&mut body.as_slice(), Encoding::Gzip, 2).unwrap();
        assert_eq!(hash, Sha256Hash::of(b"{}"));
        assert_eq!(sizes, Sizes { compressed: body.len() as u64, inflated: 2 });
    }

    #[test]
    fn anything_else_is_malformed() {
        let body = gz(b"{}");
        for cut in 0..body.len() {
            assert!(matches!(hashed(&body[..cut]), Err(BodyError::Malformed(_))), "cut at {cut}");
        }
        assert!(hashed(&[body.clone(), body.clone()].concat()).is_err());
        assert!(hashed(&[body.clone(), gz(b"")].concat()).is_err());
        assert!(hashed(&[body.as_slice(), &[0]].concat()).is_err());
        assert!(hashed(b"{}").is_err());
        let mut wrong_crc = body.clone();
        let at = wrong_crc.len() - 6;
        wrong_crc[at] ^= 1;
        assert!(hashed(&wrong_crc).is_err());
    }

    #[test]
    fn inflating_stops_at_the_limit() {
        let bomb = gz(&vec![0; 1 << 20]);
        assert_eq!(hash(&mut bomb.as_slice(), Encoding::Gzip, 1000), Err(BodyError::TooLarge(1000)));
        assert_eq!(inflate(&mut bomb.as_slice(), Encoding::Gzip, 1000), Err(BodyError::TooLarge(1000)));
    }

    #[test]
    fn what_inflates_to_the_limit_exactly_is_within_it() {
        let content = vec![7; 1000];
        for body in [content.clone(), gz(&content)] {
            let read = |limit| {
                let mut pieces = io::BufReader::with_capacity(3, body.as_slice());
                inflate(&mut pieces, Encoding::GzipOrPlain, limit)
                    .map(|(content, sizes)| (content, sizes.inflated))
            };
            assert_eq!(read(1000), Ok((content.clone(), 1000)));
            assert_eq!(read(2000), Ok((content.clone(), 1000)));
            assert_eq!(read(999), Err(BodyError::TooLarge(999)));
            assert_eq!(read(0), Err(BodyError::TooLarge(0)));
        }
    }

    #[test]
    fn a_stream_that_is_cut_off_is_told_from_one_that_is_wrong() {
        let body = gz(b"{\"Records\":[]}");
        let said = |body: &[u8]| hash(&mut &*body, Encoding::Gzip, 100).unwrap_err();
        for cut in 1..body.len() {
            assert_eq!(said(&body[..cut]), BodyError::Malformed(BodyFault::CutOff), "cut at {cut}");
        }
        let last = body.len() - 1;
        for at in [1, 2, 10, last - 7, last] {
            let mut wrong = body.clone();
            wrong[at] ^= 0xff;
            assert_eq!(said(&wrong), BodyError::Malformed(BodyFault::Corrupt), "byte {at}");
        }
    }

    /// A gzip member with `between` where its deflate stream begins, `name` in its header and no checksum of that.
    fn member(name: Option<&[u8]>, between: &[u8]) -> Vec<u8> {
        let whole = gz(b"{}");
        let mut body = whole[..10].to_vec();
        if let Some(name) = name {
            body[3] |= 8;
            body.extend(name);
            body.push(0);
        }
        [body.as_slice(), between, &whole[10..]].concat()
    }

    #[test]
    fn blocks_without_content_are_no_way_around_the_limit() {
        let hashed = |body: &[u8]| hash(&mut &*body, Encoding::Gzip, 1000).map(|(hash, _)| hash);
        let blocks = |bytes: u64| [0, 0, 0, 0xff, 0xff].repeat(usize::try_from(bytes / 5).unwrap());
        assert_eq!(hashed(&member(None, &blocks(ROOM - 1000))), Ok(Sha256Hash::of(b"{}")));
        assert_eq!(hashed(&member(None, &blocks(ROOM + 2000))), Err(BodyError::TooLong(1000)));
    }

    #[test]
    fn a_name_without_end_is_not_read_for_ever() {
        let hashed = |body: &[u8]| hash(&mut &*body, Encoding::Gzip, 1000).map(|(hash, _)| hash);
        for length in [1, 0xffff, 0x10000, 0x10001, 1 << 20] {
            assert_eq!(hashed(&member(Some(&vec![7; length]), &[])), Ok(Sha256Hash::of(b"{}")), "{length}");
        }
        assert_eq!(hashed(&member(Some(&vec![7; 2 << 20]), &[])), Err(BodyError::TooLong(1000)));
    }

    #[test]
    fn a_copy_on_disk_may_be_inflated() {
        let plain = |body: &[u8]| hash(&mut &*body, Encoding::GzipOrPlain, 100).map(|(hash, _)| hash);
        assert_eq!(plain(b"{}"), Ok(Sha256Hash::of(b"{}")));
        assert_eq!(plain(&gz(b"{}")), Ok(Sha256Hash::of(b"{}")));
        assert_eq!(plain(b""), Err(BodyError::Malformed(BodyFault::Empty)));
    }

    #[test]
    fn a_failing_reader_is_no_tampering() {
        struct Failing(Vec<u8>, usize);
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        impl BufRead for Failing {
            fn fill_buf(&mut self) -> io::Result<&[u8]> {
                if self.1 < self.0.len() { Ok(&self.0[self.1..]) } else { Err(io::Error::other("gone")) }
            }
            fn consume(&mut self, amount: usize) {
                self.1 += amount;
            }
        }
        let body = gz(b"{}");
        for kept in 0..=body.len() {
            let mut failing = Failing(body[..kept].to_vec(), 0);
            let result = hash(&mut failing, Encoding::Gzip, 100);
            assert_eq!(result, Err(BodyError::Unreadable("gone".to_owned())), "{kept}");
        }
    }
}
