//! Data that AWS's findings formats need besides the events: partitions, ARNs, and an identity that is stable over
//! runs.

use sha2::{Digest as _, Sha256};

use crate::event::{Finding, Kind};
use crate::ident::ChainId;

/// The partition of a region, from the region's name.
///
/// Source: AWS General Reference, "Amazon Resource Names (ARNs)", and the names of the regions.
pub(super) fn partition(region: &str) -> &'static str {
    let partitions = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    partitions.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, name)| name)
}

/// The trail's ARN. `None` for an organization trail: the trail belongs to the management account, which no digest
/// names.
pub(super) fn trail_arn(chain: &ChainId) -> Option<String> {
    let ChainId { account, trail, home_region, organization, .. } = chain;
    let partition = partition(home_region);
    organization
        .is_none()
        .then(|| format!("arn:{partition}:cloudtrail:{home_region}:{account}:trail/{trail}"))
}

/// The ARN of the object `uri`, `s3://BUCKET/KEY`.
pub(super) fn object_arn(uri: &str, region: &str) -> Option<String> {
    let path = uri.strip_prefix("s3://")?;
    if path.starts_with("arn:") {
        // Behind an access point: `arn:…:accesspoint/NAME/KEY`.
        let (point, key) = path.split_once('/').and_then(|(start, rest)| {
            let (name, key) = rest.split_once('/')?;
            Some((format!("{start}/{name}"), key))
        })?;
        return Some(format!("{point}/object/{key}"));
    }
    Some(format!("arn:{}:s3:::{path}", partition(region)))
}

/// A stable and unique identity of the finding's subject: 128 bits in hex of a SHA-256 over the identifying fields. A
/// gap is identified by its start, however long the gap grows.
pub(super) fn identity(finding: &Finding) -> String {
    let start = finding.start.filter(|_| finding.kind == Kind::ChainGap).map(|start| start.to_string());
    let fields = [
        Some(finding.kind.as_str()),
        finding.account.as_deref(),
        finding.region.as_deref(),
        finding.trail.as_deref(),
        finding.home_region.as_deref(),
        finding.organization.as_deref(),
        finding.backfill.map(|backfill| if backfill { "backfill" } else { "hourly" }),
        finding.uri.as_deref(),
        finding.digest.as_deref(),
        start.as_deref(),
    ];
    // The original may have the same finding.
    let copy = finding.copy.as_deref().or(finding.read_at.as_deref());
    digest_of(&fields.into_iter().chain(copy.map(Some)).collect::<Vec<_>>())
}

/// 128 bits in hex of a SHA-256 over `fields`, each preceded by its length.
pub(super) fn digest_of(fields: &[Option<&str>]) -> String {
    let mut hasher = Sha256::new();
    for field in fields {
        let field = field.unwrap_or_default();
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    let mut hex = hex::encode(hasher.finalize());
    hex.truncate(32);
    hex
}

/// `text` cut to at most `limit` characters; a cut text ends in `…`.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{at, chain, log_modified, stretch};

    #[test]
    fn partitions_go_by_the_regions_name() {
        for (region, name) in [
            ("us-east-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(partition(region), name, "{region}");
        }
    }

    #[test]
    fn an_identity_lasts_and_tells_findings_apart() {
        let one = log_modified("a/b");
        let later = Finding { actual: None, ..one.clone().saying("other words") };
        assert_eq!(identity(&one), identity(&later));
        assert_ne!(identity(&one), identity(&log_modified("a/c")));
        let of_copy = Finding { copy: Some("s3://dr/a/b".to_owned()), ..one.clone() };
        assert_ne!(identity(&one), identity(&of_copy));
        let gap = |start, end| {
            Finding::told(Kind::ChainGap, at(start), "")
                .of_chain(&chain("us-east-1", "audit"))
                .over(stretch(start, end))
        };
        let begun = gap("2026-09-01T00:00:00Z", "2026-09-01T01:00:00Z");
        assert_eq!(identity(&begun), identity(&gap("2026-09-01T00:00:00Z", "2026-09-01T05:00:00Z")));
        assert_ne!(identity(&begun), identity(&gap("2026-09-01T02:00:00Z", "2026-09-01T05:00:00Z")));
        assert_ne!(digest_of(&[Some("ab"), Some("c")]), digest_of(&[Some("a"), Some("bc")]));
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(cut("監査ログ", 4), "監査ログ");
        assert_eq!(cut("監査ログ", 3), "監査…");
    }

    #[test]
    fn an_organizations_trail_has_no_arn_that_we_know() {
        let own = chain("eu-west-1", "audit");
        assert_eq!(trail_arn(&own).unwrap(), "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit");
        assert_eq!(trail_arn(&ChainId { organization: Some("o-abcdefghij".into()), ..own }), None);
    }
}
