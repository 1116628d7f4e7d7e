//! Profiles, credentials and a run without a source: what is missing, in one message and one hint.

use std::fs;

use super::{Account, now};
use crate::cli::case::Done;
use crate::cloud::Trail;

const CONFIG: &str = "[default]\nregion = us-east-1\n\
    [profile role]\nrole_arn = arn:aws:iam::111122223333:role/audit\nsource_profile = base\n\
    [profile dangling]\nrole_arn = arn:aws:iam::111122223333:role/audit\nsource_profile = bose\n\
    [profile sso]\nsso_start_url = https://x.awsapps.com/start\nsso_region = us-east-1\n\
    sso_account_id = 111122223333\nsso_role_name = r\n\
    [profile process]\ncredential_process = /nonexistent/program\n";

const SESSIONS: &str = "[profile session]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = r\n\
    [sso-session corp]\nsso_start_url = https://x.awsapps.com/start\nsso_region = us-east-1\n\
    [profile login]\nlogin_session = arn:aws:iam::111122223333:user/me\n\
    [profile by-login]\nrole_arn = arn:aws:iam::111122223333:role/audit\nsource_profile = login\n\
    [profile by-session]\nrole_arn = arn:aws:iam::111122223333:role/audit\nsource_profile = session\n\
    [profile environment]\nrole_arn = arn:aws:iam::111122223333:role/audit\ncredential_source = Environment\n\
    [profile printed]\ncredential_process = cat credentials.json\n";

const CREDENTIALS: &str = "[base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n";

fn with_profiles() -> Account {
    let account = Account::new();
    fs::create_dir(account.at(".aws")).unwrap();
    fs::write(account.at(".aws/config"), CONFIG).unwrap();
    fs::write(account.at(".aws/credentials"), CREDENTIALS).unwrap();
    account
}

fn with_sessions() -> Account {
    let account = with_profiles();
    fs::write(account.at(".aws/config"), [CONFIG, SESSIONS].concat()).unwrap();
    account
}

/// `trails` without keys and region in the environment.
fn trails(account: &Account, more: &[&str], variables: &[(&str, &str)]) -> Done {
    let mut command = account.command(&[&["trails"], more].concat());
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).output().unwrap().into()
}

/// The default profile need not exist, unless it is named.
#[test]
fn a_default_profile_that_is_named_has_to_be_there() {
    let account = Account::new();
    fs::create_dir(account.at(".aws")).unwrap();
    fs::write(account.at(".aws/config"), "[profile audit]\nregion = us-east-1\n").unwrap();
    let done = account.run(&["trails", "--profile", "default"]);
    done.assert_cannot("AWS profile `default` does not exist");
    assert!(done.stderr.contains("configured profiles: `audit`"), "{}", done.stderr);
    assert_ne!(account.run(&["trails"]).code, Some(2));
}

#[test]
fn a_missing_profile_is_answered_by_the_profiles_there_are() {
    let account = with_profiles();
    for done in [
        trails(&account, &["--profile", "bsae"], &[]),
        trails(&account, &[], &[("AWS_PROFILE", "bsae")]),
        account.run(&["trails", "--profile", "bsae"]),
    ] {
        done.assert_cannot("AWS profile `bsae` does not exist");
        let hint = "hint: did you mean `base`? configured profiles: `base`, `dangling`, `default`, ";
        assert!(done.stderr.contains(hint), "{}", done.stderr);
    }
    let done = trails(&account, &["--profile", "dangling"], &[]);
    done.assert_cannot("AWS profile `bose`, the `source_profile` of `dangling`, does not exist");
    assert!(done.stderr.contains("did you mean `base`?"), "{}", done.stderr);
    let many: String = (0..20).map(|number| format!("[p{number}]\naws_access_key_id = A\n")).collect();
    fs::write(account.at(".aws/credentials"), many).unwrap();
    let done = trails(&account, &["--profile", "nobody"], &[]);
    done.assert_cannot("`nobody` does not exist");
    assert!(done.stderr.contains(" more (`aws configure list-profiles`)"), "{}", done.stderr);
    Account::new().run(&["trails", "--profile", "nobody"]).assert_cannot("no profile is configured");
}

