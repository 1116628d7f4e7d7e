//! What cannot be begun with: nothing goes to stdout, and one line says what to do.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use super::{Account, OWNER};
use crate::cli::case::Done;
use crate::cloud::Trail;

const BUCKET: [&str; 2] = ["validate", "s3://trail-logs"];

fn without_credentials(account: &Account, arguments: &[&str]) -> Done {
    let mut command = account.command(arguments);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.output().unwrap().into()
}

#[test]
fn without_credentials_nothing_is_asked() {
    let account = Account::new();
    let saved = account.at("saved");
    for arguments in [
        &BUCKET[..],
        &["validate", &Trail::default().arn()],
        &["trails"],
        &["keys", "--start-time", "1d"],
        &["simulate", "s3://trail-logs", "--save", &saved],
    ] {
        let done = without_credentials(&account, arguments);
        done.assert_cannot("no AWS credentials");
        assert!(done.stderr.contains("--profile"), "{}", done.stderr);
    }
    assert_eq!(account.cloud.requests().len(), 0);
}

/// An endpoint in the environment is checked as that of the option.
#[test]
fn an_endpoint_needs_a_scheme() {
    let account = Account::new();
    let run = |name: &str, url: &str, more: &[&str]| -> Done {
        let mut command = account.command(&[&BUCKET[..], more].concat());
        command.env(name, url).output().unwrap().into()
    };
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_CLOUDTRAIL"] {
        let done = run(name, "127.0.0.1:5577", &[]);
        done.assert_cannot(&format!("`{name}`: invalid URL `127.0.0.1:5577`"));
        let hint = format!("did you mean `{name}=http://127.0.0.1:5577`?");
        assert!(done.stderr.contains(&hint), "{}", done.stderr);
    }
    let done = run("AWS_ENDPOINT_URL_S3", "x", &["--endpoint-url", "127.0.0.1:5577"]);
    done.assert_cannot("`--endpoint-url`: invalid URL");
    assert!(done.stderr.contains("did you mean `--endpoint-url http://127.0.0.1:5577`?"), "{}", done.stderr);
}

#[test]
fn a_profile_has_to_be_there() {
    let account = Account::new();
    let done = without_credentials(&account, &[&BUCKET[..], &["--profile", "nobody"]].concat());
    done.assert_cannot("nobody");
    let done = account.run(&[&BUCKET[..], &["--profile", "nobody"]].concat());
    done.assert_cannot("nobody");
    assert_eq!(account.cloud.requests().len(), 0);
}

#[test]
fn a_profile_that_is_named_counts_for_more_than_keys_in_the_environment() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    fs::create_dir(account.at(".aws")).unwrap();
    let profile = "[audit]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n";
    fs::write(account.at(".aws/credentials"), profile).unwrap();
    let named = [&BUCKET[..], &["--profile", "audit"]].concat();
    account.run(&named).assert_verdict(0, "intact");
    without_credentials(&account, &named).assert_verdict(0, "intact");
    let broken = profile.replace("aws_secret_access_key", "nothing");
    fs::write(account.at(".aws/credentials"), broken).unwrap();
    account.run(&named).assert_cannot("no AWS credentials");
}

#[test]
fn a_bucket_has_to_be_there_and_be_listed() {
    let account = Account::new();
    account.run(&["validate", "s3://nowhere"]).assert_cannot("there is no bucket `nowhere`");
    account.run(&["validate", "s3://"]).assert_cannot("names no bucket");
    account.run(&["validate", "s3:///p"]).assert_cannot("names no bucket");
    account.run(&["validate", "s3://UPPER\u{1b}[2J"]).assert_cannot("not a valid bucket name");
    let saved = account.at("saved");
    for command in [&["validate", "s3://ab"][..], &["simulate", "s3://ab", "--save", &saved]] {
        let short = account.run(command);
        short.assert_cannot("`ab` is not a valid bucket name: expected 3 to 63 lower-case letters");
        assert!(!short.stderr.contains("cannot be listed"), "{}", short.stderr);
    }
    account.cloud.deny_action("s3:ListBucket", "trail-logs/");
    let denied = account.run(&BUCKET);
    denied.assert_cannot("AccessDenied");
    assert!(denied.stderr.contains("allow `s3:ListBucket` on the bucket `trail-logs`"), "{}", denied.stderr);
}

/// A login page or a proxy answers in the place of S3.
#[test]
fn an_endpoint_has_to_be_one_of_s3() {
    let account = Account::new();
    let page = "<!DOCTYPE html><html><body>Sign in</body></html>";
    for status in ["200 OK", "301 Moved Permanently"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            page.len()
        );
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve_page(stream, &answer, page);
            }
        });
        let saved = account.at("saved");
        for command in [&BUCKET[..], &["simulate", "s3://trail-logs", "--save", &saved]] {
            let done = account.run(&[command, &["--endpoint-url", &endpoint]].concat());
            let code = status.split(' ').next().unwrap();
            done.assert_cannot(&format!("answered with HTTP {code}, but not as AWS answers"));
            assert!(done.stderr.contains("is the endpoint right"), "{}", done.stderr);
        }
    }
}

/// Reads one request without a body, and answers it.
fn serve_page(mut stream: TcpStream, head: &str, page: &str) {
    let mut request = BufReader::new(&stream).lines().map_while(Result::ok);
    let first = request.next().unwrap_or_default();
    request.take_while(|line| !line.is_empty()).for_each(drop);
    let body = if first.starts_with("HEAD") { "" } else { page };
    let _ = write!(stream, "{head}{body}");
}

#[test]
fn an_endpoint_has_to_answer() {
    let account = Account::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing = format!("http://{}", taken.local_addr().unwrap());
    drop(taken);
    let saved = account.at("saved");
    for arguments in [
        &BUCKET[..],
        &["validate", &Trail::default().arn()],
        &["trails"],
        &["keys", "--start-time", "1d"],
        &["simulate", "s3://trail-logs", "--save", &saved],
    ] {
        account
            .run(&[arguments, &["--endpoint-url", &refusing]].concat())
            .assert_cannot(&format!("`{refusing}` did not answer: connection refused"));
    }
    for junk in ["nonsense", "", "ftp://127.0.0.1", "http://", "http://a b", "https://\u{1b}[2J"] {
        let done = account.run(&[&BUCKET[..], &["--endpoint-url", junk]].concat());
        done.assert_cannot("`--endpoint-url`");
    }
    assert_eq!(account.cloud.requests().len(), 0);
}

#[test]
fn a_bucket_has_to_have_the_owner_that_is_expected() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    let expecting = |owner| account.run(&[&BUCKET[..], &["--expected-bucket-owner", owner]].concat());
    expecting(OWNER).assert_verdict(0, "intact");
    let wrong = expecting("999988887777");
    wrong.assert_cannot("AccessDenied");
    assert!(wrong.stderr.contains("--expected-bucket-owner"), "{}", wrong.stderr);
    for junk in ["", "1", "11112222333a", "1111222233334"] {
        let done = expecting(junk);
        done.assert_cannot("invalid account id");
        assert!(done.stderr.contains("give 12 digits"), "{}", done.stderr);
    }
}
