//! Names of members: what is refused, and how a name becomes folders and a file name.

use std::ffi::OsStr;

use super::problem::MemberProblem;
use crate::ident::LogFolder;

/// Longest name of a member, in bytes. The longest key in S3 has 1,024.
const MAX_NAME: usize = 4_096;

/// Endings of names of archives and disk images, in lower case. A file that is only compressed, such as `NAME.gz`, is
/// no archive by its name.
const ARCHIVES: [&[u8]; 36] = [
    // Read in place.
    b".zip",
    b".zipx",
    b".jar",
    b".tar",
    b".tar.gz",
    b".tgz",
    b".taz",
    b".tar.zst",
    b".tzst",
    // Other compressions of a tar.
    b".tar.bz2",
    b".tbz2",
    b".tbz",
    b".tb2",
    b".tar.xz",
    b".txz",
    b".tar.lz4",
    b".tar.lz",
    b".tlz",
    b".tar.lzma",
    b".tar.lzo",
    b".tar.br",
    b".tar.z",
    // Other archives.
    b".7z",
    b".rar",
    b".cab",
    b".cpio",
    b".arj",
    b".lzh",
    // Disk images.
    b".iso",
    b".img",
    b".dmg",
    b".wim",
    b".vhd",
    b".vhdx",
    b".vmdk",
    b".qcow2",
];

/// The components of a member's name, without `.` and empty components.
///
/// # Errors
/// The problem of a name that cannot lie below the root of the archive, or is in no use on this system.
pub(super) fn components(name: &[u8]) -> Result<Vec<&OsStr>, MemberProblem> {
    if name.len() > MAX_NAME {
        return Err(MemberProblem::NameTooLong);
    }
    if name.contains(&0) {
        return Err(MemberProblem::NulInName);
    }
    let (name, has_backslashes) = without_drive(name);
    let is_separator = |&byte: &u8| byte == b'/' || has_backslashes && byte == b'\\';
    // A leading slash is passed over, as tar and unzip do: every name lies below the root of the archive.
    let parts = name.split(is_separator).filter(|part| !matches!(part, [] | [b'.']));
    let parts = parts.map(|part| match part {
        [b'.', b'.'] => Err(MemberProblem::ParentInName),
        part => as_os_str(part).ok_or(MemberProblem::UnusableName),
    });
    let parts: Vec<&OsStr> = parts.collect::<Result<_, _>>()?;
    if parts.is_empty() { Err(MemberProblem::EmptyName) } else { Ok(parts) }
}

/// The name without a drive of Windows before it, such as `C:\`, and whether `\` separates its folders.
fn without_drive(name: &[u8]) -> (&[u8], bool) {
    match name {
        [drive, b':', rest @ ..] if drive.is_ascii_alphabetic() => match rest.first() {
            Some(b'\\') => (rest, true),
            Some(b'/') => (rest, false),
            _ => (name, false),
        },
        _ => (name, false),
    }
}