#[test]
fn missing_credentials_are_said_without_the_way_to_them() {
    let account = with_profiles();
    let done = trails(&account, &[], &[]);
    done.assert_cannot("error: no AWS credentials found\n");
    assert!(!done.stderr.contains("Attempted"), "{}", done.stderr);
    let done = trails(&account, &["--profile", "sso"], &[]);
    done.assert_cannot("not signed in");
    assert!(done.stderr.contains("`aws sso login --profile sso`"), "{}", done.stderr);
    trails(&account, &["--profile", "process"], &[]).assert_cannot("no AWS credentials: ");
    // A role is asked for in some region, whether one is configured or not.
    let done = trails(&account, &["--profile", "role"], &[]);
    assert!(!done.stderr.contains("missing signing region"), "{}", done.stderr);
    assert!(!account.cloud.requests().is_empty(), "{}", done.stderr);
}

/// A session that is missing is answered by the command that begins it, for the profile that holds it.
#[test]
fn a_missing_session_is_answered_by_the_command_that_signs_in() {
    let account = with_sessions();
    for (profile, command) in [
        ("sso", "aws sso login --profile sso"),
        ("session", "aws sso login --profile session"),
        ("login", "aws login --profile login"),
        ("by-login", "aws login --profile login"),
        ("by-session", "aws sso login --profile session"),
    ] {
        for done in [
            trails(&account, &["--profile", profile], &[]),
            trails(&account, &[], &[("AWS_PROFILE", profile)]),
        ] {
            done.assert_cannot("not signed in");
            let hint = format!("hint: sign in with `{command}`, or");
            assert!(done.stderr.contains(&hint), "{profile}: {}", done.stderr);
            assert_eq!(done.stderr.lines().count(), 2, "{}", done.stderr);
        }
    }
    // The session of `aws login` has a file whose name is the hash of the session's name.
    let cache = account.at(".aws/login/cache");
    fs::create_dir_all(&cache).unwrap();
    let name = "97d1c3a1d2b4";
    fs::write(format!("{cache}/{name}.json"), "{}").unwrap();
    trails(&account, &["--profile", "login"], &[]).assert_cannot("not signed in with `aws login`");
}

/// Profiles that need no session work: keys that a program prints, and a role by the keys of the environment.
#[test]
fn profiles_without_a_session_reach_cloudtrail() {
    let account = with_sessions();
    fs::write(
        account.at("credentials.json"),
        r#"{"Version": 1, "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "secret"}"#,
    )
    .unwrap();
    for profile in ["base", "printed"] {
        account.cloud.forget_requests();
        trails(&account, &["--profile", profile], &[]);
        assert!(account.asked("ListTrails") > 0, "{profile}");
    }
    // The cloud has no STS, so that a role ends there: it was asked for, in one message.
    let keys = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    account.cloud.forget_requests();
    let done = trails(&account, &["--profile", "environment"], &keys);
    done.assert_cannot("no AWS credentials");
    assert!(!account.cloud.requests().is_empty(), "{}", done.stderr);
    fs::write(account.at("token"), "header.payload.signature").unwrap();
    let token = account.at("token");
    let web =
        [("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/web"), ("AWS_WEB_IDENTITY_TOKEN_FILE", &token)];
    account.cloud.forget_requests();
    let done = trails(&account, &[], &web);
    done.assert_cannot("no AWS credentials");
    assert!(!account.cloud.requests().is_empty(), "{}", done.stderr);
}

#[test]
fn without_a_source_the_accounts_trails_are_listed_to_copy() {
    let account = Account::new();
    let fresh = Trail {
        latest_delivery: Some(now() - 600),
        latest_digest_delivery: Some(now() - 3_600),
        ..Trail::default()
    };
    let off = Trail { name: "off".to_owned(), validation: false, ..fresh.clone() };
    account.cloud.add_trail(fresh.clone());
    account.cloud.add_trail(off.clone());
    let done = account.run(&["validate", "--start-time", "7d"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{}", done.stderr);
    let lines: Vec<&str> = done.stderr.lines().collect();
    assert!(lines[0].starts_with("error: no source to validate"), "{lines:?}");
    assert!(lines[1].starts_with("hint: the account's trails"), "{lines:?}");
    let command = |trail: &Trail| format!("  trailproof validate {} --start-time 7d", trail.arn());
    assert!(lines.contains(&command(&fresh).as_str()), "{lines:?}");
    let broken = format!("{}  # log file validation is off", command(&off));
    assert!(lines.iter().any(|line| line.starts_with(&broken)), "{lines:?}");
    assert_eq!(lines.len(), 4, "{lines:?}");
    let mut command = account.command(&["validate"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let done: Done = command.output().unwrap().into();
    done.assert_cannot("no source to validate");
    assert!(done.stderr.contains("`trailproof trails` lists the account's trails"), "{}", done.stderr);
}
