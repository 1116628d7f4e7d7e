//! Pointers that Git extensions keep in place of the content of large files, which a clone may not have fetched.

/// Longest pointer, in bytes: the limit of Git LFS.
const MAX_POINTER: usize = 1_024;

/// First lines of pointers of Git LFS: the present one, and the one of its first releases.
const LFS_VERSIONS: [&str; 2] =
    ["version https://git-lfs.github.com/spec/v1", "version https://hawser.github.com/spec/v1"];

/// What a file is a pointer of, and what to do, if `content` is a whole pointer. A log file or digest is never one.
pub(crate) fn of(content: &[u8]) -> Option<&'static str> {
    // Most content is gzip, which is no text.
    if !matches!(content.first(), Some(b'v' | b'/')) || content.len() > MAX_POINTER {
        return None;
    }
    let text = std::str::from_utf8(content).ok()?;
    if is_lfs(text) {
        return Some("a Git LFS pointer, not the file; fetch the file with `git lfs pull`");
    }
    is_annex(text).then_some("a git-annex pointer, not the file; fetch the file with `git annex get`")
}

/// The specification of Git LFS, `docs/spec.md`: lines of key and value, the version first, the others in order.
fn is_lfs(text: &str) -> bool {
    let mut lines = text.lines();
    let has_version = lines.next().is_some_and(|first| LFS_VERSIONS.contains(&first));
    let (mut has_oid, mut has_size) = (false, false);
    let is_line = |line: &str| match line.split_once(' ') {
        Some(("oid", oid)) => {
            let hash = oid.strip_prefix("sha256:");
            has_oid = hash
                .is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
            has_oid
        }
        Some(("size", size)) => {
            has_size = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
            has_size
        }
        Some((key, _)) => key.starts_with("ext-"),
        None => false,
    };
    has_version && lines.all(is_line) && has_oid && has_size
}

/// A pointer of git-annex is one line: a path to the key of the content.
fn is_annex(text: &str) -> bool {
    let key = text.strip_prefix("/annex/objects/").map(|key| key.strip_suffix('\n').unwrap_or(key));
    key.is_some_and(|key| {
        !key.is_empty() && key.contains("--") && !key.contains(['/', ' ', '\n', '\r', '"', '{'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OID: &str = "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";

    #[test]
    fn only_whole_pointers_are_pointers() {
        let lfs = format!("version https://git-lfs.github.com/spec/v1\n{OID}\nsize 12345\n");
        assert!(of(lfs.as_bytes()).is_some_and(|what| what.contains("git lfs pull")));
        let annex = "/annex/objects/SHA256E-s31390--f50d7ac4.json.gz\n";
        assert!(of(annex.as_bytes()).is_some_and(|what| what.contains("git annex get")));
        for other in [
            lfs.replace("size 12345\n", ""),
            lfs.replace("sha256:4d", "sha256:"),
            lfs.replace(OID, &format!("{OID}\n{{\"Records\":[]}}")),
            lfs.replace("git-lfs", "example"),
            format!("{lfs}{}", "ext-0-x y\n".repeat(200)),
            "/annex/objects/\n".to_owned(),
            format!("{annex}{{\"Records\":[]}}"),
            "/annex/objects/a/../b--c".to_owned(),
            "version".to_owned(),
            String::new(),
        ] {
            assert_eq!(of(other.as_bytes()), None, "{other:?}");
        }
    }
}
