//! What an acceptance covers: the accepted finding, and nothing that is changed later. Through the real program.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::bodies::{gzip, inflate};
use crate::cli::case::{Case, Done, trailproof};

/// A change of a delivery or an archive on disk.
type Change<'c> = &'c dyn Fn(&Copies);

/// A delivery of four hours, or an archive of it, with a state beside it.
struct Copies {
    case: Case,
    source: PathBuf,
    /// The members of the archive, as made.
    members: Vec<Member>,
}

#[derive(Clone)]
struct Member {
    name: String,
    body: Vec<u8>,
    is_link: bool,
}

impl Member {
    fn file(name: impl Into<String>, body: &[u8]) -> Self {
        Self { name: name.into(), body: body.to_vec(), is_link: false }
    }

    fn link(name: &str) -> Self {
        Self { is_link: true, ..Self::file(name, b"") }
    }
}

/// A finding graver than a notice.
struct Grave {
    id: String,
    cause: String,
}

impl Copies {
    fn directory() -> Self {
        let case = Case::make(&[]);
        let source = case.path("buckets");
        Self { case, source, members: Vec::new() }
    }

    fn archive() -> Self {
        let mut made = Self::directory();
        made.members = files(&made.source).iter().map(|path| made.member(path)).collect();
        made.source = made.case.path("copy.tar");
        made.write_archive(&[]);
        made
    }

    fn member(&self, path: &Path) -> Member {
        let name = path.strip_prefix(&self.source).unwrap().to_str().unwrap().to_owned();
        Member::file(name, &fs::read(path).unwrap())
    }

    fn write_archive(&self, more: &[Member]) {
        let mut builder = tar::Builder::new(fs::File::create(&self.source).unwrap());
        for Member { name, body, is_link } in self.members.iter().chain(more) {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(body.len() as u64);
            if *is_link {
                header.set_entry_type(tar::EntryType::Symlink);
                builder.append_link(&mut header, name, "elsewhere").unwrap();
            } else {
                builder.append_data(&mut header, name, body.as_slice()).unwrap();
            }
        }
        builder.finish().unwrap();
    }

    /// The file number `at` whose path has `part`, in order.
    fn file(&self, part: &str, at: usize) -> PathBuf {
        let mut files = files(&self.case.path("buckets"));
        files.retain(|path| {
            path.to_str().unwrap().contains(part) && path.extension().is_some_and(|e| e == "gz")
        });
        files.remove(at)
    }

    fn log(&self) -> PathBuf {
        self.file("/CloudTrail/", 1)
    }

    fn digest(&self) -> PathBuf {
        self.file("/CloudTrail-Digest/", 2)
    }

    /// A path beside a log file, for a forged log file.
    fn forged(&self, number: u32) -> PathBuf {
        let log = self.log();
        let name = log.file_name().unwrap().to_str().unwrap().to_owned();
        let (front, _) = name.rsplit_once('_').unwrap();
        log.with_file_name(format!("{front}_{number:016}.json.gz"))
    }

    fn run(&self) -> (Option<i32>, Vec<Grave>) {
        let [keys, state, end] =
            [self.case.text("keys.json"), self.case.text("state"), self.case.end().to_owned()];
        let source = self.source.to_str().unwrap();
        let done = trailproof(&[
            "validate",
            source,
            "--public-keys",
            &keys,
            "--state",
            &state,
            "--end-time",
            &end,
            "--format",
            "json",
        ]);
        let report: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{}", done.stderr));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let findings = report["findings"].as_array().unwrap().iter();
        let grave = findings.filter(|finding| finding["severity"] != "notice");
        (done.code, grave.map(|one| Grave { id: text(&one["id"]), cause: text(&one["cause"]) }).collect())
    }

    fn accept(&self, id: &str) -> Done {
        trailproof(&["state", "accept", &self.case.text("state"), id, "--reason", "a drill"])
    }

    fn begin(&self) {
        assert_eq!(trailproof(&["state", "init", &self.case.text("state")]).code, Some(0));
        assert_eq!(self.run().0, Some(0));
    }
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn events(name: &str) -> Vec<u8> {
    gzip(format!("{{\"Records\":[{{\"eventName\":\"{name}\"}}]}}").as_bytes())
}

/// Accepts what `first` does. Each later change is a new finding, and the change back is not.
fn assert_covers_no_more(cause: &str, copies: &Copies, first: Change<'_>, later: &[(&str, Change<'_>)]) {
    copies.begin();
    assert_covers_no_more_from_now(cause, copies, first, later);
}

