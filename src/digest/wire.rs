//! JSON parser for digest files. Log files are parsed one at a time, and errors never repeat a text of the file,
//! whatever the length.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use super::{DigestError, DigestFile, HASH_ALGORITHM, ListedHash, ListedLog, MAX_TEXT, Previous};
use crate::ident::{Location, Sha256Hash};
use crate::time::{Interval, Timestamp};

/// The first bytes of gzip. Source: RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];

pub(super) fn parse(bytes: &[u8]) -> Result<DigestFile, DigestError> {
    // JSON is UTF-8 (RFC 8259, section 8.1). `serde_json` does not check skipped fields, so the whole file is checked
    // first.
    if bytes.starts_with(&GZIP) {
        return Err(DigestError::Json("gzip within gzip".to_owned()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| DigestError::Json(error.to_string()))?;
    let JsonObject(wire): JsonObject<WireDigest<'_>> = serde_json::from_str(text).map_err(|error| {
        // Nothing was read yet: no field is to blame.
        let is_other = error.is_syntax() && (error.line(), error.column()) == (1, 1);
        DigestError::Json(if is_other { "not JSON".to_owned() } else { error.to_string() })
    })?;
    wire.check_lengths()?;
    let location = Location::new(&*wire.digest_s3_bucket, &*wire.digest_s3_object);
    Ok(DigestFile {
        hash: Sha256Hash::of(bytes),
        window: wire.window()?,
        previous: wire.previous(&location.bucket)?,
        end_as_written: wire.digest_end_time.into(),
        location,
        fingerprint: wire.digest_public_key_fingerprint.into(),
        algorithm: wire.digest_signature_algorithm.into(),
        previous_signature: wire.previous_digest_signature.map(Into::into),
        logs: wire.log_files.0,
    })
}

/// A JSON object. If a string stands in the place of an object, `serde_json`'s own error would repeat the string,
/// whatever the length. `deserialize_any` lets the visitor report a short error.
struct JsonObject<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for JsonObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = JsonObject<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<JsonObject<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(JsonObject)
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<JsonObject<T>, E> {
                Err(E::invalid_type(Unexpected::Other("string"), &self))
            }
        }
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

/// The listed log files. Only the needed fields are kept.
struct LogList(Box<[ListedLog]>);

impl<'de> Deserialize<'de> for LogList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LogListVisitor;
        impl<'de> Visitor<'de> for LogListVisitor {
            type Value = LogList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of log files")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<LogList, A::Error> {
                let (mut logs, mut bucket) = (Vec::new(), Arc::from(""));
                while let Some(JsonObject(log)) = elements.next_element::<JsonObject<WireLog<'de>>>()? {
                    if let Some(field) = log.too_long() {
                        return Err(A::Error::custom(format_args!("a log file's `{field}` is too long")));
                    }
                    logs.push(log.listed(&mut bucket));
                }
                Ok(LogList(logs.into()))
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<LogList, E> {
                Err(E::invalid_type(Unexpected::Other("string"), &self))
            }
        }
        deserializer.deserialize_any(LogListVisitor)
    }
}

/// The fields of a digest file. Strings without escapes are borrowed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDigest<'a> {
    #[serde(borrow, rename = "awsAccountId")]
    _aws_account_id: Cow<'a, str>,
    #[serde(borrow)]
    digest_start_time: Cow<'a, str>,
    #[serde(borrow)]
    digest_end_time: Cow<'a, str>,
    #[serde(borrow, rename = "digestS3Bucket")]
    digest_s3_bucket: Cow<'a, str>,
    #[serde(borrow, rename = "digestS3Object")]
    digest_s3_object: Cow<'a, str>,
    #[serde(borrow)]
    digest_public_key_fingerprint: Cow<'a, str>,
    #[serde(borrow)]
    digest_signature_algorithm: Cow<'a, str>,
    #[serde(borrow, rename = "previousDigestS3Bucket", deserialize_with = "required")]
    previous_digest_s3_bucket: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "previousDigestS3Object", deserialize_with = "required")]
    previous_digest_s3_object: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "required")]
    previous_digest_hash_value: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "required")]
    previous_digest_hash_algorithm: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "required")]
    previous_digest_signature: Option<Cow<'a, str>>,
    log_files: LogList,
}

