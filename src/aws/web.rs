//! One request to a server that is not AWS's, over the SDK's HTTP client: with the user's proxies, and the authorities of
//! the system.

use std::io;
use std::time::Duration;

use aws_smithy_http_client::ConnectorBuilder;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use tokio::runtime::Builder;

use super::unanswered::EndpointError;
use crate::handles;

/// File handles for the runtime and the connection.
const HANDLES: usize = 8;

/// Why a server gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(crate) struct NoAnswer {
    /// The reason, with the server's name. Parts of it may come from the server.
    pub(crate) why: String,
    /// Whether another try may succeed: the connection failed or was lost, or the server was too slow.
    pub(crate) is_passing: bool,
}

/// Whether a URL can be asked for.
pub(crate) fn is_valid_url(url: &str) -> bool {
    HttpRequest::get(url).is_ok()
}

/// Sends a POST with a body of text, and returns the status of the answer. The answer's body is not read. `authorization`
/// is the value of that header.
///
/// # Errors
/// [`NoAnswer`] without a valid answer in `timeout`.
pub(crate) fn post(
    url: &str,
    authorization: Option<&str>,
    body: &str,
    timeout: Duration,
) -> Result<u16, NoAnswer> {
    let request = request(url, authorization, body)?;
    // Without free handles the runtime would panic.
    handles::spare(HANDLES).map_err(NoAnswer::of_system)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(NoAnswer::of_system)?;
    let answer = runtime.block_on(async {
        let mut builder = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        builder.set_proxy_config(Some(ProxyConfig::from_env()));
        let connector = builder.build();
        let answer = tokio::time::timeout(timeout, connector.call(request)).await;
        let late = || ConnectorError::timeout(format!("{} s", timeout.as_secs()).into());
        answer.unwrap_or_else(|_| Err(late())).map(|answer| answer.status().as_u16())
    });
    // A lookup of the host's name cannot be ended, and is not waited for.
    runtime.shutdown_background();
    answer.map_err(|error| {
        let is_lost = error.as_other() == Some(ErrorKind::TransientError);
        let is_passing = is_lost || error.is_io() || error.is_timeout();
        let error = EndpointError::wrap(error, url).into_source();
        NoAnswer { why: error.to_string(), is_passing }
    })
}

fn request(url: &str, authorization: Option<&str>, body: &str) -> Result<HttpRequest, NoAnswer> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    let is_made = request.set_method("POST").is_ok()
        && request.set_uri(url).is_ok()
        && authorization
            .is_none_or(|value| request.headers_mut().try_insert("authorization", value.to_owned()).is_ok());
    if !is_made {
        return Err(NoAnswer { why: "invalid URL, user or password".to_owned(), is_passing: false });
    }
    // Some servers refuse a POST without a length, and hyper sets none for an empty body.
    request.headers_mut().insert("content-length", body.len().to_string());
    request.headers_mut().insert("content-type", "text/plain; charset=utf-8");
    request.headers_mut().insert("user-agent", concat!("trailproof/", env!("CARGO_PKG_VERSION")));
    Ok(request)
}

impl NoAnswer {
    fn of_system(error: io::Error) -> Self {
        Self { why: format!("cannot connect: {error}"), is_passing: false }
    }
}
