//! Public keys in a file: the output of `aws cloudtrail list-public-keys` in JSON, YAML or text, or PEM.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

mod columns;
mod list;
mod yaml;

use super::{KeyRing, RejectedKey, TrustedKey};
use crate::signature::{KeyError, PublicKey};
use crate::text::encoding::{TextEncodingError, decode};
use crate::text::shortened;
use crate::time::{Interval, Timestamp};

/// Most unusable entries of a file listed one by one; further entries are counted.
const MAX_REJECTED: usize = 1_000;

/// Byte order mark.
const MARK: char = '\u{feff}';

/// Largest keys file that [`KeyRing::from_file`] reads, in bytes.
pub const MAX_FILE: u64 = 64 << 20;

/// Why a file contains no usable key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeysFileError {
    /// Neither a list of keys nor PEM.
    #[error("neither `list-public-keys` output nor PEM")]
    NotKeys,
    /// Not text.
    #[error(transparent)]
    Encoding(TextEncodingError),
    /// YAML that cannot be parsed; holds the reason.
    #[error("not usable as YAML: {0}")]
    Yaml(String),
    /// The output for people, which cuts long values.
    #[error("a table (`--output table`), which programs cannot read")]
    Table,
    /// PEM without a public key, such as a certificate or a private key.
    #[error("PEM without a block `PUBLIC KEY` or `RSA PUBLIC KEY`")]
    OtherPem,
    /// A page of a web site, such as an error page of a proxy.
    #[error("HTML or XML")]
    Markup,
    /// A list without entries.
    #[error("the list of keys is empty")]
    Empty,
    /// Every entry was rejected; the first reason.
    #[error("no key in the file is usable: entry {entry}: {reason}")]
    AllRejected {
        /// Place of the first entry, from 1.
        entry: usize,
        /// Why the entry is not usable.
        reason: String,
    },
}

/// Adds the keys in `bytes`, the content of the file `source`, to the ring. [`KeyRing::rejected`] keeps the unusable
/// entries.
///
/// # Errors
/// [`KeysFileError`] if no entry is usable.
pub fn load(ring: &mut KeyRing, source: &str, bytes: &[u8]) -> Result<(), KeysFileError> {
    let mut reader = KeysFileReader {
        ring,
        source,
        keys: Vec::new(),
        added: 0,
        rejected: Vec::new(),
        unnamed: 0,
        last: 0,
    };
    let text = decode(bytes).map_err(KeysFileError::Encoding)?;
    // Files that were put together keep the byte order mark of each.
    let text = if text.contains(MARK) { Cow::Owned(text.replace(MARK, "")) } else { text };
    let mut take = |value| reader.add_entry(json_key(value, source));
    match KeysFormat::of(&text) {
        KeysFormat::Pem => {
            pem_blocks(&text).for_each(|block| reader.add_entry(pem_key(block, source)));
            if reader.last == 0 {
                return Err(KeysFileError::OtherPem);
            }
        }
        KeysFormat::Json => list::read(&text, &mut take)?,
        KeysFormat::Columns => columns::read(&text, &mut take),
        KeysFormat::Yaml => yaml::read(&text, &mut take)?,
        KeysFormat::Table => return Err(KeysFileError::Table),
        KeysFormat::Markup => return Err(KeysFileError::Markup),
        KeysFormat::Unknown => return Err(KeysFileError::NotKeys),
    }
    reader.finish()
}

/// The format of a keys file, by its text.
enum KeysFormat {
    Pem,
    Json,
    Columns,
    Yaml,
    Table,
    Markup,
    Unknown,
}

impl KeysFormat {
    fn of(text: &str) -> Self {
        let start = text.trim_start();
        match start.chars().next() {
            // JSON before PEM: a string in JSON may hold a PEM block.
            Some('{' | '[') => Self::Json,
            Some('<') => Self::Markup,
            _ if text.contains("-----BEGIN ") => Self::Pem,
            Some('-' | '+') if start.contains("ListPublicKeys") && start.contains('|') => Self::Table,
            _ if columns::is_columns(text) => Self::Columns,
            _ if yaml::is_yaml(text) => Self::Yaml,
            _ => Self::Unknown,
        }
    }
}

