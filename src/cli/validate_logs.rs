//! `trailproof validate-logs`: the flags, lines and exit codes of `aws cloudtrail validate-logs`, with trailproof's engine.
//!
//! The model is AWS CLI 1.46.3, as its help and its output show; see [`lines`].

mod lines;
mod recorder;
mod sums;
mod words;

use std::io;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::args::ValidateLogsArgs;
use super::aws::{cloudtrail_failed, connect};
use super::{EXIT_CANNOT, Failure, require_handles, signals, sources, typed, validate};
use crate::aws::Aws;
use crate::aws::arn::TrailArn;
use crate::event::{Event, Sink as _, Summary, Verdict};
use crate::keys::KeyRing;
use crate::keys::cloudtrail::CloudTrailKeys;
use crate::report::progress::{Bars, Display};
use crate::store::s3::S3Store;
use crate::time::{self, Range, Timestamp};
use crate::trails;
use crate::validate::{CancelFlag, Deliveries, NamedTrail, RunTools, SourceFolder, ValidationRequest};
use lines::{Asked, Lines};
use recorder::Recorder;

/// Validates one trail in one region of one account. Returns 0 where every file is proved, else 1.
pub(super) fn run(arguments: &ValidateLogsArgs, now: Timestamp) -> Result<u8, Failure> {
    let stop = signals::listen();
    let arn = parse_arn(&arguments.trail_arn)?;
    typed::accounts("--account-id", &arguments.account_id)?;
    typed::regions("--region", &arguments.region)?;
    arguments.s3_bucket.iter().try_for_each(|bucket| typed::bucket("--s3-bucket", bucket))?;
    let (start, end) = times(arguments, now)?;
    let aws = connect(&arguments.aws)?;
    let region = arguments.region.clone().or_else(|| aws.configured_region());
    let region = region.unwrap_or_else(|| arn.region.clone());
    let place = Place::find(arguments, &aws, &arn)?;
    let keys = validate::keys(&arguments.public_keys, arguments.limits.max_keys_size)?;
    let keys = match arguments.public_keys.is_empty() {
        true => keys.asking(Box::new(CloudTrailKeys::new(Arc::clone(&aws)))),
        false => keys,
    };
    let asked = Asked {
        trail_arn: arguments.trail_arn.clone(),
        home_region: arn.region.clone(),
        organization: place.organization,
        start,
        end,
        verbose: arguments.verbose,
    };
    let account = arguments.account_id.clone().unwrap_or_else(|| arn.account.clone());
    let mut request = ValidationRequest::new(vec![place.source], range(start, end, now), now);
    request.accounts = vec![account];
    request.regions = vec![region];
    request.named = vec![NamedTrail {
        account: arn.account,
        name: arn.name,
        home_region: arn.region,
        deliveries: place.deliveries,
    }];
    request.limits = arguments.limits.of_run();
    request.every_object = true;
    request.joins_findings = false;
    let recorder = Recorder::new(sources::s3::store(&aws, None, arguments.jobs));
    validated(&request, &recorder, &keys, asked, arguments.jobs, stop)
}

/// Runs the engine and writes the lines.
fn validated(
    request: &ValidationRequest,
    recorder: &Recorder<S3Store>,
    keys: &KeyRing,
    asked: Asked,
    jobs: Option<u16>,
    stop: &CancelFlag,
) -> Result<u8, Failure> {
    require_handles()?;
    let pool = validate::pool(jobs, true)?;
    // The AWS CLI prints nothing while it runs, so a log has no lines of progress.
    let shown = io::IsTerminal::is_terminal(&io::stderr());
    let bars = Bars::new(if shown { Display::Bars } else { Display::Hidden });
    let tools = RunTools { store: recorder, keys, pool: &pool, progress: &bars, stop };
    let mut lines = Lines::new(asked, recorder.shelf(), Box::new(io::stdout()), Box::new(io::stderr()));
    let told = tell(request, tools, &bars, &mut lines);
    bars.clear();
    match told {
        Ok(()) => Ok(u8::from(!lines.is_clean())),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(EXIT_CANNOT),
        Err(error) => Err(Failure::new(
            format!("the lines cannot be written: {error}"),
            "redirect the output elsewhere",
        )),
    }
}

fn tell(request: &ValidationRequest, tools: RunTools<'_>, bars: &Bars, lines: &mut Lines) -> io::Result<()> {
    lines.begin()?;
    let outcome = crate::validate::validate(request, tools, lines)?;
    let verdict = Verdict::from_worst(outcome.worst, outcome.counts.proved_digests());
    let keys = outcome.keys.into_iter().collect();
    let (counts, interrupted) = (outcome.counts, outcome.interrupted);
    bars.clear();
    lines.event(&Event::Finished(Summary {
        verdict,
        counts,
        keys,
        interrupted,
        resolved: None,
        at: super::now(),
    }))
}

/// The folder of the trail's digests.
struct Place {
    source: SourceFolder,
    organization: bool,
    deliveries: Arc<dyn Deliveries>,
}

