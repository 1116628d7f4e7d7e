//! Saved reports: each fixture's JSON report is as the schema says, and rendered again it gives the same bytes in every
//! format; what is no report is refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use trailproof::event::{TimeState, Timeline};
use trailproof::report::escape::is_hidden;
use trailproof::report::json::{PLAN_SCHEMA_FILE, SCHEMA_FILE, TRAILS_SCHEMA_FILE};

use crate::cli::case::{Case, trailproof};
use crate::fixtures::{case, delivery, every_case, trailproof as run_in};
use crate::support::time;

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

/// What a case's run is written to, beside stdout.
const REPORTS: [(&str, &str); 3] = [("json", "run.json"), ("text", "run.txt"), ("html", "run.html")];

fn reports_in(folder: &Path) -> Vec<String> {
    let spec = |(format, file): &(&str, &str)| format!("{format}={}", folder.join(file).display());
    REPORTS.iter().flat_map(|report| ["--report".to_owned(), spec(report)]).collect()
}

/// Validates a case, and renders its JSON report again into another folder.
fn rendered_twice(case: &case::Case) -> Result<[tempfile::TempDir; 2], String> {
    let [direct, again] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let run = [case.validate_arguments(), reports_in(direct.path()), vec!["-q".to_owned()]].concat();
    let folder = delivery::folder(case)?;
    let output = run_in(&folder, &run);
    if output.status.code() != Some(case.expect.exit) {
        return Err(format!(
            "exit code {:?}: {}",
            output.status.code(),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let saved = direct.path().join("run.json").display().to_string();
    let render = [vec!["report".to_owned(), saved, "-q".to_owned()], reports_in(again.path())].concat();
    let rendered = run_in(&folder, &render);
    if rendered.status.code() != Some(0) || rendered.stdout != output.stdout {
        return Err(format!(
            "`report`: {:?}: {}",
            rendered.status,
            String::from_utf8_lossy(&rendered.stderr)
        ));
    }
    Ok([direct, again])
}

#[test]
fn every_fixture_is_rendered_again_to_the_same_bytes() {
    every_case(|case| {
        let [direct, again] = rendered_twice(case)?;
        for (format, file) in REPORTS {
            let [one, two] = [&direct, &again].map(|folder| fs::read(folder.path().join(file)).unwrap());
            if one.is_empty() || one != two {
                return Err(format!("`{format}` is another one when it is rendered again"));
            }
        }
        let report = fs::read(direct.path().join("run.json")).unwrap();
        let report: Value = serde_json::from_slice(&report).map_err(|error| error.to_string())?;
        let wrong = errors(&report);
        unknown_fields(&report, &schema())?;
        timelines_fit(&report)?;
        page_is_sound(&fs::read_to_string(direct.path().join("run.html")).unwrap(), &report)?;
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    });
}

/// The schema allows for fields of later versions; those of this version it has to name.
fn unknown_fields(report: &Value, schema: &Value) -> Result<(), String> {
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
    };
    let chains = report["chains"].as_array().into_iter().flatten();
    let findings = report["findings"].as_array().into_iter().flatten();
    let parts = std::iter::once((report, schema))
        .chain(chains.clone().map(|chain| (chain, &schema["$defs"]["chain"])))
        .chain(
            chains
                .map(|chain| &chain["timeline"])
                .filter(|line| !line.is_null())
                .map(|line| (line, &schema["$defs"]["timeline"])),
        )
        .chain(findings.map(|finding| (finding, &schema["$defs"]["finding"])));
    for (value, schema) in parts {
        if keys(value) != keys(&schema["properties"]) {
            return Err(format!(
                "{:?} are the fields, {:?} the schema's",
                keys(value),
                keys(&schema["properties"])
            ));
        }
    }
    Ok(())
}

/// A timeline says of covered time that it is proved, or what is wrong with it; and of a record that is intact nothing else.
fn timelines_fit(report: &Value) -> Result<(), String> {
    let moment = |value: &Value| time(value.as_str().unwrap()).unix();
    let mut letters = String::new();
    for chain in report["chains"].as_array().into_iter().flatten() {
        let line = &chain["timeline"];
        let Some(runs) = line["runs"].as_str() else {
            return Err(format!("{chain} has no timeline"));
        };
        let step = line["step"].as_u64().unwrap();
        let timeline = Timeline::parse(time(line["start"].as_str().unwrap()), step, runs).unwrap();
        letters.push_str(runs);
        let covered: i64 = chain["covered"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|stretch| moment(&stretch["end"]) - moment(&stretch["start"]))
            .sum();
        let seconds = |states: &[TimeState]| states.iter().map(|state| timeline.seconds(*state)).sum::<u64>();
        let sound = seconds(&[TimeState::Proved, TimeState::Quiet]);
        let unsound = seconds(&[TimeState::Tampered, TimeState::Unverified]);
        let fits = (sound..=sound + unsound).contains(&covered.unsigned_abs());
        if chain["backfill"] == false && !fits {
            return Err(format!("{runs} of {step} s does not fit the covered {covered} s"));
        }
        if (chain["gaps"] != 0) && !runs.contains(['g', 't', 'u']) {
            return Err(format!("{runs} shows none of {} gaps", chain["gaps"]));
        }
    }
    let tampered = |of: &str| report["counts"][of]["tampered"] != 0;
    if (tampered("digests") || tampered("logs")) && !letters.contains('t') {
        return Err(format!("{letters} shows no tampering"));
    }
    if report["verdict"] == "intact" && letters.contains(['g', 't', 'u']) {
        return Err(format!("{letters} of an intact record"));
    }
    Ok(())
}

/// Nothing hidden, nothing to run, nothing to fetch, every tag closed, and everything said that the report says.
fn page_is_sound(page: &str, report: &Value) -> Result<(), String> {
    if let Some(hidden) = page.chars().find(|&c| c != '\n' && is_hidden(c)) {
        return Err(format!("the page has a raw {hidden:?}"));
    }
    for never in ["<script", "javascript:", " onload", " onclick", "http://", "https://", " style="] {
        if page.contains(never) {
            return Err(format!("the page has `{never}`"));
        }
    }
    tags_are_closed(page)?;
    let verdict = format!("<h1>{}</h1>", report["verdict"].as_str().unwrap_or_default());
    let findings = report["findings"].as_array().map_or(0, Vec::len);
    let (shown, chains) =
        (page.matches("<p class=\"subject\">").count(), report["chains"].as_array().map_or(0, Vec::len));
    let drawn = page.matches("<details class=\"day\"").count();
    if !page.contains(&verdict) || shown != findings || drawn != chains {
        return Err(format!("{shown} of {findings} findings, {drawn} of {chains} chains, verdict {verdict}"));
    }
    Ok(())
}

/// Elements that have no end tag.
const VOID: [&str; 2] = ["meta", "br"];

fn tags_are_closed(page: &str) -> Result<(), String> {
    let mut open = Vec::new();
    for tag in page.split('<').skip(1) {
        let (inside, _) = tag.split_once('>').ok_or_else(|| format!("`<{tag}` does not end"))?;
        let name = inside.split([' ', '\n']).next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) if open.last() == Some(&name) => drop(open.pop()),
            Some(name) => return Err(format!("`</{name}>` closes {open:?}")),
            None if name.starts_with('!') || VOID.contains(&name) => {}
            None => open.push(name),
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} are left open")) }
}

#[test]
fn every_plan_is_as_its_schema_says() {
    every_case(|case| {
        let more = ["--dry-run", "--format", "json"].map(str::to_owned);
        let arguments = [case.validate_arguments(), more.to_vec()].concat();
        let output = run_in(&delivery::folder(case)?, &arguments);
        let plan: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        let wrong = errors(&plan);
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    });
}

#[test]
fn what_contradicts_itself_is_no_report_by_the_schema_either() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let report = report_of(&["log-modified"]);
    assert!(validator.is_valid(&report));
    for (pointer, value) in [
        ("/verdict", Value::from("intact")),
        ("/verdict", Value::from("fine")),
        ("/schema", Value::from("trailproof/report/2")),
        ("/range/end", Value::from("yesterday")),
        ("/counts/logs/valid", Value::from(-1)),
        ("/findings/0/kind", Value::from("log-eaten")),
        ("/chains/0/timeline/runs", Value::from("3x")),
        ("/chains/0/timeline/step", Value::from(0)),
    ] {
        let mut wrong = report.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&wrong), "{pointer}");
    }
}

