//! Who runs the program, with which command line. Both go into the reports.

use std::ffi::OsString;

use crate::event::Origin;
use crate::report::shell;

/// The origin of a run. `arguments` begin with the program's name; `named` is the value of `--run-by`.
pub(super) fn of(arguments: &[OsString], named: Option<String>) -> Origin {
    let words: Vec<_> =
        arguments.iter().skip(1).map(|word| without_password(&word.to_string_lossy())).collect();
    let words = std::iter::once("trailproof").chain(words.iter().map(String::as_str));
    Origin { run_by: named.or_else(user_and_host), command: Some(shell::line(words)), ..Origin::default() }
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

fn user_and_host() -> Option<String> {
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
