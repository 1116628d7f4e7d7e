//! Asks CloudTrail for trails and what they do.

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

/// How many pages of trails are read.
const MAX_PAGES: usize = 1_000;

/// How many trails are taken, on however many pages: they are held in memory.
const MAX_TRAILS: usize = 100_000;

/// How long CloudTrail's word on a trail in one region is waited for: it is asked about many, of which some may be out of
/// reach.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Every trail of the account, by home region and name, and what kept us from seeing more: without `ListTrails` only
/// the trails that show in the configured region are seen.
///
/// # Errors
/// Where CloudTrail tells of no region.
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
            format!("no trail is at home in `{region}`; one that is at home elsewhere may record it")
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
                    notes.push(format!("the trails at home in `{region}` are not known: {failure}"))
                }
            }
        }
        trails.sort_by(|one, other| one.arn.cmp(&other.arn));
        Ok((trails, notes))
    })
}

/// The trail called `arn`; `None` where there is none.
///
/// # Errors
/// Where CloudTrail does not answer.
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

/// Every trail of the account, and what is said of those that have no name or no home.
async fn list(client: &Client) -> Result<(ByRegion, Vec<String>), Failure> {
    let (mut regions, mut unclear) = (ByRegion::new(), Vec::new());
    let (mut token, mut told) = (None, 0);
    for _ in 0..MAX_PAGES {
        let answer = client.list_trails().set_next_token(token).send().await;
        let answer = answer.map_err(|error| Failure::of(&error))?;
        for trail in answer.trails() {
            match (trail.trail_arn(), trail.home_region()) {
                (Some(arn), Some(region)) => {
                    regions.entry(region.to_owned()).or_default().push(arn.to_owned());
                }
                (Some(arn), None) => unclear.push(left_out(Some(arn), "it has no home region")),
                (None, _) => unclear.push(left_out(trail.name(), "it has no ARN")),
            }
        }
        told += answer.trails().len();
        token = answer.next_token;
        if token.is_none() {
            return Ok((regions, unclear));
        }
        if told > MAX_TRAILS {
            break;
        }
    }
    let message = format!("the list of trails does not end after {MAX_PAGES} pages or {MAX_TRAILS} trails");
    Err(Failure { nature: Nature::Unreachable, code: None, message, delete_marker: false })
}

/// The trails called `arns`, or all that show in the client's region, and what is said of those that cannot be told
/// apart from others or have no bucket. Their status is not asked for.
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
    let arn = described.trail_arn().ok_or("it has no ARN")?;
    Ok(Trail {
        arn: arn.parse().map_err(|error: ArnError| format!("its name cannot be read: {error}"))?,
        bucket: described.s3_bucket_name().ok_or("it has no bucket")?.to_owned(),
        // CloudTrail puts one slash after it, whatever slashes it has itself.
        prefix: prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default(),
        multi_region: described.is_multi_region_trail().unwrap_or_default(),
        organization: described.is_organization_trail().unwrap_or_default(),
        validation: described.log_file_validation_enabled().unwrap_or_default(),
        status: Err("it was not asked for".to_owned()),
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

/// When a trail's digests were delivered, by `GetTrailStatus` of each region, which is asked once.
///
/// Source: CloudTrail API Reference, `GetTrailStatus`: it tells of a single region.
#[derive(Debug)]
pub struct Digests {
    aws: Arc<Aws>,
    arn: TrailArn,
    multi_region: bool,
    answers: Mutex<BTreeMap<String, Option<DateTime>>>,
}

impl Digests {
    /// Those of `trail`.
    #[must_use]
    pub fn new(aws: Arc<Aws>, trail: &Trail) -> Self {
        let (arn, multi_region) = (trail.arn.clone(), trail.multi_region);
        Self { aws, arn, multi_region, answers: Mutex::default() }
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<String, Option<DateTime>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks about those of `regions` that were not asked about yet, at the same time.
    fn ask_all(&self, regions: BTreeSet<&str>) {
        let new: Vec<&str> = {
            let answers = self.answers();
            regions.into_iter().filter(|region| !answers.contains_key(*region)).collect()
        };
        let clients: Vec<Client> = new.iter().map(|region| self.aws.cloudtrail(region)).collect();
        let asked = clients.iter().map(|client| async {
            let answer = client.get_trail_status().name(self.arn.to_string()).send();
            // A region that is not enabled refuses, and one that is out of reach says nothing.
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

    /// What is told of every region in the same words tells nothing of any: some services that stand in for AWS know of
    /// one delivery for all.
    fn regions(&self) -> BTreeMap<String, Timestamp> {
        let answers = self.answers();
        let home = answers.get(&self.arn.region).copied().flatten();
        let others = answers.iter().filter(|(region, _)| **region != self.arn.region && self.multi_region);
        let told = others.filter_map(|(region, told)| Some((region, (*told)?)));
        let own = told.filter(|(_, told)| Some(*told) != home);
        own.map(|(region, told)| (region.clone(), Timestamp::from_unix(told.secs()))).collect()
    }
}
