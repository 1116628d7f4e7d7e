//! The engine against a second one that is slow and plain: what the verdict means (README.md), written once more in
//! `plain`, on thousands of random deliveries, touched in random ways and asked about random ranges. Both have to come to
//! the same verdict, findings, counts and covered time. Messages and evidence are not compared.
//!
//! The plain one reads everything there is, one after another, and uses none of the engine's judges: JSON by
//! serde_json's `Value`, gzip by flate2, signatures by `rsa`. Where the README leaves a choice, the choice is said there
//! in a comment.
//!
//! `TRAILPROOF_DELIVERIES` says how many, `TRAILPROOF_SEED` which, `TRAILPROOF_FIRST` from which one on.

mod chain;
mod coverage;
mod document;
mod edits;
mod logs;
mod names;
mod plain;
pub(crate) mod recipe;
mod silence;
mod touches;
mod world;
mod worth;

use std::collections::BTreeMap;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use trailproof::event::{Event, Finding, Verdict};
use trailproof::ident::ChainId;
use trailproof::simulate::Spec;
use trailproof::validate::ValidationRequest;

use crate::support::{Ran, run};
use names::Chain;
use plain::{Counted, Judged, Said};
use recipe::{Bases, Recipe, recipe};

/// How many deliveries `cargo test` judges.
const DELIVERIES: u64 = 1_500;

/// How many deliveries are enough for all there is to be among them.
const ENOUGH: u64 = 500;

/// How many recipes share a delivery.
const SHARING: u64 = 5;

pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

fn chain(id: &ChainId) -> Chain {
    Chain {
        account: id.account.to_string(),
        region: id.region.to_string(),
        trail: id.trail.to_string(),
        home: id.home_region.to_string(),
        organization: id.organization.as_deref().map(str::to_owned),
        backfill: id.backfill,
    }
}

fn said(finding: &Finding) -> Said {
    Said {
        kind: finding.kind,
        severity: finding.severity,
        account: finding.account.clone(),
        region: finding.region.clone(),
        trail: finding.trail.clone(),
        uri: finding.uri.clone(),
        start: finding.start,
        end: finding.end,
        reason: finding.reason,
    }
}

/// What the engine came to, in the words of the plain judge.
fn of_engine(ran: &Ran) -> Judged {
    let mut all: Vec<Said> = ran.findings.iter().map(said).collect();
    all.sort();
    let covered = ran.events.iter().filter_map(|event| match event {
        Event::Chain(summary) => Some((chain(&summary.id), summary.covered.clone())),
        _ => None,
    });
    let (digests, logs) = (ran.counts.digests, ran.counts.logs);
    Judged {
        verdict: ran.verdict,
        said: all,
        counted: Counted {
            digests: [digests.valid, digests.tampered, digests.unverified],
            logs: [logs.valid, logs.tampered, logs.unverified, logs.unreferenced],
        },
        covered: covered.collect(),
    }
}

/// What one has and the other has not.
fn differences(engine: &Judged, plain: &Judged) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = plain.said.clone();
    for one in &engine.said {
        match rest.iter().position(|other| other == one) {
            Some(at) => drop(rest.remove(at)),
            None => all.push(format!("engine only: {}", line(one))),
        }
    }
    all.extend(rest.iter().map(|one| format!("plain only:  {}", line(one))));
    if engine.verdict != plain.verdict {
        all.push(format!("verdict: {:?}, plainly {:?}", engine.verdict, plain.verdict));
    }
    if engine.counted != plain.counted {
        all.push(format!("counts: {:?}, plainly {:?}", engine.counted, plain.counted));
    }
    let nothing = |covered: &BTreeMap<Chain, _>| {
        let mut covered: BTreeMap<Chain, Vec<_>> = covered.clone();
        covered.retain(|_, covered| !covered.is_empty());
        covered
    };
    let (one, other) = (nothing(&engine.covered), nothing(&plain.covered));
    if one != other {
        let show = |covered: &BTreeMap<Chain, Vec<trailproof::time::Interval>>| {
            let each = covered.iter().map(|(chain, times)| {
                let times: Vec<String> = times.iter().map(ToString::to_string).collect();
                format!(
                    "{}/{}{}: {}",
                    chain.region,
                    chain.trail,
                    if chain.backfill { "+" } else { "" },
                    times.join(", ")
                )
            });
            each.collect::<Vec<_>>().join("; ")
        };
        all.push(format!("covered: {}\n     plainly: {}", show(&one), show(&other)));
    }
    all
}

