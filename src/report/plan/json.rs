//! The plan as JSON, `trailproof/plan/1`, in the form of the [report](crate::report::json): all fields are always
//! present; fields may be added and are never changed. A moment is a string in UTC, a size is in bytes as stored.
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `schema` | string | `trailproof/plan/1` |
//! | `version` | string | version of the program that wrote the plan |
//! | `sources` | array of strings | sources as the user named them, in the user's order |
//! | `range.start` | moment or null | asked start; null asks for the whole record |
//! | `range.end` | moment | asked end |
//! | `chains[]` | array of objects | chains of digests to read, in order of account, region, trail, home region |
//! | `chains[].account`, `.region`, `.trail`, `.home_region` | string | names of the chain |
//! | `chains[].organization` | string or null | organization id, for an organization's trail |
//! | `chains[].backfill` | boolean | whether the chain consists of the trail's backfill digests |
//! | `chains[].selected` | boolean | false for a trail that was not asked for, read for the log files in its digests |
//! | `chains[].digests`, `.digest_bytes` | count, size | digests of the asked range |
//! | `chains[].witnesses`, `.witness_bytes` | count, size | digests outside the range that are read but not counted |
//! | `chains[].first`, `.last` | moment | end times of the oldest and the newest digest to read |
//! | `regions[]` | array of objects | regions with folders, in order of account, region |
//! | `regions[].account`, `.region` | string | names of the region |
//! | `regions[].logs`, `.bytes` | count, size | log files to read, estimated from their names |
//! | `requests.list` | count | LIST requests of 1,000 keys each; for a directory, the equivalent number |
//! | `requests.get` | count | GET requests, an object each; for a directory, files to read. Log files are estimated |
//! | `bytes` | size | total size of the objects |
//! | `archived.digests`, `.digest_bytes` | count, size | digests to read that have to be restored before a run |
//! | `archived.logs`, `.log_bytes` | count, size | log files to read that have to be restored; listings do not show the archive tiers of `INTELLIGENT_TIERING`, and show restored objects as archived |
//! | `cost_usd` | object or null | US dollars, S3 Standard in us-east-1; null where no source is in S3 |
//! | `cost_usd.requests` | number | for the requests: the total cost within the bucket's region |
//! | `cost_usd.transfer_to_internet` | number | maximum additional cost outside AWS: free transfer is not subtracted |
//! | `findings[]` | array of objects | failed listings and unmatched requests, in the form of the report's findings |

use std::io::{self, Write};

use serde::Serialize;

use super::Planned;
use crate::report::json::{WireFinding, WireRange, write_document};
use crate::time::Timestamp;
use crate::validate::plan::{ArchivedAmount, ChainPlan, Cost, RegionPlan};

const SCHEMA: &str = "trailproof/plan/1";

/// Writes `planned` as a JSON document and flushes `out`.
///
/// # Errors
/// The errors of `out`, unchanged.
pub fn write(planned: &Planned<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_document(out, &WirePlan::of(planned))
}

#[derive(Serialize)]
struct WirePlan<'a> {
    schema: &'static str,
    version: &'static str,
    sources: &'a [String],
    range: WireRange,
    chains: Vec<WireChain<'a>>,
    regions: Vec<WireRegion<'a>>,
    requests: WireRequests,
    bytes: u64,
    archived: WireArchived,
    cost_usd: Option<WireCost>,
    findings: Vec<WireFinding<'a>>,
}

impl<'a> WirePlan<'a> {
    fn of(planned: &Planned<'a>) -> Self {
        let plan = planned.plan;
        let reads = plan.reads();
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            sources: planned.sources,
            range: WireRange::of(planned.range),
            chains: plan.chains.iter().map(WireChain::of).collect(),
            regions: plan.regions.iter().map(WireRegion::of).collect(),
            requests: WireRequests { list: plan.list_requests, get: reads.objects },
            bytes: reads.bytes,
            archived: WireArchived::of(plan.archived),
            cost_usd: planned.cost().map(WireCost::of),
            findings: plan.findings.iter().map(WireFinding::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct WireChain<'a> {
    account: &'a str,
    region: &'a str,
    trail: &'a str,
    home_region: &'a str,
    organization: Option<&'a str>,
    backfill: bool,
    selected: bool,
    digests: u64,
    digest_bytes: u64,
    witnesses: u64,
    witness_bytes: u64,
    first: Timestamp,
    last: Timestamp,
}

impl<'a> WireChain<'a> {
    fn of(chain: &'a ChainPlan) -> Self {
        let ChainPlan { id, selected, inside, witnesses, first, last } = chain;
        Self {
            account: &id.account,
            region: &id.region,
            trail: &id.trail,
            home_region: &id.home_region,
            organization: id.organization.as_deref(),
            backfill: id.backfill,
            selected: *selected,
            digests: inside.objects,
            digest_bytes: inside.bytes,
            witnesses: witnesses.objects,
            witness_bytes: witnesses.bytes,
            first: *first,
            last: *last,
        }
    }
}

#[derive(Serialize)]
struct WireRegion<'a> {
    account: &'a str,
    region: &'a str,
    logs: u64,
    bytes: u64,
}

impl<'a> WireRegion<'a> {
    fn of(of: &'a RegionPlan) -> Self {
        let RegionPlan { account, region, logs } = of;
        Self { account, region, logs: logs.objects, bytes: logs.bytes }
    }
}

#[derive(Serialize)]
struct WireRequests {
    list: u64,
    get: u64,
}

#[derive(Serialize)]
struct WireArchived {
    digests: u64,
    digest_bytes: u64,
    logs: u64,
    log_bytes: u64,
}

impl WireArchived {
    const fn of(archived: ArchivedAmount) -> Self {
        let ArchivedAmount { digests, logs } = archived;
        Self {
            digests: digests.objects,
            digest_bytes: digests.bytes,
            logs: logs.objects,
            log_bytes: logs.bytes,
        }
    }
}

#[derive(Serialize)]
struct WireCost {
    requests: f64,
    transfer_to_internet: f64,
}

impl WireCost {
    fn of(cost: Cost) -> Self {
        let Cost { requests, transfer_to_internet } = cost;
        Self { requests: requests.dollars(), transfer_to_internet: transfer_to_internet.dollars() }
    }
}
