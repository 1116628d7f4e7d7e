//! Paths that differ in case only, which some file systems take for one path.

use std::collections::HashMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Whether a path, or a folder of the path, has the letters of a known path in another case. Notes the path otherwise.
pub(super) fn is_spelt_anew(spellings: &mut HashMap<u64, u64>, relative: &Path) -> bool {
    let hash = |text: &str| {
        let hash = Sha256::digest(text.as_bytes());
        hash.iter().take(8).fold(0, |value, byte| (value << 8) | u64::from(*byte))
    };
    let text = relative.to_string_lossy();
    let ends = text.match_indices('/').map(|(at, _)| at).chain([text.len()]);
    let parts: Vec<&str> = ends.filter_map(|end| text.get(..end)).collect();
    let pair = |part: &&str| (hash(&part.to_lowercase()), hash(part));
    let pairs: Vec<(u64, u64)> = parts.iter().map(pair).collect();
    if pairs.iter().any(|(folded, exact)| spellings.get(folded).is_some_and(|known| known != exact)) {
        return true;
    }
    spellings.extend(pairs);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_differ_in_case_only_are_told_apart() {
        let mut known = HashMap::new();
        let mut is_new = |path: &str| is_spelt_anew(&mut known, Path::new(path));
        assert!(!is_new("logs/a/b"));
        assert!(!is_new("logs/a/b"));
        assert!(!is_new("logs/a/c"));
        assert!(is_new("logs/a/B"));
        assert!(is_new("logs/A/d"));
        assert!(!is_new("logs/a/d"));
    }
}
