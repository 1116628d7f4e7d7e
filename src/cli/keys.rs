//! `trailproof keys`: public keys saved for later.

use super::args::KeysArgs;
use super::aws::connect;
use super::{EXIT_INCOMPLETE, Failure, print, say};
use crate::keys::cloudtrail::CloudTrailKeys;
use crate::keys::{KeySource as _, SIGNING_WINDOW, TrustedKey, saved};
use crate::report::escape::for_terminal;
use crate::time::{self, Interval, Timestamp};

/// Prints the keys of every region. One that does not answer is said, and the others are printed all the same.
pub(super) fn run(arguments: &KeysArgs, now: Timestamp) -> Result<u8, Failure> {
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
                    format!("key {} of `{region}` is not saved: {}", rejected.entry, rejected.reason)
                }));
                if found.keys.is_empty() {
                    failed.push(format!("`{region}` has no public keys of that time"));
                }
                keys.extend(found.keys);
            }
            Err(error) => failed.push(error.to_string()),
        }
    }
    if keys.is_empty() {
        let hint =
            "allow `cloudtrail:ListPublicKeys` to these credentials; a region that is not enabled has none";
        return Err(Failure::new(failed.join("; "), hint));
    }
    print(&saved::to_json(&keys))?;
    failed.iter().for_each(|failed| say(&format!("warning: {}", for_terminal(failed))));
    Ok(if failed.is_empty() { 0 } else { EXIT_INCOMPLETE })
}

/// When the digests of the range may have been signed.
fn span(arguments: &KeysArgs, now: Timestamp) -> Result<Interval, Failure> {
    let hint = "for example `--start-time 30d`";
    let parse = |text: &str, flag: &str| {
        time::parse_typed(text, now).map_err(|error| Failure::new(format!("`{flag}`: {error}"), hint))
    };
    let start = parse(&arguments.start_time, "--start-time")?;
    let end = arguments.end_time.as_deref().map_or(Ok(now), |text| parse(text, "--end-time"))?;
    if start >= end {
        return Err(Failure::new(format!("the start, {start}, is not before the end, {end}"), hint));
    }
    Ok(Interval { start, end: end.plus(SIGNING_WINDOW) })
}
