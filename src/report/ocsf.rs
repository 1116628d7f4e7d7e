//! OCSF, the Open Cybersecurity Schema Framework, version 1.5.0: Detection Findings (`class_uid` 2004) with the profile
//! `cloud`, a JSON object per line, for Amazon Security Lake and other OCSF consumers.
//!
//! Form: <https://schema.ocsf.io/1.5.0/classes/detection_finding>. An object for each finding, notices included,
//! written when the run is over. An intact run writes only notices. If no finding explains the verdict, for example
//! after an interrupted run, an extra object does.
//!
//! | field | value |
//! |---|---|
//! | `finding_info.uid` | the same for the same finding in every run |
//! | `finding_info.types`, `.analytic` | the kind: `log-modified` and so on |
//! | `severity_id` | 5 Critical (tampered), 3 Medium (incomplete), 1 Informational (notice) |
//! | `status_id`, `activity_id` | 1 New, 1 Create |
//! | `is_alert` | whether the finding is tampered |
//! | `time`, `finding_info.created_time` | the end of the run, in milliseconds; `start_time`, `end_time`: the stretch of time |
//! | `cloud` | provider `AWS`, region and account of the finding |
//! | `resources` | the object that was looked at, such as the copy in a replica; or the trail |
//! | `evidences` | the same object as a file with its actual hash, and in `data` the fields of the JSON report's finding |
//! | `observables` | the object, and the expected and actual hashes |
//! | `remediation.desc` | what to do next |

mod wire;

use std::io::{self, Write};

use super::UNEXPLAINED;
use super::cloud::{identity, object_arn, partition};
use super::json::{WireFinding, write_line};
use crate::event::{Finding, Kind, Report, Severity, Verdict};
use crate::ident::{Sha256Hash, is_account};
use crate::time::Timestamp;
use crate::words::{hint, meaning};
use wire::{
    AffectedResource, CloudAccount, CloudOrigin, DetectionFinding, EvidenceFile, FileHash, FindingEvidence,
    FindingInfo, FindingMetadata, ObservedValue, OcsfRemediation, RuleAnalytic,
};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings() {
        write_line(out, &of_finding(finding, report))?;
    }
    if report.is_unexplained() {
        write_line(out, &of_run(report))?;
    }
    Ok(())
}

fn of_finding<'a>(finding: &'a Finding, report: &'a Report) -> DetectionFinding<'a> {
    let at = report.finished;
    let kind = finding.kind.as_str();
    let info = FindingInfo {
        uid: format!("trailproof/{kind}/{}", identity(finding)),
        title: format!("CloudTrail {kind}: {}", meaning(finding.kind)),
        desc: finding.message(),
        types: [kind],
        created_time: milliseconds(at),
        analytic: RuleAnalytic::new(kind),
        data_sources: ["AWS CloudTrail"],
    };
    let mut detection =
        DetectionFinding::new(info, finding.severity, milliseconds(at), &report.origin.version);
    detection.message = finding.message();
    detection.start_time = finding.start.map(milliseconds);
    detection.end_time = finding.end.map(milliseconds);
    detection.cloud = CloudOrigin::new(account(finding), finding.region.as_deref());
    detection.resources = resource(finding).into_iter().collect();
    detection.observables = observables(finding);
    detection.evidences = vec![FindingEvidence { file: file(finding), data: WireFinding::of(finding) }];
    detection.remediation = hint(finding).map(|desc| OcsfRemediation { desc });
    detection
}

/// The object for a verdict that no finding explains.
fn of_run(report: &Report) -> DetectionFinding<'_> {
    let at = milliseconds(report.finished);
    let verdict = report.verdict();
    let kind = verdict.as_str();
    let info = FindingInfo {
        uid: "trailproof/run".to_owned(),
        title: "CloudTrail log file integrity could not be proved".to_owned(),
        desc: UNEXPLAINED.to_owned(),
        types: [kind],
        created_time: at,
        analytic: RuleAnalytic::new(kind),
        data_sources: ["AWS CloudTrail"],
    };
    let severity = match verdict {
        Verdict::Tampered => Severity::Tampered,
        Verdict::Incomplete => Severity::Incomplete,
        Verdict::Intact => Severity::Notice,
    };
    DetectionFinding {
        message: UNEXPLAINED.to_owned(),
        ..DetectionFinding::new(info, severity, at, &report.origin.version)
    }
}

