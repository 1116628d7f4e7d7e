//! Listings and bodies as a hostile or a strange server gives them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use aws_config::retry::RetryConfig;
use trailproof::event::{Kind, Verdict};
use trailproof::gzip::{self, BodyError};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::s3::S3Store;
use trailproof::store::{Metadata, Store as _, StoreError};
use trailproof::time::HOUR;

use super::{BUCKET, Remote, assert_only_incomplete, named};
use crate::bodies::{gzip, in_time};
use crate::cloud::{Bucket, Faults};
use crate::mended::{digests, forge, hour};
use crate::remote;
use crate::support::{self, run};

#[test]
fn a_listing_that_repeats_itself_ends() {
    in_time("a listing that repeats itself", || {
        let remote = Remote::small();
        for page_size in [1, 2, 1000] {
            remote.cloud.set_faults(Faults { repeat_page: true, page_size, ..Faults::default() });
            assert_only_incomplete(&remote.run(8));
        }
    });
}

#[test]
fn pages_of_one_key_are_enough() {
    let remote = Remote::small();
    remote.cloud.set_faults(Faults { page_size: 1, ..Faults::default() });
    assert_eq!(remote.run(8).json, remote.run(1).json);
    assert_eq!(remote.run(8).verdict, Verdict::Intact);
}

#[test]
fn an_odd_name_among_the_log_files_is_named_exactly() {
    for (no_encoding, name) in
        [(false, "a\u{1}\u{7f} b+c%2B\u{e9}&<.json.gz"), (true, "a b+c%2B\u{e9}&<.json.gz")]
    {
        let remote = Remote::small();
        remote.cloud.set_faults(Faults { no_encoding, ..Faults::default() });
        assert_eq!(remote.run(8).verdict, Verdict::Intact);
        let log = remote.logs("").remove(3).key;
        // Beside a log file, and of its time: near the edges of the covered time nothing is said.
        let key = format!("{}_{name}", log.rsplit_once('_').unwrap().0);
        remote.cloud.put(BUCKET, &key, gzip(b"{}"), Metadata::new());
        let ran = remote.run(8);
        assert_eq!(ran.kinds(), [Kind::LogUnreferenced], "{:?}", ran.findings);
        assert_eq!(named(&ran, Kind::LogUnreferenced), [format!("s3://{BUCKET}/{key}")]);
    }
}

/// Only what is proved says where to look: nobody is asked for what a forged digest names.
#[test]
fn a_forged_digest_leads_nowhere() {
    let local = support::deliver(&Spec { hours: 4, logs_per_hour: 1, ..Spec::default() });
    let genuine = digests(&local.store, "audit").remove(1).0;
    for end in [genuine.end.plus(HOUR / 2), hour(4).plus(HOUR / 2)] {
        forge(&local.store, &genuine, end, |document| {
            document["previousDigestS3Bucket"] = "attackers".into();
            document["logFiles"][0]["s3Bucket"] = "attackers".into();
        });
    }
    let cloud = remote::cloud_of(&local.store, &Bucket::default());
    cloud.create_bucket("attackers", Bucket::default());
    let ran = run(&remote::store(&cloud), &local.keys, &support::request(&[BUCKET], hour(5)), 8);
    assert_eq!(ran.counts.digests.valid, 5, "{:#?}", ran.findings);
    assert_ne!(ran.verdict, Verdict::Intact);
    assert!(cloud.requests().iter().all(|asked| asked.bucket == BUCKET), "{:#?}", cloud.requests());
}

/// What a server sends that announces a body of ten bytes and never ends it.
const ENDLESS: &str =
    "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 10\r\ntransfer-encoding: chunked\r\n\r\n";

/// What is sent for a GET: a head, the beginning of a body, and what follows again and again.
struct Generated {
    head: &'static str,
    first: Vec<u8>,
    chunk: Vec<u8>,
}

/// Answers every HEAD as a bucket's, and every GET with a body that does not end. Returns the URL and how many bytes of
/// bodies were sent.
fn endless(generated: Generated) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let generated = Arc::new(generated);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (counted, generated) = (Arc::clone(&counted), Arc::clone(&generated));
            thread::spawn(move || answer_endlessly(stream, &generated, &counted));
        }
    });
    (url, sent)
}

/// Waits for a GET, and answers every HEAD before it as a bucket's.
fn wait_for_get(stream: &mut TcpStream) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            head.extend(byte);
        }
        if !head.starts_with(b"HEAD") {
            return Some(());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nx-amz-bucket-region: us-east-1\r\n\r\n").ok()?;
    }
}

