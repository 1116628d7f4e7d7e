//! Running programs in turn, and what each took.

use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde_json::{Value, json};

use crate::server::Served;

/// Separates the commands of a contestant that needs several.
const NEXT: &str = "--next";

/// A contestant: commands that run one after the other, with these additions to their environment.
#[derive(Clone)]
pub struct Contestant<'s> {
    /// Its name in the table.
    pub name: String,
    /// Program and arguments of each command.
    pub commands: Vec<Vec<String>>,
    /// Variables.
    pub environment: Vec<(String, String)>,
    /// What each command has to exit with.
    pub code: i64,
    /// The server that it asks, which counts the requests.
    pub server: Option<&'s Served>,
}

/// What a contestant took.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// Seconds by the clock.
    pub wall: f64,
    /// Seconds of processors, user and system.
    pub cpu: f64,
    /// The largest process's peak memory, in MiB.
    pub peak: f64,
    /// The number it printed as `figure`, where it did.
    pub figure: f64,
    /// Requests to the server.
    pub requests: f64,
}

/// Runs a contestant in a process that only it is a child of.
pub fn run(contestant: &Contestant<'_>) -> Taken {
    let asked = || contestant.server.map_or(0, Served::requests);
    let asked_before = asked();
    let mut helper = Command::new(std::env::current_exe().unwrap());
    helper.arg("time").args(contestant.commands.join(&NEXT.to_owned()));
    helper.envs(contestant.environment.iter().map(|(name, value)| (name, value)));
    let output = helper.stderr(Stdio::inherit()).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).expect("what the helper prints");
    let codes = answer["codes"].as_array().unwrap();
    let fits = codes.iter().all(|code| code.as_i64() == Some(contestant.code));
    assert!(fits, "`{}` exits with {codes:?}:\n{}", contestant.name, answer["printed"].as_str().unwrap());
    let number = |name: &str| answer[name].as_f64().unwrap_or(f64::NAN);
    Taken {
        wall: number("wall"),
        cpu: number("cpu"),
        peak: number("peak"),
        figure: number("figure"),
        requests: (asked() - asked_before) as f64,
    }
}

/// Runs all contestants in turn, `rounds` times after one round to warm up; every other round in the reverse order, since
/// who runs after a contestant of another kind finds colder caches. One list for each contestant.
pub fn in_turn(contestants: &[Contestant<'_>], rounds: usize, warm_up: bool) -> Vec<Vec<Taken>> {
    if warm_up {
        contestants.iter().for_each(|contestant| _ = run(contestant));
    }
    let mut taken = vec![Vec::new(); contestants.len()];
    for round in 0..rounds {
        let mut order: Vec<_> = contestants.iter().zip(&mut taken).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (contestant, taken) in order {
            taken.push(run(contestant));
        }
    }
    taken
}

/// The median, with the lowest and the highest.
pub fn median(values: impl IntoIterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

/// Ratios of two contestants, round by round: median, lowest and highest.
pub fn ratio(of: &[Taken], to: &[Taken], what: fn(&Taken) -> f64) -> (f64, f64, f64) {
    median(of.iter().zip(to).map(|(of, to)| what(of) / what(to)))
}

/// The helper: runs the commands and prints what they took together.
pub fn time(words: &[&str]) {
    let mut codes = Vec::new();
    let mut printed = String::new();
    let begun = Instant::now();
    for command in words.split(|word| *word == NEXT) {
        let output = Command::new(command[0]).args(&command[1..]).output().expect(command[0]);
        codes.push(output.status.code());
        printed.push_str(&String::from_utf8_lossy(&output.stdout));
        printed.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    let wall = begun.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    let cpu = seconds(usage.user_time()) + seconds(usage.system_time());
    let figure = printed.lines().find_map(|line| line.strip_prefix("figure ")?.parse::<f64>().ok());
    let peak = usage.max_rss() as f64 / 1024.0;
    let answer =
        json!({"wall": wall, "cpu": cpu, "peak": peak, "codes": codes, "figure": figure, "printed": printed});
    println!("{answer}");
}
