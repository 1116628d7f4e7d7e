//! Numbers, widths and colours.

use crate::event::Severity;
pub(in crate::report) use crate::text::{grouped, plural};

/// Columns of the narrowest terminal in common use.
const WIDTH: usize = 80;

/// Colours words if enabled.
#[derive(Clone, Copy)]
pub(in crate::report) struct TextColour(pub(in crate::report) bool);

impl TextColour {
    /// `word` in the colour of `severity`, or in the colour of success for `None`.
    pub(in crate::report) fn severity(self, severity: Option<Severity>, word: &str) -> String {
        if !self.0 {
            return word.to_owned();
        }
        let colour = match severity {
            Some(Severity::Tampered) => "1;31",
            Some(Severity::Incomplete) => "1;33",
            Some(Severity::Notice) => "36",
            None => "1;32",
        };
        format!("\u{1b}[{colour}m{word}\u{1b}[0m")
    }
}

/// `text` cut to at most `width` characters; a cut text ends in `…`.
pub(in crate::report) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Wraps `text` into lines of at most 80 columns. `first` precedes the first line; further lines are indented as far. A
/// longer word stays whole, and so does text between backticks, for copying.
pub(in crate::report) fn wrap(first: &str, text: &str) -> String {
    let mut line = first.to_owned();
    let (indent, mut lines) = (" ".repeat(first.len()), Vec::new());
    for word in words(text) {
        let begun = line.len() > indent.len();
        if begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, indent.clone()));
        } else if begun {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

/// The words of `text`; text between backticks counts as a single word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.split(move |c: char| {
        in_code ^= c == '`';
        c == ' ' && !in_code
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_words_cut() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!((fit("audit", 5), fit("auditor", 5)), ("audit".to_owned(), "audi…".to_owned()));
        assert_eq!(wrap("  hint: ", "short words"), "  hint: short words");
        assert_eq!(words("say `a b` or `c").collect::<Vec<_>>(), ["say", "`a b`", "or", "`c"]);
        let (long, words) = ("x".repeat(90), "word ".repeat(20));
        let wrapped = wrap("  ", &format!("{words}{long} end"));
        assert!(wrapped.lines().all(|line| line.len() <= 80 || line.trim() == long), "{wrapped}");
        assert_eq!(wrapped.split_whitespace().count(), 22);
        assert!(wrapped.lines().all(|line| line.starts_with("  ") && !line.ends_with(' ')), "{wrapped}");
        assert_eq!((plural(1, "gap"), plural(0, "gap")), ("1 gap".to_owned(), "0 gaps".to_owned()));
    }
}
