//! Shell commands that show a finding without this program.

mod aws;

use crate::event::{FaultCause, Finding, Kind, Reason, Report};
use crate::ident::{DigestKey, Location};
use crate::report::shell;
use crate::time::{DAY, HOUR, Interval, Timestamp};

/// The option that names a move.
const RELOCATED: &str = "--relocated-from";

/// Events that stop a trail, or change what it records.
const STOPPING: &str = "StopLogging DeleteTrail UpdateTrail";

/// How long CloudTrail's event history keeps events.
///
/// Source: AWS CloudTrail User Guide, "Working with CloudTrail event history".
const HISTORY: i64 = 90 * DAY;

/// Endings of the names of archives.
const ARCHIVES: [&str; 6] = [".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"];

/// The run that the findings are of.
pub(super) struct ReportedRun {
    place: ObjectPlace,
    /// The AWS CLI's command with the options of the run, quoted for a shell.
    aws: String,
    /// When the run began.
    at: Timestamp,
    /// The ends of digests that existed and are gone, each with the name of the chain.
    gone: Vec<(String, Timestamp)>,
}

impl ReportedRun {
    pub(super) fn of(report: &Report) -> Self {
        let is_of_gone =
            |finding: &&Finding| matches!(finding.kind, Kind::DigestMissing | Kind::DigestDeleted);
        let digest = |finding: &Finding| {
            let object = object(finding.uri.as_deref()?)?;
            let key = DigestKey::parse(&Location::new(object.bucket, object.key))?;
            Some((key.chain().to_string(), key.end))
        };
        let command = report.origin.command.as_deref();
        Self {
            place: ObjectPlace::of(&report.sources, command.is_none_or(|line| line.contains(RELOCATED))),
            aws: aws::with_options(command.unwrap_or_default()),
            at: report.started,
            gone: report.findings().filter(is_of_gone).filter_map(digest).collect(),
        }
    }

    /// Whether a digest of the stretch existed, so that logging was on.
    fn had_digests(&self, finding: &Finding) -> bool {
        let (Some(chain), Some(start), Some(end)) = (finding.chain(), finding.start, finding.end) else {
            return false;
        };
        let (chain, stretch) = (chain.to_string(), Interval { start, end });
        let is_within =
            |end: Timestamp| Interval { start: end.plus(-HOUR), end }.intersect(stretch).is_some();
        self.gone.iter().any(|(of, end)| *of == chain && is_within(*end))
    }
}

/// The location of the validated objects.
enum ObjectPlace {
    /// Objects in S3. If the run may have read moved copies, only objects below the given sources are known to lie where
    /// their findings say.
    Bucket {
        /// The sources of a run that may have read moved copies.
        sources: Option<Vec<String>>,
    },
    /// Copies in the given directories.
    Directories(Vec<String>),
    /// Archives, whose members no short command shows.
    Archives,
}

impl ObjectPlace {
    /// Derives the location from the sources.
    fn of(sources: &[String], may_have_moved: bool) -> Self {
        let is_arn = |source: &String| source.starts_with("arn:");
        let is_archive = |source: &String| {
            let name = source.to_ascii_lowercase();
            ARCHIVES.iter().any(|ending| name.ends_with(ending))
        };
        if sources.iter().any(|source| source.starts_with("s3://") || is_arn(source)) {
            let known = may_have_moved && !sources.iter().any(is_arn);
            return Self::Bucket { sources: known.then(|| sources.to_vec()) };
        }
        if sources.iter().any(is_archive) {
            return Self::Archives;
        }
        Self::Directories(sources.iter().map(|source| shell::path(source).into_owned()).collect())
    }
}