/// The JSON report of a delivery tampered with.
fn report_of(tampers: &[&str]) -> Value {
    serde_json::from_str(&Case::make(tampers).validate(&["--format", "json"]).stdout).unwrap()
}

/// What `report` says of a file with this content.
fn render(content: &[u8], more: &[&str]) -> crate::cli::case::Done {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.json");
    fs::write(&file, content).unwrap();
    trailproof(&[&["report", file.to_str().unwrap()], more].concat())
}

#[test]
fn what_is_no_report_is_refused_with_a_reason() {
    let report = report_of(&["log-modified"]);
    for (content, what) in [
        ("", "is no report"),
        ("[]", "is no report"),
        ("{}", "no `schema`"),
        ("{\"schema\": \"trailproof/plan/1\"}", "its schema is `trailproof/plan/1`"),
        ("{\"schema\": \"trailproof/report/2\"}", "its schema is"),
        ("{\"schema\": \"\\u001b[2J\"}", "its schema is `\\u{1b}[2J`"),
        ("{\"schema\": \"trailproof/report/1\"}", "missing field"),
        (&"[".repeat(1_000_000), "is no report"),
        (&format!("{report}x"), "trailing characters"),
    ] {
        render(content.as_bytes(), &[]).assert_cannot(what);
    }
    render(&[0xff, 0xfe], &[]).assert_cannot("is no report");
    for (pointer, value, what) in [
        ("/findings/0/kind", "log-eaten", "`log-eaten` is no kind of finding that this version knows"),
        ("/findings/0/kind", "\u{1b}[2J", "no kind of finding"),
        ("/findings/0/severity", "grave", "no severity"),
        ("/findings/0/reason", "bored", "no reason"),
        (
            "/verdict",
            "intact",
            "it contradicts itself: it says `intact`, and its findings and counts come to `tampered`",
        ),
        ("/verdict", "fine", "no verdict"),
        ("/started", "2026-02-30T00:00:00Z", "no moment"),
        ("/chains/0/timeline/runs", "99999999999999999999p", "a timeline that cannot be read"),
        ("/chains/0/covered/0/end", "2001-01-01T00:00:00Z", "a stretch ends before it starts"),
    ] {
        let mut wrong = report.clone();
        *wrong.pointer_mut(pointer).unwrap() = value.into();
        render(wrong.to_string().as_bytes(), &[]).assert_cannot(what);
    }
    render(report.to_string().as_bytes(), &["--max-size", "1K"])
        .assert_cannot("larger than the limit of 1024");
    trailproof(&["report", "nowhere.json"]).assert_cannot("cannot be read");
    render(report.to_string().as_bytes(), &["--format", "xml"]).assert_cannot("no report format");
}

