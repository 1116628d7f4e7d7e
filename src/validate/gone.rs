//! What is said of an object that was delivered and is not there.

use crate::event::{Finding, Kind};
use crate::store::{StoreError, Version};
use crate::time::Timestamp;

/// The finding for an object that should be there and is not: deleted, where a delete marker says so.
pub(super) fn finding(
    missing: Kind,
    deleted: Kind,
    versions: &Result<Vec<Version>, StoreError>,
    at: Timestamp,
) -> Finding {
    let versions = versions.as_deref().unwrap_or_default();
    let Some(marker) = versions.first().filter(|newest| newest.delete_marker) else {
        return Finding::new(missing, at, "it was delivered, and there is no trace of it");
    };
    let kept = versions.iter().find(|version| !version.delete_marker);
    let original = kept.map_or_else(
        || "no older version is left".to_owned(),
        |kept| format!("version `{}` may still hold it", kept.id.escape_debug()),
    );
    let when = marker.modified.map(|when| format!(" at {when}")).unwrap_or_default();
    let message = format!("it was deleted{when}; {original}");
    let mut finding = Finding::new(deleted, at, message);
    finding.actual = kept.map(|kept| kept.id.clone());
    finding
}
