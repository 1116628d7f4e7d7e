//! Shell commands that show a finding without this program.

use crate::event::{FaultCause, Finding, Kind, Reason, Report};
use crate::ident::{DigestKey, Location};
use crate::report::shell;
use crate::time::{DAY, HOUR, Interval, Timestamp};

/// Events that stop a trail, or change what it records.
const STOPPING: &str = "StopLogging DeleteTrail UpdateTrail";

/// How long CloudTrail's event history keeps events.
///
/// Source: AWS CloudTrail User Guide, "Working with CloudTrail event history".
const HISTORY: i64 = 90 * DAY;

/// The run that the findings are of.
pub(super) struct ReportedRun {
    place: ObjectPlace,
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
        Self {
            place: ObjectPlace::of(&report.sources),
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
    /// Objects in S3.
    Bucket,
    /// Copies in the given directories.
    Directories(Vec<String>),
}

impl ObjectPlace {
    /// Derives the location from the sources.
    fn of(sources: &[String]) -> Self {
        let in_s3 = |source: &String| source.starts_with("s3://") || source.starts_with("arn:");
        if sources.iter().any(in_s3) {
            return Self::Bucket;
        }
        let named = |source: &String| match source.strip_prefix('-') {
            Some(_) => format!("./{source}"),
            None => source.clone(),
        };
        Self::Directories(sources.iter().map(named).collect())
    }
}

/// The command line, quoted for a shell; `None` if no short command shows the finding.
pub(super) fn command(finding: &Finding, run: &ReportedRun) -> Option<String> {
    let place = &run.place;
    // The hash of a body that is not one whole gzip member is that of the stored bytes.
    let is_stored = matches!(finding.fault.known_cause(), Some(FaultCause::LogBody | FaultCause::DigestBody));
    match (finding.kind, finding.uri.as_deref().and_then(object)) {
        (Kind::LogModified | Kind::DigestMalformed, Some(object)) if is_stored => {
            Some(read_stored(&object, place, "sha256sum"))
        }
        (Kind::ChainGap | Kind::ChainRestart | Kind::ChainStale, _) => events(finding, run),
        (
            Kind::LogModified
            | Kind::LogUnreadable
            | Kind::LogUnverifiable
            | Kind::DigestModified
            | Kind::DigestMalformed
            | Kind::DigestUnreadable
            | Kind::ChainBroken
            | Kind::ObjectProved,
            Some(object),
        ) => Some(read(&object, place, "sha256sum")),
        (Kind::DigestMoved | Kind::Relocated, Some(object)) => {
            Some(read(&object, place, "jq -r '.digestS3Bucket, .digestS3Object'"))
        }
        (Kind::KeyUnknown, Some(object)) => Some(read(&object, place, "jq -r .digestPublicKeyFingerprint")),
        (Kind::LogMissing | Kind::LogDeleted | Kind::DigestMissing | Kind::DigestDeleted, Some(object)) => {
            Some(look_for(&object, place))
        }
        (Kind::DigestUnsigned | Kind::LogUnreferenced | Kind::ObjectUnrecognised, Some(object)) => {
            Some(about(&object, place))
        }
        (
            Kind::NoDigests | Kind::ChainStart | Kind::Accepted | Kind::ClockBehind | Kind::ShardIncomplete,
            _,
        )
        | (_, None) => None,
    }
}

struct NamedObject<'a> {
    uri: &'a str,
    bucket: &'a str,
    key: &'a str,
}

fn object(uri: &str) -> Option<NamedObject<'_>> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    Some(NamedObject { uri, bucket, key })
}

/// Reads the object, inflated if necessary, and pipes the content through `filter`.
fn read(object: &NamedObject<'_>, place: &ObjectPlace, filter: &str) -> String {
    match place {
        ObjectPlace::Bucket => {
            let words = ["aws", "s3", "cp", object.uri, "-"];
            format!("{} | gzip -dcf | {filter}", shell::line(words))
        }
        ObjectPlace::Directories(directories) => {
            format!("{} -exec gzip -dcf {{}} \\; | {filter}", find(object, directories))
        }
    }
}

/// Reads the object as stored, and pipes the bytes through `filter`.
fn read_stored(object: &NamedObject<'_>, place: &ObjectPlace, filter: &str) -> String {
    match place {
        ObjectPlace::Bucket => {
            let words = ["aws", "s3", "cp", object.uri, "-"];
            format!("{} | {filter}", shell::line(words))
        }
        ObjectPlace::Directories(directories) => {
            format!("{} -exec cat {{}} \\; | {filter}", find(object, directories))
        }
    }
}

/// Looks for the object or an older version.
fn look_for(object: &NamedObject<'_>, place: &ObjectPlace) -> String {
    let (bucket, prefix) = (format!("--bucket={}", object.bucket), format!("--prefix={}", object.key));
    match place {
        ObjectPlace::Bucket => shell::line(["aws", "s3api", "list-object-versions", &bucket, &prefix]),
        ObjectPlace::Directories(directories) => find(object, directories),
    }
}

/// Shows modification time and metadata of the object.
fn about(object: &NamedObject<'_>, place: &ObjectPlace) -> String {
    let (bucket, key) = (format!("--bucket={}", object.bucket), format!("--key={}", object.key));
    match place {
        ObjectPlace::Bucket => shell::line(["aws", "s3api", "head-object", &bucket, &key]),
        ObjectPlace::Directories(directories) => format!("{} -ls", find(object, directories)),
    }
}

