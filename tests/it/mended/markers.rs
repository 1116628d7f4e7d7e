//! Folder markers have 0 bytes. What has more is an object, though it is called as a folder is.

use trailproof::event::{Kind, Verdict};
use trailproof::ident::{DigestKey, Location};
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};

use super::{hour, ran};
use crate::bodies::gzip;
use crate::support::{deliver, request};

#[test]
fn an_object_that_is_called_as_a_folder_of_log_files_is_unreferenced_unless_it_is_empty() {
    let delivered = deliver(&Spec { hours: 4, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
    let is_log = |location: &&Location| DigestKey::parse(location).is_none();
    let log = delivered.store.locations().iter().find(is_log).unwrap().clone();
    let folder = log.key.strip_suffix(log.name()).unwrap();
    let marker = Location::new(log.bucket.clone(), folder);
    let asked = request(&["trail-logs"], hour(4));
    delivered.store.put(&marker, b"", &Metadata::new()).unwrap();
    let empty = ran(&delivered, &asked);
    assert_eq!((empty.kinds(), empty.verdict), (vec![], Verdict::Intact), "{:#?}", empty.findings);
    delivered.store.put(&marker, &gzip(br#"{"Records":[]}"#), &Metadata::new()).unwrap();
    let full = ran(&delivered, &asked);
    assert_eq!((full.kinds(), full.verdict), (vec![Kind::LogUnreferenced], Verdict::Incomplete));
    let uri = full.findings.iter().find(|finding| finding.kind == Kind::LogUnreferenced).unwrap();
    assert_eq!(uri.uri.as_deref(), Some(marker.to_string().as_str()));
}
