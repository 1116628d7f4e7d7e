//! ASFF, the AWS Security Finding Format (schema version 2018-10-08), for AWS Security Hub: a JSON array for `aws
//! securityhub batch-import-findings --findings file://FILE`, which takes at most 100 findings a call.
//!
//! Form: AWS Security Hub User Guide, "AWS Security Finding Format (ASFF)" and "Required top-level ASFF attributes";
//! Security Hub API Reference, `AwsSecurityFinding`. Written when the run is over. The array has two types of entries:
//!
//! - **per chain**, a check that passes or fails: `Compliance.Status` is `PASSED` (intact: everything in the range is
//!   covered and proved, or accepted), `FAILED` (tampered) or `WARNING` (incomplete). The verdict on a chain is
//!   [`Report::chain_verdict`]. The `Id` is the chain's, so that a new run updates the previous result. A
//!   run on single objects has none: nothing is known of the rest of the chain.
//! - **per finding** that is tampered or incomplete: the `Id` is the same in every run, so a known finding is updated. It
//!   has the id for `state accept` in a run with memory, and an id of its own in a run without. In a run with memory, a
//!   finding of earlier runs that was looked for and not found again has an entry with the same `Id` and the `RecordState`
//!   `ARCHIVED`. Notices are left out. If no finding explains the verdict, for example after an interrupted run, an extra
//!   entry does.
//!
//! | field | value |
//! |---|---|
//! | `ProductArn` | the default product of the finding's account and region: `arn:PARTITION:securityhub:REGION:ACCOUNT:product/ACCOUNT/default` |
//! | `GeneratorId` | `trailproof/KIND`, or `trailproof/chain` |
//! | `Severity.Label` | `CRITICAL` (tampered), `MEDIUM` (incomplete), `INFORMATIONAL` (an intact chain) |
//! | `Types` | `Effects/Data Modification/…` (tampered), `Software and Configuration Checks/…` (otherwise) |
//! | `CreatedAt`, `UpdatedAt` | the end of the run |
//! | `Resources` | the object that was looked at, such as the copy in a replica, as `AwsS3Object`; the trail as `AwsCloudTrailTrail`; or the account |
//! | `ProductFields` | the finding's fields under `trailproof/`: `uri` is where a digest records the object, `copy` or `read-at` where it was looked at, `objects` the number of objects of a finding on many; in a run with memory `finding-id`, the id for `state accept` |
//!
//! An entry without account or region takes those of the first chain or, without chains, `000000000000` and
//! `us-east-1`. Texts are cut to the lengths that the format allows. Otherwise names are exact, and `Description` shows
//! invisible characters as `\u{…}`.

mod wire;

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::cloud::{cut, digest_of, identity, object_arn, partition, trail_arn};
use super::escape::for_terminal;
use super::json::write_document;
use super::text::layout::plural;
use super::text::memory;
use super::{UNEXPLAINED, severity_word};
use crate::event::{
    ChainSummary, Finding, Reason, Report, ReportedChain, ResolvedFinding, Severity, Verdict,
};
use crate::ident::{ChainId, is_account};
use crate::time::Timestamp;
use crate::words::{hint, meaning};
use wire::{
    AsffFinding, AsffRemediation, AsffResource, ComplianceStatus, REQUIREMENTS, RecommendationText,
    ResourceDetails, SeverityLabel, TrailDetails,
};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (here, at) = (ImportTarget::of_run(report), report.finished);
    let judged = report.chains().filter(|_| !report.single_objects);
    let mut entries: Vec<AsffFinding> = judged.map(|chain| of_chain(report, chain, at)).collect();
    let tells = |finding: &&Finding| finding.severity > Severity::Notice;
    entries.extend(report.findings().filter(tells).map(|finding| of_finding(finding, &here, at)));
    let resolved = report.resolved.iter().flatten();
    entries.extend(resolved.map(|finding| of_resolved(finding, &here, at)));
    if report.is_unexplained() {
        entries.push(of_run(&here, report));
    }
    entries.iter_mut().for_each(|entry| entry.field("version", &report.origin.version));
    write_document(out, &entries)
}

/// Account and region to import a finding into.
struct ImportTarget {
    account: String,
    region: String,
}

impl ImportTarget {
    /// Account and region of the first chain, or placeholders.
    fn of_run(report: &Report) -> Self {
        match report.chains().next() {
            Some(chain) => Self::of_chain(&chain.summary.id),
            None => Self { account: "000000000000".to_owned(), region: "us-east-1".to_owned() },
        }
    }

