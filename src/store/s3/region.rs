//! Lookup of a bucket's region.

use crate::aws::access_point::region_of;
use crate::aws::{Aws, Failure, Nature, S3RequestForm};

/// Region of a bucket with an empty location constraint.
const FIRST_REGION: &str = "us-east-1";

/// The rule that a bucket name breaks; `None` for a valid name. Accepts the names of buckets created before 2018: 3 to 255
/// letters, digits, dots, hyphens and underscores. ARNs and aliases of access points are no names.
///
/// Source: Amazon S3 User Guide, "General purpose bucket naming rules".
pub(super) fn broken_rule(name: &str) -> Option<&'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if !(3..=255).contains(&name.len()) || !name.bytes().all(is_plain) || name.starts_with(['.', '-']) {
        return Some("expected 3 to 63 lower-case letters, digits, dots and hyphens");
    }
    let is_reserved = ["--x-s3", ".mrap", "-s3alias"].iter().any(|ending| name.ends_with(ending));
    is_reserved.then_some("access points and directory buckets have names with this ending")
}

/// Looks up the region of `bucket`. The ARN of an access point contains the region. S3 sends the region in a header of `HeadBucket`, even to callers without read
/// access.
pub(super) async fn of_bucket(
    aws: &Aws,
    bucket: &str,
    owner: Option<&str>,
    form: S3RequestForm,
) -> Result<String, Failure> {
    if form.by_arn {
        // A multi-region access point has no region: S3 chooses the region, and the signature is valid in all.
        return Ok(region_of(bucket).map_or_else(|| aws.region(), str::to_owned));
    }
    let client = aws.s3(&aws.region(), form);
    let head = client.head_bucket().bucket(bucket).set_expected_bucket_owner(owner.map(str::to_owned));
    let error = match head.send().await {
        Ok(answer) => return Ok(answer.bucket_region.unwrap_or_else(|| aws.region())),
        Err(error) => error,
    };
    let Some(raw) = error.raw_response() else { return Err(Failure::of(&error)) };
    if let Some(region) = raw.headers().get("x-amz-bucket-region").filter(|region| !region.is_empty()) {
        return Ok(region.to_owned());
    }
    if raw.status().as_u16() == 404 {
        let message = "NoSuchBucket: there is no such bucket".to_owned();
        return Err(Failure { nature: Nature::Absent, code: None, message, delete_marker: false });
    }
    let location = client.get_bucket_location().bucket(bucket);
    let location = location.set_expected_bucket_owner(owner.map(str::to_owned));
    match location.send().await {
        Ok(answer) => Ok(from_constraint(answer.location_constraint().map_or("", |region| region.as_str()))),
        // The next request to the bucket reports a more precise error.
        Err(error) if error.raw_response().is_some() => Ok(aws.region()),
        Err(error) => Err(Failure::of(&error)),
    }
}

/// Region of a location constraint. Older regions have special constraints.
///
/// Source: Amazon S3 API Reference, `GetBucketLocation`.
fn from_constraint(constraint: &str) -> String {
    match constraint {
        "" => FIRST_REGION.to_owned(),
        "EU" => "eu-west-1".to_owned(),
        region => region.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_of_older_regions_are_understood() {
        for (constraint, region) in [("", "us-east-1"), ("EU", "eu-west-1"), ("eu-central-1", "eu-central-1")]
        {
            assert_eq!(from_constraint(constraint), region);
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_no_buckets() {
        for name in ["trail-logs", "My.Old_Bucket", "a1b"] {
            assert_eq!(broken_rule(name), None, "{name}");
        }
        for name in [
            "",
            "ab",
            "a/b",
            "../x",
            "a b c",
            "arn:aws:s3:us-east-1:111122223333:accesspoint/x",
            "x--use1-az4--x-s3",
            "x-s3alias",
            "abc.mrap",
            "é-bucket",
            &"a".repeat(256),
        ] {
            assert!(broken_rule(name).is_some(), "{name}");
        }
    }
}
