//! Recipes for engines that exist: one validation on many machines.
//!
//! Each recipe is one text: a script that plans, has the engine carry out the shards, merges the results, and ends with the
//! exit code of the verdict. The recipe is complete apart from the names that start with `YOUR_`, which its first lines list.
//!
//! Exit codes 0, 1 and 3 come from a merge that ended, and from nothing else: the process itself, a file or a log line that
//! is written after it, or the state that the machine of Step Functions ends in. Engines use the same numbers for failures of
//! their own, so what an engine says of a job is no verdict. Every other end of a recipe is exit code 2.
//!
//! | target | what is printed | a shard is tried again by |
//! |---|---|---|
//! | `spark` | a PySpark script: `rdd.pipe`, a task for each shard | `spark.task.maxFailures` |
//! | `batch` | a shell script: job definitions, array job, role | the retry strategy |
//! | `step-functions` | a shell script: state machine with a distributed map, queue, worker, roles | `Retry` |
//! | `kubernetes` | a shell script: Jobs, one of them indexed | `backoffLimitPerIndex` |
//! | `slurm` | a shell script: job arrays by `sbatch` | `--requeue`, and a loop |
//! | `parallel` | a shell script for GNU parallel | `--retries` |
//!
//! The facts that the recipes rest upon are those of the engines' documentation:
//!
//! - Spark: [`RDD.pipe`](https://spark.apache.org/docs/latest/api/python/reference/api/pyspark.RDD.pipe.html) with `checkCode`, and
//!   [`spark.task.maxFailures`](https://spark.apache.org/docs/latest/configuration.html#scheduling).
//! - AWS Batch: [array jobs](https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html) and `AWS_BATCH_JOB_ARRAY_INDEX`.
//! - Step Functions: [`ItemReader`](https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html), and
//!   [tasks that wait for a token](https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html). The states of
//!   an execution: [DescribeExecution](https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html).
//! - Kubernetes: [Jobs](https://kubernetes.io/docs/concepts/workloads/controllers/job/), indexed, with a limit for each index.
//! - Slurm: [`sbatch`](https://slurm.schedmd.com/sbatch.html) and its [job arrays](https://slurm.schedmd.com/job_array.html).
//! - GNU parallel: [its manual](https://www.gnu.org/software/parallel/man.html).
//!
//! Arguments are quoted for where they stand: shell, JSON, Python, YAML, IAM policy. Text with invisible characters is
//! refused, so a recipe shows what it does.

mod commands;
mod place;
mod policy;
mod quote;
mod target;
mod template;

use std::fmt::Write as _;

pub use place::Place;
pub use target::Target;

use commands::Steps;
use policy::Policy;
use template::fill;

/// The work folder of a recipe for which none was given.
const WORK: &str = "s3://YOUR_WORK_BUCKET/trailproof";

/// The same for one machine.
const LOCAL_WORK: &str = "./trailproof-runs";

/// Names to fill in, with what they are.
const NAMES: [(&str, &str); 8] = [
    ("YOUR_WORK_BUCKET", "bucket for plans and results, which those who can write the evidence cannot write"),
    ("YOUR_TRAIL_BUCKET", "bucket that the trail delivers to"),
    ("YOUR_ACCOUNT_ID", "account that the run belongs to, 12 digits"),
    ("YOUR_REGION", "region of queue and state machine, such as us-east-1"),
    ("YOUR_IMAGE", "container image with `trailproof`"),
    ("YOUR_JOB_QUEUE", "name of a job queue of AWS Batch"),
    ("YOUR_EXECUTION_ROLE_ARN", "role by which Fargate pulls the image and writes logs"),
    ("YOUR_WORKER_ROLE", "name of the role of the machines that run workers"),
];

/// The role of a service account, which only `kubernetes` needs.
const ROLE: (&str, &str) = ("YOUR_ROLE_ARN", "role with the policy below, trusted by the cluster");

