//! Parses the JSON of `list-public-keys` entry by entry, because the user may allow large files.
//!
//! A file holds any number of documents, one after another or in an array: shells append the output for one region to
//! the output for another, `jq` writes lines, and scripts make an object with a document for each region.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::KeysFileError;
use crate::ident::is_region;

/// Names of the list in an answer of `ListPublicKeys`. Versions of the AWS CLI use two names.
const LISTS: [&str; 2] = ["PublicKeyList", "publicKeyList"];

/// Names of the fields of an entry.
const FIELDS: [&str; 4] = ["Fingerprint", "Value", "ValidityStartTime", "ValidityEndTime"];

/// The name of a field as CloudTrail writes it. Programs that write `publicKeyList` begin the names of fields in lower
/// case too.
pub(super) fn field_name(name: String) -> String {
    let is_spelled = |field: &&&str| {
        field.get(..1).is_some_and(|first| {
            name.get(..1) == Some(&first.to_ascii_lowercase()) && field.get(1..) == name.get(1..)
        })
    };
    FIELDS.iter().find(is_spelled).map_or(name.clone(), |field| (*field).to_owned())
}

/// Passes each entry of the documents in `text` to `take`.
///
/// # Errors
/// [`KeysFileError::NotKeys`] if `text` is not JSON with keys. `take` has already received the entries before the
/// error.
pub(super) fn read(text: &str, take: &mut dyn FnMut(Value)) -> Result<(), KeysFileError> {
    let mut parser = serde_json::Deserializer::from_str(text);
    loop {
        Document(take).deserialize(&mut parser).map_err(|_| KeysFileError::NotKeys)?;
        // `end` passes over white space, and succeeds at the end of the text only.
        if parser.end().is_ok() {
            return Ok(());
        }
    }
}

/// Passes each entry of a parsed document to `take`.
///
/// # Errors
/// The errors of [`read`].
pub(super) fn read_value(document: Value, take: &mut dyn FnMut(Value)) -> Result<(), KeysFileError> {
    Document(take).deserialize(document).map_err(|_| KeysFileError::NotKeys)
}

/// Parses a document with entries: an answer of `ListPublicKeys`, an object with a document for each region, an entry,
/// or an array of these. Parsers limit the depth.
struct Document<'t>(&'t mut dyn FnMut(Value));

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list of keys")
    }

    // The default error would repeat the string in full.
    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom("a string"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut documents: A) -> Result<(), A::Error> {
        while documents.next_element_seed(Document(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut has_list, mut has_regions, mut entry) = (false, false, Map::new());
        while let Some(name) = map.next_key::<String>()? {
            if LISTS.contains(&&*name) {
                if std::mem::replace(&mut has_list, true) {
                    return Err(A::Error::duplicate_field("PublicKeyList"));
                }
                map.next_value_seed(ListEntries(&mut *self.0))?;
            } else if is_region(&name) {
                has_regions = true;
                map.next_value_seed(Document(&mut *self.0))?;
            } else if FIELDS.contains(&&*field_name(name.clone())) {
                entry.insert(field_name(name), map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if !entry.is_empty() {
            (self.0)(Value::Object(entry));
        } else if !has_list && !has_regions {
            return Err(A::Error::missing_field("PublicKeyList"));
        }
        Ok(())
    }
}

struct ListEntries<'t>(&'t mut dyn FnMut(Value));

impl<'de> DeserializeSeed<'de> for ListEntries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListEntries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of keys")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom("a string"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element::<Value>()? {
            (self.0)(entry);
        }
        Ok(())
    }
}
