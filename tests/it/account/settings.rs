//! Settings and credentials that AWS's tools would take otherwise, or not at all: nothing panics, and the setting is named.

use std::fs;

use super::Account;
use crate::cli::case::Done;

fn trails(account: &Account, more: &[&str], variables: &[(&str, &str)]) -> Done {
    let mut command = account.command(&[&["trails"], more].concat());
    command.envs(variables.iter().copied()).output().unwrap().into()
}

/// An account with a configuration file in its home.
fn configured(config: &str) -> Account {
    let account = Account::new();
    fs::create_dir(account.at(".aws")).unwrap();
    fs::write(account.at(".aws/config"), config).unwrap();
    account
}

const KEYS: &str = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n";

#[test]
fn retries_are_set_as_in_the_aws_cli() {
    let config = format!("[profile old]\n{KEYS}retry_mode = legacy\nmax_attempts = 4\n");
    let account = configured(&config);
    for (more, variables) in [
        (&[][..], &[("AWS_RETRY_MODE", "legacy")][..]),
        (&[], &[("AWS_RETRY_MODE", " Adaptive ")]),
        (&[], &[("AWS_RETRY_MODE", ""), ("AWS_MAX_ATTEMPTS", "")]),
        (&[], &[("AWS_MAX_ATTEMPTS", "1")]),
        (&["--profile", "old"], &[("AWS_MAX_ATTEMPTS", "")]),
    ] {
        account.cloud.forget_requests();
        let done = trails(&account, more, variables);
        assert!(!done.stderr.contains("panicked") && done.code != Some(101), "{}", done.stderr);
        assert!(account.asked("ListTrails") > 0, "{variables:?}: {}", done.stderr);
    }
}

#[test]
fn an_invalid_setting_about_retries_is_named() {
    let config = format!("[profile mode]\n{KEYS}retry_mode = fast\n[profile none]\n{KEYS}max_attempts = 0\n");
    let account = configured(&config);
    let attempts = "expected a whole number, 1 or more";
    for value in ["0", "abc", "-1"] {
        let done = trails(&account, &[], &[("AWS_MAX_ATTEMPTS", value)]);
        done.assert_cannot(&format!("`AWS_MAX_ATTEMPTS`: invalid value `{value}`: {attempts}"));
    }
    let modes = "invalid value `fast`: expected `standard`, `adaptive` or `legacy`";
    trails(&account, &[], &[("AWS_RETRY_MODE", "fast")]).assert_cannot(&format!("`AWS_RETRY_MODE`: {modes}"));
    let done = trails(&account, &["--profile", "mode"], &[]);
    done.assert_cannot(&format!("`retry_mode` of the profile `mode`: {modes}"));
    let done = trails(&account, &["--profile", "none"], &[("AWS_MAX_ATTEMPTS", "")]);
    done.assert_cannot(&format!("`max_attempts` of the profile `none`: invalid value `0`: {attempts}"));
    assert_eq!(account.cloud.requests().len(), 0);
}

/// The credentials are headers of every request.
#[test]
fn credentials_that_no_request_can_carry_are_refused() {
    let printing = r#"{"Version": 1, "AccessKeyId": "AKID\n", "SecretAccessKey": "secret"}"#;
    let account = configured("[profile printed]\ncredential_process = cat printed.json\n");
    fs::write(account.at("printed.json"), printing).unwrap();
    let bucket = ["validate", "s3://trail-logs"];
    for (more, variables, what) in [
        (
            &[][..],
            &[("AWS_ACCESS_KEY_ID", "a\n")][..],
            "the access key ID in AWS_ACCESS_KEY_ID has a space, a line",
        ),
        (
            &[],
            &[("AWS_SESSION_TOKEN", "to\nken")],
            "the session token in AWS_SESSION_TOKEN has a space, a line",
        ),
        (&["--profile", "printed"], &[], "the access key ID has a space, a line break"),
    ] {
        trails(&account, more, variables).assert_cannot(what);
        let mut command = account.command(&[&bucket[..], more].concat());
        let done: Done = command.envs(variables.iter().copied()).output().unwrap().into();
        done.assert_cannot(what);
    }
    assert_eq!(account.cloud.requests().len(), 0);
}

#[test]
fn a_broken_configuration_is_no_missing_session() {
    let account = configured("[profile audit]\nregion = us-east-1\n[broken\n");
    let mut command = account.command(&["trails"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let done: Done = command.output().unwrap().into();
    done.assert_cannot("the AWS configuration cannot be used: `");
    assert!(done.stderr.contains("config`, line 3: "), "{}", done.stderr);
    fs::write(account.at(".aws/config"), "[profile audit]\nregion = us-east-1\n").unwrap();
    let mut command = account.command(&["trails"]);
    command.env("AWS_PROFILE", "audit").env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    for done in [trails(&account, &["--profile", "audit"], &[]), command.output().unwrap().into()] {
        done.assert_cannot("error: the profile `audit` has no credentials\n");
        assert!(done.stderr.contains("`aws configure --profile audit`"), "{}", done.stderr);
    }
}

#[test]
fn an_endpoint_with_a_query_is_refused_before_any_request() {
    let account = Account::new();
    let url = "http://127.0.0.1:5055/path?x";
    let done = trails(&account, &[], &[("AWS_ENDPOINT_URL", url)]);
    done.assert_cannot(&format!("`AWS_ENDPOINT_URL`: invalid URL `{url}`"));
    let meant = "did you mean `AWS_ENDPOINT_URL=http://127.0.0.1:5055/path`?";
    assert!(done.stderr.contains(meant), "{}", done.stderr);
    trails(&account, &["--endpoint-url", url], &[]).assert_cannot("`--endpoint-url`: invalid URL");
    trails(&account, &["--endpoint-url", "http://host:port"], &[])
        .assert_cannot("invalid URL `http://host:port`");
}
