//! The memory of runs (`--state`): what a run proved is kept outside the evidence, and the next run compares.
//!
//! Without memory, a bucket rolled back or emptied since yesterday looks like a young bucket. With memory, the newest
//! digest that a run proved has to be there in the next run, with the same hash, and the next digest has to link to it.
//!
//! # Format `trailproof/state/1`
//!
//! A place holds a marker, `place.json`, and a JSON file for each source prefix × account × region in `regions/`, so
//! that runs over different parts of a bucket write different files. Findings that concern no single region are in
//! `runs/`, in a file for each list of sources; a long list is named by its SHA-256. A file is named after its scope, see
//! [`StateScope::file_name`]. All are JSON objects in UTF-8 of at most [`MAX_FILE`] bytes. Moments are strings in UTC with
//! whole seconds, `2026-09-01T00:00:00Z`.
//!
//! Every file:
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `schema` | string | `trailproof/state/1`; a program refuses a version that it does not know |
//! | `type` | string | `place` (the marker), `region` or `run` |
//! | `checksum` | string | hex SHA-256 of the object without this field, in compact form with sorted names: `jq -jcS 'del(.checksum)' FILE \| sha256sum`; a damaged file is refused |
//!
//! A `region` or `run` file:
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `generation` | count | 1 for the first content, and 1 more for each change |
//! | `source` | string or null | `s3://BUCKET/PREFIX` before `AWSLogs/`, where the run found the digests; null in a `run` file |
//! | `account`, `region` | string or null | account id and region of the log files; null in a `run` file |
//! | `sources` | array of strings | sources of the runs that wrote the file, as typed, without those that hold none of its folders; paths are absolute |
//! | `run.id`, `run.at` | string, moment | the run that wrote the file, and its start |
//! | `heads[]` | array of objects | proved digests that no newer proved digest records: of a chain without gaps its newest digest |
//! | `backfill[]` | array of objects | proved backfill digests, as in `heads[]` |
//! | `begins[]` | array of objects | the oldest proved digest of each chain, as in `heads[]` |
//! | `heads[].chain` | object | the chain in full: `account`, `region`, `trail`, `home_region`, `organization`, `backfill` |
//! | `heads[].uri` | string | where CloudTrail delivered the digest, `s3://BUCKET/KEY` |
//! | `heads[].end` | moment | end of the digest |
//! | `heads[].sha256` | string | hex SHA-256 of the inflated digest |
//! | `heads[].signature` | string or null | hex signature of the digest |
//! | `heads[].run` | string | id of the run that proved the digest |
//! | `heads[].sources[]` | array of strings | for each run that proved the digest the sources that may have it, as typed, with a newline between several; absent if these are `sources[]` |
//! | `sealed[]` | array of objects | the folders with sealed days: days that a run proved whole, without a finding; absent in files of older versions |
//! | `sealed[].organization` | string or null | organization id, for the folder of an organization's trail |
//! | `sealed[].logs[]` | array of strings | folders of log files that belong to the listings of the days, such as `CloudTrail` |
//! | `sealed[].days[].day` | moment | start of the day |
//! | `sealed[].days[].sha256` | string | hex SHA-256 of the listing of the day, see below |
//! | `sealed[].days[].lists[]` | array of moments | other days in whose folders the digests of the day list log files |
//! | `sealed[].days[].read`, `.run` | moment, string | start and id of the run that last read every object of the day |
//! | `sealed[].days[].archived` | boolean | a later run could not read an object of the day again, because it is in an archive; absent for false |
//! | `sealed[].days[].chains[]` | array of objects | the digests of the day by chain, each recorded by the next: `trail`, `home_region`, and the numbers of `digests` and `logs` |
//! | `sealed[].days[].chains[].start` | moment | start of the oldest digest |
//! | `sealed[].days[].chains[].oldest`, `.newest` | object | `end` and `sha256` of the digest |
//! | `sealed[].days[].chains[].previous` | object or null | `end` and `sha256` of the predecessor that the oldest digest records; null for a digest that starts a chain |
//! | `findings[]` | array of objects | findings graver than a notice, at most [`MAX_FINDINGS`] |
//! | `findings[].id`, `.first_seen`, `.kind` | strings | as in the JSON report |
//! | `findings[].severity` | string | `tampered` or `incomplete` |
//! | `findings[].chain` | object or null | the chain, for a finding on a single chain |
//! | `findings[].account`, `.region`, `.uri`, `.start`, `.end` | string or null | as in the JSON report |
//! | `findings[].unseen` | boolean | whether the object was not read, so that the finding cannot be accepted; absent for false |
//! | `findings[].copy` | string | as in the JSON report; absent for a finding about the original |
//! | `findings[].cause` | string or null | as in the JSON report |
//! | `findings[].at` | moment | time of the finding |
//! | `findings[].state` | string | `open` or `accepted` |
//! | `findings[].accepted` | object or null | `reason`, `by` and `at` of the acceptance |
//!
//! The marker has `id` (which tells the place from every other), `ready` (whether `state init` found the place to be usable) and `files`, the highest generation of each
//! file. The marker is written after the files, so a file may be newer than the marker says, but never older.
//!
//! # Sealed days
//!
//! The hash of a day is over a line `NAME HASH` for each folder that has an object of the day: `CloudTrail-Digest` first,
//! then the folders of log files, `CloudTrail` first, then `CloudTrail-Insight`, `CloudTrail-NetworkActivity` and
//! `CloudTrail-Aggregated`. `HASH` is the hex SHA-256 over the listing of the day's objects in key order, a line for each
//! object: key, size, ETag with its quotes, and last-modified as a moment, with a tab between them and a newline at the
//! end. Objects in the day's folders count, whatever their names.
//!
//! # What an acceptance covers
//!
//! An acceptance is of a finding's id, see [`Finding::id`](crate::event::Finding::id), and the id stands for all that was
//! observed: the content of an object too, by a SHA-256, or by size, ETag and last-modified. A log file
//! that only an unproved digest lists is read for that. A finding on a body of which no hash was taken, since the body is
//! too long or a second read failed, is not kept, so it is new in each run. A finding on an object that could not be read
//! is kept, and cannot be accepted; that a copy lacks an object is seen. A finding that
//! stands for objects that it does not name cannot be accepted: a count of objects, a folder or an archive's member that
//! was not read, a shard. Nor can a finding on what a run did not settle, such as two reads that differ.
//!
//! # What is refused
//!
//! A place without a marker; a file that is damaged, cut, of another version or scope, older than the marker says, or
//! gone. Nothing of this is ever read as "no memory". A copy of a whole place that is put back cannot be told from the
//! place itself: keep the place where those who can write the evidence cannot.
//!
//! # Writing
//!
//! Each file is replaced whole, and only if it still has the content that was read; otherwise the change is applied to
//! the new content. Files do not depend on each other, so a run that is killed leaves some files as before.

mod accept;
mod days;
mod digests;
mod document;
mod error;
mod findings;
mod marker;
mod parallel;
pub mod place;
mod scope;
mod session;
mod sources;
mod update;
mod validator;
mod wire;

pub use days::MAX_SEALED;
pub use document::{
    MAX_FINDINGS, RememberedDigest, RememberedFinding, RunStamp, StateDocument, StoredAcceptance,
};
pub use error::StateError;
pub use marker::{OpenState, init};
pub use place::StatePlace;
pub use scope::StateScope;
pub use session::{MemorySession, RunIdentity};
pub use sources::RunSources;
pub use validator::{RememberingError, run_stamp};

/// The most bytes of a file.
pub const MAX_FILE: u64 = 32 << 20;

/// The schema of every file.
pub const SCHEMA: &str = "trailproof/state/1";

/// The JSON Schema (draft 2020-12) of the files.
pub const SCHEMA_FILE: &str = include_str!("state/state-1.schema.json");
