//! S3, and what speaks like it.
//!
//! Each bucket is asked in its own region. Requests that fail for a while are made again by the SDK; a body that breaks
//! off goes on where it broke. Source for what answers mean: Amazon S3 API Reference and User Guide, and what S3 does.

mod body;
mod direct;
mod listing;
mod pace;
mod region;
mod versions;
mod whole;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::Client;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::OnceCell;

use super::{Encoding, Folder, Listing, Next, Object, Store, StoreError, Take, Version};
use crate::aws::{Aws, Failure, Nature};
use crate::ident::Location;
use body::Body;
use direct::Direct;
use pace::Pace;
use whole::Room;

/// Calls that may wait for S3 at a time, one thread each: listings, and questions about single objects. How many of them
/// are made is up to the pace.
const WAITING: usize = 512;

/// Buckets in S3.
#[derive(Debug)]
pub struct S3Store {
    aws: Arc<Aws>,
    owner: Option<String>,
    buckets: Mutex<HashMap<String, Arc<OnceCell<Arc<Bucket>>>>>,
    /// The pace of GETs.
    pace: Arc<Pace>,
    /// The pace of calls that a thread waits for.
    asking: Arc<Pace>,
    waiting: usize,
    room: Room,
    stall: Duration,
}

/// A bucket with the client of its region.
#[derive(Debug)]
struct Bucket {
    aws: Arc<Aws>,
    client: Client,
    direct: Arc<Direct>,
    asking: Arc<Pace>,
    name: String,
    /// The account that has to own it, where the user says so.
    owner: Option<String>,
    /// How long to wait for more of a body.
    stall: Duration,
}

impl Bucket {
    /// Waits for a request at the pace that S3 answers at.
    fn ask<T>(&self, request: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let turn = self.asking.turn();
        let answer = self.aws.block_on(request);
        turn.answered(answer.as_ref().is_err_and(Failure::is_slow_down));
        answer
    }
}

impl S3Store {
    /// The buckets that `aws` may read. Each answers only if it belongs to the account `owner`, where one is given.
    #[must_use]
    pub fn new(aws: Arc<Aws>, owner: Option<String>) -> Self {
        let pace = Arc::new(Pace::adaptive(aws.at_a_time()));
        let asking = Arc::new(Pace::adaptive(aws.at_a_time()));
        let (room, stall, waiting) = (Room::default(), body::STALL, WAITING.min(aws.at_a_time()));
        Self { aws, owner, buckets: Mutex::default(), pace, asking, waiting, room, stall }
    }

    /// The same, which takes a body for broken off when nothing more of it came for so long, or next to nothing. It is
    /// then asked for anew some times.
    #[must_use]
    pub fn with_stall(self, stall: Duration) -> Self {
        Self { stall, ..self }
    }

    /// The same with so many requests at a time, and no other number however S3 answers; fewer where there are not
    /// enough file handles for them.
    #[must_use]
    pub fn with_requests(self, requests: usize) -> Self {
        let requests = requests.min(self.aws.at_a_time());
        let [pace, asking] = [(); 2].map(|()| Arc::new(Pace::fixed(requests)));
        Self { pace, asking, waiting: requests.clamp(1, WAITING), ..self }
    }

    /// Whether `prefix` of `bucket` can be listed, and whether anything lies below it: what a run asks before it
    /// begins.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such bucket.
    pub fn probe(&self, bucket: &str, prefix: &str) -> Result<bool, StoreError> {
        let bucket = self.bucket(bucket)?;
        bucket.has_any(prefix).map_err(|failure| store_error(&failure))
    }

    fn bucket(&self, name: &str) -> Result<Arc<Bucket>, StoreError> {
        self.aws.block_on(self.find(name))
    }

