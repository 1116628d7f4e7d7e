//! Hints on what a copy left out, or has elsewhere.

use super::*;

/// A file that was moved in a copy left a trace: its proved original.
#[test]
fn a_missing_log_file_that_lies_elsewhere_is_told_so() {
    let gone = Finding::new(Fault::LogGone(Trace::Nothing), at(0));
    assert!(gone.message().contains("no trace of it is left") && hint(&gone).unwrap().contains("lifecycle"));
    let moved = Finding { original: Some("m/x/log.json.gz".to_owned()), ..gone.clone() };
    let expected = "the folder of the log file lacks the file, which was found elsewhere; the proved original is \
                    `m/x/log.json.gz`";
    assert_eq!(moved.message(), expected);
    let in_copy = hint(&moved).unwrap();
    assert!(
        in_copy.contains("put it back") && is_fragment(in_copy) && in_copy.len() <= LONG_HINT,
        "{in_copy}"
    );
    let in_replica = Finding { original: Some("s3://b/log.json.gz".to_owned()), ..gone };
    assert!(hint(&in_replica).unwrap().contains("the original in the other bucket"));
}

/// A sidecar that may not be read is there: no other copy of the signature is needed.
#[test]
fn a_closed_sidecar_is_to_be_opened() {
    for (reason, word) in [("Permission denied (os error 13)", "let the user"), ("it is a folder", "")] {
        let why = format!("the sidecar file is not usable: {reason}");
        for fault in [
            Fault::Unsigned { metadata: Some(why.clone()), proved: false },
            Fault::MetadataLost { why: why.clone() },
        ] {
            let hint = hint(&Finding::new(fault, at(0))).unwrap();
            assert!(hint.starts_with(word) && hint.starts_with("let") != word.is_empty(), "{hint}");
        }
    }
    let gone = hint(&Finding::new(Fault::NoSuchObject, at(0))).unwrap();
    assert!(gone.contains("in a bucket, `aws s3api") && gone.contains("in another copy"), "{gone}");
}

/// What helps against a closed folder does not help against an archive or a link.
#[test]
fn what_was_left_out_of_a_copy_has_a_hint_for_each_reason() {
    for (why, word) in [
        ("an archive in a directory is not opened", "name the archive"),
        (
            "the symbolic link leads out of the directory",
            "if the copy needs what lies there, give the target",
        ),
        ("interrupted before the whole folder was searched", "run again, and let"),
        ("the search stops after 5 folders: name the folder of the copy", "give the folders of the copy"),
        ("Permission denied (os error 13)", "let the user"),
        ("no digest says where the files of it were delivered", "if the copy needs what lies there, make it"),
    ] {
        let hint = hint(&Finding::new(Fault::SkippedFolder { why: why.to_owned() }, at(0))).unwrap();
        assert!(hint.starts_with(word) && is_fragment(hint), "{hint}");
    }
    for (why, word) in [
        ("the archive ends within the member", "get a complete"),
        (
            "a member at byte 9 of the zip is not in the zip's list of members, and was not",
            "get a complete copy of the zip; or",
        ),
        (
            "bytes of the zip from byte 9 on belong to no member and were",
            "get a complete copy of the zip; or",
        ),
        ("bytes after the end of the tar were not looked at", "if several tars were joined"),
        ("x", "if the copy needs what was"),
    ] {
        let hint = hint(&Finding::new(Fault::UnreadMember { member: None, why: why.to_owned() }, at(0)));
        assert!(hint.unwrap().starts_with(word), "{hint:?}");
    }
}

/// A log file of a copy that was compressed anew is no forged one.
#[test]
fn an_unlisted_object_with_another_name_is_to_be_looked_at() {
    let folder = "s3://b/AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01/";
    let name = "111122223333_CloudTrail_us-east-1_20260901T0005Z_a0b1c2d3e4f5g6h7.json";
    for (name, word) in
        [(format!("{name}.gz"), "the object is forged"), (format!("{name}.xz"), "if it is a log file")]
    {
        let finding =
            Finding { uri: Some(format!("{folder}{name}")), ..Finding::new(Fault::UnlistedLog, at(0)) };
        let hint = hint(&finding).unwrap();
        assert!(hint.starts_with(word) && is_fragment(hint), "{hint}");
    }
}
