//! Who is believed: servers that a trusted authority vouches for, and whoever answers as CloudTrail.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

use super::{Account, json, kinds, message};
use crate::bodies::in_time;
use crate::cli::case::Done;
use crate::cloud::{Cloud, Fault, Faults, Rule};

/// An authority of these tests alone, in DER. Nobody has its key any more.
const AUTHORITY: &str = "\
    MIIBODCB4KADAgECAgEBMAoGCCqGSM49BAMCMBsxGTAXBgNVBAMMEHRyYWlscHJvb2YgdGVzdHMwIBcNMjAwMTAxMDAwMDAwWhgP\
    MjEyMDAxMDEwMDAwMDBaMBsxGTAXBgNVBAMMEHRyYWlscHJvb2YgdGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQSun14\
    /CHRk0kyTzY3+ua5UdkuDGowm5t9ML9080Y5uIdqhqz+TwUDLy8gU86qKpdg3AcM7BIchk96IJ1Ef6GloxMwETAPBgNVHRMBAf8E\
    BTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIBV1Z4MvaQy6TGToGXD5dyCPuNeLgETRV3NyrVvNYIe9AiBNLZny6obVN/B2zKyzoo/4\
    VC0gXftoAOBH9W1vJ+axNw==";

/// Its certificate for 127.0.0.1, valid from 2020 to 2120.
const CERTIFICATE: &str = "\
    MIIBVTCB/KADAgECAgECMAoGCCqGSM49BAMCMBsxGTAXBgNVBAMMEHRyYWlscHJvb2YgdGVzdHMwIBcNMjAwMTAxMDAwMDAwWhgP\
    MjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCTEyNy4wLjAuMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOLm7PEtiGzSOZXa\
    kyJ1b28aw3qd6iqqClS56S3pEiFsDHOFUWNVKlUz9p0k0NYcXOSasLN71LlsZmhIfRtdl8WjNjA0MA8GA1UdEQQIMAaHBH8AAAEw\
    DAYDVR0TAQH/BAIwADATBgNVHSUEDDAKBggrBgEFBQcDATAKBggqhkjOPQQDAgNIADBFAiEAkW3u+W5UJtfx29Kmz0s6TcUqLhnd\
    u7W/0FHKREVLCxwCIAVfTii6UHBEIP1wbKsgUyudXrH6JaXlFtLt66OTdrgC";

/// The key of that certificate, in PKCS#8.
const KEY: &str = "\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKzk+w1YmC3v7tZjP8nBwPRVRp+nPd27f91hyM6457bmhRANCAATi\
    5uzxLYhs0jmV2pMidW9vGsN6neoqqgpUuekt6RIhbAxzhVFjVSpVM/adJNDWHFzkmrCze9S5bGZoSH0bXZfF";

/// A second authority, for the host of a multi-region access point. Its key is gone too.
const MULTI_REGION_AUTHORITY: &str = "\
    MIIBjDCCATOgAwIBAgIUKyVFDtliJj/13fp5LrUvtD+TLxgwCgYIKoZIzj0EAwIwGzEZMBcGA1UEAwwQdHJhaWxwcm9vZiB0ZXN0\
    czAgFw0yNjExMjYwNTU0NDRaGA8yMTI2MTEwMjA1NTQ0NFowGzEZMBcGA1UEAwwQdHJhaWxwcm9vZiB0ZXN0czBZMBMGByqGSM49\
    AgEGCCqGSM49AwEHA0IABBf73D6Bk8tf0HaGV3x79Cp6YhUhYS3fFfkweA+M7Kp/S5etY/qhWzG5FyE1OUqWNx5eYTTKAypHabfM\
    bpVRlRajUzBRMB0GA1UdDgQWBBQWCgkhK3k/xjoCVX+f7Yc2FyqVdDAfBgNVHSMEGDAWgBQWCgkhK3k/xjoCVX+f7Yc2FyqVdDAP\
    BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIE4AueWkzrYZg0RgvJVDra6ilspq/xxI69bZmawoFo/nAiBxRAjRu2GE\
    eeBAXeeZItwlgWD7yOWjJLlWJ5vq85jmkA==";

