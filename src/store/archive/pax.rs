//! Records of PAX extended headers (POSIX.1-2024, pax, "pax Extended Header").

use std::collections::BTreeMap;
use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::store::Metadata;

/// Extended attributes as GNU tar and star write them: the value as it is.
const SCHILY_ATTRIBUTE: &[u8] = b"SCHILY.xattr.";

/// Extended attributes as libarchive writes them: the name percent-encoded, the value in base64.
const LIBARCHIVE_ATTRIBUTE: &[u8] = b"LIBARCHIVE.xattr.";

/// The namespace of attributes that users set (xattr(7)).
const USER: &[u8] = b"user.";

/// The records of an extended header that say where and what a member is.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct PaxRecords {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// Whether the member is a sparse file of GNU tar's PAX formats.
    pub(super) is_sparse: bool,
    /// Attributes in the namespace `user`. `Err` if a name or value cannot be read, or two values differ.
    pub(super) attributes: Option<Result<Metadata, ()>>,
}

impl PaxRecords {
    /// Parses the content of an extended header. `None` if the header is invalid.
    ///
    /// The crate `tar` splits records at line breaks, but a value may contain line breaks.
    pub(super) fn parse(mut content: &[u8]) -> Option<Self> {
        let mut records = Self::default();
        let mut values: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut are_readable = true;
        // Some writers fill the rest of the block with zeros.
        while content.first().is_some_and(|&byte| byte != 0) {
            let (key, value, rest) = record(content)?;
            content = rest;
            match key {
                b"path" => records.path = Some(value.to_vec()),
                b"linkpath" => records.link = Some(value.to_vec()),
                b"size" => records.size = Some(str::from_utf8(value).ok()?.parse().ok()?),
                // The real name of a sparse file; `path` has a made-up one.
                b"GNU.sparse.name" => {
                    records.is_sparse = true;
                    records.path = Some(value.to_vec());
                }
                key if key.starts_with(b"GNU.sparse.") => records.is_sparse = true,
                key => match attribute(key, value) {
                    Some(Ok((name, value))) => {
                        let same = values.insert(name, value.clone()).is_none_or(|earlier| earlier == value);
                        are_readable &= same;
                    }
                    Some(Err(())) => are_readable = false,
                    None => {}
                },
            }
        }
        records.attributes = match (are_readable, values.is_empty()) {
            (true, true) => None,
            (true, false) => Some(metadata(values)),
            (false, _) => Some(Err(())),
        };
        Some(records)
    }

    /// Whether a global header changes names, sizes or attributes of all later members.
    pub(super) fn changes_members(&self) -> bool {
        *self != Self::default()
    }
}

/// Splits the first record, `LENGTH KEY=VALUE\n`, where the length counts the whole record.
fn record(content: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = content.iter().take(20).position(|&byte| byte == b' ')?;
    let length: usize = str::from_utf8(content.get(..space)?).ok()?.parse().ok()?;
    let (whole, rest) = content.split_at_checked(length)?;
    let pair = whole.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|&byte| byte == b'=')?;
    Some((pair.get(..equals)?, pair.get(equals + 1..)?, rest))
}

/// Name without `user.`, and value.
type NamedValue = (Vec<u8>, Vec<u8>);

/// Reads an attribute in the namespace `user`. `None` if the record is no such attribute.
fn attribute(key: &[u8], value: &[u8]) -> Option<Result<NamedValue, ()>> {
    if let Some(name) = key.strip_prefix(SCHILY_ATTRIBUTE) {
        let name = name.strip_prefix(USER)?;
        return Some(Ok((name.to_vec(), value.to_vec())));
    }
    let name = percent_decoded(key.strip_prefix(LIBARCHIVE_ATTRIBUTE)?);
    let name = name.strip_prefix(USER)?;
    // libarchive writes base64 without padding.
    let value = STANDARD_NO_PAD.decode(value).or_else(|_| STANDARD.decode(value));
    Some(value.map(|value| (name.to_vec(), value)).map_err(|_| ()))
}

