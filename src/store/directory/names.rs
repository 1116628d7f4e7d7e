//! Conversion between names on disk and keys in S3.

use std::ffi::OsStr;
use std::path::{Component, Path};

/// Converts a name on disk to a key segment. S3 keys are UTF-8; other bytes are written as `\xNN`.
pub(super) fn key_segment(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02X}")));
    }
    text
}

/// Whether a key is usable as a relative path: no empty, `.` or `..` segment, no NUL, not absolute.
pub(super) fn is_plain(rest: &str) -> bool {
    let segments = rest.split('/').count();
    // `Path` drops empty and `.` segments, so fewer normal parts than segments reveal such a segment.
    let normal = Path::new(rest).components().filter(|part| matches!(part, Component::Normal(_))).count();
    segments == normal && !rest.contains('\0')
}
