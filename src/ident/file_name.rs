//! Parser for the file names of CloudTrail's deliveries, wherever the file lies.

use super::{DigestKey, LogFolder, RegionFolder, is_account, is_region};
use crate::time::Timestamp;

/// Suffix of every delivered file.
const GZIPPED: &str = ".json.gz";

/// Suffix of a delivered file that a tool inflated and renamed.
const INFLATED: &str = ".json";

/// Type of a delivered file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DeliveredType {
    /// A digest file.
    Digest,
    /// A log file of a log folder.
    Log(LogFolder),
}

/// The fields of a delivered file's name that give the folder of its delivery.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DeliveredName<'n> {
    /// Account ID.
    pub account: &'n str,
    /// Digest or log file.
    pub kind: DeliveredType,
    /// Region of the log files.
    pub region: &'n str,
    /// The time in the name, which gives the folder of the day.
    pub time: Timestamp,
}

impl<'n> DeliveredName<'n> {
    /// Parses a file name, with or without `.gz` at its end. `None` for any other name.
    #[must_use]
    pub fn parse(name: &'n str) -> Option<Self> {
        let stem = name.strip_suffix(GZIPPED).or_else(|| name.strip_suffix(INFLATED))?;
        let (account, rest) = stem.split_once('_')?;
        let (folder, rest) = rest.split_once('_')?;
        let (region, rest) = rest.split_once('_')?;
        (is_account(account) && is_region(region) && !name.contains('/')).then_some(())?;
        if folder == "CloudTrail-Digest" {
            let folder = RegionFolder {
                bucket: "".into(),
                root: "".into(),
                organization: None,
                account: account.into(),
                region: region.into(),
            };
            let key = DigestKey::parse_name(&folder, &format!("{stem}{GZIPPED}"))?;
            return Some(Self { account, kind: DeliveredType::Digest, region, time: key.end });
        }
        let logs = LogFolder::ALL.into_iter().find(|logs| logs.as_str() == folder)?;
        let (time, unique) = rest.split_once('_')?;
        let time = Timestamp::parse_log_name(time)?;
        // A dot would be of the sidecar of a log file: `NAME.json.gz.metadata.json`.
        (!unique.is_empty() && !unique.contains(['_', '.'])).then_some(())?;
        Some(Self { account, kind: DeliveredType::Log(logs), region, time })
    }

    /// Name of the account's folder that the file was delivered to.
    #[must_use]
    pub const fn folder(&self) -> &'static str {
        match self.kind {
            DeliveredType::Digest => "CloudTrail-Digest",
            DeliveredType::Log(logs) => logs.as_str(),
        }
    }
}

/// The name of a delivered file before a tool inflated and renamed the file: `NAME.json` becomes `NAME.json.gz`. `None`
/// for a name that is not CloudTrail's, or that ends in `.gz`.
#[must_use]
pub fn name_before_inflating(name: &str) -> Option<String> {
    let stem = name.strip_suffix(INFLATED)?;
    // The last part of a changed name, such as `NAME (1).json`, has other characters than CloudTrail's.
    let is_unchanged =
        stem.rsplit('_').next().is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    (is_unchanged && DeliveredName::parse(name).is_some()).then(|| format!("{name}.gz"))
}

/// The name that `gunzip` gives to a delivered file. `None` for a name that is not CloudTrail's.
#[must_use]
pub fn name_after_inflating(name: &str) -> Option<&str> {
    let inflated = name.strip_suffix(".gz")?;
    DeliveredName::parse(name).map(|_| inflated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivered_names_with_and_without_gz() {
        let log = "111122223333_CloudTrail_us-east-1_20260901T1205Z_abcdefgh12345678.json";
        let digest = "111122223333_CloudTrail-Digest_us-east-1_a_b_us-east-1_20260901T120657Z.json";
        for name in [log, digest] {
            let parsed = DeliveredName::parse(name).unwrap();
            assert_eq!(Some(parsed), DeliveredName::parse(&format!("{name}.gz")), "{name}");
            assert_eq!((parsed.account, parsed.region), ("111122223333", "us-east-1"));
            assert_eq!(name_before_inflating(name), Some(format!("{name}.gz")));
            assert_eq!(name_after_inflating(&format!("{name}.gz")), Some(name));
            assert_eq!(name_after_inflating(name), None);
            assert_eq!(name_before_inflating(&name.replace(".json", " (1).json")), None);
            assert_eq!(name_before_inflating(&format!("{name}.gz")), None);
        }
        assert_eq!(DeliveredName::parse(log).unwrap().folder(), "CloudTrail");
        let insight = log.replace("_CloudTrail_", "_CloudTrail-Insight_");
        assert_eq!(DeliveredName::parse(&insight).unwrap().folder(), "CloudTrail-Insight");
        for other in ["keys.json", "x.json.gz", &log.replace("1111", "x"), &log.replace("T1205Z", ""), "_"] {
            assert_eq!(DeliveredName::parse(other), None, "{other}");
        }
    }
}
