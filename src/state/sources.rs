//! Which files of a state a run asks about.

use crate::ident::{DigestKey, RegionFolder};
use crate::validate::{SourceFolder, ValidationRequest};

use super::document::{RememberedDigest, StateDocument};
use super::scope::StateScope;

/// The sources of a run, as typed and as folders of buckets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunSources {
    /// The sources as typed; paths are absolute.
    pub typed: Vec<String>,
}

impl RunSources {
    /// Whether a run with this request may ask about the scope, by account and region alone.
    pub(super) fn may_ask(&self, request: &ValidationRequest, scope: &StateScope) -> bool {
        match scope {
            StateScope::Region { account, region, .. } => request.asks_about_region(account, region),
            StateScope::Run { sources } => *sources == self.typed,
        }
    }

    /// Whether a run asks about a document of a region: one of its digests lies below a source, or was proved by a run
    /// over the same typed source. The second finds what is gone from a directory, whose buckets are known only by what
    /// is there.
    pub(super) fn asks(&self, request: &ValidationRequest, document: &StateDocument) -> bool {
        let mut folders = document.digests().filter_map(folder_of);
        folders.any(|folder| held(request, &folder).is_some())
            || document.sources.iter().any(|source| self.typed.contains(source))
            || scope_folder(&document.scope).is_some_and(|folder| held(request, &folder).is_some())
    }
}

/// The folder of a remembered digest.
pub(super) fn folder_of(digest: &RememberedDigest) -> Option<RegionFolder> {
    DigestKey::parse(&digest.location).map(|key| key.folder)
}

/// The folder of a scope without an organization.
fn scope_folder(scope: &StateScope) -> Option<RegionFolder> {
    let StateScope::Region { bucket, root, account, region } = scope else { return None };
    Some(RegionFolder {
        bucket: bucket.as_str().into(),
        root: root.as_str().into(),
        organization: None,
        account: account.as_str().into(),
        region: region.as_str().into(),
    })
}

/// The folder below the sources in which a delivered folder is looked for: the folder itself, or its copy by a move that
/// the user named.
pub(super) fn held(request: &ValidationRequest, folder: &RegionFolder) -> Option<RegionFolder> {
    let copies = request.relocations.iter().filter_map(|moved| {
        let root = folder.root.strip_prefix(moved.from_prefix.as_str())?;
        (*folder.bucket == *moved.from_bucket).then(|| RegionFolder {
            bucket: moved.to_bucket.as_str().into(),
            root: format!("{}{root}", moved.to_prefix).into(),
            ..folder.clone()
        })
    });
    let is_held =
        |folder: &RegionFolder| request.sources.iter().any(|source: &SourceFolder| source.holds(folder));
    std::iter::once(folder.clone()).chain(copies).find(is_held)
}
