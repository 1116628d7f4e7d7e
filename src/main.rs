//! The program: everything is in [`trailproof::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    trailproof::cli::run(std::env::args_os())
}
