//! How recipes end. Stubs stand for the programs of the engines, and fail where a test says: only a merge that ended gives a
//! verdict, and every other end is exit code 2.

mod lacking;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::{Place, Target, document, recipe, request};
use crate::deploy::DeployRequest;

const STUBS: [(&str, &str); 7] = [
    ("trailproof", include_str!("stubs/trailproof")),
    ("parallel", include_str!("stubs/parallel")),
    ("sbatch", include_str!("stubs/sbatch")),
    ("kubectl", include_str!("stubs/kubectl")),
    ("aws", include_str!("stubs/aws")),
    ("pyspark.py", include_str!("stubs/pyspark.py")),
    ("boto3.py", include_str!("stubs/boto3.py")),
];

/// Engines that take the exit code of a merge.
const MERGING: [Target; 5] =
    [Target::Parallel, Target::Slurm, Target::Kubernetes, Target::Batch, Target::Spark];

/// What is filled in.
const FILLED: [(&str, &str); 6] = [
    ("YOUR_ACCOUNT_ID", "123456789012"),
    ("YOUR_REGION", "us-east-1"),
    ("YOUR_IMAGE", "trailproof:1"),
    ("YOUR_JOB_QUEUE", "queue"),
    ("YOUR_EXECUTION_ROLE_ARN", "arn:aws:iam::123456789012:role/execution"),
    ("YOUR_WORKER_ROLE", "worker"),
];

const ROLE: (&str, &str) = ("YOUR_ROLE_ARN", "arn:aws:iam::123456789012:role/run");

/// A recipe and stubs in a folder.
struct Stage {
    folder: tempfile::TempDir,
    target: Target,
}

/// How a recipe ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Stage {
    fn new(target: Target) -> Self {
        Self::of(&request(target, &["s3://b"]))
    }

    fn of(request: &DeployRequest) -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap(), target: request.target };
        for (name, script) in STUBS {
            fs::write(stage.at(name), script).unwrap();
            #[cfg(unix)]
            fs::set_permissions(stage.at(name), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(python(), stage.at("python3")).unwrap();
        let filled = FILLED.iter().chain([&ROLE]);
        let recipe = filled.fold(recipe(request).unwrap(), |text, (name, value)| text.replace(name, value));
        stage.write("ran", "").write("recipe", &recipe);
        stage
    }

    /// Whether the recipe called the engine's program.
    fn has_called(&self) -> bool {
        self.at("calls").exists()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> &Self {
        fs::write(self.at(name), content).unwrap();
        self
    }

    fn without(&self, name: &str) -> &Self {
        fs::remove_file(self.at(name)).unwrap();
        self
    }

    /// Runs the recipe as run `run`, with a merge that ends with 0 unless `settings` have another end.
    fn end(&self, settings: &[(&str, &str)]) -> Ended {
        let interpreter = if self.target == Target::Spark { python() } else { "bash" };
        self.run(interpreter, "recipe", settings)
    }

    fn run(&self, interpreter: &str, file: &str, settings: &[(&str, &str)]) -> Ended {
        let folder = self.folder.path();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new(interpreter);
        command.arg(file).current_dir(folder).stdin(Stdio::null());
        command.env("PATH", path).env("PYTHONPATH", folder).env("STAGE", folder);
        command.envs([("RUN", "run"), ("POLL", "0.01"), ("MERGE_EXIT", "0")]).envs(settings.iter().copied());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// How often the recipe ran a command of `trailproof shards`.
    fn ran(&self, command: &str) -> usize {
        let calls = fs::read_to_string(self.at("ran")).unwrap();
        calls.lines().filter(|line| line.starts_with(&format!("shards {command}"))).count()
    }
}

/// Python itself. `python3` may be a script that looks for it, and takes longer than the tests.
fn python() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| {
        let asked =
            Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
        String::from_utf8(asked.stdout).unwrap().trim().to_owned()
    })
}

/// Whether bash and Python are here, which the recipes are for.
#[expect(clippy::print_stderr, reason = "a test that was skipped has to say so")]
fn can_run() -> bool {
    let is_here = |program: &&str| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    match ["bash", "python3"].iter().find(|program| !is_here(program)) {
        Some(missing) => eprintln!("skipped: no `{missing}` here: how recipes end is not tried"),
        None => return true,
    }
    false
}

fn assert_no_report(target: Target, settings: &[(&str, &str)]) {
    let ended = Stage::new(target).end(settings);
    assert_eq!(ended.code, Some(2), "{target}: {settings:?}: {ended:?}");
    assert!(!ended.stderr.is_empty(), "{target}: {settings:?}");
    if let [("FAULT", "get" | "describe-jobs")] = settings {
        assert!(ended.stderr.contains("may still run"), "{ended:?}");
    }
}

