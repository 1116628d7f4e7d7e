//! Listings as a hostile or a strange server gives them.

use trailproof::event::{Kind, Verdict};
use trailproof::store::Metadata;

use super::{BUCKET, Remote, assert_only_incomplete, named};
use crate::bodies::{gzip, in_time};
use crate::cloud::Faults;

#[test]
fn a_listing_that_repeats_itself_ends() {
    in_time("a listing that repeats itself", || {
        let remote = Remote::small();
        for page_size in [1, 2, 1000] {
            remote.cloud.set_faults(Faults { repeat_page: true, page_size, ..Faults::default() });
            assert_only_incomplete(&remote.run(8));
        }
    });
}

#[test]
fn pages_of_one_key_are_enough() {
    let remote = Remote::small();
    remote.cloud.set_faults(Faults { page_size: 1, ..Faults::default() });
    assert_eq!(remote.run(8).json, remote.run(1).json);
    assert_eq!(remote.run(8).verdict, Verdict::Intact);
}

#[test]
fn an_odd_name_among_the_log_files_is_named_exactly() {
    for (no_encoding, name) in
        [(false, "a\u{1}\u{7f} b+c%2B\u{e9}&<.json.gz"), (true, "a b+c%2B\u{e9}&<.json.gz")]
    {
        let remote = Remote::small();
        remote.cloud.set_faults(Faults { no_encoding, ..Faults::default() });
        assert_eq!(remote.run(8).verdict, Verdict::Intact);
        let log = remote.logs("").remove(3).key;
        // Beside a log file, and of its time: near the edges of the covered time nothing is said.
        let key = format!("{}_{name}", log.rsplit_once('_').unwrap().0);
        remote.cloud.put(BUCKET, &key, gzip(b"{}"), Metadata::new());
        let ran = remote.run(8);
        assert_eq!(ran.kinds(), [Kind::LogUnreferenced], "{:?}", ran.findings);
        assert_eq!(named(&ran, Kind::LogUnreferenced), [format!("s3://{BUCKET}/{key}")]);
    }
}
