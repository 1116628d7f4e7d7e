//! S3, and servers with the same protocol.
//!
//! Requests go to the region of the bucket. The SDK retries requests after temporary failures; an interrupted body is
//! resumed at the first missing byte. Sources for the meaning of answers: Amazon S3 API Reference, Amazon S3 User
//! Guide, and observed answers of S3.

mod body;
mod conditional;
mod direct;
mod listing;
mod pace;
mod region;
mod versions;
mod whole;
mod write;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::Client;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::OnceCell;

use super::{Encoding, Folder, Listed, Listing, Next, Object, Store, StoreError, Take, Version};
use crate::aws::{Aws, Failure, Nature, S3RequestForm};
use crate::ident::Location;
use body::ObjectBody;
pub use conditional::WriteCondition;
use direct::DirectGets;
use pace::RequestPace;
use whole::BodyMemory;

/// Words of the message on a name that no bucket can have.
pub(crate) const NOT_A_BUCKET: &str = "is not a valid bucket name";

/// Most threads that wait for S3 at the same time: in listings, and in requests about single objects. The pace may
/// allow fewer requests.
const WAITING: usize = 512;

/// The code of an answer that the bucket does not exist.
const NO_SUCH_BUCKET: &str = "NoSuchBucket";

/// Buckets in S3.
#[derive(Debug)]
pub struct S3Store {
    aws: Arc<Aws>,
    owner: Option<String>,
    /// Access points that the user named. Other names of access points, which digests may record, are out of reach.
    access_points: BTreeSet<String>,
    requester_pays: bool,
    buckets: Mutex<HashMap<String, Arc<OnceCell<Arc<S3Bucket>>>>>,
    /// Limits GET requests of whole objects.
    get_pace: Arc<RequestPace>,
    /// Limits requests with a waiting thread, such as listings.
    call_pace: Arc<RequestPace>,
    waiting: usize,
    memory: BodyMemory,
    stall: Duration,
}

/// A bucket, with a client for the bucket's region.
#[derive(Debug)]
struct S3Bucket {
    aws: Arc<Aws>,
    client: Client,
    direct: Arc<DirectGets>,
    call_pace: Arc<RequestPace>,
    name: String,
    /// Required owner account, if the user names an account.
    owner: Option<String>,
    /// Longest wait for more bytes of a body.
    stall: Duration,
}

impl S3Bucket {
    /// Sends a request when the pace allows, and waits for the answer.
    fn send_paced<T>(&self, request: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let permit = self.call_pace.permit();
        let answer = self.aws.block_on(request);
        permit.answered(answer.as_ref().is_err_and(Failure::is_slow_down));
        answer
    }
}

impl S3Store {
    /// Creates a store with the buckets readable by `aws`. With an `owner`, S3 refuses every bucket of another
    /// account.
    #[must_use]
    pub fn new(aws: Arc<Aws>, owner: Option<String>) -> Self {
        let get_pace = Arc::new(RequestPace::adaptive(aws.at_a_time()));
        let call_pace = Arc::new(RequestPace::adaptive(aws.at_a_time()));
        let (memory, stall, waiting) = (BodyMemory::default(), body::STALL, WAITING.min(aws.at_a_time()));
        let (access_points, requester_pays) = (BTreeSet::new(), false);
        let buckets = Mutex::default();
        Self {
            aws,
            owner,
            access_points,
            requester_pays,
            buckets,
            get_pace,
            call_pace,
            waiting,
            memory,
            stall,
        }
    }

    /// Accepts these access points in place of buckets: ARNs, and aliases that end in `-s3alias`.
    #[must_use]
    pub fn with_access_points(self, names: impl IntoIterator<Item = String>) -> Self {
        Self { access_points: names.into_iter().collect(), ..self }
    }

    /// States in every request that the caller pays for the request, which buckets with "requester pays" require.
    #[must_use]
    pub fn with_requester_pays(self, requester_pays: bool) -> Self {
        Self { requester_pays, ..self }
    }

