//! Sources in S3: buckets, access points, single objects, and trails by ARN.

use std::sync::Arc;

use super::super::args::RunArgs;
use super::super::aws::{WHICH_ENDPOINT, cloudtrail_failed, connect, unreachable_hint};
use super::super::{Failure, say, typed};
use super::GoneBucket;
use crate::aws::access_point::AccessPoint;
use crate::aws::arn::TrailArn;
use crate::aws::{Aws, NOT_AWS, SKEWED};
use crate::digest::DigestFile;
use crate::gzip;
use crate::ident::{DigestKey, Location};
use crate::store::s3::{NOT_A_BUCKET, S3Store};
use crate::store::{Store as _, StoreError};
use crate::trails::{self, Trail};
use crate::validate::{NamedTrail, SourceFolder, is_object};
use crate::words;

/// Open sources in S3, and the account that reads them.
pub(super) struct OpenedS3 {
    pub(super) aws: Arc<Aws>,
    pub(super) store: S3Store,
    pub(super) sources: Vec<SourceFolder>,
    pub(super) objects: Vec<Location>,
    pub(super) named: Vec<NamedTrail>,
    pub(super) gone: Vec<GoneBucket>,
}

/// A parsed source.
enum Named {
    Folder(SourceFolder),
    Object(Location),
    Trail(TrailArn),
}

/// Most keys behind an access point that are searched for a digest, to name its bucket in a message.
const MAX_SEARCHED: usize = 5_000;

/// Most bytes that a digest may inflate to that is read for a message.
const MAX_PEEKED: u64 = 8 << 20;