impl KeyRing {
    /// Reads the keys in the file at `path`, of at most [`MAX_FILE`] bytes. [`KeyRing::rejected`] keeps the unusable
    /// entries.
    ///
    /// # Errors
    /// The error of reading the file, or a [`KeysFileError`] as [`io::ErrorKind::InvalidData`].
    pub fn from_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("larger than {MAX_FILE} bytes")));
        }
        let mut ring = Self::new();
        let loaded = load(&mut ring, &path.display().to_string(), &bytes);
        loaded.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(ring)
    }
}

/// Collects the entries of a file during parsing.
struct KeysFileReader<'a> {
    ring: &'a mut KeyRing,
    source: &'a str,
    /// Usable keys by fingerprint. The ring receives the keys after the last entry: a file that ends in invalid text
    /// gives no key.
    keys: Vec<(String, TrustedKey)>,
    added: usize,
    /// The first unusable entries.
    rejected: Vec<RejectedKey>,
    /// Number of further unusable entries.
    unnamed: usize,
    /// Number of the last entry, from 1.
    last: usize,
}

impl KeysFileReader<'_> {
    fn add_entry(&mut self, entry: ParsedEntry) {
        self.last += 1;
        match entry {
            Ok(keys) => {
                self.added += 1;
                self.keys.extend(keys);
            }
            Err(_) if self.rejected.len() >= MAX_REJECTED => self.unnamed += 1,
            Err(reason) => self.reject(shortened(reason)),
        }
    }

    fn reject(&mut self, reason: String) {
        let (source, entry) = (self.source.to_owned(), self.last);
        self.rejected.push(RejectedKey { source, region: None, entry, reason });
    }

    fn finish(mut self) -> Result<(), KeysFileError> {
        match self.rejected.first() {
            Some(first) if self.added == 0 => {
                return Err(KeysFileError::AllRejected { entry: first.entry, reason: first.reason.clone() });
            }
            None if self.added == 0 => return Err(KeysFileError::Empty),
            _ => {}
        }
        if self.unnamed > 0 {
            self.reject(format!("and {} more entries are not usable", self.unnamed));
        }
        self.keys.drain(..).for_each(|(fingerprint, key)| self.ring.learn(fingerprint, key));
        self.ring.reject(self.rejected);
        Ok(())
    }
}

/// Writes keys in the format of `list-public-keys`, as read by [`load`]. Leaves out keys without validity.
#[must_use]
pub fn to_json(keys: &[TrustedKey]) -> String {
    let listed = keys.iter().filter_map(|key| {
        let validity = key.validity?;
        Some(serde_json::json!({
            "Value": key.key.to_base64(),
            "ValidityStartTime": validity.start,
            "ValidityEndTime": validity.end,
            "Fingerprint": key.key.fingerprint(),
        }))
    });
    let file = serde_json::json!({ "PublicKeyList": listed.collect::<Vec<_>>() });
    serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
}

/// Why an entry with a .NET stream is rejected.
const NO_STREAM: &str = "`Value` is an object, not base64: PowerShell describes a stream here and leaves the key out; \
                         write `[Convert]::ToBase64String($_.Value.ToArray())` in its place";

/// Why an entry with Python's notation of bytes is rejected.
const NO_PYTHON: &str =
    "`Value` is Python's notation of bytes, not base64: save `base64.b64encode(key[\"Value\"])`";

/// A key under each of its possible fingerprints, or why the entry is not usable.
type ParsedEntry = Result<Vec<(String, TrustedKey)>, String>;

