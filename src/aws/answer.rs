//! How long a service's answer may be.
//!
//! The SDK reads an answer to its end before it understands it: whoever answers in a service's place could fill the
//! memory with one that has none.

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// The longest answer that is read, in bytes. A page of S3's listings has at most 1,000 names of 1,024 bytes, each of
/// which is three times as long where it is percent-encoded: half of this.
const LONGEST: usize = 8 << 20;

/// Ends answers that are too long, but for objects, which are read in chunks.
#[derive(Debug)]
pub(super) struct Capped;

impl Intercept for Capped {
    fn name(&self) -> &'static str {
        "Capped"
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
