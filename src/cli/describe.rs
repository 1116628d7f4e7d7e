//! `trailproof completions` and `trailproof man`: shell completions and man pages.

use std::fs;
use std::io;

use clap::CommandFactory as _;

use super::args::{Cli, CompletionsArgs, ManArgs};
use super::{Failure, print, say};
use crate::report::escape::for_terminal;

/// Prints completions for a shell.
pub(super) fn completions(arguments: &CompletionsArgs) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "trailproof", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// Writes a man page for the program and one for each command.
pub(super) fn man(arguments: &ManArgs) -> Result<u8, Failure> {
    let dir = &arguments.dir;
    let failed = |error: io::Error| {
        Failure::new(
            format!("man pages cannot be written into `{}`: {error}", dir.display()),
            "give a writable directory, such as `~/.local/share/man/man1`",
        )
    };
    fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(failed)?;
    say(&format!("wrote man pages into `{}`", for_terminal(&dir.display().to_string())));
    Ok(0)
}
