//! A state that is damaged, cut, old, foreign or gone is refused, and never read as no memory.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use trailproof::ident::Sha256Hash;
use trailproof::state::StateError;

use super::{Memory, World, begin, small};

/// What opening the state for a run says.
fn refusal(memory: &Memory, world: &World) -> Option<StateError> {
    begin(&memory.place, &world.request(), 9).err()
}

/// Writes a file with a checksum that fits.
fn seal(path: &Path, mut value: Value) {
    let fields = value.as_object_mut().unwrap();
    fields.remove("checksum");
    let checksum = Sha256Hash::of(&serde_json::to_vec(&Value::Object(fields.clone())).unwrap()).to_string();
    fields.insert("checksum".to_owned(), checksum.into());
    fs::write(path, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
}

fn parsed(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn remembered() -> (World, Memory, PathBuf) {
    let (world, memory) = (World::of(&small()), Memory::new());
    memory.run(&world, &world.request(), 1);
    let file = memory.files().remove(0);
    (world, memory, file)
}

#[test]
fn a_cut_or_changed_file_is_refused() {
    let (world, memory, file) = remembered();
    let whole = fs::read(&file).unwrap();
    assert_eq!(refusal(&memory, &world), None);
    // Cut at any length.
    for length in (0..whole.len() - 1).step_by(97) {
        fs::write(&file, &whole[..length]).unwrap();
        let error = refusal(&memory, &world).unwrap_or_else(|| panic!("cut to {length} bytes"));
        assert!(matches!(error, StateError::Damaged { .. }), "{length}: {error}");
        assert!(error.to_string().contains("regions/trail-logs~~111122223333~us-east-1.json"), "{error}");
    }
    // One bit changed anywhere: the content is the same or refused.
    for at in (0..whole.len()).step_by(11) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&file, &changed).unwrap();
        let same = serde_json::from_slice::<Value>(&changed).ok() == serde_json::from_slice(&whole).ok();
        assert!(same || refusal(&memory, &world).is_some(), "bit of byte {at}");
    }
    fs::write(&file, [whole.clone(), whole.clone()].concat()).unwrap();
    assert!(refusal(&memory, &world).is_some());
    fs::write(&file, &whole).unwrap();
    assert_eq!(refusal(&memory, &world), None);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let (world, memory, file) = remembered();
    let whole = parsed(&file);
    seal(&file, whole.clone());
    assert_eq!(refusal(&memory, &world), None);
    let uri = whole["heads"][0]["uri"].as_str().unwrap().to_owned();
    for (pointer, value, says) in [
        ("/schema", Value::from("trailproof/state/2"), "trailproof/state/2"),
        ("/schema", Value::Null, "no `schema`"),
        ("/type", Value::from("run"), "belongs elsewhere"),
        ("/type", Value::from("place"), "belongs elsewhere"),
        ("/generation", Value::from(0), "generation is 0"),
        ("/generation", Value::from(-1), "damaged"),
        ("/generation", Value::from(1.5), "damaged"),
        ("/account", Value::from("444455556666"), "belongs elsewhere"),
        ("/region", Value::from("eu-west-1"), "belongs elsewhere"),
        ("/source", Value::from("s3://other/"), "belongs elsewhere"),
        ("/source", Value::from("other"), "belongs elsewhere"),
        ("/source", Value::Null, "belongs elsewhere"),
        ("/heads/0/uri", Value::from(uri.replace("us-east-1", "eu-west-1")), "damaged"),
        ("/heads/0/uri", Value::from("file:///etc/passwd"), "damaged"),
        ("/heads/0/uri", Value::from("s3://trail-logs/x"), "damaged"),
        ("/heads/0/end", Value::from("2026-09-01T00:00:00Z"), "not of its chain or its time"),
        ("/heads/0/end", Value::from("yesterday"), "damaged"),
        ("/heads/0/sha256", Value::from("00"), "damaged"),
        ("/heads/0/signature", Value::from("not hex"), "signature is not hex"),
        ("/heads/0/chain/trail", Value::from("other"), "not of its chain or its time"),
        ("/heads/0/chain/organization", Value::from("o-abcdefghij"), "not of its chain or its time"),
        ("/heads/0/chain/backfill", Value::from(true), "not of its chain or its time"),
        ("/heads", Value::from("none"), "damaged"),
        ("/run", Value::Null, "damaged"),
    ] {
        let mut wrong = whole.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        seal(&file, wrong);
        let error = refusal(&memory, &world).unwrap_or_else(|| panic!("{pointer} is taken"));
        assert!(error.to_string().contains(says), "{pointer}: {error}");
        assert!(!error.hint().is_empty());
    }
    let mut more = whole;
    more["later"] = Value::from(1);
    seal(&file, more);
    assert!(matches!(refusal(&memory, &world), Some(StateError::Damaged { .. })));
}

