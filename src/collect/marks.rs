//! Writes the marks of objects that were not collected.

use std::fmt::Write as _;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::folder::{CopyFolder, PlaceError};
use crate::ident::{Location, Sha256Hash};
use crate::store::directory::collected::{MARK, mark};

/// Longest name of an object in a mark's name, in bytes. Most file systems allow names of 255 bytes.
const MAX_NAME: usize = 200;

/// Writes the mark of `location` into the folder of the object. If the key is no path, the mark lies in the last folder
/// that is, and its name has the rest of the key in percent-encoding.
pub(super) fn write(folder: &CopyFolder, location: &Location, reason: &str) -> io::Result<()> {
    let mut above = plain_folders(location);
    // A bucket that is no path has no place for marks. `collected.json` lists the object.
    while above.components().next().is_some() {
        match write_in(folder, location, &above, reason) {
            Err(PlaceError::Unfit(_)) => {
                above.pop();
            }
            Err(PlaceError::Io(error)) => return Err(error),
            Ok(()) => return Ok(()),
        }
    }
    Ok(())
}

/// Writes the mark of an object that the source does not hold, if the copy has the object's folder. Without the folder,
/// the copy itself shows that it lacks the object.
pub(super) fn write_in_folder(folder: &CopyFolder, location: &Location) -> io::Result<()> {
    match folder.has_folder_of(location) {
        true => write(folder, location, "the source does not hold the object"),
        false => Ok(()),
    }
}

fn write_in(folder: &CopyFolder, location: &Location, above: &Path, reason: &str) -> Result<(), PlaceError> {
    let whole = format!("{}/{}", location.bucket, location.key);
    let above_length = above.as_os_str().len() + 1;
    let rest = whole.get(above_length..).unwrap_or_default();
    folder.make_folder(above)?;
    let path = folder.root().join(above).join(format!("{}{MARK}", file_name(rest)));
    folder.write(&path, &mark(reason))
}

/// The folders of the key, from the bucket to the first that is no folder on disk.
fn plain_folders(location: &Location) -> PathBuf {
    let is_plain = |segment: &&str| {
        let mut parts = Path::new(segment).components();
        let is_normal = matches!(parts.next(), Some(Component::Normal(part)) if part == *segment);
        is_normal && parts.next().is_none() && !segment.contains('\0') && segment.len() <= MAX_NAME
    };
    let folders = location.key.rsplit_once('/').map_or("", |(folders, _)| folders);
    let segments = folders.split('/').filter(|_| !folders.is_empty());
    let all = std::iter::once(&*location.bucket).chain(segments);
    all.take_while(is_plain).collect()
}

/// The rest of a key as a file name.
fn file_name(rest: &str) -> String {
    let mut name = String::new();
    for (at, c) in rest.char_indices() {
        // A dot or a bracket could make the mark a leftover of a desktop.
        let is_first_dot = at == 0 && c == '.';
        if is_first_dot || matches!(c, '/' | '\\' | '%' | '(') || c.is_control() {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(name, "%{byte:02X}");
            }
        } else {
            name.push(c);
        }
    }
    if name.len() <= MAX_NAME && !name.is_empty() {
        return name;
    }
    let end = (0..=MAX_NAME / 2).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
    format!("{}~{}", name.get(..end).unwrap_or_default(), Sha256Hash::of(rest.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_no_path_has_its_mark_in_the_last_folder_that_is() {
        for (key, folders, rest) in [
            ("a/b/x", "logs/a/b", "x"),
            ("x", "logs", "x"),
            ("a/../x", "logs/a", "..%2Fx"),
            ("a//x", "logs/a", "%2Fx"),
            ("/x", "logs", "%2Fx"),
        ] {
            let above = plain_folders(&Location::new("logs", key));
            assert_eq!(above, Path::new(folders), "{key}");
            let whole = format!("logs/{key}");
            let expected =
                rest.strip_prefix('.').map_or_else(|| rest.to_owned(), |rest| format!("%2E{rest}"));
            assert_eq!(file_name(&whole[folders.len() + 1..]), expected, "{key}");
        }
        assert_eq!(plain_folders(&Location::new("..", "x")), Path::new(""));
    }

    #[test]
    fn names_are_short_and_differ() {
        let long = "é".repeat(400);
        let (one, other) = (file_name(&long), file_name(&format!("{long}x")));
        assert!(one.len() < 240 && one != other, "{one}");
        assert_eq!(file_name("%2F(1)\n"), "%252F%281)%0A");
        assert!(file_name("").starts_with('~'));
    }
}
