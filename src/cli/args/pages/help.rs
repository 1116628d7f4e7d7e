//! Sections as text for `--help`.

use std::fmt::Write as _;

use clap::Command;

use super::{Body, sections};

/// Columns of `--help`. clap itself would begin the rest of a longer line in the first column.
const WIDTH: usize = 80;

/// The command line with the sections of each command's page after its options in `--help`. Without a call of `--help`
/// nobody reads them, and they take longer to make than all the rest. Commands of a command exist only when that is
/// parsed, so `shards` and `state` call this for their own.
pub(in crate::cli) fn with_sections(command: Command) -> Command {
    let text = text(command.get_name());
    command.after_long_help(text).mut_subcommands(with_sections)
}

/// The sections as text for `--help`. Long lists of variables are left to the man pages.
fn text(command: &str) -> String {
    let mut text = String::new();
    for section in sections(command).iter().filter(|section| section.heading != "Environment") {
        let _ = writeln!(text, "{}:", section.heading);
        match &section.body {
            Body::Examples(examples) => examples.iter().for_each(|(comment, line)| {
                let _ = writeln!(text, "  # {comment}\n  {line}");
            }),
            Body::Terms(terms) => {
                let width = terms.iter().map(|(term, _)| term.len()).max().unwrap_or_default();
                terms.iter().for_each(|(term, explanation)| {
                    let _ = writeln!(text, "{}", entry(&format!("  {term:width$}  "), explanation));
                });
            }
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

/// `explanation` after `term`, wrapped, with later lines below the first.
fn entry(term: &str, explanation: &str) -> String {
    let indent = term.chars().count();
    let mut lines = vec![term.to_owned()];
    for word in explanation.split(' ') {
        let line = lines.last_mut().map(|line| (line.chars().count(), line));
        match line {
            Some((length, line)) if length <= indent || length + 1 + word.chars().count() <= WIDTH => {
                line.push_str(if length > indent { " " } else { "" });
                line.push_str(word);
            }
            _ => lines.push(format!("{:indent$}{word}", "")),
        }
    }
    lines.join("\n")
}
