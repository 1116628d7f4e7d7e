//! Lines of bounded length.

use std::io::{self, BufRead, Read as _};

/// A line that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReadLine {
    /// The line, without its end.
    Whole(Vec<u8>),
    /// A line of more bytes than allowed, which was passed over.
    TooLong,
}

/// Reads the next line of at most `most` bytes; `None` at the end. Lines end in `\n` or `\r\n`. The last line may lack its end.
///
/// # Errors
/// The errors of `from`.
pub fn next_line(from: &mut impl BufRead, most: usize) -> io::Result<Option<ReadLine>> {
    let mut line = Vec::new();
    let limit = (most as u64).saturating_add(2);
    let read = from.by_ref().take(limit).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    let has_end = line.ends_with(b"\n");
    if has_end {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    if line.len() <= most {
        return Ok(Some(ReadLine::Whole(line)));
    }
    if !has_end {
        skip_line(from)?;
    }
    Ok(Some(ReadLine::TooLong))
}

/// Skips the rest of a line without keeping it.
fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let available = from.fill_buf()?;
        if available.is_empty() {
            return Ok(());
        }
        match available.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                from.consume(at + 1);
                return Ok(());
            }
            None => {
                let length = available.len();
                from.consume(length);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded() {
        let whole = |text: &str| Some(ReadLine::Whole(text.as_bytes().to_vec()));
        let mut from =
            io::BufReader::with_capacity(3, &b"abcd\n\nabcde\r\nabcdef\nabcd\r\nabcdefghijk\nx"[..]);
        let mut next = || next_line(&mut from, 4).unwrap();
        assert_eq!(next(), whole("abcd"));
        assert_eq!(next(), whole(""));
        assert_eq!(next(), Some(ReadLine::TooLong));
        assert_eq!(next(), Some(ReadLine::TooLong));
        assert_eq!(next(), whole("abcd"));
        assert_eq!(next(), Some(ReadLine::TooLong));
        assert_eq!(next(), whole("x"));
        assert_eq!(next(), None);
    }
}
