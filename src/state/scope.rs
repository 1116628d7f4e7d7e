//! The scope of a state file, and the file's name.

use std::fmt;

use crate::ident::{RegionFolder, Sha256Hash, is_account, is_region};

/// The folder of the files of regions.
pub(super) const REGIONS: &str = "regions/";

/// The folder of the files of runs.
pub(super) const RUNS: &str = "runs/";

const SUFFIX: &str = ".json";

/// Between the parts of a name. Never part of an escaped text.
const SEPARATOR: char = '~';

/// The most bytes of a file or folder name: a longer name is cut into folders. Most file systems take 255.
const MAX_SEGMENT: usize = 200;

/// The scope of a state file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum StateScope {
    /// A region of an account below a prefix of a bucket.
    Region {
        /// The bucket.
        bucket: String,
        /// The part of keys before `AWSLogs/`: empty, or with a slash at the end.
        root: String,
        /// Account id.
        account: String,
        /// Region of the log files.
        region: String,
    },
    /// Findings that concern no single region, of runs over these sources.
    Run {
        /// The sources as typed; paths are absolute. Many are one text, `sha256:HEX`, with the hash over a line for each.
        sources: Vec<String>,
    },
}

impl StateScope {
    /// The scope of a region's folder. Folders of an account and of its organization share a file.
    #[must_use]
    pub fn of(folder: &RegionFolder) -> Self {
        Self::Region {
            bucket: folder.bucket.to_string(),
            root: folder.root.to_string(),
            account: folder.account.to_string(),
            region: folder.region.to_string(),
        }
    }

    /// The scope of a run over these sources.
    #[must_use]
    pub fn of_run(sources: &[String]) -> Self {
        // S3 takes keys of 1,024 bytes.
        let length: usize = sources.iter().map(|source| escape(source).len() + 1).sum();
        if length <= MAX_SEGMENT {
            return Self::Run { sources: sources.to_vec() };
        }
        let hash = Sha256Hash::of(sources.join("\n").as_bytes());
        Self::Run { sources: vec![format!("sha256:{hash}")] }
    }

    /// The name of the file in the place: `regions/BUCKET~PREFIX~ACCOUNT~REGION.json` or `runs/SOURCE~….json`. Bytes
    /// other than `a-z`, `0-9`, `.`, `_` and `-` are written as `%xx`, upper case included, since some file systems do
    /// not tell case. A name of more than 200 bytes goes on in subfolders. Different scopes have different names.
    #[must_use]
    pub fn file_name(&self) -> String {
        let (folder, parts) = match self {
            Self::Region { bucket, root, account, region } => {
                (REGIONS, vec![bucket.as_str(), root, account, region])
            }
            Self::Run { sources } => (RUNS, sources.iter().map(String::as_str).collect()),
        };
        let escaped: Vec<String> = parts.into_iter().map(escape).collect();
        let name = escaped.join(&SEPARATOR.to_string());
        let mut segments: Vec<&str> = Vec::new();
        let mut rest = name.as_str();
        while let Some((segment, more)) =
            rest.split_at_checked(MAX_SEGMENT).filter(|(_, more)| !more.is_empty())
        {
            segments.push(segment);
            rest = more;
        }
        segments.push(rest);
        format!("{folder}{}{SUFFIX}", segments.join("/"))
    }

    /// The scope of a file name. `None` for a name that no scope has.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let folder = [REGIONS, RUNS].into_iter().find(|folder| name.starts_with(folder))?;
        let joined: String = name.strip_prefix(folder)?.strip_suffix(SUFFIX)?.split('/').collect();
        let parts: Vec<String> = joined.split(SEPARATOR).map(unescape).collect::<Option<_>>()?;
        let scope = if folder == RUNS {
            Self::Run { sources: parts }
        } else {
            let [bucket, root, account, region] = <[String; 4]>::try_from(parts).ok()?;
            Self::Region { bucket, root, account, region }
        };
        (scope.is_valid() && scope.file_name() == name).then_some(scope)
    }

    /// Whether account and region are what they should be.
    pub(super) fn is_valid(&self) -> bool {
        match self {
            Self::Region { bucket, root, account, region } => {
                !bucket.is_empty()
                    && (root.is_empty() || root.ends_with('/'))
                    && is_account(account)
                    && is_region(region)
            }
            Self::Run { sources } => !sources.is_empty(),
        }
    }
}