    /// The bucket called `name`, with a client of its region, which is looked up once: others that need the same bucket
    /// wait for it.
    async fn find(&self, name: &str) -> Result<Arc<Bucket>, StoreError> {
        if !region::is_bucket(name) {
            return Err(StoreError::OutOfReach(format!("no bucket is called `{}`", name.escape_debug())));
        }
        let cell = {
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            match buckets.get(name) {
                Some(cell) => Arc::clone(cell),
                None => Arc::clone(buckets.entry(name.to_owned()).or_default()),
            }
        };
        cell.get_or_try_init(|| self.open(name)).await.cloned()
    }

    async fn open(&self, name: &str) -> Result<Arc<Bucket>, StoreError> {
        let region = region::of_bucket(&self.aws, name, self.owner.as_deref()).await;
        let client = self.aws.s3(&region.map_err(|failure| store_error(&failure))?);
        Ok(Arc::new(Bucket {
            aws: Arc::clone(&self.aws),
            client,
            direct: Arc::new(Direct::new(Arc::clone(&self.pace))),
            asking: Arc::clone(&self.asking),
            name: name.to_owned(),
            owner: self.owner.clone(),
            stall: self.stall,
        }))
    }

    /// The object at `location`, whole; `None` where it is too large to be held.
    async fn read(&self, location: &Location) -> Result<Option<Object>, StoreError> {
        let bucket = self.find(&location.bucket).await?;
        match whole::read(Arc::clone(&bucket), &location.key, &self.room).await {
            Ok(object) => Ok(object),
            Err(failure) => Err(settle(&bucket, &location.key, &failure).await),
        }
    }

    /// Reads what `next` names, as many at a time as this thread's share of the pace is, until it names no more or
    /// something is too large to be held. Returns that, and whether there may be more.
    async fn read_each(&self, next: &Next<'_>, take: &mut Take<'_>) -> (Vec<(usize, Location)>, bool) {
        let share = self.pace.join();
        let mut under_way = FuturesUnordered::new();
        let (mut large, mut is_more) = (Vec::new(), true);
        loop {
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
            Ok(bucket) => Box::new(listing::Keys::new(bucket, prefix, after)),
            Err(StoreError::NotFound) => Box::new(std::iter::empty()),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        match self.bucket(bucket) {
            Ok(bucket) => Ok(listing::folder(&bucket, prefix, false)?.folders),
            Err(StoreError::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        match self.bucket(bucket) {
            Ok(bucket) => listing::folder(&bucket, prefix, true),
            Err(StoreError::NotFound) => Ok(Folder::default()),
            Err(error) => Err(error),
        }
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        self.aws.block_on(async {
            let bucket = self.find(&location.bucket).await?;
            match Body::open(Arc::clone(&bucket), &location.key).await {
                Ok((body, metadata)) => {
                    Ok(Object { body: Box::new(body), encoding: Encoding::GzipOrPlain, metadata })
                }
                Err(failure) => Err(settle(&bucket, &location.key, &failure).await),
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
            Ok(bucket) => versions::of(&bucket, &location.key),
            Err(StoreError::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// What a failed GET means. S3 answers 403 for a missing object, too, to those who may not list the bucket: so where a
/// listing is allowed it tells what is there.
async fn settle(bucket: &Bucket, key: &str, failure: &Failure) -> StoreError {
    match failure.nature {
        Nature::Denied => match bucket.has(key).await {
            Ok(false) => StoreError::NotFound,
            Ok(true) | Err(_) => store_error(failure),
        },
        _ => store_error(failure),
    }
}

fn store_error(failure: &Failure) -> StoreError {
    let message = failure.message.clone();
    match failure.nature {
        Nature::Absent => StoreError::NotFound,
        Nature::Denied => StoreError::Denied(message),
        Nature::Archived => StoreError::Archived(message),
        Nature::Credentials => {
            StoreError::Unreadable(format!("the credentials were not accepted: {message}"))
        }
        Nature::Replaced | Nature::Unreachable | Nature::Rejected => StoreError::Unreadable(message),
    }
}
