//! HTTP client with as many connections as file handles allow.
//!
//! The client differs from the SDK's default client in four ways. The user may name certificate authorities. File handles
//! limit the parallel requests. A
//! request without a free handle is retried after a pause, in which other requests release handles. An error names
//! the endpoint that did not answer. All clients share the connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::Semaphore;

use super::unanswered::EndpointError;
use crate::handles::{self, HandleWait};

/// How long an idle connection is kept: another host may need the handle.
const MAX_IDLE: Duration = Duration::from_secs(10);

/// Free handles below which a failed connection is blamed on a lack of handles.
const MIN_FREE: usize = 3;

/// Connect and read timeout.
type TimeoutPair = (Option<Duration>, Option<Duration>);

/// The connections of one account.
#[derive(Debug)]
pub(super) struct ConnectionPool {
    at_a_time: usize,
    sending: Arc<Semaphore>,
    connectors: Mutex<HashMap<TimeoutPair, SharedHttpConnector>>,
    /// The trusted certificate authorities; `None` for those of the system.
    trust: Option<TlsContext>,
}

impl ConnectionPool {
    /// A client with at most `at_a_time` concurrent requests, which trusts the authorities in `trust`, or else those of
    /// the system.
    pub(super) fn new(at_a_time: usize, trust: Option<TlsContext>) -> Self {
        let at_a_time = at_a_time.clamp(1, Semaphore::MAX_PERMITS);
        Self { at_a_time, sending: Arc::new(Semaphore::new(at_a_time)), connectors: Mutex::default(), trust }
    }

    fn connector(
        &self,
        settings: &HttpConnectorSettings,
        components: Option<&RuntimeComponents>,
    ) -> Connector {
        let mut builder = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        if let Some(trust) = &self.trust {
            builder = builder.tls_context(trust.clone());
        }
        builder.set_connector_settings(Some(settings.clone()));
        builder.set_proxy_config(Some(ProxyConfig::from_env()));
        builder.set_pool_idle_timeout(Some(Some(MAX_IDLE)));
        builder.set_pool_max_idle_per_host(Some(self.at_a_time));
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.build()
    }
}

impl HttpClient for ConnectionPool {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let connector = connectors.entry(timeouts).or_insert_with(|| {
            let connector = SharedHttpConnector::new(self.connector(settings, Some(components)));
            SharedHttpConnector::new(WaitingConnector { connector, sending: Arc::clone(&self.sending) })
        });
        connector.clone()
    }
}

/// A connector that waits for free handles.
#[derive(Debug)]
struct WaitingConnector {
    connector: SharedHttpConnector,
    sending: Arc<Semaphore>,
}

impl HttpConnector for WaitingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (connector, sending) = (self.connector.clone(), Arc::clone(&self.sending));
        HttpConnectorFuture::new(async move {
            // Held during the pauses too, so that fewer requests run while handles are short.
            let _turn = sending.acquire().await;
            let mut waits = HandleWait::new();
            let mut request = request;
            loop {
                let same = request.try_clone();
                let error = match connector.call(request).await {
                    Ok(answer) => {
                        waits.succeeded();
                        return Ok(answer);
                    }
                    Err(error) => error,
                };
                // A streamed body cannot be sent twice.
                let Some(same) = same else { return Err(error) };
                let wait = if is_lack(&error) { waits.next() } else { None };
                let Some(wait) = wait else { return Err(EndpointError::wrap(error, same.uri())) };
                tokio::time::sleep(wait).await;
                request = same;
            }
        })
    }
}

/// Whether a lack of handles is the cause. A failed name lookup hides the cause, so the check opens handles to find
/// out.
fn is_lack(error: &ConnectorError) -> bool {
    handles::is_lack(error)
        || (error.is_io() && handles::spare(MIN_FREE).is_err_and(|error| handles::is_lack(&error)))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    /// A connector that fails a number of times before it answers, and counts concurrent requests.
    #[derive(Debug)]
    struct FailingConnector {
        fails: AtomicUsize,
        error: fn() -> ConnectorError,
        at_once: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    impl HttpConnector for FailingConnector {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let fails = self.fails.load(Ordering::Relaxed);
            self.fails.store(fails.saturating_sub(1), Ordering::Relaxed);
            let answer = match fails {
                0 => Ok(HttpResponse::new(200.try_into().unwrap(), SdkBody::from(request.uri().to_owned()))),
                _ => Err((self.error)()),
            };
            let (at_once, most) = (Arc::clone(&self.at_once), Arc::clone(&self.most));
            HttpConnectorFuture::new(async move {
                most.fetch_max(at_once.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
                at_once.fetch_sub(1, Ordering::Relaxed);
                answer
            })
        }
    }

    /// Sends `requests` at once over a connector that fails `fails` times. Returns the number of answers, of remaining
    /// failures, and the highest number of concurrent requests.
    fn send(requests: usize, fails: usize, error: fn() -> ConnectorError) -> (usize, usize, usize) {
        let (at_once, most) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let failing =
            Arc::new(FailingConnector { fails: fails.into(), error, at_once, most: Arc::clone(&most) });
        let connector = SharedHttpConnector::new(SharedFailing(Arc::clone(&failing)));
        let patient = WaitingConnector { connector, sending: Arc::new(Semaphore::new(3)) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let request = || HttpRequest::get("http://bucket/key").unwrap();
        let calls: Vec<_> = (0..requests).map(|_| patient.call(request())).collect();
        let answers = runtime.block_on(futures_util::future::join_all(calls));
        let answered =
            answers.iter().flatten().filter(|answer| answer.body().bytes() == Some(b"http://bucket/key"));
        (answered.count(), failing.fails.load(Ordering::Relaxed), most.load(Ordering::Relaxed))
    }

    #[derive(Debug)]
    struct SharedFailing(Arc<FailingConnector>);

    impl HttpConnector for SharedFailing {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            self.0.call(request)
        }
    }

    fn lack() -> ConnectorError {
        let lack = io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
        ConnectorError::io(Box::new(io::Error::other(lack)))
    }

    #[test]
    fn a_request_without_a_handle_is_retried_within_the_limit() {
        assert_eq!(send(1, 0, lack), (1, 0, 1));
        assert_eq!(send(1, 4, lack), (1, 0, 1));
        assert_eq!(send(20, 9, lack), (20, 0, 3));
    }

    #[test]
    fn other_failures_are_returned_to_the_caller() {
        let refused = || ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionRefused).into());
        let timeout = || ConnectorError::timeout(io::Error::from(io::ErrorKind::TimedOut).into());
        assert_eq!(send(1, 3, refused), (0, 2, 1));
        assert_eq!(send(1, 3, timeout), (0, 2, 1));
    }
}
