//! Where the files of a copy lie, and in which form.

use std::fs;
use std::path::{Path, PathBuf};

use trailproof::ident::{DeliveredName, DeliveredType};

use super::Delivered;
use crate::bodies::inflate;

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
    Daily,
    Split,
    Overlapping,
}

impl Layout {
    pub(super) const ALL: [Self; 11] = [
        Self::Buckets,
        Self::Bucket,
        Self::Renamed,
        Self::Account,
        Self::RenamedRoots,
        Self::Flat,
        Self::FlatTwo,
        Self::FlatByDay,
        Self::Daily,
        Self::Split,
        Self::Overlapping,
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
pub(super) enum Packed {
    Directory,
}

impl Packed {
    pub(super) const ALL: [Self; 1] = [Self::Directory];

    /// Writes the files, and names what to validate.
    pub(super) fn write(self, dir: &Path, files: &[(String, Vec<u8>)]) -> Vec<PathBuf> {
        for (path, body) in files {
            let path = dir.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, body).unwrap();
        }
        let Self::Directory = self;
        vec![match dir.join("in").exists() {
            true => dir.join("in"),
            false => dir.join("trail-logs"),
        }]
    }
}
