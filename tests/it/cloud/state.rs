//! What the server holds: buckets, versions of objects, keys, trails, and what is forbidden.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use md5::{Digest, Md5};

use super::cloudtrail::{PublicKey, Trail};

/// How a bucket is set up.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// The only region that reads it; others are redirected.
    pub region: String,
    /// Whether a deleted or replaced object is kept as an older version.
    pub versioned: bool,
    /// The account for `x-amz-expected-bucket-owner`.
    pub owner: String,
    /// Whether a bucket in eu-west-1 gives its location as `EU`, as old ones do.
    pub legacy_location: bool,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            versioned: true,
            owner: "111122223333".to_owned(),
            legacy_location: false,
        }
    }
}

/// A version of an object, or a delete marker.
pub struct Version {
    /// Opaque and in no order, or `null` where the bucket keeps no versions.
    pub id: String,
    /// Unix time in seconds.
    pub modified: i64,
    /// The storage class of an archived one, which has to be restored before it is read.
    pub archived: Option<String>,
    /// `None` in a delete marker.
    pub content: Option<Arc<Content>>,
}

/// What a version holds.
pub struct Content {
    /// As it was put.
    pub body: Bytes,
    /// MD5 in hex, in quotes.
    pub etag: String,
    /// Names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// A bucket and what is in it.
pub struct Held {
    /// How the bucket is set up.
    pub settings: Bucket,
    /// By key in the order of its bytes, and of each key the oldest version first.
    pub objects: BTreeMap<String, Vec<Version>>,
    /// Keys that may not be read.
    pub denied: HashSet<String>,
}

impl Held {
    /// The first object from `start` on that is there, being neither deleted nor outside `prefix`.
    pub fn first_live(&self, start: Bound<&str>, prefix: &str) -> Option<(&str, &Version, &Content)> {
        self.objects
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .find_map(|(key, versions)| {
                let newest = versions.last()?;
                Some((key.as_str(), newest, newest.content.as_deref()?))
            })
    }

    /// The newest version of a key, which may be a delete marker.
    pub fn newest(&self, key: &str) -> Option<&Version> {
        self.objects.get(key)?.last()
    }

    /// One version of a key.
    pub fn version(&self, key: &str, id: &str) -> Option<&Version> {
        self.objects.get(key)?.iter().find(|version| version.id == id)
    }

    fn add(&mut self, key: &str, version: Version) {
        let versions = self.objects.entry(key.to_owned()).or_default();
        if !self.settings.versioned {
            versions.clear();
        }
        versions.push(version);
    }
}

/// All that the server knows.
#[derive(Default)]
pub struct State {
    buckets: HashMap<String, Held>,
    /// Actions, each with how the resources begin that it is refused on.
    pub denials: Vec<(String, String)>,
    /// By region.
    pub keys: HashMap<String, Vec<PublicKey>>,
    /// Of all regions and accounts.
    pub trails: Vec<Trail>,
    /// Unix time in seconds, where it does not run.
    pub clock: Option<i64>,
    versions_made: u64,
}

impl State {
    /// Makes an empty bucket.
    pub fn create_bucket(&mut self, name: &str, settings: Bucket) {
        let held = Held { settings, objects: BTreeMap::new(), denied: HashSet::new() };
        self.buckets.insert(name.to_owned(), held);
    }

    pub fn delete_bucket(&mut self, name: &str) {
        self.buckets.remove(name);
    }

    /// The bucket of this name, if there is one.
    pub fn bucket(&self, name: &str) -> Option<&Held> {
        self.buckets.get(name)
    }

    /// The bucket of this name, which has to be there.
    pub fn bucket_mut(&mut self, name: &str) -> &mut Held {
        self.buckets.get_mut(name).unwrap_or_else(|| panic!("no bucket named `{name}`"))
    }

    /// Whether an action is refused on a resource.
    pub fn denies(&self, action: &str, resource: &str) -> bool {
        self.denials.iter().any(|(denied, prefix)| denied == action && resource.starts_with(prefix.as_str()))
    }

    /// Unix time in seconds.
    pub fn now(&self) -> i64 {
        let running = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        self.clock.unwrap_or_else(|| running().try_into().unwrap())
    }

    /// Puts an object and returns its version's id.
    pub fn put(
        &mut self,
        bucket: &str,
        key: &str,
        body: Bytes,
        metadata: BTreeMap<String, String>,
        archived: Option<String>,
    ) -> String {
        let etag = format!("\"{}\"", hex::encode(Md5::digest(&body)));
        let content = Arc::new(Content { body, etag, metadata });
        self.add(bucket, key, archived, Some(content))
    }

    /// Deletes an object and returns the id of its delete marker, if it left any.
    pub fn delete(&mut self, bucket: &str, key: &str) -> Option<String> {
        if self.bucket_mut(bucket).settings.versioned {
            return Some(self.add(bucket, key, None, None));
        }
        self.bucket_mut(bucket).objects.remove(key);
        None
    }

    /// Removes one version for good.
    pub fn delete_version(&mut self, bucket: &str, key: &str, id: &str) {
        let held = self.bucket_mut(bucket);
        let Some(versions) = held.objects.get_mut(key) else { return };
        versions.retain(|version| version.id != id);
        if versions.is_empty() {
            held.objects.remove(key);
        }
    }

    /// Moves the newest version of an object to Glacier.
    pub fn archive(&mut self, bucket: &str, key: &str) {
        let versions = self.bucket_mut(bucket).objects.get_mut(key);
        let newest = versions.and_then(|versions| versions.last_mut());
        newest.unwrap_or_else(|| panic!("no object `{key}`")).archived = Some("GLACIER".to_owned());
    }

    fn add(
        &mut self,
        bucket: &str,
        key: &str,
        archived: Option<String>,
        content: Option<Arc<Content>>,
    ) -> String {
        self.versions_made += 1;
        let unique = hex::encode(Md5::digest(self.versions_made.to_be_bytes()));
        let now = self.now();
        let held = self.bucket_mut(bucket);
        // Times have whole seconds, and no test should have to wait for the next one to tell versions apart.
        let modified = held.newest(key).map_or(now, |newest| now.max(newest.modified + 1));
        let id = if held.settings.versioned { unique } else { "null".to_owned() };
        held.add(key, Version { id: id.clone(), modified, archived, content });
        id
    }
}
