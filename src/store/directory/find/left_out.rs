//! What the search of a copy left out, and why.

use std::path::{Path, PathBuf};

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
