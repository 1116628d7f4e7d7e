//! Random worlds of the fuzz target `anywhere`: any key put, copied, moved or deleted anywhere, and any question.
//!
//! `TRAILPROOF_WORLDS` says how many, `TRAILPROOF_SEED` which.

use std::collections::BTreeMap;
use std::panic;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

use crate::checks::anywhere;

/// How many worlds `cargo test` makes.
const WORLDS: u64 = 400;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

#[test]
fn nothing_that_is_put_anywhere_makes_a_verdict_milder() {
    let (worlds, seed) = (setting("TRAILPROOF_WORLDS", WORLDS), setting("TRAILPROOF_SEED", 0));
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let mut wrong: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for number in 0..worlds {
        let mut bytes = vec![0; 24 + usize::try_from(random.next_u32() % 100).unwrap()];
        random.fill_bytes(&mut bytes);
        let Err(cause) = panic::catch_unwind(|| anywhere::check(&bytes)) else { continue };
        let why = cause.downcast_ref::<String>().cloned().unwrap_or_default();
        let about = why.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        let told = wrong.entry(about).or_default();
        told.0 += 1;
        if told.1.is_empty() {
            told.1 = format!("world {number} of seed {seed}, {}: {why}", hex::encode(&bytes));
        }
    }
    let told: Vec<String> = wrong.values().map(|(times, why)| format!("{times} x {why}")).collect();
    assert!(told.is_empty(), "of {worlds} worlds\n{}", told.join("\n\n"));
}
