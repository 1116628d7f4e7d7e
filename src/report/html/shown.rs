//! Untrusted text, made safe for a page.

use maud::Render;

use crate::report::escape::for_terminal;

/// Maximum number of characters to show of a text. An object's key has at most 1,024 bytes.
const MOST: usize = 4_096;

/// HTML-escaped text with invisible characters written as `\u{…}`, cut after [`MOST`] characters.
pub(super) struct SafeText<'a>(pub(super) &'a str);

impl Render for SafeText<'_> {
    fn render_to(&self, buffer: &mut String) {
        let (text, rest) = match self.0.char_indices().nth(MOST) {
            Some((at, _)) => self.0.split_at(at),
            None => (self.0, ""),
        };
        for_terminal(text).as_ref().render_to(buffer);
        if !rest.is_empty() {
            let more = rest.chars().count();
            format!("… and {more} more characters: see the JSON report").render_to(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::*;

    #[test]
    fn nothing_is_markup_and_nothing_is_hidden() {
        let name = "</code><script>\"'&\u{202e}\u{1b}\n";
        let shown = html! { code title=(SafeText(name)) { (SafeText(name)) } }.into_string();
        let safe = "&lt;/code&gt;&lt;script&gt;&quot;'&amp;\\u{202e}\\u{1b}\\u{a}";
        assert_eq!(shown, format!("<code title=\"{safe}\">{safe}</code>"));
    }

    #[test]
    fn what_is_longer_than_any_name_is_cut() {
        let long = "é".repeat(MOST + 3);
        let shown = html! { (SafeText(&long)) }.into_string();
        assert!(shown.ends_with("é… and 3 more characters: see the JSON report"));
        assert_eq!(html! { (SafeText(&long[..2 * MOST])) }.into_string(), long[..2 * MOST]);
    }
}