#[test]
fn a_report_of_another_version_is_read() {
    let mut report = report_of(&["log-modified"]);
    for gone in ["run_by", "command", "interrupted"] {
        report.as_object_mut().unwrap().remove(gone).unwrap();
    }
    let chain = report["chains"][0].as_object_mut().unwrap();
    chain.remove("gaps").unwrap();
    chain.remove("timeline").unwrap();
    report["version"] = "9.9.9".into();
    report["weather"] = serde_json::json!({"fine": [true]});
    for format in ["text", "json", "html"] {
        let done = render(report.to_string().as_bytes(), &["--format", format]);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{format}");
        assert!(
            done.stdout.contains("9.9.9") && !done.stdout.contains("weather"),
            "{format}: {}",
            done.stdout
        );
    }
}

#[test]
fn hostile_words_stay_words_in_every_format() {
    let evil =
        "</code></style><script>alert(1)</script><img src=x onerror=y>\"'&=1+1\u{1b}[2J\u{202e}\u{0}\n";
    let mut report = report_of(&["log-modified", "digest-missing@last"]);
    for pointer in [
        "/version",
        "/sources/0",
        "/run_by",
        "/command",
        "/keys/0/fingerprint",
        "/keys/0/region",
        "/keys/0/source",
        "/chains/0/account",
        "/chains/0/region",
        "/chains/0/trail",
        "/chains/0/home_region",
        "/chains/0/organization",
        "/findings/0/account",
        "/findings/0/region",
        "/findings/0/trail",
        "/findings/0/uri",
        "/findings/0/digest",
        "/findings/0/message",
        "/findings/0/expected",
        "/findings/0/actual",
    ] {
        *report.pointer_mut(pointer).unwrap() = evil.into();
    }
    report["findings"][1]["uri"] = format!("s3://b/{evil}{}", "é".repeat(1_024)).into();
    let content = report.to_string();
    let page = render(content.as_bytes(), &["--format", "html"]);
    assert_eq!(page.code, Some(0), "{}", page.stderr);
    let mut known = report.clone();
    known["verdict"] = "tampered".into();
    page_is_sound_but_for(&page.stdout, &known);
    assert!(page.stdout.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    let text = render(content.as_bytes(), &[]);
    assert!(!text.stdout.contains(|c: char| c != '\n' && is_hidden(c)));
    let json = render(content.as_bytes(), &["--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&json.stdout).unwrap(), report, "nothing is lost");
}

/// As [`page_is_sound`], where the words of attributes stand in the text.
fn page_is_sound_but_for(page: &str, report: &Value) {
    assert!(!page.contains("<script") && !page.contains("<img"));
    tags_are_closed(page).unwrap();
    assert!(!page.contains(|c: char| c != '\n' && is_hidden(c)));
    assert_eq!(page.matches("<p class=\"subject\">").count(), report["findings"].as_array().unwrap().len());
}

#[test]
fn the_report_that_is_read_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.json");
    let content = report_of(&[]).to_string();
    fs::write(&file, &content).unwrap();
    let path = file.to_str().unwrap();
    let other = format!("{}/./run.json", folder.path().display());
    for spec in [format!("json={path}"), format!("html={other}")] {
        trailproof(&["report", path, "--report", &spec]).assert_cannot("would be written over");
        assert_eq!(fs::read_to_string(&file).unwrap(), content);
    }
    let nowhere = format!("html={}/no/where.html", folder.path().display());
    trailproof(&["report", path, "--report", &nowhere]).assert_cannot("cannot write");
    let whole = folder.path().join("whole.html");
    let spec = format!("html={}", whole.display());
    let done = trailproof(&["report", path, "-q", "--report", "html=/dev/full", "--report", &spec]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(done.stderr.contains("`/dev/full` cannot be written") && done.stdout.starts_with("intact: "));
    assert!(fs::read_to_string(&whole).unwrap().ends_with("</body></html>\n"), "the other one is whole");
}

#[test]
fn the_schema_is_printed_and_stdin_is_read() {
    let done = trailproof(&["report", "--schema"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), SCHEMA_FILE));
    for (which, schema) in
        [("report", SCHEMA_FILE), ("plan", PLAN_SCHEMA_FILE), ("trails", TRAILS_SCHEMA_FILE)]
    {
        assert_eq!(trailproof(&["report", "--schema", which]).stdout, schema);
    }
    assert_eq!(trailproof(&["report"]).code, Some(2));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.json");
    fs::write(&file, report_of(&[]).to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_trailproof"));
    let output = command.args(["report", "-", "-q"]).stdin(fs::File::open(file).unwrap()).output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"intact: "));
}

#[test]
fn who_ran_it_is_told() {
    let case = Case::make(&[]);
    let report = |more: &[&str]| -> Value {
        serde_json::from_str(&case.validate(&[&["--format", "json"], more].concat()).stdout).unwrap()
    };
    let named = report(&["--run-by", "the night watch; $(id)"]);
    assert_eq!(named["run_by"], "the night watch; $(id)");
    let command = named["command"].as_str().unwrap();
    assert!(
        command.starts_with("trailproof validate ") && command.ends_with("--run-by 'the night watch; $(id)'")
    );
    assert!(report(&[])["run_by"].as_str().is_some_and(|who| who.contains('@')));
}

#[test]
fn a_page_is_no_plan() {
    Case::make(&[])
        .validate(&["--dry-run", "--format", "html"])
        .assert_cannot("a plan cannot be written as `html`");
}
