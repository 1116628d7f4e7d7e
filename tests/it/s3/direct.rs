//! GETs without the SDK's machinery: that they are made, in the SDK's own form, and that the SDK takes over where they
//! come to nothing.

use trailproof::ident::Location;
use trailproof::store::{Metadata, Store as _, StoreError};

use super::{BUCKET, Remote};
use crate::bodies::read;
use crate::cloud::{Bucket, Cloud, Faults};
use crate::remote;

fn at(key: &str) -> Location {
    Location::new(BUCKET, key)
}

/// A bucket with these objects, each of which holds its own key.
fn holding(keys: &[&str]) -> Cloud {
    let cloud = Cloud::start();
    cloud.create_bucket(BUCKET, Bucket::default());
    for key in keys {
        let metadata = Metadata::from([("signature".to_owned(), "00ff".to_owned())]);
        cloud.put(BUCKET, key, key.as_bytes().to_vec(), metadata);
    }
    cloud
}

/// How many GETs the SDK made, and how many were made directly.
fn made(cloud: &Cloud) -> (usize, usize) {
    let requests = cloud.requests();
    let gets = || requests.iter().filter(|request| request.operation == "GetObject");
    let by_sdk = gets().filter(|request| request.by_sdk).count();
    (by_sdk, gets().count() - by_sdk)
}

/// That the second and all further GETs are direct shows, too, that they are signed as the SDK signs its own: a form
/// that does not sign the SDK's first request as the SDK did is not used.
#[test]
fn all_gets_but_the_first_are_direct_and_give_the_same_whatever_the_key() {
    let keys =
        ["a", "a b", "a+b%2B?c#d&e=f", "é/\u{10ffff}", "a//b/../c/.", "~!*'()", "\u{1}\\\"<", "=/:@$,;[]"];
    let cloud = holding(&keys);
    let store = remote::store(&cloud);
    for (number, key) in keys.iter().enumerate() {
        let (body, metadata) = read(&store, &at(key));
        assert_eq!((body, &*metadata["signature"]), (key.as_bytes().to_vec(), "00ff"), "{key}");
        assert_eq!(made(&cloud), (1, number), "{key}");
    }
}

#[test]
fn the_expected_owner_is_named_in_every_one() {
    let cloud = holding(&["a", "b"]);
    let owner = "111122223333".to_owned();
    let store = trailproof::store::s3::S3Store::new(remote::aws(&cloud), Some(owner.clone()));
    for key in ["a", "b", "a"] {
        read(&store, &at(key));
    }
    assert_eq!(made(&cloud), (1, 2));
    let requests = cloud.requests();
    assert!(requests.iter().all(|request| request.expected_owner.as_ref() == Some(&owner)), "{requests:?}");
}

#[test]
fn the_sdk_says_what_a_failure_means() {
    let cloud = holding(&["a", "archived", "denied", "deleted"]);
    cloud.archive(BUCKET, "archived");
    cloud.deny(BUCKET, "denied");
    cloud.delete(BUCKET, "deleted");
    let store = remote::store(&cloud);
    read(&store, &at("a"));
    assert!(matches!(store.get(&at("archived")), Err(StoreError::Archived(_))));
    assert!(matches!(store.get(&at("denied")), Err(StoreError::Denied(_))));
    assert!(matches!(store.get(&at("deleted")), Err(StoreError::NotFound)));
    assert!(matches!(store.get(&at("never")), Err(StoreError::NotFound)));
    assert_eq!(made(&cloud), (5, 4), "each asked directly, then by the SDK");
}

#[test]
fn where_direct_ones_fail_again_and_again_the_sdk_is_asked_at_once() {
    let cloud = holding(&["a"]);
    let store = remote::store(&cloud);
    read(&store, &at("a"));
    for _ in 0..200 {
        assert!(matches!(store.get(&at("never")), Err(StoreError::NotFound)));
    }
    let (by_sdk, direct) = made(&cloud);
    assert_eq!(by_sdk, 201);
    assert!((16..32).contains(&direct), "{direct}");
    // One that comes to something is enough to go on directly.
    (0..70).for_each(|_| drop(read(&store, &at("a"))));
    let before = made(&cloud);
    read(&store, &at("a"));
    assert_eq!(made(&cloud), (before.0, before.1 + 1));
}

#[test]
fn each_object_is_read_once_however_many_there_are_at_a_time() {
    let keys: Vec<String> = (0..500).map(|number| format!("k/{number}")).collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    let cloud = holding(&names);
    for faults in
        [Faults::default(), Faults { slow_down: 0.1, reset: 0.05, truncate: 0.05, ..Faults::default() }]
    {
        cloud.set_faults(faults);
        for store in [remote::store(&cloud), remote::store(&cloud).with_requests(1)] {
            let next = std::sync::atomic::AtomicUsize::new(0);
            let name = || {
                let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                keys.get(number).map(|key| (number, at(key)))
            };
            let mut taken = vec![0; keys.len()];
            store.get_each(&name, &mut |number, object| {
                let mut body = String::new();
                std::io::Read::read_to_string(&mut object.unwrap().body, &mut body).unwrap();
                assert_eq!(body, keys[number]);
                taken[number] += 1;
            });
            assert!(taken.iter().all(|times| *times == 1), "{taken:?}");
        }
    }
}

#[test]
fn bodies_too_large_to_be_held_are_streamed() {
    let cloud = holding(&["small"]);
    let large = vec![7_u8; (8 << 20) + 1];
    cloud.put(BUCKET, "large", large.clone(), Metadata::new());
    let store = remote::store(&cloud);
    let mut left = vec!["small", "large", "small"];
    let left = std::sync::Mutex::new(&mut left);
    let next = || left.lock().unwrap().pop().map(|key| (key.len(), at(key)));
    let mut lengths = Vec::new();
    store.get_each(&next, &mut |_, object| {
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut object.unwrap().body, &mut body).unwrap();
        lengths.push(body.len());
    });
    lengths.sort_unstable();
    assert_eq!(lengths, [5, 5, large.len()]);
}

#[test]
fn a_run_is_mostly_direct_and_says_the_same_with_one_request_at_a_time() {
    let remote = Remote::small();
    let many = remote.run(8);
    let (by_sdk, direct) = made(&remote.cloud);
    assert!(direct > 0 && by_sdk > 0, "{by_sdk} {direct}");
    let store = remote::store(&remote.cloud).with_requests(1);
    let one = crate::support::run(&store, &remote.local.keys, &remote.request(), 1);
    assert_eq!(one.json, many.json);
}
