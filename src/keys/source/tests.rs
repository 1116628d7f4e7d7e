use super::*;
use crate::keys::{KeyRing, Lookup};

fn at(hours: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + hours * 3600)
}

/// A source without keys that records the requests. With `true`, every request fails.
#[derive(Clone, Default)]
struct Empty(Arc<Mutex<Vec<(String, Interval)>>>, bool);

impl Empty {
    fn spans(&self) -> Vec<(String, Interval)> {
        self.0.lock().unwrap().clone()
    }
}

impl KeySource for Empty {
    fn keys(&self, region: &str, span: Interval) -> Result<SourceKeys, KeySourceError> {
        self.0.lock().unwrap().push((region.to_owned(), span));
        match self.1 {
            true => Err(KeySourceError { region: region.to_owned(), why: "no".to_owned() }),
            false => Ok(SourceKeys::default()),
        }
    }
}

/// Announces digests that end at the given hours, with a current time long after the last.
fn expect(ring: &KeyRing, region: &str, hours: impl IntoIterator<Item = i64>) {
    ring.expect(region, hours.into_iter().map(at), at(20 * 8_766));
}

#[test]
fn what_is_announced_is_one_question_a_region() {
    let source = Empty::default();
    let ring = KeyRing::new().asking(Box::new(source.clone()));
    expect(&ring, "us-east-1", (0..=10).rev());
    expect(&ring, "us-east-1", [1000, 500]);
    for hour in 0..1000 {
        assert_eq!(ring.lookup("x", "us-east-1", at(hour)), Lookup::Unknown);
    }
    assert_eq!(source.spans(), [("us-east-1".to_owned(), Interval { start: at(0), end: at(1004) })]);
    assert_eq!(ring.lookup("x", "eu-west-1", at(0)), Lookup::Unknown);
    assert_eq!(source.spans().len(), 2);
}

/// A file name may contain any date. A distant date leads to a request of its own, and only for a digest of that time.
#[test]
fn a_lone_date_does_not_widen_the_question_about_others() {
    let source = Empty::default();
    let ring = KeyRing::new().asking(Box::new(source.clone()));
    let (before_the_era, lone) = (-500_000, -40_000);
    expect(&ring, "us-east-1", [0, 1, 2, lone, before_the_era]);
    expect(&ring, "us-east-1", [30 * 24, 400_000]);
    for hour in [0, 1, 2, 700] {
        assert_eq!(ring.lookup("x", "us-east-1", at(hour)), Lookup::Unknown);
    }
    let near = Interval { start: at(0), end: at(724) };
    assert_eq!(source.spans(), [("us-east-1".to_owned(), near)]);
    for hour in [lone, lone, before_the_era, 400_000] {
        assert_eq!(ring.lookup("x", "us-east-1", at(hour)), Lookup::Unknown);
    }
    let apart = Interval { start: at(lone), end: at(lone + 4) };
    assert_eq!(source.spans()[1..], [("us-east-1".to_owned(), apart)]);
}

#[test]
fn moments_that_are_made_up_spend_nothing_that_others_need() {
    let source = Empty::default();
    let ring = KeyRing::new().asking(Box::new(source.clone()));
    expect(&ring, "us-east-1", [0, 10]);
    for day in -10_000..100_000 {
        assert_eq!(ring.lookup("x", "us-east-1", at(24 * day)), Lookup::Unknown, "{day}");
    }
    let asked = source.spans();
    // Cells from 2013 to the current time of this test, 33 years later.
    assert_eq!(asked.len(), 68);
    assert!(asked.iter().all(|(_, span)| span.start >= ERA && span.seconds() <= CELL), "{asked:?}");
}

