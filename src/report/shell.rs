//! Quotes words for a shell, so that a pasted line runs exactly the shown command.
//!
//! A word with invisible characters is written in the `$'…'` form of bash and zsh, byte by byte where necessary: the
//! quoted word is safe to print and still exact.

use std::borrow::Cow;

use super::escape::is_hidden;

/// `word` quoted as a single word of a command line.
#[must_use]
pub fn quote(word: &str) -> String {
    if word.chars().any(is_hidden) {
        return quote_hidden(word);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,+@%=".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Whether a line of quoted words has the `$'…'` form, which `sh` lacks.
#[must_use]
pub fn needs_bash(line: &str) -> bool {
    line.contains("$'")
}

fn quote_hidden(word: &str) -> String {
    let mut quoted = String::from("$'");
    for c in word.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            c if is_hidden(c) => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    quoted.push_str(&format!("\\x{byte:02x}"));
                }
            }
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// A path that no program takes for an option or operator.
#[must_use]
pub fn path(path: &str) -> Cow<'_, str> {
    match path.starts_with(['-', '(', ')', '!', ',']) {
        true => Cow::Owned(format!("./{path}")),
        false => Cow::Borrowed(path),
    }
}

/// `words` as a command line.
pub fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_word_and_safe_to_print() {
        for (word, quoted) in [
            ("s3://trail-logs/AWSLogs", "s3://trail-logs/AWSLogs"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's; rm -rf $HOME `x` \"y\" *", r#"'it'\''s; rm -rf $HOME `x` "y" *'"#),
            ("~root", "'~root'"),
            ("監査", "'監査'"),
            ("a\u{1b}[2J'\\\u{202e}", r"$'a\x1b[2J\'\\\xe2\x80\xae'"),
        ] {
            assert_eq!(quote(word), quoted);
            assert!(!quote(word).chars().any(is_hidden));
            assert_eq!(needs_bash(&quote(word)), word.chars().any(is_hidden), "{word:?}");
        }
        assert_eq!(line(["aws", "s3", "a b"]), "aws s3 'a b'");
    }

    /// bash is there wherever these tests run; where it is not, the words above still hold.
    #[cfg(unix)]
    #[test]
    fn bash_reads_the_same_words() {
        let hostile: String = (1..=0x7f_u8)
            .map(char::from)
            .chain("é監\u{301}\u{202e}\u{feff}\u{e0041}\u{9b}0a".chars())
            .collect();
        for word in [hostile.as_str(), "", "-n", "a\u{1b}0f", "$(id)", "!!", "x\n"] {
            let script = format!("printf %s {}; printf .", quote(word));
            let Ok(output) = std::process::Command::new("bash").args(["-c", &script]).output() else {
                return;
            };
            assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{word}."), "{script}");
        }
    }
}