/// The command line, quoted for a shell; `None` if no short command shows the finding.
pub(super) fn command(finding: &Finding, run: &ReportedRun) -> Option<String> {
    if matches!(finding.kind, Kind::ChainGap | Kind::ChainRestart | Kind::ChainStale) {
        return events(finding, run);
    }
    let shown = what_shows(finding)?;
    // A finding on many objects, or on a folder, has no object to look at.
    let object = finding.object().filter(|object| finding.objects.is_empty() && !object.ends_with('/'))?;
    match (&run.place, self::object(object)) {
        (ObjectPlace::Archives, _) => None,
        (ObjectPlace::Bucket { sources }, Some(object)) => {
            let is_below = |source: &String| {
                let rest = object.uri.strip_prefix(source.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let is_there = finding.recorded_at().is_some()
                || sources.as_ref().is_none_or(|sources| sources.iter().any(is_below));
            is_there.then(|| in_s3(&shown, &object, &run.aws))
        }
        (ObjectPlace::Directories(directories), Some(object)) => {
            Some(on_disk(&shown, &find(&object, directories)))
        }
        // A copy on disk, by its path.
        (ObjectPlace::Directories(_), None) if finding.recorded_at().is_some() => {
            Some(on_disk(&shown, &shell::line(["find", "-H", &shell::path(object)])))
        }
        (ObjectPlace::Directories(_) | ObjectPlace::Bucket { .. }, None) => None,
    }
}

/// What shows a finding.
enum ShownBy {
    /// The content, inflated if necessary and piped through a filter.
    Content(&'static str),
    /// The bytes as stored, piped through a filter.
    Stored(&'static str),
    /// The answer to a read.
    Reading,
    /// Modification time and metadata.
    Metadata,
    /// Whether the object, or an older version, is there.
    Presence,
}

/// What shows a finding on an object; `None` if nothing short does.
fn what_shows(finding: &Finding) -> Option<ShownBy> {
    Some(match (finding.kind, finding.fault.known_cause()) {
        // The hash of a body that is not one whole gzip member is that of the stored bytes.
        (_, Some(FaultCause::LogBody | FaultCause::DigestBody)) => ShownBy::Stored("sha256sum"),
        (_, Some(FaultCause::OversizedLog | FaultCause::OversizedDigest)) => ShownBy::Content("wc -c"),
        (
            Kind::LogUnreadable | Kind::DigestUnreadable,
            Some(FaultCause::LogReadsDiffer | FaultCause::DigestReadsDiffer),
        ) => ShownBy::Content("sha256sum"),
        (Kind::LogUnreadable | Kind::DigestUnreadable, _) => ShownBy::Reading,
        (
            Kind::LogModified
            | Kind::LogUnverifiable
            | Kind::DigestModified
            | Kind::DigestMalformed
            | Kind::ChainBroken
            | Kind::ObjectProved,
            _,
        ) => ShownBy::Content("sha256sum"),
        (Kind::DigestMoved | Kind::Relocated, _) => {
            ShownBy::Content("jq -r '.digestS3Bucket, .digestS3Object'")
        }
        (Kind::KeyUnknown, _) => ShownBy::Content("jq -r .digestPublicKeyFingerprint"),
        (Kind::LogMissing | Kind::LogDeleted | Kind::DigestMissing | Kind::DigestDeleted, _) => {
            ShownBy::Presence
        }
        (Kind::DigestUnsigned | Kind::LogUnreferenced | Kind::ObjectUnrecognised, _) => ShownBy::Metadata,
        (
            Kind::ChainGap
            | Kind::ChainRestart
            | Kind::ChainStale
            | Kind::NoDigests
            | Kind::ChainStart
            | Kind::Accepted
            | Kind::ClockBehind
            | Kind::ShardIncomplete,
            _,
        ) => return None,
    })
}

struct NamedObject<'a> {
    uri: &'a str,
    bucket: &'a str,
    key: &'a str,
}

fn object(uri: &str) -> Option<NamedObject<'_>> {
    let path = uri.strip_prefix("s3://")?;
    // Behind an access point: `arn:…:accesspoint/NAME/KEY`.
    let name = if path.starts_with("arn:") { path.find('/')? + 1 } else { 0 };
    let end = name + path.get(name..)?.find('/')?;
    let (bucket, key) = (path.get(..end)?, path.get(end + 1..)?);
    Some(NamedObject { uri, bucket, key })
}

/// The command for an object in S3. `aws` is the AWS CLI's command with the options of the run.
fn in_s3(shown: &ShownBy, object: &NamedObject<'_>, aws: &str) -> String {
    let (bucket, key) = (format!("--bucket={}", object.bucket), format!("--key={}", object.key));
    let prefix = format!("--prefix={}", object.key);
    let read = shell::line(["s3", "cp", object.uri, "-"]);
    match shown {
        ShownBy::Content(filter) => format!("{aws} {read} | gzip -dcf | {filter}"),
        ShownBy::Stored(filter) => format!("{aws} {read} | {filter}"),
        ShownBy::Reading => {
            format!("{aws} {}", shell::line(["s3api", "get-object", &bucket, &key, "/dev/null"]))
        }
        ShownBy::Metadata => format!("{aws} {}", shell::line(["s3api", "head-object", &bucket, &key])),
        ShownBy::Presence => {
            format!("{aws} {}", shell::line(["s3api", "list-object-versions", &bucket, &prefix]))
        }
    }
}

/// The command for the files that `find` finds: each by itself, after its path.
fn on_disk(shown: &ShownBy, find: &str) -> String {
    let each =
        |script: String| format!("{find} -type f -print -exec sh -c {} sh {{}} \\;", shell::quote(&script));
    match shown {
        ShownBy::Content(filter) => each(format!("gzip -dcf <\"$1\" | {filter}")),
        ShownBy::Stored(filter) => each(format!("{filter} <\"$1\"")),
        ShownBy::Reading | ShownBy::Metadata => format!("{find} -ls"),
        ShownBy::Presence => find.to_owned(),
    }
}

/// Finds the files with the object's name. Inflated copies may lack the `.gz`.
fn find(object: &NamedObject<'_>, directories: &[String]) -> String {
    let name = object.key.rsplit('/').next().unwrap_or_default();
    let find = shell::line(["find", "-H"].into_iter().chain(directories.iter().map(String::as_str)));
    let is_named = |name: &str| shell::line(["-name", &pattern(name)]);
    match name.strip_suffix(".gz") {
        Some(inflated) => format!("{find} \\( {} -o {} \\)", is_named(name), is_named(inflated)),
        None => format!("{find} {}", is_named(name)),
    }
}

/// A pattern for `-name` that matches exactly `name`.
fn pattern(name: &str) -> String {
    let mut pattern = String::new();
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Looks up events that explain why logging stopped, in the trail's home region, where trails are changed. `None` for a
/// stretch that such events do not explain, or that CloudTrail's event history no longer has.
fn events(finding: &Finding, run: &ReportedRun) -> Option<String> {
    let is_of_digests = matches!(finding.reason, Some(Reason::Interrupted | Reason::DigestsMissing))
        || finding.fault.known_cause() == Some(FaultCause::NewerDelivered)
        || run.had_digests(finding);
    let (start, end) = (finding.start?.plus(-HOUR), finding.end?);
    if is_of_digests || start < run.at.plus(-HISTORY) {
        return None;
    }
    let word = |flag: &str, moment: Timestamp| format!("--{flag}={moment}");
    let home = finding.home_region.as_deref().or(finding.region.as_deref())?;
    let look_up = shell::line([
        "cloudtrail",
        "lookup-events",
        &format!("--region={home}"),
        &word("start-time", start),
        &word("end-time", end),
    ]);
    let aws = &run.aws;
    Some(format!(
        "for event in {STOPPING}; do {aws} {look_up} \
         --lookup-attributes=AttributeKey=EventName,AttributeValue=$event; done"
    ))
}

#[cfg(test)]
mod tests;
