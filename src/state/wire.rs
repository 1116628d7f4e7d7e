//! Writes and reads state files. A file is parsed strictly: an unknown field or a wrong checksum is an error, and every
//! digest has to be of the chain and the scope that the file names.

mod days;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use days::WireFolder;

use super::document::{
    MAX_FINDINGS, RememberedDigest, RememberedFinding, RunStamp, StateDocument, StoredAcceptance,
};
use super::scope::StateScope;
use super::{MAX_FILE, SCHEMA, StateError};
use crate::event::{Kind, Severity};
use crate::ident::{ChainId, DigestKey, Location, Sha256Hash};
use crate::text::shortened;
use crate::time::Timestamp;

const CHECKSUM: &str = "checksum";

/// The most characters of a signature: RSA keys of 16,384 bits, in hex.
const MAX_SIGNATURE: usize = 4_096;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDocument {
    schema: String,
    r#type: String,
    generation: u64,
    source: Option<String>,
    account: Option<String>,
    region: Option<String>,
    sources: Vec<String>,
    run: RunStamp,
    heads: Vec<WireDigest>,
    backfill: Vec<WireDigest>,
    begins: Vec<WireDigest>,
    #[serde(default)]
    sealed: Vec<WireFolder>,
    findings: Vec<WireFinding>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDigest {
    chain: ChainId,
    uri: String,
    end: Timestamp,
    sha256: Sha256Hash,
    signature: Option<Box<str>>,
    run: String,
    /// `None` for all sources of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sources: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFinding {
    id: String,
    first_seen: Timestamp,
    kind: Kind,
    severity: Severity,
    cause: Option<String>,
    chain: Option<ChainId>,
    account: Option<String>,
    region: Option<String>,
    uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    copy: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unseen: bool,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    at: Timestamp,
    state: FindingState,
    accepted: Option<StoredAcceptance>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FindingState {
    Open,
    Accepted,
}

impl StateDocument {
    /// The document in the form of its file, without the checksum.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(wire_of(self)).unwrap_or_default()
    }
}

/// The bytes of `document`, named `file` in errors.
pub(super) fn write(document: &StateDocument, file: &str) -> Result<Vec<u8>, StateError> {
    seal(&wire_of(document), file)
}

fn wire_of(document: &StateDocument) -> WireDocument {
    let (source, account, region) = fields_of(&document.scope);
    let sources = match &document.scope {
        StateScope::Run { sources } if document.sources.is_empty() => sources.clone(),
        _ => document.sources.clone(),
    };
    let digests = |all: &[RememberedDigest]| {
        all.iter().map(|one| WireDigest::of(one, &document.sources)).collect::<Vec<_>>()
    };
    WireDocument {
        schema: SCHEMA.to_owned(),
        r#type: type_of(&document.scope).to_owned(),
        generation: document.generation,
        source,
        account: account.map(str::to_owned),
        region: region.map(str::to_owned),
        sources,
        run: document.run.clone(),
        heads: digests(&document.heads),
        backfill: digests(&document.backfill),
        begins: digests(&document.begins),
        sealed: days::of(document),
        findings: document.findings.iter().map(WireFinding::of).collect(),
    }
}

/// Reads the document of `scope` from the file called `file`.
pub(super) fn read(bytes: &[u8], scope: &StateScope, file: &str) -> Result<StateDocument, StateError> {
    let wire: WireDocument = unseal(bytes, file)?;
    let damaged = |why: &str| StateError::Damaged { file: file.to_owned(), why: why.to_owned() };
    let foreign = |why: String| StateError::Foreign { file: file.to_owned(), why: shown(why) };
    if wire.r#type != type_of(scope) {
        return Err(foreign(format!("it is of type `{}`", wire.r#type)));
    }
    // Names of access points have slashes, so source and scope are compared as written.
    let (source, account, region) = fields_of(scope);
    let says = (wire.source.as_deref(), wire.account.as_deref(), wire.region.as_deref());
    let is_of_scope = match scope {
        StateScope::Region { .. } => true,
        StateScope::Run { .. } => *scope == StateScope::of_run(&wire.sources),
    };
    if says != (source.as_deref(), account, region) || !is_of_scope {
        let (source, account, region) = says;
        let says = [source, account, region].into_iter().flatten().collect::<Vec<_>>().join(" ");
        return Err(foreign(format!("its content is for `{says}`")));
    }
    if wire.generation == 0 {
        return Err(damaged("its generation is 0"));
    }
    if wire.findings.len() > MAX_FINDINGS {
        return Err(damaged("it has too many findings"));
    }
    let digests = |all: Vec<WireDigest>| {
        let parsed = all.into_iter().map(|one| one.into_digest(scope, &wire.sources));
        parsed.collect::<Result<Vec<_>, &str>>().map_err(damaged)
    };
    let findings = wire.findings.into_iter().map(WireFinding::into_finding);
    let (heads, backfill, begins) = (digests(wire.heads)?, digests(wire.backfill)?, digests(wire.begins)?);
    Ok(StateDocument {
        scope: scope.clone(),
        generation: wire.generation,
        sources: wire.sources,
        run: wire.run,
        heads,
        backfill,
        begins,
        sealed: days::read(wire.sealed, scope).map_err(damaged)?,
        findings: findings.collect::<Result<Vec<_>, &str>>().map_err(damaged)?,
    })
}

/// Source, account and region of a scope as in its file.
fn fields_of(scope: &StateScope) -> (Option<String>, Option<&str>, Option<&str>) {
    match scope {
        StateScope::Region { bucket, root, account, region } => {
            (Some(format!("s3://{bucket}/{root}")), Some(account), Some(region))
        }
        StateScope::Run { .. } => (None, None, None),
    }
}

const fn type_of(scope: &StateScope) -> &'static str {
    match scope {
        StateScope::Region { .. } => "region",
        StateScope::Run { .. } => "run",
    }
}

/// The bytes of a file: the document and its checksum.
pub(super) fn seal(document: &impl Serialize, file: &str) -> Result<Vec<u8>, StateError> {
    let failed =
        |error: serde_json::Error| StateError::Damaged { file: file.to_owned(), why: error.to_string() };
    let mut value = serde_json::to_value(document).map_err(failed)?;
    let checksum = checksum(&value).map_err(failed)?;
    if let Value::Object(fields) = &mut value {
        fields.insert(CHECKSUM.to_owned(), Value::from(checksum));
    }
    let mut bytes = serde_json::to_vec_pretty(&value).map_err(failed)?;
    bytes.push(b'\n');
    if bytes.len() as u64 > MAX_FILE {
        return Err(StateError::TooLarge { file: file.to_owned(), limit: MAX_FILE });
    }
    Ok(bytes)
}

/// The document in a file, once schema and checksum are as they should be.
pub(super) fn unseal<T: DeserializeOwned>(bytes: &[u8], file: &str) -> Result<T, StateError> {
    let damaged = |why: String| StateError::Damaged { file: file.to_owned(), why: shown(why) };
    let mut fields: Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    match fields.get("schema") {
        Some(Value::String(schema)) if schema == SCHEMA => {}
        Some(Value::String(schema)) => {
            return Err(StateError::Version { file: file.to_owned(), schema: shown(schema.clone()) });
        }
        _ => return Err(damaged("it has no `schema`".to_owned())),
    }
    let recorded = fields.remove(CHECKSUM);
    let value = Value::Object(fields);
    let found = checksum(&value).map_err(|error| damaged(error.to_string()))?;
    if recorded.as_ref().and_then(Value::as_str) != Some(&*found) {
        return Err(damaged("its checksum does not fit its content".to_owned()));
    }
    serde_json::from_value(value).map_err(|error| damaged(error.to_string()))
}

/// Hex SHA-256 of a value in compact form. The names of an object's fields are sorted.
fn checksum(value: &Value) -> serde_json::Result<String> {
    Ok(Sha256Hash::of(&serde_json::to_vec(value)?).to_string())
}

fn shown(text: String) -> String {
    shortened(text.escape_debug().to_string())
}

impl RememberedDigest {
    /// Whether a file of `scope` can hold the digest: a digest whose name contradicts its text is not remembered, since it
    /// could not be found again by its name.
    pub(super) fn fits(&self, scope: &StateScope) -> bool {
        WireDigest::of(self, &[]).into_digest(scope, &[]).is_ok()
    }
}

impl WireDigest {
    /// The digest in a file that runs over the sources `all` wrote.
    fn of(digest: &RememberedDigest, all: &[String]) -> Self {
        let RememberedDigest { chain, location, end, hash, signature, run, sources } = digest.clone();
        let sources = (*sources != *all).then_some(sources);
        Self { chain, uri: location.to_string(), end, sha256: hash, signature, run, sources }
    }

    fn into_digest(self, scope: &StateScope, all: &[String]) -> Result<RememberedDigest, &'static str> {
        let Self { chain, uri, end, sha256, signature, run, sources } = self;
        let sources = sources.unwrap_or_else(|| all.to_vec());
        let place = uri.strip_prefix("s3://").and_then(|place| place.split_once('/'));
        let (bucket, key) = place.ok_or("the uri of a digest is no `s3://BUCKET/KEY`")?;
        let location = Location::new(bucket, key);
        let parsed = DigestKey::parse(&location).ok_or("the uri of a digest is no digest's")?;
        // A copy lies elsewhere than its digests were delivered to, but keeps account and region.
        let is_of = |account: &str, region: &str| {
            *parsed.folder.account == *account && *parsed.folder.region == *region
        };
        let is_within = match scope {
            StateScope::Region { account, region, .. } => is_of(account, region),
            StateScope::Run { .. } => false,
        };
        if !is_within {
            return Err("a digest lies outside of the file's scope");
        }
        if parsed.chain() != chain || parsed.end != end {
            return Err("a digest is not of its chain or its time");
        }
        let is_hex =
            |text: &str| text.len() <= MAX_SIGNATURE && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if signature.as_deref().is_some_and(|signature| !is_hex(signature)) {
            return Err("a signature is not hex");
        }
        Ok(RememberedDigest { chain, location, end, hash: sha256, signature, run, sources })
    }
}

impl WireFinding {
    fn of(finding: &RememberedFinding) -> Self {
        let finding = finding.clone();
        let RememberedFinding { id, first_seen, kind, severity, cause, chain, account, .. } = finding;
        let RememberedFinding { region, uri, copy, unseen, start, end, at, accepted, .. } = finding;
        let state = if accepted.is_some() { FindingState::Accepted } else { FindingState::Open };
        Self {
            id,
            first_seen,
            kind,
            severity,
            cause,
            chain,
            account,
            region,
            uri,
            copy,
            unseen,
            start,
            end,
            at,
            state,
            accepted,
        }
    }

    fn into_finding(self) -> Result<RememberedFinding, &'static str> {
        if self.id.len() != 32 || !self.id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err("the id of a finding is not 32 hex digits");
        }
        if (self.state == FindingState::Accepted) != self.accepted.is_some() {
            return Err("the state of a finding contradicts its acceptance");
        }
        if self.severity == Severity::Notice || self.kind == Kind::Accepted {
            return Err("a notice is among the findings");
        }
        let Self { id, first_seen, kind, severity, cause, chain, account, .. } = self;
        let Self { region, uri, copy, unseen, start, end, at, accepted, .. } = self;
        Ok(RememberedFinding {
            id,
            first_seen,
            kind,
            severity,
            cause,
            chain,
            account,
            region,
            uri,
            copy,
            unseen,
            start,
            end,
            at,
            accepted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_every_scope_are_read_again() {
        let run = RunStamp { id: "run".to_owned(), at: Timestamp::from_unix(0) };
        let region = |bucket: &str, root: &str| StateScope::Region {
            bucket: bucket.to_owned(),
            root: root.to_owned(),
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
        };
        let scopes = [
            region("trail-logs", ""),
            region("trail-logs", "/"),
            region("arn:aws:s3:us-east-1:111122223333:accesspoint/audit", "a/b/"),
            StateScope::Run { sources: vec!["s3://trail-logs".to_owned(), "/a b/\u{1b}".to_owned()] },
        ];
        for scope in &scopes {
            let document = StateDocument { generation: 1, ..StateDocument::new(scope.clone(), run.clone()) };
            let bytes = write(&document, "file").unwrap();
            for other in &scopes {
                let read = read(&bytes, other, "file");
                assert_eq!(read.is_ok(), scope == other, "{scope} {other}: {read:?}");
            }
        }
    }
}
