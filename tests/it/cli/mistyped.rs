//! What was typed wrong is answered by what was meant: one message and one hint, and exit code 2.

use super::case::{program, trailproof};

/// Arguments after `validate`, part of the error, part of the hint.
type Mistyped = (&'static [&'static str], &'static str, &'static str);

const SOURCES: &[Mistyped] = &[
    (&["https://logs.s3.amazonaws.com"], "invalid source", "did you mean `s3://logs`?"),
    (&["https://logs.s3.amazonaws.com/p/q"], "invalid source", "did you mean `s3://logs/p/q`?"),
    (&["https://s3.eu-west-1.amazonaws.com/logs/p"], "invalid source", "did you mean `s3://logs/p`?"),
    (&["https://logs.s3.eu-west-1.amazonaws.com"], "invalid source", "did you mean `s3://logs`?"),
    (&["S3://logs"], "invalid source", "did you mean `s3://logs`?"),
    (&["s3:logs"], "invalid source", "did you mean `s3://logs`?"),
    (&["s3:/logs/p"], "invalid source", "did you mean `s3://logs/p`?"),
    (&["logs"], "`logs`: no such file", "did you mean `s3://logs`?"),
    (&["logs/AWSLogs"], "`logs/AWSLogs`: no such file", "did you mean `s3://logs/AWSLogs`?"),
    (&["arn:aws:s3:::logs"], "invalid source", "did you mean `s3://logs`?"),
    (&["arn:aws:s3:::logs/p"], "invalid source", "did you mean `s3://logs/p`?"),
    (&["https://example.com/logs"], "invalid source", "give a bucket as `s3://BUCKET[/PREFIX]`"),
    (&["s3a://logs/\u{1b}[2J"], "invalid source", "`s3://logs/\\u{1b}[2J`"),
    (&["README.md", "--dry-run"], "`README.md`: no such file or directory", "give a directory"),
    (&["-"], "the source `-` cannot be read: stdin is not read here", "give a file"),
    (&["file:///tmp/x"], "invalid source", "did you mean `/tmp/x`?"),
    (&[".", "--public-keys", "-"], "the keys file `-` cannot be read", "give a file"),
    (&[".", "--report", "run.html"], "expected FORMAT=FILE", "did you mean `--report html=run.html`?"),
    (&[".", "--report", "run.txt"], "expected FORMAT=FILE", "did you mean `--report text=run.txt`?"),
    (&[".", "--report", "run"], "expected FORMAT=FILE", "give a known format and a file"),
    (&[".", "S3://logs"], "invalid source `S3://logs`", "did you mean `s3://logs`?"),
];

#[cfg(feature = "aws")]
const NAMES: &[Mistyped] = &[
    (&[".", "--region", "us-east1"], "invalid region `us-east1`", "did you mean `--region us-east-1`?"),
    (&[".", "--region", "us-est-1"], "invalid region", "did you mean `--region us-east-1`?"),
    (&[".", "--region", "eu-west-1b"], "invalid region", "did you mean `--region eu-west-1`?"),
    (
        &["s3://logs/AWSLogs/111122223333/CloudTrail/us-est-1"],
        "`us-est-1` in the source is not a region",
        "did you mean `us-east-1`?",
    ),
    (&[".", "--region", "Virginia"], "invalid region", "give a region's code"),
    (&[".", "--account-id", "1111-2222-3333"], "expected 12 digits", "`--account-id 111122223333`"),
    (&[".", "--account-id", "arn:aws:iam::111122223333:root"], "expected 12", "`--account-id 111122223333`"),
    (&[".", "--account-id", "1234"], "invalid account id `1234`", "leading zeros"),
    (
        &[".", "--trail", "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit"],
        "invalid trail name",
        "did you mean `--trail audit`?",
    ),
    (&[".", "--trail", "trail/audit"], "invalid trail name", "did you mean `--trail audit`?"),
    (&[".", "--trail", "a b"], "invalid trail name `a b`", "3 to 128 letters"),
    (&[".", "--format", "JSON"], "JSON", "did you mean `--format json`?"),
    (&[".", "--format", "promethues"], "promethues", "did you mean `--format prometheus`?"),
];