fn json_key(value: Value, source: &str) -> ParsedEntry {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct SavedKey {
        value: String,
        fingerprint: String,
        validity_start_time: Value,
        validity_end_time: Value,
    }
    // The parser's error would repeat a string in full, whatever the length.
    let Value::Object(fields) = value else {
        return Err("not an object with the fields of a key".to_owned());
    };
    let value =
        Value::Object(fields.into_iter().map(|(name, value)| (list::field_name(name), value)).collect());
    match value.get("Value") {
        // PowerShell's `ConvertTo-Json` writes the properties of the stream, without its bytes.
        Some(Value::Object(_)) => return Err(NO_STREAM.to_owned()),
        Some(Value::String(text)) if text.starts_with("b'") || text.starts_with("b\"") => {
            return Err(NO_PYTHON.to_owned());
        }
        _ => {}
    }
    let saved: SavedKey = serde_json::from_value(value).map_err(|error| error.to_string())?;
    let key = PublicKey::from_base64(&saved.value).map_err(|error| error.to_string())?;
    // Some tools write hex in capitals.
    if !key.fingerprint().eq_ignore_ascii_case(&saved.fingerprint) {
        return Err(other_fingerprint(&saved.fingerprint, &key));
    }
    let moment = |value: &Value| moment(value).ok_or("the validity times are missing or not valid");
    let (start, end) = (moment(&saved.validity_start_time)?, moment(&saved.validity_end_time)?);
    let validity = Interval::new(start, end).ok_or("the validity ends before it starts")?;
    Ok(vec![(
        key.fingerprint().to_owned(),
        TrustedKey { key, validity: Some(validity), source: source.to_owned(), region: None },
    )])
}

/// The reason for rejecting a key that is listed under another key's fingerprint.
pub(super) fn other_fingerprint(listed: &str, key: &PublicKey) -> String {
    let (listed, own) = (listed.escape_debug(), key.fingerprint());
    format!("fingerprint `{listed}` does not match the key, whose fingerprint is `{own}`")
}

/// Parses a time in any format of `list-public-keys`: seconds as a number or a string, RFC 3339, or milliseconds as
/// `/Date(1787961600000)/`, which Windows PowerShell writes.
fn moment(value: &Value) -> Option<Timestamp> {
    let seconds = |number: f64| {
        let whole = number.is_finite() && number.abs() < 1e12;
        #[expect(clippy::cast_possible_truncation, reason = "the size is checked")]
        whole.then(|| Timestamp::from_unix(number as i64))
    };
    match value {
        Value::Number(number) => seconds(number.as_f64()?),
        Value::String(text) if text.starts_with("/Date(") => {
            let milliseconds = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
            seconds(milliseconds.parse::<f64>().ok()? / 1e3)
        }
        Value::String(text) => match text.parse::<f64>() {
            Ok(number) => seconds(number),
            Err(_) => Some(Timestamp::from_unix(text.parse::<jiff::Timestamp>().ok()?.as_second())),
        },
        _ => None,
    }
}

/// The base64 of each `PUBLIC KEY` block (RFC 7468).
fn pem_blocks(text: &str) -> impl Iterator<Item = &str> {
    text.split("-----BEGIN ").skip(1).filter_map(|block| {
        let (label, rest) = block.split_once("-----")?;
        let body = rest.split("-----END ").next()?;
        matches!(label, "PUBLIC KEY" | "RSA PUBLIC KEY").then_some(body)
    })
}

/// A PEM key has no fingerprint and no validity. The key is filed under the fingerprints of both encodings, for any time.
fn pem_key(base64: &str, source: &str) -> ParsedEntry {
    let key = PublicKey::from_base64(base64).map_err(|error: KeyError| error.to_string())?;
    let trusted = TrustedKey { key, validity: None, source: source.to_owned(), region: None };
    let names = trusted.key.possible_fingerprints();
    Ok(names.into_iter().map(|name| (name, trusted.clone())).collect())
}
