mod exits;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::*;

/// Text that means something to shells, Python, YAML, JSON, IAM, Kubernetes and Step Functions.
const HOSTILE: [&str; 9] = [
    r#"s3://b/'; touch canary; '"; touch canary; ""#,
    "s3://b/$(touch canary)`touch canary`${HOME}$(RUN)",
    r#"s3://b/"""; import os; os.system("touch canary")"#,
    r#"s3://b/\",\'\",$$"#,
    "s3://b/JSON",
    "s3://b/PYTHON # : - {x} [y] *?",
    "s3://b/@WORK@@PLAN@@@ROLE@@",
    "s3://b/States.Format('{}') {% $x %}",
    "s3://b/é監",
];

fn request(target: Target, sources: &[&str]) -> DeployRequest {
    let sources: Vec<String> = sources.iter().map(|&source| source.to_owned()).collect();
    let work = if target == Target::Parallel { "./work" } else { "s3://work/it's $(x)" };
    DeployRequest {
        target,
        asked: [vec!["trailproof".to_owned(), "deploy".to_owned()], sources.clone()].concat(),
        estimate: sources.clone(),
        plan: sources.clone(),
        run: vec!["--profile".to_owned(), "it's {} $(touch canary)".to_owned()],
        merge: vec!["--hook".to_owned(), "echo \"$TRAILPROOF_SUMMARY\" 'x' `y`".to_owned()],
        sources: sources.iter().map(|source| Place::parse(source)).collect(),
        keys: Vec::new(),
        has_report_files: false,
        hooks: Vec::new(),
        profile: None,
        state: None,
        work: Some(Place::parse(work)),
        asks_keys: true,
        tasks: 100,
        at_once: 20,
        tries: 3,
    }
}

/// The text between a line that ends in `<<'MARK'` in a function, and the mark.
fn document<'t>(text: &'t str, function: &str) -> &'t str {
    let at = text.find(&format!("\n{function}() {{")).unwrap();
    let body = &text[at + 1..];
    let (head, body) = body.split_once('\n').unwrap().1.split_once('\n').unwrap();
    let mark = head.rsplit_once("<<'").unwrap().1.trim_end_matches('\'');
    body.split_once(&format!("\n{mark}\n")).unwrap().0
}

/// Runs a program in a folder, with stand-ins for the engines' programs that do nothing. `None` where it is not there.
fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<Output> {
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    Command::new(program).args(arguments).current_dir(folder).env("PATH", path).output().ok()
}

