//! The engine: from the request to findings, in bounded memory.
//!
//! One run, in the order of the code:
//!
//! 1. `discover` finds the folders of every region of every account below the sources.
//! 2. Regions roll through the `driver`. Their digests are listed ahead, read in batches, newest first, and given to
//!    the [provers](crate::prove), one prover for each chain. `needs` reads the next needs of all provers together.
//!    With memory, `days` finds the days that need not be read.
//! 3. `logs` hashes the log files of proved digests in parallel.
//! 4. `unreferenced` searches a finished region for log files that no digest lists. Then the region is reported and
//!    forgotten.
//! 5. `answered` reports what was asked for and not found.
//!
//! Judgement is in [`prove`](crate::prove), which reads nothing. Only the engine has threads.

mod again;
mod answered;
mod batch;
mod cancel;
mod check;
mod context;
pub mod copies;
mod covering;
mod days;
mod digests;
mod discover;
mod driver;
mod entry;
mod listed;
mod logs;
mod memory;
mod missed;
mod moved;
mod needs;
mod object;
mod parts;
pub mod plan;
mod present;
mod references;
mod region;
mod region_part;
mod region_report;
mod replicas;
mod reporter;
mod request;
mod sealed;
mod source_path;
mod target;
mod trace;
mod trail;
mod twins;
mod unfetched;
mod unreferenced;
mod validator;
mod workers;

pub use cancel::CancelFlag;
pub use check::check;
pub use days::{ReadDays, TouchedDays};
pub use discover::{DiscoveredFolder, DiscoveryFindings};
pub use entry::validate;
pub use memory::{ProvedChain, RememberedChain, RunMemory};
pub use parts::{LogPart, PlannedListing, RegionWeight, RunMerge, RunPlan, plan_runs, run_part, weigh};
pub use present::settle_present;
pub use region_part::{ListedChain, RegionPart, RegionWalk};
pub use reporter::EndNotes;
pub use request::{ReadLimits, RunOutcome, RunTools, SourceFolder, TypedSource, ValidationRequest};
pub use sealed::{Recheck, SealedChain, SealedChanges, SealedDay, SealedFolder};
pub use source_path::{ExpectedSegment, SourceError, above_logs};
pub use target::{is_object, range_of};
pub use trail::{Deliveries, NamedTrail, ToldDeliveries};
pub(crate) use unreferenced::EDGE;
pub use unreferenced::UnreferencedLogs;
pub use validator::{EvidenceSource, Validator, ValidatorError};
