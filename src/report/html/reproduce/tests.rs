use std::io::Write as _;

use super::*;
use crate::event::Fault;

fn of(kind: Kind, key: &str) -> Finding {
    Finding::told(kind, Timestamp::from_unix(0), "x").about(&Location::new("b", key))
}

fn at_place(sources: &[&str]) -> ReportedRun {
    let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
    ReportedRun {
        place: ObjectPlace::of(&sources, true),
        aws: "aws".to_owned(),
        at: Timestamp::from_unix(0),
        gone: Vec::new(),
    }
}

fn gap(days_ago: i64) -> Finding {
    let end = Timestamp::from_unix(-days_ago * DAY);
    let id = crate::report::tests::chain("eu-west-3", "audit");
    let stretch = Interval { start: end.plus(-HOUR), end };
    Finding::told(Kind::ChainGap, end, "x").of_chain(&id).over(stretch)
}

#[test]
fn a_gap_is_looked_up_where_trails_are_changed() {
    let run = at_place(&["s3://b"]);
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
    let mut run = at_place(&["s3://b"]);
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
    let bucket = at_place(&["s3://b"]);
    let hostile = "a/$(rm -rf ~) 'x'.json.gz";
    let line = command(&of(Kind::LogModified, hostile), &bucket).unwrap();
    assert_eq!(line, r"aws s3 cp 's3://b/a/$(rm -rf ~) '\''x'\''.json.gz' - | gzip -dcf | sha256sum");
    let line = command(&of(Kind::LogDeleted, "-x"), &bucket).unwrap();
    assert_eq!(line, "aws s3api list-object-versions --bucket=b --prefix=-x");
}

#[test]
fn the_copy_is_read_and_never_its_original() {
    let bucket = at_place(&["s3://b", "s3://dr"]);
    let of_copy = Finding { copy: Some("s3://dr/k".to_owned()), ..of(Kind::LogModified, "k") };
    let line = command(&of_copy, &bucket).unwrap();
    assert_eq!(line, "aws s3 cp s3://dr/k - | gzip -dcf | sha256sum");
    let moved = Finding { read_at: Some("s3://dr/x/k".to_owned()), ..of(Kind::LogModified, "k") };
    let line = command(&moved, &at_place(&["s3://dr/x"])).unwrap();
    assert_eq!(line, "aws s3 cp s3://dr/x/k - | gzip -dcf | sha256sum");
    // Recorded in a bucket that is no source: which of the copies was read is not known.
    for sources in [&["s3://dr"][..], &["s3://bb"], &["s3://b/x"]] {
        assert_eq!(command(&of(Kind::LogModified, "k"), &at_place(sources)), None, "{sources:?}");
    }
    let mut followed = at_place(&["s3://moved-to"]);
    followed.place = ObjectPlace::of(&["s3://moved-to".to_owned()], false);
    assert!(command(&of(Kind::LogModified, "k"), &followed).is_some());
}

#[test]
fn a_body_that_is_not_gzip_is_hashed_as_stored() {
    let fault = Fault::LogBody { body: crate::event::BodyFault::Trailing };
    let finding = Finding::new(fault, Timestamp::from_unix(0)).about(&Location::new("b", "k"));
    let bucket = at_place(&["s3://b"]);
    assert_eq!(command(&finding, &bucket).unwrap(), "aws s3 cp s3://b/k - | sha256sum");
}

#[test]
fn what_could_not_be_read_is_read_once_more() {
    let bucket = at_place(&["s3://b"]);
    let line = command(&of(Kind::LogUnreadable, "k"), &bucket).unwrap();
    assert_eq!(line, "aws s3api get-object --bucket=b --key=k /dev/null");
    let point = "arn:aws:s3:eu-west-1:111122223333:accesspoint/logs";
    let behind = Finding { uri: Some(format!("s3://{point}/a/k")), ..of(Kind::DigestUnreadable, "k") };
    let line = command(&behind, &at_place(&[point])).unwrap();
    assert_eq!(line, format!("aws s3api get-object --bucket={point} --key=a/k /dev/null"));
}