const TIMES: &[Mistyped] = &[
    (
        &[".", "--start-time", "2026-09-01T00:00:00"],
        "invalid time `2026-09-01T00:00:00`: the offset from UTC is missing",
        "did you mean `--start-time 2026-09-01T00:00:00Z`?",
    ),
    (&[".", "--end-time", "2026-13-01"], "month 13 is out of range (01 to 12)", "for example `--end-time "),
    (&[".", "--end-time", "2026-06-31"], "day 31 is out of range (2026-06 has 30 days)", "for example"),
    (&[".", "--end-time", "2026-06-30T25:00:00Z"], "hour 25 is out of range (00 to 23)", "for example"),
    (
        &[".", "--end-time", "2026-09-01T00:00:00+25:00"],
        "hour 25 of the offset is out of range",
        "for example",
    ),
    (
        &[".", "--start-time", "9999-12-31"],
        "the latest time that can be given is 9999-12-30T22",
        "for example",
    ),
    (
        &[".", "--start-time", "yesterday"],
        "invalid time `yesterday`: expected RFC 3339, a date, or an age such as `7d`",
        "did you mean `--start-time 1d`?",
    ),
    (
        &[".", "--start-time", "1d", "--end-time", "7d"],
        "is not before the end",
        "did you mean `--start-time 7d --end-time 1d`?",
    ),
    (
        &["s3://logs", "--start-time", "2026-09-02", "--end-time", "2026-09-01"],
        "is not before the end",
        "did you mean `--start-time 2026-09-01 --end-time 2026-09-02`?",
    ),
    (
        &["s3://logs", "--start-time", "2096-11-28", "--end-time", "2096-11-29"],
        "the range lies in the future: it begins at 2096-11-28T00:00:00Z, and now it is ",
        "give a start before now",
    ),
    (
        &[".", "--start-time", "2026-09-01", "--end-time", "2026-09-01"],
        "is not before the end",
        "give a start before the end",
    ),
    (&[".", "--start-time", "-7d"], "an age is a plain length of time", "did you mean `--start-time 7d`?"),
    (&[".", "--start-time", "7D"], "units of ages are lower-case", "did you mean `--start-time 7d`?"),
    (&[".", "--end-time", "2026-09"], "expected RFC 3339", "did you mean `--end-time 2026-09-01`?"),
    (&[".", "--start-time", "7"], "an age needs a unit", "did you mean `--start-time 7d`?"),
    (&[".", "--start-time", "20260901"], "expected RFC 3339", "did you mean `--start-time 2026-09-01`?"),
];

fn assert_all(table: &[Mistyped]) {
    for (arguments, what, hint) in table {
        let mut command = program();
        // No path here is a file or directory by chance.
        let dir = tempfile::tempdir().unwrap();
        command.current_dir(dir.path()).arg("validate").args(*arguments);
        let done: super::case::Done = command.output().unwrap().into();
        done.assert_cannot(what);
        let said = done.stderr.lines().nth(1).unwrap();
        assert!(said.starts_with("hint: ") && said.contains(hint), "{arguments:?}: {hint}: {}", done.stderr);
    }
}

#[test]
fn a_mistyped_source_is_answered_by_an_address() {
    assert_all(SOURCES);
}

#[test]
fn an_option_that_needs_another_says_which() {
    for (arguments, option, other) in [
        (&["validate", ".", "--recheck", "all"][..], "--recheck", "--state"),
        (&["shards", "plan", ".", "--recheck", "1/2"], "--recheck", "--state"),
        (&["deploy", "batch", "s3://b", "--recheck", "none"], "--recheck", "--state"),
        (&["validate", ".", "--hook-on", "always"], "--hook-on", "--hook"),
        (&["shards", "merge", "p", "r", "--hook-timeout", "5s"], "--hook-timeout", "--hook"),
    ] {
        trailproof(arguments).assert_cannot(&format!("`{option}` works only with `{other}`"));
    }
}

