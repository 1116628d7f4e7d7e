//! The lines of a plan.

use serde::{Deserialize, Serialize};

use super::request::{ShardSources, WrittenRequest};
use super::{MAX_PARTS, SCHEMA, ShardError, VERSION};
use crate::event::Finding;
use crate::ident::{RegionFolder, Sha256Hash, is_account, is_region};
use crate::text::{is_object, shortened, without_type_names};
use crate::time::Timestamp;
use crate::validate::{
    DiscoveredFolder, DiscoveryFindings, EndNotes, ListedChain, LogPart, RunMemory, ValidationRequest,
};

/// The first fields of every line.
#[derive(Deserialize)]
struct LineHead {
    schema: Option<String>,
    r#type: Option<String>,
    version: Option<String>,
}

/// A line of a plan.
#[derive(Clone, Debug)]
pub enum PlanLine {
    /// The first line.
    Plan(Box<PlanHeader>),
    /// A shard.
    Shard(Box<Shard>),
    /// The last line.
    End(PlanEnd),
}

/// The first line: what is common to all shards.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanHeader {
    pub(super) schema: String,
    pub(super) r#type: String,
    pub(super) version: String,
    /// The id of the plan.
    pub(super) id: String,
    /// When the run began: when the plan was made.
    pub(super) started: Timestamp,
    /// The sources as typed.
    pub(super) sources: Vec<String>,
    /// The sources as memory knows them, absolute.
    pub(super) identity: Vec<String>,
    /// Whether the run has a memory.
    pub(super) memory: bool,
    /// The state that holds the memory.
    pub(super) state: Option<PlannedState>,
    /// The whole request.
    pub(super) request: WrittenRequest,
    /// The runs that the request consists of: one, or the originals and then their replicas.
    pub(super) runs: Vec<PlannedRun>,
}

/// The state that a plan was made with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedState {
    /// The id of the state; `None` for a state that only an older version wrote to.
    pub id: Option<String>,
    /// The sum of the generations of the files that the run asks about, when the plan was made.
    pub generation: u64,
}

/// A run of a plan, as discovery left it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlannedRun {
    pub(super) request: WrittenRequest,
    /// Findings known before discovery.
    pub(super) findings: Vec<Finding>,
    pub(super) found: DiscoveryFindings,
    pub(super) notes: EndNotes,
    /// The hash over the folders of all regions.
    pub(super) regions: Sha256Hash,
}

/// A shard: a region of an account, or a part of its log files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    pub(super) schema: String,
    pub(super) r#type: String,
    pub(super) version: String,
    pub(super) plan: String,
    pub(super) shard: u64,
    pub(super) run: u32,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) part: u32,
    pub(super) parts: u32,
    pub(super) digests: u64,
    pub(super) logs: u64,
    pub(super) listing: Sha256Hash,
    pub(super) chains: Vec<ListedChain>,
    pub(super) folders: Vec<DiscoveredFolder>,
    pub(super) memory: Option<RunMemory>,
    /// The hash over the findings of opening the sources.
    pub(super) opened: Sha256Hash,
    pub(super) request: WrittenRequest,
    pub(super) sources: ShardSources,
}

/// The last line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanEnd {
    pub(super) schema: String,
    pub(super) r#type: String,
    pub(super) version: String,
    pub(super) plan: String,
    pub(super) shards: u64,
    /// The hash over the hashes of the lines of all shards.
    pub(super) sha256: Sha256Hash,
}

impl PlanHeader {
    /// The id of the plan.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The sources as typed.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The sources as memory knows them.
    #[must_use]
    pub fn identity(&self) -> &[String] {
        &self.identity
    }

    /// When the run began.
    #[must_use]
    pub const fn started(&self) -> Timestamp {
        self.started
    }

    /// Whether the run has a memory.
    #[must_use]
    pub const fn has_memory(&self) -> bool {
        self.memory
    }

    /// The state that holds the memory.
    #[must_use]
    pub const fn state(&self) -> Option<&PlannedState> {
        self.state.as_ref()
    }

    /// The id that follows from the content.
    pub(super) fn content_id(&self) -> Result<String, ShardError> {
        let bytes = serde_json::to_vec(&Self { id: String::new(), ..self.clone() });
        let hash = Sha256Hash::of(&bytes.map_err(std::io::Error::other)?).to_string();
        Ok(hash.get(..32).unwrap_or_default().to_owned())
    }
}

impl Shard {
    /// The id of the plan.
    #[must_use]
    pub fn plan(&self) -> &str {
        &self.plan
    }