fn line(said: &Said) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let time = |time: Option<trailproof::time::Timestamp>| {
        time.map_or_else(|| "-".to_owned(), |time| time.to_string())
    };
    format!(
        "{} {:?} {}/{}/{} {} to {} {:?} {}",
        said.kind.as_str(),
        said.severity,
        text(&said.account),
        text(&said.region),
        text(&said.trail),
        time(said.start),
        time(said.end),
        said.reason,
        text(&said.uri)
    )
}

fn disagreement(recipe: &Recipe, bases: &Bases) -> (Vec<String>, usize, Verdict) {
    let (delivered, undone) = recipe.deliver(bases);
    // The plain judge names each object.
    let request = ValidationRequest { joins_findings: false, ..recipe.request(&delivered) };
    let engine = of_engine(&run(&delivered.store, &delivered.keys, &request, 1));
    let plain = plain::judge(&delivered.store, &delivered.simulated.keys_json, &request);
    (differences(&engine, &plain), undone, engine.verdict)
}

/// The smallest recipe that still has a disagreement of the same kind.
fn shrunk(recipe: Recipe, about: &str, bases: &Bases) -> Recipe {
    let mut least = recipe;
    while let Some(smaller) =
        least.smaller().into_iter().find(|it| disagreement(it, bases).0.iter().any(|one| class(one) == about))
    {
        least = smaller;
    }
    least
}

/// What a disagreement is about: who says it, and the kind.
fn class(difference: &str) -> String {
    difference.split_whitespace().take(4).collect::<Vec<_>>().join(" ")
}

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Recipe `number` of `seed`. Each delivery that is not tampered with in the making serves several recipes.
pub(crate) fn nth(seed: u64, number: u64) -> Recipe {
    let draw = |number| recipe().new_tree(&mut runner(seed.wrapping_shl(32) + number)).unwrap().current();
    let mut drawn: Recipe = draw(number);
    if drawn.spec.tampers.is_empty() {
        let shared: Recipe = draw(number - number % SHARING);
        drawn.spec = Spec { tampers: Vec::new(), ..shared.spec };
    }
    drawn
}

/// A disagreement in one line and its details, of the smallest recipe that has it.
fn told(recipe: Recipe, about: &str, bases: &Bases) -> String {
    let least = shrunk(recipe, about, bases);
    let differences = disagreement(&least, bases).0.join("\n  ");
    let asked = least.request(&least.deliver(bases).0);
    let names = [&asked.accounts, &asked.regions, &asked.trails];
    format!("{least:?}\n  asked {:?} of {names:?}, now {}\n  {differences}", asked.range, asked.now)
}

#[test]
fn the_engine_and_the_plain_judge_agree() {
    let (count, seed) = (setting("TRAILPROOF_DELIVERIES", DELIVERIES), setting("TRAILPROOF_SEED", 0));
    let bases = Bases::default();
    let (mut undone, mut touches, mut verdicts) = (0, 0, BTreeMap::new());
    let mut classes: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let first = setting("TRAILPROOF_FIRST", 0);
    for number in first..first + count {
        let recipe = nth(seed, number);
        touches += recipe.touches.len() + recipe.spec.tampers.len();
        let (differences, left_out, verdict) = disagreement(&recipe, &bases);
        undone += left_out;
        *verdicts.entry(verdict).or_insert(0_u64) += 1;
        let Some(about) = differences.first().map(|first| class(first)) else { continue };
        let entry = classes.entry(about.clone()).or_default();
        entry.0 += 1;
        if entry.1.is_empty() {
            entry.1 = format!("number {number} of seed {seed}: {}", told(recipe, &about, &bases));
        }
    }
    let told = classes.iter().map(|(about, (times, how))| format!("{times} x {about}\n{how}"));
    let told: Vec<String> = told.collect();
    assert!(told.is_empty(), "of {count} deliveries\n{}", told.join("\n\n"));
    if count < ENOUGH {
        return;
    }
    // Touches that touch nothing, and deliveries that all come to the same, would show little.
    assert!(undone * 5 < touches, "{undone} of {touches} touches had nothing to be done to");
    assert_eq!(verdicts.len(), 3, "{verdicts:?}");
    assert!(verdicts.values().all(|times| times * 20 > count), "{verdicts:?}");
}
