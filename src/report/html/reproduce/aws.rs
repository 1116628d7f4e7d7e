//! The AWS CLI's command, with the options of the run that decide which account and which server answers.

use crate::report::shell;

/// Options that the AWS CLI has too.
const OPTIONS: [&str; 2] = ["--profile", "--endpoint-url"];

/// `aws` with the options of a run, from its command line, quoted for a shell.
pub(super) fn with_options(command: &str) -> String {
    let mut line = "aws".to_owned();
    let mut words = plain_words(command).into_iter().peekable();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        if !OPTIONS.contains(&name) {
            continue;
        }
        if let Some(value) = value.or_else(|| words.next()).filter(|value| shell::quote(value) == *value) {
            line.push_str(&format!(" {name} {value}"));
        }
    }
    line
}

/// The words of a command line. A word that is quoted, or has a quoted part, is left as it is.
fn plain_words(command: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let is_between = |c: char| {
        let is_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if !is_escaped => escaped = true,
            '\'' if !is_escaped => quoted = !quoted,
            _ => {}
        }
        c == ' ' && !quoted
    };
    command.split(is_between).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_those_of_the_run() {
        for (command, line) in [
            ("trailproof validate s3://b", "aws"),
            ("trailproof validate s3://b --profile audit", "aws --profile audit"),
            (
                "trailproof validate s3://b --endpoint-url=http://127.0.0.1:9000 --profile a",
                "aws --endpoint-url http://127.0.0.1:9000 --profile a",
            ),
            // Part of another word, or a name that needs quotes.
            ("trailproof validate s3://b --run-by 'x --profile y z'", "aws"),
            (r"trailproof validate s3://b --run-by 'it'\''s --profile y z'", "aws"),
            ("trailproof validate s3://b --profile 'a b'", "aws"),
            ("trailproof validate s3://b --profile $(id)", "aws"),
            ("trailproof validate s3://b --profile", "aws"),
        ] {
            assert_eq!(with_options(command), line, "{command}");
        }
    }
}
