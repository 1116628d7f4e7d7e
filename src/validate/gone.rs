//! What is said of an object that was delivered and is not there.

use crate::event::{Finding, Kind, ObjectType};
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
    let (missing, deleted, unreadable) = match object {
        ObjectType::Log => (Kind::LogMissing, Kind::LogDeleted, Kind::LogUnreadable),
        ObjectType::Digest => (Kind::DigestMissing, Kind::DigestDeleted, Kind::DigestUnreadable),
    };
    let versions = match versions {
        Ok(versions) => versions,
        Err(error) => {
            let message = format!(
                "it was delivered, and is not there; whether a version is left could not be looked up: {error}"
            );
            return Finding::new(missing, at, message);
        }
    };
    let kept = versions.iter().find(|version| !version.delete_marker);
    let mut finding = match versions.first() {
        None => Finding::new(missing, at, "it was delivered, and there is no trace of it"),
        Some(newest) if newest.delete_marker => Finding::new(deleted, at, deletion(newest, kept)),
        Some(newest) => {
            let id = newest.id.escape_debug();
            let message = format!("asked for it is not there, though its newest version `{id}` is listed");
            Finding::new(unreadable, at, message)
        }
    };
    finding.actual = kept.map(|kept| kept.id.clone());
    finding
}

fn deletion(marker: &Version, kept: Option<&Version>) -> String {
    let original = kept.map_or_else(
        || "no older version is left".to_owned(),
        |kept| format!("version `{}` may still hold it", kept.id.escape_debug()),
    );
    match marker.modified {
        Some(modified) => format!("it was deleted at {modified}; {original}"),
        None => format!("it was deleted, when is not known; {original}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(id: &str, delete_marker: bool, modified: Option<i64>) -> Version {
        Version { id: id.to_owned(), delete_marker, modified: modified.map(Timestamp::from_unix) }
    }

    fn said(versions: Result<Vec<Version>, StoreError>) -> (Kind, String, Option<String>) {
        let found = finding(ObjectType::Log, &versions, Timestamp::from_unix(0));
        (found.kind, found.message, found.actual)
    }

    #[test]
    fn what_the_versions_tell_is_said() {
        let (kind, message, _) = said(Err(StoreError::Denied("no".to_owned())));
        assert_eq!(kind, Kind::LogMissing);
        assert!(message.ends_with("could not be looked up: access denied: no"), "{message}");
        assert!(said(Ok(Vec::new())).1.ends_with("no trace of it"));
        let (kind, message, actual) = said(Ok(vec![version("m", true, None), version("v", false, Some(1))]));
        assert_eq!((kind, actual.as_deref()), (Kind::LogDeleted, Some("v")));
        assert_eq!(message, "it was deleted, when is not known; version `v` may still hold it");
        let (kind, message, _) = said(Ok(vec![version("m", true, Some(0))]));
        assert_eq!(kind, Kind::LogDeleted);
        assert_eq!(message, "it was deleted at 1970-01-01T00:00:00Z; no older version is left");
        let (kind, message, actual) = said(Ok(vec![version("v", false, Some(1))]));
        assert_eq!((kind, actual.as_deref()), (Kind::LogUnreadable, Some("v")));
        assert_eq!(message, "asked for it is not there, though its newest version `v` is listed");
    }
}
