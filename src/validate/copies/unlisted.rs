//! Files that lie among the log files of a flattened copy, without a name of CloudTrail's. No digest lists them, and a
//! program that reads the folder takes them for log files.

use std::io::Read as _;

use sha2::{Digest as _, Sha256};

use crate::event::{Fault, Finding};
use crate::ident::Sha256Hash;
use crate::keys::{KeyRing, saved};
use crate::store::directory::is_sidecar;
use crate::store::directory::placed::PlacedFile;
use crate::time::Timestamp;

/// Largest file that may be one of public keys, in bytes.
const MAX_KEYS: u64 = 1 << 20;

/// What a report of this program, or another of its files, has in the first bytes.
const OWN_FORMAT: &str = "\"trailproof/";

/// Bytes of a file that are searched for the format.
const FORMAT_BYTES: usize = 256;

/// What the content of a file is.
enum JsonFile {
    /// Public keys, the metadata of a log file beside, or a file of this program.
    Harmless,
    /// Anything else. The hash tells the content from any other; `None` if the file cannot be read.
    Other(Option<Sha256Hash>),
}

/// The findings on the first `most` files; the rest is counted.
pub(super) fn findings(files: &[PlacedFile], most: usize) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut more = 0;
    for file in files {
        let JsonFile::Other(content) = read(file) else { continue };
        if found.len() >= most.max(1) {
            more += 1;
            continue;
        }
        let mut finding = Finding::new(Fault::UnlistedLog, Timestamp::from_unix(0));
        finding.uri = Some(file.files.display(&file.path));
        finding.content = content.map(|hash| hash.to_string());
        found.push(finding);
    }
    if more > 0 {
        found.push(Finding::new(Fault::MoreUnlisted { count: more }, Timestamp::from_unix(0)));
    }
    found
}

fn read(file: &PlacedFile) -> JsonFile {
    if is_sidecar(&*file.files, &file.path) {
        return JsonFile::Harmless;
    }
    let Ok(mut opened) = file.files.open(&file.path) else { return JsonFile::Other(None) };
    let (mut hasher, mut start, mut buffer) = (Sha256::new(), Vec::new(), vec![0; 1 << 16]);
    loop {
        match opened.body.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                let read = buffer.get(..length).unwrap_or_default();
                hasher.update(read);
                let room = usize::try_from(MAX_KEYS).unwrap_or(usize::MAX).saturating_sub(start.len());
                start.extend_from_slice(read.get(..room).unwrap_or(read));
            }
            Err(_) => return JsonFile::Other(None),
        }
    }
    match file.size <= MAX_KEYS && is_harmless(&start) {
        true => JsonFile::Harmless,
        false => JsonFile::Other(Some(Sha256Hash(hasher.finalize().into()))),
    }
}

/// Whether a file has public keys and no events, or is one of this program.
fn is_harmless(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if text.contains("\"Records\"") {
        return false;
    }
    let first: String = text.chars().take(FORMAT_BYTES).collect();
    first.contains(OWN_FORMAT) || saved::load(&mut KeyRing::new(), "", bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_never_harmless() {
        assert!(is_harmless(b"{\"format\": \"trailproof/report/1\"}"));
        assert!(!is_harmless(b"{\"format\": \"trailproof/report/1\", \"Records\": []}"));
        for other in ["", "{}", "{\"Records\": []}", "{\"a\": 1}", "\x1f\u{8b}"] {
            assert!(!is_harmless(other.as_bytes()), "{other}");
        }
    }
}
