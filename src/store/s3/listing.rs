//! Listings, page by page.
//!
//! Keys are asked for percent-encoded: XML cannot hold every character that a key may have, and an object with an odd
//! name would else spoil the listing of all others.

use std::borrow::Cow;
use std::sync::Arc;
use std::vec;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{EncodingType, Object};
use percent_encoding::percent_decode_str;

use super::{Bucket, store_error};
use crate::aws::Failure;
use crate::store::{Folder, Listed, StoreError};
use crate::time::Timestamp;

/// How many pages in a row may hold nothing and still say that there is more: a hostile server's would never end.
const MAX_EMPTY_PAGES: usize = 100;

/// How many folders and objects there may be directly in another: a hostile server's would never end, and they are held in memory.
const MAX_FOLDERS: usize = 1_000_000;

/// What a page is asked for.
#[derive(Clone, Copy)]
struct Page<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
    token: Option<&'a str>,
    by_folder: bool,
    /// How many keys at most; `None` for as many as S3 gives, which is 1,000.
    most: Option<i32>,
}

impl Bucket {
    fn page(&self, page: Page<'_>) -> Result<ListObjectsV2Output, Failure> {
        self.ask(self.ask_for_page(page))
    }

    async fn ask_for_page(&self, page: Page<'_>) -> Result<ListObjectsV2Output, Failure> {
        let request = self.client.list_objects_v2().bucket(&self.name).prefix(page.prefix);
        let request = request
            .encoding_type(EncodingType::Url)
            .set_expected_bucket_owner(self.owner.clone())
            .set_start_after(page.after.map(str::to_owned))
            .set_continuation_token(page.token.map(str::to_owned))
            .set_delimiter(page.by_folder.then(|| "/".to_owned()))
            .set_max_keys(page.most);
        request.send().await.map_err(|error| Failure::of(&error))
    }

    /// Whether anything lies below `prefix`.
    pub(super) fn has_any(&self, prefix: &str) -> Result<bool, Failure> {
        let page = Page { prefix, after: None, token: None, by_folder: false, most: Some(1) };
        Ok(!self.page(page)?.contents().is_empty())
    }

    /// Whether there is an object called `key`.
    pub(super) async fn has(&self, key: &str) -> Result<bool, Failure> {
        let page = Page { prefix: key, after: None, token: None, by_folder: false, most: Some(1) };
        let answer = self.ask_for_page(page).await?;
        let first = answer.contents().first().and_then(|object| object.key());
        Ok(first.is_some_and(|first| decoded(&answer, first) == key))
    }
}

/// The keys below a prefix, in order.
pub(super) struct Keys {
    bucket: Arc<Bucket>,
    prefix: String,
    after: Option<String>,
    page: vec::IntoIter<Listed>,
    next: Next,
    last: Option<String>,
    empty_pages: usize,
}

/// What is to be asked when a page is used up.
enum Next {
    First,
    Token(String),
    /// The page was good, and what it says of the next one is not.
    Nowhere(StoreError),
    Nothing,
}

impl Keys {
    pub(super) fn new(bucket: Arc<Bucket>, prefix: &str, after: Option<&str>) -> Self {
        Self {
            bucket,
            prefix: prefix.to_owned(),
            after: after.filter(|after| !after.is_empty()).map(str::to_owned),
            page: Vec::new().into_iter(),
            next: Next::First,
            last: None,
            empty_pages: 0,
        }
    }

    /// Asks for the next page; `None` where there is none.
    fn turn(&mut self) -> Option<Result<(), StoreError>> {
        let token = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::First => None,
            Next::Token(token) => Some(token),
            Next::Nowhere(error) => return Some(Err(error)),
            Next::Nothing => return None,
        };
        let (prefix, after) = (self.prefix.as_str(), self.after.as_deref());
        let page = Page { prefix, after, token: token.as_deref(), by_folder: false, most: None };
        let answer = match self.bucket.page(page).map_err(|failure| store_error(&failure)) {
            Ok(answer) => answer,
            Err(StoreError::NotFound) => return None,
            Err(error) => return Some(Err(error)),
        };
        if let Err(error) = self.take(&answer) {
            return Some(Err(error));
        }
        self.next = match next_token(&answer, token.as_deref()) {
            Ok(token) => token.map_or(Next::Nothing, Next::Token),
            Err(error) => Next::Nowhere(error),
        };
        self.empty_pages = if self.page.len() == 0 { self.empty_pages + 1 } else { 0 };
        if self.empty_pages > MAX_EMPTY_PAGES {
            return Some(Err(does_not_go_on()));
        }
        Some(Ok(()))
    }

    /// Takes a page's keys, which have to go on where the last page ended.
    fn take(&mut self, answer: &ListObjectsV2Output) -> Result<(), StoreError> {
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

impl Iterator for Keys {
    type Item = Result<Listed, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(listed) = self.page.next() {
                return Some(Ok(listed));
            }
            if let Err(error) = self.turn()? {
                self.next = Next::Nothing;
                return Some(Err(error));
            }
        }
    }
}

