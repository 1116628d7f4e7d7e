//! The written attributes of OCSF 1.5.0. Source: <https://schema.ocsf.io/1.5.0/>.

use serde::Serialize;

use crate::report::json::WireFinding;

/// A Detection Finding.
#[derive(Serialize)]
pub(super) struct DetectionFinding<'a> {
    pub(super) activity_id: u8,
    pub(super) activity_name: &'static str,
    pub(super) category_uid: u8,
    pub(super) category_name: &'static str,
    pub(super) class_uid: u16,
    pub(super) class_name: &'static str,
    pub(super) type_uid: u32,
    pub(super) type_name: &'static str,
    pub(super) time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_time: Option<i64>,
    pub(super) severity_id: u8,
    pub(super) severity: &'static str,
    pub(super) status_id: u8,
    pub(super) status: &'static str,
    pub(super) is_alert: bool,
    pub(super) message: String,
    pub(super) finding_info: FindingInfo,
    pub(super) metadata: FindingMetadata<'a>,
    pub(super) cloud: CloudOrigin<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) resources: Vec<AffectedResource<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) observables: Vec<ObservedValue<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) evidences: Vec<FindingEvidence<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remediation: Option<OcsfRemediation>,
}

#[derive(Serialize)]
pub(super) struct FindingInfo {
    pub(super) uid: String,
    pub(super) title: String,
    pub(super) desc: String,
    pub(super) types: [&'static str; 1],
    pub(super) created_time: i64,
    pub(super) analytic: RuleAnalytic,
    pub(super) data_sources: [&'static str; 1],
}

#[derive(Serialize)]
pub(super) struct RuleAnalytic {
    uid: &'static str,
    name: &'static str,
    type_id: u8,
    r#type: &'static str,
}

impl RuleAnalytic {
    pub(super) const fn new(kind: &'static str) -> Self {
        Self { uid: kind, name: kind, type_id: 1, r#type: "Rule" }
    }
}

#[derive(Serialize)]
pub(super) struct FindingMetadata<'a> {
    version: &'static str,
    profiles: [&'static str; 1],
    product: ProductInfo<'a>,
}

#[derive(Serialize)]
struct ProductInfo<'a> {
    name: &'static str,
    vendor_name: &'static str,
    version: &'a str,
}

impl<'a> FindingMetadata<'a> {
    /// `version` is the version of the program that validated.
    pub(super) const fn new(version: &'a str) -> Self {
        let product = ProductInfo { name: "trailproof", vendor_name: "trailproof", version };
        Self { version: "1.5.0", profiles: ["cloud"], product }
    }
}

#[derive(Serialize)]
pub(super) struct CloudOrigin<'a> {
    provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<CloudAccount<'a>>,
}

impl<'a> CloudOrigin<'a> {
    pub(super) const fn new(account: Option<CloudAccount<'a>>, region: Option<&'a str>) -> Self {
        Self { provider: "AWS", region, account }
    }
}

#[derive(Serialize)]
pub(super) struct CloudAccount<'a> {
    pub(super) uid: &'a str,
    pub(super) type_id: u8,
    pub(super) r#type: &'static str,
}

#[derive(Serialize)]
pub(super) struct AffectedResource<'a> {
    pub(super) uid: String,
    pub(super) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cloud_partition: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct ObservedValue<'a> {
    pub(super) name: &'static str,
    pub(super) type_id: u8,
    pub(super) r#type: &'static str,
    pub(super) value: &'a str,
}

#[derive(Serialize)]
pub(super) struct FindingEvidence<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<EvidenceFile<'a>>,
    pub(super) data: WireFinding<'a>,
}

#[derive(Serialize)]
pub(super) struct EvidenceFile<'a> {
    pub(super) name: &'a str,
    pub(super) path: &'a str,
    pub(super) type_id: u8,
    pub(super) r#type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<FileHash<'a>>,
    pub(super) is_deleted: bool,
}

#[derive(Serialize)]
pub(super) struct FileHash<'a> {
    pub(super) algorithm_id: u8,
    pub(super) algorithm: &'static str,
    pub(super) value: &'a str,
}

#[derive(Serialize)]
pub(super) struct OcsfRemediation {
    pub(super) desc: &'static str,
}
