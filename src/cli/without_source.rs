//! `trailproof validate` without a SOURCE: an error that lists commands to copy, one for each trail of the account.

use super::Failure;
use super::args::RunArgs;
use crate::time::Timestamp;

/// Returns an error where no source was typed.
pub(super) fn check(arguments: &RunArgs, now: Timestamp) -> Result<(), Failure> {
    if !arguments.sources.is_empty() {
        return Ok(());
    }
    let what = "no source to validate: give `s3://BUCKET[/PREFIX]`, a trail's ARN, a directory or one file";
    let (hint, lines) = listed(arguments, now).unwrap_or_else(|| {
        let hint = "for example `trailproof validate s3://my-trail-logs --start-time 7d`; with AWS credentials, `trailproof \
                    trails` lists the account's trails";
        (hint.to_owned(), Vec::new())
    });
    Err(Failure::new(what, hint).with_lines(lines))
}

#[cfg(not(feature = "aws"))]
fn listed(_: &RunArgs, _: Timestamp) -> Option<(String, Vec<String>)> {
    None
}

/// The account's trails as commands, with a hint that introduces the commands. `None` where no trail can be listed in time.
#[cfg(feature = "aws")]
fn listed(arguments: &RunArgs, now: Timestamp) -> Option<(String, Vec<String>)> {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    /// Longest wait for CloudTrail: the answer is only a help.
    const MAX_WAIT: Duration = Duration::from_secs(10);
    /// Most commands that are printed.
    const MAX_LISTED: usize = 20;

    let (sender, receiver) = mpsc::channel();
    let account = arguments.aws.clone();
    // The thread may outlive this function; the end of the process ends it.
    let ask = move || {
        let aws = super::aws::connect(&account).ok()?;
        let (trails, _) = crate::trails::of_account(&aws, &[]).ok()?;
        sender.send(trails).ok()
    };
    thread::Builder::new().spawn(ask).ok()?;
    let trails = receiver.recv_timeout(MAX_WAIT).ok().filter(|trails| !trails.is_empty())?;
    let line = |trail: &crate::trails::Trail| {
        let command = command(arguments, &trail.arn.to_string());
        match trail.obstacles(now).first() {
            None => format!("  {command}"),
            Some(obstacle) => format!("  {command}  # {}", obstacle.message()),
        }
    };
    let mut lines: Vec<String> = trails.iter().take(MAX_LISTED).map(line).collect();
    if let Some(more) = trails.len().checked_sub(MAX_LISTED).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more: `trailproof trails`"));
    }
    Some(("the account's trails, one command for each:".to_owned(), lines))
}

/// The typed command with `source` as its SOURCE.
#[cfg(feature = "aws")]
fn command(arguments: &RunArgs, source: &str) -> String {
    let options = [
        ("--start-time", &arguments.start_time),
        ("--end-time", &arguments.end_time),
        ("--profile", &arguments.aws.profile),
        ("--endpoint-url", &arguments.aws.endpoint_url),
    ];
    let options = options.iter().filter_map(|(flag, value)| Some([*flag, value.as_deref()?])).flatten();
    crate::report::shell::line(["trailproof", "validate", source].into_iter().chain(options))
}
