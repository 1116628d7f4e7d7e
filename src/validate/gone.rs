//! What is said of an object that was delivered and is not there.

use crate::event::{Fault, Finding, ObjectType, Trace};
use crate::store::{StoreError, Version};
use crate::time::Timestamp;

/// The finding for an object that should be there and that a GET does not find: deleted, where a delete marker says so,
/// and missing where nothing is left of it. Where its newest version is listed and no delete marker, the store contradicts
/// itself, which proves nothing.
pub(super) fn finding(
    object: ObjectType,
    versions: &Result<Vec<Version>, StoreError>,
    at: Timestamp,
) -> Finding {
    let kept = versions.iter().flatten().find(|version| !version.delete_marker).map(|kept| kept.id.clone());
    let trace = trace(versions, kept.clone());
    let fault = match object {
        ObjectType::Log => Fault::LogGone(trace),
        ObjectType::Digest => Fault::DigestGone(trace),
    };
    Finding { actual: kept, ..Finding::new(fault, at) }
}

fn trace(versions: &Result<Vec<Version>, StoreError>, kept: Option<String>) -> Trace {
    match versions.as_ref().map(|versions| versions.first()) {
        Err(error) => Trace::Unknown { why: error.to_string() },
        Ok(None) => Trace::Nothing,
        Ok(Some(newest)) if newest.delete_marker => Trace::DeleteMarker { deleted: newest.modified, kept },
        Ok(Some(newest)) => Trace::Contradiction { version: newest.id.clone() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Kind;

    fn version(id: &str, delete_marker: bool, modified: Option<i64>) -> Version {
        Version { id: id.to_owned(), delete_marker, modified: modified.map(Timestamp::from_unix) }
    }

    fn said(versions: Result<Vec<Version>, StoreError>) -> (Kind, String, Option<String>) {
        let found = finding(ObjectType::Log, &versions, Timestamp::from_unix(0));
        (found.kind, found.message(), found.actual)
    }

    #[test]
    fn what_the_versions_tell_is_said() {
        let (kind, message, _) = said(Err(StoreError::Denied("no".to_owned())));
        assert_eq!(kind, Kind::LogMissing);
        assert!(message.ends_with("its versions could not be listed: access denied: no"), "{message}");
        assert!(said(Ok(Vec::new())).1.ends_with("no trace of it is left"));
        let (kind, message, actual) = said(Ok(vec![version("m", true, None), version("v", false, Some(1))]));
        assert_eq!((kind, actual.as_deref()), (Kind::LogDeleted, Some("v")));
        assert_eq!(message, "deleted at an unknown time; version `v` may still hold it");
        let (kind, message, _) = said(Ok(vec![version("m", true, Some(0))]));
        assert_eq!(kind, Kind::LogDeleted);
        assert_eq!(message, "deleted at 1970-01-01T00:00:00Z; no older version is left");
        let (kind, message, actual) = said(Ok(vec![version("v", false, Some(1))]));
        assert_eq!((kind, actual.as_deref()), (Kind::LogUnreadable, Some("v")));
        assert_eq!(message, "GET returned 404, but version `v` is listed as current");
    }
}