/// Parses a field that may be `null` but must be present: a plain `Option` would also accept a missing field.
fn required<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<BorrowedText<'de>>::deserialize(deserializer)?.map(|text| text.0))
}

impl WireDigest<'_> {
    fn check_lengths(&self) -> Result<(), DigestError> {
        let optional = |text: &Option<Cow<'_, str>>| text.as_ref().map_or(0, |text| text.len());
        let lengths = [
            ("digestEndTime", self.digest_end_time.len()),
            ("digestS3Bucket", self.digest_s3_bucket.len()),
            ("digestS3Object", self.digest_s3_object.len()),
            ("digestPublicKeyFingerprint", self.digest_public_key_fingerprint.len()),
            ("digestSignatureAlgorithm", self.digest_signature_algorithm.len()),
            ("previousDigestS3Bucket", optional(&self.previous_digest_s3_bucket)),
            ("previousDigestS3Object", optional(&self.previous_digest_s3_object)),
            ("previousDigestSignature", optional(&self.previous_digest_signature)),
        ];
        first_too_long(lengths).map_or(Ok(()), |field| Err(DigestError::Field(field)))
    }

    fn window(&self) -> Result<Interval, DigestError> {
        let parse = |text: &str, field| Timestamp::parse_digest_field(text).ok_or(DigestError::Field(field));
        let start = parse(&self.digest_start_time, "digestStartTime")?;
        let end = parse(&self.digest_end_time, "digestEndTime")?;
        Interval::new(start, end).ok_or(DigestError::Field("digestEndTime"))
    }

    fn previous(&self, bucket: &Arc<str>) -> Result<Option<Previous>, DigestError> {
        let (previous_bucket, key) = match (&self.previous_digest_s3_bucket, &self.previous_digest_s3_object)
        {
            (Some(bucket), Some(key)) => (bucket, key),
            (None, None) => return Ok(None),
            // CloudTrail writes both fields or neither.
            _ => return Err(DigestError::Field("previousDigestS3Object")),
        };
        let comparable = self.previous_digest_hash_algorithm.as_deref() == Some(HASH_ALGORITHM);
        let hash = self.previous_digest_hash_value.as_deref().filter(|_| comparable);
        Ok(Some(Previous {
            location: Location::new(shared(previous_bucket, bucket), &**key),
            hash: hash.and_then(Sha256Hash::parse),
            signature: self.previous_digest_signature.as_deref().map(Into::into),
        }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLog<'a> {
    #[serde(borrow, rename = "s3Bucket")]
    s3_bucket: Cow<'a, str>,
    #[serde(borrow, rename = "s3Object")]
    s3_object: Cow<'a, str>,
    #[serde(borrow)]
    hash_value: Cow<'a, str>,
    #[serde(borrow)]
    hash_algorithm: Cow<'a, str>,
}

impl WireLog<'_> {
    fn too_long(&self) -> Option<&'static str> {
        first_too_long([
            ("s3Bucket", self.s3_bucket.len()),
            ("s3Object", self.s3_object.len()),
            ("hashValue", self.hash_value.len()),
            ("hashAlgorithm", self.hash_algorithm.len()),
        ])
    }

    /// Converts a log file. `bucket` is the bucket of the log file before, and is reused for an equal name.
    fn listed(&self, bucket: &mut Arc<str>) -> ListedLog {
        *bucket = shared(&self.s3_bucket, bucket);
        let hash = Some(&*self.hash_value).filter(|_| self.hash_algorithm == HASH_ALGORITHM);
        let hash = match hash.and_then(Sha256Hash::parse) {
            Some(hash) => ListedHash::Sha256(hash),
            None => ListedHash::Unknown(format!("{} {}", self.hash_algorithm, self.hash_value).into()),
        };
        ListedLog { location: Location::new(Arc::clone(bucket), &*self.s3_object), hash }
    }
}

/// The name of the first field longer than [`MAX_TEXT`]. Lengths are in bytes.
fn first_too_long<const N: usize>(lengths: [(&'static str, usize); N]) -> Option<&'static str> {
    lengths.into_iter().find(|(_, length)| *length > MAX_TEXT).map(|(field, _)| field)
}

/// Returns `bucket` if the name equals `name`, so that a million log files share one string.
fn shared(name: &str, bucket: &Arc<str>) -> Arc<str> {
    if name == &**bucket { Arc::clone(bucket) } else { Arc::from(name) }
}
