//! What keys say, read from both ends of the key.

use trailproof::ident::{Location, is_account, is_organization, is_region, is_trail};
use trailproof::time::{DAY, Timestamp};

/// The folders of one region of one account, in one bucket and under one prefix.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Folder {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) organization: Option<String>,
    pub(super) bucket: String,
    pub(super) root: String,
}

/// A chain: what every digest of it has in common, wherever it lies.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Chain {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) trail: String,
    pub(super) home: String,
    pub(super) organization: Option<String>,
    pub(super) backfill: bool,
}

/// A digest's key, taken apart.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Name {
    pub(super) end: Timestamp,
    pub(super) folder: Folder,
    pub(super) chain: Chain,
}

/// Where in a region's folders a key is.
#[expect(clippy::large_enum_variant, reason = "there are few of them at a time")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// In a digest folder; its name, where it is a digest's.
    Digest(Folder, Option<Name>),
    /// In the folder of log files; when it was delivered by its name, or by the folder's day.
    Log(Folder, Option<When>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum When {
    Minute(Timestamp),
    Day(Timestamp),
}

impl Folder {
    /// `s3://BUCKET/…/CloudTrail/REGION/`.
    pub(super) fn log_uri(&self) -> String {
        format!("s3://{}/{}CloudTrail/{}/", self.bucket, self.account_prefix(), self.region)
    }

    fn account_prefix(&self) -> String {
        let organization = self.organization.as_ref().map_or_else(String::new, |id| format!("{id}/"));
        format!("{}AWSLogs/{organization}{}/", self.root, self.account)
    }
}

impl Name {
    /// The digest of the same chain in the same folder that ends at `end`.
    pub(super) fn ending(&self, end: Timestamp) -> Self {
        Self { end, ..self.clone() }
    }

    pub(super) fn location(&self) -> Location {
        let Chain { account, region, trail, home, backfill, .. } = &self.chain;
        let suffix = if *backfill { "_backfill" } else { "" };
        let day = self.end.to_string()[..10].replace('-', "/");
        let time = self.end.to_string().replace(['-', ':'], "");
        let prefix = self.folder.account_prefix();
        let folder = format!("{prefix}CloudTrail-Digest/{region}/{day}");
        let name = format!("{account}_CloudTrail-Digest_{region}_{trail}_{home}_{time}{suffix}.json.gz");
        Location::new(self.folder.bucket.as_str(), format!("{folder}/{name}"))
    }
}

/// Where the object at `location` is, where that is in a region's folders.
pub(super) fn place(location: &Location) -> Option<Place> {
    let parts: Vec<&str> = location.key.split('/').collect();
    // The trail's prefix may hold folders of the same names: the last `AWSLogs` from which the rest fits counts.
    (0..parts.len()).rev().find_map(|at| below(location, &parts, at))
}

fn below(location: &Location, parts: &[&str], at: usize) -> Option<Place> {
    let (root, rest) = parts.split_at(at);
    let [logs, rest @ ..] = rest else { return None };
    let (organization, rest) = match rest {
        [id, rest @ ..] if is_organization(id) => (Some((*id).to_owned()), rest),
        _ => (None, rest),
    };
    let [account, service, region, inner @ ..] = rest else { return None };
    if *logs != "AWSLogs" || !is_account(account) || !is_region(region) || inner.is_empty() {
        return None;
    }
    let folder = Folder {
        account: (*account).to_owned(),
        region: (*region).to_owned(),
        organization,
        bucket: location.bucket.to_string(),
        root: root.iter().map(|part| format!("{part}/")).collect(),
    };
    match *service {
        "CloudTrail-Digest" => {
            let name = inner.last().and_then(|last| digest_name(&folder, last));
            let name = name.filter(|name| name.location() == *location);
            Some(Place::Digest(folder, name))
        }
        "CloudTrail" => {
            let when = when(inner);
            Some(Place::Log(folder, when))
        }
        _ => None,
    }
}

/// `ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_TIME[_backfill].json.gz`: account and region from the left, home
/// region and time from the right.
fn digest_name(folder: &Folder, name: &str) -> Option<Name> {
    let name = name.strip_suffix(".json.gz")?;
    let (name, backfill) = name.strip_suffix("_backfill").map_or((name, false), |name| (name, true));
    let rest = name.strip_prefix(&format!("{}_CloudTrail-Digest_{}_", folder.account, folder.region))?;
    let (rest, time) = rest.rsplit_once('_')?;
    let (trail, home) = rest.rsplit_once('_')?;
    let end = Timestamp::parse_digest_name(time)?;
    let chain = Chain {
        account: folder.account.clone(),
        region: folder.region.clone(),
        trail: trail.to_owned(),
        home: home.to_owned(),
        organization: folder.organization.clone(),
        backfill,
    };
    (is_trail(trail) && is_region(home)).then(|| Name { end, folder: folder.clone(), chain })
}

/// `YYYY/MM/DD/NAME`: the minute of a log file's name where its date is the folder's, else the folder's day.
fn when(inner: &[&str]) -> Option<When> {
    let [year, month, day, rest @ ..] = inner else { return None };
    let day = Timestamp::parse_digest_field(&format!("{year}-{month}-{day}T00:00:00Z"))?;
    let [name] = rest else { return (!rest.is_empty()).then_some(When::Day(day)) };
    let minute = log_minute(name).filter(|minute| (0..DAY).contains(&(minute.unix() - day.unix())));
    Some(minute.map_or(When::Day(day), When::Minute))
}

fn log_minute(name: &str) -> Option<Timestamp> {
    let parts: Vec<&str> = name.strip_suffix(".json.gz")?.split('_').collect();
    let [account, service, region, time, unique] = parts[..] else { return None };
    let is_log = is_account(account) && service == "CloudTrail" && is_region(region);
    let is_unique = unique.len() == 16 && unique.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Timestamp::parse_log_name(time).filter(|_| is_log && is_unique)
}