fn percent_decoded(name: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| first == b'%').and_then(|hex| {
            u8::from_str_radix(str::from_utf8(hex).ok().filter(|hex| !hex.contains('+'))?, 16).ok()
        });
        decoded.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    decoded
}

/// Metadata names are in lower case, as S3 shows them.
fn metadata(values: BTreeMap<Vec<u8>, Vec<u8>>) -> Result<Metadata, ()> {
    let count = values.len();
    let pairs = values.into_iter().map(|(name, value)| {
        let name = String::from_utf8(name).map_err(|_| ())?;
        Ok((name.to_ascii_lowercase(), String::from_utf8(value).map_err(|_| ())?))
    });
    let metadata: Metadata = pairs.collect::<Result<_, ()>>()?;
    // Two names that differ by case only.
    if metadata.len() == count { Ok(metadata) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(records: &[(&str, &[u8])]) -> Vec<u8> {
        let mut content = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let length =
                (1..=9).map(|digits| rest + digits).find(|length| rest + length.to_string().len() == *length);
            content.extend(format!("{} {key}=", length.unwrap()).bytes());
            content.extend(*value);
            content.push(b'\n');
        }
        content
    }

    fn attributes(records: &[(&str, &[u8])]) -> Option<Result<Vec<(String, String)>, ()>> {
        let parsed = PaxRecords::parse(&written(records)).unwrap();
        parsed.attributes.map(|read| read.map(|metadata| metadata.into_iter().collect()))
    }

    #[test]
    fn records_are_read_with_line_breaks_in_values() {
        let records = PaxRecords::parse(&written(&[
            ("comment", b"two\nlines\n20 path=x\n"),
            ("path", "a/b\u{fc}".as_bytes()),
            ("size", b"77"),
            ("linkpath", b"c"),
        ]));
        let right = PaxRecords {
            path: Some("a/b\u{fc}".as_bytes().to_vec()),
            link: Some(b"c".to_vec()),
            size: Some(77),
            ..PaxRecords::default()
        };
        assert_eq!(records, Some(right));
        assert!(!PaxRecords::parse(&written(&[("comment", b"0123abc")])).unwrap().changes_members());
    }

    #[test]
    fn invalid_records_are_refused() {
        for content in [
            "7 a=bc",
            "x a=b\n",
            "99 a=b\n",
            "5 ab\n",
            "1 a=b\n",
            "-6 a=b\n",
            "6a=b\n",
            "10 size=x\n",
            "99999999999999999999999 a=b\n",
        ] {
            assert_eq!(PaxRecords::parse(content.as_bytes()), None, "{content:?}");
        }
    }

    #[test]
    fn attributes_are_read_in_both_spellings() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            attributes(&[
                ("SCHILY.xattr.user.Signature", b"abc"),
                ("LIBARCHIVE.xattr.user.signature%2dalgorithm", b"U0hBMjU2"),
                ("LIBARCHIVE.xattr.user.Signature", b"YWJj"),
                ("SCHILY.xattr.security.selinux", b"\xff"),
            ]),
            Some(Ok(vec![pair("signature", "abc"), pair("signature-algorithm", "SHA256")])),
        );
        assert_eq!(attributes(&[("SCHILY.xattr.trusted.x", b"1")]), None);
        for broken in [
            &[("SCHILY.xattr.user.a", b"\xff" as &[u8])] as &[(&str, &[u8])],
            &[("LIBARCHIVE.xattr.user.a", b"****")],
            &[("SCHILY.xattr.user.a", b"1"), ("LIBARCHIVE.xattr.user.a", b"Mg")],
            &[("SCHILY.xattr.user.a", b"1"), ("SCHILY.xattr.user.A", b"1")],
        ] {
            assert_eq!(attributes(broken), Some(Err(())), "{broken:?}");
        }
    }
}
