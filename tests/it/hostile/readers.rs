//! Bodies whose reader gives little at a time, or is interrupted.

use std::io::{self, BufRead, BufReader, Read};

use trailproof::gzip;
use trailproof::store::Encoding;

use super::good;

/// How much of a body a reader has at a time is not up to whoever wrote the body.
#[test]
fn a_body_that_arrives_byte_by_byte_is_the_same_body() {
    for encoding in [Encoding::Gzip, Encoding::GzipOrPlain] {
        let whole = gzip::hash(&mut &good().log[..], encoding, 1 << 20);
        let piecewise = gzip::hash(&mut BufReader::with_capacity(1, &good().log[..]), encoding, 1 << 20);
        assert_eq!(piecewise, whole, "{encoding:?}");
    }
}

/// A reader that is interrupted, once, when so many bytes of it are left.
struct Interrupted<'b> {
    rest: &'b [u8],
    at: Option<usize>,
}

impl Read for Interrupted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Interrupted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.at.take_if(|at| self.rest.len() <= *at) {
            Some(_) => Err(io::ErrorKind::Interrupted.into()),
            None => Ok(&self.rest[..self.rest.len().min(7)]),
        }
    }

    fn consume(&mut self, amount: usize) {
        self.rest = &self.rest[amount..];
    }
}

#[test]
fn a_body_whose_reader_is_interrupted_is_the_same_body() {
    let plain = &good().digest;
    for (body, encoding) in
        [(&good().log, Encoding::Gzip), (&good().log, Encoding::GzipOrPlain), (plain, Encoding::GzipOrPlain)]
    {
        let whole = gzip::hash(&mut &body[..], encoding, 1 << 20);
        assert!(whole.is_ok(), "{whole:?}");
        for at in [body.len(), body.len() / 2, 8, 0] {
            let mut reader = Interrupted { rest: body, at: Some(at) };
            assert_eq!(gzip::hash(&mut reader, encoding, 1 << 20), whole, "{encoding:?}, {at} bytes left");
            assert_eq!(reader.at, None, "{at} bytes left");
        }
    }
}
