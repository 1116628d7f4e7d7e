//! `trailproof keys`: saves public keys, for validation without CloudTrail.

use super::args::KeysArgs;
use super::aws::{connect, unreachable_hint};
use super::{EXIT_INCOMPLETE, Failure, print, say, typed};
use crate::keys::cloudtrail::CloudTrailKeys;
use crate::keys::{KeySource as _, SIGNING_WINDOW, TrustedKey, saved};
use crate::time::{Interval, Timestamp};
use crate::words;

/// What a region without keys has, after its name.
const NO_KEYS: &str = "has no public keys for that time";

/// Prints the keys of every region. A region that fails is a warning; the keys of the other regions are still printed.
pub(super) fn run(arguments: &KeysArgs, now: Timestamp) -> Result<u8, Failure> {
    typed::regions("--region", &arguments.region)?;
    let span = span(arguments, now)?;
    let aws = connect(&arguments.aws)?;
    let regions = match arguments.region.as_slice() {
        [] => vec![aws.region()],
        regions => regions.to_vec(),
    };
    let source = CloudTrailKeys::new(aws);
    let (mut keys, mut failed): (Vec<TrustedKey>, Vec<String>) = (Vec::new(), Vec::new());
    for region in &regions {
        match source.keys(region, span) {
            Ok(found) => {
                failed.extend(found.rejected.iter().map(|rejected| {
                    format!("key {} of `{region}` was not saved: {}", rejected.entry, rejected.reason)
                }));
                if found.keys.is_empty() {
                    failed.push(format!("`{region}` {NO_KEYS}"));
                }
                keys.extend(found.keys);
            }
            Err(error) => failed.push(error.to_string()),
        }
    }
    if keys.is_empty() {
        let what = failed.join("; ");
        let hint = hint(&what);
        return Err(Failure::new(what, hint));
    }
    print(&saved::to_json(&keys))?;
    failed.iter().for_each(|failed| say(&format!("warning: {failed}")));
    Ok(if failed.is_empty() { 0 } else { EXIT_INCOMPLETE })
}

/// What to do about regions without keys.
fn hint(what: &str) -> &'static str {
    if what.contains("did not answer") {
        unreachable_hint(what)
    } else if words::is_server_failure(what) {
        "CloudTrail failed: try again later"
    } else if what.contains(NO_KEYS) && !what.contains("ListPublicKeys") {
        "check `--start-time` and `--end-time`: CloudTrail has keys from the time when a region was enabled to now"
    } else {
        "allow `cloudtrail:ListPublicKeys` to these credentials; a region that is not enabled has no keys"
    }
}

/// The time in which the digests of the range may have been signed.
fn span(arguments: &KeysArgs, now: Timestamp) -> Result<Interval, Failure> {
    let start = typed::moment("--start-time", &arguments.start_time, now)?;
    let end = arguments.end_time.as_deref();
    let end = end.map_or(Ok(now), |text| typed::moment("--end-time", text, now))?;
    if start >= end {
        let what = match arguments.end_time.is_none() && start > now {
            true => format!("the start is in the future: {start}, and now it is {now}"),
            false => format!("the start, {start}, is not before the end, {end}"),
        };
        return Err(Failure::new(what, "for example `--start-time 30d`"));
    }
    Ok(Interval { start, end: end.plus(SIGNING_WINDOW) })
}