/// The last component of a name that was refused, to recognise a path that looks for it.
pub(super) fn last_part(name: &[u8]) -> Option<&OsStr> {
    let part = name.rsplit(|&byte| byte == b'/').find(|part| !part.is_empty())?;
    let part = part.split(|&byte| byte == 0).next()?;
    as_os_str(part.get(..MAX_NAME).unwrap_or(part))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no such names")]
fn as_os_str(part: &[u8]) -> Option<&OsStr> {
    Some(std::os::unix::ffi::OsStrExt::from_bytes(part))
}

/// On Windows `\` and `:` would make another path of a name.
#[cfg(not(unix))]
fn as_os_str(part: &[u8]) -> Option<&OsStr> {
    let part = std::str::from_utf8(part).ok()?;
    (!part.contains(['\\', ':'])).then(|| OsStr::new(part))
}

fn file_name(name: &[u8]) -> &[u8] {
    name.rsplit(|&byte| byte == b'/').next().unwrap_or(name)
}

fn contains(name: &[u8], part: &[u8]) -> bool {
    name.windows(part.len()).any(|window| window == part)
}

/// Whether a member is named like an archive, or like a part of a split archive.
pub(super) fn is_archive(name: &[u8]) -> bool {
    let name = file_name(name).to_ascii_lowercase();
    ARCHIVES.iter().any(|ending| name.ends_with(ending)) || is_part_of_archive(&name)
}

/// Whether a name is that of a part of a split archive, other than the last part of a zip: `copy.z01` of Info-ZIP,
/// `copy.zip.001` of 7-Zip, `copy.tar.gz.aa` of split(1).
pub(super) fn is_part_of_archive(name: &[u8]) -> bool {
    let name = file_name(name).to_ascii_lowercase();
    let Some(dot) = name.iter().rposition(|&byte| byte == b'.') else { return false };
    let (whole, ending) = name.split_at(dot);
    let of_archive = || ARCHIVES.iter().any(|archive| whole.ends_with(archive));
    match ending {
        [b'.', b'z', number @ ..] if (2..=3).contains(&number.len()) => number.iter().all(u8::is_ascii_digit),
        [b'.', letters @ ..] if letters.len() == 2 && letters.iter().all(u8::is_ascii_lowercase) => {
            of_archive()
        }
        [b'.', number @ ..] if (2..=4).contains(&number.len()) => {
            of_archive() && number.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// What a member in a compressed tar probably is, by its name alone. The name decides only how the member is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NamedLike {
    /// A log file: many, and hashed once.
    Log,
    /// A digest file, or the metadata of an object: read as a whole.
    DigestOrMetadata,
    /// Anything else.
    Other,
}

impl NamedLike {
    pub(super) fn of(name: &[u8]) -> Self {
        let name = file_name(name);
        if name.ends_with(b".metadata.json") || contains(name, b"_CloudTrail-Digest_") {
            return Self::DigestOrMetadata;
        }
        let is_log =
            LogFolder::ALL.iter().any(|folder| contains(name, format!("_{}_", folder.as_str()).as_bytes()));
        if is_log { Self::Log } else { Self::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_or_refused() {
        let parts = |name: &str| {
            components(name.as_bytes())
                .map(|parts| parts.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("|"))
        };
        for (name, right) in [
            ("a/b", Ok("a|b")),
            ("./a/b", Ok("a|b")),
            ("a//b/./c/", Ok("a|b|c")),
            ("..a/b..", Ok("..a|b..")),
            ("", Err(MemberProblem::EmptyName)),
            ("./", Err(MemberProblem::EmptyName)),
            ("/a", Ok("a")),
            ("//a/b", Ok("a|b")),
            ("C:/a/b", Ok("a|b")),
            ("c:\\a\\b", Ok("a|b")),
            ("a/C:/b", Ok("a|C:|b")),
            ("C:a/b", Ok("C:a|b")),
            ("/", Err(MemberProblem::EmptyName)),
            ("/../a", Err(MemberProblem::ParentInName)),
            ("C:\\..\\a", Err(MemberProblem::ParentInName)),
            ("a/../b", Err(MemberProblem::ParentInName)),
            ("..", Err(MemberProblem::ParentInName)),
            ("a\0b", Err(MemberProblem::NulInName)),
        ] {
            assert_eq!(parts(name), right.map(str::to_owned), "{name:?}");
        }
        assert_eq!(parts(&"a".repeat(4_097)), Err(MemberProblem::NameTooLong));
        assert_eq!(last_part(b"../x/y/"), Some(OsStr::new("y")));
    }

    #[test]
    fn names_tell_how_members_are_held() {
        let name = "AWSLogs/1/111122223333_CloudTrail_us-east-1_20260901T1205Z_abcdefgh12345678.json";
        for (name, right) in [
            (name.to_owned(), NamedLike::Log),
            (format!("{name}.gz"), NamedLike::Log),
            (name.replace("_CloudTrail_", "_CloudTrail-Insight_"), NamedLike::Log),
            (name.replace("_CloudTrail_", "_CloudTrail-Digest_"), NamedLike::DigestOrMetadata),
            (format!("{name}.metadata.json"), NamedLike::DigestOrMetadata),
            ("a_CloudTrail_b/notes.txt".to_owned(), NamedLike::Other),
        ] {
            assert_eq!(NamedLike::of(name.as_bytes()), right, "{name}");
        }
        for archive in ["a/B.TAR.GZ", "copy.tar.lz4", "copy.TAR.Z", "disk.iso", "disk.vmdk", "copy.iso.001"] {
            assert!(is_archive(archive.as_bytes()), "{archive}");
        }
        for other in ["a.tar.gz/b.json.gz", "notes.gz", "notes.lz4", "iso", "x.isolated", "tar.z.json"] {
            assert!(!is_archive(other.as_bytes()), "{other}");
        }
    }
}
