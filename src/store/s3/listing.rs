//! Listings, page by page.
//!
//! Keys are requested in percent-encoding: XML cannot hold every character of a key, and a single odd key would make
//! the whole page unreadable.

use std::borrow::Cow;
use std::sync::Arc;
use std::vec;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{EncodingType, Object, ObjectStorageClass};
use percent_encoding::percent_decode_str;

use super::{S3Bucket, store_error};
use crate::aws::Failure;
use crate::store::{ArchiveClass, Folder, Listed, StoreError};
use crate::time::Timestamp;

/// Most consecutive empty pages of an unfinished listing: a hostile server could send empty pages forever.
const MAX_EMPTY_PAGES: usize = 100;

/// Most folders and objects directly in a folder: the results are held in memory, and a hostile server could send
/// results forever.
const MAX_FOLDERS: usize = 1_000_000;

/// Parameters of a page request.
#[derive(Clone, Copy)]
struct PageRequest<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
    token: Option<&'a str>,
    by_folder: bool,
    /// Most keys in the page; `None` for S3's default of 1,000.
    max_keys: Option<i32>,
}

impl S3Bucket {
    fn request_page(&self, page: PageRequest<'_>) -> Result<ListObjectsV2Output, Failure> {
        self.send_paced(self.send_page_request(page))
    }

    async fn send_page_request(&self, page: PageRequest<'_>) -> Result<ListObjectsV2Output, Failure> {
        let request = self.client.list_objects_v2().bucket(&self.name).prefix(page.prefix);
        let request = request
            .encoding_type(EncodingType::Url)
            .set_expected_bucket_owner(self.owner.clone())
            .set_start_after(page.after.map(str::to_owned))
            .set_continuation_token(page.token.map(str::to_owned))
            .set_delimiter(page.by_folder.then(|| "/".to_owned()))
            .set_max_keys(page.max_keys);
        request.send().await.map_err(|error| Failure::of(&error))
    }

    /// Whether any key begins with `prefix`.
    pub(super) fn has_keys(&self, prefix: &str) -> Result<bool, Failure> {
        let page = PageRequest { prefix, after: None, token: None, by_folder: false, max_keys: Some(1) };
        Ok(!self.request_page(page)?.contents().is_empty())
    }

    /// Whether the object `key` exists.
    pub(super) async fn has_key(&self, key: &str) -> Result<bool, Failure> {
        let page = PageRequest { prefix: key, after: None, token: None, by_folder: false, max_keys: Some(1) };
        let answer = self.send_page_request(page).await?;
        let first = answer.contents().first().and_then(|object| object.key());
        Ok(first.is_some_and(|first| decoded(&answer, first) == key))
    }
}

/// The keys below a prefix, in key order.
pub(super) struct KeyListing {
    bucket: Arc<S3Bucket>,
    prefix: String,
    after: Option<String>,
    page: vec::IntoIter<Listed>,
    next: NextPage,
    last: Option<String>,
    empty_pages: usize,
}

/// The next request of a listing.
enum NextPage {
    First,
    Token(String),
    /// The current page is valid, but the token of the next page is not.
    Nowhere(StoreError),
    Nothing,
}

impl KeyListing {
    pub(super) fn new(bucket: Arc<S3Bucket>, prefix: &str, after: Option<&str>) -> Self {
        Self {
            bucket,
            prefix: prefix.to_owned(),
            after: after.filter(|after| !after.is_empty()).map(str::to_owned),
            page: Vec::new().into_iter(),
            next: NextPage::First,
            last: None,
            empty_pages: 0,
        }
    }

    /// Requests the next page; `None` at the end of the listing.
    fn load_page(&mut self) -> Option<Result<(), StoreError>> {
        let token = match std::mem::replace(&mut self.next, NextPage::Nothing) {
            NextPage::First => None,
            NextPage::Token(token) => Some(token),
            NextPage::Nowhere(error) => return Some(Err(error)),
            NextPage::Nothing => return None,
        };
        let (prefix, after) = (self.prefix.as_str(), self.after.as_deref());
        let page = PageRequest { prefix, after, token: token.as_deref(), by_folder: false, max_keys: None };
        let answer = match self.bucket.request_page(page) {
            Ok(answer) => answer,
            Err(failure) => return Some(Err(listing_error(&failure))),
        };
        if let Err(error) = self.store_page(&answer) {
            return Some(Err(error));
        }
        self.next = match next_token(&answer, token.as_deref()) {
            Ok(token) => token.map_or(NextPage::Nothing, NextPage::Token),
            Err(error) => NextPage::Nowhere(error),
        };
        self.empty_pages = if self.page.len() == 0 { self.empty_pages + 1 } else { 0 };
        if self.empty_pages > MAX_EMPTY_PAGES {
            return Some(Err(does_not_continue()));
        }
        Some(Ok(()))
    }

    /// Stores the keys of a page. The keys must continue after the last key of the page before.
    fn store_page(&mut self, answer: &ListObjectsV2Output) -> Result<(), StoreError> {
        let mut listed = Vec::with_capacity(answer.contents().len());
        for object in answer.contents() {
            let one = self::listed(answer, object);
            let before = self.last.as_ref().or(self.after.as_ref());
            if before.is_some_and(|before| one.key <= *before) || !one.key.starts_with(&self.prefix) {
                return Err(not_in_order());
            }
            self.last = Some(one.key.clone());
            listed.push(one);
        }
        self.page = listed.into_iter();
        Ok(())
    }
}

