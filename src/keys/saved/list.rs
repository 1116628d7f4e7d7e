//! Parses the JSON of `list-public-keys` entry by entry, because the user may allow large files.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::KeysFileError;

/// Passes each entry of the list to `take`.
///
/// # Errors
/// [`KeysFileError::NotKeys`] if `bytes` is not JSON with a list of keys. `take` has already received the entries
/// before the error.
pub(super) fn read(bytes: &[u8], take: &mut dyn FnMut(Value)) -> Result<(), KeysFileError> {
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let read = parser.deserialize_any(ListObject(take)).and_then(|()| parser.end());
    read.map_err(|_| KeysFileError::NotKeys)
}

/// Parses the object with the list. Versions of the AWS CLI use two names for the list.
struct ListObject<'t>(&'t mut dyn FnMut(Value));

impl<'de> Visitor<'de> for ListObject<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list of keys")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom("a string"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut is_found = false;
        while let Some(name) = map.next_key::<String>()? {
            if !matches!(&*name, "PublicKeyList" | "publicKeyList") {
                map.next_value::<IgnoredAny>()?;
            } else if std::mem::replace(&mut is_found, true) {
                return Err(A::Error::duplicate_field("PublicKeyList"));
            } else {
                map.next_value_seed(ListEntries(self.0))?;
            }
        }
        if is_found { Ok(()) } else { Err(A::Error::missing_field("PublicKeyList")) }
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
