//! Connects to the user's AWS account, and explains why a connection fails.

use std::sync::Arc;

use super::Failure;
use super::args::AwsArgs;
use crate::aws::{
    self, Aws, LoadError, MissingProfile, NOT_AWS, Nature, NoCredentials, SKEWED, Settings, SignIn,
};
use crate::text::nearest;
use crate::words;

/// Most profiles that an error message lists.
const MAX_LISTED: usize = 10;

/// The variables that name endpoints.
const ENDPOINTS: [&str; 4] =
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_CLOUDTRAIL", "AWS_ENDPOINT_URL_STS"];

/// Reads the AWS configuration and checks that the profile exists and that there are credentials.
pub(super) fn connect(arguments: &AwsArgs) -> Result<Arc<Aws>, Failure> {
    match &arguments.endpoint_url {
        Some(url) => check_endpoint("--endpoint-url", ' ', url)?,
        None => check_endpoints_of_environment()?,
    }
    let settings =
        Settings { profile: arguments.profile.clone(), endpoint_url: arguments.endpoint_url.clone() };
    let aws = Aws::load(&settings).map_err(|error| not_loaded(&error))?;
    aws.check_profile(arguments.profile.as_deref()).map_err(|missing| no_profile(&missing))?;
    let profile = arguments.profile.as_deref();
    aws.check_credentials().map_err(|error| match aws.broken_profiles(profile) {
        Some(broken) => {
            Failure::new(broken.to_string(), "correct the file, or give another one with AWS_CONFIG_FILE")
        }
        None => no_credentials(profile, aws.sign_in(profile).as_ref(), &error),
    })?;
    Ok(aws)
}

fn not_loaded(error: &LoadError) -> Failure {
    let hint = match error {
        LoadError::Threads(_) => {
            "try again later, or raise the limits of open files and processes (`ulimit -n`, `ulimit -u`)"
        }
        LoadError::CaBundle(_) => {
            "name a file with the certificates of your authorities in PEM, or remove the setting to trust those of the \
             system"
        }
        LoadError::Retries(_) => "correct the setting, or remove it for the default",
    };
    Failure::new(error.to_string(), hint)
}

/// Checks the endpoints in the environment, as far as the SDK uses them.
fn check_endpoints_of_environment() -> Result<(), Failure> {
    let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if value("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(());
    }
    ENDPOINTS.into_iter().try_for_each(|name| match value(name) {
        Some(url) => check_endpoint(name, '=', &url),
        None => Ok(()),
    })
}

/// Checks that a URL has a scheme and a host, no query or fragment, and only characters that a URL may contain. A path is
/// put before the path of each request; a query would be in the middle of the URL.
/// `name` is the option or the variable, and `joint` the character between it and the URL.
fn check_endpoint(name: &str, joint: char, url: &str) -> Result<(), Failure> {
    let is_host = |rest: &str| {
        !rest.is_empty()
            && !rest.starts_with(['/', ':'])
            && !rest.contains(['?', '#'])
            && rest.bytes().all(|byte| byte.is_ascii_graphic())
            && has_valid_port(rest)
    };
    let is_valid =
        |url: &str| url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).is_some_and(is_host);
    if is_valid(url) {
        return Ok(());
    }
    let plain = url.split(['?', '#']).next().filter(|plain| *plain != url && is_valid(plain));
    let hint = match (is_host(url) && !url.contains("://") && url.contains([':', '.']), plain) {
        (true, _) => format!("did you mean `{name}{joint}http://{url}`?"),
        (false, Some(plain)) => format!("an endpoint has no query: did you mean `{name}{joint}{plain}`?"),
        (false, None) => format!("for example `{name}{joint}http://127.0.0.1:9000`"),
    };
    Err(Failure::new(format!("`{name}`: invalid URL `{url}`"), hint))
}

/// Whether the port in `HOST[:PORT][/PATH]`, if any, is a number.
fn has_valid_port(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    let port = authority.rsplit_once(':').filter(|_| !authority.ends_with(']'));
    port.is_none_or(|(_, port)| port.parse::<u16>().is_ok())
}

