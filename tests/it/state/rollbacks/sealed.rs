//! Changes of days that the first run sealed.

use trailproof::event::Verdict::{Incomplete, Intact, Tampered};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata, StoreError};
use trailproof::time::DAY;

use super::super::{World, small};
use super::Row;
use crate::bodies::read;

/// Five days, of which the first run seals three.
fn days() -> Spec {
    Spec { hours: 120, ..small() }
}

/// The folder of a sealed day, so many days before the end.
fn day(world: &World, before: i64) -> String {
    format!("/{}/", world.end.plus(-before * DAY).day().day_folder())
}

fn logs(world: &World, before: i64) -> Vec<Location> {
    world.with(&[&day(world, before), "/CloudTrail/"])
}

fn digests(world: &World, before: i64) -> Vec<Location> {
    world.digests(&[&day(world, before)])
}

/// Writes an object again, with another body where `body` gives one.
fn write(world: &World, location: &Location, body: impl Fn(&[u8]) -> Vec<u8>) {
    let (old, metadata) = read(&world.store, location);
    world.store.put(location, &body(&old), &metadata).unwrap();
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("nothing, days sealed", days(), |_| {}, Intact, Intact, ""),
        (
            "log file of a sealed day deleted",
            days(),
            |world| world.purge(&logs(world, 3)[4..5]),
            Tampered,
            Tampered,
            "log-missing",
        ),
        (
            "log file of a sealed day behind a delete marker",
            days(),
            |world| world.store.delete(&logs(world, 3)[4]).unwrap(),
            Tampered,
            Tampered,
            "log-deleted",
        ),
        (
            "log file of a sealed day changed",
            days(),
            |world| write(world, &logs(world, 3)[4], |old| old[..old.len() - 9].to_vec()),
            Tampered,
            Tampered,
            "log-body",
        ),
        (
            "log file of a sealed day in place of another",
            days(),
            |world| {
                let (body, metadata) = read(&world.store, &logs(world, 3)[5]);
                world.store.put(&logs(world, 3)[4], &body, &metadata).unwrap();
            },
            Tampered,
            Tampered,
            "log-content",
        ),
        (
            "log file of a sealed day written again unchanged",
            days(),
            |world| write(world, &logs(world, 3)[4], <[u8]>::to_vec),
            Intact,
            Intact,
            "",
        ),
        (
            "log file added to a sealed day",
            days(),
            |world| {
                let beside = &logs(world, 3)[4];
                let name = beside.key.replace(".json.gz", "x.json.gz");
                world.store.put(&Location::new(beside.bucket.clone(), name), b"x", &Metadata::new()).unwrap();
            },
            Incomplete,
            Incomplete,
            "unlisted-log",
        ),
        (
            "log file of a sealed day cannot be read",
            days(),
            |world| world.store.refuse(&logs(world, 3)[4], StoreError::Denied("no".to_owned())),
            Incomplete,
            Incomplete,
            "unreadable-log",
        ),
        (
            "digest of a sealed day deleted",
            days(),
            |world| world.purge(&digests(world, 3)[7..8]),
            Tampered,
            Tampered,
            "digest-missing",
        ),
        (
            "newest digest of a sealed day deleted",
            days(),
            |world| world.purge(&digests(world, 3)[23..24]),
            Tampered,
            Tampered,
            "digest-missing",
        ),
        (
            "digest of a sealed day replaced by junk",
            days(),
            |world| write(world, &digests(world, 3)[7], |_| b"x".to_vec()),
            Tampered,
            Tampered,
            "digest-body",
        ),
        (
            "signature of a digest of a sealed day changed",
            days(),
            |world| {
                let digest = &digests(world, 3)[7];
                let (body, mut metadata) = read(&world.store, digest);
                let signature = metadata.get_mut("signature").unwrap();
                let first = if signature.starts_with('0') { "1" } else { "0" };
                signature.replace_range(..1, first);
                world.store.put(digest, &body, &metadata).unwrap();
            },
            Tampered,
            Tampered,
            "other-signature-recorded",
        ),
        (
            "sealed day deleted whole",
            days(),
            |world| world.purge_with(&[&day(world, 3)]),
            Tampered,
            Tampered,
            "digest-missing",
        ),
        (
            "first two days deleted, as if the record began later",
            days(),
            |world| {
                for before in [4, 5] {
                    world.purge_with(&[&day(world, before)]);
                }
            },
            Tampered,
            Tampered,
            "digest-missing",
        ),
        (
            "rolled back into the sealed days",
            days(),
            |world| world.roll_back(72),
            Incomplete,
            Tampered,
            "digest-missing",
        ),
        (
            "everything written again unchanged",
            days(),
            |world| world.store.locations().iter().for_each(|one| write(world, one, <[u8]>::to_vec)),
            Intact,
            Intact,
            "",
        ),
        (
            "log files of the sealed days deleted, digests left",
            days(),
            |world| [2, 3].into_iter().for_each(|before| world.purge(&logs(world, before))),
            Tampered,
            Tampered,
            "log-missing",
        ),
        (
            "digests of the sealed days deleted, log files left",
            days(),
            |world| [2, 3].into_iter().for_each(|before| world.purge(&digests(world, before))),
            Tampered,
            Tampered,
            "digest-missing",
        ),
    ]
}