const fn milliseconds(moment: Timestamp) -> i64 {
    moment.unix().saturating_mul(1000)
}

fn account(finding: &Finding) -> Option<CloudAccount<'_>> {
    let uid = finding.account.as_deref().filter(|account| is_account(account))?;
    Some(CloudAccount { uid, type_id: 10, r#type: "AWS Account" })
}

/// The object; without an object, the trail or the account.
fn resource(finding: &Finding) -> Option<AffectedResource<'_>> {
    let region = finding.region.as_deref();
    let (uid, kind) = match (finding.object(), &finding.trail, &finding.account) {
        (Some(object), _, _) => match object_arn(object, region.unwrap_or_default()) {
            Some(arn) => (arn, "AWS::S3::Object"),
            None => (object.to_owned(), "File"),
        },
        (None, Some(trail), _) => (trail.clone(), "AWS::CloudTrail::Trail"),
        (None, None, Some(account)) => (account.clone(), "AWS::Account"),
        (None, None, None) => return None,
    };
    Some(AffectedResource { uid, r#type: kind, region, cloud_partition: region.map(partition) })
}

fn observables(finding: &Finding) -> Vec<ObservedValue<'_>> {
    let mut observables = Vec::new();
    if let Some(value) = finding.object() {
        observables.push(ObservedValue {
            name: "evidences[].file.path",
            type_id: 45,
            r#type: "File Path",
            value,
        });
    }
    let actual = finding.actual.as_deref().filter(|value| is_hash(value));
    let expected = finding.expected.as_deref().filter(|value| is_hash(value));
    let hashes = [("evidences[].file.hashes[].value", actual), ("evidences[].data.expected", expected)];
    for (name, value) in hashes {
        observables.extend(value.map(|value| ObservedValue { name, type_id: 8, r#type: "Hash", value }));
    }
    observables
}

/// The object as a file, with the hash of the inflated content.
fn file(finding: &Finding) -> Option<EvidenceFile<'_>> {
    let path = finding.object()?;
    let name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(path);
    let actual = finding.actual.as_deref().filter(|value| is_hash(value));
    let hashes = actual.map(|value| FileHash { algorithm_id: 3, algorithm: "SHA-256", value });
    let is_deleted = matches!(
        finding.kind,
        Kind::LogDeleted | Kind::LogMissing | Kind::DigestDeleted | Kind::DigestMissing
    );
    Some(EvidenceFile {
        name,
        path,
        type_id: 1,
        r#type: "Regular File",
        hashes: hashes.into_iter().collect(),
        is_deleted,
    })
}

fn is_hash(value: &str) -> bool {
    Sha256Hash::parse(value).is_some()
}

impl<'a> DetectionFinding<'a> {
    fn new(info: FindingInfo, severity: Severity, time: i64, version: &'a str) -> Self {
        let (severity_id, severity_word) = match severity {
            Severity::Tampered => (5, "Critical"),
            Severity::Incomplete => (3, "Medium"),
            Severity::Notice => (1, "Informational"),
        };
        Self {
            activity_id: 1,
            activity_name: "Create",
            category_uid: 2,
            category_name: "Findings",
            class_uid: 2004,
            class_name: "Detection Finding",
            type_uid: 200_401,
            type_name: "Detection Finding: Create",
            time,
            start_time: None,
            end_time: None,
            severity_id,
            severity: severity_word,
            status_id: 1,
            status: "New",
            is_alert: severity == Severity::Tampered,
            message: String::new(),
            finding_info: info,
            metadata: FindingMetadata::new(version),
            cloud: CloudOrigin::new(None, None),
            resources: Vec::new(),
            observables: Vec::new(),
            evidences: Vec::new(),
            remediation: None,
        }
    }
}

#[cfg(test)]
mod tests;
