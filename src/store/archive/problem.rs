//! Problems of archives and their members, as values. Messages are lower-case fragments.

use std::io;

/// Most problems of members kept; further ones are counted.
const MAX_ISSUES: usize = 1_000;

/// Most harmless problems of members kept; further ones are counted.
const MAX_HARMLESS: usize = 100;

/// Longest name kept of a member with a problem, in bytes.
const MAX_SHOWN_NAME: usize = 1_024;

/// Why a file cannot be read as an archive at all.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The format is known and not read in place.
    #[error("{0} is not read in place; unpack it and give the directory")]
    Unsupported(&'static str),
    /// A compressed file whose content is not a tar.
    #[error("a {0} file without a tar inside; unpack it and give the directory")]
    NoTarInside(&'static str),
    /// The content is no archive, whatever the name says.
    #[error("not a zip or tar archive")]
    NotAnArchive,
    /// A zip whose central directory cannot be read: the list of members is unknown.
    #[error("the end of the zip, with the list of its members, is lost or damaged")]
    NoCentralDirectory(String),
    /// A zip of this many bytes whose central directory names no member.
    #[error("the zip has {0} bytes, and its list of members names none")]
    NoMemberNamed(u64),
    /// A part of an archive that was split into several files.
    #[error(
        "a part of a split archive; join the parts, with `zip -s 0 NAME.zip --out WHOLE.zip` or, for parts that are \
         numbered after the ending, `cat NAME.zip.* > WHOLE.zip`, and give the whole"
    )]
    SplitArchive,
    /// Reading the archive file failed.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
}

/// A member, as named in issues.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberName {
    /// Position of the member in the archive, from 1.
    pub number: u64,
    /// Name of the member as stored, at most 1,024 bytes. Bytes that are not UTF-8 are replaced; other characters
    /// are not escaped.
    pub name: String,
}

impl MemberName {
    pub(super) fn new(number: u64, name: &[u8]) -> Self {
        let shown = name.get(..MAX_SHOWN_NAME).unwrap_or(name);
        Self { number, name: String::from_utf8_lossy(shown).into_owned() }
    }
}

/// A problem of an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberIssue {
    /// The member with the problem. `None` if the problem is one of the whole archive.
    pub member: Option<MemberName>,
    /// The problem.
    pub problem: MemberProblem,
}

