//! Who runs the program, with which command line. Both go into the reports.

use std::ffi::OsString;

use crate::event::Origin;
use crate::report::shell;

/// The origin of a run. `arguments` begin with the program's name; `named` is the value of `--run-by`.
pub(super) fn of(arguments: &[OsString], named: Option<String>) -> Origin {
    let words = without_secrets(arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()));
    let words = std::iter::once("trailproof").chain(words.iter().map(String::as_str));
    Origin { run_by: named.or_else(user_and_host), command: Some(shell::line(words)), ..Origin::default() }
}

/// Options whose values say whom to tell. Such a command or URL often contains a token.
const TELLING: [&str; 2] = ["--hook", "--ping"];

/// Replaces secrets in the words of a command line by `***`.
fn without_secrets(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut is_secret = false;
    let shown = words.map(|word| {
        if std::mem::take(&mut is_secret) {
            return "***".to_owned();
        }
        is_secret = TELLING.contains(&word.as_str());
        match word.split_once('=') {
            Some((option, _)) if TELLING.contains(&option) => format!("{option}=***"),
            _ => without_password(&word),
        }
    });
    shown.collect()
}

/// Replaces the user and password in a URL by `***`, since reports are passed on.
fn without_password(word: &str) -> String {
    let parts = word.split_once("://").and_then(|(scheme, rest)| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (secret, _) = host.rsplit_once('@')?;
        Some((scheme, rest.get(secret.len()..)?))
    });
    parts.map_or_else(|| word.to_owned(), |(scheme, rest)| format!("{scheme}://***{rest}"))
}

/// User and host, as far as known.
pub(super) fn user_and_host() -> Option<String> {
    match (whoami::username(), whoami::hostname()) {
        (Ok(user), Ok(host)) => Some(format!("{user}@{host}")),
        (Ok(user), Err(_)) => Some(user),
        (Err(_), Ok(host)) => Some(format!("@{host}")),
        (Err(_), Err(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_and_pings_are_removed() {
        let words = [
            "validate",
            "--hook",
            "curl -H 'Token: x'",
            "--ping=http://h/y",
            "--hook=--hook",
            "--hook-on",
            "always",
        ];
        let shown = without_secrets(words.into_iter().map(str::to_owned));
        assert_eq!(shown.join(" "), "validate --hook *** --ping=*** --hook=*** --hook-on always");
        let shown = without_secrets(["--hook", "--hook", "a"].into_iter().map(str::to_owned));
        assert_eq!(shown.join(" "), "--hook *** a");
    }

    #[test]
    fn passwords_are_removed() {
        for (word, shown) in [
            ("https://me:p@ss@s3.example/x@y", "https://***@s3.example/x@y"),
            ("--endpoint-url=http://me@h:9000?a", "--endpoint-url=http://***@h:9000?a"),
            ("s3://bucket/a@b", "s3://bucket/a@b"),
            ("http://h/a@b", "http://h/a@b"),
            ("a@b", "a@b"),
            ("://@", "://***@"),
            ("é", "é"),
        ] {
            assert_eq!(without_password(word), shown);
        }
    }
}
