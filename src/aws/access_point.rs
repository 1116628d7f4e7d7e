//! S3 access points: other names for a bucket, with a policy of their own.
//!
//! Source: Amazon S3 User Guide, "Access points for general purpose buckets", "Making requests using a Multi-Region
//! Access Point", "Access point aliases".

use crate::ident::{is_account, is_region};

/// End of the name of a multi-region access point.
const MULTI_REGION: &str = ".mrap";

/// An access point that the user named, and a folder or object behind it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AccessPoint {
    /// The name in place of a bucket's name in requests: the ARN, or an alias that ends in `-s3alias`.
    pub name: String,
    /// Key or key prefix behind the access point.
    pub key: String,
}

/// Why a text that looks like an access point is not usable as a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AccessPointError {
    /// The ARN does not have the form of an access point's ARN.
    #[error("not the ARN of an S3 access point")]
    Form,
    /// The region is missing, invalid, or named for a multi-region access point.
    #[error("the region of the access point is not valid")]
    Region,
    /// The account is not valid.
    #[error("the account of the access point is not 12 digits")]
    Account,
    /// The alias of a multi-region access point, which S3 does not accept as a bucket's name.
    #[error("the alias of a multi-region access point, which S3 accepts only within the ARN")]
    BareAlias,
    /// S3 Object Lambda.
    #[error("an access point of S3 Object Lambda, which returns other bytes than CloudTrail delivered")]
    ObjectLambda,
    /// S3 on Outposts.
    #[error("an access point of S3 on Outposts, where CloudTrail does not deliver")]
    Outposts,
}

impl AccessPointError {
    /// What to do about the error.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::ObjectLambda => "give the access point behind it, or the bucket as `s3://BUCKET[/PREFIX]`",
            Self::Outposts => {
                "give the bucket in the region that the trail delivers to, as `s3://BUCKET[/PREFIX]`"
            }
            Self::BareAlias => {
                "give the ARN, such as `arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap`"
            }
            Self::Form | Self::Region | Self::Account => {
                "give an ARN such as `arn:aws:s3:us-east-1:111122223333:accesspoint/audit` or \
                 `arn:aws:s3:us-east-1:111122223333:accesspoint/audit/object/AWSLogs/`"
            }
        }
    }
}

impl AccessPoint {
    /// Parses an ARN, an ARN after `s3://` as in the AWS CLI, or `s3://ALIAS[/PREFIX]`; `None` for other sources.
    ///
    /// # Errors
    /// [`AccessPointError`] if the text names an access point that is not usable.
    pub fn parse(text: &str) -> Option<Result<Self, AccessPointError>> {
        if let Some(arn) = text.strip_prefix("s3://").filter(|rest| rest.starts_with("arn:")) {
            return Some(Self::parse_arn(arn, ""));
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (name, key) = rest.split_once('/').unwrap_or((rest, ""));
            return match name {
                name if name.ends_with("-s3alias") => {
                    Some(Ok(Self { name: name.to_owned(), key: key.to_owned() }))
                }
                name if name.ends_with("--ol-s3") => Some(Err(AccessPointError::ObjectLambda)),
                name if name.ends_with("--op-s3") => Some(Err(AccessPointError::Outposts)),
                name if name.ends_with(MULTI_REGION) => Some(Err(AccessPointError::BareAlias)),
                _ => None,
            };
        }
        let service = text.strip_prefix("arn:")?.split(':').nth(1)?;
        service.starts_with("s3").then(|| Self::parse_arn(text, "object/"))
    }