/// What a recipe is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeployRequest {
    /// The engine.
    pub target: Target,
    /// The command line that asks for the recipe, for its first lines.
    pub asked: Vec<String>,
    /// Arguments of `trailproof validate --dry-run`, which tells the cost.
    pub estimate: Vec<String>,
    /// Arguments of `trailproof shards plan`, without `-o`.
    pub plan: Vec<String>,
    /// Arguments of `trailproof shards run`, without plan, index and `-o`.
    pub run: Vec<String>,
    /// Arguments of `trailproof shards merge`, without plan and results.
    pub merge: Vec<String>,
    /// Where the evidence is.
    pub sources: Vec<Place>,
    /// Files of public keys.
    pub keys: Vec<String>,
    /// Whether the report goes to files.
    pub has_report_files: bool,
    /// The commands of `--hook`, which the machine that merges runs.
    pub hooks: Vec<String>,
    /// The profile of the AWS configuration.
    pub profile: Option<String>,
    /// Where the memory is.
    pub state: Option<Place>,
    /// Where plans and results go. Without it a name to fill in.
    pub work: Option<Place>,
    /// Whether CloudTrail is asked for public keys.
    pub asks_keys: bool,
    /// Number of jobs of an array.
    pub tasks: u32,
    /// Number of jobs at the same time.
    pub at_once: u32,
    /// Number of attempts for each shard.
    pub tries: u32,
}

/// Why there is no recipe.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The engine's machines do not see a directory of this machine.
    #[error("`{0}` is a directory, and the machines of `{1}` share none")]
    Directory(String, Target),
    /// A relative path means another place on another machine.
    #[error("`{0}` is a relative path")]
    Relative(String),
    /// A trail or an access point is no place for plans, results or a state.
    #[error("`{0}` is not a place for files")]
    Folder(String),
    /// GNU parallel writes plans and results to a directory.
    #[error("`--work` must be a directory for `parallel`, and `{0}` is not one")]
    Work(String),
    /// A container, and what it wrote, is gone at the end.
    #[error("`--report` writes to the machine that merges, and that of `{0}` is gone afterwards")]
    ReportFile(Target),
    /// The machines of the engine have no configuration files of this user.
    #[error("the machines of `{1}` do not have the profile `{0}`")]
    Profile(String, Target),
    /// A relative path means another program, or none, where the merge runs.
    #[error("`--hook {0}` has a relative path, and runs on another machine")]
    Hook(String),
    /// An invisible character could hide what a recipe does.
    #[error("an argument has an invisible character: {0}")]
    Invisible(String),
    /// AWS Batch replaces `Ref::NAME` in commands.
    #[error("`{0}` has `Ref::`, which AWS Batch takes for a parameter")]
    Parameter(String),
    /// More or fewer jobs than the engine takes.
    #[error("`{0}` takes {1} to {2} jobs in an array")]
    Tasks(Target, u32, u32),
}

impl DeployError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Directory(..) => "give a place in S3: `s3://BUCKET/PREFIX`",
            Self::Relative(_) => "give the absolute path, as the machines of the engine see it",
            Self::Work(_) => "for example `--work ./runs`",
            Self::Folder(_) => "give `s3://BUCKET/PREFIX`, or a directory that the machines share",
            Self::ReportFile(_) => {
                "read the report in the log, or make it again on your machine: `trailproof shards merge` with the plan and the results"
            }
            Self::Profile(..) => {
                "leave `--profile` out: the machines have credentials of their own; for the commands that you run, set AWS_PROFILE"
            }
            Self::Hook(_) => {
                "give the absolute path, as the machine that merges sees it, or a command of that machine"
            }
            Self::Invisible(_) => "type the argument again without it",
            Self::Parameter(_) => "use another target",
            Self::Tasks(..) => "give another number with `--tasks`",
        }
    }
}

/// The recipe: a text with a newline at its end.
///
/// # Errors
/// [`DeployError`] for a request that the target cannot carry out.
pub fn recipe(request: &DeployRequest) -> Result<String, DeployError> {
    request.check()?;
    let default = if request.target == Target::Parallel { LOCAL_WORK } else { WORK };
    let work = request.work.clone().unwrap_or_else(|| Place::parse(default));
    let policy = Policy::of(request, &work);
    let steps = Steps { request, work: &work, policy: &policy };
    let mut values = steps.values();
    let body = fill(request.target.template(), &values);
    values.push(("CHECK", check(request.target, &body)));
    values.push(("ABOUT", about(request, &policy, &body)));
    Ok(fill(request.target.template(), &values))
}