/// Its certificate for `trail-logs.mrap.accesspoint.s3-global.amazonaws.com`.
const MULTI_REGION_CERTIFICATE: &str = "\
    MIIB0zCCAXigAwIBAgIUN5TekXFhvQdy2mAaYJ0ETaXKaN0wCgYIKoZIzj0EAwIwGzEZMBcGA1UEAwwQdHJhaWxwcm9vZiB0ZXN0\
    czAgFw0yNjExMjYwNTU0NDRaGA8yMTI2MTEwMjA1NTQ0NFowDzENMAsGA1UEAwwEbXJhcDBZMBMGByqGSM49AgEGCCqGSM49AwEH\
    A0IABDUH5ken/dVxvOkOpTj9dDi9KZFAEX10Evh+gwXmSrLgYS5ALveQ3/IsH4ilbPFaYS4KQaucXs+fHeGStvP1l6mjgaMwgaAw\
    PgYDVR0RBDcwNYIzdHJhaWwtbG9ncy5tcmFwLmFjY2Vzc3BvaW50LnMzLWdsb2JhbC5hbWF6b25hd3MuY29tMAkGA1UdEwQCMAAw\
    EwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFKrjBn2d6fH/gbZWu2fO4L70kHCzMB8GA1UdIwQYMBaAFBYKCSEreT/GOgJV\
    f5/thzYXKpV0MAoGCCqGSM49BAMCA0kAMEYCIQDoJov/PLQtvSma/UQUjzg/qZpslU8q3VQ3ZvLvWf+Y2QIhAJyQ8X482f/95FvM\
    iK8Q5JzoKkRhCtYQtAcuDJcIHhfG";

/// The key of that certificate, in PKCS#8.
const MULTI_REGION_KEY: &str = "\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/cglhXCNpXeqwm1QXR/bBQ3GFZ4OAp9TB2BmgPMVJt6hRANCAAQ1\
    B+ZHp/3VcbzpDqU4/XQ4vSmRQBF9dBL4foMF5kqy4GEuQC73kN/yLB+IpWzxWmEuCkGrnF7Pnx3hkrbz9Zep";

fn der(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

/// A server before a cloud. It stops when dropped.
struct Front {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Front {
    /// Serves each connection in this way.
    fn serving<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        Self { address, _runtime: runtime }
    }

    /// Speaks TLS.
    fn of(cloud: &Cloud) -> Self {
        Self::with_certificate(cloud, CERTIFICATE, KEY)
    }

    /// Speaks TLS with this certificate and its key.
    fn with_certificate(cloud: &Cloud, certificate: &str, key: &str) -> Self {
        let key = PrivateKeyDer::try_from(der(key)).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![CertificateDer::from(der(certificate))], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let behind = cloud.endpoint().trim_start_matches("http://").to_owned();
        Self::serving(move |stream| pass_on(acceptor.clone(), stream, behind.clone()))
    }
}

async fn pass_on(acceptor: TlsAcceptor, stream: TcpStream, behind: String) -> io::Result<()> {
    let mut front = acceptor.accept(stream).await?;
    let mut back = TcpStream::connect(behind).await?;
    copy_bidirectional(&mut front, &mut back).await.map(drop)
}

/// Reads to the end of a request's head.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Validates over TLS, where this authority is the only one that the machine trusts.
fn over_tls(account: &Account, url: &str, authority: &str, more: &[(&str, &str)]) -> Done {
    let pem = format!("-----BEGIN CERTIFICATE-----\n{authority}\n-----END CERTIFICATE-----\n");
    fs::write(account.at("roots.pem"), pem).unwrap();
    let mut command = account.command(&["validate", "s3://trail-logs", "--endpoint-url", url]);
    command.envs(more.iter().copied()).env("SSL_CERT_FILE", account.at("roots.pem")).output().unwrap().into()
}

#[test]
fn a_server_that_nobody_vouches_for_is_told_nothing() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    let front = Front::of(&account.cloud);
    account.cloud.forget_requests();
    // Another certificate as the only root, and the right root for another name.
    let ip = format!("https://{}", front.address);
    let name = format!("https://localhost:{}", front.address.port());
    for (url, authority) in [(&ip, CERTIFICATE), (&name, AUTHORITY)] {
        over_tls(&account, url, authority, &[]).assert_cannot("certificate");
        assert_eq!(account.cloud.requests().len(), 0, "{url}");
    }
    // With the right root and name the same server is believed.
    over_tls(&account, &ip, AUTHORITY, &[]).assert_verdict(0, "intact");
    assert!(account.asked("ListPublicKeys") > 0);
}

/// The authority of these tests as PEM in a file of the home folder.
fn bundle(account: &Account, name: &str, certificates: &[&str]) -> String {
    let blocks = certificates.iter().map(|der| {
        format!("# an authority\n-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n")
    });
    fs::write(account.at(name), blocks.collect::<String>()).unwrap();
    account.at(name)
}

