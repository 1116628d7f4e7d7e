//! `trailproof completions` and `trailproof man`: shell completions and man pages.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::pages::{self, Body, Section};
use super::args::{Cli, CompletionsArgs, ManArgs};
use super::{Failure, print, say};
use crate::report::Format;

/// Prints completions for a shell.
pub(super) fn completions(arguments: &CompletionsArgs) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut with_formats(Cli::whole()), "trailproof", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// The command line with the formats of reports as the values to choose from. A run reads the option itself: its message for
/// another value suggests the format that was meant.
fn with_formats(program: Command) -> Command {
    let formats = || PossibleValuesParser::new(Format::ALL.map(Format::as_str));
    let with = |command: Command| {
        command.mut_args(|option| match option.get_id() == "format" {
            true => option.value_parser(formats()),
            false => option,
        })
    };
    let program = ["validate", "collect", "report", "deploy"]
        .into_iter()
        .fold(program, |program, name| program.mut_subcommand(name, with));
    program.mut_subcommand("shards", |shards| shards.mut_subcommand("merge", with))
}

/// Writes a man page for the program and one for each command and each of its own commands.
pub(super) fn man(arguments: &ManArgs) -> Result<u8, Failure> {
    let dir = &arguments.dir;
    let failed = |error: io::Error| {
        Failure::new(
            format!("man pages cannot be written into `{}`: {error}", dir.display()),
            "give a writable directory, such as `~/.local/share/man/man1`",
        )
    };
    fs::create_dir_all(dir).map_err(failed)?;
    let program = Cli::with_arguments(Cli::command().disable_help_subcommand(true));
    let nested = program.get_subcommands().flat_map(Command::get_subcommands);
    for command in program.get_subcommands().chain(nested).chain([&program]) {
        page(command, dir).map_err(failed)?;
    }
    say(&format!("wrote man pages into `{}`", dir.display()));
    Ok(0)
}

/// Writes the man page of one command. The help's own examples and lists become sections of the page.
fn page(command: &Command, dir: &Path) -> io::Result<()> {
    let source = format!("trailproof {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source).manual("trailproof");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    pages::sections(command.get_name()).iter().try_for_each(|part| section(part, &mut page))?;
    see_also(command, &mut page)?;
    fs::write(dir.join(man.get_filename()), page)
}

fn section(section: &Section, page: &mut dyn Write) -> io::Result<()> {
    let mut roff = Roff::default();
    roff.control("SH", [section.man_heading]);
    match &section.body {
        Body::Examples(examples) => {
            for (comment, line) in *examples {
                roff.control("PP", []);
                roff.text([roman(format!("{comment}:"))]);
                roff.control("RS", ["4"]).control("EX", []);
                for line in line.lines() {
                    roff.text([roman(line)]);
                }
                roff.control("EE", []).control("RE", []);
            }
        }
        Body::Terms(terms) => {
            for (term, explanation) in terms {
                roff.control("TP", []);
                roff.text([bold(term)]);
                roff.text([roman(explanation)]);
            }
        }
    }
    roff.to_writer(page)
}

fn see_also(command: &Command, page: &mut dyn Write) -> io::Result<()> {
    let others = match command.get_name() {
        "trailproof" => "aws(1)",
        "validate" => "trailproof(1), trailproof-trails(1), trailproof-keys(1), trailproof-report(1)",
        "collect" => "trailproof(1), trailproof-validate(1), trailproof-keys(1), trailproof-simulate(1)",
        _ => "trailproof(1), trailproof-validate(1)",
    };
    let mut roff = Roff::default();
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(others)]);
    roff.to_writer(page)
}
