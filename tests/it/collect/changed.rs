//! The source, or the copy, changes between two collections. Nothing that was saved is lost, and nothing that was saved is
//! taken for what the source has now.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use trailproof::ident::Sha256Hash;
use trailproof::time::Timestamp;

use super::account::{SOURCE, delivered, manifest, offline};
use crate::account::{Account, json, kinds};
use crate::cli::case::Done;

fn keys(account: &Account, part: &str) -> Vec<String> {
    account.cloud.keys("trail-logs").into_iter().filter(|key| key.contains(part)).collect()
}

fn file(account: &Account, key: &str) -> PathBuf {
    account.home.path().join("copy/trail-logs").join(key)
}

fn sidecar(account: &Account, key: &str) -> PathBuf {
    file(account, &format!("{key}.metadata.json"))
}

fn collect(account: &Account) -> Done {
    account.run(&["collect", SOURCE, "copy", "--format", "json"])
}

/// Runs the command that the end of a collection names.
fn validate_copy(account: &Account, stderr: &str) -> Done {
    let lead = "validate what the copy holds, which is not what the source holds: ";
    let words = offline(&stderr.replace(lead, "validate the copy: "));
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["--format", "json"]).collect();
    account.run(&words)
}

fn says_the_same(stderr: &str) -> bool {
    stderr.contains("\nvalidate the copy: ")
}

/// The entries of `collected.json` under `replaced`, each with its file.
fn replaced(account: &Account) -> Vec<(Value, Vec<u8>)> {
    let manifest = manifest(account, "copy");
    let entries = manifest["replaced"].as_array().unwrap().iter();
    let with_file = |entry: &Value| {
        let body = fs::read(account.home.path().join("copy").join(entry["file"].as_str().unwrap())).unwrap();
        assert_eq!(entry["sha256"], Sha256Hash::of(&body).to_string());
        (entry.clone(), body)
    };
    entries.map(with_file).collect()
}

fn metadata(signature: &str, account: &Account, key: &str) -> Value {
    let mut head: Value = serde_json::from_slice(&fs::read(sidecar(account, key)).unwrap()).unwrap();
    head["Metadata"]["signature"] = signature.into();
    head
}

fn as_map(head: &Value) -> std::collections::BTreeMap<String, String> {
    serde_json::from_value(head["Metadata"].clone()).unwrap()
}

/// Size and entity tag stay, and the second time even the time of the last write.
#[test]
fn metadata_that_were_replaced_in_place_are_read() {
    for is_same_second in [false, true] {
        let account = delivered();
        assert_eq!(collect(&account).code, Some(0));
        let digest = &keys(&account, "-Digest/")[2];
        let (body, genuine) =
            (fs::read(file(&account, digest)).unwrap(), fs::read(sidecar(&account, digest)).unwrap());
        let objects = manifest(&account, "copy")["objects"].as_array().unwrap().clone();
        let saved = objects.iter().find(|object| object["uri"].as_str().unwrap().ends_with(digest)).unwrap();
        let modified = Timestamp::parse_report(saved["modified"].as_str().unwrap()).unwrap();
        if is_same_second {
            account.cloud.purge("trail-logs", digest);
            account.cloud.set_clock(Some(modified.unix()));
        }
        let forged = as_map(&metadata(&"00".repeat(256), &account, digest));
        account.cloud.put("trail-logs", digest, body, forged);
        let done = collect(&account);
        assert_eq!(
            (done.code, kinds(&json(&done))),
            (Some(1), vec!["digest-modified".to_owned()]),
            "{}",
            done.stderr
        );
        assert_eq!(replaced(&account).into_iter().map(|(_, body)| body).collect::<Vec<_>>(), [genuine]);
        assert!(done.stderr.contains(&format!("replaced: s3://trail-logs/{digest}")), "{}", done.stderr);
        let copy = validate_copy(&account, &done.stderr);
        assert_eq!((copy.code, kinds(&json(&copy))), (Some(1), vec!["digest-modified".to_owned()]));
        assert_eq!(json(&copy)["counts"], json(&done)["counts"]);
    }
}

#[test]
fn a_changed_file_of_the_copy_is_not_taken_for_the_source() {
    let account = delivered();
    assert_eq!(collect(&account).code, Some(0));
    let (digest, log) = (&keys(&account, "-Digest/")[2], &keys(&account, "/CloudTrail/")[1]);
    let genuine =
        [sidecar(&account, digest), file(&account, log)].map(|path| (fs::read(&path).unwrap(), path));
    let changed = metadata("00", &account, digest).to_string().into_bytes();
    fs::write(&genuine[0].1, &changed).unwrap();
    fs::write(&genuine[1].1, "changed").unwrap();
    let done = collect(&account);
    assert_eq!((done.code, says_the_same(&done.stderr)), (Some(0), true), "{}", done.stderr);
    for (content, path) in &genuine {
        assert!(fs::read(path).unwrap() == *content, "{}", path.display());
    }
    let kept = replaced(&account);
    let mut bodies: Vec<&[u8]> = kept.iter().map(|(_, body)| body.as_slice()).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, [&b"changed"[..], &changed]);
    // The source never told of these bytes.
    assert!(kept.iter().all(|(entry, _)| entry.get("etag").is_none()), "{kept:?}");
    assert_eq!(validate_copy(&account, &done.stderr).code, Some(0));
}

