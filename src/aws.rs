//! The user's AWS account: the configuration that AWS's own tools use, and the runtime for requests.
//!
//! Only this module and the clients of S3 and CloudTrail are asynchronous: other threads wait in [`Aws::block_on`].

pub mod access_point;
mod answer;
pub mod arn;
mod connections;
mod credentials;
mod failure;
mod payer;
mod profiles;
pub(crate) mod regions;
mod retries;
mod trust;
mod unanswered;
pub(crate) mod web;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::retry::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::runtime::{Builder, Runtime};

use crate::handles;
use connections::ConnectionPool;
pub use credentials::NoCredentials;
pub use failure::{Failure, Nature};
pub(crate) use failure::{NOT_AWS, SKEWED};
pub use profiles::{BrokenProfiles, MissingProfile, SignIn};
pub use retries::RetrySettingError;
pub use trust::{CaBundleError, CaBundleFault};

/// Attempts per request, unless the user's configuration sets another number. If S3 answers every twentieth request
/// with 503, the SDK's default of three attempts would lose three objects in 20,000.
const MAX_ATTEMPTS: u32 = 8;

/// The SDK's default number of attempts, which means "not configured".
const SDK_ATTEMPTS: u32 = 3;

/// First wait before a retry. The wait doubles each time, and a random part of the wait is used.
const INITIAL_BACKOFF: Duration = Duration::from_millis(200);

/// Longest wait before a retry.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Budget of retries over all threads. A retry costs five tokens or more, and a success returns the tokens. So a run
/// gives up soon on a dead endpoint, but not on a busy endpoint.
const RETRY_TOKENS: usize = 5_000;

/// Longest wait for the first byte of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Region of requests without a region, if the user has configured no region.
const DEFAULT_REGION: &str = "us-east-1";

/// Settings from the command line. The environment and the shared configuration files are read too.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settings {
    /// Profile of the shared configuration.
    pub profile: Option<String>,
    /// Endpoint of every service, instead of AWS.
    pub endpoint_url: Option<String>,
}

/// Why [`Aws::load`] failed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The system cannot start a thread, or too few file handles are free.
    #[error("cannot start threads: {0}")]
    Threads(#[from] io::Error),
    /// The configured certificate authorities are not usable.
    #[error(transparent)]
    CaBundle(#[from] CaBundleError),
    /// A setting about retries is invalid.
    #[error(transparent)]
    Retries(#[from] RetrySettingError),
}

/// The form of requests to S3.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct S3RequestForm {
    /// Whether the bucket is named by the ARN of an access point, which is never part of the path.
    pub(crate) by_arn: bool,
    /// Whether the caller pays for requests (`x-amz-request-payer`).
    pub(crate) requester_pays: bool,
}

/// An AWS account and the threads for its requests.
#[derive(Debug)]
pub struct Aws {
    runtime: Runtime,
    config: SdkConfig,
    /// The user's configured region, if any: `config` always has a region.
    configured_region: Option<String>,
    retries: RetryPartition,
    at_a_time: usize,
}

/// File handles for the runtime and a first connection.
const HANDLES: usize = 16;

fn runtime() -> io::Result<Runtime> {
    // Without free handles the runtime would panic.
    handles::spare(HANDLES)?;
    Builder::new_multi_thread().thread_name("aws").enable_all().build()
}

/// The region of the environment or the profile. As in AWS's own tools, an empty variable counts as unset; the SDK's chain
/// ends at it.
async fn configured_region(profile: Option<&str>) -> Option<Region> {
    let is_set = |region: &Region| !region.as_ref().is_empty();
    let mut chain = DefaultRegionChain::builder();
    let mut of_profile = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        chain = chain.profile_name(profile);
        of_profile = of_profile.profile_name(profile);
    }
    match chain.build().region().await {
        Some(region) if !is_set(&region) => {
            let other = std::env::var("AWS_DEFAULT_REGION").ok().map(Region::new).filter(is_set);
            match other {
                Some(region) => Some(region),
                None => of_profile.build().region().await.filter(is_set),
            }
        }
        region => region,
    }
}

