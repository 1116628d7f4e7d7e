//! Archives among the copies: opens them as files, and reports members that cannot be read.

use std::path::Path;
use std::sync::Arc;

use super::CopyError;
use crate::event::{Fault, Finding};
use crate::store::archive::{self, ArchiveLimits, MemberIssue};
use crate::store::files::{CopyFiles, DiskFiles};
use crate::time::Timestamp;
use crate::validate::request::ReadLimits;

/// A directory or an archive, opened as files.
pub(super) struct OpenedFiles {
    pub(super) files: Arc<dyn CopyFiles>,
    /// Findings on members that cannot be read.
    pub(super) findings: Vec<Finding>,
    /// Number of members that repeat an earlier member.
    pub(super) duplicates: u64,
}

/// Opens a directory, or an archive.
pub(super) fn open(path: &Path, limits: &ReadLimits) -> Result<OpenedFiles, CopyError> {
    let unreadable = |source| CopyError::Unreadable { path: path.to_owned(), source };
    if !path.is_file() {
        let files = Arc::new(DiskFiles::new(path).map_err(unreadable)?);
        return Ok(OpenedFiles { files, findings: Vec::new(), duplicates: 0 });
    }
    let limits = ArchiveLimits { log_content: limits.log, ..ArchiveLimits::default() };
    let opened = archive::open(path, &limits)
        .map_err(|source| CopyError::Archive { path: path.to_owned(), source })?;
    let issues = opened.issues.iter().filter(|issue| !issue.problem.is_harmless());
    let mut findings: Vec<Finding> = issues.map(|issue| unread(path, issue)).collect();
    if opened.skipped_issues > 0 {
        findings.push(about(path, Fault::MoreUnreadMembers { count: opened.skipped_issues }));
    }
    Ok(OpenedFiles { files: opened.files, findings, duplicates: opened.duplicates })
}

fn unread(path: &Path, issue: &MemberIssue) -> Finding {
    let why = issue.problem.to_string();
    let member = issue.member.as_ref().map(|member| (member.number, member.name.clone()));
    about(path, Fault::UnreadMember { member, why })
}

fn about(path: &Path, fault: Fault) -> Finding {
    let mut finding = Finding::new(fault, Timestamp::from_unix(0));
    finding.uri = Some(path.display().to_string());
    finding
}