/// The same content written again: the time of the last write says that the object has to be read.
#[test]
fn an_object_that_was_written_again_is_read_again() {
    let account = delivered();
    assert_eq!(collect(&account).code, Some(0));
    let log = &keys(&account, "/CloudTrail/")[1];
    account.cloud.put("trail-logs", log, fs::read(file(&account, log)).unwrap(), Default::default());
    account.cloud.forget_requests();
    let done = collect(&account);
    assert!(done.code == Some(0) && done.stderr.starts_with("collected 0 objects"), "{}", done.stderr);
    assert_eq!(account.asked("GetObject"), keys(&account, "-Digest/").len() + 1);
    assert!(replaced(&account).is_empty());
}

#[test]
fn an_overwritten_log_file_stays_in_the_copy() {
    let account = delivered();
    assert_eq!(collect(&account).code, Some(0));
    let log = &keys(&account, "/CloudTrail/")[1];
    let genuine = fs::read(file(&account, log)).unwrap();
    for forged in ["forged", "forged again"] {
        account.cloud.put("trail-logs", log, forged, Default::default());
        let done = collect(&account);
        let report = json(&done);
        assert_eq!(
            (done.code, kinds(&report)),
            (Some(1), vec!["log-modified".to_owned()]),
            "{}",
            done.stderr
        );
        let original =
            report["findings"].as_array().unwrap().iter().find_map(|found| found["original"].as_str());
        let original = account.home.path().join(original.unwrap());
        assert!(
            original.starts_with(account.at("copy/.replaced")) && fs::read(&original).unwrap() == genuine
        );
        assert_eq!(fs::read(file(&account, log)).unwrap(), forged.as_bytes());
        let kept = replaced(&account);
        assert!(kept[0].1 == genuine && kept[0].0["etag"].is_string() && kept[0].0["modified"].is_string());
        let copy = validate_copy(&account, &done.stderr);
        assert_eq!(
            (copy.code, kinds(&json(&copy))),
            (Some(1), vec!["log-modified".to_owned()]),
            "{}",
            copy.stdout
        );
        assert_eq!(json(&copy)["counts"], report["counts"]);
    }
    assert_eq!(replaced(&account).len(), 2);
}

#[test]
fn a_deleted_log_file_stays_in_the_copy() {
    for is_purged in [false, true] {
        let account = delivered();
        assert_eq!(collect(&account).code, Some(0));
        let log = &keys(&account, "/CloudTrail/")[1];
        let genuine = fs::read(file(&account, log)).unwrap();
        match is_purged {
            true => account.cloud.purge("trail-logs", log),
            false => account.cloud.delete("trail-logs", log),
        }
        // A third collection says the same as the second.
        for _ in 0..2 {
            let done = collect(&account);
            let report = json(&done);
            assert_eq!((done.code, kinds(&report).len()), (Some(1), 1), "{}", done.stderr);
            let original =
                report["findings"].as_array().unwrap().iter().find_map(|found| found["original"].as_str());
            assert_eq!(account.home.path().join(original.unwrap()), file(&account, log));
            assert_eq!(fs::read(file(&account, log)).unwrap(), genuine);
            assert!(
                done.stderr.contains(&format!("not in the source: s3://trail-logs/{log}")),
                "{}",
                done.stderr
            );
            assert!(!says_the_same(&done.stderr), "{}", done.stderr);
            assert_eq!(validate_copy(&account, &done.stderr).code, Some(0));
            let manifest = manifest(&account, "copy");
            let absent = manifest["not_in_source"].as_array().unwrap();
            assert_eq!(absent.len(), 1);
            assert_eq!(absent[0]["path"], format!("trail-logs/{log}"));
        }
        account.cloud.put("trail-logs", log, genuine, Default::default());
        let done = collect(&account);
        assert_eq!((done.code, says_the_same(&done.stderr)), (Some(0), true), "{}", done.stderr);
        assert!(manifest(&account, "copy")["not_in_source"].as_array().unwrap().is_empty());
    }
}

/// Objects that no digest asks for: a stray file, and the newest digest.
#[test]
fn objects_that_a_bucket_lost_are_named() {
    let account = delivered();
    let stray = keys(&account, "/CloudTrail/")[1].rsplit_once('/').unwrap().0.to_owned() + "/stray";
    account.cloud.put("trail-logs", &stray, "stray", Default::default());
    assert_eq!(collect(&account).code, Some(3));
    account.cloud.purge("trail-logs", &stray);
    let done = collect(&account);
    assert_eq!((json(&done)["verdict"].as_str(), done.code), (Some("intact"), Some(3)), "{}", done.stderr);
    assert!(done.stderr.contains(&format!("not in the source: s3://trail-logs/{stray}")), "{}", done.stderr);
    assert!(done.stderr.contains("hint: if a lifecycle rule removed them"), "{}", done.stderr);
    assert!(!says_the_same(&done.stderr) && file(&account, &stray).exists());
    assert_eq!(validate_copy(&account, &done.stderr).code, Some(3));
    // Whoever removes the file by hand is not told again.
    fs::remove_file(file(&account, &stray)).unwrap();
    let done = collect(&account);
    assert_eq!((done.code, says_the_same(&done.stderr)), (Some(0), true), "{}", done.stderr);
    let newest = keys(&account, "-Digest/").pop().unwrap();
    account.cloud.purge("trail-logs", &newest);
    let done = collect(&account);
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    assert!(done.stderr.contains(&format!("not in the source: s3://trail-logs/{newest}")), "{}", done.stderr);
    // A range that does not ask for the digest.
    let end = Timestamp::from_unix(crate::account::now() - 4 * 3_600).to_string();
    let done = account.run(&["collect", SOURCE, "copy", "--end-time", &end]);
    assert_eq!((done.code, done.stderr.contains("not in the source")), (Some(0), false), "{}", done.stderr);
}

