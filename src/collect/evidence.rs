//! Which listed objects belong to a copy, and what is saved beside an object.

use std::io::Read as _;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::folder::CopyFolder;
use super::{CollectOptions, ReadObject};
use crate::ident::{DeliveredName, DeliveredType, DigestKey, Location, LogFolder, is_account};
use crate::store::Metadata;
use crate::time::{HOUR, Interval, Timestamp};

/// Suffix of a file with the metadata of the object beside it.
pub(super) const SIDECAR: &str = ".metadata.json";

/// Largest metadata file read, in bytes. S3 allows 2 KB of user metadata.
const MAX_SIDECAR: u64 = 64 << 10;

/// Folder of digest files.
const DIGESTS: &str = "CloudTrail-Digest";

/// Whether a listed object belongs to the evidence: in a log or digest folder, and not by its name of another time or
/// trail than asked for. Folder markers do not count.
pub(super) fn belongs(location: &Location, size: u64, options: &CollectOptions) -> bool {
    let is_marker = size == 0 && location.key.ends_with('/');
    !is_marker && is_in_delivery_folder(&location.key) && !is_of_other_run(location, options)
}

/// Whether `key` lies in `…/ACCOUNT/CloudTrail-Digest/…` or in `…/ACCOUNT/CloudTrail/…` and its like.
fn is_in_delivery_folder(key: &str) -> bool {
    let is_folder = |name: &str| name == DIGESTS || LogFolder::ALL.iter().any(|logs| logs.as_str() == name);
    let mut above = "";
    let mut segments = key.split('/').peekable();
    while let Some(segment) = segments.next() {
        if is_account(above) && is_folder(segment) && segments.peek().is_some() {
            return true;
        }
        above = segment;
    }
    false
}

/// Whether a file in the folder of its delivery has a name of another time or trail. A name in another folder proves
/// nothing: the file belongs to every run.
fn is_of_other_run(location: &Location, options: &CollectOptions) -> bool {
    let name = location.name();
    let Some(delivered) = DeliveredName::parse(name).filter(|_| name.ends_with(".gz")) else { return false };
    let (folder, region, day) = (delivered.folder(), delivered.region, delivered.time.day_folder());
    if !location.key.ends_with(&format!("/{}/{folder}/{region}/{day}/{name}", delivered.account)) {
        return false;
    }
    let time = match delivered.kind {
        DeliveredType::Digest => Interval { start: delivered.time.plus(-HOUR), end: delivered.time },
        DeliveredType::Log(_) => Interval { start: delivered.time, end: delivered.time.plus(1) },
    };
    let is_of_other_trail = || {
        let digest = DigestKey::parse(location);
        let is_asked = |trail: &str| options.trails.iter().any(|asked| asked == trail);
        !options.trails.is_empty() && digest.is_some_and(|digest| !is_asked(&digest.trail))
    };
    !options.range.interval().overlaps(time) || is_of_other_trail()
}

/// Content of the metadata file of a digest, as `aws s3api head-object` prints it; `None` for other objects, beside which
/// the file would look like an object of its own.
pub(super) fn sidecar(of: &ReadObject, size: u64) -> Option<Vec<u8>> {
    if !is_digest(&of.location) {
        return None;
    }
    let mut head = Map::new();
    if let Some(modified) = of.facts.modified {
        head.insert("LastModified".to_owned(), head_time(modified).into());
    }
    head.insert("ContentLength".to_owned(), size.into());
    let texts = [("ETag", &of.facts.etag), ("VersionId", &of.facts.version)];
    for (name, text) in texts {
        head.extend(text.as_ref().map(|text| (name.to_owned(), Value::from(text.as_str()))));
    }
    head.insert("Metadata".to_owned(), json!(of.metadata));
    let mut text = serde_json::to_vec_pretty(&head).unwrap_or_default();
    text.push(b'\n');
    Some(text)
}

/// Whether the object lies where digest files are delivered, and has its metadata in a file beside it.
pub(super) fn is_digest(location: &Location) -> bool {
    location.key.rsplit('/').nth(5) == Some(DIGESTS)
}

/// Whether the object may be read as a digest file, wherever it lies.
pub(super) fn is_like_digest(location: &Location) -> bool {
    location.key.contains(DIGESTS)
}

/// The metadata that was saved beside a digest; `None` if the file is not usable.
pub(super) fn read_sidecar(folder: &CopyFolder, location: &Location) -> Option<Metadata> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "Metadata")]
        metadata: Metadata,
    }
    let beside = Location::new(&*location.bucket, format!("{}{SIDECAR}", location.key));
    let mut text = Vec::new();
    folder.open_file(&beside)?.take(MAX_SIDECAR).read_to_end(&mut text).ok()?;
    Some(serde_json::from_slice::<Head>(&text).ok()?.metadata)
}

/// A time as the AWS CLI prints it.
fn head_time(time: Timestamp) -> String {
    time.to_string().replace('Z', "+00:00")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Range;

    fn options(trails: &[&str]) -> CollectOptions {
        let time = |text| Timestamp::parse_report(text).unwrap();
        CollectOptions {
            directory: "copy".into(),
            sources: Vec::new(),
            range: Range { start: Some(time("2026-09-01T12:00:00Z")), end: time("2026-09-01T14:00:00Z") },
            trails: trails.iter().map(|trail| (*trail).to_owned()).collect(),
            relocations: Vec::new(),
            max_object: 0,
            started: time("2026-09-02T00:00:00Z"),
        }
    }

    fn belongs_to(trails: &[&str], key: &str, size: u64) -> bool {
        belongs(&Location::new("logs", key), size, &options(trails))
    }

    #[test]
    fn names_of_the_range_and_odd_names_belong_to_the_evidence() {
        let day = "p/AWSLogs/o-abc123/111122223333/CloudTrail/us-east-1/2026/09/01";
        let log =
            |time: &str| format!("{day}/111122223333_CloudTrail_us-east-1_20260901T{time}Z_abcdefgh.json.gz");
        for (key, expected) in [
            (log("1159"), false),
            (log("1200"), true),
            (log("1359"), true),
            (log("1400"), false),
            (log("1159").replace(".gz", ""), true),
            (log("1159").replace("/01/", "/02/"), true),
            (format!("{day}/notes.txt"), true),
            ("AWSLogs/111122223333/CloudTrail-Insight/x".to_owned(), true),
            ("AWSLogs/111122223333/CloudTrail".to_owned(), false),
            ("AWSLogs/111122223333/Config/x".to_owned(), false),
            ("CloudTrail/x".to_owned(), false),
        ] {
            assert_eq!(belongs_to(&[], &key, 1), expected, "{key}");
        }
        assert!(!belongs_to(&[], &format!("{day}/"), 0));
        assert!(belongs_to(&[], &format!("{day}/"), 1));
        let digest = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/\
                      111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T143000Z.json.gz";
        assert!(belongs_to(&[], digest, 1) && belongs_to(&["audit"], digest, 1));
        assert!(!belongs_to(&["other"], digest, 1));
    }
}
