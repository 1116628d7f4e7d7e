//! A part of the record that nobody vouches for is said, whatever else is whole.

use trailproof::event::{Kind, Verdict};
use trailproof::ident::{DigestKey, Location};
use trailproof::simulate::{self, Spec};
use trailproof::store::{Deposit as _, Metadata};

use super::{purge_all, ran};
use crate::support::{Delivered, Ran, deliver, request};

fn spec() -> Spec {
    Spec { hours: 4, logs_per_hour: 1, events_per_log: 1, ..Spec::default() }
}

/// Nothing is said but that one part has no digests; where it lies.
fn assert_one_without_digests(ran: &Ran, uri: Option<&str>, region: Option<&str>, account: Option<&str>) {
    assert_eq!(ran.kinds(), [Kind::NoDigests], "{:#?}", ran.findings);
    assert_eq!(ran.verdict, Verdict::Incomplete);
    let finding = ran.findings.iter().find(|finding| finding.kind == Kind::NoDigests).unwrap();
    let found = (finding.uri.as_deref(), finding.region.as_deref(), finding.account.as_deref());
    assert_eq!(found, (uri, region, account));
}

#[test]
fn a_bucket_whose_digests_are_gone_is_said_beside_one_that_is_whole() {
    let one = deliver(&Spec { bucket: "b1".to_owned(), trails: vec!["t-one".to_owned()], ..spec() });
    let two = Spec { bucket: "b2".to_owned(), trails: vec!["t-two".to_owned()], ..spec() };
    simulate::simulate(&two, &one.store).unwrap();
    let asked = request(&["b1", "b2"], one.simulated.end);
    let untouched = ran(&one, &asked);
    assert_eq!((untouched.verdict, untouched.counts.logs.valid), (Verdict::Intact, 8));

    let in_b2 = one.store.locations().into_iter().filter(|location| &*location.bucket == "b2");
    let (digests, logs): (Vec<_>, Vec<_>) = in_b2.partition(|location| DigestKey::parse(location).is_some());
    assert_eq!((digests.len(), logs.len()), (5, 4));
    digests.iter().for_each(|digest| one.store.purge(digest));
    let junk = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/junk";
    one.store.put(&Location::new("b2", junk), b"junk", &Metadata::new()).unwrap();
    logs.iter().for_each(|log| one.store.put(log, b"forged", &Metadata::new()).unwrap());
    for trails in [Vec::new(), vec!["t-one".to_owned()]] {
        let mut asked = asked.clone();
        asked.trails = trails;
        let ran = ran(&one, &asked);
        let uri = "s3://b2/AWSLogs/111122223333/CloudTrail/us-east-1/";
        assert_one_without_digests(&ran, Some(uri), Some("us-east-1"), Some("111122223333"));
        assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (5, 4));
    }
}

#[test]
fn a_region_whose_digests_are_gone_is_said_of_a_trail_that_is_asked_for() {
    let delivered =
        deliver(&Spec { regions: ["us-east-1", "eu-west-1"].map(str::to_owned).to_vec(), ..spec() });
    purge_all(&delivered.store, "CloudTrail-Digest/eu-west-1/");
    for trails in [Vec::new(), vec!["audit".to_owned()]] {
        let mut asked = request(&["trail-logs"], delivered.simulated.end);
        asked.trails = trails;
        let ran = ran(&delivered, &asked);
        let uri = "s3://trail-logs/AWSLogs/111122223333/CloudTrail/eu-west-1/";
        assert_one_without_digests(&ran, Some(uri), Some("eu-west-1"), Some("111122223333"));
        assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (5, 4));
    }
}

fn four_parts() -> Delivered {
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let accounts = names(["111122223333", "444455556666"]);
    deliver(&Spec { accounts, regions: names(["us-east-1", "eu-west-1"]), ..spec() })
}

#[test]
fn each_account_and_region_that_was_named_has_to_be_there() {
    let delivered = four_parts();
    for folder in ["CloudTrail-Digest", "CloudTrail"] {
        purge_all(&delivered.store, &format!("444455556666/{folder}/eu-west-1/"));
    }
    let mut asked = request(&["trail-logs"], delivered.simulated.end);
    // Of what is not named and left no trace nobody can tell.
    assert_eq!(ran(&delivered, &asked).verdict, Verdict::Intact);
    asked.accounts = ["111122223333", "444455556666"].map(str::to_owned).to_vec();
    asked.regions = ["us-east-1", "eu-west-1"].map(str::to_owned).to_vec();
    let said = ran(&delivered, &asked);
    assert_one_without_digests(&said, None, Some("eu-west-1"), Some("444455556666"));
    assert_eq!((said.counts.digests.valid, said.counts.logs.valid), (15, 12));
    asked.regions.truncate(1);
    assert_eq!(ran(&delivered, &asked).verdict, Verdict::Intact);
}

#[test]
fn each_region_of_a_trail_that_was_named_has_to_be_there() {
    let delivered = four_parts();
    let mut asked = request(&["trail-logs"], delivered.simulated.end);
    (asked.accounts, asked.regions) = (vec!["444455556666".to_owned()], vec!["eu-west-1".to_owned()]);
    asked.trails = ["audit", "other"].map(str::to_owned).to_vec();
    let ran = ran(&delivered, &asked);
    assert_one_without_digests(&ran, None, Some("eu-west-1"), Some("444455556666"));
    assert_eq!(ran.findings.last().unwrap().trail.as_deref(), Some("other"));
}