#[test]
fn a_digest_that_can_no_longer_be_read_stays_in_the_copy() {
    let account = delivered();
    assert_eq!(collect(&account).code, Some(0));
    let digest = &keys(&account, "-Digest/")[2];
    // In an archive, the listing vouches for the file, and the journal for the metadata.
    account.cloud.archive("trail-logs", digest);
    let done = collect(&account);
    assert_eq!((done.code, says_the_same(&done.stderr)), (Some(0), true), "{}", done.stderr);
    let genuine = fs::read(sidecar(&account, digest)).unwrap();
    fs::write(sidecar(&account, digest), metadata("00", &account, digest).to_string()).unwrap();
    let done = collect(&account);
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    assert!(kinds(&json(&done)).contains(&"digest-unreadable".to_owned()), "{}", done.stdout);
    fs::write(sidecar(&account, digest), genuine).unwrap();
    let account = delivered();
    assert_eq!(collect(&account).code, Some(0));
    let digest = &keys(&account, "-Digest/")[2];
    account.cloud.deny("trail-logs", digest);
    let done = collect(&account);
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    assert!(kinds(&json(&done)).contains(&"digest-unreadable".to_owned()), "{}", done.stdout);
    assert!(done.stderr.contains("the copy holds what an earlier collection saved"), "{}", done.stderr);
    assert!(!says_the_same(&done.stderr));
    assert!(!Path::new(&format!("{}.not-collected", file(&account, digest).display())).exists());
    let copy = validate_copy(&account, &done.stderr);
    assert_eq!((copy.code, kinds(&json(&copy))), (Some(0), Vec::new()), "{}", copy.stdout);
}

/// A journal of an older version, without the time of the last write: everything is read again.
#[test]
fn the_list_of_an_older_version_serves_nothing() {
    let account = delivered();
    assert_eq!(collect(&account).code, Some(0));
    let path = account.home.path().join("copy/collected.json");
    let text = fs::read_to_string(&path).unwrap();
    let older: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with("\"replaced\"") && !line.starts_with("\"not_in_source\""))
        .map(|line| match line.split_once(",\"modified\":\"") {
            Some((before, rest)) => format!("{before}{}", rest.split_once('"').unwrap().1),
            None => line.to_owned(),
        })
        .collect();
    fs::write(&path, older.join("\n")).unwrap();
    account.cloud.forget_requests();
    let done = collect(&account);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let objects = manifest(&account, "copy")["objects"].as_array().unwrap().clone();
    assert!(
        account.asked("GetObject") == objects.len()
            && objects.iter().all(|object| object["modified"].is_string())
    );
    assert!(done.stderr.contains(&format!("already there: {}", objects.len())), "{}", done.stderr);
}

/// Behind an access point, where objects have another name than in the copy.
#[test]
fn an_overwritten_log_file_behind_an_access_point_stays_in_the_copy() {
    let account = crate::account::access_points::with_alias();
    let alias = format!("s3://{}", crate::account::access_points::ALIAS);
    let moved = ["--relocated-from", "s3://trail-logs", "--format", "json"];
    let collect = || account.run(&[&["collect", &alias, "copy"], &moved[..]].concat());
    let first = collect();
    assert_eq!(first.code, Some(0), "{}{}", first.stdout, first.stderr);
    let bucket = crate::account::access_points::ALIAS;
    let log = account.cloud.keys(bucket).into_iter().find(|key| key.contains("/CloudTrail/")).unwrap();
    let genuine = fs::read(file(&account, &log)).unwrap();
    account.cloud.put(bucket, &log, "forged", Default::default());
    let done = collect();
    assert_eq!(
        (done.code, kinds(&json(&done))),
        (Some(1), vec!["log-modified".to_owned()]),
        "{}",
        done.stderr
    );
    assert!(replaced(&account)[0].1 == genuine);
    account.cloud.purge(bucket, &log);
    let done = collect();
    assert_eq!((done.code, says_the_same(&done.stderr)), (Some(1), false), "{}", done.stderr);
    assert_eq!(fs::read(file(&account, &log)).unwrap(), b"forged");
    assert_eq!(manifest(&account, "copy")["not_in_source"][0]["path"], format!("trail-logs/{log}"));
}