/// What is wrong with a member or an archive. Numbers of members count from 1.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MemberProblem {
    /// The name has a component `..`.
    #[error("the name contains `..`")]
    ParentInName,
    /// The name has a NUL byte.
    #[error("the name contains a NUL byte")]
    NulInName,
    /// Nothing is left of the name without `.` and slashes.
    #[error("the name is empty")]
    EmptyName,
    /// The name is longer than 4,096 bytes.
    #[error("the name is longer than 4096 bytes")]
    NameTooLong,
    /// The operating system has no such names.
    #[error("this system cannot represent the name")]
    UnusableName,
    /// A symbolic link.
    #[error("symbolic links in an archive are not followed")]
    SymbolicLink,
    /// A hard link to a name that is not an earlier readable member.
    #[error("a hard link to something other than an earlier member of the archive")]
    HardLink,
    /// A device, a pipe, or an entry of an unknown type.
    #[error("not a file, folder or link")]
    Special,
    /// A sparse file: the archive holds only parts of the content.
    #[error("sparse files are not read")]
    Sparse,
    /// The archive holds the member encrypted.
    #[error("the member is encrypted")]
    Encrypted,
    /// A compression method of zip that is not read (APPNOTE.TXT, section 4.4.5).
    #[error("zip compression method {0} is not read")]
    UnknownMethod(u16),
    /// The stored bytes of the member are also bytes of another member or of the central directory.
    #[error("the member overlaps other parts of the zip")]
    Overlaps,
    /// The member exceeds [`super::ArchiveLimits::member`], in bytes.
    #[error("the member exceeds the limit of {0} bytes")]
    TooLarge(u64),
    /// The archive ends within the member.
    #[error("the archive ends within the member")]
    CutOff,
    /// The content is not what the zip says of it: size, checksum or headers.
    #[error("the member is damaged: {0}")]
    DamagedMember(&'static str),
    /// A further read of the archive does not find what the first read found.
    #[error("the archive has changed since it was opened")]
    Changed,
    /// An earlier member has the same name and the same content. Harmless.
    #[error("member {first} has the same name and content")]
    Duplicate {
        /// Number of the earlier member.
        first: u64,
    },
    /// An earlier member has the same name and another content, so neither is read.
    #[error("members {first} and {second} have the same name and differ")]
    Conflict {
        /// Number of the earlier member.
        first: u64,
        /// Number of the later member.
        second: u64,
    },
    /// The same name is a file and a folder. Both are kept.
    #[error("the name is both a file and a folder")]
    FileAndFolder,
    /// The extended attributes cannot be read.
    #[error("the extended attributes cannot be read")]
    BadAttributes,
    /// The member is named like an archive, and is not opened.
    #[error("an archive within the archive is not opened")]
    NestedArchive,
    /// The archive ends before its end marker; later members are unknown.
    #[error("the archive ends early, at byte {at}; later members are unknown")]
    EndsEarly {
        /// Position in the (inflated) tar, in bytes.
        at: u64,
    },
    /// The structure of the archive is invalid; later members are unknown.
    #[error("the archive cannot be read beyond byte {at} ({why}); later members are unknown")]
    Damaged {
        /// Position in the (inflated) tar or in the zip, in bytes.
        at: u64,
        /// The reason, from the parser or decoder.
        why: String,
    },
    /// The compressed stream is damaged, which shows after the end of the tar: a wrong checksum, a cut, or bytes of no
    /// stream. A wrong checksum does not say which member is damaged, or whether a member is lost.
    #[error("the compressed stream is damaged, so that members may be damaged or lost: {0}")]
    DamagedEnd(String),
    /// The name of a member in a zip's central directory is not the name before its content.
    #[error("the zip is damaged: the names in its list of members are not those before the members")]
    DamagedDirectory,
    /// Bytes follow the end record of a zip.
    #[error("bytes after the end of the zip were not looked at")]
    Trailing,
    /// A member of a zip that its central directory does not name. Some programs read it and some do not.
    #[error("a member at byte {at} of the zip is not in the zip's list of members, and was not looked at")]
    HiddenMember {
        /// Position of the member in the zip, in bytes.
        at: u64,
    },
    /// Bytes of a zip that belong to no member and to none of the records of a zip.
    #[error("bytes of the zip from byte {at} on belong to no member and were not looked at")]
    UnknownGap {
        /// Position of the first of the bytes in the zip.
        at: u64,
    },
    /// Bytes follow the end marker of a tar. They may be a further tar, as `cat` joins them.
    #[error("bytes after the end of the tar were not looked at; they may hold further members")]
    AfterEnd,
    /// More members than [`super::ArchiveLimits::members`]; the rest was not looked at.
    #[error("more than the limit of {0} members; the rest was not looked at")]
    TooManyMembers(u64),
    /// Longer names than [`super::ArchiveLimits::names`] in total; the rest was not looked at.
    #[error("names exceed the limit of {0} bytes; the rest was not looked at")]
    NamesTooLong(u64),
    /// The archive inflates to more than [`super::ArchiveLimits::stream`]; the rest was not looked at.
    #[error("the archive inflates to more than the limit of {0} bytes; the rest was not looked at")]
    StreamTooLong(u64),
}

impl MemberProblem {
    /// Whether everything in the archive can be read in spite of the problem.
    #[must_use]
    pub const fn is_harmless(&self) -> bool {
        matches!(self, Self::Duplicate { .. })
    }

    /// Whether the problem leaves a part of the archive unknown.
    #[must_use]
    pub const fn hides_later_members(&self) -> bool {
        matches!(
            self,
            Self::AfterEnd
                | Self::DamagedEnd(_)
                | Self::DamagedDirectory
                | Self::HiddenMember { .. }
                | Self::UnknownGap { .. }
                | Self::EndsEarly { .. }
                | Self::Damaged { .. }
                | Self::TooManyMembers(_)
                | Self::NamesTooLong(_)
                | Self::StreamTooLong(_)
        )
    }
}

impl From<MemberProblem> for io::Error {
    fn from(problem: MemberProblem) -> Self {
        Self::other(problem)
    }
}

/// Collects the issues of an archive, and counts what is too much to keep.
#[derive(Default, Debug)]
pub(super) struct IssueLog {
    issues: Vec<MemberIssue>,
    harmless: usize,
    serious: usize,
    pub(super) skipped: u64,
    pub(super) duplicates: u64,
}

impl IssueLog {
    pub(super) fn of_member(&mut self, number: u64, name: &[u8], problem: MemberProblem) {
        let (kept, most) = if problem.is_harmless() {
            self.duplicates += 1;
            (&mut self.harmless, MAX_HARMLESS)
        } else {
            (&mut self.serious, MAX_ISSUES)
        };
        if *kept < most {
            *kept += 1;
            self.issues.push(MemberIssue { member: Some(MemberName::new(number, name)), problem });
        } else if most == MAX_ISSUES {
            self.skipped += 1;
        }
    }

    /// A problem of the archive is always kept: an archive has a few at most.
    pub(super) fn of_archive(&mut self, problem: MemberProblem) {
        self.issues.push(MemberIssue { member: None, problem });
    }

    pub(super) fn into_issues(self) -> Vec<MemberIssue> {
        self.issues
    }
}