#[test]
fn what_no_command_shows_has_none() {
    let bucket = at_place(&["s3://b"]);
    let mut of_keys = of(Kind::KeyUnknown, "x");
    of_keys.uri = Some("keys.json".to_owned());
    assert_eq!(command(&of_keys, &bucket), None);
    assert_eq!(command(&of_keys, &at_place(&["copy"])), None);
    assert_eq!(command(&gap(1).because(Reason::Interrupted), &bucket), None);
    let group = Finding { objects: vec!["s3://b/f/k".to_owned()], ..of(Kind::LogUnreferenced, "f/") };
    assert_eq!(command(&group, &bucket), None);
    assert_eq!(command(&of(Kind::LogUnreferenced, "f/"), &at_place(&["copy"])), None);
    for archive in ["evidence.zip", "a.TAR.GZ", "a.tar.zst"] {
        assert_eq!(command(&of(Kind::LogModified, "k"), &at_place(&["copy", archive])), None);
    }
}

/// The lines that a shell prints for the command of a finding.
#[cfg(unix)]
fn printed(finding: &Finding, sources: &[&str]) -> Vec<String> {
    let line = command(finding, &at_place(sources)).unwrap();
    let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
    assert!(output.stderr.is_empty(), "{line}: {output:?}");
    let mut lines: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[cfg(unix)]
fn hash(bytes: &[u8]) -> String {
    format!("{}  -", crate::ident::Sha256Hash::of(bytes))
}

/// Each file of a copy is hashed by itself: gzip, inflated, and inflated without `.gz` in its name.
#[cfg(unix)]
#[test]
fn the_commands_for_a_copy_do_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two, three] = ["one", "two it's", "-three"].map(|name| {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let name = "it's *[$(touch y)]é.json.gz";
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(b"gzip").unwrap();
    let gzip = encoder.finish().unwrap();
    std::fs::write(format!("{one}/{name}"), &gzip).unwrap();
    std::fs::write(format!("{one}/it's other.json.gz"), "other").unwrap();
    std::fs::write(format!("{two}/{name}"), "inflated").unwrap();
    let shorter = name.trim_end_matches(".gz");
    std::fs::write(format!("{three}/{shorter}"), "shorter").unwrap();
    let sources = [&*one, &*two, &*three];
    let paths = [format!("{one}/{name}"), format!("{two}/{name}"), format!("{three}/{shorter}")];

    let of_all = printed(&of(Kind::LogModified, &format!("a/{name}")), &sources);
    let hashes = [hash(b"gzip"), hash(b"inflated"), hash(b"shorter")];
    let mut wanted = [paths.clone(), hashes].concat();
    wanted.sort();
    assert_eq!(of_all, wanted);

    let fault = Fault::LogBody { body: crate::event::BodyFault::NotGzip };
    let stored = Finding::new(fault, Timestamp::from_unix(0)).about(&Location::new("b", name));
    let mut wanted = vec![paths[0].clone(), hash(&gzip)];
    wanted.sort();
    assert_eq!(printed(&stored, &[&one]), wanted);

    // One of two copies, by its path.
    let of_copy = Finding { copy: Some(paths[1].clone()), ..of(Kind::LogModified, name) };
    let mut wanted = vec![paths[1].clone(), hash(b"inflated")];
    wanted.sort();
    assert_eq!(printed(&of_copy, &sources), wanted);

    // What is not there has no hash.
    for kind in [Kind::LogModified, Kind::LogMissing, Kind::LogUnreadable, Kind::DigestUnsigned] {
        assert_eq!(printed(&of(kind, "a/absent.json.gz"), &sources), Vec::<String>::new());
    }
    assert_eq!(printed(&of(Kind::LogDeleted, &format!("a/{name}")), &[&one]), [paths[0].clone()]);
    let about = printed(&of(Kind::LogUnreferenced, name), &[&three]);
    assert!(about.len() == 1 && about[0].contains("/-three/it"), "{about:?}");
}

/// bash and zsh read names with invisible characters.
#[cfg(unix)]
#[test]
fn invisible_characters_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    let name = "it's\u{1b}\u{202e}.json.gz";
    std::fs::write(folder.path().join(name), "plain").unwrap();
    let line = command(&of(Kind::LogModified, name), &at_place(&[folder.path().to_str().unwrap()])).unwrap();
    let Ok(output) = std::process::Command::new("bash").args(["-c", &line]).output() else { return };
    assert!(String::from_utf8_lossy(&output.stdout).contains(&hash(b"plain")), "{line}");
}
