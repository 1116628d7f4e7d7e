//! One run in shards, for several machines: plan, run, merge.
//!
//! A plan is made once. Any machines run its shards, in any order, and any number of times. Merging the results gives the
//! report of one run: the same findings, counts, coverage and verdict, byte for byte in JSON apart from times and command
//! line. A shard is a region of an account, with all its folders below the sources: log files, chains and additions of a
//! region are judged together. Where the log files of a region outweigh the target, the region is cut into parts by the
//! hash of the log files' locations: each part walks all digests of the region and hashes its log files.
//!
//! The run is that of the moment of the plan, however long its shards take: digests that are delivered later are left out.
//!
//! Plan and results are like a report: whoever can write them can change the verdict. Keep them where those who can write
//! the evidence cannot.
//!
//! # Format `trailproof/shard/1`
//!
//! A plan is a text of lines, each a JSON object in UTF-8 of at most [`MAX_PLAN_LINE`] bytes. Readers refuse unknown fields
//! and other versions of the program. Moments are strings in UTC with whole seconds, hashes are hex SHA-256. Every line:
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `schema` | string | `trailproof/shard/1` |
//! | `type` | string | `plan` (the first line), `shard`, or `end` (the last line) |
//! | `version` | string | version of the program |
//!
//! A line of type `shard` has all that a machine needs. A line of another type is answered with nothing, so whoever
//! distributes lines may distribute all of them.
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `plan` | string | id of the plan |
//! | `shard` | count | number of the shard, from 0 |
//! | `run` | count | 0; 1 for a replica of a source of the same run |
//! | `account`, `region` | string | account id and region of the log files |
//! | `part`, `parts` | count | number of the part of the region, from 0, and number of parts |
//! | `digests`, `logs` | count | weight by listings: digests of the region, and log files of the part, estimated |
//! | `listing` | hash | over the digests in the listing |
//! | `chains[]` | array of objects | the listed digests of each chain: `id`, `asked`, `digests` (their number) and `newest` (end of the newest) |
//! | `folders[]` | array of objects | folders of the region: `folder` with `bucket`, `root`, `organization`, `account` and `region`, and `has_digests` |
//! | `memory` | object or null | what earlier runs proved in the region: `chains[]`, `sealed[]` with the sealed days of each folder, `recheck`, and `elsewhere` |
//! | `opened` | hash | over the findings of opening the sources |
//! | `request` | object | what is asked: `sources`, `typed`, `start`, `end`, `now`, `accounts`, `regions`, `trails`, `named`, `relocations`, `replicas`, `limits`, `every_object`, `joins_findings` |
//! | `sources` | object | where evidence and keys are: `sources` as typed, `archives[]` and `public_keys[]` with `path` and `sha256`, `fetch_keys`, `max_keys_size`, `endpoint_url`, `expected_bucket_owner`, `request_payer`, `jobs` |
//!
//! The first line has `id`, `started`, `sources`, `identity`, `memory`, `request`, and `runs[]` with what discovery found; the
//! id is half of the hash over the line without the id. `state` is null, or has the `id` and the `generation` of the state of
//! `--state`: the merge needs the same state. The last line has `plan`, `shards` (their number) and `sha256`, over the hashes
//! of all shards: a plan without its last line is refused.
//!
//! # Format `trailproof/shard-result/1`
//!
//! A line of JSON for each shard, of at most [`MAX_RESULT_LINE`] bytes unless the reader raises the
//! limit. The same shard over the same evidence gives the same
//! bytes, apart from `notes`: there are no times of the run in a result.
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `schema` | string | `trailproof/shard-result/1` |
//! | `version` | string | version of the program |
//! | `plan`, `shard` | string, count | id of the plan, number of the shard |
//! | `line` | hash | over the shard, in compact form with the fields in the order of the plan: an engine may write a line anew |
//! | `part.walk` | object | what the digests show: `account`, `region`, `chains[]`, `others[]`, `findings[]`, `trails[]`, `answering`, `has_digest_folder`, `listing`, `listed_chains[]`, `listed`; equal for all parts of a region |
//! | `part.logs[]` | array of objects | what the part's log files of each chain show: `counts`, `logs`, `findings[]`, `timeline`, `objects[]`, `unread` |
//! | `part.search` | object or null | objects that no digest lists: `count` and `findings[]`; in the first part of a region only |
//! | `part.days` | array of objects | with memory, the folders with the days that can be sealed: what the listing of each day has, in the first part, and the hash over what the part read, in every other |
//! | `opened[]` | array of objects | findings of opening the sources on this machine, if others than the plan has |
//! | `newer[]` | array of objects | chains with digests that were delivered after the plan, and not read: `id` and `newest` (end of the newest) |
//! | `notes` | object | what the process noted: `rejected[]` keys, `passed_over` files, `disagreements[]` of copies |
//! | `sha256` | hash | over the compact form of plan, shard, line, part, opened, newer and notes, as an array |
//!
//! # What a merge says of results that do not fit
//!
//! | results | the merged report |
//! |---|---|
//! | none for a shard; only damaged, foreign or outdated ones | `incomplete`, and a finding `shard-incomplete` names the shard and the reason |
//! | two for a shard, equal | nothing |
//! | two for a shard that differ | `incomplete`, named, with the grave findings of both |
//! | parts of a region that saw different digests | `incomplete`, named, with the grave findings of all |
//! | a region whose listing changed since the plan | judged by what is there; a notice says so |
//! | results of other plans, and other lines, beside those of the plan | a notice counts them |
//! | a plan without its last line, of another version, or changed | no report |

mod error;
mod lines;
mod merge;
mod plan;
mod planner;
mod regions;
mod request;
mod result;
mod run;

pub use error::ShardError;
pub use lines::{ReadLine, next_line};
pub use merge::{ShardMerge, nth_shard};
pub use plan::{PlanEnd, PlanHeader, PlanLine, PlannedState, Shard, is_plan_line};
pub use planner::{PlanFacts, PlanTotals, write_plan};
pub use request::{HashedFile, ShardSources};
pub use result::ShardResult;
pub use run::run_shard;

/// The schema of every line of a plan.
pub const SCHEMA: &str = "trailproof/shard/1";

/// The schema of every result.
pub const RESULT_SCHEMA: &str = "trailproof/shard-result/1";

/// The JSON Schema (draft 2020-12) of the lines of a plan.
pub const SCHEMA_FILE: &str = include_str!("shards/shard-1.schema.json");

/// The JSON Schema (draft 2020-12) of results.
pub const RESULT_SCHEMA_FILE: &str = include_str!("shards/shard-result-1.schema.json");

/// The most bytes of a line of a plan.
pub const MAX_PLAN_LINE: usize = 256 << 20;

/// The most bytes of a result, unless `merge --max-size` says otherwise.
pub const MAX_RESULT_LINE: usize = 256 << 20;

/// The most parts of a region.
pub const MAX_PARTS: u32 = 10_000;

const VERSION: &str = env!("CARGO_PKG_VERSION");
