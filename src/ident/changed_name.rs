//! Delivered names within the names that other programs give to a file: `Copy of NAME`, `NAME (1).json.gz`,
//! `.NAME.Ab3dE1`, `azDownload-UUID-NAME`.

use super::{LogFolder, is_account, is_region};
use crate::time::Timestamp;

/// Length of an account ID, in characters.
const ACCOUNT: usize = 12;

/// Longest unique part that is compared, in characters. CloudTrail's have 16.
const UNIQUE: usize = 16;

/// What follows the time in the name of a backfill digest.
const BACKFILL: &str = "_backfill";

/// Most stems found in one name: the name of a trail may look like several.
const MAX_STEMS: usize = 4;

/// The delivered names that `name` contains, without `.json.gz` and whatever else stands before and after. A stem ends
/// with the time of a digest or the unique part of a log file, so it tells one object from every other.
#[must_use]
pub fn stems_in(name: &str) -> Vec<&str> {
    let mut stems = Vec::new();
    for (at, _) in name.match_indices('_') {
        let Some(start) = at.checked_sub(ACCOUNT) else { continue };
        let (Some(account), Some(rest)) = (name.get(start..at), name.get(at + 1..)) else { continue };
        if !is_account(account) {
            continue;
        }
        let ends = ends_of_stem(rest).into_iter().filter_map(|end| name.get(start..at + 1 + end));
        stems.extend(ends.take(MAX_STEMS - stems.len().min(MAX_STEMS)));
    }
    stems
}

/// The stem of the object with a delivered name; `None` for any other name.
#[must_use]
pub fn stem_of(name: &str) -> Option<&str> {
    let stem = stems_in(name).pop()?;
    is_delivered_as(stem, name).then_some(stem)
}

/// Whether `name` is the delivered name of a stem, gzip or inflated.
#[must_use]
pub fn is_delivered_as(stem: &str, name: &str) -> bool {
    name.strip_prefix(stem).is_some_and(|ending| matches!(ending, ".json.gz" | ".json"))
}

/// Where a stem may end in what follows the account.
fn ends_of_stem(rest: &str) -> Vec<usize> {
    let Some((folder, after)) = rest.split_once('_') else { return Vec::new() };
    if folder.eq_ignore_ascii_case("CloudTrail-Digest") {
        return ends_of_digest(rest);
    }
    if !LogFolder::ALL.iter().any(|logs| folder.eq_ignore_ascii_case(logs.as_str())) {
        return Vec::new();
    }
    let mut parts = after.splitn(3, '_');
    let (Some(region), Some(time), Some(unique)) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    let is_log = is_region(&region.to_ascii_lowercase())
        && Timestamp::parse_log_name(&time.to_ascii_uppercase()).is_some();
    let length = unique.bytes().take_while(u8::is_ascii_alphanumeric).take(UNIQUE).count();
    if !is_log || length == 0 {
        return Vec::new();
    }
    vec![rest.len() - unique.len() + length]
}

/// Behind each part that is a digest's time. The name of a trail may have such parts too.
fn ends_of_digest(rest: &str) -> Vec<usize> {
    let length = "YYYYMMDDTHHMMSSZ".len();
    let times = rest.match_indices('_').filter_map(|(at, _)| {
        let end = at + 1 + length;
        let time = rest.get(at + 1..end)?.to_ascii_uppercase();
        Timestamp::parse_digest_name(&time)?;
        let is_backfill =
            rest.get(end..end + BACKFILL.len()).is_some_and(|part| part.eq_ignore_ascii_case(BACKFILL));
        Some(if is_backfill { end + BACKFILL.len() } else { end })
    });
    times.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "111122223333_CloudTrail_us-east-1_20260901T1205Z_abcdefgh12345678";
    const DIGEST: &str = "111122223333_CloudTrail-Digest_us-east-1_a_b_us-east-1_20260901T120657Z";

    #[test]
    fn a_stem_is_found_whatever_a_program_makes_of_the_name() {
        for stem in
            [LOG, &LOG.replace("_CloudTrail_", "_CloudTrail-Insight_"), DIGEST, &format!("{DIGEST}_backfill")]
        {
            for name in [
                "STEM.json.gz",
                "STEM.json",
                "STEM (1).json.gz",
                "STEM.json - Copy.gz",
                "Copy of STEM.json.gz",
                ".STEM.json.gz.Ab3dE1",
                "STEM.json.gz.8a7b6c5d.partial",
                "azDownload-0a1b-STEM.json.gz",
                "STEM_1.json.gz",
                "STEM.sync-conflict-20260902-101010-ABCDEFG.json.gz",
                "STEM",
            ] {
                assert_eq!(stems_in(&name.replace("STEM", stem)), [stem], "{name}");
            }
            let lower = stem.to_ascii_lowercase();
            assert_eq!(stems_in(&format!("{lower}.json.gz")), [lower.as_str()]);
            assert_eq!(stem_of(&format!("{stem}.json.gz")), Some(stem));
            assert_eq!(stem_of(&format!("{stem} (1).json.gz")), None);
        }
    }

    #[test]
    fn another_object_has_another_stem() {
        let other = LOG.replace("5678", "5679");
        assert_eq!(stems_in(&format!("{other}.json.gz")), [other.as_str()]);
        for name in
            ["", "_", "é_CloudTrail_", "x.json.gz", "11112222333_CloudTrail_us-east-1_20260901T1205Z_a"]
        {
            assert_eq!(stems_in(name), Vec::<&str>::new(), "{name}");
        }
        // The name of a trail may look like the end of a digest's name.
        let odd = DIGEST.replace("a_b", "a_20250901T120657Z");
        assert_eq!((stems_in(&odd).len(), stem_of(&format!("{odd}.json.gz"))), (2, Some(&*odd)));
    }
}
