//! Runs with a state.

use std::process::Command;

use trailproof::time::{HOUR, Timestamp};

use super::{NEAR, Settings, compare, show};
use crate::contestants::{PROGRAM, in_s3};
use crate::deliveries;
use crate::measure::{self, Contestant, ratio};
use crate::server;

/// The first run with a state, and later runs over a record that grew by an hour.
pub(super) fn year(settings: &Settings) {
    let delivery = deliveries::year();
    let served = server::start(&delivery, NEAR);
    let (fresh, filled, used) = (state("fresh"), state("filled"), state("used"));
    println!("  {} digests, {} log files", delivery.summary.digests, delivery.summary.logs);
    // An hour before the end, a run filled the state.
    let filling = in_s3("fill", &served, &delivery, &["--state", &filled]);
    let until = hour_before(&delivery.summary.end);
    let filling = with_state(replaced_end(filling, &until), &["rm", "-rf", &filled], &filled);
    measure::run(&filling);
    let all = ["--state", &fresh];
    let first = with_state(in_s3("first run", &served, &delivery, &all), &["rm", "-rf", &fresh], &fresh);
    let later = |name: &str, recheck: &str| {
        let run = in_s3(name, &served, &delivery, &["--state", &used, "--recheck", recheck]);
        on_copy(run, &filled, &used)
    };
    let contestants = [
        first,
        later("hourly run", "none"),
        later("hourly run, --recheck 1/720", "1/720"),
        later("daily run", "1/30"),
    ];
    let compared = compare(settings, &contestants, false);
    for (contestant, later) in contestants.iter().zip(&compared).skip(1) {
        let name = &contestant.name;
        show(
            &format!("first run / {name}, requests"),
            ratio(&compared[0].taken, &later.taken, |one| one.requests),
        );
        show(&format!("first run / {name}, wall"), ratio(&compared[0].taken, &later.taken, |one| one.wall));
    }
    show_size(&filled);
}

/// The same over 85,000 regions, and a run that finds nothing new.
pub(super) fn accounts(settings: &Settings) {
    let delivery = deliveries::remembered_accounts();
    let served = server::start(&delivery, NEAR);
    let (fresh, filled, used) = (state("fresh"), state("filled"), state("used"));
    let fill = in_s3("fill", &served, &delivery, &["--state", &filled]);
    measure::run(&with_state(fill, &["rm", "-rf", &filled], &filled));
    let first = in_s3("first run", &served, &delivery, &["--state", &fresh]);
    let first = with_state(first, &["rm", "-rf", &fresh], &fresh);
    let later = in_s3("nothing new", &served, &delivery, &["--state", &used, "--recheck", "none"]);
    compare(settings, &[first, on_copy(later, &filled, &used)], false);
    show_size(&filled);
}

/// The folder of a state.
fn state(name: &str) -> String {
    let dir = std::env::temp_dir().join(format!("trailproof-bench-state-{name}"));
    dir.to_str().unwrap().to_owned()
}

/// The same after `before` and `state init`.
fn with_state<'s>(mut contestant: Contestant<'s>, before: &[&str], place: &str) -> Contestant<'s> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    contestant.commands.splice(0..0, [words(before), words(&[PROGRAM, "state", "init", place])]);
    contestant
}

/// The same with a state that is a copy of the state `filled`.
fn on_copy<'s>(mut contestant: Contestant<'s>, filled: &str, used: &str) -> Contestant<'s> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    contestant.commands.splice(0..0, [words(&["rm", "-rf", used]), words(&["cp", "-r", filled, used])]);
    contestant
}

fn hour_before(end: &str) -> String {
    Timestamp::parse_report(end).unwrap().plus(-HOUR).to_string()
}

/// The same with another `--end-time`.
fn replaced_end<'s>(mut contestant: Contestant<'s>, end: &str) -> Contestant<'s> {
    for command in &mut contestant.commands {
        let mut words = command.iter_mut();
        if words.any(|word| word == "--end-time") {
            end.clone_into(words.next().unwrap());
        }
    }
    contestant
}

fn show_size(place: &str) {
    let output = Command::new("du").args(["-sk", place]).output().unwrap();
    let size = String::from_utf8_lossy(&output.stdout);
    println!("  size of the state: {} KiB", size.split_whitespace().next().unwrap_or("?"));
}
