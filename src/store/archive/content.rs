//! Content of members that are read by position.

use std::io::{self, BufRead as _, BufReader, Read};

use super::problem::MemberProblem;

/// Size of the buffers of two compared contents, in bytes.
const BUFFER: usize = 128 << 10;

/// The error for content that ends early.
pub(super) fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, MemberProblem::CutOff)
}

/// Content of a known length: fewer bytes are an error, not an end. The file may have become shorter.
pub(super) struct WholeContent<R> {
    pub(super) content: R,
    pub(super) left: u64,
}

impl<R: Read> Read for WholeContent<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let Some(into) = into.get_mut(..most).filter(|into| !into.is_empty()) else { return Ok(0) };
        let read = self.content.read(into)?;
        if read == 0 {
            return Err(cut_off());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// Compares two contents. Unreadable content is not the same as any other.
pub(super) fn have_same_bytes(one: io::Result<impl Read>, other: io::Result<impl Read>) -> bool {
    let (Ok(one), Ok(other)) = (one, other) else { return false };
    let mut readers = (BufReader::with_capacity(BUFFER, one), BufReader::with_capacity(BUFFER, other));
    loop {
        match (readers.0.fill_buf(), readers.1.fill_buf()) {
            (Ok([]), Ok([])) => return true,
            (Ok(one), Ok(other)) => {
                let length = one.len().min(other.len());
                if length == 0 || one.get(..length) != other.get(..length) {
                    return false;
                }
                readers.0.consume(length);
                readers.1.consume(length);
            }
            _ => return false,
        }
    }
}
