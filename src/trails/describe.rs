//! Asks CloudTrail for trails and their status.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::primitives::DateTime;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::{Status, Trail};
use crate::aws::arn::{ArnError, TrailArn};
use crate::aws::{Aws, Failure, Nature, regions};
use crate::time::Timestamp;
use crate::validate::Deliveries;

/// Most pages of trails to read.
const MAX_PAGES: usize = 1_000;

/// Most trails to read, on any number of pages: all trails are held in memory.
const MAX_TRAILS: usize = 100_000;

/// Longest wait for the status of a trail in a region: some regions may be unreachable.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// All trails of the account, by home region and name, and notes on trails that may be missing. Without permission
/// for `ListTrails`, the list has only the trails visible in the configured region.
///
/// # Errors
/// CloudTrail did not answer in any region.
pub fn of_account(aws: &Aws, regions: &[String]) -> Result<(Vec<Trail>, Vec<String>), Failure> {
    aws.block_on(async {
        let here = aws.cloudtrail(&aws.region());
        let mut notes = Vec::new();
        let listed = match list(&here).await {
            Ok((listed, unclear)) => {
                notes.extend(unclear);
                listed
            }
            Err(failure) => {
                let (shown, unclear) = described(&here, None).await.map_err(|_| failure.clone())?;
                notes.extend(unclear);
                notes.push(format!("only trails that show in `{}` are listed: {failure}", aws.region()));
                by_region(shown.iter().map(|trail| &trail.arn))
            }
        };
        let strangers = regions.iter().filter(|region| !listed.contains_key(*region));
        notes.extend(strangers.map(|region| {
            format!("no trail has its home in `{region}`; a trail of another region may record it")
        }));
        let mut trails = Vec::new();
        for (region, arns) in listed {
            if !regions.is_empty() && !regions.contains(&region) {
                continue;
            }
            let client = aws.cloudtrail(&region);
            match described(&client, Some(arns)).await {
                Ok((described, unclear)) => {
                    notes.extend(unclear);
                    trails.extend(with_status(&client, described).await);
                }
                Err(failure) => {
                    notes.push(format!("trails with their home in `{region}` are unknown: {failure}"))
                }
            }
        }
        trails.sort_by(|one, other| one.arn.cmp(&other.arn));
        Ok((trails, notes))
    })
}

/// The trail with this ARN; `None` if the trail does not exist.
///
/// # Errors
/// CloudTrail did not answer.
pub fn by_arn(aws: &Aws, arn: &TrailArn) -> Result<Option<Trail>, Failure> {
    aws.block_on(async {
        let client = aws.cloudtrail(&arn.region);
        let (found, _) = described(&client, Some(vec![arn.to_string()])).await?;
        Ok(found.into_iter().find(|trail| trail.arn.name == arn.name && trail.arn.account == arn.account))
    })
}

/// ARNs by home region.
type ByRegion = BTreeMap<String, Vec<String>>;

fn by_region<'a>(arns: impl Iterator<Item = &'a TrailArn>) -> ByRegion {
    let mut regions = ByRegion::new();
    for arn in arns {
        regions.entry(arn.region.clone()).or_default().push(arn.to_string());
    }
    regions
}

/// All trails of the account, and notes on trails without an ARN or a home region.
async fn list(client: &Client) -> Result<(ByRegion, Vec<String>), Failure> {
    let (mut regions, mut unclear) = (ByRegion::new(), Vec::new());
    let (mut token, mut count) = (None, 0);
    for _ in 0..MAX_PAGES {
        let answer = client.list_trails().set_next_token(token).send().await;
        let answer = answer.map_err(|error| Failure::of(&error))?;
        for trail in answer.trails() {
            match (trail.trail_arn(), trail.home_region()) {
                (Some(arn), Some(region)) => {
                    regions.entry(region.to_owned()).or_default().push(arn.to_owned());
                }
                (Some(arn), None) => unclear.push(left_out(Some(arn), "no home region")),
                (None, _) => unclear.push(left_out(trail.name(), "no ARN")),
            }
        }
        count += answer.trails().len();
        token = answer.next_token;
        if token.is_none() {
            return Ok((regions, unclear));
        }
        if count > MAX_TRAILS {
            break;
        }
    }
    let message = format!("the list of trails does not end after {MAX_PAGES} pages or {MAX_TRAILS} trails");
    Err(Failure { nature: Nature::Unreachable, code: None, message, delete_marker: false })
}

/// The trails with these ARNs, or all trails visible in the client's region, and notes on trails without a valid ARN
/// or a bucket. Does not request the status.
async fn described(client: &Client, arns: Option<Vec<String>>) -> Result<(Vec<Trail>, Vec<String>), Failure> {
    let request = client.describe_trails().set_trail_name_list(arns);
    let answer = request.send().await.map_err(|error| Failure::of(&error))?;
    let (mut trails, mut unclear) = (Vec::new(), Vec::new());
    for described in answer.trail_list() {
        match trail(described) {
            Ok(trail) => trails.push(trail),
            Err(why) => unclear.push(left_out(described.trail_arn().or(described.name()), &why)),
        }
    }
    Ok((trails, unclear))
}

