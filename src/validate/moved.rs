//! Where an object of a moved folder was read, which findings name by its recorded place.

use crate::event::Finding;
use crate::ident::{Location, Relocation};

/// The same finding, with the place where the run read its object. Unchanged without a move, for a finding that names the
/// copy already, and where several copies may have been read.
pub(super) fn with_place(finding: Finding, moves: &[Relocation]) -> Finding {
    let read_at = || {
        let (bucket, key) = finding.uri.as_deref()?.strip_prefix("s3://")?.split_once('/')?;
        place_of(&Location::new(bucket, key), moves)
    };
    match finding.copy {
        Some(_) => finding,
        None => Finding { read_at: read_at().map(|place| place.to_string()), ..finding },
    }
}

/// The only place of a copy of the object recorded at `location`.
fn place_of(location: &Location, moves: &[Relocation]) -> Option<Location> {
    if moves.iter().any(|moved| moved.original_of(location).is_some()) {
        return None;
    }
    let mut places = moves.iter().filter_map(|moved| moved.copy_of(location));
    places.next().filter(|_| places.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Kind;
    use crate::time::Timestamp;

    fn read_at(moves: &[(&str, &str)], uri: &str) -> Option<String> {
        let place = |text: &str| {
            let (bucket, prefix) = text.split_once('/').unwrap();
            (bucket.to_owned(), prefix.to_owned())
        };
        let moves = moves.iter().map(|(from, to)| {
            let ((from_bucket, from_prefix), (to_bucket, to_prefix)) = (place(from), place(to));
            Relocation { from_bucket, from_prefix, to_bucket, to_prefix }
        });
        let (bucket, key) = place(uri);
        let finding = Finding::told(Kind::LogModified, Timestamp::from_unix(0), "x");
        with_place(finding.about(&Location::new(bucket, key)), &moves.collect::<Vec<_>>()).read_at
    }

    #[test]
    fn the_place_is_that_of_the_only_copy() {
        for (moves, uri, place) in [
            (&[("orig/", "dr/")][..], "orig/AWSLogs/a", Some("s3://dr/AWSLogs/a")),
            (&[("orig/", "dr/x/")], "orig/AWSLogs/a", Some("s3://dr/x/AWSLogs/a")),
            (&[("orig/", "dr/")], "other/AWSLogs/a", None),
            // The object is named by its own place already.
            (&[("orig/", "dr/")], "dr/AWSLogs/a", None),
            (&[("b/", "b/dr/")], "b/dr/AWSLogs/a", None),
            (&[("b/", "b/dr/")], "b/AWSLogs/a", Some("s3://b/dr/AWSLogs/a")),
            (&[("b/old/", "b/")], "b/old/AWSLogs/a", Some("s3://b/AWSLogs/a")),
            (&[("b/old/", "b/")], "b/AWSLogs/a", None),
            // Which of two copies was read is not known here.
            (&[("orig/", "dr/"), ("orig/", "dr2/")], "orig/AWSLogs/a", None),
            (&[], "orig/AWSLogs/a", None),
        ] {
            assert_eq!(read_at(moves, uri).as_deref(), place, "{moves:?} {uri}");
        }
    }
}
