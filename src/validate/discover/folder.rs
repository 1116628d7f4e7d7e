//! The folders that a search for accounts meets.

use std::sync::Arc;

use crate::ident::{RegionFolder, is_account, is_organization};
use crate::store::{self, StoreError};
use crate::validate::context::RunContext;
use crate::validate::source_path::AWS_LOGS;

/// How many folders deep below the source a trail's prefix may be.
pub(super) const MAX_DEPTH: usize = 8;

/// An account's folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct AccountFolder {
    pub(super) bucket: Arc<str>,
    /// The prefix before `AWSLogs/`: empty, or with a slash at the end.
    pub(super) root: String,
    pub(super) organization: Option<String>,
    pub(super) account: String,
    /// The only region that the source names.
    pub(super) region: Option<String>,
}

impl AccountFolder {
    pub(super) fn folder(&self, region: &str) -> RegionFolder {
        RegionFolder {
            bucket: Arc::clone(&self.bucket),
            root: self.root.as_str().into(),
            organization: self.organization.as_deref().map(Arc::from),
            account: self.account.as_str().into(),
            region: region.into(),
        }
    }

    pub(super) fn prefix(&self, kind: &str) -> String {
        format!("{}{kind}/", self.folder("").account_prefix())
    }

    /// The account's folder, for all services.
    pub(super) fn prefix_of_all(&self) -> String {
        self.folder("").account_prefix()
    }

    /// Lists one of the account's folders.
    pub(super) fn list(&self, context: RunContext<'_>, kind: &str) -> Result<store::Folder, StoreError> {
        context.tools.store.list_folder(&self.bucket, &self.prefix(kind))
    }
}

/// A folder to list.
#[derive(Clone)]
pub(super) struct PendingFolder {
    pub(super) bucket: Arc<str>,
    pub(super) prefix: String,
    /// How many folders below the source.
    pub(super) depth: usize,
    pub(super) role: FolderRole,
    pub(super) partitions: PartitionSearch,
}

/// How to search many [partitions](super::partitions) in a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PartitionSearch {
    /// By their keys.
    Scan,
    /// One by one: their keys are too many.
    Walk,
}

/// The role of a folder, which tells how to read its children.
#[derive(Clone)]
pub(super) enum FolderRole {
    /// Children are further folders of a prefix, or `AWSLogs/`.
    Prefix,
    /// Children of `AWSLogs/` below `root`: organizations, accounts, or folders of a prefix.
    Logs { root: String, organization: Option<String> },
    /// Children are folders of services, or of a trail's prefix that goes on in an account's folder.
    Services,
}

impl PendingFolder {
    /// The folder of a source.
    pub(super) const fn source(bucket: Arc<str>, prefix: String, role: FolderRole) -> Self {
        Self { bucket, prefix, depth: 0, role, partitions: PartitionSearch::Scan }
    }

    pub(super) fn child(&self, name: &str, role: FolderRole) -> Self {
        let prefix = format!("{}{name}/", self.prefix);
        Self {
            bucket: Arc::clone(&self.bucket),
            prefix,
            depth: self.depth + 1,
            role,
            partitions: self.partitions,
        }
    }

    /// The greatest depth below the source; `None` for the folders of organizations and accounts, which are as many and
    /// as deep as their `AWSLogs/`.
    pub(super) const fn max_depth(&self) -> Option<usize> {
        match self.role {
            FolderRole::Prefix => Some(MAX_DEPTH),
            FolderRole::Logs { organization: None, .. } => Some(MAX_DEPTH + 1),
            FolderRole::Logs { .. } | FolderRole::Services => None,
        }
    }

    /// The role of the child called `name`; `None` for a child that is not searched.
    pub(super) fn role_of(&self, name: &str) -> Option<FolderRole> {
        if name == AWS_LOGS {
            return Some(FolderRole::Logs { root: self.prefix.clone(), organization: None });
        }
        match &self.role {
            FolderRole::Prefix => Some(FolderRole::Prefix),
            FolderRole::Logs { .. } if is_account(name) || is_account_of_flow_logs(name) => {
                Some(FolderRole::Services)
            }
            FolderRole::Logs { root, organization: None } if is_organization(name) => {
                Some(FolderRole::Logs { root: root.clone(), organization: Some(name.to_owned()) })
            }
            FolderRole::Logs { .. } => Some(FolderRole::Prefix),
            FolderRole::Services => (!is_service(name)).then_some(FolderRole::Prefix),
        }
    }

    /// The account of the child called `name`, if the child is an account's folder.
    pub(super) fn account(&self, name: &str) -> Option<AccountFolder> {
        let FolderRole::Logs { root, organization } = &self.role else { return None };
        is_account(name).then(|| AccountFolder {
            bucket: Arc::clone(&self.bucket),
            root: root.clone(),
            organization: organization.clone(),
            account: name.to_owned(),
            region: None,
        })
    }
}

/// Folders that services have in an account's folder. These are many and large in an organization, and are not searched for
/// trails.
///
/// Source: the page of each service on where its logs are in S3, such as Amazon VPC User Guide, "Flow log files", and Elastic
/// Load Balancing, "Access logs"; Amazon CloudWatch Logs User Guide, "Enable logging from AWS services".
const SERVICES: [&str; 26] = [
    "BedrockModelInvocationLogs",
    "ClientVPN",
    "CloudFront",
    "CloudTrail",
    "CloudTrail-Aggregated",
    "CloudTrail-Digest",
    "CloudTrail-Insight",
    "CloudTrail-NetworkActivity",
    "Config",
    "EKS",
    "ElastiCache",
    "EventBridge",
    "GuardDuty",
    "KafkaBrokerLogs",
    "KafkaConnectLogs",
    "Route53",
    "VpcLattice",
    "WAFLogs",
    "elasticloadbalancing",
    "globalaccelerator",
    "network-firewall",
    "redshift",
    "vended-logs",
    "verifiedaccess",
    "vpcdnsquerylogs",
    "vpcflowlogs",
];

/// Whether `name` is a service's folder, or one of its parts in a Hive layout, `aws-service=vpcflowlogs`.
fn is_service(name: &str) -> bool {
    let name = name.strip_prefix("aws-service=").unwrap_or(name);
    SERVICES.binary_search(&name).is_ok()
}

/// Whether `name` is the folder of an account in the Hive layout of VPC flow logs, which has a folder for each hour.
///
/// Source: Amazon VPC User Guide, "Publish flow logs to Amazon S3".
fn is_account_of_flow_logs(name: &str) -> bool {
    name.strip_prefix("aws-account-id=").is_some_and(is_account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_told_from_prefixes() {
        assert!(SERVICES.is_sorted());
        assert!(["CloudTrail-Digest", "vpcflowlogs", "aws-service=vpcflowlogs"].into_iter().all(is_service));
        assert!(!["team", "AWSLogs", "cloudtrail", "aws-region=us-east-1"].into_iter().any(is_service));
    }
}
