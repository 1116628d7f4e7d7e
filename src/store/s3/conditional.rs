//! Small objects that are read with their ETag, and written only if they still have it: for the memory of runs.
//!
//! Source: Amazon S3 User Guide, "How to prevent object overwrites with conditional writes".

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;

use super::{S3Bucket, S3Store, explain_failed_get, store_error};
use crate::aws::Failure;
use crate::ident::Location;
use crate::store::StoreError;

/// What has to hold for a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WriteCondition<'a> {
    /// No object exists: `If-None-Match: *`.
    Absent,
    /// The object has this ETag: `If-Match`.
    Tag(&'a str),
}

impl S3Store {
    /// Reads an object of at most `limit` bytes as stored, with its ETag.
    ///
    /// # Errors
    /// The errors of [`Store::get`](crate::store::Store::get), and [`StoreError::Unreadable`] for a larger object.
    pub fn read_tagged(&self, location: &Location, limit: u64) -> Result<(Vec<u8>, String), StoreError> {
        self.aws.block_on(async {
            let bucket = self.open_bucket(&location.bucket).await?;
            let request = bucket.client.get_object().bucket(&bucket.name).key(&*location.key);
            let request = request.set_expected_bucket_owner(bucket.owner.clone());
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) => {
                    return Err(explain_failed_get(&bucket, &location.key, &Failure::of(&error)).await);
                }
            };
            let etag = answer.e_tag.clone().filter(|etag| !etag.is_empty());
            let etag = etag.ok_or_else(|| StoreError::Unreadable("the answer has no ETag".to_owned()))?;
            Ok((collect(&bucket, answer.body, limit).await?, etag))
        })
    }

    /// Writes an object if the condition holds, and returns the new ETag; `None` if the condition does not hold.
    ///
    /// # Errors
    /// The cause of a failed write.
    pub fn write_if(
        &self,
        location: &Location,
        body: &[u8],
        condition: WriteCondition<'_>,
    ) -> Result<Option<String>, StoreError> {
        let bucket = self.bucket(&location.bucket)?;
        let request = bucket.client.put_object().bucket(&bucket.name).key(&*location.key);
        let request = request.body(ByteStream::from(body.to_vec())).content_type("application/json");
        let request = request.set_expected_bucket_owner(bucket.owner.clone());
        let request = match condition {
            WriteCondition::Absent => request.if_none_match("*"),
            WriteCondition::Tag(etag) => request.if_match(etag),
        };
        let answer = bucket.aws.block_on(request.send());
        match answer {
            Ok(answer) => {
                let etag = answer.e_tag.filter(|etag| !etag.is_empty());
                etag.map(Some).ok_or_else(|| StoreError::Unreadable("the answer has no ETag".to_owned()))
            }
            Err(error) if is_refused(&error) => Ok(None),
            Err(error) => Err(store_error(&Failure::of(&error))),
        }
    }
}

/// Whether the server refused a write because its condition does not hold. 412: another ETag. 409: another write is
/// under way. 404 without a missing bucket: the object was deleted.
fn is_refused<E: aws_sdk_s3::error::ProvideErrorMetadata>(
    error: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>,
) -> bool {
    let SdkError::ServiceError(answer) = error else { return false };
    match answer.raw().status().as_u16() {
        412 => true,
        409 => answer.err().code() == Some("ConditionalRequestConflict"),
        404 => answer.err().code() == Some("NoSuchKey"),
        _ => false,
    }
}

/// The whole body, of at most `limit` bytes. A body without new bytes for too long is an error.
async fn collect(bucket: &S3Bucket, mut body: ByteStream, limit: u64) -> Result<Vec<u8>, StoreError> {
    let failed = |why: String| StoreError::Unreadable(why);
    let mut bytes = Vec::new();
    loop {
        let next = tokio::time::timeout(bucket.stall, body.next()).await;
        let next = next.map_err(|_| failed("the server stopped sending".to_owned()))?;
        let Some(chunk) = next.transpose().map_err(|error| failed(error.to_string()))? else { break };
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > limit {
            return Err(failed(format!("larger than {limit} bytes")));
        }
    }
    Ok(bytes)
}
