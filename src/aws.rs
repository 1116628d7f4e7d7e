//! The user's AWS account: configuration as AWS's own tools find it, and the runtime that requests are made on.
//!
//! Nothing above this module and the clients of S3 and CloudTrail knows that requests are asynchronous: threads that
//! call [`Aws::block_on`] wait there.

mod answer;
pub mod arn;
mod connections;
mod failure;
pub(crate) mod regions;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::ProvideCredentials as _;
use aws_sdk_s3::config::retry::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::runtime::{Builder, Runtime};

use crate::handles;
use connections::Connections;
pub use failure::{Failure, Nature};

/// How often a request is made before giving up, unless the user's configuration says otherwise. Where S3 answers
/// every twentieth request with 503, the SDK's own three attempts would lose three objects in 20,000.
const MAX_ATTEMPTS: u32 = 8;

/// The SDK's own number of attempts, which stands for "not configured".
const SDK_ATTEMPTS: u32 = 3;

/// First wait before a request is made again; it doubles each time, and a random part of it is waited.
const INITIAL_BACKOFF: Duration = Duration::from_millis(200);

/// The longest wait before a request is made again.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// What failing retries may cost, over all threads, before requests are no longer made again: each takes five of these
/// or more, and a success gives them back. So an endpoint that is gone is given up soon, and one that is busy is not.
const RETRY_TOKENS: usize = 5_000;

/// How long to wait for an answer to begin.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Region of requests that belong to none, where the user has configured none.
const DEFAULT_REGION: &str = "us-east-1";

/// What the user says beyond the environment and the files that AWS's tools share.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settings {
    /// Profile of the shared configuration.
    pub profile: Option<String>,
    /// Endpoint of every service, in place of AWS's.
    pub endpoint_url: Option<String>,
}

/// An account to ask, and threads to ask from.
#[derive(Debug)]
pub struct Aws {
    runtime: Runtime,
    config: SdkConfig,
    retries: RetryPartition,
    at_a_time: usize,
}

/// File handles that a runtime takes, and some for a first connection.
const HANDLES: usize = 16;

fn runtime() -> io::Result<Runtime> {
    // Without them it would panic.
    handles::spare(HANDLES)?;
    Builder::new_multi_thread().thread_name("aws").enable_all().build()
}

impl Aws {
    /// Reads the environment and the shared configuration files, as AWS's own tools do. Makes no request.
    ///
    /// # Errors
    /// Where no thread can be started, or the system gives too few file handles.
    pub fn load(settings: &Settings) -> io::Result<Arc<Self>> {
        let runtime = runtime()?;
        let timeouts = TimeoutConfig::builder().read_timeout(READ_TIMEOUT).build();
        let at_a_time = handles::at_a_time();
        let connections = SharedHttpClient::new(Connections::new(at_a_time));
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        loader = loader.timeout_config(timeouts).http_client(connections);
        if let Some(profile) = &settings.profile {
            // As in AWS's own tools, a profile that is named outranks keys in the environment.
            let provider = ProfileFileCredentialsProvider::builder().profile_name(profile).build();
            loader = loader.profile_name(profile).credentials_provider(provider);
        }
        if let Some(endpoint) = &settings.endpoint_url {
            loader = loader.endpoint_url(endpoint);
        }
        let config = runtime.block_on(loader.load());
        Ok(Self::new(runtime, config, at_a_time))
    }

    /// Takes a configuration that the caller made.
    ///
    /// # Errors
    /// As [`Aws::load`].
    pub fn from_config(config: SdkConfig) -> io::Result<Arc<Self>> {
        let at_a_time = handles::at_a_time();
        let connections = || SharedHttpClient::new(Connections::new(at_a_time));
        let connections = config.http_client().unwrap_or_else(connections);
        let config = config.into_builder().http_client(connections).build();
        Ok(Self::new(runtime()?, config, at_a_time))
    }

    fn new(runtime: Runtime, config: SdkConfig, at_a_time: usize) -> Arc<Self> {
        let configured = config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
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
        Arc::new(Self { runtime, config, retries, at_a_time })
    }

    /// Waits for `work`, which is done on this account's threads.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// How many requests there are file handles for at a time.
    pub(crate) const fn at_a_time(&self) -> usize {
        self.at_a_time
    }

    /// The region of requests that belong to none: the configured one, or `us-east-1`.
    #[must_use]
    pub fn region(&self) -> String {
        self.config.region().map_or(DEFAULT_REGION, Region::as_ref).to_owned()
    }

    /// The configured region; `None` where the user has configured none.
    #[must_use]
    pub fn configured_region(&self) -> Option<String> {
        self.config.region().map(|region| region.as_ref().to_owned())
    }

    /// Whether credentials can be had, without asking any service for anything else.
    ///
    /// # Errors
    /// What each source of credentials said.
    pub fn check_credentials(&self) -> Result<(), String> {
        let Some(provider) = self.config.credentials_provider() else {
            return Err("no source of credentials is configured".to_owned());
        };
        self.block_on(provider.provide_credentials()).map_err(|error| failure::chain(&error)).map(|_| ())
    }

    /// S3 in `region`.
    pub(crate) fn s3(&self, region: &str) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            .region(aws_sdk_s3::config::Region::new(region.to_owned()))
            .retry_partition(self.retries.clone())
            .interceptor(answer::Capped)
            .force_path_style(self.has_own_endpoint())
            .request_checksum_calculation(aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired)
            // The digests hold better ones.
            .response_checksum_validation(aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// CloudTrail in `region`.
    pub(crate) fn cloudtrail(&self, region: &str) -> aws_sdk_cloudtrail::Client {
        let config = aws_sdk_cloudtrail::config::Builder::from(&self.config)
            .region(aws_sdk_cloudtrail::config::Region::new(region.to_owned()))
            .interceptor(answer::Capped)
            .build();
        aws_sdk_cloudtrail::Client::from_conf(config)
    }

    /// Whether S3 is somewhere else than at AWS: its buckets are then no host names.
    fn has_own_endpoint(&self) -> bool {
        self.config.endpoint_url().is_some() || self.endpoint_of("s3").is_some()
    }

    /// Where CloudTrail is asked, if somewhere else than at AWS: whoever answers there gives the keys that are trusted.
    #[must_use]
    pub fn cloudtrail_endpoint(&self) -> Option<String> {
        let of_all = self.config.endpoint_url().map(str::to_owned);
        // The order of the SDK: what the caller names, then what is configured for the service, then for all.
        match self.config.get_origin("endpoint_url").is_client_config() {
            true => of_all,
            false => self.endpoint_of("CloudTrail").or(of_all),
        }
    }

    /// The endpoint that `AWS_ENDPOINT_URL_SERVICE`, or a profile's `services` section, names for one service alone.
    fn endpoint_of(&self, service: &'static str) -> Option<String> {
        let key = aws_types::service_config::ServiceConfigKey::builder();
        let key = key.service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
        self.config.service_config().zip(key.ok()).and_then(|(loader, key)| loader.load_config(key))
    }
}
