//! What the needs of the prover are answered.

use trailproof::event::{BodyFault, Trace};
use trailproof::ident::{DigestKey, Location, Sha256Hash};
use trailproof::prove::{DigestContent, ProverAnswer, ProverNeed, ReadDigest, SecondRead, StreamRead};
use trailproof::time::{HOUR, Timestamp};

use super::{Liar, World};

impl World<'_> {
    pub(super) fn get(&self, location: &Location, end: Timestamp) -> ReadDigest {
        self.lies.get(location).cloned().unwrap_or_else(|| ReadDigest::gone(location.clone(), end))
    }

    /// The answer to a need, which is the same whenever it is asked for.
    pub(super) fn answer(&self, need: &ProverNeed) -> ProverAnswer {
        let choice = Sha256Hash::of(format!("{} {need:?}", self.seed).as_bytes()).0;
        match (self.lies_by, choice[0] % 4) {
            (Liar::Silent, 0) => match choice[1] % 3 {
                0 => ProverAnswer::LeftOut,
                1 => ProverAnswer::SecondRead(SecondRead::Unsure("reset".to_owned())),
                _ => ProverAnswer::SecondRead(SecondRead::Different),
            },
            (Liar::Anybody, 0 | 1) => self.any_answer(need, choice[1], choice[2]),
            _ => self.true_answer(need),
        }
    }

    fn true_answer(&self, need: &ProverNeed) -> ProverAnswer {
        match need {
            ProverNeed::Digest { location, end } => {
                let copy = self.scope.relocations.iter().find_map(|moved| moved.copy_of(location));
                match self.get(&copy.unwrap_or_else(|| location.clone()), *end) {
                    ReadDigest { content: DigestContent::Gone, .. } => ProverAnswer::Gone(Trace::Nothing),
                    read => ProverAnswer::Digest(Box::new(read)),
                }
            }
            ProverNeed::SecondRead { location, .. } => {
                ProverAnswer::SecondRead(match self.lies.get(location) {
                    Some(read) => SecondRead::Same { signature: read.signature.clone(), stored: None },
                    None => SecondRead::Gone,
                })
            }
            ProverNeed::Stream { location } => ProverAnswer::Stream(match self.streams.get(location) {
                Some(seen) => StreamRead::Seen(*seen),
                None => StreamRead::Gone,
            }),
            ProverNeed::EarlierPlace { folder, until } => {
                let keys = self.lies.keys().filter_map(DigestKey::parse);
                let here = keys.filter(|key| key.folder == *folder && key.chain() == self.scope.id);
                ProverAnswer::EarlierPlace(here.map(|key| key.end).filter(|end| end <= until).rev().collect())
            }
        }
    }

    fn any_answer(&self, need: &ProverNeed, choice: u8, other: u8) -> ProverAnswer {
        let digest = &self.delivered.digests[usize::from(other) % self.delivered.digests.len()].0;
        match choice % 16 {
            0 => ProverAnswer::LeftOut,
            1 => ProverAnswer::Gone(Trace::Nothing),
            2 => ProverAnswer::Gone(Trace::Contradiction { version: "v".to_owned() }),
            3 => ProverAnswer::Gone(Trace::DeleteMarker { deleted: None, kept: None }),
            4 => ProverAnswer::SecondRead(SecondRead::Different),
            5 => ProverAnswer::SecondRead(SecondRead::Gone),
            6 => ProverAnswer::SecondRead(SecondRead::Unsure("reset".to_owned())),
            7 => ProverAnswer::SecondRead(SecondRead::Same { signature: None, stored: None }),
            8 => ProverAnswer::SecondRead(SecondRead::Same {
                signature: digest.signature.clone(),
                stored: None,
            }),
            9 => ProverAnswer::Stream(StreamRead::Seen(Err(BodyFault::CutOff))),
            10 => ProverAnswer::Stream(StreamRead::Seen(Ok(digest.file().unwrap().hash()))),
            11 => ProverAnswer::Stream(StreamRead::Unread("reset".to_owned())),
            12 => ProverAnswer::EarlierPlace(vec![digest.end, digest.end.plus(-HOUR)]),
            13 => ProverAnswer::EarlierPlace(Vec::new()),
            // Another digest, where this one belongs.
            _ => match need {
                ProverNeed::Digest { location, end } => ProverAnswer::Digest(Box::new(ReadDigest {
                    location: location.clone(),
                    end: *end,
                    ..digest.clone()
                })),
                _ => self.true_answer(need),
            },
        }
    }
}