    fn of_chain(chain: &ChainId) -> Self {
        Self { account: chain.account.to_string(), region: chain.region.to_string() }
    }

    fn of_finding(account: Option<&str>, region: Option<&str>, or: &Self) -> Self {
        Self {
            account: account.filter(|account| is_account(account)).unwrap_or(&or.account).to_owned(),
            region: region.unwrap_or(&or.region).to_owned(),
        }
    }

    fn entry(&self, id: &str, at: Timestamp) -> AsffFinding {
        let Self { account, region } = self;
        let partition = partition(region);
        AsffFinding::new(
            format!("trailproof/{account}/{region}/{id}"),
            format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
            account.clone(),
            region.clone(),
            at,
        )
    }
}

/// The entry for the check of a chain.
fn of_chain(report: &Report, chain: &ReportedChain, at: Timestamp) -> AsffFinding {
    let (id, verdict) = (&chain.summary.id, report.chain_verdict(chain));
    let place = ImportTarget::of_chain(id);
    let which = [
        Some("chain"),
        Some(&*id.account),
        Some(&*id.region),
        Some(&*id.trail),
        Some(&*id.home_region),
        id.organization.as_deref(),
        id.backfill.then_some("backfill"),
    ];
    let mut entry = place.entry(&format!("chain/{}", digest_of(&which)), at);
    entry.generator_id = "trailproof/chain".to_owned();
    entry.judge(verdict);
    entry.title = cut(&format!("CloudTrail log file integrity of the trail {}", id.trail), wire::TITLE);
    let ChainSummary { digests, logs, .. } = &chain.summary;
    let unproved = match (chain.summary.unproved_digests(), chain.summary.unproved_logs()) {
        (0, 0) => String::new(),
        (digests, logs) => {
            let (digests, logs) = (plural(digests, "digest file"), plural(logs, "log file"));
            format!("; not proved: {digests} and {logs}")
        }
    };
    let described = format!(
        "trailproof found {id} {}: {} and {} in the asked range{unproved}",
        verdict.as_str(),
        plural(*digests, "digest file"),
        plural(*logs, "log file"),
    );
    entry.description = cut(&for_terminal(&described), wire::DESCRIPTION);
    entry.resources = vec![trail(id, &place)];
    if let Some(newest) = chain.summary.covered.last() {
        entry.field("covered-to", &newest.end.to_string());
    }
    entry
}

fn of_finding(finding: &Finding, or: &ImportTarget, at: Timestamp) -> AsffFinding {
    let place = ImportTarget::of_finding(finding.account.as_deref(), finding.region.as_deref(), or);
    let kind = finding.kind.as_str();
    let id = memory::id(finding).map_or_else(|| identity(finding), str::to_owned);
    let mut entry = place.entry(&format!("{kind}/{id}"), at);
    entry.generator_id = format!("trailproof/{kind}");
    entry.judge(match finding.severity {
        Severity::Tampered => Verdict::Tampered,
        Severity::Incomplete | Severity::Notice => Verdict::Incomplete,
    });
    entry.title = cut(&format!("CloudTrail {kind}: {}", meaning(finding.kind)), wire::TITLE);
    let about = finding.object().map(|object| format!("{object}: ")).unwrap_or_default();
    entry.description = describe(&about, &finding.message());
    entry.remediation = hint(finding).map(|hint| AsffRemediation {
        recommendation: RecommendationText { text: cut(hint, wire::RECOMMENDATION) },
    });
    entry.resources = vec![resource(finding, &place)];
    for (name, value) in fields(finding) {
        entry.field(name, &value);
    }
    entry
}

/// The entry for a finding of earlier runs that the run did not find again.
fn of_resolved(finding: &ResolvedFinding, or: &ImportTarget, at: Timestamp) -> AsffFinding {
    let place = ImportTarget::of_finding(finding.account.as_deref(), finding.region.as_deref(), or);
    let kind = finding.kind.as_str();
    let mut entry = place.entry(&format!("{kind}/{}", finding.id), at);
    entry.generator_id = format!("trailproof/{kind}");
    entry.judge(Verdict::Intact);
    entry.record_state = "ARCHIVED";
    entry.created_at = finding.first_seen;
    entry.title = cut(&format!("CloudTrail {kind}: {}", meaning(finding.kind)), wire::TITLE);
    entry.description = cut(&format!("resolved: {}", memory::resolved(finding)), wire::DESCRIPTION);
    entry.resources = vec![match finding.uri.as_deref() {
        Some(uri) => object(uri, &place),
        None => account(&place),
    }];
    entry.field("finding-id", &finding.id);
    entry
}

