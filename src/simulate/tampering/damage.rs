//! Damage to a stored body, whatever the content.

use super::super::{SimulateError, Spec, pack};

/// Length of a gzip member's trailer: CRC-32 and size (RFC 1952).
const GZIP_TRAILER: usize = 8;

/// A way to damage a body.
#[derive(Clone, Copy, Debug)]
pub(super) enum BodyDamage {
    /// Other content of the same length, packed like the delivery.
    ByteChanged,
    /// The gzip trailer is cut off.
    Truncated,
    /// A second gzip member follows.
    MemberAppended,
    /// Bytes that are not gzip follow.
    JunkAppended,
    /// Plain text.
    NotGzip,
    /// JSON that is not a digest.
    NoDigest,
    /// Gzip that inflates to the given size in MiB.
    Bomb(u32),
    /// An empty body.
    Emptied,
}

impl BodyDamage {
    /// Returns the damaged body.
    pub(super) fn to(self, spec: &Spec, stored: Vec<u8>) -> Result<Vec<u8>, SimulateError> {
        match self {
            Self::ByteChanged => spec.pack(&change_byte(pack::inflate(&stored)?)),
            Self::Truncated => {
                let kept = stored.len().saturating_sub(GZIP_TRAILER);
                Ok(stored.into_iter().take(kept).collect())
            }
            Self::MemberAppended => Ok([stored, pack::gzip(br#"{"Records":[]}"#)?].concat()),
            Self::JunkAppended => Ok([stored, b"trailing bytes".to_vec()].concat()),
            Self::NotGzip => Ok(b"neither gzip nor JSON\n".to_vec()),
            Self::NoDigest => spec.pack(br#"["no","digest"]"#),
            Self::Bomb(size) => pack::bomb(size),
            Self::Emptied => Ok(Vec::new()),
        }
    }
}

/// Changes a byte of the content: the first digit of the second half, so that JSON stays JSON.
pub(super) fn change_byte(mut content: Vec<u8>) -> Vec<u8> {
    let middle = content.len() / 2;
    let place =
        content.iter().skip(middle).position(u8::is_ascii_digit).map_or(middle, |offset| middle + offset);
    match content.get_mut(place) {
        Some(digit @ b'1'..=b'9') => *digit -= 1,
        Some(byte) => *byte ^= 1,
        None => content.push(b' '),
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_differs() {
        for (from, to) in [("", " "), ("a", "`"), ("1x5", "1x4"), ("0", "1"), ("ab", "ac")] {
            assert_eq!(change_byte(from.as_bytes().to_vec()), to.as_bytes());
        }
    }
}
