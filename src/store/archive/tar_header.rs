//! What the headers of a tar say: members, and where members end.

use std::io;

use ::tar::{EntryType, Header};

use super::pax::PaxRecords;
use super::problem::MemberProblem;
use super::tree::Attributes;

/// Type of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TarKind {
    File,
    Folder,
    SymbolicLink,
    HardLink,
    Special,
    Sparse,
}

/// A member, before its content.
#[derive(Debug)]
pub(super) struct TarMember {
    /// Position in the archive, from 1.
    pub(super) number: u64,
    pub(super) name: Vec<u8>,
    pub(super) kind: TarKind,
    /// Size of the content, in bytes.
    pub(super) size: u64,
    /// Position of the content in the tar, in bytes.
    pub(super) offset: u64,
    /// Name of the target of a link.
    pub(super) link: Vec<u8>,
    pub(super) attributes: Attributes,
}

/// Why there is no further member.
#[derive(Debug)]
pub(super) enum TarEnd {
    /// The end marker was read.
    Whole,
    /// The tar ends without an end marker.
    Early {
        /// End of the tar, in bytes.
        at: u64,
    },
    /// The next header cannot be read.
    Damaged {
        /// Position of the header, in bytes.
        at: u64,
        /// The reason.
        why: String,
    },
    /// A limit was reached.
    Limited(MemberProblem),
}

impl TarEnd {
    /// The end of a tar whose bytes cannot be read beyond `at`.
    pub(super) fn of_error(at: u64, error: &io::Error) -> Self {
        let limit = error.get_ref().and_then(|inner| inner.downcast_ref::<MemberProblem>());
        match limit {
            Some(problem) => Self::Limited(problem.clone()),
            // A compressed stream that is cut.
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Early { at },
            None => Self::Damaged { at, why: error.to_string() },
        }
    }

    /// The problem of later members, if any may be unknown.
    pub(super) fn into_problem(self) -> Option<MemberProblem> {
        match self {
            Self::Whole => None,
            Self::Early { at } => Some(MemberProblem::EndsEarly { at }),
            Self::Damaged { at, why } => Some(MemberProblem::Damaged { at, why }),
            Self::Limited(problem) => Some(problem),
        }
    }
}

/// Type of a folder in an incremental dump of GNU tar. The content is a list of names.
pub(super) const DUMPED_FOLDER: u8 = b'D';

pub(super) fn kind_of(kind: EntryType, records: &PaxRecords, name: &[u8]) -> TarKind {
    match kind {
        EntryType::GNUSparse => TarKind::Sparse,
        EntryType::Regular | EntryType::Continuous if records.is_sparse => TarKind::Sparse,
        // Tars older than POSIX mark folders by a slash.
        EntryType::Regular if name.ends_with(b"/") => TarKind::Folder,
        EntryType::Regular | EntryType::Continuous => TarKind::File,
        EntryType::Directory => TarKind::Folder,
        EntryType::Symlink => TarKind::SymbolicLink,
        EntryType::Link => TarKind::HardLink,
        kind if kind.as_byte() == DUMPED_FOLDER => TarKind::Folder,
        _ => TarKind::Special,
    }
}

/// Whether a block is a tar header: the checksum of all bytes, with spaces in place of the checksum itself. Some old
/// programs summed signed bytes.
pub(super) fn has_right_checksum(header: &Header) -> bool {
    let Ok(stored) = header.cksum() else { return false };
    let bytes = header.as_bytes();
    let counted =
        bytes.iter().enumerate().map(|(at, &byte)| if (148..156).contains(&at) { b' ' } else { byte });
    let (mut unsigned, mut signed) = (0_i64, 0_i64);
    for byte in counted {
        unsigned += i64::from(byte);
        signed += i64::from(i8::from_ne_bytes([byte]));
    }
    [unsigned, signed].contains(&i64::from(stored))
}
