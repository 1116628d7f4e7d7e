//! The `s3://` address that was meant by a URL, an ARN, a bare bucket name or a misspelled scheme.

/// The end of every host name of S3, by partition.
///
/// Source: AWS General Reference, "Amazon S3 endpoints and quotas".
const DOMAINS: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"];

/// How the names of files end that are typed where a source is expected.
const FILES: [&str; 7] = ["gz", "json", "pem", "tar", "txt", "zip", "zst"];

/// The `s3://BUCKET[/PREFIX]` that `text` stands for; `None` where no valid bucket name can be found in `text`.
pub(super) fn meant(text: &str) -> Option<String> {
    let (bucket, prefix) =
        by_scheme(text).or_else(|| by_arn(text)).or_else(|| by_url(text)).or_else(|| by_name(text))?;
    let prefix = prefix.trim_start_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    (is_bucket(bucket) && !prefix.contains('%')).then(|| format!("s3://{bucket}{slash}{prefix}"))
}

/// Whether `text` looks like a bare name or a relative path.
pub(super) fn is_plain(text: &str) -> bool {
    by_name(text).is_some() && by_url(text).is_none()
}

/// `S3://b/p`, `s3:b`, `s3:/b`, `s3:///b`, `s3a://b`.
fn by_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_s3 = ["s3", "s3a", "s3n"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    is_s3.then(|| split(rest.trim_start_matches('/')))
}

/// `arn:aws:s3:::b/p`.
fn by_arn(text: &str) -> Option<(&str, &str)> {
    let (partition, resource) = text.strip_prefix("arn:")?.split_once(":s3:::")?;
    partition.starts_with("aws").then(|| split(resource))
}

/// `https://b.s3.REGION.amazonaws.com/p`, `https://s3.REGION.amazonaws.com/b/p`, and the S3 console's
/// `https://…console.aws.amazon.com/s3/buckets/b?prefix=p/`. The scheme may be left out.
fn by_url(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = split(place.split('#').next().unwrap_or_default());
    let host = host.split(':').next().unwrap_or_default();
    if host.ends_with("console.aws.amazon.com") {
        let bucket = path.strip_prefix("s3/buckets/")?.split('/').next()?;
        let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix="));
        return Some((bucket, prefix.unwrap_or_default()));
    }
    let host = DOMAINS.iter().find_map(|domain| host.strip_suffix(domain))?;
    // The bucket stands before the last label `s3` or `s3-…`; where nothing does, the path begins with the bucket.
    let is_service = |at: &usize| {
        let (before, label) = host.split_at_checked(*at).unwrap_or_default();
        let label = label.split('.').next().unwrap_or_default();
        (before.is_empty() || before.ends_with('.')) && (label == "s3" || label.starts_with("s3-"))
    };
    let at = host.rmatch_indices("s3").map(|(at, _)| at).find(is_service)?;
    match host.get(..at)?.strip_suffix('.') {
        Some(bucket) => Some((bucket, path)),
        None => Some(split(path)),
    }
}

/// `b/p`, where only the scheme is missing. A text that ends like a file's name is a file.
fn by_name(text: &str) -> Option<(&str, &str)> {
    let (bucket, prefix) = split(text);
    let is_file = text.rsplit_once('.').is_some_and(|(_, extension)| FILES.contains(&extension));
    (is_bucket(bucket) && !is_file).then_some((bucket, prefix))
}

fn split(text: &str) -> (&str, &str) {
    text.split_once('/').unwrap_or((text, ""))
}

/// Whether `text` follows the rules for names of general purpose buckets.
///
/// Source: Amazon S3 User Guide, "General purpose bucket naming rules".
pub(super) fn is_bucket(text: &str) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
        && is_edge(bytes.first())
        && is_edge(bytes.last())
        && !text.contains("..")
        && text.parse::<std::net::Ipv4Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_every_form() {
        for (text, address) in [
            ("https://logs.s3.amazonaws.com", "s3://logs"),
            ("https://logs.s3.amazonaws.com/", "s3://logs"),
            ("https://logs.s3.amazonaws.com/a/b", "s3://logs/a/b"),
            ("https://logs.s3.eu-west-1.amazonaws.com/p/", "s3://logs/p/"),
            ("https://a.b.s3-eu-west-1.amazonaws.com", "s3://a.b"),
            ("https://logs.s3.dualstack.us-west-2.amazonaws.com/p", "s3://logs/p"),
            ("https://s3.eu-west-1.amazonaws.com/logs/p", "s3://logs/p"),
            ("https://s3.amazonaws.com/logs", "s3://logs"),
            ("https://s3.cn-north-1.amazonaws.com.cn/logs", "s3://logs"),
            ("http://logs.s3.amazonaws.com:80/p?versionId=1#x", "s3://logs/p"),
            ("logs.s3.amazonaws.com/p", "s3://logs/p"),
            ("https://us-east-1.console.aws.amazon.com/s3/buckets/logs?region=x&prefix=p/", "s3://logs/p/"),
            ("S3://logs/p", "s3://logs/p"),
            ("s3:logs", "s3://logs"),
            ("s3:/logs/p", "s3://logs/p"),
            ("s3:///logs", "s3://logs"),
            ("s3a://logs", "s3://logs"),
            ("arn:aws:s3:::logs/p", "s3://logs/p"),
            ("arn:aws-cn:s3:::logs", "s3://logs"),
            ("logs", "s3://logs"),
            ("logs/AWSLogs/", "s3://logs/AWSLogs/"),
        ] {
            assert_eq!(meant(text).as_deref(), Some(address), "{text}");
        }
        for text in [
            "",
            "/tmp/logs",
            "./logs",
            "../logs",
            "Logs",
            "ab",
            "10.0.0.1",
            "s3://",
            "S3://UPPER",
            "s3:\u{1b}[2J",
            "https://example.com/logs",
            "https://s3.amazonaws.com",
            "https://amazonaws.com/logs",
            "https://xs3.amazonaws.com/logs",
            "arn:aws:s3:us-east-1:111122223333:accesspoint/logs",
            "é/logs",
            "keys.json",
            "logs/name.json.gz",
        ] {
            assert_eq!(meant(text), None, "{text}");
        }
    }
}
