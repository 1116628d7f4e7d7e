//! Places that a recipe names: buckets, trails, access points, directories.

use std::path::Path;

/// Where something is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// A bucket, and a prefix without slashes at its ends, which may be empty.
    Bucket {
        /// Name of the bucket.
        bucket: String,
        /// The prefix.
        prefix: String,
    },
    /// A trail, by its ARN. Its bucket is not known here.
    Trail(String),
    /// An access point, by its ARN, and the prefix after `/object/`.
    AccessPoint {
        /// The ARN, without objects.
        arn: String,
        /// The prefix.
        prefix: String,
    },
    /// A directory or archive.
    Directory(String),
}

impl Place {
    /// Parses what was typed.
    #[must_use]
    pub fn parse(typed: &str) -> Self {
        let trimmed = |prefix: &str| prefix.trim_matches('/').to_owned();
        if let Some(rest) = typed.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            return Self::Bucket { bucket: bucket.to_owned(), prefix: trimmed(prefix) };
        }
        if typed.starts_with("arn:") && typed.contains(":accesspoint/") {
            let (arn, prefix) = typed.split_once("/object/").unwrap_or((typed, ""));
            return Self::AccessPoint { arn: arn.trim_end_matches('/').to_owned(), prefix: trimmed(prefix) };
        }
        match typed.starts_with("arn:") {
            true => Self::Trail(typed.to_owned()),
            false => Self::Directory(typed.trim_end_matches('/').to_owned()),
        }
    }

    /// Whether the place lies in the bucket or directory of one of the sources.
    #[must_use]
    pub fn is_within(&self, sources: &[Self]) -> bool {
        sources.iter().any(|source| match (self, source) {
            (Self::Bucket { bucket, .. }, Self::Bucket { bucket: of_source, .. }) => bucket == of_source,
            (Self::Directory(path), Self::Directory(of_source)) => Path::new(path).starts_with(of_source),
            _ => false,
        })
    }

    /// The place as an argument, without a slash at its end.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Bucket { bucket, prefix } if prefix.is_empty() => format!("s3://{bucket}"),
            Self::Bucket { bucket, prefix } => format!("s3://{bucket}/{prefix}"),
            Self::AccessPoint { arn, prefix } if prefix.is_empty() => arn.clone(),
            Self::AccessPoint { arn, prefix } => format!("{arn}/object/{prefix}"),
            Self::Trail(text) | Self::Directory(text) => text.clone(),
        }
    }
}