/// The description. If the object's name leaves no room, the message has priority.
fn describe(about: &str, message: &str) -> String {
    let message = cut(&for_terminal(message), wire::DESCRIPTION);
    let room = wire::DESCRIPTION - message.chars().count();
    match room {
        0..3 => message,
        room => format!("{}{message}", cut(&for_terminal(about), room)),
    }
}

/// The entry for a verdict that no finding explains.
fn of_run(here: &ImportTarget, report: &Report) -> AsffFinding {
    let mut entry = here.entry("run", report.finished);
    entry.generator_id = "trailproof/run".to_owned();
    entry.judge(report.verdict());
    entry.title = "CloudTrail log file integrity could not be proved".to_owned();
    entry.description = UNEXPLAINED.to_owned();
    entry.resources = vec![account(here)];
    entry.field("interrupted", &report.interrupted.to_string());
    entry
}

fn resource(finding: &Finding, place: &ImportTarget) -> AsffResource {
    match (finding.object(), finding.chain()) {
        (Some(name), _) => object(name, place),
        (None, Some(chain)) => trail(&chain, place),
        (None, None) => account(place),
    }
}

/// An object of a bucket, or a file.
fn object(name: &str, place: &ImportTarget) -> AsffResource {
    let arn = object_arn(name, &place.region);
    let kind = if arn.is_some() { "AwsS3Object" } else { "Other" };
    AsffResource::new(kind, &arn.unwrap_or_else(|| name.to_owned()), &place.region)
}

fn trail(id: &ChainId, place: &ImportTarget) -> AsffResource {
    let Some(arn) = trail_arn(id) else {
        let organization = id.organization.as_deref().unwrap_or_default();
        let name = format!("{organization}/{}/trail/{}", id.home_region, id.trail);
        return AsffResource::new("Other", &name, &place.region);
    };
    let trail = TrailDetails {
        name: id.trail.to_string(),
        home_region: id.home_region.to_string(),
        trail_arn: arn.clone(),
    };
    let mut resource = AsffResource::new("AwsCloudTrailTrail", &arn, &place.region);
    resource.details = Some(ResourceDetails { aws_cloud_trail_trail: trail });
    resource
}

fn account(place: &ImportTarget) -> AsffResource {
    AsffResource::new("AwsAccount", &format!("AWS::::Account:{}", place.account), &place.region)
}

/// The finding's fields, for `ProductFields`.
fn fields(finding: &Finding) -> BTreeMap<&'static str, String> {
    let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    let objects = match finding.objects.len() {
        0 => None,
        number => Some(format!("{number}, named in the JSON report")),
    };
    let fields = [
        ("kind", Some(finding.kind.as_str().to_owned())),
        ("severity", Some(severity_word(finding.severity).to_owned())),
        ("trail", finding.trail.clone()),
        ("home-region", finding.home_region.clone()),
        ("organization", finding.organization.clone()),
        ("backfill", finding.backfill.map(|backfill| backfill.to_string())),
        ("uri", finding.uri.clone()),
        ("copy", finding.copy.clone()),
        ("read-at", finding.read_at.clone()),
        ("original", finding.original.clone()),
        ("objects", objects),
        ("digest", finding.digest.clone()),
        ("expected", finding.expected.clone()),
        ("actual", finding.actual.clone()),
        ("start", moment(finding.start)),
        ("end", moment(finding.end)),
        ("reason", finding.reason.map(|reason| Reason::as_str(reason).to_owned())),
        ("finding-id", memory::id(finding).map(str::to_owned)),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

impl AsffFinding {
    fn judge(&mut self, verdict: Verdict) {
        let (label, status, kind) = match verdict {
            Verdict::Tampered => {
                (SeverityLabel::Critical, "FAILED", "Effects/Data Modification/CloudTrail Tampering")
            }
            Verdict::Incomplete => (
                SeverityLabel::Medium,
                "WARNING",
                "Software and Configuration Checks/AWS Security Best Practices/CloudTrail Integrity",
            ),
            Verdict::Intact => (
                SeverityLabel::Informational,
                "PASSED",
                "Software and Configuration Checks/AWS Security Best Practices/CloudTrail Integrity",
            ),
        };
        self.severity.label = label;
        self.severity.original = verdict.as_str();
        self.types = vec![kind];
        self.compliance = ComplianceStatus { status, related_requirements: REQUIREMENTS };
    }
}

#[cfg(test)]
mod tests;
