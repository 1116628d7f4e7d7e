//! Where keys are asked for while a run needs them, and what was asked already.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{RejectedKey, SIGNING_WINDOW, TrustedKey};
use crate::time::{DAY, Interval, Timestamp};

/// How far a question reaches beyond a moment that nobody announced, in seconds: backfill digests say themselves when
/// they were signed, and many of them may say much.
const MARGIN: i64 = 15 * DAY;

/// How many questions a region is worth. One is enough for what is announced; the rest are for moments beyond it,
/// which unproved digests may make up.
const MAX_QUESTIONS: usize = 32;

/// Why a source gives no keys.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the public keys of `{region}` could not be had: {why}")]
pub struct KeySourceError {
    /// Region that was asked about.
    pub region: String,
    /// What kept it.
    pub why: String,
}

/// What a source answers.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SourceKeys {
    /// The keys.
    pub keys: Vec<TrustedKey>,
    /// What it listed beside them that is no usable key.
    pub rejected: Vec<RejectedKey>,
}

/// Something that knows which keys CloudTrail signed with. Calls block; any thread may make them.
pub trait KeySource: Send + Sync {
    /// Every key of `region` that was valid at some time in `span`.
    ///
    /// # Errors
    /// Whatever kept it from answering, retries included.
    fn keys(&self, region: &str, span: Interval) -> Result<SourceKeys, KeySourceError>;
}

/// A source, and what it was asked.
pub(super) struct Asked {
    source: Box<dyn KeySource>,
    regions: Mutex<HashMap<String, Arc<Mutex<Region>>>>,
}

/// What is known of one region's questions.
#[derive(Default)]
struct Region {
    /// When the announced digests may have been signed.
    expected: Option<Interval>,
    /// What was asked, with what became of it.
    asked: Vec<(Interval, Result<(), KeySourceError>)>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").finish_non_exhaustive()
    }
}

impl Asked {
    pub(super) fn new(source: Box<dyn KeySource>) -> Self {
        Self { source, regions: Mutex::default() }
    }

    fn region(&self, region: &str) -> Arc<Mutex<Region>> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(regions.entry(region.to_owned()).or_default())
    }

    pub(super) fn expect(&self, region: &str, ends: Interval) {
        let region = self.region(region);
        let mut region = region.lock().unwrap_or_else(PoisonError::into_inner);
        let signed = Interval { start: ends.start, end: ends.end.plus(SIGNING_WINDOW) };
        region.expected = Some(region.expected.map_or(signed, |expected| expected.hull(signed)));
    }

    /// Asks for the keys of a digest of `region` that was signed from `signed_from` on, unless that was asked already.
    pub(super) fn ask(
        &self,
        name: &str,
        signed_from: Timestamp,
        learn: impl FnOnce(SourceKeys),
    ) -> Result<(), KeySourceError> {
        let region = self.region(name);
        // Held while the question is asked: others that need the same keys wait for the answer.
        let mut region = region.lock().unwrap_or_else(PoisonError::into_inner);
        let needed = Interval { start: signed_from, end: signed_from.plus(SIGNING_WINDOW) };
        let before = region.asked.iter().find(|(span, _)| span.covers(needed));
        if let Some((_, answer)) = before {
            return answer.clone();
        }
        if region.asked.len() >= MAX_QUESTIONS {
            let why = format!(
                "it was asked {MAX_QUESTIONS} times already, for keys of moments that digests may have made up; \
                 `--public-keys` takes saved ones"
            );
            return Err(KeySourceError { region: name.to_owned(), why });
        }
        let span = region.span(needed);
        let answer = self.source.keys(name, span).map(learn);
        region.asked.push((span, answer.clone()));
        answer
    }
}

impl Region {
    /// What to ask so that `needed` is known: all that is announced, if that is enough. A moment beyond it is asked
    /// about by itself, so that a made-up one cannot spoil the question that matters.
    fn span(&self, needed: Interval) -> Interval {
        let beyond = Interval { start: needed.start.plus(-MARGIN), end: needed.end.plus(MARGIN) };
        self.expected.filter(|expected| expected.covers(needed)).unwrap_or(beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{KeyRing, Lookup};

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_unix(1_800_000_000 + hours * 3600)
    }

    /// Has no keys, and keeps what it is asked.
    #[derive(Clone, Default)]
    struct Empty(Arc<Mutex<Vec<(String, Interval)>>>, bool);

    impl KeySource for Empty {
        fn keys(&self, region: &str, span: Interval) -> Result<SourceKeys, KeySourceError> {
            self.0.lock().unwrap().push((region.to_owned(), span));
            match self.1 {
                true => Err(KeySourceError { region: region.to_owned(), why: "no".to_owned() }),
                false => Ok(SourceKeys::default()),
            }
        }
    }

    #[test]
    fn what_is_announced_is_one_question_a_region() {
        let source = Empty::default();
        let ring = KeyRing::new().asking(Box::new(source.clone()));
        ring.expect("us-east-1", Interval { start: at(0), end: at(10) });
        ring.expect("us-east-1", Interval { start: at(500), end: at(1000) });
        for hour in 0..1000 {
            assert_eq!(ring.lookup("x", "us-east-1", at(hour)), Lookup::Unknown);
            assert_eq!(ring.lookup("x", "eu-west-1", at(0)), Lookup::Unknown);
        }
        let asked = source.0.lock().unwrap().clone();
        let whole = Interval { start: at(0), end: at(1004) };
        assert_eq!(asked.len(), 2);
        assert_eq!(asked.iter().find(|(region, _)| region == "us-east-1").unwrap().1, whole);
    }

    #[test]
    fn moments_that_are_made_up_do_not_make_questions_without_end() {
        let source = Empty::default();
        let ring = KeyRing::new().asking(Box::new(source.clone()));
        ring.expect("us-east-1", Interval { start: at(0), end: at(10) });
        for hour in 0..100_000 {
            let found = ring.lookup("x", "us-east-1", at(hour));
            let is_said = matches!(&found, Lookup::Unreachable(why) if why.contains("asked 32 times"));
            assert!(found == Lookup::Unknown || is_said, "{found:?}");
            assert!(is_said || hour < 50_000, "{hour}");
            assert!(!is_said || hour > 5_000, "{hour}");
        }
        assert!(source.0.lock().unwrap().len() <= MAX_QUESTIONS);
    }

    /// Has entries that are no keys alone: one more each time, and always the same one.
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
        let of = |region, reasons: &[&'static str]| {
            reasons.iter().map(|reason| (region, *reason)).collect::<Vec<_>>()
        };
        let of_east = of("us-east-1", &["number 1", "the same", "number 2"]);
        assert_eq!(said, [of("eu-west-1", &["number 3", "the same"]), of_east].concat());
    }

    #[test]
    fn a_source_that_fails_is_not_asked_again_and_says_why() {
        let source = Empty(Arc::default(), true);
        let ring = KeyRing::new().asking(Box::new(source.clone()));
        for _ in 0..3 {
            let found = ring.lookup("x", "us-east-1", at(0));
            assert!(matches!(found, Lookup::Unreachable(why) if why.contains("us-east-1")));
        }
        assert_eq!(source.0.lock().unwrap().len(), 1);
    }
}