#[test]
fn the_exit_code_is_that_of_the_merge() {
    if !can_run() {
        return;
    }
    for target in MERGING {
        for (merge, code) in [("0", 0), ("1", 1), ("3", 3), ("101", 2), ("killed", 2)] {
            let ended = Stage::new(target).end(&[("MERGE_EXIT", merge)]);
            assert_eq!(ended.code, Some(code), "{target}: merge {merge}: {ended:?}");
            if target != Target::Batch && merge != "killed" {
                assert_eq!(ended.stdout, "the report\n", "{target}: {ended:?}");
            }
        }
    }
}

#[test]
fn a_plan_that_fails_is_no_verdict() {
    if !can_run() {
        return;
    }
    for target in MERGING {
        assert_no_report(target, &[("PLAN_EXIT", "1")]);
        let ended = Stage::new(target).without("trailproof").end(&[]);
        assert_eq!(ended.code, Some(2), "{target}: no `trailproof`: {ended:?}");
    }
}

#[test]
fn a_second_run_is_as_the_first() {
    if !can_run() {
        return;
    }
    for target in MERGING {
        let stage = Stage::new(target);
        for code in [0, 1] {
            let ended = stage.end(&[("MERGE_EXIT", &code.to_string())]);
            assert_eq!(ended.code, Some(code), "{target}: {ended:?}");
        }
    }
}

#[test]
fn folders_that_cannot_be_made_are_no_verdict() {
    if !can_run() {
        return;
    }
    for (target, file) in
        [(Target::Parallel, "work"), (Target::Slurm, "trailproof-run"), (Target::Spark, "work")]
    {
        let stage = match target {
            Target::Spark => with_work_on_disk(target),
            _ => Stage::new(target),
        };
        // A file stands in the folder's place.
        let ended = stage.write(file, "").end(&[]);
        assert_eq!(ended.code, Some(2), "{target}: {ended:?}");
        assert_eq!(stage.ran("plan"), 0, "{target}");
    }
}

#[test]
fn slurm_itself_gives_no_verdict() {
    if !can_run() {
        return;
    }
    for fault in ["submit plan", "submit shards", "submit merge", "killed plan", "killed merge"] {
        assert_no_report(Target::Slurm, &[("FAULT", fault)]);
    }
}