fn no_profile(missing: &MissingProfile) -> Failure {
    let known = match missing.known.as_slice() {
        [] => "no profile is configured: `aws configure sso` or `aws configure` makes one".to_owned(),
        known => {
            let listed: Vec<String> = known.iter().take(MAX_LISTED).map(|name| format!("`{name}`")).collect();
            let more = match known.len() - listed.len() {
                0 => String::new(),
                more => format!(" and {more} more (`aws configure list-profiles`)"),
            };
            format!("configured profiles: {}{more}", listed.join(", "))
        }
    };
    let hint = match nearest(&missing.name, missing.known.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`? {known}"),
        None => known,
    };
    Failure::new(missing.to_string(), hint)
}

/// The error message for a named profile without keys and without a session.
fn keyless(profile: &str) -> Failure {
    let hint = format!(
        "give the profile keys or a session (`aws configure --profile {profile}`), or name another profile with \
         `--profile` or AWS_PROFILE"
    );
    Failure::new(format!("the profile `{profile}` has no credentials"), hint)
}

fn no_credentials(profile: Option<&str>, sign_in: Option<&SignIn>, error: &NoCredentials) -> Failure {
    let of_environment = std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty());
    if let (NoCredentials::Keyless | NoCredentials::Nowhere, Some(named)) =
        (error, profile.or(of_environment.as_deref()))
    {
        return keyless(named);
    }
    let option = profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default();
    let hint = match error {
        NoCredentials::Nowhere | NoCredentials::Keyless => {
            "sign in with `aws login` or `aws sso login`, or name a profile with `--profile` or AWS_PROFILE"
                .to_owned()
        }
        NoCredentials::SignedOut | NoCredentials::LoggedOut => {
            let command = match (sign_in, error) {
                (Some(sign_in), _) => sign_in.to_string(),
                (None, NoCredentials::LoggedOut) => format!("aws login{option}"),
                (None, _) => format!("aws sso login{option}"),
            };
            format!("sign in with `{command}`, or name another profile with `--profile`")
        }
        NoCredentials::Unsendable(_) => {
            "set the credentials again without spaces and line breaks, in the environment or the profile"
                .to_owned()
        }
        NoCredentials::Failed(why) if why.contains("did not answer") => unreachable_hint(why).to_owned(),
        NoCredentials::Failed(_) => format!(
            "check with `aws sts get-caller-identity{option}`, or name another profile with `--profile` or AWS_PROFILE"
        ),
    };
    let whose = profile.map(|profile| format!(" (profile `{profile}`)")).unwrap_or_default();
    Failure::new(format!("{error}{whose}"), hint)
}

/// Why a CloudTrail request failed; `action` is the request's name.
pub(super) fn cloudtrail_failed(action: &str, failure: &aws::Failure) -> Failure {
    let hint = match failure.nature {
        Nature::Denied => {
            format!("allow `cloudtrail:{action}` to these credentials, or use another profile (`--profile`)")
        }
        Nature::Credentials => {
            "sign in again (`aws login` or `aws sso login`), or name another profile with `--profile`"
                .to_owned()
        }
        Nature::Rejected if failure.code.as_deref() == Some(SKEWED) => {
            "set the clock of this machine: AWS accepts signatures within 15 minutes of its own time"
                .to_owned()
        }
        Nature::Rejected | Nature::Unreachable if words::is_server_failure(&failure.message) => {
            "CloudTrail failed: try again later".to_owned()
        }
        Nature::Absent | Nature::Rejected | Nature::Archived | Nature::Replaced => {
            "compare with `aws cloudtrail describe-trails`".to_owned()
        }
        Nature::Unreachable => unreachable_hint(&failure.message).to_owned(),
    };
    Failure::new(format!("CloudTrail `{action}` failed: {}", failure.message), hint)
}

/// What to do where something else answers in the place of AWS.
pub(super) const WHICH_ENDPOINT: &str = "is the endpoint right (`--endpoint-url`, AWS_ENDPOINT_URL)? a login page or a proxy may answer in the place of AWS";

/// What to do about an endpoint that did not answer, by the cause that the message names.
pub(super) fn unreachable_hint(message: &str) -> &'static str {
    let says = |cause: &str| message.contains(cause);
    if says(NOT_AWS) {
        WHICH_ENDPOINT
    } else if says("connection refused") {
        "check that a server listens there (`--endpoint-url`, AWS_ENDPOINT_URL), or the proxy (HTTPS_PROXY)"
    } else if says("(DNS)") {
        "check the region (AWS_REGION), the endpoint (`--endpoint-url`, AWS_ENDPOINT_URL) and the name server"
    } else if says("TLS") {
        "name a file with the certificate authority in AWS_CA_BUNDLE, or check that the endpoint speaks HTTPS"
    } else {
        "check the network, the proxy (HTTPS_PROXY), the region (AWS_REGION) and the endpoint (AWS_ENDPOINT_URL)"
    }
}
