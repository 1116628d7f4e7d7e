//! Names of objects, and how they are shown.

use trailproof::ident::{DigestKey, Location, LogFolderKey};
use trailproof::report::escape::{for_terminal, is_hidden};
use trailproof::report::shell;

/// A bucket and, after a zero byte, a key.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (bucket, key) = text.split_once('\0').unwrap_or(("trail-logs", &text));
    let location = Location::new(bucket, key);
    if let Some(parsed) = DigestKey::parse(&location) {
        assert_eq!(parsed.location(), location, "a digest's key is written in one way");
        assert_eq!(DigestKey::parse_name(&parsed.folder, location.name()).as_ref(), Some(&parsed));
        assert!(location.key.starts_with(&parsed.folder.digest_prefix()));
    }
    log(key);
    shown(&text);
}

fn log(key: &str) {
    match LogFolderKey::parse(key) {
        Some(LogFolderKey::Minute(minute)) => {
            assert!(key.starts_with(&format!("{}/", minute.day_folder())));
            assert!(key.contains(&minute.log_name()));
        }
        Some(LogFolderKey::Day(day)) => {
            assert!(key.starts_with(&format!("{}/", day.start.day_folder())) && day.seconds() == 86_400);
        }
        None => {}
    }
}

/// Whatever is shown on a screen leaves it as it is, and a word of a shell's command line stays one word.
fn shown(text: &str) {
    assert!(!for_terminal(text).contains(is_hidden), "{text:?}");
    let quoted = shell::quote(text);
    assert!(!quoted.contains(is_hidden), "{quoted:?}");
    assert!(
        quoted.ends_with('\'') || quoted.chars().all(|c| !" \t\n;&|<>$`\"*?()".contains(c)),
        "{quoted:?}"
    );
}
