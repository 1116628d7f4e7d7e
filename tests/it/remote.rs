//! Deliveries behind the S3 and CloudTrail of [`Cloud`], read with the real clients.

use std::io::Read as _;
use std::sync::Arc;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use trailproof::aws::Aws;
use trailproof::ident::Location;
use trailproof::store::Store as _;
use trailproof::store::memory::MemoryStore;
use trailproof::store::s3::S3Store;

use crate::cloud::{Bucket, Cloud};

/// An account that asks `cloud`, whatever the environment says.
pub fn aws(cloud: &Cloud) -> Arc<Aws> {
    aws_retrying(cloud, RetryConfig::standard())
}

/// The same, which makes requests again in this way.
pub fn aws_retrying(cloud: &Cloud, retries: RetryConfig) -> Arc<Aws> {
    aws_at(cloud.endpoint(), retries)
}

/// An account that asks what answers at `url`.
pub fn aws_at(url: String, retries: RetryConfig) -> Arc<Aws> {
    aws_patient(url, retries, TimeoutConfig::builder().build())
}

/// The same, which waits for so long.
pub fn aws_patient(url: String, retries: RetryConfig, timeouts: TimeoutConfig) -> Arc<Aws> {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .retry_config(retries)
        .timeout_config(timeouts)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Aws::from_config(config).unwrap()
}

/// The buckets of `cloud`.
pub fn store(cloud: &Cloud) -> S3Store {
    S3Store::new(aws(cloud), None)
}

/// A cloud with the buckets of `store`, set up in this way, and all that it lists. What is refused there is denied.
pub fn cloud_of(store: &MemoryStore, settings: &Bucket) -> Cloud {
    let cloud = Cloud::start();
    let locations = store.locations();
    let buckets: std::collections::BTreeSet<_> = locations.iter().map(|found| &*found.bucket).collect();
    buckets.into_iter().for_each(|bucket| cloud.create_bucket(bucket, settings.clone()));
    locations.iter().for_each(|location| copy(store, &cloud, location));
    cloud
}

fn copy(store: &MemoryStore, cloud: &Cloud, location: &Location) {
    let Ok(mut object) = store.get(location) else {
        cloud.put(&location.bucket, &location.key, "", trailproof::store::Metadata::new());
        return cloud.deny(&location.bucket, &location.key);
    };
    let mut body = Vec::new();
    object.body.read_to_end(&mut body).unwrap();
    cloud.put(&location.bucket, &location.key, body, object.metadata);
}

/// Puts all that `store` lists in `bucket` into that of `cloud`.
pub fn fill(cloud: &Cloud, store: &MemoryStore, bucket: &str) {
    let locations = store.locations();
    locations.iter().filter(|found| *found.bucket == *bucket).for_each(|found| copy(store, cloud, found));
}
