//! The written fields of ASFF and their maximum lengths.
//!
//! Lengths: AWS Security Hub User Guide, "Required top-level ASFF attributes" and "Optional top-level ASFF attributes",
//! and the API Reference of `AwsSecurityFinding` and `Resource`, in characters.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::cloud::{cut, digest_of, partition};
use crate::time::Timestamp;

pub(super) const TITLE: usize = 256;
pub(super) const DESCRIPTION: usize = 1024;
pub(super) const RECOMMENDATION: usize = 512;
const RESOURCE_ID: usize = 512;
const FIELD: usize = 2048;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AsffFinding {
    schema_version: &'static str,
    id: String,
    product_arn: String,
    product_name: &'static str,
    company_name: &'static str,
    region: String,
    pub(super) generator_id: String,
    aws_account_id: String,
    pub(super) types: Vec<&'static str>,
    last_observed_at: Timestamp,
    pub(super) created_at: Timestamp,
    updated_at: Timestamp,
    pub(super) severity: SeverityOf,
    pub(super) title: String,
    pub(super) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remediation: Option<AsffRemediation>,
    product_fields: BTreeMap<String, String>,
    pub(super) resources: Vec<AsffResource>,
    pub(super) compliance: ComplianceStatus,
    pub(super) record_state: &'static str,
}

impl AsffFinding {
    pub(super) fn new(
        id: String,
        product_arn: String,
        account: String,
        region: String,
        at: Timestamp,
    ) -> Self {
        Self {
            schema_version: "2018-10-08",
            id,
            product_arn,
            product_name: "Default",
            company_name: "Personal",
            region,
            generator_id: String::new(),
            aws_account_id: account,
            types: Vec::new(),
            last_observed_at: at,
            created_at: at,
            updated_at: at,
            severity: SeverityOf { label: SeverityLabel::Informational, original: "" },
            title: String::new(),
            description: String::new(),
            remediation: None,
            product_fields: BTreeMap::new(),
            resources: Vec::new(),
            compliance: ComplianceStatus { status: "NOT_AVAILABLE", related_requirements: REQUIREMENTS },
            record_state: "ACTIVE",
        }
    }

    /// Adds `trailproof/NAME` to `ProductFields`. Empty values are left out, since ASFF forbids them.
    pub(super) fn field(&mut self, name: &str, value: &str) {
        if !value.trim().is_empty() {
            self.product_fields.insert(format!("trailproof/{name}"), cut(value, FIELD));
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SeverityOf {
    pub(super) label: SeverityLabel,
    pub(super) original: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum SeverityLabel {
    Informational,
    Medium,
    Critical,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AsffRemediation {
    pub(super) recommendation: RecommendationText,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecommendationText {
    pub(super) text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ComplianceStatus {
    pub(super) status: &'static str,
    pub(super) related_requirements: [&'static str; 5],
}

/// The controls that a complete record is evidence for.
pub(super) const REQUIREMENTS: [&str; 5] = [
    "PCI DSS v4.0.1/10.3.4",
    "PCI DSS v4.0.1/11.5.2",
    "CIS AWS Foundations Benchmark/3.2",
    "NIST.800-53.r5 AU-9(3)",
    "NIST.800-53.r5 AU-10",
];

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AsffResource {
    r#type: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<&'static str>,
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) details: Option<ResourceDetails>,
}

impl AsffResource {
    /// A resource. An overlong name is cut and ends in a hash of the full name, so that two names stay different.
    pub(super) fn new(kind: &'static str, id: &str, region: &str) -> Self {
        let id = match id.chars().count() > RESOURCE_ID {
            true => {
                let hash = digest_of(&[Some(id)]);
                format!("{}#{hash}", cut(id, RESOURCE_ID - hash.len() - 1))
            }
            false => id.to_owned(),
        };
        Self {
            r#type: kind,
            id,
            partition: known_partition(region),
            region: region.to_owned(),
            details: None,
        }
    }
}

/// The partition in ASFF's words, which differ from the ARN's; `None` for partitions unknown to ASFF.
fn known_partition(region: &str) -> Option<&'static str> {
    match partition(region) {
        "aws" => Some("aws"),
        "aws-cn" => Some("aws-cn"),
        "aws-us-gov" => Some("aws-us-gov"),
        "aws-iso" => Some("aws-us-iso"),
        "aws-iso-b" => Some("aws-us-iso-b"),
        _ => None,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResourceDetails {
    pub(super) aws_cloud_trail_trail: TrailDetails,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TrailDetails {
    pub(super) name: String,
    pub(super) home_region: String,
    pub(super) trail_arn: String,
}