fn answer_endlessly(mut stream: TcpStream, generated: &Generated, sent: &AtomicU64) -> Option<()> {
    wait_for_get(&mut stream)?;
    stream.write_all(generated.head.as_bytes()).ok()?;
    stream.write_all(&generated.first).ok()?;
    // Bounded, so that a client that takes it all fails the test and not the machine.
    for _ in 0..4_096 {
        stream.write_all(&generated.chunk).ok()?;
        sent.fetch_add(generated.chunk.len() as u64, Ordering::Relaxed);
    }
    Some(())
}

#[test]
fn a_body_longer_than_announced_is_not_taken() {
    in_time("bodies without end", || {
        let chunk = [b"10000\r\n".to_vec(), vec![7; 0x10000], b"\r\n".to_vec()].concat();
        let (url, sent) = endless(Generated { head: ENDLESS, first: Vec::new(), chunk });
        let aws = remote::aws_at(url, RetryConfig::standard());
        let store = S3Store::new(aws, None);
        let next = AtomicU64::new(0);
        let name = || {
            let number = next.fetch_add(1, Ordering::Relaxed);
            (number < 20).then(|| (number as usize, Location::new(BUCKET, format!("{number}"))))
        };
        let mut failed = 0;
        store.get_each(&name, &mut |_, object| {
            failed += usize::from(matches!(object, Err(StoreError::Unreadable(_))));
        });
        assert_eq!(failed, 20);
        let streamed = store.get(&Location::new(BUCKET, "k"));
        let read = streamed.map(|mut object| object.body.read_to_end(&mut Vec::new()).is_ok());
        assert!(!matches!(read, Ok(true)), "read to its end");
        assert!(sent.load(Ordering::Relaxed) < 256 << 20, "{sent:?}");
    });
}

/// What a server sends that announces a body of a terabyte.
const TERABYTE: &str = "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 1099511627776\r\n\r\n";

/// A gzip stream of blocks without content, and one whose header has a name without end: neither comes to the limit of what
/// it inflates to.
#[test]
fn a_body_that_never_inflates_to_anything_ends() {
    in_time("bodies that inflate to nothing", || {
        let header = |flags| vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 0xff];
        let blocks = [0, 0, 0, 0xff, 0xff].repeat(13_107);
        for (first, chunk) in [(header(0), blocks), (header(8), vec![7; 0x10000])] {
            let (url, sent) = endless(Generated { head: TERABYTE, first, chunk });
            let store = S3Store::new(remote::aws_at(url, RetryConfig::standard()), None);
            let mut object = store.get(&Location::new(BUCKET, "k")).unwrap();
            let hashed = gzip::hash(&mut *object.body, object.encoding, 1 << 20);
            assert_eq!(hashed, Err(BodyError::TooLong(1 << 20)));
            drop(object);
            assert!(sent.load(Ordering::Relaxed) < 64 << 20, "{sent:?}");
        }
    });
}

/// Folders of one page of a listing that has no last one: far more than S3 gives, which nobody has to keep to.
const FOLDERS: usize = 50_000;

/// Answers every GET of one connection with the next page of folders.
fn list_endlessly(mut stream: TcpStream, pages: &AtomicU64) -> Option<()> {
    loop {
        wait_for_get(&mut stream)?;
        let page = pages.fetch_add(1, Ordering::Relaxed);
        let first = usize::try_from(page).unwrap() * FOLDERS;
        let folder =
            |number: usize| format!("<CommonPrefixes><Prefix>{number:012}/</Prefix></CommonPrefixes>");
        let folders: String = (first..first + FOLDERS).map(folder).collect();
        let body = format!(
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{page}\
             </NextContinuationToken>{folders}</ListBucketResult>"
        );
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

#[test]
fn folders_without_end_are_given_up() {
    in_time("folders without end", || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let pages = Arc::new(AtomicU64::new(0));
        let given = Arc::clone(&pages);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let given = Arc::clone(&given);
                thread::spawn(move || list_endlessly(stream, &given));
            }
        });
        let store = S3Store::new(remote::aws_at(url, RetryConfig::standard()), None);
        let error = store.list_dirs(BUCKET, "").unwrap_err().to_string();
        assert!(
            error.contains("more than 1000000 folders or objects in the folder: name a longer prefix"),
            "{error}"
        );
        assert_eq!(pages.load(Ordering::Relaxed), 21);
    });
}