#[test]
fn a_slice_that_is_none_is_told_what_is_expected() {
    for wrong in ["1", "0/3", "4/3", "x"] {
        let done = trailproof(&["validate", ".", "--state", "state", "--recheck", wrong]);
        let expected = "expected K/N with K from 1 to N, such as 1/30, or `all` or `none`";
        assert!(done.code == Some(2) && done.stderr.contains(expected), "{}", done.stderr);
    }
}

/// The name of a bucket is UTF-8, and so is a key.
#[cfg(unix)]
#[test]
fn a_path_that_is_not_text_is_no_address() {
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::ffi::OsStr::from_bytes(b"logs/\xff");
    let done: super::case::Done =
        program().arg("validate").arg(path).args(["--public-keys", "none"]).output().unwrap().into();
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(!done.stderr.contains("s3://logs"), "{}", done.stderr);
}

#[test]
#[cfg(feature = "aws")]
fn a_mistyped_name_is_answered_by_the_name() {
    assert_all(NAMES);
}

#[test]
fn a_mistyped_time_is_answered_by_a_time() {
    assert_all(TIMES);
}

#[test]
fn a_path_with_spaces_has_to_be_quoted() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("path with spaces/my copy")).unwrap();
    let validate = |sources: &[&str]| -> super::case::Done {
        program().current_dir(dir.path()).arg("validate").args(sources).output().unwrap().into()
    };
    let done = validate(&["path", "with", "spaces/my", "copy"]);
    done.assert_cannot("`path`, `with`, `spaces/my`, `copy`: no such files or directories");
    assert!(done.stderr.contains("'path with spaces/my copy'"), "{}", done.stderr);
    validate(&["the", "other", "one"]).assert_cannot("quote a path that has spaces");
    validate(&[".", "other"]).assert_cannot("did you mean `s3://other`?");
}

#[test]
fn a_directory_with_the_name_of_a_bucket_is_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("logs")).unwrap();
    let done: super::case::Done =
        program().current_dir(dir.path()).args(["validate", "logs"]).output().unwrap().into();
    done.assert_cannot("no public keys");
}

#[test]
fn other_flags_and_commands_suggest_what_was_meant_too() {
    trailproof(&["validate", ".", "--relocated-from", "s3:logs", "--public-keys", "/dev/null"])
        .assert_cannot("cannot be used");
    trailproof(&["simulate", "S3://logs"]).assert_cannot("did you mean `s3://logs`?");
    for option in ["--bucket", "--prefix"] {
        let done = trailproof(&["simulate", "s3://logs", option, "other"]);
        done.assert_cannot(&format!("`{option}` does not apply to `s3://logs`"));
        assert!(done.stderr.contains("in the address: `s3://BUCKET/PREFIX`"), "{}", done.stderr);
    }
    trailproof(&["simulate", "x", "--start-time", "2026-02-30"]).assert_cannot("day 30 is out of range");
    #[cfg(feature = "aws")]
    {
        let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
        let logs = ["validate-logs", "--start-time", "2026-09-01", "--trail-arn"];
        let run = |more: &[&str]| trailproof(&[&logs[..], more].concat());
        run(&["audit"]).assert_cannot("Invalid trail ARN provided: audit: not an ARN");
        run(&[arn, "--s3-bucket", "s3://logs/p"]).assert_cannot("did you mean `--s3-bucket logs`?");
        run(&[arn, "--account-id", "1"]).assert_cannot("invalid account id `1`");
        run(&[arn, "--region", "us-east1"]).assert_cannot("did you mean `--region us-east-1`?");
        trailproof(&["trails", "--region", "us-east1"]).assert_cannot("did you mean `--region us-east-1`?");
        trailproof(&["keys", "--start-time", "1w2", "--region", "us-east-1"]).assert_cannot("`--start-time`");
        trailproof(&["trails", "--endpoint-url", "127.0.0.1:9000"])
            .assert_cannot("did you mean `--endpoint-url http://127.0.0.1:9000`?");
    }
    for (typed, meant) in [("validat", "validate"), ("trial", "trails")] {
        let done = trailproof(&[typed]);
        assert_eq!((done.code, done.stderr.contains(meant)), (Some(2), true), "{}", done.stderr);
    }
}