impl DeployRequest {
    fn check(&self) -> Result<(), DeployError> {
        let arguments = [&self.asked, &self.estimate, &self.plan, &self.run, &self.merge];
        for text in arguments.into_iter().flatten() {
            if text.chars().any(quote::is_invisible) {
                return Err(DeployError::Invisible(text.escape_debug().to_string()));
            }
            if self.target == Target::Batch && text.contains("Ref::") {
                return Err(DeployError::Parameter(text.clone()));
            }
        }
        for place in self.sources.iter().chain(&self.state).chain(&self.work) {
            self.check_place(place)?;
        }
        for place in self.state.iter().chain(&self.work) {
            if matches!(place, Place::Trail(_) | Place::AccessPoint { .. }) {
                return Err(DeployError::Folder(place.text()));
            }
        }
        if let Some(work @ Place::Bucket { .. }) = &self.work
            && self.target == Target::Parallel
        {
            return Err(DeployError::Work(work.text()));
        }
        let is_relative = |path: &&String| !path.starts_with('/') && self.target != Target::Parallel;
        if let Some(path) = self.keys.iter().find(is_relative) {
            return Err(DeployError::Relative(path.clone()));
        }
        if self.has_report_files && !self.target.shares_directories() {
            return Err(DeployError::ReportFile(self.target));
        }
        if let Some(profile) = &self.profile
            && !matches!(self.target, Target::Parallel | Target::Slurm)
        {
            return Err(DeployError::Profile(profile.clone(), self.target));
        }
        let has_relative_path = |hook: &&String| {
            hook.split_whitespace().any(|word| word.starts_with("./") || word.starts_with("../"))
        };
        if let Some(hook) = self.hooks.iter().find(has_relative_path)
            && self.target != Target::Parallel
        {
            return Err(DeployError::Hook(hook.clone()));
        }
        let (least, most) = self.target.tasks();
        match (least..=most).contains(&self.tasks) {
            true => Ok(()),
            false => Err(DeployError::Tasks(self.target, least, most)),
        }
    }

    fn check_place(&self, place: &Place) -> Result<(), DeployError> {
        let Place::Directory(path) = place else { return Ok(()) };
        if !self.target.shares_directories() {
            return Err(DeployError::Directory(path.clone(), self.target));
        }
        match path.starts_with('/') || self.target == Target::Parallel {
            true => Ok(()),
            false => Err(DeployError::Relative(path.clone())),
        }
    }
}

/// The lines of a shell script that end it if a program is missing, or a name in its body is not filled in.
fn check(target: Target, body: &str) -> String {
    let mut text = fill(include_str!("deploy/check.sh"), &[("PROGRAMS", target.programs().to_owned())]);
    let names = NAMES.iter().chain([&ROLE]).filter(|(name, _)| body.contains(name));
    let names: Vec<&str> = names.filter_map(|(name, _)| name.strip_prefix("YOUR_")).collect();
    if !names.is_empty() {
        text.push_str(&fill(include_str!("deploy/filled.sh"), &[("NAMES", names.join("|"))]));
    }
    text.trim_end().to_owned()
}

/// The first lines of a recipe: where it comes from, what to fill in, what it costs, and its permissions.
fn about(request: &DeployRequest, policy: &Policy, body: &str) -> String {
    let mut text = format!("Made by trailproof {} with:\n", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "    {}", quote::line(&request.asked));
    let is_shown = request.target.has_policy_in_comment() && !policy.is_empty();
    let shown = if is_shown { policy.text() } else { String::new() };
    let is_used = |(name, _): &&(&str, &str)| body.contains(name) || shown.contains(name);
    let names: Vec<_> = NAMES.iter().chain([&ROLE]).filter(is_used).collect();
    if !names.is_empty() {
        text.push_str("\nFill in:\n");
        for (name, meaning) in names {
            let _ = writeln!(text, "    {name:24}  {meaning}");
        }
    }
    let estimate = [&["trailproof", "validate"].map(str::to_owned)[..], &request.estimate].concat();
    text.push_str("\nCost: this lists requests, bytes and AWS's list price, and reads listings only:\n");
    let _ = writeln!(text, "    {}", quote::line(&estimate));
    text.push_str("`plan` says on stderr how many shards, digests and log files there are.\n");
    if is_shown {
        text.push_str("\nPermissions that plan, shards and merge need:\n");
        shown.lines().for_each(|line| {
            let _ = writeln!(text, "    {line}");
        });
        let _ = writeln!(text, "With objects encrypted by KMS, add: {}", policy::KMS);
    }
    let lines = text.lines().map(|line| format!("# {line}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