#[test]
fn without_a_present_the_questions_are_counted() {
    let source = Empty::default();
    let ring = KeyRing::new().asking(Box::new(source.clone()));
    for day in 0..100_000 {
        let found = ring.lookup("x", "us-east-1", at(24 * day));
        let is_said =
            matches!(&found, Lookup::Unreachable(why) if why.contains("64 requests for unannounced"));
        assert!(found == Lookup::Unknown || is_said, "{found:?}");
    }
    assert_eq!(source.spans().len(), MAX_CELLS);
    // Later announcements still lead to requests.
    ring.expect("us-east-1", [at(40 * 8_766)], at(40 * 8_766));
    assert_eq!(ring.lookup("x", "us-east-1", at(40 * 8_766)), Lookup::Unknown);
    assert_eq!(source.spans().len(), MAX_CELLS + 1);
    let region = |number: usize| format!("us-{}-1", "x".repeat(number + 1));
    let found = (0..MAX_REGIONS).map(|number| ring.lookup("x", &region(number), at(0))).collect::<Vec<_>>();
    assert_eq!(found.iter().filter(|found| **found == Lookup::Unknown).count(), MAX_REGIONS - 1);
    expect(&ring, "eu-west-1", [0]);
    assert_eq!(ring.lookup("x", "eu-west-1", at(0)), Lookup::Unknown);
}

#[test]
fn the_order_of_moments_is_of_no_matter() {
    let moments: Vec<i64> = (0..60).map(|number| number * 997 % 9_000 - 4_000).collect();
    let ask = |moments: &mut dyn Iterator<Item = &i64>| {
        let source = Empty::default();
        let ring = KeyRing::new().asking(Box::new(source.clone()));
        expect(&ring, "us-east-1", [0, 100]);
        moments.for_each(|hour| drop(ring.lookup("x", "us-east-1", at(*hour))));
        let mut spans = source.spans();
        spans.sort();
        spans
    };
    let cells = |spans: Vec<(String, Interval)>| {
        spans.into_iter().filter(|(_, span)| span.seconds() == CELL).collect::<Vec<_>>()
    };
    assert_eq!(cells(ask(&mut moments.iter())), cells(ask(&mut moments.iter().rev())));
}

/// A source with unusable entries only: the same entry each time, after one more new entry.
#[derive(Default)]
struct Junk(Mutex<usize>);

impl KeySource for Junk {
    fn keys(&self, region: &str, _: Interval) -> Result<SourceKeys, KeySourceError> {
        let mut asked = self.0.lock().unwrap();
        *asked += 1;
        let rejected = [format!("number {asked}"), "the same".to_owned()].into_iter().enumerate();
        let rejected = rejected.map(|(index, reason)| RejectedKey {
            source: "cloudtrail".to_owned(),
            region: Some(region.to_owned()),
            entry: *asked + index,
            reason,
        });
        Ok(SourceKeys { keys: Vec::new(), rejected: rejected.collect() })
    }
}

#[test]
fn what_is_wrong_with_an_answer_is_said_once_a_region() {
    let ring = KeyRing::new().asking(Box::<Junk>::default());
    for (region, hour) in [("us-east-1", 0), ("us-east-1", 100_000), ("eu-west-1", 0)] {
        assert_eq!(ring.lookup("x", region, at(hour)), Lookup::Unknown);
    }
    let said = ring.rejected();
    let said: Vec<(&str, &str)> =
        said.iter().map(|key| (key.region.as_deref().unwrap(), &*key.reason)).collect();
    let of =
        |region, reasons: &[&'static str]| reasons.iter().map(|reason| (region, *reason)).collect::<Vec<_>>();
    let of_east = of("us-east-1", &["number 1", "the same", "number 2"]);
    assert_eq!(said, [of("eu-west-1", &["number 3", "the same"]), of_east].concat());
}

/// Each failed request used up all retries, so a region with failing requests gets only a few, whatever the number of
/// digests.
#[test]
fn a_source_that_fails_is_not_asked_again_and_says_why() {
    let source = Empty(Arc::default(), true);
    let ring = KeyRing::new().asking(Box::new(source.clone()));
    let failed = |hour| {
        let found = ring.lookup("x", "us-east-1", at(hour));
        assert!(matches!(found, Lookup::Unreachable(why) if why.ends_with("could not be fetched: no")));
    };
    (0..3).for_each(|_| failed(0));
    assert_eq!(source.spans().len(), 1);
    (0..1000).for_each(|day| failed(24 * day));
    assert_eq!(source.spans().len(), MAX_FAILURES);
    // Failed requests for unannounced moments do not prevent requests for announced spans.
    for year in 0..10 {
        expect(&ring, "us-east-1", [year * 8_766]);
        failed(year * 8_766);
    }
    assert_eq!(source.spans().len(), 2 * MAX_FAILURES);
}
