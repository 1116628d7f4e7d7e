//! Writes to S3, for `simulate`.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::StorageClass;

use super::{S3Bucket, S3Store, store_error};
use crate::aws::Failure;
use crate::ident::Location;
use crate::store::{Deposit, Metadata, Store as _, StoreError};

impl Deposit for S3Store {
    fn put(&self, location: &Location, body: &[u8], metadata: &Metadata) -> Result<(), StoreError> {
        let bucket = self.bucket(&location.bucket)?;
        bucket.put(&location.key, body, metadata, None)
    }

    fn delete(&self, location: &Location) -> Result<(), StoreError> {
        let bucket = self.bucket(&location.bucket)?;
        let request = bucket.client.delete_object().bucket(&bucket.name).key(&*location.key);
        let request = request.set_expected_bucket_owner(bucket.owner.clone());
        let deleted = bucket.aws.block_on(request.send());
        deleted.map(|_| ()).map_err(|error| store_error(&Failure::of(&error)))
    }

    /// Moves the object to an archive class, like a lifecycle rule.
    fn make_unreadable(&self, location: &Location) -> Result<(), StoreError> {
        let mut object = self.get(location)?;
        let mut body = Vec::new();
        object.body.read_to_end(&mut body).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        let bucket = self.bucket(&location.bucket)?;
        bucket.put(&location.key, &body, &object.metadata, Some(StorageClass::Glacier))
    }
}

impl S3Bucket {
    /// Writes an object with CloudTrail's content type and encoding.
    fn put(
        &self,
        key: &str,
        body: &[u8],
        metadata: &Metadata,
        class: Option<StorageClass>,
    ) -> Result<(), StoreError> {
        let gzip = body.starts_with(&[0x1f, 0x8b]).then(|| "gzip".to_owned());
        let request = self.client.put_object().bucket(&self.name).key(key);
        let request = request
            .body(ByteStream::from(body.to_vec()))
            .content_type("application/json")
            .set_content_encoding(gzip)
            .set_metadata(Some(metadata.clone().into_iter().collect()))
            .set_storage_class(class)
            .set_expected_bucket_owner(self.owner.clone());
        let put = self.aws.block_on(request.send());
        put.map(|_| ()).map_err(|error| store_error(&Failure::of(&error)))
    }
}
