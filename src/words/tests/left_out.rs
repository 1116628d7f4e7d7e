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
    for (why, word) in
        [("the archive ends within the member", "get a complete"), ("x", "if the member is part")]
    {
        let hint = hint(&Finding::new(Fault::UnreadMember { member: None, why: why.to_owned() }, at(0)));
        assert!(hint.unwrap().starts_with(word), "{hint:?}");
    }
}
