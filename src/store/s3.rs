//! S3, and what speaks like it.
//!
//! Each bucket is asked in its own region. Requests that fail for a while are made again by the SDK; a body that breaks
//! off goes on where it broke. Source for what answers mean: Amazon S3 API Reference and User Guide, and what S3 does.

mod body;
mod listing;
mod region;
mod versions;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::Client;

use super::{Encoding, Listing, Object, Store, StoreError, Version};
use crate::aws::{Aws, Failure, Nature};
use crate::ident::Location;
use body::Body;

/// Buckets in S3.
#[derive(Debug)]
pub struct S3Store {
    aws: Arc<Aws>,
    owner: Option<String>,
    clients: Mutex<HashMap<String, Arc<Mutex<Option<Client>>>>>,
}

/// A bucket with the client of its region.
#[derive(Clone, Debug)]
struct Bucket {
    aws: Arc<Aws>,
    client: Client,
    name: String,
    /// The account that has to own it, where the user says so.
    owner: Option<String>,
}

impl S3Store {
    /// The buckets that `aws` may read. Each answers only if it belongs to the account `owner`, where one is given.
    #[must_use]
    pub fn new(aws: Arc<Aws>, owner: Option<String>) -> Self {
        Self { aws, owner, clients: Mutex::default() }
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

    /// The bucket called `name`, with a client of its region, which is looked up once.
    fn bucket(&self, name: &str) -> Result<Bucket, StoreError> {
        if !region::is_bucket(name) {
            return Err(StoreError::OutOfReach(format!("no bucket is called `{}`", name.escape_debug())));
        }
        let slot = {
            let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(clients.entry(name.to_owned()).or_default())
        };
        // Held while the region is looked up: others that need the same bucket wait for it.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let client = match &*slot {
            Some(client) => client.clone(),
            None => {
                let region = self.aws.block_on(region::of_bucket(&self.aws, name, self.owner.as_deref()));
                let client = self.aws.s3(&region.map_err(|failure| store_error(&failure))?);
                slot.insert(client).clone()
            }
        };
        Ok(Bucket { aws: Arc::clone(&self.aws), client, name: name.to_owned(), owner: self.owner.clone() })
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
            Ok(bucket) => listing::folders(&bucket, prefix),
            Err(StoreError::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        let bucket = self.bucket(&location.bucket)?;
        match self.aws.block_on(Body::open(bucket.clone(), &location.key)) {
            Ok((body, metadata)) => Ok(Object { body: Box::new(body), encoding: Encoding::Gzip, metadata }),
            Err(failure) => Err(settle(&bucket, &location.key, &failure)),
        }
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
fn settle(bucket: &Bucket, key: &str, failure: &Failure) -> StoreError {
    match failure.nature {
        Nature::Denied => match bucket.has(key) {
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
