//! Text that anybody may have chosen, made safe for a page.

use maud::Render;

use crate::report::escape::for_terminal;

/// So many characters of a text are shown. An object's key has 1,024 bytes at most.
const MOST: usize = 4_096;

/// Text with every character that nobody sees written as `\u{…}`, cut where it is longer than any name, and escaped.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl Render for Shown<'_> {
    fn render_to(&self, buffer: &mut String) {
        let (text, rest) = match self.0.char_indices().nth(MOST) {
            Some((at, _)) => self.0.split_at(at),
            None => (self.0, ""),
        };
        for_terminal(text).as_ref().render_to(buffer);
        if !rest.is_empty() {
            let more = rest.chars().count();
            format!("… and {more} characters more, which the JSON report has").render_to(buffer);
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
        let shown = html! { code title=(Shown(name)) { (Shown(name)) } }.into_string();
        let safe = "&lt;/code&gt;&lt;script&gt;&quot;'&amp;\\u{202e}\\u{1b}\\u{a}";
        assert_eq!(shown, format!("<code title=\"{safe}\">{safe}</code>"));
    }

    #[test]
    fn what_is_longer_than_any_name_is_cut() {
        let long = "é".repeat(MOST + 3);
        let shown = html! { (Shown(&long)) }.into_string();
        assert!(shown.ends_with("é… and 3 characters more, which the JSON report has"));
        assert_eq!(html! { (Shown(&long[..2 * MOST])) }.into_string(), long[..2 * MOST]);
    }
}
