//! The repository itself: every file of it can be checked out on every system.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// Longest path from the root of the repository, in characters. Windows takes 260 by default, and the rest is for the
/// folder it is cloned into.
const LONGEST: usize = 200;

/// What Windows keeps for devices, with any extension and in any case.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Devices that have a number.
const NUMBERED: [&str; 2] = ["com", "lpt"];

/// Why some system cannot hold a file at `path`.
fn refusal(path: &str) -> Option<String> {
    if path.chars().count() > LONGEST {
        return Some(format!("longer than {LONGEST} characters"));
    }
    path.split('/').find_map(name_refusal)
}

/// Why Windows refuses a file or folder of this name. Source: "Naming Files, Paths, and Namespaces", Microsoft Learn.
fn name_refusal(name: &str) -> Option<String> {
    if let Some(refused) = name.chars().find(|c| "<>:\"|?*\\".contains(*c) || c.is_control()) {
        return Some(format!("{refused:?} in a name"));
    }
    if name.ends_with([' ', '.']) {
        return Some("a name that ends in a dot or a space".to_owned());
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let numbered = || {
        let number = NUMBERED.iter().find_map(|device| stem.strip_prefix(device))?;
        let mut rest = number.chars();
        Some(matches!((rest.next(), rest.next()), (Some('0'..='9' | '¹' | '²' | '³'), None)))
    };
    let is_device = DEVICES.contains(&stem.as_str()) || numbered() == Some(true);
    is_device.then(|| format!("the name of a device, `{stem}`"))
}

/// Every file that git knows, with its mode; `None` where there is no git, as in a package.
fn known_files() -> Option<Vec<(String, String)>> {
    let root = env!("CARGO_MANIFEST_DIR");
    if !Path::new(root).join(".git").exists() {
        return None;
    }
    let output = Command::new("git").args(["ls-files", "--stage", "-z"]).current_dir(root).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("a name that is no UTF-8");
    let entries = text.split_terminator('\0').map(|entry| {
        let (facts, path) = entry.split_once('\t').unwrap();
        (path.to_owned(), facts.split(' ').next().unwrap().to_owned())
    });
    Some(entries.collect())
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that was skipped has to say so")]
fn every_file_can_be_checked_out_everywhere() {
    let Some(files) = known_files() else {
        eprintln!("no git repository here: the names of files are not checked");
        return;
    };
    assert!(files.len() > 100, "{} files", files.len());
    let mut wrong: Vec<String> = Vec::new();
    let mut folded: HashMap<String, &str> = HashMap::new();
    for (path, mode) in &files {
        wrong.extend(refusal(path).map(|why| format!("{path:?}: {why}")));
        if mode == "120000" {
            wrong.push(format!("{path:?}: a symbolic link, which Windows makes for administrators only"));
        }
        if let Some(other) = folded.insert(path.to_lowercase(), path) {
            wrong.push(format!("{path:?}: the same as {other:?} where case does not count"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_that_a_system_refuses_are_told() {
    let long = "a/".repeat(100);
    for path in [
        "a:b",
        "a<b",
        "a>b/c",
        "a\"b",
        "a|b",
        "a?b",
        "a*b",
        "a\\b",
        "a\u{1b}b",
        "a\nb",
        "a./b",
        "a ",
        "a.",
        "CON",
        "x/nul.json",
        "Aux.tar.gz",
        "com1",
        "x/LPT9.txt",
        "com¹",
        "con .txt",
        "prn/x",
        &format!("{long}b"),
    ] {
        assert!(refusal(path).is_some(), "{path:?}");
    }
    for path in
        ["a/b.json.gz", ".github/x", "console.rs", "com10", "comb", "lpt", "null", "=1+1,'.gz", &long[..200]]
    {
        assert_eq!(refusal(path.trim_end_matches('/')), None, "{path:?}");
    }
}
