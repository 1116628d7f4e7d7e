//! S3 and CloudTrail on a port of this machine, in a process of their own, with a delivery in memory.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use trailproof::ident::Location;
use trailproof::store::Store as _;
use trailproof::store::directory::DirectoryStore;

use crate::cloud::{Bucket, Cloud, Faults, Trail};
use crate::deliveries::{BUCKET, Delivery, HOME};

/// A server that runs until this is dropped.
pub struct Served {
    /// Where it answers.
    pub url: String,
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Served {
    /// How many requests have come so far.
    pub fn requests(&self) -> u64 {
        let (input, output) = &mut *self.pipes.lock().unwrap();
        writeln!(input).unwrap();
        line(output).parse().unwrap()
    }
}

fn line(output: &mut impl io::BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

/// What is deleted of a delivery before it is served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Nothing.
    Nothing,
    /// Every other digest of each region, its newest one and the one that starts the chain left.
    EveryOtherDigest,
    /// As many digests of each region, but in one stretch.
    DigestStretch,
    /// Every fourth log file.
    EveryFourthLog,
}

impl Deletion {
    const ALL: [(&'static str, Self); 4] = [
        ("nothing", Self::Nothing),
        ("every-other-digest", Self::EveryOtherDigest),
        ("digest-stretch", Self::DigestStretch),
        ("every-fourth-log", Self::EveryFourthLog),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, deletion)| *deletion == self).unwrap().0
    }

    fn parse(word: &str) -> Self {
        Self::ALL.iter().find(|(known, _)| *known == word).unwrap().1
    }

    /// Of `keys`, those that are deleted.
    fn of(self, keys: &[String]) -> Vec<&String> {
        let with = |part: &'static str| keys.iter().filter(move |key| key.contains(part));
        // A key up to its year is that of its region.
        let region = |key: &str| key.rsplitn(5, '/').nth(4).unwrap().to_owned();
        let mut regions: BTreeMap<String, Vec<&String>> = BTreeMap::new();
        for key in with("/CloudTrail-Digest/") {
            regions.entry(region(key)).or_default().push(key);
        }
        let digests = regions.into_values();
        match self {
            Self::Nothing => Vec::new(),
            Self::EveryOtherDigest => digests.flat_map(|own| own.into_iter().skip(1).step_by(2)).collect(),
            Self::DigestStretch => {
                digests.flat_map(|own| own[own.len() / 4..own.len() / 4 + own.len() / 2].to_vec()).collect()
            }
            Self::EveryFourthLog => with("/CloudTrail/").step_by(4).collect(),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server of `delivery` that answers after `latency`.
pub fn start(delivery: &Delivery, latency: Duration) -> Served {
    start_slowed(delivery, latency, 0.0)
}

/// The same, which answers this share of requests with `SlowDown`.
pub fn start_slowed(delivery: &Delivery, latency: Duration, slowed: f64) -> Served {
    begin(delivery, latency, slowed, Deletion::Nothing)
}

/// The same, of a delivery of which something is deleted.
pub fn start_without(delivery: &Delivery, latency: Duration, deletion: Deletion) -> Served {
    begin(delivery, latency, 0.0, deletion)
}

fn begin(delivery: &Delivery, latency: Duration, slowed: f64, deletion: Deletion) -> Served {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("serve").arg(&delivery.dir).arg(latency.as_millis().to_string());
    command.arg(slowed.to_string()).arg(deletion.word());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let url = line(&mut output);
    Served { url, pipes: Mutex::new((child.stdin.take().unwrap(), output)), child }
}

/// The server: `DIR LATENCY_MS SLOWED DELETION`. It prints where it answers, then for each line of its input how many
/// requests have come, and ends when its input does.
pub fn serve(words: &[&str]) {
    let &[dir, latency, slowed, deletion] = words else { panic!("serve DIR LATENCY_MS SLOWED DELETION") };
    let cloud = Cloud::start();
    cloud.remember_requests(false);
    fill(&cloud, Path::new(dir));
    let keys = cloud.keys(BUCKET);
    Deletion::parse(deletion).of(&keys).into_iter().for_each(|key| cloud.delete(BUCKET, key));
    let latency = Duration::from_millis(latency.parse().unwrap());
    let slow_down = slowed.parse().unwrap();
    cloud.set_faults(Faults { latency, slow_down, ..Faults::default() });
    println!("{}", cloud.endpoint());
    io::stdout().flush().unwrap();
    for _ in io::stdin().lines() {
        println!("{}", cloud.request_count());
        io::stdout().flush().unwrap();
    }
}

fn fill(cloud: &Cloud, dir: &Path) {
    let store = DirectoryStore::of_buckets(dir).unwrap();
    cloud.create_bucket(BUCKET, Bucket { versioned: false, ..Bucket::default() });
    for listed in store.list(BUCKET, "", None) {
        let location = Location::new(BUCKET, listed.unwrap().key);
        let mut object = store.get(&location).unwrap();
        let mut body = Vec::new();
        object.body.read_to_end(&mut body).unwrap();
        cloud.put(BUCKET, &location.key, body, object.metadata);
    }
    let keys = std::fs::read_to_string(dir.join("public-keys.json")).unwrap();
    let summary = Delivery::summary(dir);
    for region in summary.regions {
        cloud.add_keys_json(&region, &keys);
    }
    for account in summary.accounts {
        cloud.add_trail(Trail {
            name: "audit".to_owned(),
            home_region: HOME.to_owned(),
            account,
            bucket: BUCKET.to_owned(),
            multi_region: true,
            ..Trail::default()
        });
    }
}
