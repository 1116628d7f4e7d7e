//! Which files of a state a run asks about, and which file a digest belongs to.

use std::fs;
use std::path::Path;

use super::document::{RememberedDigest, StateDocument};
use super::scope::StateScope;
use crate::ident::{DigestKey, Location, RegionFolder};
use crate::validate::{SourceFolder, ValidationRequest};

/// The sources of a run, as typed and as folders of buckets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunSources {
    /// The sources as typed; paths are absolute.
    pub typed: Vec<String>,
}

impl RunSources {
    /// The sources of a run: in S3 as typed, without a slash at the end. A path is absolute, since the next run may start in
    /// another folder.
    pub fn of<'p>(typed: impl IntoIterator<Item = &'p Path>) -> Self {
        let absolute = |source: &Path| match source.to_str() {
            Some(text) if text.starts_with("s3://") || text.starts_with("arn:") => {
                text.trim_end_matches('/').to_owned()
            }
            _ => fs::canonicalize(source).unwrap_or_else(|_| source.to_owned()).display().to_string(),
        };
        let mut typed: Vec<String> = typed.into_iter().map(absolute).collect();
        typed.sort();
        typed.dedup();
        Self { typed }
    }

    /// Whether a run with this request may ask about the scope, by account and region alone.
    pub(super) fn may_ask(&self, request: &ValidationRequest, scope: &StateScope) -> bool {
        match scope {
            StateScope::Region { account, region, .. } => request.asks_about_region(account, region),
            StateScope::Run { .. } => *scope == StateScope::of_run(&self.typed),
        }
    }

    /// The sources whose parts hold the folder; all sources if that of the folder cannot be told.
    pub(super) fn holding(&self, request: &ValidationRequest, folder: &RegionFolder) -> Vec<String> {
        let holding = request.typed.iter().filter(|typed| typed.parts.iter().any(|part| part.holds(folder)));
        let mut holding = Self::of(holding.map(|typed| Path::new(&typed.name))).typed;
        // Sources in S3 are named as they are.
        if request.typed.is_empty() {
            let in_s3 =
                self.typed.iter().filter(|source| bucket_folder(source).is_some_and(|of| of.holds(folder)));
            holding = in_s3.cloned().collect();
        }
        let is_known = !holding.is_empty() && holding.iter().all(|source| self.typed.contains(source));
        if is_known { holding } else { self.typed.clone() }
    }

    /// Whether an earlier run read a digest in sources of this run: `read` are the sources of each run that proved the digest,
    /// a line for each source that the run read together.
    pub(super) fn have_read(&self, read: &[String]) -> bool {
        let is_here = |source: &str| self.typed.iter().any(|typed| typed == source);
        read.iter().any(|sources| sources.lines().all(is_here))
    }

    /// Whether a run asks about a digest in a folder: the folder lies below a source, or the digest was read in one.
    pub(super) fn ask_about(
        &self,
        request: &ValidationRequest,
        folder: &RegionFolder,
        digest: &RememberedDigest,
    ) -> bool {
        let is_here = |source: &str| self.typed.iter().any(|typed| typed == source);
        is_held(request, folder) || digest.sources.iter().any(|sources| sources.lines().any(is_here))
    }

    /// Whether a run asks about a document: its folder lies below a source, or a run over the same typed source wrote it.
    /// The second finds what is gone from a directory, whose buckets are known only by what is there.
    pub(super) fn asks(&self, request: &ValidationRequest, document: &StateDocument) -> bool {
        document.sources.iter().any(|source| self.typed.contains(source))
            || folders(document).iter().any(|folder| is_held(request, folder))
    }
}

/// The folders of a document: that of the account, and those of its organizations.
fn folders(document: &StateDocument) -> Vec<RegionFolder> {
    let digests = document.digests().map(|digest| digest.chain.organization.as_deref());
    let mut organizations: Vec<Option<&str>> = digests.chain([None]).collect();
    organizations.sort_unstable();
    organizations.dedup();
    organizations.into_iter().filter_map(|organization| folder(&document.scope, organization)).collect()
}

/// The folder of a scope.
pub(super) fn folder(scope: &StateScope, organization: Option<&str>) -> Option<RegionFolder> {
    let StateScope::Region { bucket, root, account, region } = scope else { return None };
    Some(RegionFolder {
        bucket: bucket.as_str().into(),
        root: root.as_str().into(),
        organization: organization.map(Into::into),
        account: account.as_str().into(),
        region: region.as_str().into(),
    })
}

/// The scope of the folder in which a run met the digest that was delivered to `location`: a copy has a file of its own,
/// since it may lag behind its original. The folder comes too. `None` for a key that is not a digest's.
pub(super) fn scope_of(
    request: &ValidationRequest,
    location: &Location,
) -> Option<(StateScope, RegionFolder)> {
    let delivered = DigestKey::parse(location)?.folder;
    let copies = request.relocations.iter().filter_map(|moved| moved.copy_of(location));
    let copies = copies.filter_map(|copy| Some(DigestKey::parse(&copy)?.folder));
    let met = std::iter::once(delivered.clone()).chain(copies).find(|folder| is_held(request, folder));
    let met = met.unwrap_or(delivered);
    Some((StateScope::of(&met), met))
}

/// The folder of a source `s3://BUCKET/PREFIX`.
fn bucket_folder(source: &str) -> Option<SourceFolder> {
    let place = source.strip_prefix("s3://")?;
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    Some(SourceFolder { bucket: bucket.to_owned(), prefix })
}

fn is_held(request: &ValidationRequest, folder: &RegionFolder) -> bool {
    request.sources.iter().any(|source| source.holds(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Range, Timestamp};

    #[test]
    fn sources_in_s3_hold_what_lies_below() {
        let typed = ["s3://a", "s3://b/pre", "s3://b/pre/AWSLogs/o-abcdef1234"];
        let sources = RunSources::of(typed.iter().map(Path::new));
        let now = Timestamp::from_unix(0);
        let request = ValidationRequest::new(Vec::new(), Range { start: None, end: now }, now);
        let folder = |bucket: &str, root: &str, organization: Option<&str>| RegionFolder {
            bucket: bucket.into(),
            root: root.into(),
            organization: organization.map(Into::into),
            account: "111122223333".into(),
            region: "us-east-1".into(),
        };
        let holding = |folder| sources.holding(&request, &folder);
        assert_eq!(holding(folder("a", "x/", None)), ["s3://a"]);
        assert_eq!(holding(folder("b", "pre/", None)), ["s3://b/pre"]);
        assert_eq!(
            holding(folder("b", "pre/", Some("o-abcdef1234"))),
            ["s3://b/pre", "s3://b/pre/AWSLogs/o-abcdef1234"]
        );
        // A bucket that an access point stands for.
        assert_eq!(holding(folder("c", "", None)), sources.typed);
    }
}
