//! That the server answers as S3 and CloudTrail do, and fails as it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

mod listing;
mod wire;

use crate::cloud::{Bucket, Cloud, Faults, Trail};

use wire::{Answer, ask, ask_with, cloud_with, connect, escaped, send};

#[test]
fn objects_are_read_whole_and_in_part() {
    let cloud = Cloud::start();
    cloud.create_bucket("b", Bucket::default());
    cloud.set_clock(Some(1_788_220_800));
    let metadata = [("signature", "00ff"), ("note", "é\n")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    cloud.put("b", "a/é", &b"\x1f\x8b345678"[..], metadata.into());
    let whole = ask(&cloud, "GET /b/a/%C3%A9?x-id=GetObject");
    assert_eq!((whole.status, whole.body.as_slice()), (200, &b"\x1f\x8b345678"[..]));
    let etag = whole.header("etag").unwrap();
    let headers = [
        ("content-encoding", "gzip"),
        ("content-type", "application/json"),
        ("last-modified", "Tue, 01 Sep 2026 00:00:00 GMT"),
        ("content-length", "8"),
        ("x-amz-meta-signature", "00ff"),
        ("x-amz-meta-note", "=?UTF-8?B?w6kK?="),
    ];
    let head = ask(&cloud, "HEAD /b/a/%C3%A9");
    for (name, value) in headers {
        assert_eq!((whole.header(name), head.header(name)), (Some(value), Some(value)), "{name}");
    }
    assert_eq!(head.body, b"");
    for (range, status, content_range, body) in [
        ("bytes=2-", 206, Some("bytes 2-7/8"), "345678"),
        ("bytes=2-3", 206, Some("bytes 2-3/8"), "34"),
        ("bytes=-2", 206, Some("bytes 6-7/8"), "78"),
        ("bytes=7-99", 206, Some("bytes 7-7/8"), "8"),
    ] {
        let part =
            ask_with(&cloud, "GET /b/a/%C3%A9", &format!("Range: {range}\r\nIf-Match: {etag}\r\n"), b"");
        assert_eq!((part.status, part.text(), part.header("content-range")), (status, body, content_range));
    }
    let beyond = ask_with(&cloud, "GET /b/a/%C3%A9", "Range: bytes=8-\r\n", b"");
    assert_eq!((beyond.status, beyond.element("Code")), (416, Some("InvalidRange")));
    let other = ask_with(&cloud, "GET /b/a/%C3%A9", "If-Match: \"0\"\r\n", b"");
    assert_eq!((other.status, other.element("Code")), (412, Some("PreconditionFailed")));
    let range = cloud.requests().into_iter().find_map(|request| request.range);
    assert_eq!(range.as_deref(), Some("bytes=2-"));
}

/// All versions, one a page: element, key, whether it is the latest, and id.
fn versions(cloud: &Cloud, query: &str) -> Vec<(String, String, bool, String)> {
    let (mut all, mut markers) = (Vec::new(), String::new());
    loop {
        let page = ask(cloud, &format!("GET /b?versions&max-keys=1{query}{markers}"));
        for name in ["Version", "DeleteMarker"] {
            for entry in page.elements(name) {
                let field = |name: &str| entry.split(&format!("<{name}>")).nth(1).unwrap();
                let field = |name: &str| field(name).split('<').next().unwrap().to_owned();
                let latest = field("IsLatest") == "true";
                all.push((name.to_owned(), field("Key"), latest, field("VersionId")));
            }
        }
        let (Some(key), Some(id)) = (page.element("NextKeyMarker"), page.element("NextVersionIdMarker"))
        else {
            return all;
        };
        markers = format!("&key-marker={}&version-id-marker={id}", escaped(key));
    }
}

#[test]
fn versions_are_listed_the_newest_first() {
    let cloud = cloud_with(&["a", "a", "a/b", "c"]);
    cloud.delete("b", "a");
    cloud.put("b", "c", "new", BTreeMap::new());
    let told: Vec<(String, String, bool)> =
        versions(&cloud, "").into_iter().map(|(name, key, latest, _)| (name, key, latest)).collect();
    let expected = [
        ("DeleteMarker", "a", true),
        ("Version", "a", false),
        ("Version", "a", false),
        ("Version", "a/b", true),
        ("Version", "c", true),
        ("Version", "c", false),
    ];
    let expected = expected.map(|(name, key, latest)| (name.to_owned(), key.to_owned(), latest));
    assert_eq!(told, expected);
    let of_c = versions(&cloud, "&prefix=c");
    let old = ask(&cloud, &format!("GET /b/c?versionId={}", of_c[1].3));
    assert_eq!((old.text(), old.header("x-amz-version-id")), ("c", Some(of_c[1].3.as_str())));
    assert_eq!(versions(&cloud, "&key-marker=a").len(), 3, "a key alone stands for all its versions");
    let page = ask(&cloud, "GET /b?versions&prefix=a");
    let (marker, version) =
        (page.text().find("<DeleteMarker>").unwrap(), page.text().find("<Version>").unwrap());
    assert!(marker < version, "markers and versions in one order");
    let times = page.elements("LastModified");
    assert!(times[0] > times[1] && times[1] > times[2], "{times:?}");
}

#[test]
fn a_deleted_object_shows_its_delete_marker() {
    let cloud = cloud_with(&["a", "gone"]);
    cloud.delete("b", "a");
    cloud.purge("b", "gone");
    let deleted = ask(&cloud, "GET /b/a");
    assert_eq!((deleted.status, deleted.element("Code")), (404, Some("NoSuchKey")));
    assert_eq!(deleted.header("x-amz-delete-marker"), Some("true"));
    let marker = deleted.header("x-amz-version-id").unwrap();
    assert_eq!(marker, versions(&cloud, "")[0].3);
    assert_eq!(ask(&cloud, &format!("GET /b/a?versionId={marker}")).status, 405);
    let gone = ask(&cloud, "GET /b/gone");
    assert_eq!((gone.status, gone.header("x-amz-delete-marker")), (404, None));
    cloud.set_faults(Faults { hide_delete_marker_header: true, ..Faults::default() });
    assert_eq!(ask(&cloud, "GET /b/a").header("x-amz-delete-marker"), None);
    cloud.deny_action("s3:ListBucket", "b/");
    for line in ["GET /b/a", "HEAD /b/gone"] {
        assert_eq!(ask(&cloud, line).status, 403, "{line}: nobody is told who may not list");
    }
}

#[test]
fn what_may_not_be_read_is_refused() {
    let cloud = cloud_with(&["a", "cold", "secret", "logs/x"]);
    cloud.archive("b", "cold");
    cloud.deny("b", "secret");
    cloud.deny_action("s3:ListBucket", "b/logs/");
    cloud.create_bucket("far", Bucket { region: "eu-west-1".to_owned(), ..Bucket::default() });
    let code = |line: &str| {
        let answer = ask(&cloud, line);
        (answer.status, answer.element("Code").unwrap_or_default().to_owned())
    };
    assert_eq!(code("GET /b/cold"), (403, "InvalidObjectState".to_owned()));
    assert_eq!(ask(&cloud, "HEAD /b/cold").header("x-amz-storage-class"), Some("GLACIER"));
    assert_eq!(code("GET /b/secret"), (403, "AccessDenied".to_owned()));
    assert_eq!(ask(&cloud, "GET /b?list-type=2").elements("Key").len(), 4);
    assert_eq!(code("GET /b?list-type=2&prefix=logs/"), (403, "AccessDenied".to_owned()));
    assert_eq!(code("GET /none/a"), (404, "NoSuchBucket".to_owned()));
    assert_eq!(code("GET /far/a"), (301, "PermanentRedirect".to_owned()));
    let far = ask(&cloud, "HEAD /far");
    assert_eq!((far.status, far.header("x-amz-bucket-region")), (301, Some("eu-west-1")));
    assert_eq!(ask(&cloud, "GET /far?location").element("LocationConstraint"), None, "it has a namespace");
    assert!(ask(&cloud, "GET /far?location").text().contains(">eu-west-1</LocationConstraint>"));
    let foreign = ask_with(&cloud, "GET /b/a", "x-amz-expected-bucket-owner: 999999999999\r\n", b"");
    assert_eq!(foreign.status, 403);
    let asked = cloud.requests();
    cloud.deny_action("s3:ListBucket", "");
    let closed = ask(&cloud, "HEAD /b");
    assert_eq!((closed.status, closed.header("x-amz-bucket-region")), (403, Some("us-east-1")));
    let last = asked.last().unwrap();
    assert_eq!((last.operation.as_str(), last.status), ("GetObject", 403));
    assert_eq!(last.expected_owner.as_deref(), Some("999999999999"));
    assert_eq!(last.region_signed_for, "us-east-1");
}

#[test]
fn bodies_in_chunks_are_put_together() {
    let cloud = cloud_with(&[]);
    let headers = "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nx-amz-meta-signature: 0a\r\n\
                   x-amz-decoded-content-length: 13\r\nx-amz-storage-class: GLACIER\r\n";
    let body =
        b"a;chunk-signature=00\r\n0123\r\n6789\r\n3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
    let put = ask_with(&cloud, "PUT /b/a?x-id=PutObject", headers, body);
    assert_eq!(put.status, 200, "{}", put.text());
    let head = ask(&cloud, "HEAD /b/a");
    assert_eq!((head.header("content-length"), head.header("etag")), (Some("13"), put.header("etag")));
    assert_eq!(head.header("x-amz-meta-signature"), Some("0a"));
    let id = put.header("x-amz-version-id").unwrap();
    assert_eq!(head.header("x-amz-storage-class"), Some("GLACIER"));
    let short = headers.replace("13", "14");
    let short = ask_with(&cloud, "PUT /b/a", &short, body);
    assert_eq!((short.status, short.element("Code")), (400, Some("IncompleteBody")));
    assert_eq!(ask(&cloud, "DELETE /b/a").status, 204);
    assert_eq!(ask(&cloud, &format!("DELETE /b/a?versionId={id}")).status, 204);
    assert_eq!(versions(&cloud, "").len(), 1, "a delete marker is left");
    assert_eq!(ask_with(&cloud, "PUT /b/plain", "", b"x").status, 200);
    assert_eq!(ask(&cloud, "GET /b/plain").body, b"x");
}

#[test]
fn one_connection_carries_many_requests() {
    let cloud = cloud_with(&["a"]);
    let mut stream = connect(&cloud);
    let signed = "Authorization: AWS4-HMAC-SHA256 Credential=A/20260901/us-east-1/s3/aws4_request\r\n";
    for _ in 0..3 {
        stream
            .write_all(format!("GET /a HTTP/1.1\r\nHost: b.localhost:1\r\n{signed}\r\n").as_bytes())
            .unwrap();
        let mut raw = Vec::new();
        while !raw.ends_with(b"\r\n\r\na") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            raw.extend(byte);
        }
        assert_eq!(Answer::parse(&raw).status, 200);
    }
    stream.write_all(b"GET /b/a HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).unwrap();
    assert_eq!(Answer::parse(&raw).status, 403, "it is not signed");
    assert_eq!(cloud.requests().len(), 4);
    cloud.forget_requests();
    assert_eq!(cloud.requests(), []);
}

#[test]
fn faults_are_what_they_say() {
    let cloud = cloud_with(&["a"]);
    cloud.put("b", "large", vec![b'x'; 1 << 20], BTreeMap::new());
    let get = "GET /b/large HTTP/1.1\r\n";
    cloud.set_faults(Faults { truncate: 1.0, ..Faults::default() });
    let cut = Answer::parse(&send(&cloud, get, b"").unwrap());
    assert_eq!((cut.header("content-length"), cut.body.len()), (Some("1048576"), 1 << 19));
    cloud.set_faults(Faults { wrong_length: 1.0, ..Faults::default() });
    let short = ask(&cloud, "GET /b/large");
    assert_eq!((short.header("content-length"), short.body.len()), (Some("524288"), 1 << 19));
    cloud.set_faults(Faults { reset: 1.0, ..Faults::default() });
    assert_eq!(send(&cloud, get, b"").unwrap_err().kind(), ErrorKind::ConnectionReset);
    cloud.set_faults(Faults { gone_after: Some(1), ..Faults::default() });
    assert_eq!(ask(&cloud, "GET /b/a").status, 200);
    assert_eq!(send(&cloud, get, b"").unwrap(), b"", "closed without a word");
    assert_eq!(cloud.requests().last().unwrap().status, 0);
    cloud.set_faults(Faults { expired_after: Some(0), ..Faults::default() });
    assert_eq!(ask(&cloud, "GET /b/a").element("Code"), Some("ExpiredToken"));
    cloud.set_faults(Faults { latency: Duration::from_millis(50), ..Faults::default() });
    let begun = Instant::now();
    assert_eq!(ask(&cloud, "GET /b/a").status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(50));
    cloud.set_faults(Faults { hang_after: Some(0), ..Faults::default() });
    let mut stream = connect(&cloud);
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    stream.write_all(format!("{get}Host: x\r\n\r\n").as_bytes()).unwrap();
    let error = stream.read(&mut [0]).unwrap_err().kind();
    assert!(matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error:?}");
}

#[test]
fn faults_come_again_with_their_seed() {
    let cloud = cloud_with(&["a"]);
    let statuses = |seed| {
        cloud.set_faults(Faults { slow_down: 0.3, internal_error: 0.3, seed, ..Faults::default() });
        (0..40).map(|_| ask(&cloud, "GET /b/a").status).collect::<Vec<_>>()
    };
    let first = statuses(1);
    assert_eq!(first, statuses(1));
    assert_ne!(first, statuses(2));
    assert_eq!(first.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([200, 500, 503]));
}

/// Asks CloudTrail in us-east-1.
fn call(cloud: &Cloud, operation: &str, body: &str) -> serde_json::Value {
    let target = format!("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.{operation}");
    ask_with(cloud, "POST /", &format!("X-Amz-Target: {target}\r\n"), body.as_bytes()).json()
}

#[test]
fn keys_come_in_pages() {
    let cloud = Cloud::start();
    let key = |number: i64, from: &str| {
        let to = 1_788_220_800 + (number + 1) * 86_400;
        format!(
            "{{\"Value\":\"AA==\",\"Fingerprint\":\"{number}\",\"ValidityStartTime\":{from},\
             \"ValidityEndTime\":{to}.0}}"
        )
    };
    let keys = [
        key(0, "1788220800"),
        key(1, "1788307200.5"),
        key(2, "\"2026-09-03T00:00:00Z\""),
        key(3, "\"2026-09-04T00:00:00+00:00\""),
    ];
    cloud.add_keys_json("us-east-1", &format!("{{\"PublicKeyList\":[{}]}}", keys.join(",")));
    let fingerprints = |answer: &serde_json::Value| {
        let keys = answer["PublicKeyList"].as_array().unwrap();
        keys.iter().map(|key| key["Fingerprint"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let range = "\"StartTime\":1788307201,\"EndTime\":1789000000";
    let first = call(&cloud, "ListPublicKeys", &format!("{{{range}}}"));
    assert_eq!(fingerprints(&first), ["1", "2"]);
    let next = format!("{{{range},\"NextToken\":{}}}", first["NextToken"]);
    let second = call(&cloud, "ListPublicKeys", &next);
    assert_eq!((fingerprints(&second), second.get("NextToken")), (vec!["3".to_owned()], None));
    let turned = call(&cloud, "ListPublicKeys", "{\"StartTime\":2,\"EndTime\":1}");
    assert_eq!(turned["__type"], "InvalidTimeRangeException");
    cloud.deny_action("cloudtrail:ListPublicKeys", "us-east-1");
    assert_eq!(call(&cloud, "ListPublicKeys", "{}")["__type"], "AccessDeniedException");
    let last = cloud.requests().pop().unwrap();
    assert_eq!((last.service, last.operation.as_str(), last.status), ("cloudtrail", "ListPublicKeys", 400));
}

#[test]
fn trails_show_where_they_should() {
    let cloud = Cloud::start();
    let trail = |name: &str, home: &str, multi_region| Trail {
        name: name.to_owned(),
        home_region: home.to_owned(),
        multi_region,
        latest_digest_delivery: Some(5),
        ..Trail::default()
    };
    cloud.add_trail(trail("home", "us-east-1", false));
    cloud.add_trail(trail("shadow", "eu-west-1", true));
    cloud.add_trail(trail("elsewhere", "eu-west-1", false));
    let names = |body: &str| {
        let answer = call(&cloud, "DescribeTrails", body);
        let trails = answer["trailList"].as_array().unwrap();
        trails.iter().map(|trail| trail["Name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("{}"), ["home", "shadow"]);
    assert_eq!(names("{\"includeShadowTrails\":false}"), ["home"]);
    let arn = trail("shadow", "eu-west-1", true).arn();
    assert_eq!(names(&format!("{{\"trailNameList\":[\"{arn}\"]}}")), ["shadow"]);
    assert_eq!(names("{\"trailNameList\":[\"shadow\",\"home\"]}"), ["home"]);
    let status = call(&cloud, "GetTrailStatus", &format!("{{\"Name\":\"{arn}\"}}"));
    assert_eq!(status, serde_json::json!({ "IsLogging": true, "LatestDigestDeliveryTime": 5 }));
    for (name, code) in [
        ("elsewhere", "TrailNotFoundException"),
        ("x", "InvalidTrailNameException"),
        ("arn:aws:cloudtrail:us-east-1:111122223333:trial/home", "InvalidTrailNameException"),
    ] {
        let body = format!("{{\"Name\":\"{name}\"}}");
        assert_eq!(call(&cloud, "GetTrailStatus", &body)["__type"], code, "{name}");
    }
    assert_eq!(call(&cloud, "ListTrails", "{}")["Trails"].as_array().unwrap().len(), 3);
}
