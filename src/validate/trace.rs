//! The trace of an object that was delivered and is missing.

use crate::event::Trace;
use crate::store::{StoreError, Version};

/// The trace of an object that GET does not find, from its versions. If the newest version is listed and is not a
/// delete marker, the store contradicts itself, which proves nothing.
pub(super) fn of(versions: Result<Vec<Version>, StoreError>) -> Trace {
    let versions = match versions {
        Ok(versions) => versions,
        Err(error) => return Trace::Unknown { why: error.to_string() },
    };
    let kept = versions.iter().find(|version| !version.delete_marker).map(|kept| kept.id.clone());
    match versions.first() {
        None => Trace::Nothing,
        Some(newest) if newest.delete_marker => Trace::DeleteMarker { deleted: newest.modified, kept },
        Some(newest) => Trace::Contradiction { version: newest.id.clone() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn version(id: &str, delete_marker: bool, modified: Option<i64>) -> Version {
        Version { id: id.to_owned(), delete_marker, modified: modified.map(Timestamp::from_unix) }
    }

    #[test]
    fn versions_tell_what_is_left() {
        assert_eq!(of(Ok(Vec::new())), Trace::Nothing);
        let denied = of(Err(StoreError::Denied("no".to_owned())));
        assert_eq!(denied, Trace::Unknown { why: "access denied: no".to_owned() });
        let deleted = of(Ok(vec![version("m", true, None), version("v", false, Some(1))]));
        assert_eq!(deleted, Trace::DeleteMarker { deleted: None, kept: Some("v".to_owned()) });
        let gone = of(Ok(vec![version("m", true, Some(0))]));
        assert_eq!(gone, Trace::DeleteMarker { deleted: Some(Timestamp::from_unix(0)), kept: None });
        let listed = of(Ok(vec![version("v", false, Some(1))]));
        assert_eq!(listed, Trace::Contradiction { version: "v".to_owned() });
    }
}