    /// Sets the time after which a body without new bytes, or with very few, counts as interrupted. An interrupted
    /// body is requested again a limited number of times.
    #[must_use]
    pub fn with_stall(self, stall: Duration) -> Self {
        Self { stall, ..self }
    }

    /// Fixes the number of parallel requests, whatever S3 answers. The file-handle limit may lower the number.
    #[must_use]
    pub fn with_requests(self, requests: usize) -> Self {
        let requests = requests.min(self.aws.at_a_time());
        let [get_pace, call_pace] = [(); 2].map(|()| Arc::new(RequestPace::fixed(requests)));
        Self { get_pace, call_pace, waiting: requests.clamp(1, WAITING), ..self }
    }

    /// Whether any key in `bucket` begins with `prefix`. A run begins with this listing request.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the bucket does not exist.
    pub fn probe(&self, bucket: &str, prefix: &str) -> Result<bool, StoreError> {
        let bucket = self.bucket(bucket)?;
        bucket.has_keys(prefix).map_err(|failure| match failure.nature {
            Nature::Absent => StoreError::NotFound,
            _ => store_error(&failure),
        })
    }

    fn bucket(&self, name: &str) -> Result<Arc<S3Bucket>, StoreError> {
        self.aws.block_on(self.open_bucket(name))
    }

    /// The bucket `name`, with a client for the bucket's region. The region is looked up once: other callers wait for
    /// the same lookup.
    async fn open_bucket(&self, name: &str) -> Result<Arc<S3Bucket>, StoreError> {
        if let Some(rule) = region::broken_rule(name).filter(|_| !self.access_points.contains(name)) {
            return Err(StoreError::OutOfReach(format!("`{}` {NOT_A_BUCKET}: {rule}", name.escape_debug())));
        }
        // The lock on the map is released before the lookup; the cell makes other callers wait for the region.
        let cell = {
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            match buckets.get(name) {
                Some(cell) => Arc::clone(cell),
                None => Arc::clone(buckets.entry(name.to_owned()).or_default()),
            }
        };
        cell.get_or_try_init(|| self.connect_bucket(name)).await.cloned()
    }

    async fn connect_bucket(&self, name: &str) -> Result<Arc<S3Bucket>, StoreError> {
        let form = S3RequestForm { by_arn: name.starts_with("arn:"), requester_pays: self.requester_pays };
        let region = region::of_bucket(&self.aws, name, self.owner.as_deref(), form).await;
        let client = self.aws.s3(&region.map_err(|failure| store_error(&failure))?, form);
        Ok(Arc::new(S3Bucket {
            aws: Arc::clone(&self.aws),
            client,
            direct: Arc::new(DirectGets::new(Arc::clone(&self.get_pace))),
            call_pace: Arc::clone(&self.call_pace),
            name: name.to_owned(),
            owner: self.owner.clone(),
            stall: self.stall,
        }))
    }

    /// Reads the whole object at `location` into memory; `None` if the object is too large.
    async fn read(&self, location: &Location) -> Result<Option<Object>, StoreError> {
        let bucket = self.open_bucket(&location.bucket).await?;
        match whole::read(Arc::clone(&bucket), &location.key, &self.memory).await {
            Ok(object) => Ok(object),
            Err(failure) => Err(explain_failed_get(&bucket, &location.key, &failure).await),
        }
    }

