//! Makes an untrusted string, such as an object's key, safe to print on a terminal.
//!
//! A name may contain escape codes that move the cursor or rewrite the line above, characters that reverse the reading
//! direction, and invisible characters. All such characters are shown as `\u{…}`; printable characters stay, in any
//! script. The backslash stays too: the exact name is in the JSON report.

use std::borrow::Cow;

/// Invisible although printable by Unicode category: fillers, joiners and variation selectors.
const INVISIBLE: [(char, char); 9] = [
    ('\u{34f}', '\u{34f}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{e0100}', '\u{e01ef}'),
];

/// `text` with all [hidden](is_hidden) characters written as `\u{…}`. A combining mark at the very beginning is escaped
/// too: the mark would change the character printed before `text`.
#[must_use]
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) || (safe.is_empty() && combines(c)) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Whether `c` leaves no mark on a screen: a control (C0, DEL, C1), a format character (bidirectional overrides and
/// isolates, zero-width characters, byte order mark, tags), a line or paragraph separator, a space other than U+0020, a
/// private or an unassigned character.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    !matches!(c, ' '..='~')
        && (INVISIBLE.iter().any(|&(first, last)| (first..=last).contains(&c)) || !is_printable(c))
}

/// Asks the standard library's table, which leaves a combining mark unescaped only after another character.
fn is_printable(c: char) -> bool {
    String::from_iter(['a', c]).escape_debug().nth(1) == Some(c)
}

fn combines(c: char) -> bool {
    !c.is_ascii() && c.escape_debug().next() == Some('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printable_stays() {
        for text in [
            "",
            "AWSLogs/1/a b_c-~'\"\\",
            "Überprüfung",
            "監査/ログ",
            "аудит",
            "e\u{301}t",
            "😀",
            "שלום",
            "a\\u{1b}",
        ] {
            assert_eq!(for_terminal(text), text);
        }
    }

    #[test]
    fn what_is_hidden_is_shown() {
        let hidden = [
            '\0',
            '\n',
            '\r',
            '\t',
            '\u{7}',
            '\u{1b}',
            '\u{7f}',
            '\u{80}',
            '\u{85}',
            '\u{9b}',
            '\u{9f}',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202b}',
            '\u{202c}',
            '\u{202d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2064}',
            '\u{2066}',
            '\u{2067}',
            '\u{2068}',
            '\u{2069}',
            '\u{206f}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{e000}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{ffff}',
            '\u{1bca0}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{10ffff}',
        ];
        for c in hidden {
            let shown = for_terminal(&format!("a{c}b")).into_owned();
            assert_eq!(shown, format!("a\\u{{{:x}}}b", u32::from(c)));
        }
    }

    #[test]
    fn a_mark_at_the_beginning_does_not_reach_what_stands_before() {
        assert_eq!(for_terminal("\u{301}x"), "\\u{301}x");
        assert_eq!(for_terminal("\u{1b}[2J\u{1b}]0;x\u{7}"), "\\u{1b}[2J\\u{1b}]0;x\\u{7}");
    }
}