fn left_out(name: Option<&str>, why: &str) -> String {
    match name {
        Some(name) => format!("the trail `{}` is not listed: {why}", name.escape_debug()),
        None => format!("a trail without a name is not listed: {why}"),
    }
}

fn trail(described: &aws_sdk_cloudtrail::types::Trail) -> Result<Trail, String> {
    let prefix = described.s3_key_prefix().filter(|prefix| !prefix.is_empty());
    let arn = described.trail_arn().ok_or("no ARN")?;
    Ok(Trail {
        arn: arn.parse().map_err(|error: ArnError| format!("invalid ARN: {error}"))?,
        bucket: described.s3_bucket_name().ok_or("no bucket")?.to_owned(),
        // CloudTrail adds one slash, even after a prefix that ends with a slash.
        prefix: prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default(),
        multi_region: described.is_multi_region_trail().unwrap_or_default(),
        organization: described.is_organization_trail().unwrap_or_default(),
        validation: described.log_file_validation_enabled().unwrap_or_default(),
        status: Err("not requested".to_owned()),
    })
}

async fn with_status(client: &Client, mut trails: Vec<Trail>) -> Vec<Trail> {
    for trail in &mut trails {
        trail.status = status(client, &trail.arn).await.map_err(|failure| failure.to_string());
    }
    trails
}

async fn status(client: &Client, arn: &TrailArn) -> Result<Status, Failure> {
    let answer = client.get_trail_status().name(arn.to_string()).send().await;
    let answer = answer.map_err(|error| Failure::of(&error))?;
    let time = |time: Option<&DateTime>| time.map(|time| Timestamp::from_unix(time.secs()));
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Status {
        logging: answer.is_logging().unwrap_or_default(),
        delivered: time(answer.latest_delivery_time()),
        delivery_error: text(answer.latest_delivery_error()),
        digest_delivered: time(answer.latest_digest_delivery_time()),
        digest_error: text(answer.latest_digest_delivery_error()),
    })
}

/// Delivery times of a trail's digests, from one `GetTrailStatus` request per region.
///
/// Source: CloudTrail API Reference, `GetTrailStatus`: the answer is about a single region.
#[derive(Debug)]
pub struct Digests {
    aws: Arc<Aws>,
    arn: TrailArn,
    multi_region: bool,
    answers: Mutex<BTreeMap<String, Option<DateTime>>>,
}

impl Digests {
    /// Deliveries of `trail`; sends no request yet.
    #[must_use]
    pub fn new(aws: Arc<Aws>, trail: &Trail) -> Self {
        let (arn, multi_region) = (trail.arn.clone(), trail.multi_region);
        Self { aws, arn, multi_region, answers: Mutex::default() }
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<String, Option<DateTime>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks all regions in `regions` without an answer yet, in parallel.
    fn ask_all(&self, regions: BTreeSet<&str>) {
        let new: Vec<&str> = {
            let answers = self.answers();
            regions.into_iter().filter(|region| !answers.contains_key(*region)).collect()
        };
        let clients: Vec<Client> = new.iter().map(|region| self.aws.cloudtrail(region)).collect();
        let asked = clients.iter().map(|client| async {
            let answer = client.get_trail_status().name(self.arn.to_string()).send();
            // A disabled region refuses, and an unreachable region does not answer.
            let answer = timeout(MAX_WAIT, answer).await.ok()?.ok()?;
            answer.latest_digest_delivery_time().copied()
        });
        let told = self.aws.block_on(async { join_all(asked).await });
        self.answers().extend(new.into_iter().map(str::to_owned).zip(told));
    }
}

impl Deliveries for Digests {
    fn ask(&self, regions: &BTreeSet<String>) {
        let home = self.arn.region.as_str();
        let others = if self.multi_region { regions::beside(home) } else { &[] };
        let all = regions.iter().map(String::as_str).chain(others.iter().copied()).chain([home]);
        self.ask_all(all.collect());
    }

    fn latest(&self, region: &str) -> Option<Timestamp> {
        self.ask_all(BTreeSet::from([region]));
        let delivered = self.answers().get(region).copied().flatten()?;
        Some(Timestamp::from_unix(delivered.secs()))
    }

    /// Leaves out regions with the home region's time: some replacements for AWS return the same time for every
    /// region.
    fn regions(&self) -> BTreeMap<String, Timestamp> {
        let answers = self.answers();
        let home = answers.get(&self.arn.region).copied().flatten();
        let others = answers.iter().filter(|(region, _)| **region != self.arn.region && self.multi_region);
        let told = others.filter_map(|(region, told)| Some((region, (*told)?)));
        let own = told.filter(|(_, told)| Some(*told) != home);
        own.map(|(region, told)| (region.clone(), Timestamp::from_unix(told.secs()))).collect()
    }
}
