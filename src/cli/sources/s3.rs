//! Sources in S3: buckets, single objects, and trails by ARN.

use std::sync::Arc;

use super::super::args::ValidateArgs;
use super::super::aws::{cloudtrail_failed, connect, unreachable_hint};
use super::super::{Failure, say, typed};
use crate::aws::Aws;
use crate::aws::arn::TrailArn;
use crate::ident::Location;
use crate::store::StoreError;
use crate::store::s3::S3Store;
use crate::trails::{self, Trail};
use crate::validate::{NamedTrail, SourceFolder, is_object};

/// Open sources in S3, and the account that reads them.
pub(super) struct OpenedS3 {
    pub(super) aws: Arc<Aws>,
    pub(super) store: S3Store,
    pub(super) sources: Vec<SourceFolder>,
    pub(super) objects: Vec<Location>,
    pub(super) named: Vec<NamedTrail>,
}

/// A parsed source.
enum Named {
    Folder(SourceFolder),
    Object(Location),
    Trail(TrailArn),
}

/// Opens buckets, or the buckets of trails, and checks that each bucket can be listed.
pub(super) fn open(arguments: &ValidateArgs) -> Result<OpenedS3, Failure> {
    let named = arguments.sources.iter().map(|source| parse(source.to_str().unwrap_or_default()));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let trails = named.iter().filter(|named| matches!(named, Named::Trail(_))).count();
    if trails > 0 && trails < named.len() {
        return Err(Failure::new(
            "SOURCE has both a trail and a bucket",
            "validate the trail and the bucket in two runs",
        ));
    }
    let aws = connect(&arguments.aws)?;
    let store = store(&aws, arguments.expected_bucket_owner.clone(), arguments.jobs);
    let mut opened = OpenedS3 { aws, store, sources: Vec::new(), objects: Vec::new(), named: Vec::new() };
    for one in named {
        match one {
            Named::Folder(source) => opened.sources.push(source),
            Named::Object(object) => opened.objects.push(object),
            Named::Trail(arn) => opened.resolve(&arn, arguments.quiet)?,
        }
    }
    let folders = opened.objects.iter().map(folder_of);
    for source in opened.sources.iter().cloned().chain(folders) {
        let probed = opened.store.probe(&source.bucket, &source.prefix);
        probed.map_err(|error| unusable(&source, arguments.expected_bucket_owner.as_deref(), &error))?;
    }
    Ok(opened)
}

/// S3 with `requests` requests at a time; `None` lets the store adapt the number to S3's answers.
pub(in super::super) fn store(aws: &Arc<Aws>, owner: Option<String>, requests: Option<u16>) -> S3Store {
    let store = S3Store::new(Arc::clone(aws), owner);
    match requests {
        Some(requests) => store.with_requests(requests.into()),
        None => store,
    }
}

fn parse(text: &str) -> Result<Named, Failure> {
    if text.starts_with("arn:") {
        let arn = text.parse().map_err(|error| {
            let hint = "give a trail's ARN, such as `arn:aws:cloudtrail:us-east-1:111122223333:trail/audit`; \
                        `trailproof trails` lists the account's trails";
            Failure::new(format!("`{text}`: {error}"), hint)
        })?;
        return Ok(Named::Trail(arn));
    }
    let object = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    let object = object.map(|(bucket, key)| Location::new(bucket, key));
    if let Some(object) = object.filter(|object| !object.bucket.is_empty() && is_object(object)) {
        return Ok(Named::Object(object));
    }
    let (bucket, prefix) = typed::place("", text)?;
    Ok(Named::Folder(SourceFolder { bucket, prefix }))
}

/// The folder that contains an object.
fn folder_of(object: &Location) -> SourceFolder {
    let above = object.key.len() - object.name().len();
    let prefix = object.key.get(..above).unwrap_or_default().to_owned();
    SourceFolder { bucket: object.bucket.to_string(), prefix }
}

impl OpenedS3 {
    /// Asks CloudTrail for the bucket of the trail `arn`.
    fn resolve(&mut self, arn: &TrailArn, quiet: bool) -> Result<(), Failure> {
        let found = trails::by_arn(&self.aws, arn);
        let found = found.map_err(|failure| cloudtrail_failed("DescribeTrails", &failure))?;
        let Some(trail) = found else {
            let hint = "`trailproof trails` lists the account's trails; for a deleted trail, give its bucket";
            return Err(Failure::new(format!("there is no trail `{arn}`"), hint));
        };
        if !trail.validation {
            let hint = format!(
                "turn validation on with `aws cloudtrail update-trail --name {0} --region {1} \
                 --enable-log-file-validation`; for older digest files, give the bucket: `s3://{2}/{3}`",
                trail.arn, trail.arn.region, trail.bucket, trail.prefix
            );
            let what = format!("the trail `{arn}` writes no digest files: log file validation is off");
            return Err(Failure::new(what, hint));
        }
        let source = source(&trail);
        if !quiet {
            say(&format!("trail `{arn}` delivers to s3://{}/{}", source.bucket, source.prefix));
        }
        self.sources.push(source);
        let deliveries = Arc::new(trails::Digests::new(Arc::clone(&self.aws), &trail));
        let TrailArn { account, name, region, .. } = trail.arn;
        self.named.push(NamedTrail { account, name, home_region: region, deliveries });
        Ok(())
    }
}

/// The folders that a trail delivers to: of its account, or of every account for an organization's trail.
fn source(trail: &Trail) -> SourceFolder {
    let account = match trail.organization {
        true => String::new(),
        false => format!("{}/", trail.arn.account),
    };
    SourceFolder { bucket: trail.bucket.clone(), prefix: format!("{}AWSLogs/{account}", trail.prefix) }
}

fn unusable(source: &SourceFolder, owner: Option<&str>, error: &StoreError) -> Failure {
    let bucket = &source.bucket;
    let hint = match (error, owner) {
        (StoreError::Denied(_), Some(owner)) => format!(
            "either account {owner} (`--expected-bucket-owner`) does not own the bucket, or these credentials lack \
             `s3:ListBucket` on the bucket"
        ),
        (error, _) => how_to_list(bucket, error),
    };
    let what = match error {
        StoreError::NotFound => format!("there is no bucket `{bucket}`"),
        StoreError::Unreadable(why) => format!("the bucket `{bucket}` cannot be listed: {why}"),
        other => format!("the bucket `{bucket}` cannot be listed: {other}"),
    };
    Failure::new(what, hint)
}

fn how_to_list(bucket: &str, error: &StoreError) -> String {
    match error {
        StoreError::NotFound => {
            "check the bucket's name, and that the credentials belong to the same AWS partition".to_owned()
        }
        StoreError::Denied(_) => {
            format!(
                "allow `s3:ListBucket` on the bucket `{bucket}` to these credentials, or use another profile (`--profile`)"
            )
        }
        StoreError::OutOfReach(_) | StoreError::Contradictory { .. } => {
            "give `s3://BUCKET[/PREFIX]`".to_owned()
        }
        StoreError::Archived(why) | StoreError::Unreadable(why) => match why.contains("did not answer") {
            true => unreachable_hint(why).to_owned(),
            false => "check the credentials (`aws sts get-caller-identity`), the network and the endpoint"
                .to_owned(),
        },
    }
}