/// The folders directly under `prefix`, in order, and the objects where they are asked for: these may be very many.
pub(super) fn folder(bucket: &Bucket, prefix: &str, with_objects: bool) -> Result<Folder, StoreError> {
    let mut found = Folder::default();
    let mut token: Option<String> = None;
    let (mut last, mut empty_pages) = (None, 0);
    while empty_pages <= MAX_EMPTY_PAGES {
        let page = Page { prefix, after: None, token: token.as_deref(), by_folder: true, most: None };
        let answer = match bucket.page(page).map_err(|failure| store_error(&failure)) {
            Ok(answer) => answer,
            Err(StoreError::NotFound) => return Ok(found),
            Err(error) => return Err(error),
        };
        match ends(&answer) {
            Some((first, _)) if last.as_ref().is_some_and(|last| first <= *last) => {
                return Err(not_in_order());
            }
            Some((_, newest)) => (last, empty_pages) = (Some(newest), 0),
            None => empty_pages += 1,
        }
        for folder in answer.common_prefixes().iter().filter_map(|folder| folder.prefix()) {
            let folder = decoded(&answer, folder);
            let name = folder.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('/'));
            found.folders.extend(name.map(str::to_owned));
        }
        let objects = answer.contents().iter().map(|object| listed(&answer, object));
        found.objects.extend(objects.filter(|listed| with_objects && listed.key.starts_with(prefix)));
        if found.folders.len() + found.objects.len() > MAX_FOLDERS {
            let message =
                format!("there are more than {MAX_FOLDERS} folders and objects in it: name a longer prefix");
            return Err(StoreError::Unreadable(message));
        }
        token = next_token(&answer, token.as_deref())?;
        if token.is_none() {
            found.folders.sort_unstable();
            found.folders.dedup();
            return Ok(found);
        }
    }
    Err(does_not_go_on())
}

fn listed(answer: &ListObjectsV2Output, object: &Object) -> Listed {
    let size = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    let modified = object.last_modified().map(|time| Timestamp::from_unix(time.secs()));
    Listed { key: decoded(answer, object.key().unwrap_or_default()).into_owned(), size, modified }
}

/// The first and the last name of a page, of keys and folders.
fn ends(answer: &ListObjectsV2Output) -> Option<(String, String)> {
    let keys = answer.contents().iter().filter_map(|object| object.key());
    let folders = answer.common_prefixes().iter().filter_map(|folder| folder.prefix());
    let names = || keys.clone().chain(folders.clone()).map(|name| decoded(answer, name));
    Some((names().min()?.into_owned(), names().max()?.into_owned()))
}

fn not_in_order() -> StoreError {
    StoreError::Unreadable("the listing is not in order".to_owned())
}

fn does_not_go_on() -> StoreError {
    StoreError::Unreadable("the listing does not go on".to_owned())
}

/// The token of the page after `answer`. One that leads to the same page again would never end.
fn next_token(answer: &ListObjectsV2Output, before: Option<&str>) -> Result<Option<String>, StoreError> {
    if !answer.is_truncated().unwrap_or_default() {
        return Ok(None);
    }
    match answer.next_continuation_token() {
        Some(token) if Some(token) != before => Ok(Some(token.to_owned())),
        _ => Err(does_not_go_on()),
    }
}

fn decoded<'a>(answer: &ListObjectsV2Output, name: &'a str) -> Cow<'a, str> {
    match answer.encoding_type() {
        Some(EncodingType::Url) => Cow::Owned(decode(name)),
        _ => Cow::Borrowed(name),
    }
}

/// Undoes S3's percent-encoding, in which a space is a plus sign.
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