impl Aws {
    /// Reads the environment and the shared configuration files, like AWS's own tools. Sends no request to S3 or
    /// CloudTrail.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(settings: &Settings) -> Result<Arc<Self>, LoadError> {
        let runtime = runtime()?;
        let trust = runtime.block_on(trust::context(settings.profile.as_deref()))?;
        let retries = runtime.block_on(retries::config(settings.profile.as_deref()))?;
        let timeouts = TimeoutConfig::builder().read_timeout(READ_TIMEOUT).build();
        let at_a_time = handles::at_a_time();
        let connections = SharedHttpClient::new(ConnectionPool::new(at_a_time, trust));
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        loader = loader.timeout_config(timeouts).retry_config(retries).http_client(connections.clone());
        let configured = runtime.block_on(configured_region(settings.profile.as_deref()));
        // STS, the source of a role's credentials, needs a region.
        let region = configured.clone().unwrap_or(Region::from_static(DEFAULT_REGION));
        loader = loader.region(region.clone());
        if let Some(profile) = &settings.profile {
            // As in AWS's own tools, a named profile outranks keys in the environment.
            let asks =
                ProviderConfig::without_region().with_region(Some(region)).with_http_client(connections);
            let provider = ProfileFileCredentialsProvider::builder().configure(&asks).profile_name(profile);
            loader = loader.profile_name(profile).credentials_provider(provider.build());
        }
        if let Some(endpoint) = &settings.endpoint_url {
            loader = loader.endpoint_url(endpoint);
        }
        let config = runtime.block_on(loader.load());
        Ok(Self::new(runtime, config, configured, at_a_time))
    }

    /// Uses a configuration built by the caller.
    ///
    /// # Errors
    /// The system cannot start a thread, or too few file handles are free.
    pub fn from_config(config: SdkConfig) -> io::Result<Arc<Self>> {
        let at_a_time = handles::at_a_time();
        let connections = || SharedHttpClient::new(ConnectionPool::new(at_a_time, None));
        let connections = config.http_client().unwrap_or_else(connections);
        let config = config.into_builder().http_client(connections).build();
        let region = config.region().cloned();
        Ok(Self::new(runtime()?, config, region, at_a_time))
    }

    fn new(runtime: Runtime, config: SdkConfig, region: Option<Region>, at_a_time: usize) -> Arc<Self> {
        let configured = config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        // The SDK does not distinguish a configured 3 from the default.
        let attempts = match configured.max_attempts() {
            SDK_ATTEMPTS => MAX_ATTEMPTS,
            attempts => attempts,
        };
        let retries = configured
            .with_max_attempts(attempts)
            .with_initial_backoff(INITIAL_BACKOFF)
            .with_max_backoff(MAX_BACKOFF);
        let config = config.into_builder().retry_config(retries).build();
        let tokens = TokenBucket::builder().capacity(RETRY_TOKENS).build();
        let retries = RetryPartition::custom("trailproof").token_bucket(tokens).build();
        let configured_region = region.map(|region| region.as_ref().to_owned());
        Arc::new(Self { runtime, config, configured_region, retries, at_a_time })
    }

    /// Runs `work` on this account's threads and waits for the result.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Number of parallel requests allowed by the free file handles.
    pub(crate) const fn at_a_time(&self) -> usize {
        self.at_a_time
    }

    /// Region of requests without a region: the configured region, or `us-east-1`.
    #[must_use]
    pub fn region(&self) -> String {
        self.config.region().map_or(DEFAULT_REGION, Region::as_ref).to_owned()
    }

    /// The user's configured region, if any.
    #[must_use]
    pub fn configured_region(&self) -> Option<String> {
        self.configured_region.clone()
    }

    /// Checks that a profile exists: `named`, or else the profile in AWS_PROFILE.
    ///
    /// # Errors
    /// [`MissingProfile`], with the existing profiles.
    pub fn check_profile(&self, named: Option<&str>) -> Result<(), MissingProfile> {
        self.block_on(profiles::check(named))
    }

    /// The shared configuration file that cannot be read, if any; `named` as in [`Self::check_profile`].
    #[must_use]
    pub fn broken_profiles(&self, named: Option<&str>) -> Option<BrokenProfiles> {
        self.block_on(profiles::broken(named))
    }

    /// Checks that credentials exist and can be sent. Sends no request, except for credentials.
    ///
    /// # Errors
    /// Why credentials are missing or not usable.
    pub fn check_credentials(&self) -> Result<(), NoCredentials> {
        match self.config.credentials_provider() {
            Some(provider) => self.block_on(credentials::check(&provider)),
            None => Err(NoCredentials::Nowhere),
        }
    }

    /// How to sign in again to the profile `named`, or else the profile in AWS_PROFILE; `None` for a profile without a
    /// session.
    #[must_use]
    pub fn sign_in(&self, named: Option<&str>) -> Option<SignIn> {
        self.block_on(profiles::sign_in(named))
    }

    /// S3 in `region`.
    pub(crate) fn s3(&self, region: &str, form: S3RequestForm) -> aws_sdk_s3::Client {
        let mut config = aws_sdk_s3::config::Builder::from(&self.config)
            .region(aws_sdk_s3::config::Region::new(region.to_owned()))
            .retry_partition(self.retries.clone())
            .interceptor(answer::LengthLimit)
            .force_path_style(self.has_own_endpoint() && !form.by_arn)
            .request_checksum_calculation(aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired)
            // Digest files have better checksums.
            .response_checksum_validation(aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired);
        if form.requester_pays {
            config = config.interceptor(payer::RequesterPays);
        }
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// CloudTrail in `region`.
    pub(crate) fn cloudtrail(&self, region: &str) -> aws_sdk_cloudtrail::Client {
        let config = aws_sdk_cloudtrail::config::Builder::from(&self.config)
            .region(aws_sdk_cloudtrail::config::Region::new(region.to_owned()))
            .interceptor(answer::LengthLimit)
            .build();
        aws_sdk_cloudtrail::Client::from_conf(config)
    }

    /// Whether S3 has a custom endpoint. Bucket names are then part of the path, not of the host name.
    fn has_own_endpoint(&self) -> bool {
        self.config.endpoint_url().is_some() || self.endpoint_of("s3").is_some()
    }

    /// The custom endpoint of CloudTrail, if any. Reports name the endpoint, because CloudTrail's answers are the
    /// trusted keys.
    #[must_use]
    pub fn cloudtrail_endpoint(&self) -> Option<String> {
        let of_all = self.config.endpoint_url().map(str::to_owned);
        // The SDK's order: the caller's endpoint, then the configured endpoint of the service, then of all services.
        match self.config.get_origin("endpoint_url").is_client_config() {
            true => of_all,
            false => self.endpoint_of("CloudTrail").or(of_all),
        }
    }

    /// The endpoint of one service, from `AWS_ENDPOINT_URL_SERVICE` or a profile's `services` section.
    fn endpoint_of(&self, service: &'static str) -> Option<String> {
        let key = aws_types::service_config::ServiceConfigKey::builder();
        let key = key.service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
        self.config.service_config().zip(key.ok()).and_then(|(loader, key)| loader.load_config(key))
    }
}