/// The same, with a state that is made already.
fn assert_covers_no_more_from_now(
    cause: &str,
    copies: &Copies,
    first: Change<'_>,
    later: &[(&str, Change<'_>)],
) {
    first(copies);
    let (code, found) = copies.run();
    assert_ne!(code, Some(0), "{cause}");
    assert!(found.iter().any(|one| one.cause == cause), "{cause}");
    for Grave { id, cause } in &found {
        assert_eq!(copies.accept(id).code, Some(0), "{cause}");
    }
    assert_eq!(copies.run().0, Some(0), "{cause}: accepted");
    for (name, change) in later {
        change(copies);
        let (code, found) = copies.run();
        assert_ne!(code, Some(0), "{cause}, then {name}");
        assert!(!found.is_empty(), "{cause}, then {name}");
        first(copies);
        assert_eq!(copies.run().0, Some(0), "{cause}, after {name}");
    }
}

/// What `first` does cannot be accepted, since more would hide behind it.
fn assert_cannot_be_accepted(cause: &str, copies: &Copies, first: Change<'_>, number: usize) {
    copies.begin();
    first(copies);
    let ids = |found: Vec<Grave>| {
        let mut ids: Vec<String> =
            found.into_iter().filter(|one| one.cause == cause).map(|one| one.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let (code, found) = copies.run();
    assert_eq!(code, Some(3), "{cause}");
    let found = ids(found);
    assert_eq!(found.len(), number, "{cause}");
    for id in &found {
        let done = copies.accept(id);
        assert_eq!(done.code, Some(2), "{cause}: {}", done.stderr);
        assert!(done.stderr.contains("cannot be accepted"), "{cause}: {}", done.stderr);
    }
    let (code, again) = copies.run();
    assert_eq!((code, ids(again)), (Some(3), found), "{cause}");
}

#[test]
fn an_accepted_byte_after_a_log_file_covers_no_other_body() {
    let copies = Copies::directory();
    let (log, genuine) = (copies.log(), fs::read(copies.log()).unwrap());
    let put = |body: Vec<u8>| fs::write(&log, body).unwrap();
    let evil = events("forged");
    assert_covers_no_more(
        "log-body",
        &copies,
        &|_| put([genuine.as_slice(), &[0]].concat()),
        &[
            ("other events and a byte", &|_| put([evil.as_slice(), &[0]].concat())),
            ("another byte", &|_| put([genuine.as_slice(), &[1]].concat())),
            ("two members", &|_| put([evil.as_slice(), &evil].concat())),
            ("a cut stream", &|_| put(evil[..evil.len() - 4].to_vec())),
            ("plain text", &|_| put(b"hello".to_vec())),
            ("nothing", &|_| put(Vec::new())),
            ("other events", &|_| put(evil.clone())),
        ],
    );
}

#[test]
fn an_accepted_body_of_a_digest_covers_no_other_body() {
    for (cause, first) in [
        ("digest-body", [fs::read(Copies::directory().digest()).unwrap().as_slice(), &[0]].concat()),
        ("not-a-digest", gzip(b"xx")),
    ] {
        let copies = Copies::directory();
        let digest = copies.digest();
        let put = |body: Vec<u8>| fs::write(&digest, body).unwrap();
        let genuine = fs::read(&digest).unwrap();
        assert_covers_no_more(
            cause,
            &copies,
            &|_| put(first.clone()),
            &[
                ("no digest", &|_| put(gzip(b"yy"))),
                ("no fields", &|_| put(gzip(b"{}"))),
                ("another byte", &|_| put([genuine.as_slice(), &[1]].concat())),
                ("plain text", &|_| put(b"hello".to_vec())),
                ("nothing", &|_| put(Vec::new())),
            ],
        );
    }
}

/// The content of a digest is evidence, whatever is wrong with the digest.
#[test]
fn an_accepted_digest_covers_no_other_content() {
    let copies = Copies::directory();
    let digest = copies.digest();
    let genuine = String::from_utf8(inflate(&fs::read(&digest).unwrap())).unwrap();
    let elsewhere = |more: &str| {
        let moved = genuine.replacen("AWSLogs/", &format!("other/AWSLogs{more}/"), 1);
        assert_ne!(moved, genuine);
        moved.replacen("{", &format!("{{\"x\":\"{more}\","), 1)
    };
    let put = |content: &str| fs::write(&digest, gzip(content.as_bytes())).unwrap();
    let spaced = genuine.replacen('{', "{ ", 1);
    let twice = genuine.replacen('{', "{  ", 1);
    assert_covers_no_more(
        "not-as-recorded",
        &copies,
        &|_| put(&spaced),
        &[("other content", &|_| put(&twice)), ("another place", &|_| put(&elsewhere("")))],
    );
}

#[test]
fn an_accepted_log_file_that_no_digest_lists_covers_no_other_content() {
    let copies = Copies::directory();
    let put = |number: u32, body: Vec<u8>| fs::write(copies.forged(number), body).unwrap();
    assert_covers_no_more(
        "unlisted-log",
        &copies,
        &|copies| {
            put(0, events("aaaa"));
            let _ = fs::remove_file(copies.forged(1));
        },
        &[
            ("other events of the same size", &|_| put(0, events("bbbb"))),
            ("nothing", &|_| put(0, Vec::new())),
            ("a further file", &|_| put(1, events("aaaa"))),
        ],
    );
    let copies = Copies::directory();
    let put = |body: Vec<u8>| {
        for number in 0..9 {
            fs::write(copies.forged(number), events("aaaa")).unwrap();
        }
        fs::write(copies.forged(5), body).unwrap();
    };
    let first: Change<'_> = &|_| put(events("aaaa"));
    assert_covers_no_more("unlisted-logs", &copies, first, &[("one of nine", &|_| put(events("bbbb")))]);
    let copies = Copies::directory();
    let put = |body: &[u8]| {
        let day = copies.log();
        let stray = day.ancestors().nth(4).unwrap().join("notes.txt");
        fs::write(stray, body).unwrap();
    };
    let first: Change<'_> = &|_| put(b"aaaa");
    assert_covers_no_more("stray-log", &copies, first, &[("other text", &|_| put(b"bbbb"))]);
}

/// Each of two findings on one archive has an id of its own, and neither can be accepted: nobody read the members.
#[test]
fn what_was_not_read_of_an_archive_cannot_be_accepted() {
    let copies = Copies::archive();
    let links = [Member::link("one"), Member::link("two")];
    assert_cannot_be_accepted("unread-member", &copies, &|copies| copies.write_archive(&links), 2);
}

#[test]
fn a_folder_that_was_not_searched_cannot_be_accepted() {
    let forged = |copies: &Copies, from: &str, to: &str| {
        let path = copies.forged(7);
        let path = path.strip_prefix(copies.case.path("buckets")).unwrap().to_str().unwrap().to_owned();
        assert!(path.contains(from));
        path.replace(from, to)
    };
    // Log files of a region without digests.
    let copies = Copies::archive();
    let name = forged(&copies, "us-east-1", "eu-west-1");
    let logs = [Member::file(name, &events("forged"))];
    assert_cannot_be_accepted("logs-without-digests", &copies, &|copies| copies.write_archive(&logs), 1);
    // Files of two accounts without a place.
    let copies = Copies::archive();
    let homeless = |account: &str| {
        let path = forged(&copies, "111122223333", account);
        Member::file(path.rsplit('/').next().unwrap(), &events("forged"))
    };
    let logs = [homeless("999988887777"), homeless("999988887776")];
    assert_cannot_be_accepted("skipped-folder", &copies, &|copies| copies.write_archive(&logs), 2);
}

/// A log file of a digest that lost its signature: nobody vouches for it, and what was read of it is accepted.
#[test]
fn an_accepted_log_file_of_an_unproved_digest_covers_no_other_content() {
    let copies = Copies::directory();
    let digests = files(&copies.case.path("buckets"));
    let sidecars = digests.iter().filter(|path| {
        let path = path.to_str().unwrap();
        path.contains("/CloudTrail-Digest/") && path.ends_with(".metadata.json")
    });
    let sidecar = sidecars.max().unwrap().clone();
    let logs: Vec<PathBuf> = files(&copies.case.path("buckets"))
        .into_iter()
        .filter(|path| path.to_str().unwrap().contains("/CloudTrail/"))
        .collect();
    let log = logs.last().unwrap();
    let genuine = fs::read(log).unwrap();
    // A run that proved the digest would remember its signature.
    assert_eq!(trailproof(&["state", "init", &copies.case.text("state")]).code, Some(0));
    assert_covers_no_more_from_now(
        "claimed-log",
        &copies,
        &|_| {
            let _ = fs::remove_file(&sidecar);
            fs::write(log, &genuine).unwrap();
        },
        &[
            ("other events", &|_| fs::write(log, events("forged")).unwrap()),
            ("nothing", &|_| fs::write(log, b"").unwrap()),
            ("no file", &|_| fs::remove_file(log).unwrap()),
        ],
    );
}

/// What could not be read may have any content.
#[test]
#[cfg(unix)]
fn what_could_not_be_read_cannot_be_accepted() {
    for part in ["/CloudTrail/", "/CloudTrail-Digest/"] {
        let copies = Copies::directory();
        copies.begin();
        let path = copies.file(part, 2);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(path.file_name().unwrap(), &path).unwrap();
        let (code, found) = copies.run();
        assert_eq!(code, Some(3), "{part}");
        let unread = found.iter().find(|one| one.cause.starts_with("unreadable-")).unwrap();
        let done = copies.accept(&unread.id);
        assert_eq!(done.code, Some(2), "{}", done.stderr);
        assert!(done.stderr.contains("content"), "{}", done.stderr);
    }
}
