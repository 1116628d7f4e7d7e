//! S3 and CloudTrail on a port of this machine, in a process of their own, with a delivery in memory.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
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
    _open: ChildStdin,
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
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("serve").arg(&delivery.dir).arg(latency.as_millis().to_string()).arg(slowed.to_string());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    Served { url: url.trim().to_owned(), _open: child.stdin.take().unwrap(), child }
}

/// The server: `DIR LATENCY_MS SLOWED`. It ends when its input does.
pub fn serve(words: &[&str]) {
    let &[dir, latency, slowed] = words else { panic!("serve DIR LATENCY_MS SLOWED") };
    let cloud = Cloud::start();
    cloud.remember_requests(false);
    fill(&cloud, Path::new(dir));
    let latency = Duration::from_millis(latency.parse().unwrap());
    let slow_down = slowed.parse().unwrap();
    cloud.set_faults(Faults { latency, slow_down, ..Faults::default() });
    println!("{}", cloud.endpoint());
    io::stdout().flush().unwrap();
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
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
