//! Limits the length of a service's answer.
//!
//! The SDK reads a whole answer before parsing it, so a hostile server could fill the memory with an endless answer.

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// Longest answer to read, in bytes. A page of S3's listings has at most 1,000 names of 1,024 bytes, three times as long
/// when percent-encoded: less than half of this limit.
const LONGEST: usize = 8 << 20;

/// Cuts off answers that are too long, except successful reads of objects, which are read in chunks.
#[derive(Debug)]
pub(super) struct LengthLimit;

impl Intercept for LengthLimit {
    fn name(&self) -> &'static str {
        "LengthLimit"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        let is_get = config.load::<Metadata>().is_some_and(|asked| asked.name() == "GetObject");
        if !(is_get && response.status().is_success()) {
            let body = std::mem::replace(response.body_mut(), SdkBody::taken());
            *response.body_mut() = capped(body);
        }
        Ok(())
    }
}

fn capped(body: SdkBody) -> SdkBody {
    let limited = Limited::new(body, LONGEST).map_err(|error| match error.is::<LengthLimitError>() {
        true => BoxError::from(format!("the answer is longer than {LONGEST} bytes")),
        false => error,
    });
    SdkBody::from_body_1_x(limited)
}
