//! AWS's regions: to ask CloudTrail about a trail in each region, and to recognise misspelled names.

/// Regions by partition, from AWS's "Regions and Zones" of November 2026. A newer region still works if the record or
/// the user names the region.
const PARTITIONS: [(&str, &[&str]); 4] = [
    (
        "aws",
        &[
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "mx-central-1",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    ),
    ("aws-cn", &["cn-north-1", "cn-northwest-1"]),
    ("aws-us-gov", &["us-gov-east-1", "us-gov-west-1"]),
    ("aws-eusc", &["eusc-de-east-1"]),
];

/// Every region in the list.
pub(crate) fn known() -> impl Iterator<Item = &'static str> {
    PARTITIONS.iter().flat_map(|(_, regions)| *regions).copied()
}

/// All regions of the partition that contains `region`.
pub(crate) fn beside(region: &str) -> &'static [&'static str] {
    let found = PARTITIONS.iter().find(|(_, regions)| regions.contains(&region));
    found.map_or(&[], |(_, regions)| *regions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::is_region;

    #[test]
    fn every_listed_region_has_a_valid_name() {
        assert!(known().all(is_region));
        assert!(beside("eu-west-1").contains(&"us-east-1") && !beside("cn-north-1").contains(&"us-east-1"));
        assert!(beside("xx-nowhere-1").is_empty());
    }
}
