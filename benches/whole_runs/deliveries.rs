//! The deliveries that are measured, made once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use trailproof::simulate::{self, Spec};
use trailproof::store::directory::DirectoryStore;
use trailproof::time::{HOUR, Timestamp};

/// The bucket of every delivery.
pub const BUCKET: &str = "trail-logs";

/// The home region of every trail.
pub const HOME: &str = "us-east-1";

/// Names the folder with the real log files, where it lies elsewhere.
const REAL: &str = "TRAILPROOF_REAL_DELIVERIES";

/// A delivery on disk.
pub struct Delivery {
    /// Its folder: the bucket's, `public-keys.json` and `summary.json`.
    pub dir: PathBuf,
    /// What is in it.
    pub summary: Summary,
}

/// What a delivery is made of.
#[derive(Serialize, Deserialize)]
pub struct Summary {
    /// Accounts.
    pub accounts: Vec<String>,
    /// Regions of each.
    pub regions: Vec<String>,
    /// Start of the first digest.
    pub start: String,
    /// End of the last one.
    pub end: String,
    /// Digest files.
    pub digests: u64,
    /// Log files.
    pub logs: u64,
}

impl Delivery {
    /// What is known of the delivery in `dir`.
    pub fn summary(dir: &Path) -> Summary {
        serde_json::from_slice(&fs::read(dir.join("summary.json")).unwrap()).unwrap()
    }

    /// The bucket's folder.
    pub fn bucket(&self) -> PathBuf {
        self.dir.join(BUCKET)
    }

    /// The saved public keys.
    pub fn keys(&self) -> String {
        self.dir.join("public-keys.json").display().to_string()
    }
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/whole-runs")
}

/// Makes a delivery, unless it is there. One that was not finished has no summary.
fn made(name: &str, spec: impl FnOnce() -> Spec) -> Delivery {
    let dir = home().join(name);
    if !dir.join("summary.json").exists() {
        eprintln!("making the delivery `{name}`");
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let spec = spec();
        let done = simulate::simulate(&spec, &DirectoryStore::of_buckets(&dir).unwrap()).unwrap();
        fs::write(dir.join("public-keys.json"), &done.keys_json).unwrap();
        let summary = Summary {
            start: spec.start.to_string(),
            end: done.end.to_string(),
            digests: done.digests,
            logs: done.logs,
            accounts: spec.accounts,
            regions: spec.regions,
        };
        fs::write(dir.join("summary.json"), serde_json::to_vec_pretty(&summary).unwrap()).unwrap();
    }
    Delivery { summary: Delivery::summary(&dir), dir }
}

fn spec() -> Spec {
    Spec { bucket: BUCKET.to_owned(), ..Spec::default() }
}

/// The real log files, with digests around them: `None` where they are not at hand.
pub fn real() -> Option<Delivery> {
    let logs = real_logs()?;
    let home = Spec { home_region: Some(HOME.to_owned()), ..spec() };
    Some(made("real", || simulate::spec_from_logs(&logs, home).unwrap()))
}

