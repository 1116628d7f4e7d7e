//! Connections, as many as there are file handles for.
//!
//! This is the SDK's own default client, with two differences: no more requests are sent at a time than handles allow,
//! and a request for which no handle was left is made again after a pause, in which others end and give theirs back.
//! All clients share its connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::Semaphore;

use crate::handles::{self, Patience};

/// How long a connection that nobody uses is kept: it has a handle that another host's may need.
const IDLE: Duration = Duration::from_secs(10);

/// Handles that have to be left where a failed connection is not for lack of them.
const LEFT: usize = 3;

/// Connect and read timeout.
type Timeouts = (Option<Duration>, Option<Duration>);

/// The connections of one account.
#[derive(Debug)]
pub(super) struct Connections {
    at_a_time: usize,
    sending: Arc<Semaphore>,
    connectors: Mutex<HashMap<Timeouts, SharedHttpConnector>>,
}

impl Connections {
    /// So many requests at a time at most.
    pub(super) fn new(at_a_time: usize) -> Self {
        let at_a_time = at_a_time.clamp(1, Semaphore::MAX_PERMITS);
        Self { at_a_time, sending: Arc::new(Semaphore::new(at_a_time)), connectors: Mutex::default() }
    }

    fn connector(
        &self,
        settings: &HttpConnectorSettings,
        components: Option<&RuntimeComponents>,
    ) -> Connector {
        let mut builder = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        builder.set_connector_settings(Some(settings.clone()));
        builder.set_proxy_config(Some(ProxyConfig::from_env()));
        builder.set_pool_idle_timeout(Some(Some(IDLE)));
        builder.set_pool_max_idle_per_host(Some(self.at_a_time));
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.build()
    }
}

impl HttpClient for Connections {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let connector = connectors.entry(timeouts).or_insert_with(|| {
            let connector = SharedHttpConnector::new(self.connector(settings, Some(components)));
            SharedHttpConnector::new(Patient { connector, sending: Arc::clone(&self.sending) })
        });
        connector.clone()
    }
}

/// A connector that waits for handles.
#[derive(Debug)]
struct Patient {
    connector: SharedHttpConnector,
    sending: Arc<Semaphore>,
}

impl HttpConnector for Patient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (connector, sending) = (self.connector.clone(), Arc::clone(&self.sending));
        HttpConnectorFuture::new(async move {
            // Held through the pauses: there are fewer at a time for as long as handles are short.
            let _turn = sending.acquire().await;
            let mut patience = Patience::new();
            let mut request = request;
            loop {
                let same = request.try_clone();
                let error = match connector.call(request).await {
                    Ok(answer) => {
                        patience.rewarded();
                        return Ok(answer);
                    }
                    Err(error) => error,
                };
                let again = same.filter(|_| is_lack(&error)).zip(patience.next());
                let Some((same, wait)) = again else { return Err(error) };
                tokio::time::sleep(wait).await;
                request = same;
            }
        })
    }
}

/// Whether no handle was left. A name that could not be looked up does not say so: then the system is asked.
fn is_lack(error: &ConnectorError) -> bool {
    handles::is_lack(error)
        || (error.is_io() && handles::spare(LEFT).is_err_and(|error| handles::is_lack(&error)))
}
