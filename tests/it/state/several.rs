//! One state for several sources: a run over one of them asks about that one.

use std::fs;
use std::path::PathBuf;

use trailproof::Validator;
use trailproof::event::{NoProgress, Report, Verdict};
use trailproof::simulate::{self, Simulated, Spec};
use trailproof::state;
use trailproof::state::place::DirectoryPlace;
use trailproof::store::directory::DirectoryStore;
use trailproof::validate::{EvidenceSource, Recheck};

struct Copies {
    dir: tempfile::TempDir,
    simulated: Simulated,
    place: DirectoryPlace,
}

impl Copies {
    /// A delivery in the folder `one`, with a state.
    fn of(spec: &Spec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        ["one", "state"].iter().for_each(|name| fs::create_dir(dir.path().join(name)).unwrap());
        let store = DirectoryStore::of_buckets(&dir.path().join("one")).unwrap();
        let simulated = simulate::simulate(spec, &store).unwrap();
        let place = DirectoryPlace::new(dir.path().join("state"));
        state::init(&place).unwrap();
        Self { dir, simulated, place }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Moves what lies in `one` and satisfies `is_moved` to the same place in `two`.
    fn part(&self, is_moved: impl Fn(&str) -> bool) {
        for file in crate::fixtures::tree::files(&self.path("one")).unwrap() {
            if is_moved(file.to_str().unwrap()) {
                let to = self.path("two").join(&file);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::rename(self.path("one").join(&file), to).unwrap();
            }
        }
    }

    fn validate(&self, names: &[&str]) -> Report {
        let keys = crate::support::keys(self.simulated.keys_json.as_bytes());
        let source = EvidenceSource::Directories(names.iter().map(|name| self.path(name)).collect());
        let validator = Validator::new(source, keys).now(self.simulated.end.plus(600));
        validator.run_with_memory(&self.place, Recheck::default(), &mut NoProgress).unwrap()
    }
}

fn said(report: &Report) -> String {
    report.findings().map(|finding| format!("{:?} {}\n", finding.uri, finding.message())).collect()
}

fn spec() -> Spec {
    Spec { hours: 6, logs_per_hour: 1, events_per_log: 1, ..Spec::default() }
}

#[test]
fn a_run_over_one_source_asks_about_no_other() {
    let copies = Copies::of(&spec());
    let other = Spec { bucket: "other-logs".to_owned(), accounts: vec!["444455556666".to_owned()], ..spec() };
    fs::create_dir(copies.path("two")).unwrap();
    simulate::simulate(&other, &DirectoryStore::of_buckets(&copies.path("two")).unwrap()).unwrap();
    for names in [&["one", "two"][..], &["one"], &["two"], &["one", "two"]] {
        let report = copies.validate(names);
        assert_eq!(report.verdict(), Verdict::Intact, "{names:?}: {}", said(&report));
    }
    // Each is remembered all the same.
    let newest = crate::fixtures::tree::files(&copies.path("two")).unwrap();
    let newest = newest.iter().filter(|file| file.to_str().unwrap().contains("CloudTrail-Digest"));
    let newest: Vec<_> = newest.collect();
    newest.iter().rev().take(2).for_each(|file| fs::remove_file(copies.path("two").join(file)).unwrap());
    assert_eq!(copies.validate(&["one"]).verdict(), Verdict::Intact);
    assert_eq!(copies.validate(&["two"]).verdict(), Verdict::Tampered);
}

/// Two halves of one folder: nothing says that the first had what was read in the second.
#[test]
fn a_half_is_not_accused_of_what_lay_in_the_other() {
    let copies = Copies::of(&spec());
    let mut digests: Vec<String> = crate::fixtures::tree::files(&copies.path("one"))
        .unwrap()
        .iter()
        .map(|file| file.to_str().unwrap().to_owned())
        .filter(|file| file.contains("CloudTrail-Digest"))
        .collect();
    digests.sort();
    let newest = digests[digests.len() - 2..].to_vec();
    copies.part(|file| newest.iter().any(|digest| digest == file));
    assert_eq!(copies.validate(&["one", "two"]).verdict(), Verdict::Intact);
    let half = copies.validate(&["one"]);
    assert_eq!(half.verdict(), Verdict::Incomplete, "{}", said(&half));
    assert_eq!(copies.validate(&["one", "two"]).verdict(), Verdict::Intact);
}