    /// Parses an ARN. `before_key` stands between the name and the key.
    fn parse_arn(text: &str, before_key: &str) -> Result<Self, AccessPointError> {
        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next().ok_or(AccessPointError::Form);
        let (scheme, partition, service) = (part()?, part()?, part()?);
        let (region, account, resource) = (part()?, part()?, part()?);
        match service {
            "s3" => {}
            "s3-object-lambda" => return Err(AccessPointError::ObjectLambda),
            "s3-outposts" => return Err(AccessPointError::Outposts),
            _ => return Err(AccessPointError::Form),
        }
        let resource = resource.strip_prefix("accesspoint").and_then(|rest| rest.strip_prefix(['/', ':']));
        let resource = resource.ok_or(AccessPointError::Form)?;
        let (name, rest) = resource.split_once('/').unwrap_or((resource, ""));
        let is_name = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
        if scheme != "arn" || !partition.starts_with("aws") || name.is_empty() || !is_name {
            return Err(AccessPointError::Form);
        }
        let is_region_right =
            if name.ends_with(MULTI_REGION) { region.is_empty() } else { is_region(region) };
        if !is_region_right {
            return Err(AccessPointError::Region);
        }
        if !is_account(account) {
            return Err(AccessPointError::Account);
        }
        let key = match rest {
            "" => "",
            rest => rest.strip_prefix(before_key).ok_or(AccessPointError::Form)?,
        };
        let name = format!("arn:{partition}:s3:{region}:{account}:accesspoint/{name}");
        Ok(Self { name, key: key.to_owned() })
    }
}

/// The region in the ARN of an access point; `None` for other names, and for multi-region access points.
pub(crate) fn region_of(name: &str) -> Option<&str> {
    name.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:s3:us-east-1:111122223333:accesspoint/audit";
    const MULTI: &str = "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap";

    #[test]
    fn access_points_are_recognised_in_every_form() {
        for (text, name, key) in [
            (ARN.to_owned(), ARN, ""),
            (ARN.replace("accesspoint/", "accesspoint:"), ARN, ""),
            (format!("{ARN}/object/x/AWSLogs/"), ARN, "x/AWSLogs/"),
            (format!("s3://{ARN}/x/AWSLogs"), ARN, "x/AWSLogs"),
            (format!("s3://{ARN}"), ARN, ""),
            (MULTI.to_owned(), MULTI, ""),
            (format!("{MULTI}/object/x"), MULTI, "x"),
            ("s3://audit-abc123-s3alias/x".to_owned(), "audit-abc123-s3alias", "x"),
        ] {
            let point = AccessPoint { name: name.to_owned(), key: key.to_owned() };
            assert_eq!(AccessPoint::parse(&text), Some(Ok(point)), "{text}");
        }
        assert_eq!(
            (region_of(ARN), region_of(MULTI), region_of("x-s3alias")),
            (Some("us-east-1"), None, None)
        );
    }

    #[test]
    fn other_names_are_left_to_others_or_refused() {
        for text in ["s3://trail-logs/x", "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit", "dir", ""]
        {
            assert_eq!(AccessPoint::parse(text), None, "{text}");
        }
        use AccessPointError::{Account, BareAlias, Form, ObjectLambda, Outposts, Region};
        for (text, error) in [
            ("arn:aws:s3:us-east-1:111122223333:bucket/x", Form),
            ("arn:aws:s3:us-east-1:111122223333:accesspoint/", Form),
            ("arn:aws:s3:us-east-1:111122223333:accesspoint/x/AWSLogs", Form),
            ("arn:aws:s3:us-east-1:111122223333:accesspoint/X@evil", Form),
            ("arn:aws:s3:::trail-logs", Form),
            ("arn:aws:s3::111122223333:accesspoint/x", Region),
            ("arn:aws:s3:us-east-1:111122223333:accesspoint/x.mrap", Region),
            ("arn:aws:s3:evil/@host:111122223333:accesspoint/x", Region),
            ("arn:aws:s3:us-east-1:1:accesspoint/x", Account),
            ("s3://mfzwi23gnjvgw.mrap/x", BareAlias),
            ("s3://x-abc--ol-s3", ObjectLambda),
            ("arn:aws:s3-object-lambda:us-east-1:111122223333:accesspoint/x", ObjectLambda),
            ("arn:aws:s3-outposts:us-east-1:111122223333:outpost/op-1/accesspoint/x", Outposts),
        ] {
            assert_eq!(AccessPoint::parse(text), Some(Err(error)), "{text}");
        }
    }
}
