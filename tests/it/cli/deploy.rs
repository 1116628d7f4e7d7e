//! `trailproof deploy`: which argument goes to which step, and what is refused.

use super::case::trailproof;

#[test]
fn each_step_gets_the_arguments_that_it_takes() {
    let asked = [
        "deploy",
        "parallel",
        "/copy",
        "--public-keys",
        "/keys.json",
        "--start-time",
        "7d",
        "--jobs",
        "3",
        "--state",
        "/state",
        "--recheck",
        "1/720",
        "--format",
        "json",
        "--hook",
        "echo hi",
        "-v",
        "--tries",
        "5",
        "--objects-per-shard",
        "9",
        "--work",
        "./runs",
        "--trail=-x-",
    ];
    let done = trailproof(&asked);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let has = |line: &str| assert!(done.stdout.contains(line), "{line}:\n{}", done.stdout);
    has("retries=5 ");
    has("shard() { trailproof shards run ; }");
    let lines = |word: &str| done.stdout.lines().find(|line| line.contains(word)).unwrap().to_owned();
    let (merge, estimate) = (lines("shards merge \"$here"), lines("validate --dry-run"));
    let plan = done.stdout.lines().find(|line| line.starts_with("        --")).unwrap();
    for word in [
        "--objects-per-shard 9",
        "--start-time 7d",
        "--jobs 3",
        "--trail=-x-",
        "--public-keys /keys.json",
        "--recheck 1/720",
    ] {
        assert!(plan.contains(word), "{word}: {plan}");
        assert!(!merge.contains(word), "{word}: {merge}");
    }
    for word in ["--format json", "--hook 'echo hi'", "--state /state"] {
        assert!(merge.contains(word) && !plan.contains("--hook"), "{word}: {merge}");
    }
    assert!(!estimate.contains("--state") && !estimate.contains("--recheck"), "{estimate}");
    assert!(!estimate.contains("--hook") && estimate.contains("--start-time 7d"), "{estimate}");
}

/// Recipes run `shards plan --no-progress`, whatever else was typed.
#[test]
fn a_recipe_may_be_asked_for_without_progress() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("none");
    for twice in [false, true] {
        let flags = ["--no-progress"; 2];
        let plan = ["shards", "plan", missing.to_str().unwrap(), "--public-keys", "k.json"];
        let done = trailproof(&[&plan[..], &flags[..1 + usize::from(twice)]].concat());
        assert_eq!(done.code, Some(2));
        assert!(!done.stderr.contains("multiple times"), "{}", done.stderr);
    }
}

#[test]
fn a_request_without_a_recipe_says_what_to_do() {
    let unknown = trailproof(&["deploy", "mainframe", "s3://b"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(2), ""));
    for target in ["spark", "batch", "step-functions", "kubernetes", "slurm", "parallel"] {
        assert!(unknown.stderr.contains(target), "{}", unknown.stderr);
        let done = trailproof(&["deploy", target, "s3://b"]);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{target}");
    }
    for (arguments, said) in [
        (&["deploy", "batch", "/copy"][..], "hint: give a place in S3"),
        (&["deploy", "slurm", "src"], "hint: give the absolute path"),
        (&["deploy", "batch", "s3://b", "--region", "us-esat-1"], "us-east-1"),
        (&["deploy", "batch", "s3://b", "--start-time", "yesterday"], "--start-time"),
        (&["deploy", "batch", "s3://b", "--report", "json=x"], "shards merge"),
        (&["deploy", "batch", "s3://b", "--format", "pdf"], "pdf"),
        (&["deploy", "slurm", "s3://b", "--hook", "./tell.sh"], "`--hook ./tell.sh` has a relative path"),
        (&["deploy", "spark", "s3://b", "--hook", "sh ../tell.sh"], "hint: give the absolute path"),
        (&["deploy", "batch"], "<SOURCE>"),
        (&["deploy", "parallel", "./copy", "--work", "./runs"], "no public keys"),
    ] {
        let done = trailproof(arguments);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(done.stderr.contains(said), "{arguments:?}: {}", done.stderr);
    }
}

/// A container has no profile of this user. The machines of Slurm share the user's folders.
#[cfg(feature = "aws")]
#[test]
fn a_profile_stays_where_it_is() {
    for (target, code) in
        [("spark", 2), ("batch", 2), ("step-functions", 2), ("kubernetes", 2), ("slurm", 0), ("parallel", 0)]
    {
        let done = trailproof(&["deploy", target, "s3://b", "--profile", "audit"]);
        assert_eq!(done.code, Some(code), "{target}: {}", done.stderr);
        let said = format!("error: the machines of `{target}` do not have the profile `audit`");
        assert_eq!(done.stderr.contains(&said), code == 2, "{}", done.stderr);
    }
    let hook = ["deploy", "parallel", "s3://b", "--hook", "./tell.sh"];
    assert_eq!(trailproof(&hook).code, Some(0));
}

#[test]
fn what_a_recipe_does_not_use_or_should_not_trust_is_said() {
    for (arguments, said) in [
        (&["batch", "s3://b", "--tasks-at-once", "5"][..], "`batch` does not use `--tasks-at-once`"),
        (&["step-functions", "s3://b", "--tasks", "5"], "`step-functions` does not use `--tasks`"),
        (
            &["batch", "s3://b/p", "--work", "s3://b/work"],
            "plans and results lie in the evidence, `s3://b/work`",
        ),
        (&["batch", "s3://b", "--state", "s3://b/state"], "the state lies in the evidence, `s3://b/state`"),
        (
            &["slurm", "/copy", "--public-keys", "/k.json", "--work", "/copy/work"],
            "plans and results lie in the evidence, `/copy/work`",
        ),
        (&["batch", "s3://b", "--work", "s3://work", "--state", "s3://state", "--tasks", "9"], ""),
        (&["slurm", "s3://b", "--tasks-at-once", "5", "--tasks", "9"], ""),
    ] {
        let done = trailproof(&[&["deploy"], arguments].concat());
        assert_eq!(done.code, Some(0), "{arguments:?}: {}", done.stderr);
        match said {
            "" => assert_eq!(done.stderr, "", "{arguments:?}"),
            said => assert!(done.stderr.starts_with(&format!("warning: {said}")), "{}", done.stderr),
        }
    }
}
