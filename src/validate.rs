//! The engine: from what was asked to findings, in bounded memory.
//!
//! One run, in the order of the code:
//!
//! 1. `discover` finds the folders of every region of every account below the sources.
//! 2. Regions roll through the `driver`: their digests are listed ahead, read in windows, newest first, and given to the
//!    [provers](crate::prove), one for each chain. What all provers need next is read together (`needs`).
//! 3. The log files of proved digests are hashed in parallel (`logs`).
//! 4. A region that is done is searched for files that no digest lists (`unreferenced`), reported, and forgotten.
//! 5. What was asked for and not found is reported (`answered`).
//!
//! Judgement is in [`prove`](crate::prove), which reads nothing. Threads are only here.

mod again;
mod answered;
mod cancel;
mod check;
mod context;
pub mod copies;
mod digests;
mod discover;
mod driver;
mod entry;
mod listed;
mod logs;
mod missed;
mod needs;
mod object;
pub mod plan;
mod region;
mod region_report;
mod request;
mod scope;
mod target;
mod tell;
mod trace;
mod trail;
mod unreferenced;
mod validator;
mod workers;

pub use cancel::Stop;
pub use check::check;
pub use entry::validate;
pub use request::{Limits, Outcome, Request, Source, Tools, TypedSource};
pub use scope::{Expected, SourceError};
pub use target::{is_object, range_of};
pub use trail::{Deliveries, NamedTrail};
pub use validator::{EvidenceSource, Validator, ValidatorError};