fn find(object: &NamedObject<'_>, directories: &[String]) -> String {
    let name = object.key.rsplit('/').next().unwrap_or_default();
    // Wildcards are escaped, so that `-name` matches the exact name only.
    let mut pattern = String::new();
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    let words = std::iter::once("find").chain(directories.iter().map(String::as_str));
    shell::line(words.chain(["-name", &pattern]))
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
        "aws",
        "cloudtrail",
        "lookup-events",
        &format!("--region={home}"),
        &word("start-time", start),
        &word("end-time", end),
    ]);
    Some(format!(
        "for event in {STOPPING}; do {look_up} \
         --lookup-attributes=AttributeKey=EventName,AttributeValue=$event; done"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::Location;

    fn of(kind: Kind, key: &str) -> Finding {
        Finding::told(kind, Timestamp::from_unix(0), "x").about(&Location::new("b", key))
    }

    fn at_place(sources: &[String]) -> ReportedRun {
        ReportedRun { place: ObjectPlace::of(sources), at: Timestamp::from_unix(0), gone: Vec::new() }
    }

    fn gap(days_ago: i64) -> Finding {
        let end = Timestamp::from_unix(-days_ago * DAY);
        let id = crate::report::tests::chain("eu-west-3", "audit");
        let stretch = Interval { start: end.plus(-HOUR), end };
        Finding::told(Kind::ChainGap, end, "x").of_chain(&id).over(stretch)
    }

    #[test]
    fn a_gap_is_looked_up_where_trails_are_changed() {
        let run = at_place(&["s3://b".to_owned()]);
        let line = command(&gap(1), &run).unwrap();
        assert_eq!(
            line,
            "for event in StopLogging DeleteTrail UpdateTrail; do aws cloudtrail lookup-events --region=us-east-1 \
             --start-time=1969-12-30T22:00:00Z --end-time=1969-12-31T00:00:00Z \
             --lookup-attributes=AttributeKey=EventName,AttributeValue=$event; done"
        );
    }

    #[test]
    fn a_gap_of_deleted_digests_or_before_the_event_history_is_not_looked_up() {
        let mut run = at_place(&["s3://b".to_owned()]);
        assert_eq!(command(&gap(91), &run), None);
        assert!(command(&gap(89), &run).is_some());
        let (found, chain) = (gap(1), gap(1).chain().unwrap().to_string());
        run.gone = vec![(chain.clone(), found.end.unwrap().plus(-2 * HOUR))];
        assert!(command(&found, &run).is_some());
        run.gone = vec![(chain, found.end.unwrap())];
        assert_eq!(command(&found, &run), None);
    }

    #[test]
    fn an_object_is_one_word_whatever_its_name() {
        let bucket = at_place(&["s3://b".to_owned()]);
        let hostile = "a/$(rm -rf ~) 'x'.json.gz";
        let line = command(&of(Kind::LogModified, hostile), &bucket).unwrap();
        assert_eq!(line, r"aws s3 cp 's3://b/a/$(rm -rf ~) '\''x'\''.json.gz' - | gzip -dcf | sha256sum");
        let line = command(&of(Kind::LogDeleted, "-x"), &bucket).unwrap();
        assert_eq!(line, "aws s3api list-object-versions --bucket=b --prefix=-x");
    }

    #[test]
    fn a_body_that_is_not_gzip_is_hashed_as_stored() {
        let fault = crate::event::Fault::LogBody { body: crate::event::BodyFault::Trailing };
        let finding = Finding::new(fault, Timestamp::from_unix(0)).about(&Location::new("b", "k"));
        let bucket = at_place(&["s3://b".to_owned()]);
        assert_eq!(command(&finding, &bucket).unwrap(), "aws s3 cp s3://b/k - | sha256sum");
        let copy = at_place(&["copy".to_owned()]);
        assert_eq!(command(&finding, &copy).unwrap(), r"find copy -name k -exec cat {} \; | sha256sum");
    }

    #[test]
    fn a_copy_is_searched() {
        let copy = at_place(&["./copy of it".to_owned(), "-x".to_owned()]);
        let line = command(&of(Kind::LogModified, "a/b*[c].json.gz"), &copy).unwrap();
        let found = r"find './copy of it' ./-x -name 'b\*\[c\].json.gz' -exec gzip -dcf {} \; | sha256sum";
        assert_eq!(line, found);
    }

    #[test]
    fn a_keys_file_and_a_gap_that_was_not_looked_at_have_none() {
        let mut finding = of(Kind::KeyUnknown, "x");
        finding.uri = Some("keys.json".to_owned());
        assert_eq!(command(&finding, &at_place(&["s3://b".to_owned()])), None);
        let gap = gap(1).because(Reason::Interrupted);
        assert_eq!(command(&gap, &at_place(&["s3://b".to_owned()])), None);
    }

    /// The shell finds what the line says, and runs nothing else.
    #[cfg(unix)]
    #[test]
    fn the_line_for_a_copy_does_what_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let name = "it's *[$(touch y)]\u{1b}\u{202e}.json.gz";
        std::fs::write(folder.path().join(name), "plain").unwrap();
        std::fs::write(folder.path().join("it's other.json.gz"), "other").unwrap();
        let copy = at_place(&[folder.path().to_str().unwrap().to_owned()]);
        let line = command(&of(Kind::LogModified, &format!("a/{name}")), &copy).unwrap();
        let Ok(output) = std::process::Command::new("bash").args(["-c", &line]).output() else { return };
        let hash = crate::ident::Sha256Hash::of(b"plain").to_string();
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(&hash), "{line}");
    }
}