impl Iterator for KeyListing {
    type Item = Result<Listed, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(listed) = self.page.next() {
                return Some(Ok(listed));
            }
            if let Err(error) = self.load_page()? {
                // An error ends the listing.
                self.next = NextPage::Nothing;
                return Some(Err(error));
            }
        }
    }
}

/// The folders and objects directly under `prefix`, in order.
pub(super) fn folder(bucket: &S3Bucket, prefix: &str) -> Result<Folder, StoreError> {
    let mut objects = Vec::new();
    let folders = visit_folder(bucket, prefix, &mut |listed| {
        objects.push(listed);
        if objects.len() > MAX_FOLDERS { Err(too_many()) } else { Ok(()) }
    })?;
    Ok(Folder { folders, objects })
}

/// The names of the folders directly under `prefix`, in order. The objects, which may be very many, are passed to `visit`.
pub(super) fn visit_folder(
    bucket: &S3Bucket,
    prefix: &str,
    visit: &mut dyn FnMut(Listed) -> Result<(), StoreError>,
) -> Result<Vec<String>, StoreError> {
    let mut folders: Vec<String> = Vec::new();
    let mut token: Option<String> = None;
    let (mut last, mut empty_pages) = (None, 0);
    while empty_pages <= MAX_EMPTY_PAGES {
        let page =
            PageRequest { prefix, after: None, token: token.as_deref(), by_folder: true, max_keys: None };
        let answer = bucket.request_page(page).map_err(|failure| listing_error(&failure))?;
        // Pages must be in order: a hostile server could repeat pages forever.
        match first_and_last(&answer) {
            Some((first, _)) if last.as_ref().is_some_and(|last| first <= *last) => {
                return Err(not_in_order());
            }
            Some((_, newest)) => (last, empty_pages) = (Some(newest), 0),
            None => empty_pages += 1,
        }
        for folder in answer.common_prefixes().iter().filter_map(|folder| folder.prefix()) {
            let folder = decoded(&answer, folder);
            let name = folder.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('/'));
            folders.extend(name.map(str::to_owned));
        }
        if folders.len() > MAX_FOLDERS {
            return Err(too_many());
        }
        let objects = answer.contents().iter().map(|object| listed(&answer, object));
        objects.filter(|listed| listed.key.starts_with(prefix)).try_for_each(&mut *visit)?;
        token = next_token(&answer, token.as_deref())?;
        if token.is_none() {
            folders.sort_unstable();
            folders.dedup();
            return Ok(folders);
        }
    }
    Err(does_not_continue())
}

/// A listing that fails in any way, whatever the page, says nothing about what exists.
fn listing_error(failure: &Failure) -> StoreError {
    match store_error(failure) {
        StoreError::NotFound => StoreError::Unreadable(failure.message.clone()),
        error => error,
    }
}

fn listed(answer: &ListObjectsV2Output, object: &Object) -> Listed {
    let size = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    let modified = object.last_modified().map(|time| Timestamp::from_unix(time.secs()));
    let archived = match object.storage_class() {
        Some(ObjectStorageClass::Glacier) => Some(ArchiveClass::Glacier),
        Some(ObjectStorageClass::DeepArchive) => Some(ArchiveClass::DeepArchive),
        _ => None,
    };
    let key = decoded(answer, object.key().unwrap_or_default()).into_owned();
    Listed { key, size, modified, etag: object.e_tag().map(Into::into), archived }
}

/// The first and the last name in a page, among keys and folders.
fn first_and_last(answer: &ListObjectsV2Output) -> Option<(String, String)> {
    let keys = answer.contents().iter().filter_map(|object| object.key());
    let folders = answer.common_prefixes().iter().filter_map(|folder| folder.prefix());
    let names = || keys.clone().chain(folders.clone()).map(|name| decoded(answer, name));
    Some((names().min()?.into_owned(), names().max()?.into_owned()))
}

fn too_many() -> StoreError {
    let message = format!("more than {MAX_FOLDERS} folders or objects in the folder: name a longer prefix");
    StoreError::Unreadable(message)
}

fn not_in_order() -> StoreError {
    StoreError::Unreadable("the listing is not in order".to_owned())
}

fn does_not_continue() -> StoreError {
    StoreError::Unreadable("the listing does not continue".to_owned())
}

/// The token of the page after `answer`. A repeated token is an error: the listing would never end.
fn next_token(answer: &ListObjectsV2Output, before: Option<&str>) -> Result<Option<String>, StoreError> {
    if !answer.is_truncated().unwrap_or_default() {
        return Ok(None);
    }
    match answer.next_continuation_token() {
        Some(token) if Some(token) != before => Ok(Some(token.to_owned())),
        _ => Err(does_not_continue()),
    }
}

fn decoded<'a>(answer: &ListObjectsV2Output, name: &'a str) -> Cow<'a, str> {
    match answer.encoding_type() {
        Some(EncodingType::Url) => Cow::Owned(decode(name)),
        _ => Cow::Borrowed(name),
    }
}

/// Decodes S3's percent-encoding, with plus signs for spaces.
pub(super) fn decode(name: &str) -> String {
    percent_decode_str(&name.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_as_s3_encodes_them() {
        for (encoded, name) in [
            ("a/b.json", "a/b.json"),
            ("a+b%2Bc", "a b+c"),
            ("%C3%A9%01", "é\u{1}"),
            ("%FF", "\u{fffd}"),
            ("%", "%"),
        ] {
            assert_eq!(decode(encoded), name);
        }
    }
}
