//! Recipes that lack a program, a name or an engine: nothing is made, and there is no verdict.

use super::*;

/// Before anything is made, what cannot work ends with 2.
#[test]
fn what_is_lacking_is_seen_before_anything_is_made() {
    if !can_run() {
        return;
    }
    for (target, program) in [
        (Target::Parallel, "parallel"),
        (Target::Slurm, "sbatch"),
        (Target::Kubernetes, "kubectl"),
        (Target::Batch, "aws"),
        (Target::StepFunctions, "aws"),
    ] {
        // What the machine has cannot be lacking.
        if Command::new(program).arg("--version").output().is_ok() {
            continue;
        }
        let stage = Stage::new(target);
        let ended = stage.without(program).end(&[]);
        assert_eq!(ended.code, Some(2), "{target}: {ended:?}");
        assert!(ended.stderr.contains(program), "{target}: {ended:?}");
        assert!(!stage.at("work").exists() && !stage.at("trailproof-run").exists(), "{target}");
    }
    for target in [Target::Slurm, Target::Kubernetes, Target::Batch, Target::StepFunctions, Target::Spark] {
        let asked = DeployRequest { work: None, ..request(target, &["s3://b"]) };
        let stage = Stage::of(&asked);
        // Each has a name that is not filled in.
        let ended = stage.end(&[]);
        assert_eq!(ended.code, Some(2), "{target}: {ended:?}");
        assert!(ended.stderr.contains("fill in"), "{target}: {ended:?}");
        assert!(!stage.has_called() && stage.ran("plan") == 0, "{target}: {ended:?}");
        assert!(!stage.at("trailproof-run").exists(), "{target}");
    }
}

#[test]
fn an_engine_that_does_not_run_is_no_verdict() {
    if !can_run() {
        return;
    }
    for code in ["126", "127", "255"] {
        let stage = Stage::new(Target::Parallel);
        let ended = stage.end(&[("FAULT", "parallel"), ("ENGINE_EXIT", code), ("MERGE_EXIT", "3")]);
        assert_eq!((ended.code, stage.ran("merge")), (Some(2), 0), "{ended:?}");
    }
    // The number of shards that failed.
    for code in ["1", "101"] {
        let stage = Stage::new(Target::Parallel);
        let ended = stage.end(&[("FAULT", "parallel"), ("ENGINE_EXIT", code), ("MERGE_EXIT", "3")]);
        assert_eq!((ended.code, stage.ran("merge")), (Some(3), 1), "{ended:?}");
    }
    // Another program of the name.
    let stage = Stage::new(Target::Parallel);
    let ended = stage.end(&[("PARALLEL", "parallel from moreutils")]);
    assert_eq!((ended.code, stage.ran("plan")), (Some(2), 0), "{ended:?}");
}

/// IAM needs some seconds to tell Step Functions of a new role.
#[test]
fn a_new_role_is_waited_for() {
    if !can_run() {
        return;
    }
    for (faults, code) in [
        ("describe-state-machine", 0),
        ("describe-state-machine,create-state-machine once", 0),
        ("describe-state-machine,create-state-machine", 2),
    ] {
        let stage = Stage::new(Target::StepFunctions);
        let ended = stage.write("answers", "SUCCEEDED\tNone").end(&[("FAULT", faults)]);
        assert_eq!(ended.code, Some(code), "{faults}: {ended:?}");
        let calls = fs::read_to_string(stage.at("calls")).unwrap();
        // Of the region in the ARNs, whatever the caller's is.
        assert!(calls.lines().all(|call| call.ends_with(" us-east-1")), "{calls}");
    }
}
