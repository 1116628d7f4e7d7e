//! `--relocated-from`: where a copy was delivered.

use super::{Failure, say, typed};
use crate::ident::{Location, Relocation};
use crate::validate::{self, SourceFolder, ValidationRequest};

/// Combines every `--relocated-from` with every source.
pub(super) fn relocations(
    named: &[String],
    sources: &[SourceFolder],
    objects: &[Location],
) -> Result<Vec<Relocation>, Failure> {
    let of_object = |object: &Location| SourceFolder {
        bucket: object.bucket.to_string(),
        prefix: object.key.to_string(),
    };
    let mut sources: Vec<SourceFolder> =
        sources.iter().cloned().chain(objects.iter().map(of_object)).collect();
    for source in &mut sources {
        source.prefix = validate::above_logs(&source.prefix).to_owned();
    }
    sources.dedup();
    let mut relocations = Vec::new();
    for text in named {
        let (from_bucket, prefix) = typed::place("--relocated-from", text)?;
        // A source that is the original itself did not move.
        let moved = sources.iter().filter(|to| to.bucket != from_bucket || to.prefix != prefix);
        relocations.extend(moved.map(|to| Relocation {
            from_bucket: from_bucket.clone(),
            from_prefix: prefix.clone(),
            to_bucket: to.bucket.clone(),
            // Behind an access point, every object has the key that it has in the bucket.
            to_prefix: if is_access_point(&to.bucket) { prefix.clone() } else { to.prefix.clone() },
        }));
    }
    relocations.dedup();
    Ok(relocations)
}

/// Whether a source's bucket is an access point, by its ARN or alias: names that no bucket can have.
fn is_access_point(bucket: &str) -> bool {
    bucket.starts_with("arn:") || bucket.ends_with("-s3alias")
}

/// Says that the run found nothing that was delivered to the places `from`.
pub(super) fn say_without_effect(from: &[String], request: &ValidationRequest) {
    if moves_one_source(request) {
        let from = from.join("`, `");
        let note =
            format!("note: `--relocated-from` has no effect: no proved digest was delivered to `{from}`");
        say(&note);
    }
}

/// Whether the request names the place that its only source was copied from. With the original among the sources, a copy
/// need not be told of.
fn moves_one_source(request: &ValidationRequest) -> bool {
    let ValidationRequest { relocations, sources, objects, .. } = request;
    !relocations.is_empty() && sources.len() == 1 && objects.is_empty()
}
