//! AWS's regions, for asking CloudTrail about a trail in each of them.

/// Regions by partition, as AWS's "Regions and Zones" lists them in November 2026. A region that is younger than this
/// list is still asked about where the record or the user names it.
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

/// The regions of the partition that `region` is in.
pub(crate) fn beside(region: &str) -> &'static [&'static str] {
    let found = PARTITIONS.iter().find(|(_, regions)| regions.contains(&region));
    found.map_or(&[], |(_, regions)| *regions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::is_region;

    #[test]
    fn regions_are_called_as_regions_are() {
        assert!(PARTITIONS.iter().flat_map(|(_, regions)| *regions).all(|region| is_region(region)));
        assert!(beside("eu-west-1").contains(&"us-east-1") && !beside("cn-north-1").contains(&"us-east-1"));
        assert!(beside("xx-nowhere-1").is_empty());
    }
}