#[test]
fn an_older_or_missing_file_is_refused() {
    let (world, memory, file) = remembered();
    let first = fs::read(&file).unwrap();
    memory.run(&world, &world.request(), 2);
    let second = fs::read(&file).unwrap();
    fs::write(&file, &first).unwrap();
    assert!(matches!(refusal(&memory, &world), Some(StateError::Older { found: 1, seen: 2, .. })));
    fs::remove_file(&file).unwrap();
    assert!(matches!(refusal(&memory, &world), Some(StateError::Gone { seen: 2, .. })));
    fs::write(&file, &second).unwrap();
    assert_eq!(refusal(&memory, &world), None);
    // Killed between a file and the marker: the file is newer.
    let marker = memory.dir.path().join("place.json");
    let before = fs::read(&marker).unwrap();
    memory.run(&world, &world.request(), 3);
    fs::write(&marker, &before).unwrap();
    assert_eq!(refusal(&memory, &world), None);
    memory.run(&world, &world.request(), 4);
    assert_eq!(parsed(&marker)["files"].as_object().unwrap().values().next(), Some(&Value::from(4)));
}

#[test]
fn a_place_without_a_good_marker_is_no_state() {
    let (world, memory, _) = remembered();
    let marker = memory.dir.path().join("place.json");
    let whole = fs::read(&marker).unwrap();
    for content in [&b""[..], b"{}", b"[]", b"null", &whole[..whole.len() / 2]] {
        fs::write(&marker, content).unwrap();
        assert!(matches!(refusal(&memory, &world), Some(StateError::Damaged { .. })), "{content:?}");
    }
    let mut unready: Value = serde_json::from_slice(&whole).unwrap();
    unready["ready"] = Value::from(false);
    seal(&marker, unready);
    assert!(matches!(refusal(&memory, &world), Some(StateError::Unfinished { .. })));
    fs::remove_file(&marker).unwrap();
    assert!(matches!(refusal(&memory, &world), Some(StateError::NotAState { .. })));
}

/// The generations are in the marker: a new one would take an older file for the newest.
#[test]
fn a_state_that_lost_its_marker_is_not_made_anew() {
    let (_, memory, _) = remembered();
    fs::remove_file(memory.dir.path().join("place.json")).unwrap();
    let done = crate::cli::case::trailproof(&["state", "init", memory.dir.path().to_str().unwrap()]);
    done.assert_cannot(" of a state, such as `regions/trail-logs");
    assert!(done.stderr.contains("put its newest copy back"), "{}", done.stderr);
    assert!(!memory.dir.path().join("place.json").exists());
}

#[test]
fn a_file_of_the_state_that_cannot_be_read_is_named() {
    let (world, memory, file) = remembered();
    fs::remove_file(&file).unwrap();
    let gone = refusal(&memory, &world).unwrap().to_string();
    assert!(
        gone.ends_with("in the state is gone: an earlier run wrote the file, and no run removes one"),
        "{gone}"
    );
    fs::create_dir(&file).unwrap();
    let error = refusal(&memory, &world).unwrap().to_string();
    let name = format!("the state `{}` cannot be read or written: Is a directory", file.display());
    assert_eq!(error, name);
}

#[test]
fn a_file_under_another_name_is_refused() {
    let (world, memory, file) = remembered();
    let folder = file.parent().unwrap();
    fs::copy(&file, folder.join("trail-logs~other%2f~111122223333~us-east-1.json")).unwrap();
    assert!(matches!(refusal(&memory, &world), Some(StateError::Foreign { .. })));
    fs::remove_file(folder.join("trail-logs~other%2f~111122223333~us-east-1.json")).unwrap();
    fs::write(folder.join("notes.json"), "{}").unwrap();
    assert!(matches!(refusal(&memory, &world), Some(StateError::Foreign { .. })));
    fs::remove_file(folder.join("notes.json")).unwrap();
    // What a killed run leaves is no state file, and the next run removes it.
    fs::write(folder.join(".trailproof-abc"), "half").unwrap();
    memory.run(&world, &world.request(), 2);
    assert_eq!(memory.files().len(), 1);
}

#[test]
fn every_file_is_as_the_schema_says() {
    let (world, memory, file) = remembered();
    world.store.purge(&world.newest());
    memory.run(&world, &world.request(), 2);
    let schema: Value = serde_json::from_str(trailproof::state::SCHEMA_FILE).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for path in [&file, &memory.dir.path().join("place.json")] {
        let value = parsed(path);
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{}", path.display());
    }
    let mut wrong = parsed(&file);
    assert!(!wrong["findings"].as_array().unwrap().is_empty());
    wrong["findings"][0]["state"] = Value::from("forgotten");
    assert!(!validator.is_valid(&wrong));
}
