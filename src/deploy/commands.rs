//! What stands in the templates: commands, places and policies, each quoted for where it stands.

use serde_json::json;

use super::policy::{self, Policy};
use super::template::fill;
use super::{DeployRequest, Place, Target, quote};
use crate::ident::Sha256Hash;

/// What a container runs: `$0` and the arguments follow. The places are variables of the environment.
const PLAN: &str = r#"exec trailproof shards plan --no-progress -o "$HERE/plan.jsonl" "$@""#;

/// The verdict is the line after the report. Exit code 1 of a container may have other reasons than a verdict.
const MERGE: &str = r#"trailproof shards merge "$HERE/plan.jsonl" "$HERE/results/" "$@"; code=$?; echo "trailproof-exit $RUN $code"; exit "$code""#;

/// The steps of a recipe.
pub(super) struct Steps<'a> {
    pub(super) request: &'a DeployRequest,
    pub(super) work: &'a Place,
    pub(super) policy: &'a Policy,
}

impl Steps<'_> {
    /// The values of the template's marks.
    pub(super) fn values(&self) -> Vec<(&'static str, String)> {
        let mut values = self.common();
        values.extend(match self.request.target {
            Target::Parallel | Target::Slurm => self.in_a_shell(),
            Target::Spark => self.in_python(),
            Target::Kubernetes => self.in_kubernetes(),
            Target::Batch => self.in_batch(),
            Target::StepFunctions => self.in_step_functions(),
        });
        values
    }

    fn common(&self) -> Vec<(&'static str, String)> {
        let DeployRequest { tasks, at_once, tries, .. } = self.request;
        vec![
            ("TASKS", tasks.to_string()),
            ("AT_ONCE", at_once.to_string()),
            ("TRIES", tries.to_string()),
            ("RETRIES", tries.saturating_sub(1).to_string()),
            ("KMS", policy::KMS.to_owned()),
        ]
    }

    fn in_a_shell(&self) -> Vec<(&'static str, String)> {
        let DeployRequest { plan, run, merge, .. } = self.request;
        vec![
            ("WORK", quote::word(&self.work.text())),
            ("PLAN", quote::line(plan)),
            ("RUN", quote::line(run)),
            ("MERGE", quote::line(merge)),
        ]
    }

    fn in_python(&self) -> Vec<(&'static str, String)> {
        let DeployRequest { plan, run, merge, .. } = self.request;
        vec![
            ("WORK", quote::json(&self.work.text())),
            ("PLAN", quote::json_list(plan)),
            ("RUN", quote::json_list(run)),
            ("MERGE", quote::json_list(merge)),
        ]
    }

    fn in_kubernetes(&self) -> Vec<(&'static str, String)> {
        let DeployRequest { plan, run, merge, tasks, .. } = self.request;
        let run_script = shard_script("JOB_COMPLETION_INDEX", &tasks.to_string());
        let container = |script: &str, arguments: &[String]| {
            let words: Vec<String> =
                in_sh(script, arguments).iter().map(|text| quote::kubernetes(text)).collect();
            quote::json_list(&words)
        };
        vec![
            ("HERE", quote::json(&format!("{}/$(RUN)", quote::kubernetes(&self.work.text())))),
            ("PLAN", container(PLAN, plan)),
            ("RUN", container(&run_script, run)),
            ("MERGE", container(MERGE, merge)),
            ("POLICY", self.policy.text()),
        ]
    }

    /// Job definitions
    /// ([RegisterJobDefinition](https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html)).
    fn in_batch(&self) -> Vec<(&'static str, String)> {
        let DeployRequest { plan, run, merge, tries, .. } = self.request;
        let here = r#"HERE="$WORK/$RUN"; "#;
        let shards = format!("{here}{}", shard_script("AWS_BATCH_JOB_ARRAY_INDEX", r#""$TASKS""#));
        let definition = |name: &str, script: &str, arguments: &[String], attempts: u32, memory: &str| {
            let definition = json!({
                "jobDefinitionName": format!("trailproof-{name}"),
                "type": "container",
                "platformCapabilities": ["FARGATE"],
                // The most that Batch takes is 10.
                "retryStrategy": { "attempts": attempts.min(10) },
                "containerProperties": {
                    "image": "YOUR_IMAGE",
                    "jobRoleArn": "@@ROLE@@",
                    "executionRoleArn": "YOUR_EXECUTION_ROLE_ARN",
                    "resourceRequirements": [
                        { "type": "VCPU", "value": "2" },
                        { "type": "MEMORY", "value": memory },
                    ],
                    "networkConfiguration": { "assignPublicIp": "ENABLED" },
                    "environment": [{ "name": "WORK", "value": self.work.text() }],
                    "command": in_sh(script, arguments),
                },
            });
            serde_json::to_string_pretty(&definition).unwrap_or_default()
        };
        vec![
            ("PLAN", definition("plan", &format!("{here}{PLAN}"), plan, *tries, "4096")),
            ("RUN", definition("shards", &shards, run, *tries, "4096")),
            // Once: exit codes 1 and 3 are verdicts.
            ("MERGE", definition("merge", &format!("{here}{MERGE}"), merge, 1, "8192")),
            ("POLICY", self.policy.text()),
        ]
    }

    fn in_step_functions(&self) -> Vec<(&'static str, String)> {
        let (bucket, prefix) = match self.work {
            Place::Bucket { bucket, prefix } => (bucket.as_str(), prefix.as_str()),
            Place::Trail(_) | Place::AccessPoint { .. } | Place::Directory(_) => ("YOUR_WORK_BUCKET", ""),
        };
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let DeployRequest { plan, run, merge, .. } = self.request;
        let told = json!([self.work.text(), plan, run, merge]).to_string();
        let mut values = self.in_python();
        values.push(("RECIPE", Sha256Hash::of(told.as_bytes()).to_string()));
        values.extend(self.common());
        values.push(("BUCKET", quote::json(bucket)));
        values.push(("PREFIX", quote::json(&prefix)));
        values.push(("PARTITION", self.policy.partition().to_owned()));
        let definition = fill(include_str!("step-functions.json"), &values);
        let worker = fill(include_str!("worker.py"), &values);
        vec![
            ("DEFINITION", definition.trim_end().to_owned()),
            ("WORKER", worker.trim_end().to_owned()),
            ("POLICY", self.policy.with_tasks().text()),
            ("MACHINE_POLICY", self.policy.of_machine(self.work).text()),
            ("MACHINE_ARN", self.policy.named("states", "stateMachine:trailproof")),
        ]
    }
}

/// The script of a task of an array: every shard whose number leaves the task's number.
fn shard_script(index: &str, of: &str) -> String {
    format!(
        r#"exec trailproof shards run "$HERE/plan.jsonl" --index "${index}" --of {of} -o "$HERE/results/" "$@""#
    )
}

/// A command of a container: a script for `sh` and its arguments, which no shell reads again.
fn in_sh(script: &str, arguments: &[String]) -> Vec<String> {
    let words = ["sh", "-c", script, "trailproof"].map(str::to_owned);
    [&words[..], arguments].concat()
}
