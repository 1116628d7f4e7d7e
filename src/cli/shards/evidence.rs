//! Opens what a shard needs: store, keys and threads. Shards of one plan share them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::ThreadPool;

use super::input::unreadable;
use crate::cli::args::RunShardsArgs;
use crate::cli::sources::is_in_s3;
use crate::cli::{Failure, signals, validate};
use crate::event::Finding;
use crate::ident::Sha256Hash;
use crate::keys::KeyRing;
use crate::keys::saved::{self, KeysFileError};
use crate::shards::{HashedFile, Shard, ShardSources};
use crate::store::Store;
use crate::validate::copies;

/// What a shard needs.
pub(super) struct Evidence {
    pub(super) store: Box<dyn Store>,
    pub(super) keys: KeyRing,
    pub(super) pool: ThreadPool,
    /// The findings of opening the sources.
    pub(super) findings: Vec<Finding>,
}

/// The evidence of the last plan that a line was of.
#[derive(Default)]
pub(super) struct EvidenceCache(Mutex<Option<(CacheKey, Arc<Evidence>)>>);

/// Plan, run and sources. What the tools note of one run must not be taken for that of another.
type CacheKey = (String, u32, ShardSources);

impl EvidenceCache {
    /// The evidence of a shard, opened where it is not open yet.
    pub(super) fn of(&self, shard: &Shard, arguments: &RunShardsArgs) -> Result<Arc<Evidence>, Failure> {
        let key = (shard.plan().to_owned(), shard.run(), shard.sources().clone());
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, evidence)) = &*cached
            && *known == key
        {
            return Ok(Arc::clone(evidence));
        }
        let request = shard.request().map_err(|error| Failure::new(error.to_string(), error.hint()))?;
        let evidence = Arc::new(open(shard.sources(), &request.limits, arguments)?);
        *cached = Some((key, Arc::clone(&evidence)));
        Ok(evidence)
    }
}

fn open(
    places: &ShardSources,
    limits: &crate::validate::ReadLimits,
    arguments: &RunShardsArgs,
) -> Result<Evidence, Failure> {
    let sources: Vec<PathBuf> = places.sources.iter().map(PathBuf::from).collect();
    let in_s3 = sources.first().is_some_and(|source| is_in_s3(source));
    let keys = keys(places, arguments)?;
    let jobs = arguments.jobs.or(places.jobs);
    // Each shard waits for S3 on a thread of its own: with fewer threads, shards would wait for each other.
    let pool = match in_s3 {
        true => validate::threads(usize::from(arguments.at_once).max(validate::processors()))?,
        false => validate::pool(jobs, false)?,
    };
    if in_s3 {
        return open_s3(places, jobs, keys, pool, arguments);
    }
    let keys = with_fetched(places, keys, arguments)?;
    check_archives(places)?;
    let opened = copies::open_until(&sources, &keys, limits, signals::flag());
    let opened = opened.map_err(|error| {
        Failure::new(error.to_string(), "the directory has to be at the same path on every machine")
    })?;
    Ok(Evidence { store: Box::new(opened.store), keys, pool, findings: opened.findings })
}

/// Archives have to be those of the plan: a region that is only in another archive would be looked at by no shard.
fn check_archives(places: &ShardSources) -> Result<(), Failure> {
    for HashedFile { path, sha256 } in &places.archives {
        if super::plan::hash_file(Path::new(path)).ok() != Some(*sha256) {
            return Err(Failure::new(
                format!("the archive `{path}` of the plan is not here, or has another content"),
                "copy the archive of the plan to the same path; for another archive make a plan of its own",
            ));
        }
    }
    Ok(())
}

/// Reads the files of public keys, which have to be those of the plan.
fn keys(places: &ShardSources, arguments: &RunShardsArgs) -> Result<KeyRing, Failure> {
    let mut ring = KeyRing::new();
    for HashedFile { path, sha256 } in &places.public_keys {
        let candidates = std::iter::once(PathBuf::from(path)).chain(arguments.public_keys.iter().cloned());
        let mut found = None;
        for candidate in candidates {
            let read = validate::read_keys(&candidate, places.max_keys_size);
            if let Ok(bytes) = read
                && Sha256Hash::of(&bytes) == *sha256
            {
                found = Some(bytes);
                break;
            }
        }
        let bytes = found.ok_or_else(|| {
            Failure::new(
                format!("the keys file `{path}` of the plan is not here, or has another content"),
                "copy the file to the same path, or give `--public-keys FILE` with the file of the same content",
            )
        })?;
        match saved::load(&mut ring, path, &bytes) {
            // The run that made the plan had keys from other files.
            Ok(()) | Err(KeysFileError::Empty) => {}
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
    Ok(ring)
}

#[cfg(feature = "aws")]
fn aws_of(places: &ShardSources, arguments: &RunShardsArgs) -> Result<Arc<crate::aws::Aws>, Failure> {
    let mut settings = arguments.aws.clone();
    settings.endpoint_url = settings.endpoint_url.or_else(|| places.endpoint_url.clone());
    crate::cli::aws::connect(&settings)
}

#[cfg(feature = "aws")]
fn with_fetched(places: &ShardSources, keys: KeyRing, arguments: &RunShardsArgs) -> Result<KeyRing, Failure> {
    if !places.fetch_keys {
        return Ok(keys);
    }
    let aws = aws_of(places, arguments)?;
    Ok(keys.asking(Box::new(crate::keys::cloudtrail::CloudTrailKeys::new(aws))))
}

#[cfg(not(feature = "aws"))]
fn with_fetched(_: &ShardSources, keys: KeyRing, _: &RunShardsArgs) -> Result<KeyRing, Failure> {
    Ok(keys)
}

#[cfg(feature = "aws")]
fn open_s3(
    places: &ShardSources,
    jobs: Option<u16>,
    keys: KeyRing,
    pool: ThreadPool,
    arguments: &RunShardsArgs,
) -> Result<Evidence, Failure> {
    use crate::aws::access_point::AccessPoint;

    let aws = aws_of(places, arguments)?;
    let points = places.sources.iter().filter_map(|text| Some(AccessPoint::parse(text)?.ok()?.name));
    let store = crate::cli::sources::s3::store(&aws, places.expected_bucket_owner.clone(), jobs)
        .with_access_points(points.collect::<Vec<String>>())
        .with_requester_pays(places.request_payer);
    let keys = match places.public_keys.is_empty() || places.fetch_keys {
        true => keys.asking(Box::new(crate::keys::cloudtrail::CloudTrailKeys::new(aws))),
        false => keys,
    };
    Ok(Evidence { store: Box::new(store), keys, pool, findings: Vec::new() })
}

#[cfg(not(feature = "aws"))]
fn open_s3(
    places: &ShardSources,
    _: Option<u16>,
    _: KeyRing,
    _: ThreadPool,
    _: &RunShardsArgs,
) -> Result<Evidence, Failure> {
    let source = places.sources.first().map(String::as_str).unwrap_or_default();
    Err(super::output::without_aws(std::path::Path::new(source)))
}
