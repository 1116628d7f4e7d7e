//! Why a request failed: a message for the user and a kind for the program.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::unanswered::EndpointError;
use crate::text::shortened;

/// The kind of a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nature {
    /// The service reports that the object, bucket or trail does not exist.
    Absent,
    /// The service denies access to these credentials.
    Denied,
    /// The credentials are invalid or have expired.
    Credentials,
    /// The object is archived.
    Archived,
    /// The precondition of the request failed: the object was replaced.
    Replaced,
    /// No valid answer, retries included.
    Unreachable,
    /// The service rejects the request.
    Rejected,
}

/// A failed request.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind of failure.
    pub nature: Nature,
    /// The service's code, such as `NoSuchBucket`.
    pub code: Option<String>,
    /// The message for the user.
    pub message: String,
    /// Whether the answer names a delete marker in the object's place.
    pub delete_marker: bool,
}

/// Error codes of S3 and CloudTrail for invalid credentials.
///
/// Source: Amazon S3 API Reference, "Error responses"; CloudTrail API Reference, "Common Errors".
const CREDENTIALS: [&str; 11] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "TokenRefreshRequired",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "RequestExpired",
    "MissingAuthenticationToken",
];

/// Code for a signature whose time is over 15 minutes from the service's time. The credentials are valid.
pub(crate) const SKEWED: &str = "RequestTimeTooSkewed";

/// Words of the message where something else answers in the place of AWS, such as a login page.
pub(crate) const NOT_AWS: &str = "not as AWS answers";

impl Failure {
    /// Whether S3 asks for fewer requests.
    pub(crate) fn is_slow_down(&self) -> bool {
        self.code.as_deref() == Some("SlowDown")
    }

    /// Classifies an error of the SDK.
    pub(crate) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let Some(service) = error.as_service_error() else { return Self::without_answer(error) };
        let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
        let header = |name| error.raw_response().and_then(|raw| raw.headers().get(name));
        let code = service.code().filter(|code| !code.is_empty());
        let message = match (code, service.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => format!("{code} (HTTP {status})"),
            // S3 and CloudTrail fail with 4xx or 5xx, or redirect with a code.
            (None, _) if (200..400).contains(&status) => {
                format!("the endpoint answered with HTTP {status}, but {NOT_AWS}")
            }
            (None, _) => format!("HTTP {status} without an error code"),
        };
        Self {
            nature: nature(code, status),
            code: code.map(|code| shortened(code.to_owned())),
            message: shortened(message),
            delete_marker: header("x-amz-delete-marker") == Some("true"),
        }
    }

    fn without_answer<E: Error + 'static>(error: &SdkError<E, HttpResponse>) -> Self {
        let unanswered = causes(error).find_map(|cause| cause.downcast_ref::<EndpointError>());
        let text = match (error, unanswered) {
            (_, Some(unanswered)) => unanswered.to_string(),
            (SdkError::ResponseError(_), None) => shortened(chain(error)),
            (_, None) => chain(error),
        };
        // Most requests that fail before sending lack credentials.
        let is_credentials = matches!(error, SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_))
            && unanswered.is_none()
            && text.contains("credential");
        let nature = if is_credentials { Nature::Credentials } else { Nature::Unreachable };
        Self { nature, code: None, message: text, delete_marker: false }
    }
}

/// The kind by S3's error code. A proxy may send a status without a code, so a status without a code decides
/// nothing.
fn nature(code: Option<&str>, status: u16) -> Nature {
    match code {
        Some("NoSuchKey" | "NoSuchBucket" | "TrailNotFoundException") => Nature::Absent,
        Some("InvalidObjectState") => Nature::Archived,
        Some("PreconditionFailed") => Nature::Replaced,
        Some(SKEWED) => Nature::Rejected,
        Some(code) if CREDENTIALS.contains(&code) => Nature::Credentials,
        Some(_) if status == 403 => Nature::Denied,
        Some(code) if code.starts_with("AccessDenied") => Nature::Denied,
        Some("SlowDown" | "InternalError" | "ServiceUnavailable" | "RequestTimeout") | None => {
            Nature::Unreachable
        }
        Some(_) => Nature::Rejected,
    }
}

/// An error and its causes, outermost first.
pub(super) fn causes<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| (*error).source())
}

/// An error and its causes in one line, each text once.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in causes(error) {
        let text = cause.to_string().split('\n').map(str::trim).collect::<Vec<_>>().join("; ");
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}