#[test]
fn authorities_of_the_environment_and_of_the_profile_are_trusted() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    let front = Front::of(&account.cloud);
    let url = format!("https://{}", front.address);
    let (right, wrong) =
        (bundle(&account, "ca.pem", &[CERTIFICATE, AUTHORITY]), bundle(&account, "x.pem", &[CERTIFICATE]));
    fs::create_dir(account.at(".aws")).unwrap();
    let keys = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n";
    let config = format!(
        "[profile right]\n{keys}ca_bundle = {right}\n[profile home]\n{keys}ca_bundle = ~/ca.pem\n\
         [profile wrong]\n{keys}ca_bundle = {wrong}\n"
    );
    fs::write(account.at(".aws/config"), config).unwrap();
    let run = |more: &[&str], variables: &[(&str, &str)]| -> Done {
        let mut command = account.command(&[&["validate", "s3://trail-logs"], more].concat());
        command.env("AWS_ENDPOINT_URL", &url).envs(variables.iter().copied()).output().unwrap().into()
    };
    run(&[], &[]).assert_cannot("certificate");
    run(&[], &[("AWS_CA_BUNDLE", &right)]).assert_verdict(0, "intact");
    run(&["--profile", "right"], &[]).assert_verdict(0, "intact");
    run(&["--profile", "home"], &[]).assert_verdict(0, "intact");
    run(&[], &[("AWS_PROFILE", "right")]).assert_verdict(0, "intact");
    run(&["--profile", "wrong"], &[]).assert_cannot("certificate");
    run(&["--profile", "wrong"], &[("AWS_CA_BUNDLE", &right)]).assert_verdict(0, "intact");
    run(&["--profile", "right"], &[("AWS_CA_BUNDLE", "")]).assert_verdict(0, "intact");
    // The bundle replaces the authorities of the system.
    run(&["--profile", "right"], &[("AWS_CA_BUNDLE", &wrong), ("SSL_CERT_FILE", &right)])
        .assert_cannot("certificate");
}

