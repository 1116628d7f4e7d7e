//! Who runs what: asked of the system once, and told to whoever files the report.

use std::ffi::OsString;

use crate::event::Origin;
use crate::report::shell;

/// What is told of a run with these arguments, the program's name first. `named` is who the user says runs it.
pub(super) fn of(arguments: &[OsString], named: Option<String>) -> Origin {
    let words: Vec<_> = arguments.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    let words = std::iter::once("trailproof").chain(words.iter().map(AsRef::as_ref));
    Origin { run_by: named.or_else(user_and_host), command: Some(shell::line(words)), ..Origin::default() }
}

fn user_and_host() -> Option<String> {
    match (whoami::username(), whoami::hostname()) {
        (Ok(user), Ok(host)) => Some(format!("{user}@{host}")),
        (Ok(user), Err(_)) => Some(user),
        (Err(_), Ok(host)) => Some(format!("@{host}")),
        (Err(_), Err(_)) => None,
    }
}