/// Arguments that name an address in S3 by mistake, and part of the error or hint.
const PLACES: &[(&[&str], &str)] = &[
    (&["shards", "plan", ".", "-o", "s3:/plans/plan.jsonl"], "did you mean `s3://plans/plan.jsonl`?"),
    (&["shards", "run", "-o", "s3:/results/of/"], "did you mean `s3://results/of/`?"),
    (&["shards", "run", "S3://plans/plan.jsonl"], "did you mean `s3://plans/plan.jsonl`?"),
    (&["shards", "merge", "plan.jsonl", "s3:/results/"], "cannot be read"),
    (&["collect", ".", "s3:/copies"], "`s3:/copies` is no directory"),
    (&["collect", ".", "s3:copies"], "`s3:copies` is no directory"),
    (&["collect", ".", "S3://copies"], "`S3://copies` is no directory"),
    (&["state", "init", "s3:/states/x"], "did you mean `s3://states/x`?"),
    (&["state", "init", "https://example.com/x"], "as `s3://BUCKET[/PREFIX]`"),
    (&["simulate", "s3:/logs"], "did you mean `s3://logs`?"),
    (&["validate", ".", "--report", "json=s3:/reports/x.json"], "a report cannot be written to S3"),
    (&["validate", ".", "--report", "html=s3://reports/x.html"], "`aws s3 cp x.html s3://reports/x.html`"),
    (&["report", "run.json", "--report", "html=s3://reports/x.html"], "a report cannot be written to S3"),
    (&["validate", ".", "--report", "json=-"], "for stdout, give `--format json`"),
];

#[test]
fn a_mistyped_address_does_not_become_a_local_folder() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, said) in PLACES {
        let done: super::case::Done =
            program().current_dir(dir.path()).args(*arguments).output().unwrap().into();
        done.assert_cannot(said);
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_state_with_the_name_of_a_bucket_says_that_it_is_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let init = |place: &str| -> super::case::Done {
        program().current_dir(dir.path()).args(["state", "init", place]).output().unwrap().into()
    };
    std::fs::create_dir(dir.path().join("there-already")).unwrap();
    for (place, note) in [
        ("audit-state", "note: the state is a local directory; for a bucket, give `s3://audit-state`"),
        ("there-already", ""),
        ("./a-path", ""),
    ] {
        let done = init(place);
        assert_eq!((done.code, done.stdout.as_str()), (Some(0), ""), "{}", done.stderr);
        assert_eq!(done.stderr.lines().nth(1).unwrap_or_default(), note);
        assert!(dir.path().join(place).join("place.json").exists());
    }
}

#[test]
fn a_width_of_no_columns_is_no_width() {
    let help = |columns: Option<&str>| {
        let mut command = program();
        match columns {
            Some(columns) => command.env("COLUMNS", columns),
            None => command.env_remove("COLUMNS"),
        };
        let done: super::case::Done = command.args(["validate", "--help"]).output().unwrap().into();
        done.stdout
    };
    assert_eq!(help(Some("0")), help(None));
    assert_ne!(help(Some("60")), help(None));
}

/// A state inside of the evidence can be changed by whoever can change the evidence.
#[test]
fn a_state_inside_of_evidence_is_made_with_a_warning() {
    let case = super::case::Case::make(&[]);
    for (place, warns) in [
        ("buckets/trail-logs/state", true),
        ("buckets/state", true),
        ("buckets/trail-logs/../other", true),
        ("buckets", true),
        ("state", false),
    ] {
        let done = trailproof(&["state", "init", &case.text(place)]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert_eq!(done.stderr.contains("` holds evidence: "), warns, "{place}: {}", done.stderr);
        let warning = done.stderr.lines().find(|line| line.starts_with("warning: ")).unwrap_or_default();
        assert!(!warning.contains(".."), "{warning}");
    }
}
