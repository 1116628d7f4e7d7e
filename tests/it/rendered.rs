//! Saved reports: each fixture's JSON report is as the schema says, and rendered again it gives the same bytes in every
//! format; what is no report is refused.

mod again;
mod chains;
mod refused;
mod schemas;
mod sound;
pub(crate) mod whole;

use std::fs;

use serde_json::Value;
use trailproof::report::json::{PLAN_SCHEMA_FILE, SCHEMA_FILE, TRAILS_SCHEMA_FILE};

use crate::cli::case::{Case, Done, trailproof};

fn schema() -> Value {
    serde_json::from_str(SCHEMA_FILE).unwrap()
}

/// What the schema that a document names says against it.
fn errors(document: &Value) -> Vec<String> {
    let schema = match document["schema"].as_str() {
        Some("trailproof/report/1") => SCHEMA_FILE,
        Some("trailproof/plan/1") => PLAN_SCHEMA_FILE,
        Some("trailproof/trails/1") => TRAILS_SCHEMA_FILE,
        other => return vec![format!("{other:?} has no schema")],
    };
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Panics where `document` is not as the schema that it names says.
#[cfg(feature = "aws")]
pub(crate) fn assert_as_its_schema(document: &Value) {
    assert_eq!(errors(document), [""; 0], "{document}");
}

/// The JSON report of a delivery tampered with.
fn report_of(tampers: &[&str]) -> Value {
    serde_json::from_str(&Case::make(tampers).validate(&["--format", "json"]).stdout).unwrap()
}

/// What `report` says of a file with this content.
pub(crate) fn render(content: &[u8], more: &[&str]) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.json");
    fs::write(&file, content).unwrap();
    trailproof(&[&["report", file.to_str().unwrap()], more].concat())
}
