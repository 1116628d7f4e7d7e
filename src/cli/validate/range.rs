//! The range of time that was typed.

use super::super::args::RunArgs;
use super::super::sources::is_in_s3;
use super::super::{Failure, say, typed};
use crate::ident::Location;
use crate::report::shell;
use crate::time::{self, Range, Timestamp};
use crate::validate;

/// The range of the run. Single objects have the time in their names; a typed range is an error.
pub(super) fn range_of(arguments: &RunArgs, objects: &[Location], typed: Range) -> Result<Range, Failure> {
    let Some(of_objects) = validate::range_of(objects) else { return Ok(typed) };
    if arguments.start_time.is_some() || arguments.end_time.is_some() {
        return Err(Failure::new(
            "`--start-time` and `--end-time` do not apply to a single object",
            "leave both options out, or give the folder of the object's region",
        ));
    }
    Ok(Range { start: Some(of_objects.start), end: of_objects.end })
}

/// The present: the time by the clock. For a copy an end that the user typed is the present at least, since the copy may
/// be younger than the clock says. S3 refuses requests of a machine with a wrong clock.
pub(super) fn present(arguments: &RunArgs, clock: Timestamp) -> Result<Timestamp, Failure> {
    let end =
        arguments.end_time.as_deref().filter(|_| !arguments.sources.iter().any(|source| is_in_s3(source)));
    let end = end.map(|text| typed::moment("--end-time", text, clock)).transpose()?;
    Ok(end.map_or(clock, |end| end.max(clock)))
}

/// The range that was typed. In S3 the range ends now at the latest.
pub(in crate::cli) fn range(arguments: &RunArgs, clock: Timestamp) -> Result<Range, Failure> {
    let now = present(arguments, clock)?;
    let parse = |text: &Option<String>, flag: &str| {
        text.as_deref().map(|text| typed::moment(flag, text, clock)).transpose()
    };
    let typed = parse(&arguments.start_time, "--start-time")?;
    let end = parse(&arguments.end_time, "--end-time")?.unwrap_or(now);
    if let Some(start) = typed.filter(|start| *start >= now && end > now) {
        return Err(Failure::new(
            format!("the range lies in the future: it begins at {start}, and now it is {now}"),
            "give a start before now, such as `--start-time 7d`",
        ));
    }
    if end > now {
        say(&format!("note: the end, {end}, is in the future: validating up to now, {now}"));
    }
    // Only a copy can be younger than the clock.
    if now > clock && arguments.end_time.is_some() {
        say(&format!("note: the end, {end}, is in the future: by this machine's clock it is {clock}"));
    }
    let end = end.min(now);
    // Without an end, a copy may be younger than the clock: the range is checked when the present is known.
    let is_settled = arguments.end_time.is_some() || arguments.sources.iter().any(|source| is_in_s3(source));
    if is_settled {
        check_range(arguments, Range { start: typed, end }, arguments.end_time.is_some())?;
    }
    let start = arguments.start_time.as_deref().and_then(|text| time::parse_start(text, clock).ok());
    Ok(Range { start, end })
}

/// Checks that the range begins before it ends: at a typed end, or now.
pub(super) fn check_range(arguments: &RunArgs, range: Range, has_end: bool) -> Result<(), Failure> {
    match range.start.filter(|start| *start >= range.end) {
        Some(start) if !has_end && start > range.end => Err(Failure::new(
            format!("the start is in the future: {start}, and now it is {}", range.end),
            "give a start before now, such as `--start-time 7d`",
        )),
        Some(start) => {
            let hint = match (&arguments.start_time, &arguments.end_time) {
                (Some(later), Some(earlier)) if start > range.end => {
                    let words = ["--start-time", earlier, "--end-time", later];
                    format!("did you mean `{}`?", shell::line(words))
                }
                _ => "give a start before the end; without both options the range is the whole record up to now"
                    .to_owned(),
            };
            Err(Failure::new(format!("the start, {start}, is not before the end, {}", range.end), hint))
        }
        None => Ok(()),
    }
}
