//! S3 and CloudTrail as their clients see them, on a port of this machine: what they hold, whom they refuse, and how
//! they fail. Shared by the tests and the benchmarks, so it uses nothing else of either.
//!
//! Nothing is signed or sealed here: of the `Authorization` header only the credential scope's region is read.
//! Answers are worked out at once and then held back for as long as [`Faults::latency`] says, with no lock held.
#![allow(dead_code, unused_imports, reason = "the tests and the benchmarks each use a part of it")]
#![allow(unreachable_pub, reason = "nothing reaches into a test binary")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test server that is used wrongly should say so at once"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::net::TcpSocket;
use tokio::runtime::{Builder, Runtime};

// Paths are spelled out because a benchmark includes this file by its path, and would look for them beside it.
#[path = "cloud/ask.rs"]
mod ask;
#[path = "cloud/chunked.rs"]
mod chunked;
#[path = "cloud/cloudtrail.rs"]
mod cloudtrail;
#[path = "cloud/faults.rs"]
mod faults;
#[path = "cloud/list.rs"]
mod list;
#[path = "cloud/object.rs"]
mod object;
#[path = "cloud/rules.rs"]
mod rules;
#[path = "cloud/s3.rs"]
mod s3;
#[path = "cloud/server.rs"]
mod server;
#[path = "cloud/state.rs"]
mod state;
#[path = "cloud/versions.rs"]
mod versions;
#[path = "cloud/xml.rs"]
mod xml;

pub use ask::Request;
pub use cloudtrail::{PublicKey, Trail};
pub use faults::{Conditions, Faults, Inflates};
pub use rules::{Fault, Rule};
pub use state::Bucket;

use server::Server;

/// A server of S3 and CloudTrail; it stops when dropped.
pub struct Cloud {
    address: SocketAddr,
    server: Arc<Server>,
    runtime: Option<Runtime>,
}

impl Cloud {
    /// Starts one that holds nothing, on a free port of this machine.
    pub fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = Arc::new(Server::default());
        let listener = {
            let _guard = runtime.enter();
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
            socket.listen(1024).unwrap()
        };
        let address = listener.local_addr().unwrap();
        runtime.spawn(server::accept(Arc::clone(&server), listener));
        Self { address, server, runtime: Some(runtime) }
    }

    /// The URL at which both services answer.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes an empty bucket.
    pub fn create_bucket(&self, name: &str, settings: Bucket) {
        self.server.state.write().unwrap().create_bucket(name, settings);
    }

    /// Deletes a bucket with all that it holds.
    pub fn delete_bucket(&self, name: &str) {
        self.server.state.write().unwrap().delete_bucket(name);
    }

    /// Puts an object, as a new version where the bucket keeps versions; metadata names go without `x-amz-meta-`.
    pub fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>, metadata: BTreeMap<String, String>) {
        self.server.state.write().unwrap().put(bucket, key, body.into(), metadata, None);
    }

    /// Puts the newest version of every object of one bucket into another, with its metadata.
    pub fn copy_objects(&self, from: &str, to: &str) {
        let mut state = self.server.state.write().unwrap();
        let objects = state.bucket_mut(from).objects.iter();
        let newest = objects.filter_map(|(key, held): (&String, &Vec<state::Version>)| {
            Some((key.clone(), Arc::clone(held.last()?.content.as_ref()?)))
        });
        for (key, content) in newest.collect::<Vec<_>>() {
            state.put(to, &key, content.body.clone(), content.metadata.clone(), None);
        }
    }

    /// Deletes an object: behind a delete marker where the bucket keeps versions.
    pub fn delete(&self, bucket: &str, key: &str) {
        self.server.state.write().unwrap().delete(bucket, key);
    }

    /// The keys that a bucket has ever had, in order.
    #[cfg(feature = "aws")]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.server.state.write().unwrap().bucket_mut(bucket).objects.keys().cloned().collect()
    }

    /// Removes an object with all its versions, so that nothing tells of it.
    pub fn purge(&self, bucket: &str, key: &str) {
        self.server.state.write().unwrap().bucket_mut(bucket).objects.remove(key);
    }

    /// Moves an object to Glacier: it is listed, and a GET answers 403 `InvalidObjectState`.
    pub fn archive(&self, bucket: &str, key: &str) {
        self.server.state.write().unwrap().archive(bucket, key);
    }

    /// Refuses to read one object, which is listed all the same.
    pub fn deny(&self, bucket: &str, key: &str) {
        self.server.state.write().unwrap().bucket_mut(bucket).denied.insert(key.to_owned());
    }

    /// Refuses an action such as `s3:ListBucket` or `cloudtrail:ListPublicKeys` on each resource that begins with
    /// `resource_prefix`: `bucket/prefix` in S3, a region in CloudTrail. Empty is everywhere.
    ///
    /// As in a policy, reading a named version is `s3:GetObjectVersion`; `HeadBucket` is `s3:ListBucket` on `bucket/`.
    pub fn deny_action(&self, action: &str, resource_prefix: &str) {
        let denial = (action.to_owned(), resource_prefix.to_owned());
        self.server.state.write().unwrap().denials.push(denial);
    }

    /// Allows again all that [`Cloud::deny_action`] has refused.
    pub fn allow_actions(&self) {
        self.server.state.write().unwrap().denials.clear();
    }

    /// Fails in this way from now on; requests are counted from here.
    pub fn set_faults(&self, faults: Faults) {
        *self.server.faults.write().unwrap() = Arc::new(faults);
        self.server.number.store(0, Ordering::SeqCst);
    }

    /// Holds the clock at this second (Unix time) for what is put and deleted from now on; `None` lets it run.
    pub fn set_clock(&self, seconds: Option<i64>) {
        self.server.state.write().unwrap().clock = seconds;
    }

    /// Adds public keys to a region.
    pub fn add_keys(&self, region: &str, keys: Vec<PublicKey>) {
        let mut state = self.server.state.write().unwrap();
        state.keys.entry(region.to_owned()).or_default().extend(keys);
    }

    /// Adds to a region the public keys of a saved `list-public-keys` answer, times as numbers or as RFC 3339.
    pub fn add_keys_json(&self, region: &str, json: &str) {
        self.add_keys(region, cloudtrail::saved_keys(json));
    }

    /// Adds a trail.
    pub fn add_trail(&self, trail: Trail) {
        self.server.state.write().unwrap().trails.push(trail);
    }

    /// What has been asked, in the order of arrival as far as requests at one time have any.
    pub fn requests(&self) -> Vec<Request> {
        self.server.asked.lock().unwrap().clone()
    }

    /// How many requests have come since the faults were set, remembered or not.
    pub fn request_count(&self) -> u64 {
        self.server.number.load(Ordering::SeqCst)
    }

    /// Forgets what has been asked.
    pub fn forget_requests(&self) {
        self.server.asked.lock().unwrap().clear();
    }

    /// Whether requests are remembered, as they are from the start: a benchmark asks too often for that.
    pub fn remember_requests(&self, remember: bool) {
        self.server.remember.store(remember, Ordering::SeqCst);
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Not waiting for requests that are held back on purpose.
            runtime.shutdown_background();
        }
    }
}