/// Opens buckets, or the buckets of trails, and checks that each bucket can be listed.
pub(super) fn open(arguments: &RunArgs) -> Result<OpenedS3, Failure> {
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
    let points = access_points(arguments);
    let store = store(&aws, arguments.expected_bucket_owner.clone(), arguments.jobs)
        .with_access_points(points.clone())
        .with_requester_pays(arguments.request_payer);
    let (sources, objects, named_trails, gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut opened = OpenedS3 { aws, store, sources, objects, named: named_trails, gone };
    for one in named {
        match one {
            Named::Folder(source) => opened.sources.push(source),
            Named::Object(object) => opened.objects.push(object),
            Named::Trail(arn) => opened.resolve(&arn, arguments.quiet)?,
        }
    }
    let folders = opened.objects.iter().map(folder_of);
    for source in opened.sources.iter().cloned().chain(folders) {
        match opened.store.probe(&source.bucket, &source.prefix) {
            Ok(_) => {}
            // Memory knows whether there was a bucket.
            Err(error @ StoreError::NotFound) if arguments.state.is_some() => {
                let failure = unusable(&source, arguments, &error);
                let region = opened.aws.region();
                opened.gone.push(GoneBucket { source, failure, region });
                continue;
            }
            Err(error) => return Err(unusable(&source, arguments, &error)),
        }
        if points.contains(&source.bucket) && arguments.relocated_from.is_empty() {
            return Err(without_bucket(&opened.store, &source));
        }
    }
    Ok(opened)
}

/// The access points among the sources.
fn access_points(arguments: &RunArgs) -> Vec<String> {
    let texts = arguments.sources.iter().filter_map(|source| source.to_str());
    texts.filter_map(|text| Some(AccessPoint::parse(text)?.ok()?.name)).collect()
}

/// The error for an access point without `--relocated-from`. Digest files name their bucket, and S3 does not say which
/// bucket an access point belongs to: only the user can vouch for the bucket.
fn without_bucket(store: &S3Store, source: &SourceFolder) -> Failure {
    let what = format!(
        "`{}` is an access point: which bucket its objects were delivered to has to be named, since digest files are \
         signed for a bucket",
        source.bucket
    );
    let hint = match recorded_bucket(store, source) {
        Some(bucket) => format!(
            "a digest file behind it names the bucket `{bucket}`, which is not verified: if the access point belongs to \
             that bucket (`aws s3control get-access-point`), add `--relocated-from s3://{bucket}`"
        ),
        None => {
            "add `--relocated-from s3://BUCKET`; `aws s3control get-access-point` names the bucket".to_owned()
        }
    };
    Failure::new(what, hint)
}

/// The bucket that the first digest below `source` names. Nothing is proved: a writer to the bucket can write any name.
fn recorded_bucket(store: &S3Store, source: &SourceFolder) -> Option<String> {
    let listed = store.list(&source.bucket, &source.prefix, None).take(MAX_SEARCHED).map_while(Result::ok);
    let mut locations = listed.map(|listed| Location::new(source.bucket.as_str(), listed.key));
    let digest = locations.find(|location| DigestKey::parse(location).is_some())?;
    let mut object = store.get(&digest).ok()?;
    let (bytes, _) = gzip::inflate(&mut *object.body, object.encoding, MAX_PEEKED).ok()?;
    let bucket = DigestFile::parse(&bytes).ok()?.location().bucket.to_string();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    bucket.bytes().all(is_name).then_some(bucket)
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
    if let Some(point) = AccessPoint::parse(text) {
        let point = point.map_err(|error| Failure::new(format!("`{text}`: {error}"), error.hint()))?;
        return Ok(behind(point));
    }
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

/// The object or folder behind an access point.
fn behind(point: AccessPoint) -> Named {
    let AccessPoint { name, key } = point;
    let object = Location::new(name.as_str(), key.as_str());
    if is_object(&object) {
        return Named::Object(object);
    }
    let slash = if key.is_empty() || key.ends_with('/') { "" } else { "/" };
    Named::Folder(SourceFolder { bucket: name, prefix: format!("{key}{slash}") })
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

fn unusable(source: &SourceFolder, arguments: &RunArgs, error: &StoreError) -> Failure {
    let bucket = &source.bucket;
    let hint = match (error, &arguments.expected_bucket_owner) {
        (StoreError::Denied(_), Some(owner)) => format!(
            "either account {owner} (`--expected-bucket-owner`) does not own the bucket, or these credentials lack \
             `s3:ListBucket` on the bucket"
        ),
        (StoreError::Denied(_), None) if !arguments.request_payer => {
            let listing = how_to_list(bucket, error);
            format!("{listing}; if the bucket's requesters pay, add `--request-payer`")
        }
        (error, _) => how_to_list(bucket, error),
    };
    let what = match error {
        StoreError::NotFound => format!("there is no bucket `{bucket}`"),
        StoreError::Unreadable(why) => format!("the bucket `{bucket}` cannot be listed: {why}"),
        StoreError::OutOfReach(why) if why.contains(NOT_A_BUCKET) => why.clone(),
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
        StoreError::OutOfReach(_)
        | StoreError::MaybeLater(_)
        | StoreError::OtherName(_)
        | StoreError::Contradictory { .. } => "give `s3://BUCKET[/PREFIX]`".to_owned(),
        StoreError::Archived(why) | StoreError::Unreadable(why) if why.contains("did not answer") => {
            unreachable_hint(why).to_owned()
        }
        StoreError::Archived(why) | StoreError::Unreadable(why) if why.contains(SKEWED) => {
            "set the clock of this machine: S3 accepts signatures within 15 minutes of its own time"
                .to_owned()
        }
        StoreError::Archived(why) | StoreError::Unreadable(why) if why.contains(NOT_AWS) => {
            WHICH_ENDPOINT.to_owned()
        }
        StoreError::Archived(why) | StoreError::Unreadable(why) if words::is_expired(why) => {
            "sign in again (`aws sso login` or `aws login`), or renew the session token".to_owned()
        }
        StoreError::Archived(_) | StoreError::Unreadable(_) => {
            "check the credentials (`aws sts get-caller-identity`), the network and the endpoint".to_owned()
        }
    }
}