#[test]
fn hostile_arguments_arrive_whole_in_shells() {
    for target in [Target::Parallel, Target::Slurm] {
        let folder = tempfile::tempdir().unwrap();
        let text = recipe(&request(target, &HOSTILE)).unwrap();
        let stand_ins = [
            ("trailproof", "#!/bin/bash\nprintf '%s\\0' \"$@\" >>said\n[ \"$3\" != -o ] || touch \"$4\"\n"),
            ("parallel", "#!/bin/bash\n[ \"$1\" != --version ] || exec echo GNU parallel\n${@: -1}\n"),
            (
                "sbatch",
                "#!/bin/bash\ncat >job; SLURM_JOB_ID=7 SLURM_ARRAY_TASK_ID=0 bash job; : >/dev/null; echo 7\n",
            ),
        ];
        for (name, script) in stand_ins {
            let file = folder.path().join(name);
            fs::write(&file, script).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        fs::write(folder.path().join("recipe"), text).unwrap();
        if run("bash", &["recipe"], folder.path()).is_none() {
            return;
        }
        let said = fs::read_to_string(folder.path().join("said")).unwrap();
        let words: Vec<&str> = said.split('\0').collect();
        for wanted in HOSTILE.iter().chain(&["it's {} $(touch canary)"]) {
            assert!(words.contains(wanted), "{target}: {wanted}: {words:?}");
        }
        assert!(words.contains(&"echo \"$TRAILPROOF_SUMMARY\" 'x' `y`"), "{target}: {words:?}");
        assert!(!folder.path().join("canary").exists(), "{target}");
    }
}

#[test]
fn hostile_arguments_arrive_whole_in_python() {
    let folder = tempfile::tempdir().unwrap();
    let steps = recipe(&request(Target::StepFunctions, &HOSTILE)).unwrap();
    fs::write(folder.path().join("worker"), document(&steps, "worker")).unwrap();
    fs::write(folder.path().join("spark"), recipe(&request(Target::Spark, &HOSTILE)).unwrap()).unwrap();
    fs::write(folder.path().join("wanted"), serde_json::to_string(&HOSTILE).unwrap()).unwrap();
    let reader = "import ast, json, sys
wanted = json.load(open('wanted', encoding='utf-8'))
for name in ('worker', 'spark'):
    tree = ast.parse(open(name, encoding='utf-8').read())
    lists = [ast.literal_eval(node) for node in ast.walk(tree) if isinstance(node, ast.List) and node.elts
             and all(isinstance(one, ast.Constant) for one in node.elts)]
    assert wanted in lists, (name, lists)";
    if let Some(output) = run("python3", &["-c", reader], folder.path()) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn hostile_arguments_arrive_whole_in_json_and_yaml() {
    let ends_in = |words: &Value, wanted: &[String]| {
        let words: Vec<&str> = words.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(words.ends_with(&wanted.iter().map(String::as_str).collect::<Vec<_>>()), "{words:?}");
    };
    let plain = HOSTILE.map(str::to_owned);
    let batch = recipe(&request(Target::Batch, &HOSTILE)).unwrap();
    let definition: Value = serde_json::from_str(document(&batch, "plan_definition")).unwrap();
    ends_in(&definition["containerProperties"]["command"], &plain);
    let kubernetes = recipe(&request(Target::Kubernetes, &HOSTILE)).unwrap();
    let commands = kubernetes.lines().filter_map(|line| line.trim().strip_prefix("command: "));
    let commands: Vec<Value> = commands.map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(commands.len(), 3);
    ends_in(&commands[0], &HOSTILE.map(quote::kubernetes));
    for (target, function) in [(Target::Batch, "policy"), (Target::StepFunctions, "machine_policy")] {
        let text = recipe(&request(target, &HOSTILE)).unwrap();
        let policy: Value = serde_json::from_str(document(&text, function)).unwrap();
        assert_eq!(policy["Version"], "2012-10-17");
    }
}

#[test]
fn a_policy_names_what_is_asked_for_alone() {
    let asked = DeployRequest {
        state: Some(Place::parse("s3://memory/trailproof/")),
        work: Some(Place::parse("s3://work/runs")),
        ..request(Target::Batch, &["s3://trail-logs/a*b/", "s3://other"])
    };
    let text = recipe(&asked).unwrap();
    let policy: Value = serde_json::from_str(document(&text, "policy")).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let one = |sid: &str| statements.iter().find(|one| one["Sid"] == sid).unwrap();
    assert_eq!(one("Evidence")["Resource"], "arn:aws:s3:::trail-logs");
    assert_eq!(one("Evidence")["Condition"]["StringLike"]["s3:prefix"], "a${*}b/*");
    assert_eq!(one("EvidenceObjects")["Resource"], "arn:aws:s3:::trail-logs/a${*}b/*");
    assert_eq!(one("Evidence2")["Condition"], Value::Null);
    assert_eq!(one("WorkObjects")["Resource"], "arn:aws:s3:::work/runs/*");
    assert_eq!(one("StateObjects")["Resource"], "arn:aws:s3:::memory/trailproof/*");
    let any: Vec<&Value> =
        statements.iter().filter(|one| one["Resource"] == "*").map(|one| &one["Action"]).collect();
    assert_eq!(any, ["cloudtrail:ListPublicKeys"]);
    assert!(!text.contains("YOUR_WORK_BUCKET"));
}

#[test]
fn names_to_fill_in_are_listed() {
    for target in Target::ALL {
        let asked =
            DeployRequest { work: None, ..request(target, &["arn:aws-cn:cloudtrail:cn-north-1:1:trail/x"]) };
        let text = recipe(&asked).unwrap();
        for name in
            text.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|word| word.starts_with("YOUR_"))
        {
            assert!(text.contains(&format!("#     {name} ")), "{target}: {name}");
        }
        assert!(!text.contains("arn:aws:"), "{target}");
        assert!(text.ends_with('\n') && !text.contains("@ABOUT@"), "{target}");
    }
}

#[test]
fn what_no_engine_can_do_is_refused() {
    let refused = |request: DeployRequest| recipe(&request).unwrap_err().to_string();
    let on_disk = refused(request(Target::Batch, &["/copy"]));
    assert_eq!(on_disk, "`/copy` is a directory, and the machines of `batch` share none");
    assert_eq!(refused(request(Target::Slurm, &["copy"])), "`copy` is a relative path");
    assert!(refused(request(Target::Slurm, &["s3://b/\n"])).contains("invisible"));
    assert!(refused(request(Target::Slurm, &["s3://b/\u{202e}"])).contains("invisible"));
    assert!(refused(request(Target::Batch, &["s3://b/Ref::x"])).contains("`Ref::`"));
    assert!(
        refused(DeployRequest { tasks: 1, ..request(Target::Batch, &["s3://b"]) }).contains("2 to 10000")
    );
    let report = DeployRequest { has_report_files: true, ..request(Target::Kubernetes, &["s3://b"]) };
    assert!(refused(report).contains("`--report`"));
    let work = DeployRequest { work: Some(Place::parse("s3://b")), ..request(Target::Parallel, &["/copy"]) };
    assert!(refused(work).contains("must be a directory"));
}
