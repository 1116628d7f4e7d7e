//! The account's trails, as described by CloudTrail: the bucket of each trail, and obstacles to validation.
//!
//! Source: CloudTrail API Reference, `ListTrails`, `DescribeTrails`, `GetTrailStatus`.

mod describe;

use crate::aws::arn::TrailArn;
use crate::time::{HOUR, Timestamp};

pub use describe::{Digests, by_arn, of_account};

/// Age of the newest delivery, in seconds, after which the next digest is overdue. Digests come hourly, up to 201
/// minutes after the end of the hour in the observed deliveries.
const DIGEST_OVERDUE: i64 = 5 * HOUR;

/// A trail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trail {
    /// The trail's ARN.
    pub arn: TrailArn,
    /// Bucket of the trail's deliveries.
    pub bucket: String,
    /// Key prefix before `AWSLogs/`: empty, or the trail's prefix and a slash.
    pub prefix: String,
    /// Whether the trail records every region.
    pub multi_region: bool,
    /// Whether the trail records every account of the organization.
    pub organization: bool,
    /// Whether log file validation is on: the trail writes digest files.
    pub validation: bool,
    /// The present status, or why CloudTrail does not report the status.
    pub status: Result<Status, String>,
}

/// The present status of a trail in its home region.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Status {
    /// Whether logging is on.
    pub logging: bool,
    /// Time of the last delivery of log files.
    pub delivered: Option<Timestamp>,
    /// S3's error code of the last delivery of log files, if the delivery failed.
    pub delivery_error: Option<String>,
    /// Time of the last delivery of a digest file.
    pub digest_delivered: Option<Timestamp>,
    /// S3's error code of the last delivery of a digest file, if the delivery failed.
    pub digest_error: Option<String>,
}

/// Why a trail cannot be validated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// Log file validation is off: no digest files are written.
    ValidationOff,
    /// Logging is off: nothing is recorded.
    LoggingOff,
    /// Log files cannot be delivered: S3's code.
    DeliveryFails(String),
    /// Digest files cannot be delivered: S3's code.
    DigestsFail(String),
    /// No digest file was delivered yet.
    NoDigestYet,
    /// The newest digest file was delivered long ago.
    DigestsOverdue(Timestamp),
    /// CloudTrail does not report the status.
    StatusUnknown(String),
}

impl Trail {
    /// Why the trail cannot be validated at the moment `now`; empty if validation is possible.
    #[must_use]
    pub fn obstacles(&self, now: Timestamp) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        if !self.validation {
            obstacles.push(Obstacle::ValidationOff);
        }
        match &self.status {
            Ok(status) => obstacles.extend(status.obstacles(self.validation, now)),
            Err(why) => obstacles.push(Obstacle::StatusUnknown(why.clone())),
        }
        obstacles
    }
}

impl Status {
    fn obstacles(&self, validation: bool, now: Timestamp) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        if !self.logging {
            obstacles.push(Obstacle::LoggingOff);
        }
        obstacles.extend(self.delivery_error.clone().map(Obstacle::DeliveryFails));
        if !validation {
            return obstacles;
        }
        obstacles.extend(self.digest_error.clone().map(Obstacle::DigestsFail));
        match self.digest_delivered {
            None => obstacles.push(Obstacle::NoDigestYet),
            Some(at) if self.logging && now.plus(-DIGEST_OVERDUE) > at => {
                obstacles.push(Obstacle::DigestsOverdue(at));
            }
            Some(_) => {}
        }
        obstacles
    }
}

impl Obstacle {
    /// The problem, as a message.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::ValidationOff => "log file validation is off: no digest files are written".to_owned(),
            Self::LoggingOff => "logging is off: nothing is recorded".to_owned(),
            Self::DeliveryFails(code) => format!("log files cannot be delivered: {code}"),
            Self::DigestsFail(code) => format!("digest files cannot be delivered: {code}"),
            Self::NoDigestYet => "no digest file was delivered yet".to_owned(),
            Self::DigestsOverdue(at) => format!("no digest file was delivered since {at}"),
            Self::StatusUnknown(why) => format!("the status is unknown: {why}"),
        }
    }

    /// The remedy for `trail`: a command, if a single command is enough.
    #[must_use]
    pub fn remedy(&self, trail: &TrailArn) -> String {
        let region = &trail.region;
        match self {
            Self::ValidationOff => {
                format!(
                    "aws cloudtrail update-trail --name {trail} --region {region} --enable-log-file-validation"
                )
            }
            Self::LoggingOff => format!("aws cloudtrail start-logging --name {trail} --region {region}"),
            Self::DeliveryFails(_) | Self::DigestsFail(_) => {
                "allow cloudtrail.amazonaws.com to write: check the bucket policy and the KMS key policy"
                    .to_owned()
            }
            Self::NoDigestYet => {
                "wait some hours: the first digest file arrives after the first whole hour with validation on"
                    .to_owned()
            }
            Self::DigestsOverdue(_) => {
                format!("aws cloudtrail get-trail-status --name {trail} --region {region}")
            }
            Self::StatusUnknown(_) => "allow `cloudtrail:GetTrailStatus`".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(validation: bool, status: Result<Status, String>) -> Trail {
        Trail {
            arn: "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit".parse().unwrap(),
            bucket: "trail-logs".to_owned(),
            prefix: String::new(),
            multi_region: true,
            organization: false,
            validation,
            status,
        }
    }

    #[test]
    fn a_trail_that_logs_and_delivers_digests_can_be_validated() {
        let now = Timestamp::from_unix(1_800_000_000);
        let well = Status { logging: true, digest_delivered: Some(now.plus(-HOUR)), ..Status::default() };
        assert_eq!(trail(true, Ok(well.clone())).obstacles(now), []);
        assert_eq!(trail(false, Ok(well.clone())).obstacles(now), [Obstacle::ValidationOff]);
        let late = now.plus(-DIGEST_OVERDUE - 1);
        let cases = [
            (Status { logging: false, ..well.clone() }, Obstacle::LoggingOff),
            (Status { digest_delivered: None, ..well.clone() }, Obstacle::NoDigestYet),
            (Status { digest_delivered: Some(late), ..well.clone() }, Obstacle::DigestsOverdue(late)),
            (
                Status { digest_error: Some("AccessDenied".to_owned()), ..well.clone() },
                Obstacle::DigestsFail("AccessDenied".to_owned()),
            ),
            (
                Status { delivery_error: Some("NoSuchBucket".to_owned()), ..well },
                Obstacle::DeliveryFails("NoSuchBucket".to_owned()),
            ),
        ];
        for (status, obstacle) in cases {
            assert_eq!(trail(true, Ok(status)).obstacles(now), [obstacle]);
        }
        let unknown = trail(true, Err("denied".to_owned())).obstacles(now);
        assert_eq!(unknown, [Obstacle::StatusUnknown("denied".to_owned())]);
    }
}
