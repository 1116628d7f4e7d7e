//! The form in which a user types a tamper: `KIND[@WHERE]`.

use std::fmt;
use std::str::FromStr;

use super::TamperKind;
use crate::ident::is_account;

/// A tamper: kind and target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tamper {
    /// The kind of tampering.
    pub kind: TamperKind,
    /// Which of the suitable objects to tamper with.
    pub at: Where,
}

/// Selects an object among the suitable digests or log files of all chains, in order of time and key. Backfill digests
/// are selected only by a text that names them, such as `_backfill`.
///
/// Typed as `PICK`, `TEXT` or `TEXT:PICK`.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Where {
    /// Restricts the selection to objects whose key contains the text.
    pub text: Option<String>,
    /// The position among the remaining objects; `None` for the kind's default, mostly the middle.
    pub pick: Option<Pick>,
}

/// A position among several objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pick {
    /// The first.
    First,
    /// The middle; the later of two middle objects.
    Middle,
    /// The last.
    Last,
    /// The given index, from 0.
    Nth(usize),
}

/// An invalid tamper, as typed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadTamper {
    /// An unknown kind.
    #[error("no such kind of tampering: `{}`", .0.escape_debug())]
    Kind(String),
    /// Nothing after the `@`.
    #[error("`{}` has no WHERE after the `@`", .0.escape_debug())]
    NoWhere(String),
}

impl FromStr for TamperKind {
    type Err = BadTamper;

    fn from_str(text: &str) -> Result<Self, BadTamper> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| BadTamper::Kind(text.to_owned()))
    }
}

impl FromStr for Tamper {
    type Err = BadTamper;

    fn from_str(text: &str) -> Result<Self, BadTamper> {
        let (kind, at) = match text.split_once('@') {
            Some((_, "")) => return Err(BadTamper::NoWhere(text.to_owned())),
            Some((kind, at)) => (kind, Where::parse(at)),
            None => (text, Where::default()),
        };
        Ok(Self { kind: kind.parse()?, at })
    }
}

impl fmt::Display for Tamper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        match (&self.at.text, self.at.pick) {
            (None, None) => Ok(()),
            (Some(text), None) => write!(f, "@{text}"),
            (None, Some(pick)) => write!(f, "@{pick}"),
            (Some(text), Some(pick)) => write!(f, "@{text}:{pick}"),
        }
    }
}

impl fmt::Display for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("first"),
            Self::Middle => f.write_str("middle"),
            Self::Last => f.write_str("last"),
            Self::Nth(number) => write!(f, "{number}"),
        }
    }
}

impl Where {
    fn parse(text: &str) -> Self {
        if let Some(pick) = Pick::parse(text) {
            return Self { text: None, pick: Some(pick) };
        }
        match text.rsplit_once(':').map(|(text, pick)| (text, Pick::parse(pick))) {
            Some((text, pick @ Some(_))) => Self { text: Some(text.to_owned()), pick },
            Some((_, None)) | None => Self { text: Some(text.to_owned()), pick: None },
        }
    }
}

impl Pick {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "first" => Some(Self::First),
            "middle" => Some(Self::Middle),
            "last" => Some(Self::Last),
            // Twelve digits are an account id, hence a text.
            number => number.parse().ok().filter(|_| !is_account(number)).map(Self::Nth),
        }
    }

    /// The index of the selected object among `count` objects.
    pub(super) const fn of(self, count: usize) -> Option<usize> {
        let place = match self {
            Self::First => 0,
            Self::Middle => count / 2,
            Self::Last => count.saturating_sub(1),
            Self::Nth(number) => number,
        };
        if place < count { Some(place) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read() {
        let at = |text: Option<&str>, pick| Where { text: text.map(str::to_owned), pick };
        for (typed, wanted) in [
            ("log-modified", at(None, None)),
            ("log-modified@first", at(None, Some(Pick::First))),
            ("log-modified@7", at(None, Some(Pick::Nth(7)))),
            ("log-modified@us-east-2", at(Some("us-east-2"), None)),
            ("log-modified@us-east-2:last", at(Some("us-east-2"), Some(Pick::Last))),
            ("log-modified@a:b", at(Some("a:b"), None)),
            ("log-modified@111122223333:middle", at(Some("111122223333"), Some(Pick::Middle))),
        ] {
            let tamper: Tamper = typed.parse().unwrap();
            assert_eq!(tamper, Tamper { kind: TamperKind::LogModified, at: wanted });
            assert_eq!(tamper.to_string(), typed);
        }
    }

    #[test]
    fn every_kind_is_typed_by_its_name_and_nothing_else() {
        for kind in TamperKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert!(!kind.description().is_empty());
        }
        let error = "log-gone@first".parse::<Tamper>().unwrap_err().to_string();
        assert_eq!(error, "no such kind of tampering: `log-gone`");
        assert!("".parse::<Tamper>().is_err() && "log-modified@".parse::<Tamper>().is_err());
    }

    #[test]
    fn a_pick_is_never_out_of_bounds() {
        assert_eq!(Pick::Middle.of(12), Some(6));
        assert_eq!(Pick::Last.of(12), Some(11));
        assert_eq!(Pick::Nth(12).of(12), None);
        for pick in [Pick::First, Pick::Middle, Pick::Last, Pick::Nth(0)] {
            assert_eq!(pick.of(0), None);
        }
    }
}
