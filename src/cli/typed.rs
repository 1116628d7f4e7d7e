//! Checks what was typed against AWS's naming rules, and suggests what was meant.
//!
//! Each check makes one [`Failure`]: what is wrong, and a hint with the text to type instead.

mod s3;

use std::path::{Path, PathBuf};

use super::Failure;
use super::sources::is_in_s3;
#[cfg(feature = "aws")]
use crate::aws::regions;
use crate::ident::{DeliveredName, is_account, is_region, is_trail};
use crate::report::shell;
use crate::text::nearest;
use crate::time::{self, Timestamp};

/// Last words of region names. A new region has a new country or number, but a known direction.
const DIRECTIONS: [&str; 9] =
    ["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];

/// Most words that a path typed without quotes is looked for in.
const MAX_WORDS: usize = 16;

/// Reads the time that was typed for `flag`.
pub(super) fn moment(flag: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    time::parse_typed(text, now).map_err(|error| {
        let hint = match &error.meant {
            Some(meant) => format!("did you mean `{flag} {meant}`?"),
            None => format!("for example `{flag} 2026-09-01T00:00:00Z`, `{flag} 2026-09-01` or `{flag} 7d`"),
        };
        Failure::new(format!("`{flag}`: {error}"), hint)
    })
}

/// Checks sources: none may be a part of a path with spaces, or be mistyped.
pub(super) fn sources(paths: &[PathBuf]) -> Result<(), Failure> {
    unquoted(paths)?;
    paths.iter().try_for_each(|path| source(path))
}

/// Checks that no path with spaces was typed without quotes: the shell makes several sources of it, which do not exist.
fn unquoted(paths: &[PathBuf]) -> Result<(), Failure> {
    // A single object may be gone.
    let is_object = |path: &Path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| DeliveredName::parse(name).is_some())
    };
    let is_missing = |path: &PathBuf| {
        let is_local = !is_in_s3(path) && address(path).is_none();
        is_local && path.symlink_metadata().is_err() && !is_object(path)
    };
    let Some(first) = paths.windows(2).position(|two| two.iter().all(is_missing)) else { return Ok(()) };
    let rest: Vec<&PathBuf> = paths.iter().skip(first).take(MAX_WORDS).collect();
    let texts: Vec<String> = rest.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let mut joined = (2..=texts.len()).rev().filter_map(|length| Some(texts.get(..length)?.join(" ")));
    let hint = match joined.find(|joined: &String| Path::new(joined).exists()) {
        Some(joined) => format!("quote a path that has spaces: {}", shell::quote(&joined)),
        None => "quote a path that has spaces; a bucket is given as `s3://BUCKET[/PREFIX]`".to_owned(),
    };
    let missing: Vec<String> = rest
        .iter()
        .zip(&texts)
        .take_while(|(path, _)| is_missing(path))
        .map(|(_, text)| format!("`{text}`"))
        .collect();
    Err(Failure::new(format!("{}: no such files or directories", missing.join(", ")), hint))
}

/// Checks a source that is neither an `s3://` address nor a path that exists: a URL, an ARN of S3, a bare bucket name.
fn source(path: &Path) -> Result<(), Failure> {
    let text = path.to_string_lossy();
    if text.starts_with("s3://") || path.symlink_metadata().is_ok() {
        return Ok(());
    }
    if text == "-" {
        return Err(no_stdin("the source"));
    }
    let local = text.strip_prefix("file://").filter(|local| local.starts_with('/'));
    // An address is UTF-8.
    let meant = local.map(str::to_owned).or_else(|| s3::meant(path.to_str()?));
    let hint = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if text.contains("://") => "give a bucket as `s3://BUCKET[/PREFIX]`".to_owned(),
        None => return Ok(()),
    };
    let what = match s3::is_plain(&text) {
        true => format!("`{text}`: no such file or directory"),
        false => {
            format!("invalid source `{text}`: expected `s3://BUCKET[/PREFIX]`, a trail's ARN or a directory")
        }
    };
    Err(Failure::new(what, hint))
}

/// The error message for `-` in place of a file that is read more than once, or by its name.
pub(super) fn no_stdin(what: &str) -> Failure {
    Failure::new(format!("{what} `-` cannot be read: stdin is not read here"), "give a file")
}

