//! What a plan asks, in its written form.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ident::{Relocation, Sha256Hash};
use crate::time::{Range, Timestamp};
use crate::validate::{NamedTrail, ReadLimits, SourceFolder, ToldDeliveries, TypedSource, ValidationRequest};

/// The request of a run, without the findings before the run and without memory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRequest {
    sources: Vec<WrittenFolder>,
    typed: Vec<WrittenTyped>,
    start: Option<Timestamp>,
    end: Timestamp,
    now: Timestamp,
    accounts: Vec<String>,
    regions: Vec<String>,
    trails: Vec<String>,
    named: Vec<WrittenTrail>,
    relocations: Vec<Relocation>,
    replicas: Vec<Relocation>,
    limits: WrittenLimits,
    every_object: bool,
    joins_findings: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFolder {
    bucket: String,
    prefix: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTyped {
    name: String,
    parts: Vec<WrittenFolder>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTrail {
    account: String,
    name: String,
    home_region: String,
    deliveries: ToldDeliveries,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLimits {
    digest: u64,
    log: u64,
    named: u64,
}

impl WrittenRequest {
    /// Writes a request. `deliveries` are those of its named trails, in order.
    pub(super) fn of(request: &ValidationRequest, deliveries: &[ToldDeliveries]) -> Self {
        let mut deliveries = deliveries.iter();
        let folder = |folder: &SourceFolder| WrittenFolder {
            bucket: folder.bucket.clone(),
            prefix: folder.prefix.clone(),
        };
        let typed = |typed: &TypedSource| WrittenTyped {
            name: typed.name.clone(),
            parts: typed.parts.iter().map(folder).collect(),
        };
        let mut trail = |trail: &NamedTrail| WrittenTrail {
            account: trail.account.clone(),
            name: trail.name.clone(),
            home_region: trail.home_region.clone(),
            deliveries: deliveries.next().cloned().unwrap_or_default(),
        };
        let ReadLimits { digest, log, named } = request.limits;
        Self {
            sources: request.sources.iter().map(folder).collect(),
            typed: request.typed.iter().map(typed).collect(),
            start: request.range.start,
            end: request.range.end,
            now: request.now,
            accounts: request.accounts.clone(),
            regions: request.regions.clone(),
            trails: request.trails.clone(),
            named: request.named.iter().map(&mut trail).collect(),
            relocations: request.relocations.clone(),
            replicas: request.replicas.clone(),
            limits: WrittenLimits { digest, log, named: named as u64 },
            every_object: request.every_object,
            joins_findings: request.joins_findings,
        }
    }

    /// The request. `None` for a range that ends before its start.
    pub(super) fn into_request(self) -> Option<ValidationRequest> {
        let range = Range { start: self.start, end: self.end };
        if range.start.is_some_and(|start| start >= range.end) {
            return None;
        }
        let folder = |folder: WrittenFolder| SourceFolder { bucket: folder.bucket, prefix: folder.prefix };
        let typed = |typed: WrittenTyped| TypedSource {
            name: typed.name,
            parts: typed.parts.into_iter().map(folder).collect(),
        };
        let trail = |trail: WrittenTrail| NamedTrail {
            account: trail.account,
            name: trail.name,
            home_region: trail.home_region,
            deliveries: Arc::new(trail.deliveries),
        };
        let WrittenLimits { digest, log, named } = self.limits;
        let sources = self.sources.into_iter().map(folder).collect();
        Some(ValidationRequest {
            typed: self.typed.into_iter().map(typed).collect(),
            accounts: self.accounts,
            regions: self.regions,
            trails: self.trails,
            named: self.named.into_iter().map(trail).collect(),
            relocations: self.relocations,
            replicas: self.replicas,
            limits: ReadLimits { digest, log, named: usize::try_from(named).unwrap_or(usize::MAX) },
            every_object: self.every_object,
            joins_findings: self.joins_findings,
            ..ValidationRequest::new(sources, range, self.now)
        })
    }
}

/// Where the evidence and the keys come from, for each machine to open them.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardSources {
    /// The sources as typed.
    pub sources: Vec<String>,
    /// Those of the sources that are archives.
    pub archives: Vec<HashedFile>,
    /// The files of public keys.
    pub public_keys: Vec<HashedFile>,
    /// Whether CloudTrail is asked for keys that are in no file.
    pub fetch_keys: bool,
    /// Largest file of public keys, in bytes.
    pub max_keys_size: u64,
    /// Endpoint of S3 and CloudTrail; `None` for the machine's own settings.
    pub endpoint_url: Option<String>,
    /// The account that has to own every bucket.
    pub expected_bucket_owner: Option<String>,
    /// Whether requests are paid for by the requester.
    pub request_payer: bool,
    /// Number of worker threads or requests; `None` for the machine's own choice.
    pub jobs: Option<u16>,
}

/// A file that has to be the same on every machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashedFile {
    /// The path as typed.
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: Sha256Hash,
}