#[test]
fn a_bundle_that_is_not_usable_is_named() {
    let account = Account::new();
    fs::write(account.at("empty.pem"), "").unwrap();
    fs::write(account.at("cut.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
    bundle(&account, "junk.pem", &["AAAA"]);
    for (name, told) in [
        ("missing.pem", "cannot be read: No such file"),
        ("empty.pem", "has no certificate"),
        ("cut.pem", "is not valid PEM"),
        ("junk.pem", "has no usable certificate"),
    ] {
        let mut command = account.command(&["trails"]);
        let done: Done = command.env("AWS_CA_BUNDLE", account.at(name)).output().unwrap().into();
        done.assert_cannot(told);
        assert!(done.stderr.contains(name) && done.stderr.contains("(AWS_CA_BUNDLE)"), "{}", done.stderr);
    }
    assert_eq!(account.cloud.requests().len(), 0);
}

/// A proxy that leads every host to `behind`, and keeps the head of each request.
fn proxy_to(behind: SocketAddr, heads: &Arc<Mutex<Vec<String>>>) -> Front {
    let told = Arc::clone(heads);
    Front::serving(move |mut stream| {
        let told = Arc::clone(&told);
        async move {
            let head = head(&mut stream).await?;
            told.lock().unwrap().push(head);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            copy_bidirectional(&mut stream, &mut TcpStream::connect(behind).await?).await.map(drop)
        }
    })
}

/// A multi-region access point has one host for all regions, and signatures that are valid in all.
#[test]
fn a_multi_region_access_point_is_asked_with_a_signature_for_all_regions() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    let front = Front::with_certificate(&account.cloud, MULTI_REGION_CERTIFICATE, MULTI_REGION_KEY);
    let heads = Arc::new(Mutex::new(Vec::new()));
    let proxy = proxy_to(front.address, &heads);
    let arn = "arn:aws:s3::111122223333:accesspoint/trail-logs.mrap";
    let keys = account.at("saved/public-keys.json");
    account.cloud.forget_requests();
    let mut command =
        account.command(&["validate", arn, "--relocated-from", "s3://trail-logs", "--public-keys", &keys]);
    command.env_remove("AWS_ENDPOINT_URL").env("HTTPS_PROXY", format!("http://{}", proxy.address));
    command.env("AWS_CA_BUNDLE", bundle(&account, "mrap.pem", &[MULTI_REGION_AUTHORITY]));
    let done: Done = command.output().unwrap().into();
    done.assert_verdict(0, "intact");
    let heads = heads.lock().unwrap().clone();
    let host = "CONNECT trail-logs.mrap.accesspoint.s3-global.amazonaws.com:443 ";
    assert!(!heads.is_empty() && heads.iter().all(|head| head.starts_with(host)), "{heads:?}");
    for request in account.cloud.requests() {
        assert!(request.signed_headers.contains("x-amz-region-set"), "{request:?}");
    }
}

#[test]
fn a_proxy_carries_tls_through_and_is_told_nothing_else() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    let front = Front::of(&account.cloud);
    let (behind, heads) = (front.address, Arc::new(Mutex::new(Vec::new())));
    let proxy = proxy_to(behind, &heads);
    let (url, through) = (format!("https://{behind}"), format!("http://{}", proxy.address));
    over_tls(&account, &url, AUTHORITY, &[("HTTPS_PROXY", &through)]).assert_verdict(0, "intact");
    let heads = heads.lock().unwrap().clone();
    assert!(!heads.is_empty(), "the proxy was passed by");
    for head in heads {
        assert!(head.starts_with(&format!("CONNECT {behind} ")), "{head}");
        assert!(!head.contains("trail-logs") && !head.contains("AKID"), "{head}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    account.cloud.forget_requests();
    let elsewhere = account.cloud.endpoint();
    let front = Front::serving(move |mut stream| {
        let elsewhere = elsewhere.clone();
        async move {
            head(&mut stream).await?;
            let status = "HTTP/1.1 307 Temporary Redirect";
            let answer = format!("{status}\r\nlocation: {elsewhere}/trail-logs\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await
        }
    });
    let url = format!("http://{}", front.address);
    account.run(&["validate", "s3://trail-logs", "--endpoint-url", &url]).assert_cannot("307");
    assert_eq!(account.cloud.requests().len(), 0);
}

/// Whoever can make the program ask another server for keys can have anything proved; the report says whom it asked.
#[test]
fn whoever_answers_as_cloudtrail_is_believed_and_named() {
    let account = Account::new();
    assert_eq!(account.simulate("s3://trail-logs", &[]).code, Some(0));
    let forged = ["validate", "s3://trail-logs", "--format", "json"];
    let done = account.run(&forged);
    let report = json(&done);
    assert_eq!(done.code, Some(3), "{report}");
    assert!(kinds(&report).contains(&"key-unknown".to_owned()), "{report}");

    let impostor = Cloud::start();
    let keys = fs::read_to_string(account.at("saved/public-keys.json")).unwrap();
    impostor.add_keys_json("us-east-1", &keys);
    let mut command = account.command(&forged);
    let done: Done = command.env("AWS_ENDPOINT_URL_CLOUDTRAIL", impostor.endpoint()).output().unwrap().into();
    let report = json(&done);
    assert_eq!(done.code, Some(0), "{report}");
    assert_eq!(report["keys"][0]["source"], format!("cloudtrail at {}", impostor.endpoint()), "{report}");

    // What is named on the command line counts for more.
    let url = account.cloud.endpoint();
    let mut command = account.command(&[&forged[..], &["--endpoint-url", &url]].concat());
    let done: Done = command.env("AWS_ENDPOINT_URL_CLOUDTRAIL", impostor.endpoint()).output().unwrap().into();
    assert_eq!(done.code, Some(3), "{}{}", done.stdout, done.stderr);
}

/// Whoever answers in S3's or CloudTrail's place may go on for ever.
#[test]
fn an_answer_without_an_end_is_given_up_and_said() {
    for (operation, begun, kind) in [
        ("ListObjectsV2", None, "digest-unreadable"),
        ("ListPublicKeys", None, "key-unknown"),
        ("GetObject", Some(Fault::Refuse(403, "AccessDenied")), "digest-unreadable"),
    ] {
        let account = Account::new();
        account.deliver("s3://trail-logs", &[]);
        // Whether the bucket can be listed at all is asked first.
        let skipped = u64::from(operation == "ListObjectsV2");
        let faults = begun.into_iter().chain([Fault::Endless]);
        let rules = faults.map(|fault| Rule::new(operation, fault).after(skipped));
        account.cloud.set_faults(Faults { rules: rules.collect(), ..Faults::default() });
        let done =
            in_time(operation, move || account.run(&["validate", "s3://trail-logs", "--format", "json"]));
        let report = json(&done);
        assert_eq!((done.code, &report["verdict"]), (Some(3), &"incomplete".into()), "{operation}: {report}");
        let said = message(&report, kind);
        assert!(said.contains("the answer is longer than 8388608 bytes"), "{operation}: {said}");
    }
}