    /// Number of the shard in the plan, from 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.shard
    }

    /// Number of the run that the shard belongs to: 0, or 1 for replicas.
    #[must_use]
    pub const fn run(&self) -> u32 {
        self.run
    }

    /// Account and region.
    #[must_use]
    pub fn region(&self) -> (&str, &str) {
        (&self.account, &self.region)
    }

    /// The part of the region's log files.
    #[must_use]
    pub const fn part(&self) -> LogPart {
        LogPart { number: self.part, of: self.parts }
    }

    /// Where the evidence and the keys come from.
    #[must_use]
    pub const fn sources(&self) -> &ShardSources {
        &self.sources
    }

    /// The request of the shard, with the memory of its region.
    ///
    /// # Errors
    /// [`ShardError::Contradictory`] for a range that ends before its start.
    pub fn request(&self) -> Result<ValidationRequest, ShardError> {
        let request = self.request.clone().into_request();
        let request = request.ok_or(ShardError::Contradictory("the range ends before its start"))?;
        Ok(ValidationRequest { memory: self.memory.clone(), ..request })
    }

    fn check(&self) -> Result<(), ShardError> {
        let wrong = |what| Err(ShardError::Contradictory(what));
        // The id is a part of the names of files.
        if self.plan.len() != 32 || !self.plan.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return wrong("no id of a plan");
        }
        if !is_account(&self.account) || !is_region(&self.region) {
            return wrong("no account or no region");
        }
        let is_own = |found: &DiscoveredFolder| {
            *found.folder.account == *self.account && *found.folder.region == *self.region
        };
        if self.folders.is_empty() || !self.folders.iter().all(is_own) {
            return wrong("folders of another account or region");
        }
        if self.parts == 0 || self.parts > MAX_PARTS || self.part >= self.parts {
            return wrong("no such part");
        }
        if self.sources.jobs.is_some_and(|jobs| !(1..=1_024).contains(&jobs)) {
            return wrong("no such number of jobs");
        }
        let memory = self.memory.iter().flat_map(|memory| &memory.chains);
        let is_of_region =
            |chain: &crate::ident::ChainId| *chain.account == *self.account && *chain.region == *self.region;
        let sealed = || self.memory.iter().flat_map(|memory| &memory.sealed);
        let days = || sealed().flat_map(|(_, sealed)| &sealed.days);
        let of_days = days().flat_map(|(_, day)| day.chains.iter().map(|chain| &*chain.id));
        let is_own_folder = |folder: &RegionFolder| self.folders.iter().any(|found| found.folder == *folder);
        if !memory.map(|(id, _)| id).chain(of_days).all(is_of_region)
            || !sealed().all(|(folder, _)| is_own_folder(folder))
        {
            return wrong("memory of another account or region");
        }
        if let Some(wrong_day) = days().find_map(|(day, sealed)| sealed.check(*day).err()) {
            return wrong(wrong_day);
        }
        self.request().map(drop)
    }
}

impl PlanLine {
    /// Parses a line.
    ///
    /// # Errors
    /// [`ShardError`] for a line that is no line of a plan of this version.
    pub fn parse(line: &[u8]) -> Result<Self, ShardError> {
        let head: LineHead = parse(line)?;
        match head.schema.as_deref() {
            Some(SCHEMA) => {}
            Some(other) => return Err(ShardError::Schema(shown(other.to_owned()))),
            None => return Err(ShardError::Malformed("no field `schema`".to_owned())),
        }
        match head.version {
            Some(version) if version == VERSION => {}
            version => {
                let theirs = shown(version.unwrap_or_default());
                return Err(ShardError::Version { theirs, ours: VERSION });
            }
        }
        match head.r#type.as_deref() {
            Some("plan") => {
                let header: PlanHeader = parse(line)?;
                if header.content_id()? != header.id {
                    return Err(ShardError::Contradictory("the id is not that of the content"));
                }
                Ok(Self::Plan(Box::new(header)))
            }
            Some("shard") => {
                let shard: Shard = parse(line)?;
                shard.check()?;
                Ok(Self::Shard(Box::new(shard)))
            }
            Some("end") => Ok(Self::End(parse(line)?)),
            _ => Err(ShardError::Malformed("unknown `type`".to_owned())),
        }
    }
}

/// Whether a line claims to be a line of a plan, of whatever version.
#[must_use]
pub fn is_plan_line(line: &[u8]) -> bool {
    serde_json::from_slice(line).is_ok_and(|head: LineHead| head.schema.as_deref() == Some(SCHEMA))
}

fn parse<'l, T: Deserialize<'l>>(line: &'l [u8]) -> Result<T, ShardError> {
    if !is_object(line) {
        return Err(ShardError::Malformed("expected a JSON object".to_owned()));
    }
    serde_json::from_slice(line).map_err(|error| {
        // The text of a line has only one line.
        let text = error.to_string().replace(" at line 1 column ", " at column ");
        ShardError::Malformed(shown(without_type_names(&text)))
    })
}

/// A text from a line, as a message can show it.
pub(super) fn shown(text: String) -> String {
    shortened(text.escape_debug().to_string())
}
