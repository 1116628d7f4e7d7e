use super::*;

#[test]
fn the_account_follows_the_last_folder_called_awslogs() {
    for (prefix, root) in [
        ("AWSLogs/111122223333/", ""),
        ("AWSLogs/AWSLogs/111122223333/", "AWSLogs/"),
        ("AWSLogs/central/AWSLogs/o-abcdefghij/111122223333/CloudTrail/us-east-1/", "AWSLogs/central/"),
        ("x//AWSLogs/111122223333/CloudTrail-Digest/", "x//"),
        ("/AWSLogs/", "/"),
        ("AWSLogs/111122223333/AWSLogs/", "AWSLogs/111122223333/"),
    ] {
        let SourcePath::InAwsLogs(below) = SourcePath::parse(prefix) else { panic!("{prefix}") };
        assert_eq!((below.root.as_str(), below.prefix().as_str()), (root, prefix));
    }
    for prefix in ["", "/", "x/", "awslogs/111122223333/", "xAWSLogs/1/"] {
        assert_eq!(SourcePath::parse(prefix), SourcePath::AboveAwsLogs, "{prefix}");
    }
}

#[test]
fn a_segment_that_is_nothing_of_cloudtrails_is_named() {
    use ExpectedSegment::{Account, AccountOrOrganization, Date, Folder, Region};
    for (below, segment, expected) in [
        ("11112222333/", "11112222333", AccountOrOrganization),
        ("o-short/111122223333/", "o-short", AccountOrOrganization),
        ("us-east-1/", "us-east-1", AccountOrOrganization),
        ("CloudTrail/us-east-1/", "CloudTrail", AccountOrOrganization),
        ("/111122223333/", "", AccountOrOrganization),
        ("o-abcdefghij/11/", "11", Account),
        ("111122223333/Config/us-east-1/", "Config", Folder),
        ("111122223333/CloudTrail-Digests/", "CloudTrail-Digests", Folder),
        ("111122223333/us-east-1/", "us-east-1", Folder),
        ("111122223333/CloudTrail/us_east_1/", "us_east_1", Region),
        ("111122223333/CloudTrail/2026/09/01/", "2026", Region),
        ("111122223333/CloudTrail/us-east-1/26/09/01/", "26", Date),
        ("111122223333/CloudTrail/us-east-1/2026/9/01/", "9", Date),
        ("111122223333/CloudTrail/us-east-1/2026/02/30/", "30", Date),
        ("111122223333/CloudTrail/us-east-1/2026/02/03/x/", "x", Date),
    ] {
        let odd = SourcePath::UnknownSegment(segment.to_owned(), expected);
        assert_eq!(SourcePath::parse(&format!("p/AWSLogs/{below}")), odd, "{below}");
    }
}

#[test]
fn the_folder_of_a_time_is_told_with_its_time() {
    for (folders, start, end) in [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026/09", "2026-09-01", "2026-10-01"),
        ("2026/12", "2026-12-01", "2027-01-01"),
        ("2026/12/31", "2026-12-31", "2027-01-01"),
        ("2028/02/29", "2028-02-29", "2028-03-01"),
    ] {
        let region = "AWSLogs/111122223333/CloudTrail/us-east-1/";
        let scope = SourcePath::parse(&format!("{region}{folders}/"));
        let SourcePath::DateFolder { region: told, stretch } = scope else { panic!("{folders}: {scope:?}") };
        assert_eq!(told.prefix(), region);
        let told = [stretch.start, stretch.end].map(|moment| moment.to_string());
        assert_eq!(told, [start, end].map(|day| format!("{day}T00:00:00Z")), "{folders}");
    }
}

#[test]
fn a_source_holds_what_lies_below_it() {
    let region = |root: &str, region: &str| RegionFolder {
        bucket: "b".into(),
        root: root.into(),
        organization: None,
        account: "111122223333".into(),
        region: region.into(),
    };
    let here = region("", "us-east-1");
    for (prefix, holds) in [
        ("", true),
        ("AWSLogs/", true),
        ("AWSLogs/111122223333/", true),
        ("AWSLogs/111122223333/CloudTrail/", true),
        ("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/", true),
        ("AWSLogs/111122223333/CloudTrail-Digest/us-east-2/", false),
        ("AWSLogs/222233334444/", false),
        ("AWSLogs/o-abcdefghij/", false),
        ("x/", false),
    ] {
        let source = SourceFolder { bucket: "b".to_owned(), prefix: prefix.to_owned() };
        assert_eq!(source.holds(&here), holds, "{prefix}");
        assert!(!SourceFolder { bucket: "c".to_owned(), ..source }.holds(&here), "{prefix}");
    }
    let nested = region("AWSLogs/222233334444/", "us-east-1");
    for (prefix, holds) in [
        ("AWSLogs/", true),
        ("AWSLogs/222233334444/", true),
        ("AWSLogs/222233334444/CloudTrail/", false),
        ("AWSLogs/222233334444/AWSLogs/111122223333/CloudTrail/us-east-1/", true),
        ("AWSLogs/111122223333/", false),
    ] {
        let source = SourceFolder { bucket: "b".to_owned(), prefix: prefix.to_owned() };
        assert_eq!(source.holds(&nested), holds, "{prefix}");
    }
}
