//! Names of trails.

use trailproof::ident::{is_account, is_region, is_trail};

/// Text is the ARN of a trail, written back the same, or it is none.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    #[cfg(feature = "aws")]
    match text.parse::<trailproof::aws::arn::TrailArn>() {
        Ok(arn) => {
            assert_eq!(arn.to_string(), text);
            assert!(is_region(&arn.region) && is_account(&arn.account) && is_trail(&arn.name), "{arn}");
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
    let plain = |text: &str| text.is_ascii() && !text.contains(|c: char| c.is_ascii_control() || c == '/');
    assert!(!(is_region(&text) || is_account(&text) || is_trail(&text)) || plain(&text), "{text:?}");
}
