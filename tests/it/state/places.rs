//! What every place of a state does, a directory and a prefix of a bucket alike.

use std::thread;

use trailproof::state::place::{DirectoryPlace, FileVersion, PlaceError};
use trailproof::state::{self, StateError, StatePlace};

const FILE: &str = "regions/trail-logs~~111122223333~us-east-1.json";

/// Runs the contract on an empty place.
pub(super) fn assert_contract(place: &dyn StatePlace) {
    // 1. Nothing is there.
    assert_eq!((place.list(), place.read(FILE)), (Ok(Vec::new()), Ok(None)));
    assert!(!place.name().is_empty());
    // 2. A first write, and no second first write.
    let first = place.write(FILE, b"one", None).unwrap();
    assert_eq!(place.write(FILE, b"two", None), Err(PlaceError::Changed));
    let read = place.read(FILE).unwrap().unwrap();
    assert_eq!((read.bytes.as_slice(), &read.version), (&b"one"[..], &first));
    // 3. A write over the version that was read, and no other.
    let second = place.write(FILE, b"two", Some(&first)).unwrap();
    assert_ne!(first, second);
    assert_eq!(place.write(FILE, b"three", Some(&first)), Err(PlaceError::Changed));
    assert_eq!(place.write("runs/other.json", b"x", Some(&first)), Err(PlaceError::Changed));
    assert_eq!(place.read(FILE).unwrap().unwrap().bytes, b"two");
    // 4. Names: in order, with subfolders, and without the marker.
    for file in ["runs/a.json", "regions/b/c/d.json", "place.json", "regions/%2e%2e~x.json"] {
        place.write(file, file.as_bytes(), None).unwrap();
        assert_eq!(place.read(file).unwrap().unwrap().bytes, file.as_bytes());
    }
    let listed = place.list().unwrap();
    assert_eq!(listed, ["regions/%2e%2e~x.json", "regions/b/c/d.json", FILE, "runs/a.json"]);
    // 5. Empty and large content.
    let empty = place.write(FILE, b"", Some(&second)).unwrap();
    assert_eq!(place.read(FILE).unwrap().unwrap().bytes, b"");
    let large = vec![b'x'; 1 << 20];
    let version = place.write(FILE, &large, Some(&empty)).unwrap();
    assert_eq!(place.read(FILE).unwrap().unwrap().bytes, large);
    // 6. Of many writers over one version, one wins.
    assert_eq!(winners(place, FILE, Some(&version)), 1);
    assert_eq!(winners(place, "runs/new.json", None), 1);
}

/// How many of eight writers at the same time succeed.
fn winners(place: &dyn StatePlace, file: &str, expected: Option<&FileVersion>) -> usize {
    thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|number: u32| {
                scope.spawn(move || match place.write(file, format!("by {number}").as_bytes(), expected) {
                    Ok(_) => 1,
                    Err(PlaceError::Changed) => 0,
                    Err(error) => panic!("{error}"),
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    })
}

#[test]
fn a_directory_is_a_place() {
    let dir = tempfile::tempdir().unwrap();
    assert_contract(&DirectoryPlace::new(dir.path()));
    let left: Vec<_> = std::fs::read_dir(dir.path().join("regions")).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_str().unwrap().starts_with('.')), "{left:?}");
}

#[test]
fn a_directory_becomes_a_state_once() {
    let dir = tempfile::tempdir().unwrap();
    let place = DirectoryPlace::new(dir.path().join("a/b"));
    assert!(matches!(state::init(&place), Err(StateError::Place(_))));
    place.create().unwrap();
    state::init(&place).unwrap();
    assert!(matches!(state::init(&place), Err(StateError::AlreadyAState { .. })));
}

#[test]
fn a_place_that_cannot_be_written_says_so() {
    let place = DirectoryPlace::new("/dev/null/state");
    for error in
        [place.create().err(), place.write(FILE, b"", None).err(), place.read(FILE).err(), place.list().err()]
    {
        let error = error.unwrap();
        assert!(error.to_string().contains("/dev/null/state"), "{error}");
    }
}