#[test]
fn kubernetes_itself_gives_no_verdict() {
    if !can_run() {
        return;
    }
    for fault in ["apply", "create", "get", "logs", "container plan", "container merge"] {
        assert_no_report(Target::Kubernetes, &[("FAULT", fault)]);
    }
    for fault in ["get once", "logs once", "container shards"] {
        let ended = Stage::new(Target::Kubernetes).end(&[("FAULT", fault), ("MERGE_EXIT", "1")]);
        assert_eq!(ended.code, Some(1), "{fault}: {ended:?}");
    }
    let ended = Stage::new(Target::Kubernetes).end(&[("RUN", "a\"}/b")]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[test]
fn batch_itself_gives_no_verdict() {
    if !can_run() {
        return;
    }
    let faults =
        ["put-role-policy", "register-job-definition", "submit-job", "describe-jobs", "filter-log-events"];
    for fault in faults.into_iter().chain(["container plan", "container merge"]) {
        assert_no_report(Target::Batch, &[("FAULT", fault)]);
    }
    // The entry point of the image is another program, which ends as a merge would.
    for code in ["0", "1", "3"] {
        assert_no_report(Target::Batch, &[("FAULT", "entry point merge"), ("ENTRY_EXIT", code)]);
    }
    for fault in ["describe-jobs once", "filter-log-events once", "container shards", "container merge once"]
    {
        let stage = Stage::new(Target::Batch);
        let ended = stage.end(&[("FAULT", fault), ("MERGE_EXIT", "3")]);
        assert_eq!((ended.code, stage.ran("merge")), (Some(3), 1), "{fault}: {ended:?}");
    }
}

#[test]
fn an_execution_that_was_stopped_is_no_verdict() {
    if !can_run() {
        return;
    }
    let fails = "-\n".repeat(14);
    for (answers, code) in [
        ("SUCCEEDED\tNone", 0),
        ("RUNNING\tNone\nSUCCEEDED\tNone", 0),
        ("FAILED\ttrailproof.tampered", 1),
        ("FAILED\ttrailproof.incomplete", 3),
        ("FAILED\ttrailproof.failed", 2),
        ("FAILED\tNone", 2),
        ("ABORTED\tNone", 2),
        ("ABORTED\ttrailproof.tampered", 2),
        ("TIMED_OUT\tNone", 2),
        ("FAILED\ttrailproof.tampered not", 2),
        ("-\nSUCCEEDED\tNone", 0),
        (&format!("{fails}RUNNING\tNone\n{fails}FAILED\ttrailproof.tampered"), 1),
        ("-", 2),
        ("None\tNone", 2),
    ] {
        let ended = Stage::new(Target::StepFunctions).write("answers", answers).end(&[]);
        assert_eq!(ended.code, Some(code), "{answers:?}: {ended:?}");
    }
    for fault in ["create-queue", "put-role-policy", "update-state-machine", "start-execution"] {
        let stage = Stage::new(Target::StepFunctions);
        let ended = stage.write("answers", "SUCCEEDED\tNone").end(&[("FAULT", fault)]);
        assert_eq!(ended.code, Some(2), "{fault}: {ended:?}");
    }
}

#[test]
fn what_is_no_task_does_not_end_a_worker() {
    if !can_run() {
        return;
    }
    let stage = Stage::new(Target::StepFunctions);
    let text = fs::read_to_string(stage.at("recipe")).unwrap();
    let deep = "[".repeat(100_000);
    let name = text.split("RECIPE = \"").nth(1).unwrap().split('"').next().unwrap();
    let task = format!(r#"{{"token": "t", "step": "merge", "run": "run", "recipe": "{name}"}}"#);
    // Of another recipe, or without the name of a run.
    let other = r#"{"token": "u", "step": "merge", "run": "run", "recipe": "other"}"#;
    let unnamed = format!(r#"{{"token": "v", "step": "merge", "recipe": "{name}"}}"#);
    let messages = ["{", "[]", "7", "null", "{}", r#"{"step": "merge"}"#, "", &deep, other, &unnamed, &task];
    stage.write("worker.py", document(&text, "worker")).write("messages", &messages.join("\n"));
    let ended = stage.run(python(), "worker.py", &[("MESSAGES", "messages"), ("MERGE_EXIT", "1")]);
    assert!(ended.stderr.ends_with("no more messages\n"), "{ended:?}");
    assert_eq!(ended.stderr.matches("left out: not a task").count(), 8, "{ended:?}");
    let answers: Vec<&str> = ended.stdout.lines().filter(|line| line.starts_with("send_task")).collect();
    let wanted = [
        ("send_task_failure", r#""taskToken": "u""#),
        ("send_task_failure", r#""taskToken": "v""#),
        ("send_task_success", r#"\"tampered\""#),
    ];
    assert_eq!(answers.len(), wanted.len(), "{ended:?}");
    for (answer, (call, with)) in answers.iter().zip(wanted) {
        assert!(answer.starts_with(call) && answer.contains(with), "{answer}");
    }
}

#[test]
fn an_exception_in_python_is_no_verdict() {
    if !can_run() {
        return;
    }
    assert_no_report(Target::Spark, &[("FAULT", "import")]);
    // Spark does not start.
    let stage = Stage::new(Target::Spark);
    let ended = stage.end(&[("FAULT", "context"), ("MERGE_EXIT", "3")]);
    assert_eq!((ended.code, stage.ran("merge")), (Some(2), 0), "{ended:?}");
    assert!(!ended.stderr.contains("trailproof-exit"), "{ended:?}");
}

/// A recipe that works in the folder `work`.
fn with_work_on_disk(target: Target) -> Stage {
    let folder = Stage::new(target);
    let work = Place::parse(folder.at("work").to_str().unwrap());
    let text = recipe(&DeployRequest { work: Some(work), ..request(target, &["s3://b"]) }).unwrap();
    folder.write("recipe", &text);
    folder
}

#[test]
fn spark_keeps_its_plan() {
    if !can_run() {
        return;
    }
    let kept = |stage: &Stage, plan: &Path| {
        for _ in 0..2 {
            let ended = stage.end(&[]);
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert!(ended.stderr.contains(&format!("the plan is {}", plan.display())), "{ended:?}");
        }
        // The second run continues the first.
        assert_eq!((stage.ran("plan"), stage.ran("run"), stage.ran("merge")), (1, 2, 2));
        fs::remove_file(plan).unwrap();
    };
    let on_disk = with_work_on_disk(Target::Spark);
    kept(&on_disk, &on_disk.at("work/run/plan.jsonl"));
    let in_s3 = Stage::new(Target::Spark);
    kept(
        &in_s3,
        &in_s3
            .at("trailproof-run-plan.jsonl")
            .canonicalize()
            .unwrap_or_else(|_| in_s3.at("trailproof-run-plan.jsonl")),
    );
}
