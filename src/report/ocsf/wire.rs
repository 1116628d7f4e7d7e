//! The attributes of OCSF 1.5.0 that are written. Source: <https://schema.ocsf.io/1.5.0/>.

use serde::Serialize;

use crate::report::json::WireFinding;

/// A Detection Finding.
#[derive(Serialize)]
pub(super) struct Detection<'a> {
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
    pub(super) finding_info: Info,
    pub(super) metadata: Metadata<'a>,
    pub(super) cloud: Cloud<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) resources: Vec<Resource<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) observables: Vec<Observable<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) evidences: Vec<Evidence<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remediation: Option<Remediation>,
}

#[derive(Serialize)]
pub(super) struct Info {
    pub(super) uid: String,
    pub(super) title: String,
    pub(super) desc: String,
    pub(super) types: [&'static str; 1],
    pub(super) created_time: i64,
    pub(super) analytic: Analytic,
    pub(super) data_sources: [&'static str; 1],
}

#[derive(Serialize)]
pub(super) struct Analytic {
    uid: &'static str,
    name: &'static str,
    type_id: u8,
    r#type: &'static str,
}

impl Analytic {
    pub(super) const fn new(kind: &'static str) -> Self {
        Self { uid: kind, name: kind, type_id: 1, r#type: "Rule" }
    }
}

#[derive(Serialize)]
pub(super) struct Metadata<'a> {
    version: &'static str,
    profiles: [&'static str; 1],
    product: Product<'a>,
}

#[derive(Serialize)]
struct Product<'a> {
    name: &'static str,
    vendor_name: &'static str,
    version: &'a str,
}

impl<'a> Metadata<'a> {
    /// `version` is that of the program that ran.
    pub(super) const fn new(version: &'a str) -> Self {
        let product = Product { name: "trailproof", vendor_name: "trailproof", version };
        Self { version: "1.5.0", profiles: ["cloud"], product }
    }
}

#[derive(Serialize)]
pub(super) struct Cloud<'a> {
    provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account<'a>>,
}

impl<'a> Cloud<'a> {
    pub(super) const fn new(account: Option<Account<'a>>, region: Option<&'a str>) -> Self {
        Self { provider: "AWS", region, account }
    }
}

#[derive(Serialize)]
pub(super) struct Account<'a> {
    pub(super) uid: &'a str,
    pub(super) type_id: u8,
    pub(super) r#type: &'static str,
}

#[derive(Serialize)]
pub(super) struct Resource<'a> {
    pub(super) uid: String,
    pub(super) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cloud_partition: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct Observable<'a> {
    pub(super) name: &'static str,
    pub(super) type_id: u8,
    pub(super) r#type: &'static str,
    pub(super) value: &'a str,
}

#[derive(Serialize)]
pub(super) struct Evidence<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<File<'a>>,
    pub(super) data: WireFinding<'a>,
}

#[derive(Serialize)]
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) path: &'a str,
    pub(super) type_id: u8,
    pub(super) r#type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Hash<'a>>,
    pub(super) is_deleted: bool,
}

#[derive(Serialize)]
pub(super) struct Hash<'a> {
    pub(super) algorithm_id: u8,
    pub(super) algorithm: &'static str,
    pub(super) value: &'a str,
}

#[derive(Serialize)]
pub(super) struct Remediation {
    pub(super) desc: &'static str,
}
