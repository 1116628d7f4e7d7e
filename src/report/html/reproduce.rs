//! Shell commands that show a finding without this program.

use crate::event::{FaultCause, Finding, Kind, Reason};
use crate::report::shell;
use crate::time::{HOUR, Timestamp};

/// The location of the validated objects.
pub(super) enum ObjectPlace {
    /// Objects in S3.
    Bucket,
    /// Copies in the given directories.
    Directories(Vec<String>),
}

impl ObjectPlace {
    /// Derives the location from the sources.
    pub(super) fn of(sources: &[String]) -> Self {
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
pub(super) fn command(finding: &Finding, place: &ObjectPlace) -> Option<String> {
    // The hash of a body that is not one whole gzip member is that of the stored bytes.
    let is_stored = matches!(finding.fault.known_cause(), Some(FaultCause::LogBody | FaultCause::DigestBody));
    match (finding.kind, finding.uri.as_deref().and_then(object)) {
        (Kind::LogModified | Kind::DigestMalformed, Some(object)) if is_stored => {
            Some(read_stored(&object, place, "sha256sum"))
        }
        (Kind::ChainGap | Kind::ChainRestart | Kind::ChainStale, _) => events(finding),
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

/// Looks up events that explain why logging stopped. CloudTrail keeps events for 90 days.
fn events(finding: &Finding) -> Option<String> {
    if finding.reason == Some(Reason::Interrupted) || finding.reason == Some(Reason::DigestsMissing) {
        return None;
    }
    let (start, end) = (finding.start?.plus(-HOUR), finding.end?);
    let word = |flag: &str, moment: Timestamp| format!("--{flag}={moment}");
    let region = format!("--region={}", finding.region.as_deref()?);
    Some(shell::line([
        "aws",
        "cloudtrail",
        "lookup-events",
        &region,
        &word("start-time", start),
        &word("end-time", end),
        "--lookup-attributes=AttributeKey=EventName,AttributeValue=StopLogging",
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::Location;

    fn of(kind: Kind, key: &str) -> Finding {
        Finding::told(kind, Timestamp::from_unix(0), "x").about(&Location::new("b", key))
    }

    #[test]
    fn an_object_is_one_word_whatever_its_name() {
        let bucket = ObjectPlace::of(&["s3://b".to_owned()]);
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
        let bucket = ObjectPlace::of(&["s3://b".to_owned()]);
        assert_eq!(command(&finding, &bucket).unwrap(), "aws s3 cp s3://b/k - | sha256sum");
        let copy = ObjectPlace::of(&["copy".to_owned()]);
        assert_eq!(command(&finding, &copy).unwrap(), r"find copy -name k -exec cat {} \; | sha256sum");
    }

    #[test]
    fn a_copy_is_searched() {
        let copy = ObjectPlace::of(&["./copy of it".to_owned(), "-x".to_owned()]);
        let line = command(&of(Kind::LogModified, "a/b*[c].json.gz"), &copy).unwrap();
        let found = r"find './copy of it' ./-x -name 'b\*\[c\].json.gz' -exec gzip -dcf {} \; | sha256sum";
        assert_eq!(line, found);
    }

    #[test]
    fn a_keys_file_and_a_gap_that_was_not_looked_at_have_none() {
        let mut finding = of(Kind::KeyUnknown, "x");
        finding.uri = Some("keys.json".to_owned());
        assert_eq!(command(&finding, &ObjectPlace::Bucket), None);
        let gap = Finding::told(Kind::ChainGap, Timestamp::from_unix(0), "x").because(Reason::Interrupted);
        assert_eq!(command(&gap, &ObjectPlace::Bucket), None);
    }

    /// The shell finds what the line says, and runs nothing else.
    #[cfg(unix)]
    #[test]
    fn the_line_for_a_copy_does_what_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let name = "it's *[$(touch y)]\u{1b}\u{202e}.json.gz";
        std::fs::write(folder.path().join(name), "plain").unwrap();
        std::fs::write(folder.path().join("it's other.json.gz"), "other").unwrap();
        let copy = ObjectPlace::of(&[folder.path().to_str().unwrap().to_owned()]);
        let line = command(&of(Kind::LogModified, &format!("a/{name}")), &copy).unwrap();
        let Ok(output) = std::process::Command::new("bash").args(["-c", &line]).output() else { return };
        let hash = crate::ident::Sha256Hash::of(b"plain").to_string();
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(&hash), "{line}");
    }
}