/// Checks a place that is a path or an address in S3: the target of `simulate`, a state, a plan, results. A URL, an ARN
/// of S3 or a misspelled scheme is no path: it would become a local folder called `s3:`.
pub(super) fn target(path: &Path) -> Result<(), Failure> {
    let text = path.to_string_lossy();
    let hint = match address(path) {
        Some(address) if address == text => return Ok(()),
        Some(address) => format!("did you mean `{address}`?"),
        None if text.contains("://") && path.symlink_metadata().is_err() => {
            "give a path, or an address in S3 as `s3://BUCKET[/PREFIX]`".to_owned()
        }
        None => return Ok(()),
    };
    Err(Failure::new(format!("invalid place `{text}`: expected a path or `s3://BUCKET[/PREFIX]`"), hint))
}

/// The address in S3 that `path` is or was meant to be; `None` for a path.
pub(super) fn address(path: &Path) -> Option<String> {
    let text = path.to_string_lossy();
    if text.starts_with("s3://") {
        return Some(text.into_owned());
    }
    if s3::is_plain(&text) || path.symlink_metadata().is_ok() {
        return None;
    }
    s3::meant(&text)
}

/// Checks the path of a local file. `what` is the file, such as "a report", and `flag` the text before the path.
pub(super) fn local_file(what: &str, flag: &str, path: &Path) -> Result<(), Failure> {
    let Some(address) = address(path) else { return target(path) };
    let name = address.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
    Err(Failure::new(
        format!("`{flag}{}`: {what} cannot be written to S3", path.display()),
        format!("write it to a file and copy the file: `{flag}{name}`, then `aws s3 cp {name} {address}`"),
    ))
}

/// The address of the bucket whose name `path` looks like; `None` for anything but a bare name.
pub(super) fn bucket_named(path: &Path) -> Option<String> {
    let text = path.to_str()?.trim_end_matches('/');
    (!text.contains('/') && s3::is_plain(text)).then(|| format!("s3://{text}"))
}

/// Bucket and folder (with a slash at its end) of the `s3://BUCKET[/PREFIX]` that was typed for `flag`, or without a flag.
pub(super) fn place(flag: &str, text: &str) -> Result<(String, String), Failure> {
    super::sources::parse_s3(text).ok_or_else(|| {
        let typed = |place: &str| format!("{flag} {place}").trim_start().to_owned();
        let hint = match s3::meant(text) {
            Some(meant) => format!("did you mean `{}`?", typed(&meant)),
            None => format!("give `{}`", typed("s3://BUCKET[/PREFIX]")),
        };
        let of = if flag.is_empty() { String::new() } else { format!("`{flag}`: ") };
        Failure::new(format!("{of}`{text}` names no bucket"), hint)
    })
}

/// Checks the name of a bucket, without `s3://`.
#[cfg(feature = "aws")]
pub(super) fn bucket(flag: &str, text: &str) -> Result<(), Failure> {
    if !text.contains([':', '/']) {
        return Ok(());
    }
    let meant = if text.starts_with("s3://") { Some(text.to_owned()) } else { s3::meant(text) };
    let meant = meant.and_then(|meant| Some(meant.strip_prefix("s3://")?.split('/').next()?.to_owned()));
    let hint = match meant.filter(|bucket| !bucket.is_empty()) {
        Some(bucket) => format!("did you mean `{flag} {bucket}`?"),
        None => format!("give the bucket's name alone, such as `{flag} my-trail-logs`"),
    };
    Err(Failure::new(format!("`{flag}`: invalid bucket name `{text}`"), hint))
}

/// Checks the name of a bucket to be made up.
pub(super) fn new_bucket(flag: &str, name: &str) -> Result<(), Failure> {
    if s3::is_bucket(name) {
        return Ok(());
    }
    Err(Failure::new(
        format!("`{flag}`: invalid bucket name `{name}`"),
        "give 3 to 63 characters of `a-z`, `0-9`, `.` and `-`, beginning and ending with a letter or digit",
    ))
}

