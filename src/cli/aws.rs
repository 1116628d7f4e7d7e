//! The AWS account that the user means, and what to do where it cannot be asked.

use std::sync::Arc;

use super::Failure;
use super::args::AwsArgs;
use crate::aws::{self, Aws, Nature, Settings};

/// Opens the account and makes sure that there are credentials.
pub(super) fn connect(arguments: &AwsArgs) -> Result<Arc<Aws>, Failure> {
    if let Some(url) = &arguments.endpoint_url
        && !is_endpoint(url)
    {
        let what = format!("`--endpoint-url`: `{url}` is no URL");
        return Err(Failure::new(what, "for example `--endpoint-url http://127.0.0.1:9000`"));
    }
    let settings =
        Settings { profile: arguments.profile.clone(), endpoint_url: arguments.endpoint_url.clone() };
    let aws = Aws::load(&settings).map_err(|error| {
        let hint = "try again later, or with more of what is lacking (`ulimit -n`, `ulimit -u`)";
        Failure::new(format!("threads cannot be started: {error}"), hint)
    })?;
    aws.check_credentials().map_err(|why| no_credentials(arguments.profile.as_deref(), &why))?;
    Ok(aws)
}

/// Whether there is a scheme, a host, and nothing that a URL cannot hold.
fn is_endpoint(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with(['/', ':']) && rest.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

fn no_credentials(profile: Option<&str>, why: &str) -> Failure {
    let whose = profile.map(|profile| format!(" in the profile `{profile}`")).unwrap_or_default();
    Failure::new(
        format!("no AWS credentials{whose}: {why}"),
        "log in (`aws sso login`), or name a profile with `--profile` or AWS_PROFILE; `aws sts get-caller-identity` \
         shows who you are",
    )
}

/// What kept CloudTrail from answering, where `action` was asked.
pub(super) fn cloudtrail_failed(action: &str, failure: &aws::Failure) -> Failure {
    let hint = match failure.nature {
        Nature::Denied => {
            format!("allow `cloudtrail:{action}` to these credentials, or use others (`--profile`)")
        }
        Nature::Credentials => "log in again, or name another profile with `--profile`".to_owned(),
        Nature::Absent | Nature::Rejected | Nature::Archived | Nature::Replaced => {
            "see `aws cloudtrail describe-trails`".to_owned()
        }
        Nature::Unreachable => "check the network, the region (AWS_REGION) and the endpoint".to_owned(),
    };
    Failure::new(format!("CloudTrail cannot be asked: {}", failure.message), hint)
}
