//! What the search of a copy left out, and why.

use std::fs;
use std::path::{Path, PathBuf};

/// Why a link to a folder outside of the directory is not followed.
const LEADS_OUT: &str = "the symbolic link leads out of the directory";

/// A folder or file that was left out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LeftOut {
    /// The folder or file.
    pub path: PathBuf,
    /// The reason.
    pub why: String,
    /// The account whose files were left out; `None` if any account's may be.
    pub account: Option<String>,
    /// The region whose files were left out; `None` if any region's may be.
    pub region: Option<String>,
}

impl LeftOut {
    /// A folder or file that may hold anything.
    pub(super) fn new(path: impl Into<PathBuf>, why: impl Into<String>) -> Self {
        Self { path: path.into(), why: why.into(), account: None, region: None }
    }

    /// A symbolic link to a folder outside of the directory.
    pub(super) fn outside_link(link: &Path) -> Self {
        Self::new(link, LEADS_OUT)
    }

    /// Whether a symbolic link was left out that leads into one of the folders `roots`, which have resolved links.
    #[must_use]
    pub fn leads_into(&self, roots: &[PathBuf]) -> bool {
        let target = || fs::canonicalize(&self.path).ok();
        self.why == LEADS_OUT
            && target().is_some_and(|target| roots.iter().any(|root| target.starts_with(root)))
    }

    /// A copy that was not searched, or not to its end, because the user interrupted the run.
    #[must_use]
    pub fn interrupted(path: &Path) -> Self {
        Self::new(path, "interrupted before the whole folder was searched")
    }

    /// The files of an account in `folder`, of which no digest says where they were delivered.
    pub(super) fn of_account(folder: &Path, account: &str) -> Self {
        let why = format!("no digest says where the files of account {account} in it were delivered");
        Self { account: Some(account.to_owned()), ..Self::new(folder, why) }
    }

    /// The files of a region in the folder of an account, of which no digest says where they were delivered.
    pub(super) fn of_region(folder: &Path, account: Option<&str>, region: &str) -> Self {
        let why = format!("no digest says where the files of region {region} in it were delivered");
        let account = account.map(str::to_owned);
        Self { account, region: Some(region.to_owned()), ..Self::new(folder, why) }
    }
}
