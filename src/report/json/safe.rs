//! JSON with all invisible characters written as `\uXXXX`.
//!
//! JSON requires the escape only below U+0020. But a report is also read on a terminal, where a name may contain a C1
//! control or reverse the reading direction. A JSON parser returns the same string with or without the escapes.

use std::io::{self, Write};

use serde_json::ser::{Formatter, PrettyFormatter};

use crate::report::escape::is_hidden;

/// Indentation of two spaces, from [`PrettyFormatter`].
#[derive(Default)]
pub(super) struct SafePretty(PrettyFormatter<'static>);

impl Formatter for SafePretty {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        write_visible(writer, fragment)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// A document on a single line.
pub(super) struct SafeCompact;

impl Formatter for SafeCompact {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        write_visible(writer, fragment)
    }
}

/// A writer for lines of JSON that were serialized without a formatter of this module: invisible characters are written
/// as `\uXXXX`. They stand in strings only, so a parser returns the same document.
pub(crate) struct VisibleJson<W>(pub(crate) W);

impl<W: Write> Write for VisibleJson<W> {
    /// Writes all of `bytes`, which have to be whole characters.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not whole characters"));
        };
        for line in text.split_inclusive('\n') {
            let content = line.strip_suffix('\n');
            write_visible(&mut self.0, content.unwrap_or(line))?;
            if content.is_some() {
                self.0.write_all(b"\n")?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn write_visible<W: ?Sized + Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    let mut rest = fragment;
    while let Some((at, hidden)) = rest.char_indices().find(|&(_, c)| is_hidden(c)) {
        let (before, after) = rest.split_at(at);
        writer.write_all(before.as_bytes())?;
        write_escaped(writer, hidden)?;
        rest = after.strip_prefix(hidden).unwrap_or_default();
    }
    writer.write_all(rest.as_bytes())
}

fn write_escaped<W: ?Sized + Write>(writer: &mut W, c: char) -> io::Result<()> {
    c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(writer, "\\u{unit:04x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_json_have_nothing_invisible_and_the_same_content() {
        let names = ["\u{9b}1A", "\u{202e}x\u{1b}", "a\nb \u{e0041}"];
        let mut out = VisibleJson(Vec::new());
        let plain = serde_json::to_string(&names).unwrap() + "\n";
        out.write_all(plain.repeat(2).as_bytes()).unwrap();
        let text = String::from_utf8(out.0).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)), "{text:?}");
        let lines: Vec<[String; 3]> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, [names.map(str::to_owned), names.map(str::to_owned)]);
        assert!(VisibleJson(Vec::new()).write(b"\xff").is_err());
    }
}
