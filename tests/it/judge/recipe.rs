//! A delivery, what is done to it, and what is asked of it: all that a run comes from.

use std::cell::RefCell;
use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::Index;
use trailproof::ident::Location;
use trailproof::keys::{KeyRing, saved};
use trailproof::simulate::{self, Simulated, Spec, Tamper, TamperKind, Where};
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::validate::ValidationRequest;

use super::touches::{Touch, apply, touch};
use crate::bodies::read;
use crate::properties::shape::{MOVED, is_unbroken, shape};
use crate::support::{Delivered, request};

/// What is asked: times in seconds after the start of the delivery.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) start: Option<i64>,
    /// The end of the delivery where it is not said.
    pub(super) end: Option<i64>,
    /// How long ago the end is.
    age: i64,
    narrow: Narrow,
    only_newest_bucket: bool,
}

#[derive(Clone, Debug)]
enum Narrow {
    No,
    Account(Index),
    Region(Index),
    Trail(Index),
    Both(Index, Index),
    Elsewhere(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(super) spec: Spec,
    pub(super) touches: Vec<Touch>,
    pub(super) ask: Ask,
}

/// What bombs take is time, and nothing that another body that is no digest does not show.
fn is_quick(kind: TamperKind) -> bool {
    !matches!(kind, TamperKind::LogBomb | TamperKind::DigestBomb)
}

fn tamper() -> impl Strategy<Value = Tamper> {
    let kinds: Vec<TamperKind> = TamperKind::ALL.into_iter().filter(|kind| is_quick(*kind)).collect();
    let at = prop_oneof![Just(""), Just("@first"), Just("@last"), Just("@1"), Just("@_backfill")];
    (prop::sample::select(kinds), at)
        .prop_map(|(kind, at)| format!("{kind}{at}").parse().unwrap_or(Tamper { kind, at: Where::default() }))
}

fn moment() -> impl Strategy<Value = i64> {
    prop_oneof![
        2 => (-2..8_i64).prop_map(|hour| hour * 3_600),
        2 => -7_200..28_800_i64,
        1 => (-2..8_i64, -1..2_i64).prop_map(|(hour, by)| hour * 3_600 + by),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let index = any::<Index>;
    let narrow = prop_oneof![
        6 => Just(Narrow::No),
        1 => index().prop_map(Narrow::Account),
        1 => index().prop_map(Narrow::Region),
        2 => index().prop_map(Narrow::Trail),
        1 => (index(), index()).prop_map(|(one, other)| Narrow::Both(one, other)),
        1 => (0..4_usize).prop_map(Narrow::Elsewhere),
    ];
    let age = prop_oneof![3 => Just(86_400_i64), 1 => Just(0), 1 => 0..36_000_i64];
    let start = prop_oneof![1 => Just(None), 1 => moment().prop_map(Some)];
    let end = prop_oneof![1 => Just(None), 1 => moment().prop_map(Some)];
    (start, end, age, narrow, prop::bool::weighted(0.2)).prop_map(
        |(start, end, age, narrow, only_newest_bucket)| {
            let (start, end) = match (start, end) {
                (Some(one), Some(other)) if one > other => (Some(other), Some(one)),
                (Some(one), Some(other)) if one == other => (None, Some(other)),
                (Some(one), None) if one > 9_000 => (Some(9_000), None),
                both => both,
            };
            Ask { start, end, age, narrow, only_newest_bucket }
        },
    )
}

/// A shape and what is asked of many deliveries of it, each touched in its own way.
pub(super) fn recipe() -> impl Strategy<Value = Recipe> {
    let touches = prop_oneof![
        1 => Just(Vec::new()),
        6 => prop::collection::vec(touch(), 1..4),
    ];
    let tampers = prop_oneof![
        4 => Just(Vec::new()),
        2 => prop::collection::vec(tamper(), 1..3),
    ];
    (shape(), tampers, touches, ask(), prop::bool::weighted(0.85)).prop_map(
        |(mut spec, tampers, touches, ask, metadata)| {
            (spec.tampers, spec.metadata) = (tampers, metadata);
            Recipe { spec, touches, ask }
        },
    )
}

type Objects = Vec<(Location, Vec<u8>, Metadata)>;

/// Deliveries as they were made, so that each is signed only once.
#[derive(Default)]
pub(crate) struct Bases(RefCell<HashMap<String, (Objects, Simulated)>>);

/// How many deliveries are kept.
const KEPT: usize = 64;

impl Bases {
    /// The delivery that `spec` describes, nothing done to it.
    fn untouched(&self, spec: &Spec) -> (MemoryStore, Simulated) {
        let spec = Spec { tampers: Vec::new(), ..spec.clone() };
        let mut bases = self.0.borrow_mut();
        if bases.len() > KEPT {
            bases.clear();
        }
        let (objects, simulated) = bases.entry(format!("{spec:?}")).or_insert_with(|| {
            let store = MemoryStore::new();
            let simulated = simulate::simulate(&spec, &store).unwrap();
            let object = |location: Location| {
                let (body, metadata) = read(&store, &location);
                (location, body, metadata)
            };
            (store.locations().into_iter().map(object).collect(), simulated)
        });
        let store = MemoryStore::new();
        for (location, body, metadata) in objects {
            store.put(location, body, metadata).unwrap();
        }
        (store, simulated.clone())
    }
}

/// The keys of a file. One without any is refused by the loader, and a run without keys proves nothing.
fn ring(json: &str) -> KeyRing {
    let mut ring = KeyRing::new();
    drop(saved::load(&mut ring, "public-keys.json", json.as_bytes()));
    ring
}

impl Recipe {
    /// The delivery with everything done to it. What cannot be done is left out; says how much that was.
    pub(crate) fn deliver(&self, bases: &Bases) -> (Delivered, usize) {
        let store = MemoryStore::new();
        let made = match self.spec.tampers.len() {
            0 => None,
            _ => simulate::simulate(&self.spec, &store).ok(),
        };
        let mut undone = if made.is_none() { self.spec.tampers.len() } else { 0 };
        let (store, simulated) = match made {
            Some(simulated) => (store, simulated),
            None => bases.untouched(&self.spec),
        };
        let mut delivered = Delivered { keys: KeyRing::new(), store, simulated };
        for touch in &self.touches {
            undone += usize::from(apply(touch, &self.spec, &mut delivered).is_none());
        }
        delivered.keys = ring(&delivered.simulated.keys_json);
        (delivered, undone)
    }

    pub(crate) fn request(&self, delivered: &Delivered) -> ValidationRequest {
        let spec = &self.spec;
        let mut buckets = vec![spec.bucket.as_str()];
        if spec.move_at.is_some() {
            buckets.push(MOVED);
            if self.ask.only_newest_bucket {
                buckets.remove(0);
            }
        }
        let end = self.ask.end.map_or(delivered.simulated.end, |end| spec.start.plus(end));
        let mut request = crate::support::as_one(request(&buckets, end));
        request.range.start = self.ask.start.map(|start| spec.start.plus(start)).filter(|start| *start < end);
        request.now = end.plus(self.ask.age);
        let elsewhere = ["999999999999", "ap-south-1", "payments", "audit"];
        match &self.ask.narrow {
            Narrow::No => {}
            Narrow::Account(at) => request.accounts.push(at.get(&spec.accounts).clone()),
            Narrow::Region(at) => request.regions.push(at.get(&spec.regions).clone()),
            Narrow::Trail(at) => request.trails.push(at.get(&spec.trails).clone()),
            Narrow::Both(one, other) => {
                request.trails.push(one.get(&spec.trails).clone());
                request.regions.push(other.get(&spec.regions).clone());
            }
            Narrow::Elsewhere(0) => request.accounts.push(elsewhere[0].to_owned()),
            Narrow::Elsewhere(1) => request.regions.push(elsewhere[1].to_owned()),
            Narrow::Elsewhere(at) => {
                request.trails.extend([elsewhere[*at].to_owned(), spec.trails[0].clone()])
            }
        }
        request.trails.sort();
        request.trails.dedup();
        request
    }

    /// The same with less in it, in all ways.
    pub(super) fn smaller(&self) -> Vec<Self> {
        let mut all: Vec<Self> = (0..self.touches.len())
            .map(|at| {
                let mut one = self.clone();
                one.touches.remove(at);
                one
            })
            .collect();
        for at in 0..self.spec.tampers.len() {
            let mut one = self.clone();
            one.spec.tampers.remove(at);
            all.push(one);
        }
        let simpler = |change: &dyn Fn(&mut Self) -> bool| {
            let mut one = self.clone();
            change(&mut one).then_some(one)
        };
        all.extend(simpler(&|it| it.ask.start.take().is_some()));
        all.extend(simpler(&|it| it.ask.end.take().is_some()));
        all.extend(simpler(&|it| std::mem::replace(&mut it.ask.age, 86_400) != 86_400));
        all.extend(simpler(&|it| !matches!(std::mem::replace(&mut it.ask.narrow, Narrow::No), Narrow::No)));
        all.extend(simpler(&|it| std::mem::replace(&mut it.ask.only_newest_bucket, false)));
        all.extend(simpler(&|it| it.spec.trails.len() > 1 && it.spec.trails.pop().is_some()));
        all.extend(simpler(&|it| it.spec.accounts.len() > 1 && it.spec.accounts.pop().is_some()));
        all.extend(simpler(&|it| it.spec.regions.len() > 1 && it.spec.regions.pop().is_some()));
        all.extend(simpler(&|it| it.spec.quiet_every.take().is_some()));
        all.extend(simpler(&|it| it.spec.rotate_keys_every.take().is_some()));
        all.extend(simpler(&|it| it.spec.organization.take().is_some()));
        all.extend(simpler(&|it| !std::mem::take(&mut it.spec.prefix).is_empty()));
        all.extend(simpler(&|it| it.spec.backfill_every.take().is_some()));
        all.extend(simpler(&|it| it.spec.stop.take().is_some()));
        all.extend(simpler(&|it| it.spec.pause.take().is_some()));
        all.extend(simpler(&|it| it.spec.move_at.take().is_some()));
        all.extend(simpler(&|it| !std::mem::replace(&mut it.spec.metadata, true)));
        all.extend(simpler(&|it| std::mem::replace(&mut it.spec.logs_per_hour, 1) > 1));
        all.extend(simpler(&|it| {
            let is_long = it.spec.hours > 3 && is_unbroken(&it.spec) && it.spec.move_at.is_none();
            if is_long {
                it.spec.hours -= 1;
            }
            is_long
        }));
        all
    }
}
