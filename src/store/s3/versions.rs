//! Versions of a single object.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::EncodingType;

use super::listing::decode;
use super::{S3Bucket, store_error};
use crate::aws::Failure;
use crate::store::{StoreError, Version};
use crate::time::Timestamp;

/// Most pages of versions requested, with 1,000 versions each.
const MAX_PAGES: usize = 10;

/// Versions of the object at `key`, newest first. If listing versions is denied, a HEAD request for the object still
/// shows a delete marker.
pub(super) fn versions_of(bucket: &S3Bucket, key: &str) -> Result<Vec<Version>, StoreError> {
    match list_versions(bucket, key) {
        Ok(versions) => Ok(versions),
        Err(failure) if store_error(&failure) == StoreError::NotFound => Ok(Vec::new()),
        Err(failure) => {
            find_delete_marker(bucket, key).map(|marker| vec![marker]).ok_or_else(|| store_error(&failure))
        }
    }
}

fn list_versions(bucket: &S3Bucket, key: &str) -> Result<Vec<Version>, Failure> {
    let mut found: Vec<(bool, Version)> = Vec::new();
    let (mut key_marker, mut id_marker) = (None, None);
    for _ in 0..MAX_PAGES {
        let request = bucket.client.list_object_versions().bucket(&bucket.name).prefix(key);
        let request = request
            .encoding_type(EncodingType::Url)
            .set_expected_bucket_owner(bucket.owner.clone())
            .set_key_marker(key_marker.take())
            .set_version_id_marker(id_marker.take());
        let answer =
            bucket.send_paced(async { request.send().await.map_err(|error| Failure::of(&error)) })?;
        let before = found.len();
        found.extend(versions_in_page(&answer, key));
        let more = answer.is_truncated().unwrap_or_default();
        // S3 lists all versions of an object before the versions of longer keys with the same prefix.
        let goes_on = answer.next_key_marker().is_some_and(|next| name(&answer, next) == key);
        if !more || (found.len() == before && !found.is_empty()) || !goes_on {
            break;
        }
        (key_marker, id_marker) = (Some(key.to_owned()), answer.next_version_id_marker().map(str::to_owned));
    }
    // S3 lists versions and delete markers apart. `is_latest` comes first, because times may be equal.
    found.sort_by_key(|(latest, version)| (!*latest, std::cmp::Reverse(version.modified)));
    Ok(found.into_iter().map(|(_, version)| version).collect())
}

/// Versions of `key` in one page, each with a flag for the newest version.
fn versions_in_page(answer: &ListObjectVersionsOutput, key: &str) -> Vec<(bool, Version)> {
    let time = |time: Option<&DateTime>| time.map(|time| Timestamp::from_unix(time.secs()));
    let version = |latest: Option<bool>, id: Option<&str>, delete_marker, modified| {
        let id = id.unwrap_or_default().to_owned();
        (latest.unwrap_or_default(), Version { id, delete_marker, modified: time(modified) })
    };
    let versions = answer.versions().iter().filter(|one| one.key().is_some_and(|k| name(answer, k) == key));
    let versions = versions.map(|one| version(one.is_latest(), one.version_id(), false, one.last_modified()));
    let markers =
        answer.delete_markers().iter().filter(|one| one.key().is_some_and(|k| name(answer, k) == key));
    let markers = markers.map(|one| version(one.is_latest(), one.version_id(), true, one.last_modified()));
    versions.chain(markers).collect()
}

fn name(answer: &ListObjectVersionsOutput, encoded: &str) -> String {
    match answer.encoding_type() {
        Some(EncodingType::Url) => decode(encoded),
        _ => encoded.to_owned(),
    }
}

/// The delete marker in S3's answer to a HEAD request.
fn find_delete_marker(bucket: &S3Bucket, key: &str) -> Option<Version> {
    let request = bucket.client.head_object().bucket(&bucket.name).key(key);
    let request = request.set_expected_bucket_owner(bucket.owner.clone());
    let error = bucket.aws.block_on(request.send()).err()?;
    let headers = error.raw_response()?.headers();
    (headers.get("x-amz-delete-marker")? == "true").then(|| Version {
        id: headers.get("x-amz-version-id").unwrap_or_default().to_owned(),
        delete_marker: true,
        modified: None,
    })
}