/// The folder of the real log files, unpacked.
fn real_logs() -> Option<PathBuf> {
    let beside = || Some(Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared/real"));
    let folder = std::env::var_os(REAL).map(PathBuf::from).or_else(beside)?;
    let tar = folder.join("logs/suzaku_SANS-504_3871-log-files.tar");
    if !tar.exists() {
        eprintln!("there are no real log files at `{}`; `{REAL}` may name their folder", folder.display());
        return None;
    }
    let logs = home().join("real-logs");
    if !logs.exists() {
        fs::create_dir_all(&logs).unwrap();
        assert!(Command::new("tar").arg("-xf").arg(tar).arg("-C").arg(&logs).status().unwrap().success());
    }
    Some(logs)
}

/// A busy account: 1,008 log files of 2.4 MB inflated, in 48 hours.
pub fn busy() -> Delivery {
    made("busy", || Spec { hours: 48, logs_per_hour: 21, events_per_log: 3_400, ..spec() })
}

/// Quiet chains: digests without log files.
pub fn quiet() -> Delivery {
    made("quiet", || Spec {
        hours: 500,
        logs_per_hour: 0,
        regions: [HOME, "us-east-2", "us-west-1", "us-west-2"].map(str::to_owned).to_vec(),
        accounts: (0..5).map(|number| format!("{:012}", 111_122_223_333_u64 + number)).collect(),
        ..spec()
    })
}

/// A trail of 30 days, each of its hours with so many log files of one small content.
pub fn month(logs_per_hour: u32) -> Delivery {
    let name = format!("month-{logs_per_hour}");
    made(&name, || Spec { hours: 720, logs_per_hour, shared_body: true, ..spec() })
}

/// A million digests in 200 chains.
pub fn chains() -> Delivery {
    made("chains", || Spec {
        hours: 5_000,
        logs_per_hour: 0,
        accounts: (0..200).map(|number| format!("{:012}", 111_122_223_333_u64 + number)).collect(),
        ..spec()
    })
}

/// Eight regions with 240 hours each, a digest and two log files an hour.
pub fn ten_days() -> Delivery {
    let regions =
        ["us-east-2", "us-west-1", "us-west-2", "eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3"];
    made("ten-days", || Spec {
        hours: 240,
        logs_per_hour: 2,
        shared_body: true,
        regions: [HOME].into_iter().chain(regions).map(str::to_owned).collect(),
        ..spec()
    })
}

/// An organization of 5,000 accounts, each with three hours without log files in one region.
pub fn organization() -> Delivery {
    made("organization", || Spec {
        hours: 3,
        logs_per_hour: 0,
        organization: Some("o-exampleorg".to_owned()),
        accounts: (0..5_000).map(|number| format!("{:012}", 111_122_223_333_u64 + number)).collect(),
        ..spec()
    })
}

/// The same accounts with an hour in each of 17 regions: 85,000 folders of regions.
pub fn accounts() -> Delivery {
    of_regions("accounts", 1)
}

/// The same with three hours.
pub fn remembered_accounts() -> Delivery {
    of_regions("remembered-accounts", 3)
}

fn of_regions(name: &str, hours: u32) -> Delivery {
    made(name, || Spec {
        hours,
        logs_per_hour: 0,
        organization: Some("o-exampleorg".to_owned()),
        accounts: (0..5_000).map(|number| format!("{:012}", 111_122_223_333_u64 + number)).collect(),
        regions: seventeen(),
        ..spec()
    })
}

/// A year up to this midnight, in 12 regions: 105,120 digests and 99,864 log files.
pub fn year() -> Delivery {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let end = Timestamp::from_unix(i64::try_from(now).unwrap()).day();
    made(&format!("year-{}", end.unix()), || Spec {
        start: end.plus(-8_760 * HOUR + 417),
        hours: 8_759,
        logs_per_hour: 1,
        quiet_every: Some(20),
        shared_body: true,
        regions: seventeen().into_iter().take(12).collect(),
        ..spec()
    })
}

fn seventeen() -> Vec<String> {
    let others =
        ["us-east-2", "us-west-1", "us-west-2", "ca-central-1", "eu-central-1", "eu-north-1", "sa-east-1"];
    let numbered = ["eu-west", "ap-northeast", "ap-southeast"];
    let numbered = numbered.iter().flat_map(|name| (1..=3).map(move |number| format!("{name}-{number}")));
    [HOME].into_iter().chain(others).map(str::to_owned).chain(numbered).collect()
}

/// One log file of 5 GB inflated, as a busy hour never has it.
pub fn giant() -> Delivery {
    made("giant", || Spec { hours: 1, logs_per_hour: 1, events_per_log: 7_500_000, ..spec() })
}

/// One hour with one log file.
pub fn small() -> Delivery {
    made("small", || Spec { hours: 1, logs_per_hour: 1, ..spec() })
}