/// Checks account ids: 12 digits.
pub(super) fn accounts<'a>(flag: &str, typed: impl IntoIterator<Item = &'a String>) -> Result<(), Failure> {
    typed.into_iter().try_for_each(|text| {
        if is_account(text) {
            return Ok(());
        }
        // `1111-2222-3333`, as the console shows an id, or an ARN with the id in it.
        let part = text.split(':').find(|part| is_account(part)).map(str::to_owned);
        let meant = part.or_else(|| Some(text.replace(['-', ' '], "")).filter(|plain| is_account(plain)));
        let hint = match meant {
            Some(meant) => format!("did you mean `{flag} {meant}`?"),
            None if text.contains(',') => {
                format!("repeat the option: `{flag} 111122223333 {flag} 444455556666`")
            }
            None => format!("give 12 digits, leading zeros included, such as `{flag} 111122223333`"),
        };
        Err(Failure::new(format!("`{flag}`: invalid account id `{text}`: expected 12 digits"), hint))
    })
}

/// Checks region names.
pub(super) fn regions<'a>(flag: &str, typed: impl IntoIterator<Item = &'a String>) -> Result<(), Failure> {
    typed.into_iter().try_for_each(|text| {
        let meant = nearest_region(text);
        if may_be_region(text, meant) {
            return Ok(());
        }
        let hint = match meant {
            Some(meant) => format!("did you mean `{flag} {meant}`?"),
            None if text.contains(',') => format!("repeat the option: `{flag} us-east-1 {flag} eu-west-1`"),
            None => format!("give a region's code, such as `{flag} us-east-1`"),
        };
        Err(Failure::new(format!("`{flag}`: invalid region `{text}`"), hint))
    })
}

/// Whether a name may be a region's. A well-formed name may be newer than the list of regions: only a misspelled direction is
/// refused.
fn may_be_region(text: &str, meant: Option<&str>) -> bool {
    let direction = text.rsplit('-').nth(1).unwrap_or_default();
    is_region(text) && (DIRECTIONS.contains(&direction) || meant.is_none())
}

/// Checks the region that a source in S3 names, after a folder of CloudTrail's.
pub(super) fn region_of_source(source: &Path) -> Result<(), Failure> {
    let text = source.to_str().filter(|_| is_in_s3(source)).unwrap_or_default();
    let mut segments = text.split('/').skip_while(|segment| *segment != "AWSLogs");
    let folder = segments.find(|segment| segment.starts_with("CloudTrail"));
    let region = folder.and_then(|_| segments.next()).filter(|region| is_region(region)).unwrap_or_default();
    match nearest_region(region) {
        Some(meant) if !region.is_empty() && !may_be_region(region, Some(meant)) => {
            let what = format!("`{region}` in the source is not a region");
            Err(Failure::new(what, format!("did you mean `{meant}`?")))
        }
        _ => Ok(()),
    }
}

#[cfg(feature = "aws")]
fn nearest_region(text: &str) -> Option<&'static str> {
    nearest(text, regions::known())
}

#[cfg(not(feature = "aws"))]
fn nearest_region(_: &str) -> Option<&'static str> {
    None
}

/// Checks trail names.
pub(super) fn trails<'a>(flag: &str, typed: impl IntoIterator<Item = &'a String>) -> Result<(), Failure> {
    typed.into_iter().try_for_each(|text| {
        if is_trail(text) {
            return Ok(());
        }
        let meant = text.rsplit_once("trail/").map(|(_, name)| name).filter(|name| is_trail(name));
        let hint = match meant {
            Some(meant) if text.starts_with("arn:") => {
                format!("did you mean `{flag} {meant}`? to name the trail by its ARN, give the ARN as SOURCE")
            }
            Some(meant) => format!("did you mean `{flag} {meant}`?"),
            None => format!(
                "give the name alone: 3 to 128 letters, digits, `.`, `_` or `-`, such as `{flag} audit`"
            ),
        };
        Err(Failure::new(format!("`{flag}`: invalid trail name `{text}`"), hint))
    })
}

/// `hint`, preceded by the candidate that `text` is a misspelling of.
pub(super) fn with_nearest<'a>(
    flag: &str,
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    hint: &str,
) -> String {
    match nearest(text, candidates) {
        Some(meant) => format!("did you mean `{flag} {meant}`?"),
        None => hint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_regions_are_taken_and_misspelled_ones_are_not() {
        let check = |region: &str| regions("--region", [&region.to_owned()]);
        for region in ["us-east-1", "us-east-9", "xx-central-1", "us-isob-east-1", "eu-isoe-west-1"] {
            assert!(check(region).is_ok(), "{region}");
        }
        for region in ["", "us-east1", "us-est-1", "us-east-1a", "US-EAST-1", "useast1", "\u{1b}"] {
            assert!(check(region).is_err(), "{region}");
        }
    }
}
