//! Where the report of a run goes.

use clap::Args;

use super::parse_words;

/// Where the report goes, and who runs the program.
#[derive(Args, Clone, Default, Debug)]
pub(in crate::cli) struct OutputArgs {
    /// Format of stdout: text, json, html, jsonl, csv, junit, prometheus, asff or ocsf
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Report")]
    pub(in crate::cli) format: String,

    /// Also write a report to a file, such as `json=run.json`; repeatable. An existing file is replaced once the new report
    /// is complete
    #[arg(long, value_name = "FORMAT=FILE", help_heading = "Report")]
    pub(in crate::cli) report: Vec<String>,

    /// Name of the person or system that runs this, for the report [default: user and host]
    #[arg(long, value_name = "WHO", help_heading = "Report", value_parser = parse_words)]
    pub(in crate::cli) run_by: Option<String>,
}
