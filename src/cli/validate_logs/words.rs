//! The AWS CLI's words for findings, and findings without such words.

use crate::event::{BodyFault, Fault, Finding, Kind, ObjectState, Severity};

/// The result on an object's line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Said {
    Valid,
    /// `INVALID: ` and this.
    Invalid(String),
    /// The object could not be read. The AWS CLI would stop here; trailproof prints a note and no line.
    Nothing,
}

/// The AWS CLI's result for a digest with this state and these findings. `key` makes the text about an unknown key.
pub(super) fn digest(state: ObjectState, findings: &[Finding], key: impl FnOnce() -> String) -> Said {
    if state == ObjectState::Valid {
        return Said::Valid;
    }
    let Some(finding) = gravest(findings) else { return Said::Nothing };
    Said::Invalid(match finding.kind {
        Kind::DigestMissing | Kind::DigestDeleted => "not found".to_owned(),
        Kind::DigestMalformed => "invalid format".to_owned(),
        Kind::DigestMoved => "has been moved from its original location".to_owned(),
        Kind::DigestModified | Kind::DigestUnsigned => "signature verification failed".to_owned(),
        Kind::KeyUnknown => key(),
        Kind::DigestUnreadable => return Said::Nothing,
        // The AWS CLI has no words for checks that it does not make.
        kind => kind.as_str().to_owned(),
    })
}

/// The AWS CLI's result for a log file.
pub(super) fn log(state: ObjectState, findings: &[Finding]) -> Said {
    if state == ObjectState::Valid {
        return Said::Valid;
    }
    let Some(finding) = gravest(findings) else { return Said::Nothing };
    Said::Invalid(match finding.kind {
        Kind::LogMissing | Kind::LogDeleted => "not found".to_owned(),
        Kind::LogModified => modified(finding).to_owned(),
        Kind::LogUnreadable => return Said::Nothing,
        kind => kind.as_str().to_owned(),
    })
}

/// The AWS CLI's reason, by the message of the gzip reader. The AWS CLI inflates as much as it can, and hashes the result.
fn modified(finding: &Finding) -> &'static str {
    match &finding.fault {
        Fault::LogBody { body: BodyFault::Trailing } => "unexpected data after end of compressed stream",
        Fault::LogBody { body: BodyFault::NotGzip | BodyFault::Corrupt } => "invalid format",
        _ => "hash value doesn't match",
    }
}

fn gravest(findings: &[Finding]) -> Option<&Finding> {
    findings.iter().rev().max_by_key(|finding| finding.severity)
}

/// Whether the object's line says everything about a finding. A finding without proof of tampering needs a note, and so
/// does a finding that the AWS CLI has no words for.
pub(super) fn is_told(finding: &Finding, said: &Said) -> bool {
    match said {
        Said::Valid | Said::Nothing => finding.severity == Severity::Notice,
        Said::Invalid(words) => {
            finding.severity == Severity::Notice
                || (finding.severity == Severity::Tampered && words != finding.kind.as_str())
        }
    }
}

/// Account, region, trail and time of a finding that names no object: `111122223333 us-east-1 audit, 2026-…Z to 2026-…Z: `.
pub(super) fn chain_and_time(finding: &Finding) -> String {
    let names = [&finding.account, &finding.region, &finding.trail];
    let names: Vec<&str> = names.into_iter().filter_map(|name| name.as_deref()).collect();
    let time = match (finding.start, finding.end) {
        (Some(start), Some(end)) => Some(format!("{start} to {end}")),
        (Some(start), None) => Some(format!("from {start}")),
        (None, Some(end)) => Some(format!("to {end}")),
        (None, None) => None,
    };
    let chain = Some(names.join(" ")).filter(|names| !names.is_empty());
    let parts: Vec<String> = [chain, time].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!("{}: ", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_named_by_chain_and_time() {
        let at = Timestamp::from_unix;
        let gap = Finding::told(Kind::ChainGap, at(0), "no digest covers this time");
        assert_eq!(chain_and_time(&gap), "");
        let named = Finding {
            account: Some("111122223333".to_owned()),
            region: Some("us-east-1".to_owned()),
            trail: Some("audit".to_owned()),
            start: Some(at(0)),
            end: Some(at(3_600)),
            ..gap
        };
        let said = "111122223333 us-east-1 audit, 1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z: ";
        assert_eq!(chain_and_time(&named), said);
        assert_eq!(
            chain_and_time(&Finding { end: None, trail: None, account: None, ..named }),
            "us-east-1, from 1970-01-01T00:00:00Z: "
        );
    }
    use crate::gzip::{self, BodyError, Encoding};
    use crate::time::Timestamp;

    fn of_body(body: &[u8]) -> Said {
        let Err(BodyError::Malformed(body)) = gzip::hash(&mut &*body, Encoding::Gzip, 1 << 20) else {
            panic!("a body that is whole");
        };
        let finding = Finding::new(Fault::LogBody { body }, Timestamp::from_unix(0));
        log(ObjectState::Tampered, &[finding])
    }

    #[test]
    fn a_damaged_body_is_called_what_the_aws_cli_calls_it() {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"{\"Records\":[]}").unwrap();
        let whole = encoder.finish().unwrap();
        let invalid = |words: &str| Said::Invalid(words.to_owned());
        assert_eq!(of_body(b""), invalid("hash value doesn't match"));
        assert_eq!(of_body(&whole[..15]), invalid("hash value doesn't match"));
        assert_eq!(of_body(b"{}"), invalid("invalid format"));
        assert_eq!(
            of_body(&[&whole[..], b"x"].concat()),
            invalid("unexpected data after end of compressed stream")
        );
        let mut corrupt = whole.clone();
        corrupt[whole.len() - 6] ^= 1;
        assert_eq!(of_body(&corrupt), invalid("invalid format"));
    }

    #[test]
    fn an_unreadable_file_has_no_line() {
        let denied = Finding::told(Kind::LogUnreadable, Timestamp::from_unix(0), "access denied");
        let said = log(ObjectState::Unverified, std::slice::from_ref(&denied));
        assert_eq!(said, Said::Nothing);
        assert!(!is_told(&denied, &said));
    }
}
