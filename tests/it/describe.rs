//! Completions and man pages: that there is one for each shell and command, and that shells and `man` take them.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::cli::case::trailproof;

/// What a program says of a file; `None` where the program is not there.
fn ask(program: &str, arguments: &[&str]) -> Option<Output> {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()
}

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let done = trailproof(&["completions", shell]);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{shell}");
        assert!(done.stdout.contains("report") && done.stdout.contains("simulate"), "{shell}");
    }
    let wrong = trailproof(&["completions", "command.com"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(2), ""));
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that was skipped has to say so")]
fn bash_takes_its_completions() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trailproof");
    fs::write(&file, trailproof(&["completions", "bash"]).stdout).unwrap();
    let script = format!(
        "source '{}'; COMP_WORDS=(trailproof val); COMP_CWORD=1; _trailproof trailproof val trailproof; \
         echo \"${{COMPREPLY[@]}}\"",
        file.display()
    );
    let Some(output) = ask("bash", &["-c", &script]) else {
        eprintln!("no `bash` here: its completions are not tried");
        return;
    };
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(words.split_whitespace().any(|word| word == "validate"), "{words}");
}

#[test]
fn completions_have_the_formats() {
    let bash = trailproof(&["completions", "bash"]).stdout;
    let formats = "compgen -W \"text json html jsonl csv junit prometheus asff ocsf\"";
    // Of `validate`, `collect`, `report`, `deploy` and `shards merge`.
    assert_eq!(bash.matches(formats).count(), 5, "{bash}");
}

#[test]
fn help_is_wrapped_below_its_terms() {
    for command in ["validate", "report", "simulate"] {
        let help = trailproof(&["help", command]).stdout;
        let from = help.split("\nExamples:\n").nth(1).unwrap();
        let after = from.split("\n\n").skip(1).collect::<Vec<_>>().join("\n\n");
        for line in after.lines().filter(|line| !line.ends_with(':')) {
            assert!(line.is_empty() || line.starts_with("  "), "{command}: {line}");
        }
    }
    let kinds = trailproof(&["help", "report"]).stdout;
    assert!(
        kinds.contains("  chain-gap            incomplete: time that no proved digest covers\n"),
        "{kinds}"
    );
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that was skipped has to say so")]
fn every_command_has_a_man_page_that_renders() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("share/man1");
    let done = trailproof(&["man", folder.to_str().unwrap()]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), ""), "{}", done.stderr);
    let mut pages: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let names: Vec<_> = pages.iter().map(|page| page.file_stem().unwrap().to_str().unwrap()).collect();
    for command in ["trailproof", "trailproof-validate", "trailproof-simulate", "trailproof-man"] {
        assert!(names.contains(&command), "{names:?}");
    }
    for page in &pages {
        let path = page.to_str().unwrap();
        let source = fs::read_to_string(page).unwrap();
        let asks_aws = [
            "validate",
            "collect",
            "trails",
            "keys",
            "logs",
            "simulate",
            "trailproof",
            "state",
            "init",
            "show",
            "accept",
            "shards",
            "plan",
            "run",
            "merge",
        ];
        let asks_aws = asks_aws.iter().any(|name| path.ends_with(&format!("{name}.1")));
        for section in ["EXAMPLES", "EXIT STATUS", "SEE ALSO"] {
            assert!(
                source.lines().any(|line| line.trim_matches('"').contains(section)),
                "{path}: {section}: {source}"
            );
        }
        assert!(!source.contains(".SH EXTRA"), "{path}");
        if cfg!(feature = "aws") {
            let environment = source.contains(".SH ENVIRONMENT") && source.contains("AWS_PROFILE");
            assert_eq!(environment, asks_aws, "{path}");
        }
        let Some(output) = ask("groff", &["-man", "-Tutf8", "-P-cbou", "-ww", path]) else {
            eprintln!("no `groff` here: man pages are not rendered");
            return;
        };
        let (text, warnings) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success() && warnings.is_empty(), "{path}: {warnings}");
        assert!(text.contains("NAME") && text.contains("SYNOPSIS"), "{path}: {text}");
    }
}

#[test]
fn man_pages_that_cannot_be_written_are_said() {
    trailproof(&["man", "/dev/null/man1"]).assert_cannot("man pages cannot be written");
}