impl Place {
    /// Takes the bucket from `--s3-bucket`, or else asks CloudTrail.
    fn find(arguments: &ValidateLogsArgs, aws: &Arc<Aws>, arn: &TrailArn) -> Result<Self, Failure> {
        let account = arguments.account_id.as_deref();
        let Some(bucket) = &arguments.s3_bucket else {
            let found = trails::by_arn(aws, arn);
            let trail = found.map_err(|failure| cloudtrail_failed("DescribeTrails", &failure))?;
            let trail = trail.ok_or_else(|| no_trail(arn))?;
            if trail.organization && account.is_none() {
                return Err(Failure::new(
                    "an organization's trail needs an account",
                    "give one of the organization's accounts: `--account-id ID`",
                ));
            }
            let deliveries = Arc::new(trails::Digests::new(Arc::clone(aws), &trail));
            let source = source(&trail.bucket, &trail.prefix, trail.organization, account, arn);
            return Ok(Self { source, organization: trail.organization, deliveries });
        };
        // Only an organization's trail records other accounts.
        let organization = account.is_some_and(|account| account != arn.account);
        let prefix = match arguments.s3_prefix.as_deref() {
            None | Some("") => String::new(),
            // CloudTrail and the AWS CLI add one slash, even after a prefix that ends with a slash.
            Some(prefix) => format!("{prefix}/"),
        };
        let source = source(bucket, &prefix, organization, account, arn);
        Ok(Self { source, organization, deliveries: Arc::new(NobodyAsked) })
    }
}

fn source(
    bucket: &str,
    prefix: &str,
    organization: bool,
    account: Option<&str>,
    arn: &TrailArn,
) -> SourceFolder {
    let folder = match organization {
        true => String::new(),
        false => format!("{}/", account.unwrap_or(&arn.account)),
    };
    SourceFolder { bucket: bucket.to_owned(), prefix: format!("{prefix}AWSLogs/{folder}") }
}

fn no_trail(arn: &TrailArn) -> Failure {
    Failure::new(
        format!("A trail could not be found for {arn}"),
        "`trailproof trails` lists the account's trails; for a deleted trail, give `--s3-bucket`",
    )
}

/// Answers nothing. With `--s3-bucket`, CloudTrail is only asked for keys, since the trail may be deleted.
#[derive(Debug)]
struct NobodyAsked;

impl Deliveries for NobodyAsked {
    fn latest(&self, _: &str) -> Option<Timestamp> {
        None
    }
}

fn parse_arn(text: &str) -> Result<TrailArn, Failure> {
    text.parse().map_err(|error| {
        let name = if crate::ident::is_trail(text) { text } else { "audit" };
        let hint = format!(
            "for example `arn:aws:cloudtrail:us-east-1:111122223333:trail/{name}`; `trailproof trails` lists the ARNs"
        );
        Failure::new(format!("Invalid trail ARN provided: {text}: {error}"), hint)
    })
}

/// The requested start and end. Both moments belong to the range.
fn times(arguments: &ValidateLogsArgs, now: Timestamp) -> Result<(Timestamp, Timestamp), Failure> {
    let start = parse_time(&arguments.start_time, "--start-time", now)?;
    let end = arguments.end_time.as_deref().map_or(Ok(now), |text| parse_time(text, "--end-time", now))?;
    if start > end || start > now {
        return Err(Failure::new(
            "Invalid time range specified: start-time must occur before end-time",
            format!("the start is {start}, the end is {end}, and the time now is {now}"),
        ));
    }
    Ok((start, end))
}

/// Parses a time as `validate` does. A time without an offset is in UTC, as the AWS CLI's help says.
fn parse_time(text: &str, flag: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Ok(moment) = time::parse_typed(text, now) {
        return Ok(moment);
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok();
    let moment = civil.and_then(|civil| TimeZone::UTC.to_timestamp(civil).ok());
    moment.map(|moment| Timestamp::from_unix(moment.as_second())).ok_or_else(|| {
        let hint = match typed::moment(flag, text, now) {
            Err(Failure { hint, .. }) if hint.starts_with("did you mean") => hint,
            _ => format!("for example `{flag} 2015-01-08T05:21:42Z`"),
        };
        Failure::new(format!("`{flag}`: Unable to parse date value: {text}"), hint)
    })
}

/// The engine's range with the same digests as the AWS CLI's. The AWS CLI takes digests that end between the start and one
/// hour after the end, both included; a digest covers one hour.
fn range(start: Timestamp, end: Timestamp, now: Timestamp) -> Range {
    Range { start: Some(start.plus(-1)), end: end.plus(1).min(now.max(start)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Finding, Kind};

    /// The run begins a second before the asked start, which no line shows.
    #[test]
    fn a_gap_begins_at_the_asked_start() {
        let (start, end) = (Timestamp::from_unix(1_788_000_000), Timestamp::from_unix(1_788_007_200));
        let asked = Asked {
            trail_arn: String::new(),
            home_region: String::new(),
            organization: false,
            start,
            end,
            verbose: false,
        };
        let run = range(start, end, end.plus(3_600));
        let mut gap = Finding::told(Kind::ChainGap, end, "x");
        (gap.start, gap.end) = (run.start, Some(run.end));
        let part = asked.part_of(&gap);
        assert_eq!((part.start, part.end), (Some(start), Some(end)));
        gap.start = Some(start.plus(60));
        assert_eq!(asked.part_of(&gap).start, gap.start);
    }

    #[test]
    fn times_are_parsed_as_the_help_says() {
        let now = Timestamp::from_unix(1_788_000_000);
        let read = |text: &str| parse_time(text, "--start-time", now).map(|moment| moment.to_string()).ok();
        for (text, moment) in [
            ("2015-01-08T05:21:42Z", Some("2015-01-08T05:21:42Z")),
            ("2015-01-08T05:21:42", Some("2015-01-08T05:21:42Z")),
            ("2015-01-08 05:21:42", Some("2015-01-08T05:21:42Z")),
            ("2015-01-08", Some("2015-01-08T00:00:00Z")),
            ("2015-01-08T05:21:42+09:00", Some("2015-01-07T20:21:42Z")),
            ("January 8", None),
            ("", None),
        ] {
            assert_eq!(read(text).as_deref(), moment, "{text}");
        }
    }
}
