//! Deliveries behind the S3 and CloudTrail of [`Cloud`], read with the real clients.

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use trailproof::aws::Aws;
use trailproof::store::s3::S3Store;

use crate::cloud::Cloud;

/// An account that asks `cloud`, whatever the environment says.
pub fn aws(cloud: &Cloud) -> Arc<Aws> {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(cloud.endpoint())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Aws::from_config(config).unwrap()
}

/// The buckets of `cloud`.
pub fn store(cloud: &Cloud) -> S3Store {
    S3Store::new(aws(cloud), None)
}
