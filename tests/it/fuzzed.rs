//! The checks of the fuzz targets, on every seed and on every input that once found something.
//!
//! `TRAILPROOF_SEEDS=tests/fuzz/corpus cargo test --test it fuzzed` writes the seeds, for cargo-fuzz to start from.

mod seeds;

use std::fs;
use std::path::Path;

use crate::checks::ALL;

#[test]
fn every_seed_passes_its_check() {
    for (target, check) in ALL {
        let seeds = seeds::of(target);
        assert!(seeds.len() >= 5, "{target}: {} seeds", seeds.len());
        seeds.iter().for_each(|seed| check(seed));
        if let Ok(folder) = std::env::var("TRAILPROOF_SEEDS") {
            write(&Path::new(&folder).join(target), &seeds);
        }
    }
}

fn write(folder: &Path, seeds: &[Vec<u8>]) {
    fs::create_dir_all(folder).unwrap();
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:04}")), seed).unwrap();
    }
}

/// Every check has a target of its name, and every target a check: what is not listed is not run.
#[test]
fn every_check_is_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/targets");
    let mut targets: Vec<String> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    targets.sort();
    let checks = ALL.iter().map(|(name, _)| (*name).to_owned());
    let missing: Vec<String> =
        targets.iter().filter(|name| !checks.clone().any(|check| check == **name)).cloned().collect();
    let expected: &[&str] = if cfg!(feature = "aws") { &[] } else { &["answers"] };
    assert_eq!(missing, expected);
    assert!(checks.clone().all(|name| targets.contains(&name)));
}
