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
        let key = PrivateKeyDer::try_from(der(KEY)).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![CertificateDer::from(der(CERTIFICATE))], key).unwrap();
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

#[test]
fn a_proxy_carries_tls_through_and_is_told_nothing_else() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    let front = Front::of(&account.cloud);
    let (behind, heads) = (front.address, Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&heads);
    let proxy = Front::serving(move |mut stream| {
        let told = Arc::clone(&told);
        async move {
            let head = head(&mut stream).await?;
            told.lock().unwrap().push(head);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            copy_bidirectional(&mut stream, &mut TcpStream::connect(behind).await?).await.map(drop)
        }
    });
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
