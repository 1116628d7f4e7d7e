//! XML as S3 writes it, and the encoding of keys in it.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `encoding-type=url` leaves as it is beside letters and digits; a space becomes `+`.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// A key as `encoding-type=url` has it.
pub fn url_encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string().replace(' ', "+")
}

/// A document as it grows.
pub struct Xml {
    text: String,
    root: &'static str,
}

impl Xml {
    /// A document of answers, in S3's namespace.
    pub fn new(root: &'static str) -> Self {
        let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        let space = "http://s3.amazonaws.com/doc/2006-03-01/";
        Self { text: format!("{declaration}<{root} xmlns=\"{space}\">"), root }
    }

    /// A document of errors, which has no namespace.
    pub fn error() -> Self {
        let root = "Error";
        Self { text: format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}>"), root }
    }

    /// An element that holds text.
    pub fn element(&mut self, name: &str, text: &str) {
        self.open(name);
        self.text(text);
        self.close(name);
    }

    /// The begin of an element.
    pub fn open(&mut self, name: &str) {
        write!(self.text, "<{name}>").unwrap();
    }

    /// The end of an element.
    pub fn close(&mut self, name: &str) {
        write!(self.text, "</{name}>").unwrap();
    }

    /// Text, escaped; control characters as references, though XML 1.0 has none for most, since S3 does so.
    pub fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                control if control.is_ascii_control() => {
                    write!(self.text, "&#x{:x};", u32::from(control)).unwrap();
                }
                plain => self.text.push(plain),
            }
        }
    }

    /// The whole text.
    pub fn finish(mut self) -> String {
        self.close(self.root);
        self.text
    }
}
