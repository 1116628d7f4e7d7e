//! Where the files of a copy lie, and in which form.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use trailproof::ident::{DeliveredName, DeliveredType};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Delivered;
use crate::bodies::{gzip, inflate};

/// Where the files lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    Buckets,
    Bucket,
    Renamed,
    Account,
    RenamedRoots,
    Flat,
    FlatTwo,
    FlatByDay,
    /// Digests and log files together in folders of days.
    ByDay,
    ByAccountAndDay,
    ByRegionAndDay,
    ByAccountRegionAndDay,
    /// Digests in the folders of S3, log files flattened.
    FlatLogs,
    /// Log files in the folders of S3, digests flattened.
    FlatDigests,
    Daily,
    Split,
    Overlapping,
    /// The folders of days are left out.
    ByRegion,
    /// A folder for each hour, in the folders of S3.
    ByHour,
    /// The folders of regions and days are left out.
    ByKind,
    /// Log files in the folders of S3, digests flat beside `AWSLogs/`.
    BesideAwsLogs,
}

impl Layout {
    pub(super) const ALL: [Self; 21] = [
        Self::Buckets,
        Self::Bucket,
        Self::Renamed,
        Self::Account,
        Self::RenamedRoots,
        Self::Flat,
        Self::FlatTwo,
        Self::FlatByDay,
        Self::ByDay,
        Self::ByAccountAndDay,
        Self::ByRegionAndDay,
        Self::ByAccountRegionAndDay,
        Self::FlatLogs,
        Self::FlatDigests,
        Self::Daily,
        Self::Split,
        Self::Overlapping,
        Self::ByRegion,
        Self::ByHour,
        Self::ByKind,
        Self::BesideAwsLogs,
    ];

    /// The paths of an object in the copy.
    pub(super) fn paths(self, object: &Delivered, below: &mut dyn FnMut(usize) -> usize) -> Vec<String> {
        let Delivered { bucket, key, .. } = object;
        let name = object.name();
        let parsed = DeliveredName::parse(name).unwrap();
        let day = parsed.time.day_folder();
        let root = if parsed.kind == DeliveredType::Digest { "digests" } else { "logs" };
        let DeliveredName { account, region, .. } = parsed;
        match self {
            Self::Buckets => vec![format!("in/{bucket}/{key}")],
            Self::Bucket => vec![format!("{bucket}/{key}")],
            Self::Renamed => vec![format!("in/copy of it/{key}")],
            Self::Account => {
                let (_, below) = key.split_once(&format!("/{account}/")).unwrap();
                vec![format!("in/of {account}/{below}")]
            }
            Self::RenamedRoots => vec![format!("in/{account} {root}/{region}/{day}/{name}")],
            Self::Flat => vec![format!("in/{name}")],
            Self::FlatTwo => vec![format!("in/{root}/{name}")],
            Self::FlatByDay => vec![format!("in/{}/{name}", day.replace('/', "-"))],
            Self::ByDay => vec![format!("in/{day}/{name}")],
            Self::ByAccountAndDay => vec![format!("in/{account}/{day}/{name}")],
            Self::ByRegionAndDay => vec![format!("in/{region}/{day}/{name}")],
            Self::ByAccountRegionAndDay => vec![format!("in/{account}/{region}/{day}/{name}")],
            Self::FlatLogs if root == "logs" => vec![format!("in/logs/{name}")],
            Self::FlatDigests if root == "digests" => vec![format!("in/digests/{name}")],
            Self::FlatLogs | Self::FlatDigests => vec![format!("in/{bucket}/{key}")],
            Self::ByRegion => vec![format!("in/{bucket}/{}/{name}", above(key, 4))],
            Self::ByHour => vec![format!("in/{bucket}/{}/{:02}/{name}", above(key, 1), below(24))],
            Self::ByKind => vec![format!("in/{bucket}/{}/{name}", above(key, 5))],
            Self::BesideAwsLogs if root == "logs" => vec![format!("in/{bucket}/{key}")],
            Self::BesideAwsLogs => vec![format!("in/{bucket}/old/{name}")],
            Self::Daily => vec![format!("in/of {}/{key}", day.replace('/', "-"))],
            Self::Split => vec![format!("in/part {}/{key}", below(2))],
            Self::Overlapping => match below(3) {
                0 => vec![format!("in/one/{key}"), format!("in/two/{key}")],
                1 => vec![format!("in/one/{key}")],
                _ => vec![format!("in/two/{key}")],
            },
        }
    }
}

/// The folder of a key, without its last segments.
fn above(key: &str, segments: usize) -> &str {
    key.rsplitn(segments + 1, '/').last().unwrap()
}

/// Which files a tool inflated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Inflated {
    No,
    SameName,
    Renamed,
    Beside,
}

impl Inflated {
    pub(super) const ALL: [Self; 4] = [Self::No, Self::SameName, Self::Renamed, Self::Beside];

    /// The files that a delivered file becomes.
    pub(super) fn files(self, path: &str, body: &[u8]) -> Vec<(String, Vec<u8>)> {
        let gzipped = (path.to_owned(), body.to_vec());
        let renamed = (path.trim_end_matches(".gz").to_owned(), inflate(body));
        match self {
            Self::No => vec![gzipped],
            Self::SameName => vec![(path.to_owned(), inflate(body))],
            Self::Renamed => vec![renamed],
            Self::Beside => vec![gzipped, renamed],
        }
    }
}

/// How the files are handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Packed {
    Directory,
    Zip,
    Tar,
    TarGz,
    TarZst,
}

impl Packed {
    /// A directory half of the time.
    pub(crate) const ALL: [Self; 8] = [
        Self::Directory,
        Self::Directory,
        Self::Directory,
        Self::Directory,
        Self::Zip,
        Self::Tar,
        Self::TarGz,
        Self::TarZst,
    ];

    /// Writes the files, and names what to validate.
    pub(crate) fn write(self, dir: &Path, files: &BTreeMap<String, Vec<u8>>) -> Vec<PathBuf> {
        let path = match self {
            Self::Directory => {
                let inside =
                    if files.keys().any(|path| path.starts_with("in/")) { "in" } else { "trail-logs" };
                write_files(dir, files);
                dir.join(inside)
            }
            Self::Zip => {
                let path = dir.join("evidence.zip");
                let mut zip = ZipWriter::new(File::create(&path).unwrap());
                for (name, body) in files {
                    zip.start_file(name, SimpleFileOptions::default()).unwrap();
                    zip.write_all(body).unwrap();
                }
                zip.finish().unwrap();
                path
            }
            Self::Tar => written(dir.join("evidence.tar"), &tar(files)),
            Self::TarGz => written(dir.join("evidence.tgz"), &gzip(&tar(files))),
            Self::TarZst => {
                written(dir.join("evidence.tar.zst"), &zstd::encode_all(tar(files).as_slice(), 1).unwrap())
            }
        };
        vec![path]
    }
}

fn write_files(dir: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (path, body) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, body).unwrap();
    }
}

fn written(path: PathBuf, bytes: &[u8]) -> PathBuf {
    fs::write(&path, bytes).unwrap();
    path
}

fn tar(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, body) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(body.len()).unwrap());
        header.set_mode(0o644);
        tar.append_data(&mut header, name, body.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}
