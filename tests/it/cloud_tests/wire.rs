//! The server asked by hand, byte by byte, so that no client's forbearance hides what it does.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::cloud::{Bucket, Cloud};

/// An answer as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn parse(raw: &[u8]) -> Self {
        let end = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head");
        let head = String::from_utf8(raw[..end].to_vec()).unwrap();
        let (status, headers) = head.split_once("\r\n").unwrap();
        let headers = headers.lines().map(|line| line.split_once(": ").unwrap());
        Self {
            status: status.split(' ').nth(1).unwrap().parse().unwrap(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: raw[end + 4..].to_vec(),
        }
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The texts of all elements of this name.
    pub fn elements(&self, name: &str) -> Vec<&str> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let parts = self.text().split(&open).skip(1);
        parts.map(|part| part.split(&close).next().unwrap()).collect()
    }

    /// The text of the only element of this name.
    pub fn element(&self, name: &str) -> Option<&str> {
        let all = self.elements(name);
        assert!(all.len() < 2, "`{name}` more than once: {}", self.text());
        all.first().copied()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub fn connect(cloud: &Cloud) -> TcpStream {
    let stream = TcpStream::connect(cloud.endpoint().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// All that comes back until the connection ends.
pub fn send(cloud: &Cloud, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = connect(cloud);
    let length = body.len();
    let request = format!(
        "{head}Host: 127.0.0.1\r\nConnection: close\r\nContent-Length: {length}\r\nAuthorization: \
         AWS4-HMAC-SHA256 Credential=A/B/20260901/us-east-1/s3/aws4_request, Signature=0\r\n\r\n"
    );
    stream.write_all(&[request.as_bytes(), body].concat())?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw)?;
    Ok(raw)
}

/// Asks with some headers, each ended by `\r\n`.
pub fn ask_with(cloud: &Cloud, line: &str, headers: &str, body: &[u8]) -> Answer {
    Answer::parse(&send(cloud, &format!("{line} HTTP/1.1\r\n{headers}"), body).unwrap())
}

pub fn ask(cloud: &Cloud, line: &str) -> Answer {
    ask_with(cloud, line, "", b"")
}

pub fn cloud_with(keys: &[&str]) -> Cloud {
    let cloud = Cloud::start();
    cloud.create_bucket("b", Bucket::default());
    for key in keys {
        cloud.put("b", key, key.as_bytes().to_vec(), BTreeMap::new());
    }
    cloud
}

pub fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Undoes `encoding-type=url`.
pub fn unescaped(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8().unwrap().into_owned()
}
