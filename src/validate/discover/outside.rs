//! Objects of a bucket that have the names of CloudTrail's files, below an `AWSLogs/` but outside of every trail's folders:
//! flat in `AWSLogs/`, in a renamed folder of an account, in a folder of digests that is no region's.
//!
//! Nothing there is read, so nothing there is vouched for. In a copy, the [directory](crate::store::directory) has placed
//! such files by their names.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, PoisonError};

use super::folder::AccountFolder;
use crate::event::{Fault, Finding};
use crate::ident::{DeliveredName, DeliveredType, Location, is_region};
use crate::store::{Folder, Listed};
use crate::time::{HOUR, Interval};
use crate::validate::context::RunContext;
use crate::validate::request::ValidationRequest;
use crate::validate::source_path::{AWS_LOGS, DIGESTS};
use crate::validate::unreferenced::{UnreferencedCollector, strays};

/// The files of CloudTrail's that a search met outside of every trail's folders.
pub(super) struct OutsideFiles<'a> {
    request: &'a ValidationRequest,
    /// Receives the log files.
    logs: &'a UnreferencedCollector,
    is_copy: bool,
    noted: Mutex<NotedFiles>,
}

#[derive(Default)]
struct NotedFiles {
    /// The first digests in order, and what tells their contents from others.
    digests: BTreeMap<Location, Option<String>>,
    /// How many digests there are.
    count: u64,
    /// Hashes of the noted locations: several searches may list a folder.
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl NotedFiles {
    fn is_new(&mut self, location: &Location) -> bool {
        self.seen.insert(self.hasher.hash_one((&location.bucket, &location.key)))
    }
}

impl<'a> OutsideFiles<'a> {
    pub(super) fn new(context: RunContext<'a>, logs: &'a UnreferencedCollector) -> Self {
        let is_copy = context.tools.store.is_copy();
        Self { request: context.request, logs, is_copy, noted: Mutex::default() }
    }

    /// Whether objects directly in the folder `prefix`, which is no account's, are to be noted.
    pub(super) fn is_searched(&self, prefix: &str) -> bool {
        !self.is_copy && prefix.split('/').any(|name| name == AWS_LOGS)
    }

    /// Notes an object, if its name is that of a file that was asked for.
    pub(super) fn note(&self, bucket: &Arc<str>, listed: &Listed) {
        let location = Location::new(Arc::clone(bucket), listed.key.as_str());
        let name = DeliveredName::parse(location.name()).filter(|name| is_asked(self.request, name));
        let Some(name) = name else { return };
        if name.kind != DeliveredType::Digest {
            return self.note_log(name.account, &location, listed);
        }
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_new(&location) {
            noted.count += 1;
            noted.digests.insert(location, listed.identity());
            if noted.digests.len() > self.request.limits.named.max(1) {
                noted.digests.pop_last();
            }
        }
    }

    /// Notes an object as a log file of the account that no digest lists, unless it is noted already.
    pub(super) fn note_log(&self, account: &str, location: &Location, listed: &Listed) {
        if self.noted.lock().unwrap_or_else(PoisonError::into_inner).is_new(location) {
            let finding = Finding::new(Fault::StrayLog, strays::NO_TIME).about(location);
            let account = Some(account.to_owned());
            self.logs.add(Finding { account, content: listed.identity(), ..finding });
        }
    }

    /// Notes that a folder could not be searched for log files.
    pub(super) fn note_failure(&self, finding: Finding) {
        self.logs.add(finding);
    }

    /// Notes the files in the folders of an account's digest folder that are no region's. Returns the failures to list.
    pub(super) fn note_in_digest_folder(
        &self,
        context: RunContext<'_>,
        account: &AccountFolder,
        digests: &Folder,
    ) -> Vec<Finding> {
        let mut failures = Vec::new();
        let is_other = |name: &&String| !is_region(name) && *name != AWS_LOGS && !self.is_copy;
        for name in digests.folders.iter().filter(is_other) {
            let prefix = format!("{}{name}/", account.prefix(DIGESTS));
            for listed in context.tools.store.list(&account.bucket, &prefix, None) {
                match listed {
                    _ if context.cancellation.skips_work() => return failures,
                    Ok(listed) => self.note(&account.bucket, &listed),
                    Err(error) => {
                        failures.push(super::cannot_list(&account.bucket, &prefix, &error));
                        break;
                    }
                }
            }
        }
        failures
    }

    /// The findings on the digests.
    pub(super) fn finish(self) -> Vec<Finding> {
        let noted = self.noted.into_inner().unwrap_or_else(PoisonError::into_inner);
        let more = noted.count.saturating_sub(noted.digests.len() as u64);
        let named = noted.digests.into_iter().map(|(location, content)| finding(&location, content));
        let mut findings: Vec<Finding> = named.collect();
        if more > 0 {
            findings.push(Finding::new(Fault::MoreStrayDigests { count: more }, strays::NO_TIME));
        }
        findings
    }
}

/// The finding on an object of a bucket directly in an account's digest folder, if its name is that of a digest that was asked
/// for.
pub(super) fn stray_digest(
    context: RunContext<'_>,
    location: &Location,
    content: Option<String>,
) -> Option<Finding> {
    let name = DeliveredName::parse(location.name())?;
    let is_asked = name.kind == DeliveredType::Digest && is_asked(context.request, &name);
    (is_asked && !context.tools.store.is_copy()).then(|| finding(location, content))
}

fn finding(location: &Location, content: Option<String>) -> Finding {
    let name = DeliveredName::parse(location.name());
    let (account, region) = name.map(|name| (name.account.to_owned(), name.region.to_owned())).unzip();
    let finding = Finding::new(Fault::StrayDigest, strays::NO_TIME).about(location);
    Finding { account, region, content, ..finding }
}

/// Whether a file of this name was asked for. A digest covers the hour before the time in its name.
fn is_asked(request: &ValidationRequest, name: &DeliveredName<'_>) -> bool {
    let has = |asked: &[String], name: &str| asked.is_empty() || asked.iter().any(|one| one == name);
    let covered = Interval { start: name.time.plus(-HOUR), end: name.time.plus(1) };
    has(&request.accounts, name.account)
        && has(&request.regions, name.region)
        && request.range.interval().overlaps(covered)
}
