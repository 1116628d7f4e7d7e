//! Decodes text files of other programs: UTF-8 with or without a byte order mark, and UTF-16.
//!
//! Windows PowerShell writes UTF-16 for `>`, and a byte order mark for `Out-File -Encoding utf8`.

use std::borrow::Cow;

/// Why bytes are not text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TextEncodingError {
    /// Invalid UTF-8; holds the offset of the first invalid byte.
    #[error("not text: byte {0} is not valid UTF-8")]
    Utf8(usize),
    /// Invalid UTF-16: an unpaired surrogate, or an odd number of bytes.
    #[error("not text: invalid UTF-16")]
    Utf16,
    /// UTF-32.
    #[error("text in UTF-32, which is not supported")]
    Utf32,
}

/// Decodes UTF-8 and UTF-16, without the byte order mark. UTF-16 without a mark is recognised by the zero byte beside
/// an ASCII character at the start.
///
/// # Errors
/// [`TextEncodingError`] if the bytes are not valid in their encoding.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, TextEncodingError> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(TextEncodingError::Utf32),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [1..=0x7f, 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, 1..=0x7f, ..] => utf16(bytes, u16::from_be_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, TextEncodingError> {
    let text = std::str::from_utf8(bytes);
    text.map(Cow::Borrowed).map_err(|error| TextEncodingError::Utf8(error.valid_up_to()))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'static, str>, TextEncodingError> {
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(TextEncodingError::Utf16);
    }
    let text = char::decode_utf16(units.iter().map(|bytes| unit(*bytes))).collect::<Result<String, _>>();
    text.map(Cow::Owned).map_err(|_| TextEncodingError::Utf16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_of_powershell_is_decoded() {
        let units = |unit: fn(u16) -> [u8; 2]| "{\"é😀\"}".encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        let (le, be) = (units(u16::to_le_bytes), units(u16::to_be_bytes));
        for bytes in [
            "{\"é😀\"}".as_bytes(),
            &[b"\xef\xbb\xbf", "{\"é😀\"}".as_bytes()].concat(),
            &[&b"\xff\xfe"[..], &le].concat(),
            &[&b"\xfe\xff"[..], &be].concat(),
            &le,
            &be,
        ] {
            assert_eq!(decode(bytes).unwrap(), "{\"é😀\"}", "{bytes:?}");
        }
        for empty in [&b""[..], b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"] {
            assert_eq!(decode(empty).unwrap(), "", "{empty:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        for (bytes, error) in [
            (&b"ab\xffc"[..], TextEncodingError::Utf8(2)),
            (b"\x1f\x8b\x08", TextEncodingError::Utf8(1)),
            (b"\xff\xfea", TextEncodingError::Utf16),
            (b"\xff\xfe\x00\xd8", TextEncodingError::Utf16),
            (b"\xff\xfe\x00\x00{\x00\x00\x00", TextEncodingError::Utf32),
        ] {
            assert_eq!(decode(bytes), Err(error), "{bytes:?}");
        }
    }
}
