//! What lies in an account's folder beside the folders of its regions: in no place CloudTrail writes to.

use super::search::Account;
use crate::event::{Fault, Finding};
use crate::ident::{Location, LogFolder, is_region};
use crate::store::Folder;
use crate::validate::context::RunContext;
use crate::validate::scope::{AWS_LOGS, DIGESTS, LOGS};
use crate::validate::unreferenced::{Named, cannot_search, strays};

/// What the names of CloudTrail's own folders begin with. A folder of another service is none of these.
const OWN: &str = "cloudtrail";

/// CloudTrail's folder of an account for exports of CloudTrail Lake.
const LAKE: &str = "CloudTrail-Lake";

/// Names what lies directly in an account's folder of log files, and below folders there that are no region's.
pub(super) fn among_logs(context: RunContext<'_>, account: &Account, logs: &Folder, named: &Named) {
    let is_odd = |name: &str| !is_region(name) && name != AWS_LOGS;
    let prefix = account.prefix(LOGS);
    tell(context, account, &prefix, logs, &is_odd, named);
}

/// Names what lies directly in an account's folder and is called as log files are, and what lies below folders there that
/// are called nearly as CloudTrail's own.
pub(super) fn in_account(context: RunContext<'_>, account: &Account, found: &Folder, named: &Named) {
    let is_own = |name: &str| {
        let logs = LogFolder::ALL.iter().any(|logs| logs.as_str() == name);
        logs || name == DIGESTS || name == LAKE
    };
    let is_odd = |name: &str| name.to_ascii_lowercase().starts_with(OWN) && !is_own(name);
    let is_log = |key: &str| key.to_ascii_lowercase().ends_with(".json.gz");
    let objects = found.objects.iter().filter(|listed| is_log(&listed.key)).cloned().collect();
    let found = Folder { folders: found.folders.clone(), objects };
    let prefix = account.prefix_of_all();
    tell(context, account, &prefix, &found, &is_odd, named);
}

/// Names what lies directly in an account's folder of digests.
pub(super) fn among_digests(context: RunContext<'_>, account: &Account, digests: &Folder) -> Vec<Finding> {
    let objects = digests.objects.iter().filter(|listed| listed.size > 0 || !listed.key.ends_with('/'));
    let location = |key: &str| Location::new(account.bucket.clone(), key);
    let all = objects.take(context.request.limits.named);
    let finding = |key| Finding::new(Fault::NotADigestName, strays::NO_TIME).about(&location(key));
    all.map(|listed| finding(&listed.key)).collect()
}

fn tell(
    context: RunContext<'_>,
    account: &Account,
    prefix: &str,
    found: &Folder,
    is_odd: &dyn Fn(&str) -> bool,
    named: &Named,
) {
    let stray = |location: &Location| {
        let finding = Finding::new(Fault::StrayLog, strays::NO_TIME).about(location);
        named.take(Finding { account: Some(account.account.clone()), ..finding });
    };
    for listed in found.objects.iter().filter(|listed| listed.size > 0 || !listed.key.ends_with('/')) {
        stray(&Location::new(account.bucket.clone(), listed.key.as_str()));
    }
    for name in found.folders.iter().filter(|name| is_odd(name)) {
        let folder = Location::new(account.bucket.clone(), format!("{prefix}{name}/"));
        for listed in context.tools.store.list(&folder.bucket, &folder.key, None) {
            match listed {
                _ if context.halt.leaves_out() => return,
                Ok(listed) if listed.size == 0 && listed.key.ends_with('/') => {}
                Ok(listed) => stray(&Location::new(account.bucket.clone(), listed.key)),
                Err(error) => return named.take(cannot_search(strays::NO_TIME, &folder, &error)),
            }
        }
    }
}
