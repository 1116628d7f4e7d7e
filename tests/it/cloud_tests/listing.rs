//! That listings are S3's, page by page.

use std::collections::{BTreeMap, BTreeSet};

use super::wire::{ask, cloud_with, escaped, unescaped};
use crate::cloud::{Cloud, Faults};

const KEYS: [&str; 14] = [
    "A",
    "a",
    "a b+c/~*&é",
    "a-b/c",
    "a/",
    "a/b",
    "a/b/c",
    "a/b/d",
    "a/c/\u{1}<",
    "a0",
    "b//c",
    "b/\u{10ffff}/x",
    "b/\u{10ffff}/y",
    "\u{10000}",
];

/// What a listing has to give: keys and common prefixes, each in order.
fn expected(prefix: &str, delimiter: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut prefixes) = (Vec::new(), BTreeSet::new());
    let sorted: BTreeSet<&str> = KEYS.into_iter().collect();
    for key in sorted.into_iter().filter(|key| key.starts_with(prefix) && *key > after) {
        let rest = &key[prefix.len()..];
        match rest.split_once(delimiter).filter(|_| !delimiter.is_empty()) {
            Some((folder, _)) => drop(prefixes.insert(format!("{prefix}{folder}{delimiter}"))),
            None => keys.push(key.to_owned()),
        }
    }
    (keys, prefixes.into_iter().collect())
}

/// Lists all pages, checking that each has what it says it has.
fn list(cloud: &Cloud, query: &str, page_size: usize) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut prefixes, mut token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let line = format!("GET /b?list-type=2&encoding-type=url&max-keys={page_size}{query}{token}");
        let page = ask(cloud, &line);
        assert_eq!(page.status, 200, "{line}: {}", page.text());
        let folders: Vec<&str> =
            page.elements("CommonPrefixes").iter().map(|text| &text["<Prefix>".len()..]).collect();
        let found = page.elements("Key");
        let count = found.len() + folders.len();
        assert_eq!(page.element("KeyCount"), Some(count.to_string().as_str()));
        keys.extend(found.into_iter().map(unescaped));
        prefixes.extend(folders.into_iter().map(|folder| unescaped(folder.trim_end_matches("</Prefix>"))));
        let Some(next) = page.element("NextContinuationToken") else {
            assert_eq!(page.element("IsTruncated"), Some("false"));
            return (keys, prefixes);
        };
        assert_eq!((page.element("IsTruncated"), count), (Some("true"), page_size));
        token = format!("&continuation-token={}", escaped(next));
    }
}

#[test]
fn listings_are_whole_at_any_page_size() {
    let cloud = cloud_with(&KEYS);
    cloud.put("b", "a/deleted", "x", BTreeMap::new());
    cloud.delete("b", "a/deleted");
    for prefix in ["", "a", "a/", "a/b/", "b/", "c"] {
        for delimiter in ["", "/", "b"] {
            for after in ["", "a", "a/", "a/b", "a/b/c", "b", "z"] {
                let query = format!("&prefix={}&delimiter={}", escaped(prefix), escaped(delimiter));
                let query = format!("{query}&start-after={}", escaped(after));
                for page_size in [1, 2, 1000] {
                    let listed = list(&cloud, &query, page_size);
                    assert_eq!(listed, expected(prefix, delimiter, after), "{query} by {page_size}");
                }
            }
        }
    }
}

#[test]
fn keys_are_encoded_as_s3_does_it() {
    let cloud = cloud_with(&["a b+c/~*&é", "x\u{1}<"]);
    let page = ask(&cloud, "GET /b?list-type=2&encoding-type=url&prefix=a%20b");
    assert_eq!(page.element("Key"), Some("a+b%2Bc/%7E*%26%C3%A9"));
    assert!(page.text().contains("<Prefix>a+b</Prefix>") && page.text().contains("<EncodingType>url<"));
    let plain = ask(&cloud, "GET /b?list-type=2");
    assert_eq!(plain.elements("Key"), ["a b+c/~*&amp;é", "x&#x1;&lt;"]);
    cloud.set_faults(Faults { no_encoding: true, ..Faults::default() });
    assert_eq!(ask(&cloud, "GET /b?list-type=2&encoding-type=url").elements("Key"), plain.elements("Key"));
}

#[test]
fn a_repeating_listing_never_ends() {
    let cloud = cloud_with(&KEYS);
    cloud.set_faults(Faults { repeat_page: true, page_size: 3, ..Faults::default() });
    let mut pages = Vec::new();
    let mut tokens = BTreeSet::new();
    let mut token = String::new();
    for _ in 0..4 {
        let page = ask(&cloud, &format!("GET /b?list-type=2{token}"));
        let next = page.element("NextContinuationToken").unwrap();
        token = format!("&continuation-token={next}");
        assert!(tokens.insert(next.to_owned()), "each time another token");
        pages.push(page.elements("Key").join(" "));
    }
    assert_eq!((&pages[1], &pages[1]), (&pages[2], &pages[3]));
    assert_ne!(pages[0], pages[1]);
    let short = "GET /b?versions&prefix=b/&key-marker=b//c&version-id-marker=x";
    let page = ask(&cloud, short);
    assert_eq!((page.element("NextKeyMarker"), page.element("IsTruncated")), (Some("b//c"), Some("true")));
}