    /// Reads the objects returned by `next`, with as many requests in parallel as the pace allows this thread. Stops
    /// at the end of `next`, or after an object too large for memory. Returns the objects that were too large, and
    /// whether `next` may return more.
    async fn read_each(&self, next: &Next<'_>, take: &mut Take<'_>) -> (Vec<(usize, Location)>, bool) {
        let share = self.get_pace.join();
        let mut under_way = FuturesUnordered::new();
        let (mut large, mut is_more) = (Vec::new(), true);
        loop {
            // After a large object no new request starts, because the calling thread must read the large object.
            while is_more && large.is_empty() && under_way.len() < share.most() {
                match next() {
                    Some((number, location)) => under_way.push(async move {
                        let read = self.read(&location).await;
                        (number, location, read)
                    }),
                    None => is_more = false,
                }
            }
            match under_way.next().await {
                Some((number, _, Ok(Some(object)))) => take(number, Ok(object)),
                Some((number, location, Ok(None))) => large.push((number, location)),
                Some((number, _, Err(error))) => take(number, Err(error)),
                None => return (large, is_more),
            }
        }
    }
}

impl Store for S3Store {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        match self.bucket(bucket) {
            Ok(bucket) => Box::new(listing::KeyListing::new(bucket, prefix, after)),
            Err(StoreError::NotFound) => Box::new(std::iter::empty()),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        match self.bucket(bucket) {
            Ok(bucket) => listing::visit_folder(&bucket, prefix, &mut |_| Ok(())),
            Err(StoreError::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        match self.bucket(bucket) {
            Ok(bucket) => listing::folder(&bucket, prefix),
            Err(StoreError::NotFound) => Ok(Folder::default()),
            Err(error) => Err(error),
        }
    }

    fn visit_folder(
        &self,
        bucket: &str,
        prefix: &str,
        visit: &mut dyn FnMut(Listed),
    ) -> Result<Vec<String>, StoreError> {
        let mut pass = |listed| {
            visit(listed);
            Ok(())
        };
        match self.bucket(bucket) {
            Ok(bucket) => listing::visit_folder(&bucket, prefix, &mut pass),
            Err(StoreError::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        self.aws.block_on(async {
            let bucket = self.open_bucket(&location.bucket).await?;
            match ObjectBody::open(Arc::clone(&bucket), &location.key).await {
                Ok((body, metadata)) => {
                    let (facts, body) = (body.facts(), Box::new(body));
                    Ok(Object { body, encoding: Encoding::GzipOrPlain, metadata, hashed: None, facts })
                }
                Err(failure) => Err(explain_failed_get(&bucket, &location.key, &failure).await),
            }
        })
    }

    fn get_each(&self, next: &Next<'_>, take: &mut Take<'_>) {
        let mut is_more = true;
        while is_more {
            let large;
            (large, is_more) = self.aws.block_on(self.read_each(next, take));
            for (number, location) in large {
                take(number, self.get(&location));
            }
        }
    }

    fn waiting(&self) -> usize {
        self.waiting
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        match self.bucket(&location.bucket) {
            Ok(bucket) => versions::versions_of(&bucket, &location.key),
            Err(StoreError::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// Interprets a failed GET. Without permission to list the bucket, S3 answers 403 for a missing object. So after a
/// 403, a listing decides whether the object exists.
async fn explain_failed_get(bucket: &S3Bucket, key: &str, failure: &Failure) -> StoreError {
    match failure.nature {
        Nature::Denied => match bucket.has_key(key).await {
            Ok(false) => StoreError::NotFound,
            Ok(true) | Err(_) => store_error(failure),
        },
        _ => store_error(failure),
    }
}

/// The meaning of a failed request to a bucket that was opened.
fn store_error(failure: &Failure) -> StoreError {
    let message = failure.message.clone();
    match failure.nature {
        // The bucket existed when it was opened, so the answer says nothing about its objects.
        Nature::Absent if failure.code.as_deref() == Some(NO_SUCH_BUCKET) => StoreError::Unreadable(message),
        Nature::Absent => StoreError::NotFound,
        Nature::Denied => StoreError::Denied(message),
        Nature::Archived => StoreError::Archived(message),
        Nature::Credentials => {
            StoreError::Unreadable(format!("the credentials were not accepted: {message}"))
        }
        Nature::Replaced | Nature::Unreachable | Nature::Rejected => StoreError::Unreadable(message),
    }
}
