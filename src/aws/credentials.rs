//! Explains missing credentials in one sentence.

use std::error::Error;
use std::io;

use aws_sdk_s3::config::ProvideCredentials;
use aws_types::os_shim_internal::Env;

use super::failure::causes;
use super::unanswered::EndpointError;
use crate::text::shortened;

/// Why credentials are missing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoCredentials {
    /// No source has credentials.
    #[error("no AWS credentials found")]
    Nowhere,
    /// The IAM Identity Center (SSO) session is missing or has expired.
    #[error("no AWS credentials: not signed in to AWS IAM Identity Center (SSO), or the session has expired")]
    SignedOut,
    /// The session of `aws login` is missing or has expired.
    #[error("no AWS credentials: not signed in with `aws login`, or the session has expired")]
    LoggedOut,
    /// The named profile has no credentials of any kind.
    #[error("the profile has no credentials")]
    Keyless,
    /// The credentials cannot be part of a request; names what is wrong.
    #[error(
        "unusable AWS credentials: the {0} has a space, a line break or another character that no request can carry"
    )]
    Unsendable(String),
    /// A source of credentials failed; holds the reason.
    #[error("no AWS credentials: {0}")]
    Failed(String),
}

/// The variables whose values become HTTP headers, and what they hold.
const SENT: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SESSION_TOKEN", SESSION_TOKEN)];

const ACCESS_KEY: &str = "access key ID";
const SESSION_TOKEN: &str = "session token";

/// Requests credentials from `provider`, checks that they can be sent, and discards them.
pub(super) async fn check(provider: &impl ProvideCredentials) -> Result<(), NoCredentials> {
    // 1. A role is assumed with the keys of the environment: the request for the role would panic.
    for (variable, what) in SENT {
        let value = Env::real().get(variable).unwrap_or_default();
        check_sendable(&format!("{what} in {variable}"), &value)?;
    }
    // 2. The credentials of any provider.
    let credentials = provider.provide_credentials().await.map_err(|error| explain(&error))?;
    check_sendable(ACCESS_KEY, credentials.access_key_id())?;
    check_sendable(SESSION_TOKEN, credentials.session_token().unwrap_or_default())
}

/// Checks that a text can be part of an HTTP header. The SDK panics on a line break.
fn check_sendable(what: &str, text: &str) -> Result<(), NoCredentials> {
    match text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(()),
        false => Err(NoCredentials::Unsendable(what.to_owned())),
    }
}

fn explain(error: &(dyn Error + 'static)) -> NoCredentials {
    let all: Vec<&(dyn Error + 'static)> = causes(error).collect();
    if let Some(unanswered) = all.iter().find_map(|error| error.downcast_ref::<EndpointError>()) {
        return NoCredentials::Failed(unanswered.to_string());
    }
    let texts: Vec<String> = all.iter().map(|error| error.to_string()).collect();
    let says = |words: &[&str]| texts.iter().any(|text| words.iter().any(|word| text.contains(word)));
    if says(&["no credentials found in chain"]) {
        return NoCredentials::Nowhere;
    }
    // The provider of a single profile does not say more.
    if says(&["did not contain credential information"])
        || texts.last().is_some_and(|text| text == "the credential provider was not enabled")
    {
        return NoCredentials::Keyless;
    }
    if says(&["Login token", "login/cache"]) {
        return NoCredentials::LoggedOut;
    }
    if says(&["SSO token", "sso/cache", "cached SSO", "token has expired", "UnauthorizedException"]) {
        return NoCredentials::SignedOut;
    }
    // The last cause is the problem; the causes above name the sources tried on the way.
    let root = texts.last().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let root = root.unwrap_or_default();
    let root = root.strip_suffix(" Stderr:").unwrap_or(&root);
    // An error of the system does not name the file.
    let is_file = all.last().is_some_and(|error| error.is::<io::Error>());
    let of = if is_file {
        "cannot read a file that the configuration or AWS_WEB_IDENTITY_TOKEN_FILE names: "
    } else {
        ""
    };
    NoCredentials::Failed(shortened(format!("{of}{root}")))
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::box_error::BoxError;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<BoxError>,
    }

    fn layers(texts: &[&'static str]) -> Layer {
        let (first, rest) = texts.split_first().unwrap();
        let source = (!rest.is_empty()).then(|| Box::new(layers(rest)) as BoxError);
        Layer { text: first, source }
    }

    #[test]
    fn the_cause_is_named_and_not_the_way_to_it() {
        let explained = |texts: &[&'static str]| explain(&layers(texts)).to_string();
        assert_eq!(
            explained(&["not enabled", "no credentials found in chain. Attempted:\nEnvironment: x"]),
            "no AWS credentials found"
        );
        assert_eq!(
            explained(&["an error occurred", "failed\n  to read\tit"]),
            "no AWS credentials: failed to read it"
        );
        assert_eq!(explained(&["the credential provider was not enabled"]), "the profile has no credentials");
        let expired = explained(&["an error occurred", "failed to refresh cached Login token", "x"]);
        assert!(expired.contains("not signed in with `aws login`"), "{expired}");
        assert!(
            explained(&["an error occurred", "failed to load the cached SSO token"]).contains("signed in")
        );
    }

    #[test]
    fn credentials_that_no_header_can_carry_are_refused() {
        assert_eq!(check_sendable(ACCESS_KEY, "AKIDEXAMPLE"), Ok(()));
        for text in ["AKID\n", "AKID EXAMPLE", "AKID\u{e9}", "\tAKID"] {
            let error = check_sendable(ACCESS_KEY, text).unwrap_err().to_string();
            assert!(error.starts_with("unusable AWS credentials: the access key ID has"), "{error}");
        }
    }
}
