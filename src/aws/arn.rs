//! ARNs of trails.
//!
//! Source: AWS General Reference, "Amazon Resource Names (ARNs)"; Service Authorization Reference, "Resource types
//! defined by AWS CloudTrail".

use std::fmt;
use std::str::FromStr;

use crate::ident::{is_account, is_region, is_trail};

/// The ARN of a trail, such as `arn:aws:cloudtrail:us-east-1:111122223333:trail/audit`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TrailArn {
    /// Partition: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// Home region of the trail.
    pub region: String,
    /// Account of the trail, 12 digits; for an organization trail, the management account.
    pub account: String,
    /// Trail name.
    pub name: String,
}

/// Why a text is not the ARN of a trail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ArnError {
    /// The text does not have the six parts of an ARN.
    #[error("not an ARN")]
    Form,
    /// The ARN belongs to another service.
    #[error("not an ARN of CloudTrail")]
    Service,
    /// The ARN belongs to another resource than a trail.
    #[error("not the ARN of a trail: the last part is not like `trail/audit`")]
    Resource,
    /// The region is not valid.
    #[error("the region is not valid")]
    Region,
    /// The account is not valid.
    #[error("the account is not 12 digits")]
    Account,
}

impl FromStr for TrailArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next().ok_or(ArnError::Form);
        let (scheme, partition, service) = (part()?, part()?, part()?);
        let (region, account, resource) = (part()?, part()?, part()?);
        let is_partition = partition.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        if scheme != "arn" || !is_partition || !partition.starts_with("aws") {
            return Err(ArnError::Form);
        }
        if service != "cloudtrail" {
            return Err(ArnError::Service);
        }
        let name = resource.strip_prefix("trail/").filter(|name| is_trail(name)).ok_or(ArnError::Resource)?;
        if !is_region(region) {
            return Err(ArnError::Region);
        }
        if !is_account(account) {
            return Err(ArnError::Account);
        }
        Ok(Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for TrailArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, name } = self;
        write!(f, "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_every_partition_are_read_and_written_back() {
        for text in [
            "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit",
            "arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/a.b_c-d",
            "arn:aws-us-gov:cloudtrail:us-gov-west-1:111122223333:trail/audit",
            "arn:aws-iso-b:cloudtrail:us-isob-east-1:111122223333:trail/audit",
        ] {
            assert_eq!(text.parse::<TrailArn>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_arns_are_rejected_with_a_reason() {
        for (text, error) in [
            ("", ArnError::Form),
            ("arn:aws:cloudtrail", ArnError::Form),
            ("arn:bws:cloudtrail:us-east-1:111122223333:trail/audit", ArnError::Form),
            ("arn:aws:s3:::bucket", ArnError::Service),
            ("arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/x", ArnError::Resource),
            ("arn:aws:cloudtrail:us-east-1:111122223333:trail/a b", ArnError::Resource),
            ("arn:aws:cloudtrail:US:111122223333:trail/audit", ArnError::Region),
            ("arn:aws:cloudtrail:us-east-1:1:trail/audit", ArnError::Account),
        ] {
            assert_eq!(text.parse::<TrailArn>(), Err(error), "{text}");
        }
    }
}