impl fmt::Display for StateScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region { bucket, root, account, region } => {
                write!(f, "s3://{bucket}/{root} {account} {region}")
            }
            Self::Run { sources } => f.write_str(&sources.join(" ")),
        }
    }
}

fn escape(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut last = 0;
    for byte in text.bytes() {
        // No part of a name is `..`.
        let is_second_dot = byte == b'.' && last == b'.';
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' if !is_second_dot => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
        last = byte;
    }
    name
}

fn unescape(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let mut value = [0; 1];
            hex::decode_to_slice(digits, &mut value).ok()?;
            value.first().copied()?
        } else {
            byte
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(bucket: &str, root: &str) -> StateScope {
        StateScope::Region {
            bucket: bucket.to_owned(),
            root: root.to_owned(),
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }

    #[test]
    fn names_are_readable() {
        assert_eq!(
            region("trail-logs", "audit/").file_name(),
            "regions/trail-logs~audit%2f~111122223333~us-east-1.json"
        );
        let run = StateScope::Run { sources: vec!["s3://trail-logs".to_owned()] };
        assert_eq!(run.file_name(), "runs/s3%3a%2f%2ftrail-logs.json");
        assert_eq!(StateScope::of_run(&["s3://trail-logs".to_owned()]), run);
    }

    #[test]
    fn many_sources_have_a_short_name() {
        let sources = |count: usize| -> Vec<String> {
            (0..count).map(|number| format!("s3://central-logs/AWSLogs/{number:012}")).collect()
        };
        for count in 1..100 {
            let scope = StateScope::of_run(&sources(count));
            let name = scope.file_name();
            assert!(name.len() < 220, "{name}");
            assert_eq!(StateScope::parse(&name), Some(scope.clone()), "{name}");
            assert_ne!(scope, StateScope::of_run(&sources(count + 1)));
        }
    }

    #[test]
    fn every_scope_has_a_safe_name_of_its_own() {
        let long = "x/".repeat(500);
        let dots = format!("{}/", ".".repeat(600));
        let roots = [
            "",
            "a/",
            "A/",
            "../",
            "../../etc/",
            "/",
            "//",
            "~/",
            "%2f/",
            "a b/",
            "\u{1b}[2J/",
            "é/",
            "a\0b/",
            "con/",
            &long,
            &dots,
        ];
        let mut names = std::collections::BTreeSet::new();
        for bucket in ["trail-logs", "..", "Old_Bucket", "arn:aws:s3:us-east-1:1:accesspoint/x"] {
            for root in roots {
                let scope = region(bucket, root);
                let name = scope.file_name();
                assert_eq!(StateScope::parse(&name), Some(scope), "{name}");
                for segment in name.split('/') {
                    assert!(segment.len() <= MAX_SEGMENT + SUFFIX.len() && segment != "..", "{name}");
                    let is_plain = |byte: u8| {
                        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-%~".contains(&byte)
                    };
                    assert!(segment.bytes().all(is_plain) && !segment.is_empty(), "{name}");
                }
                assert!(names.insert(name));
            }
        }
    }

    #[test]
    fn other_names_have_no_scope() {
        for name in [
            "",
            "place.json",
            "regions/.json",
            "regions/b~~111122223333.json",
            "regions/b~~111122223333~us-east-1",
            "regions/B~~111122223333~us-east-1.json",
            "regions/b~~11112222333~us-east-1.json",
            "regions/b~~111122223333~nowhere.json",
            "regions/b~a~111122223333~us-east-1.json",
            "regions/b~%~111122223333~us-east-1.json",
            "regions/b~%ff%2f~111122223333~us-east-1.json",
            "regions/b/~~111122223333~us-east-1.json",
            "elsewhere/b~~111122223333~us-east-1.json",
        ] {
            assert_eq!(StateScope::parse(name), None, "{name}");
        }
    }
}
