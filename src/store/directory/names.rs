//! Names on disk and names in S3.

use std::ffi::OsStr;
use std::path::{Component, Path};

/// A name as a key shows it. S3's names are UTF-8; bytes that are not are shown as `\xNN`.
pub(super) fn key_segment(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02X}")));
    }
    text
}

/// Whether a key can be a relative path: no empty, `.` or `..` segment, nothing absolute.
pub(super) fn is_plain(rest: &str) -> bool {
    let segments = rest.split('/').count();
    let normal = Path::new(rest).components().filter(|part| matches!(part, Component::Normal(_))).count();
    segments == normal && !rest.contains('\0')
}
