//! The account's trails as CloudTrail describes them: what they deliver to where, and whether it can be proved.
//!
//! Source: CloudTrail API Reference, `ListTrails`, `DescribeTrails`, `GetTrailStatus`.

mod describe;

use crate::aws::arn::TrailArn;
use crate::time::{HOUR, Timestamp};

pub use describe::{Digests, by_arn, of_account};

/// How long after the newest digest was delivered the next one is missed, in seconds: digests come hourly, and each up
/// to 201 minutes after its end in the deliveries we have seen.
const DIGEST_OVERDUE: i64 = 5 * HOUR;

/// A trail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trail {
    /// Its name in full.
    pub arn: TrailArn,
    /// Bucket it delivers to.
    pub bucket: String,
    /// What stands before `AWSLogs/`: empty, or the trail's prefix with its slash.
    pub prefix: String,
    /// Whether it records every region.
    pub multi_region: bool,
    /// Whether it records every account of the organization.
    pub organization: bool,
    /// Whether it writes digest files.
    pub validation: bool,
    /// What it does at present, or why CloudTrail does not tell.
    pub status: Result<Status, String>,
}

/// What a trail does at present, in its home region.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Status {
    /// Whether it records.
    pub logging: bool,
    /// When it delivered log files last.
    pub delivered: Option<Timestamp>,
    /// What kept it from delivering log files last, S3's code.
    pub delivery_error: Option<String>,
    /// When it delivered a digest file last.
    pub digest_delivered: Option<Timestamp>,
    /// What kept it from delivering a digest file last, S3's code.
    pub digest_error: Option<String>,
}

/// Why a trail cannot be proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// It writes no digest files.
    ValidationOff,
    /// It records nothing.
    LoggingOff,
    /// Log files cannot be delivered: S3's code.
    DeliveryFails(String),
    /// Digest files cannot be delivered: S3's code.
    DigestsFail(String),
    /// It has delivered no digest file yet.
    NoDigestYet,
    /// The newest digest file was delivered long ago.
    DigestsOverdue(Timestamp),
    /// CloudTrail does not tell its status.
    StatusUnknown(String),
}

impl Trail {
    /// Why it cannot be proved at the moment `now`; empty where it can.
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
    /// What is wrong, for a person.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::ValidationOff => "it writes no digest files: log file validation is off".to_owned(),
            Self::LoggingOff => "it records nothing: logging is off".to_owned(),
            Self::DeliveryFails(code) => format!("log files cannot be delivered: {code}"),
            Self::DigestsFail(code) => format!("digest files cannot be delivered: {code}"),
            Self::NoDigestYet => "no digest file was delivered yet".to_owned(),
            Self::DigestsOverdue(at) => format!("no digest file was delivered since {at}"),
            Self::StatusUnknown(why) => format!("its status is not known: {why}"),
        }
    }

    /// What to do about it with `trail`: a command, where one is enough.
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
                "let cloudtrail.amazonaws.com write to the bucket: its policy, and that of its KMS key"
                    .to_owned()
            }
            Self::NoDigestYet => {
                "wait: the first one comes within some hours of turning validation on".to_owned()
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
    fn a_trail_can_be_proved_where_it_logs_and_digests_come() {
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
