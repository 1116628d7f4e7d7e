//! The rows of the table, each with its contestants and what is compared.

use std::time::Duration;

use crate::contestants::{aws_cli, in_s3, kernel, on_disk, sdk};
use crate::measure::{Contestant, Taken, in_turn, median, ratio};
use crate::{deliveries, server};

/// Rounds of each row, unless `--rounds` says otherwise.
const ROUNDS: usize = 5;

struct Row {
    name: &'static str,
    about: &'static str,
    run: fn(usize),
}

const ROWS: [Row; 11] = [
    Row {
        name: "real",
        about: "real log files of 12 regions over HTTP, 20 ms latency, against the AWS CLI",
        run: real,
    },
    Row { name: "cpu", about: "the same without latency: cpu seconds", run: cpu },
    Row { name: "busy", about: "large log files on disk, against the kernel", run: busy },
    Row { name: "threads", about: "one thread against two, large and small log files on disk", run: threads },
    Row {
        name: "quiet",
        about: "10,000 digests without log files over HTTP, against the bare SDK client",
        run: quiet,
    },
    Row { name: "pace", about: "requests at a time: adapted or fixed, at three latencies", run: pace },
    Row {
        name: "slowed",
        about: "one answer in twenty is `SlowDown`: the SDK's two kinds of retries",
        run: slowed,
    },
    Row { name: "growth", about: "10,000, 100,000 and 1,000,000 log files on disk", run: growth },
    Row { name: "chains", about: "1,000,000 digests in 200 chains on disk", run: chains },
    Row { name: "giant", about: "one log file of 5 GB inflated", run: giant },
    Row { name: "start", about: "nothing to do: one hour on disk, and a bucket without trails", run: start },
];

/// Runs the rows that are named, or all of them: `[--rounds N] [ROW...]`.
pub fn run(words: &[&str]) {
    let mut rounds = ROUNDS;
    let mut named = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--rounds" => rounds = words.next().and_then(|text| text.parse().ok()).expect("--rounds N"),
            name if ROWS.iter().any(|row| row.name == name) => named.push(name),
            other => {
                let known: Vec<_> =
                    ROWS.iter().map(|row| format!("  {:8} {}", row.name, row.about)).collect();
                panic!("no row is called `{other}`; there are\n{}", known.join("\n"));
            }
        }
    }
    for row in ROWS.iter().filter(|row| named.is_empty() || named.contains(&row.name)) {
        println!("\n== {}: {}, {rounds} rounds", row.name, row.about);
        (row.run)(rounds);
    }
}

fn show(what: &str, (median, low, high): (f64, f64, f64)) {
    println!("  {what:<58} {median:>10.3}  ({low:.3} to {high:.3})");
}

/// Runs them in turn and shows what each took.
fn compare(contestants: &[Contestant], rounds: usize, warm_up: bool) -> Vec<Vec<Taken>> {
    let taken = in_turn(contestants, rounds, warm_up);
    for (contestant, taken) in contestants.iter().zip(&taken) {
        show(&format!("{}: wall seconds", contestant.name), median(taken.iter().map(|one| one.wall)));
        show(&format!("{}: cpu seconds", contestant.name), median(taken.iter().map(|one| one.cpu)));
        show(&format!("{}: peak MiB", contestant.name), median(taken.iter().map(|one| one.peak)));
    }
    taken
}

fn against_aws_cli(rounds: usize, latency: u64, what: &'static str, of: fn(&Taken) -> f64) {
    let Some(delivery) = deliveries::real() else { return };
    let served = server::start(&delivery, Duration::from_millis(latency));
    let mut contestants = vec![in_s3("trailproof", &served, &delivery, &[])];
    contestants.extend(aws_cli(&served, &delivery));
    let taken = compare(&contestants, rounds, false);
    if let [ours, theirs] = &taken[..] {
        show(&format!("AWS CLI / trailproof, {what}"), ratio(theirs, ours, of));
    }
}

fn real(rounds: usize) {
    against_aws_cli(rounds, 20, "wall", |taken| taken.wall);
}

fn cpu(rounds: usize) {
    against_aws_cli(rounds, 0, "cpu", |taken| taken.cpu);
}

fn busy(rounds: usize) {
    let delivery = deliveries::busy();
    for threads in [1, 2] {
        let jobs = threads.to_string();
        let contestants = [on_disk("trailproof", &delivery, &["--jobs", &jobs]), kernel(&delivery, threads)];
        let taken = compare(&contestants, rounds, true);
        let speed = taken[0].iter().zip(&taken[1]).map(|(ours, kernel)| kernel.figure / ours.wall);
        show(&format!("kernel's seconds / trailproof's, {threads} threads"), median(speed));
    }
}

fn threads(rounds: usize) {
    for (name, delivery) in [("large", deliveries::busy()), ("small", deliveries::month(139))] {
        let one = on_disk("--jobs 1", &delivery, &["--jobs", "1"]);
        let two = on_disk("--jobs 2", &delivery, &["--jobs", "2"]);
        let taken = compare(&[one, two], rounds, true);
        show(&format!("{name}: one thread / two, wall"), ratio(&taken[0], &taken[1], |taken| taken.wall));
    }
}

fn quiet(rounds: usize) {
    let delivery = deliveries::quiet();
    let served = server::start(&delivery, Duration::ZERO);
    let contestants =
        [in_s3("trailproof", &served, &delivery, &[]), sdk(&served, &delivery, "/CloudTrail-Digest/", 64)];
    let taken = compare(&contestants, rounds, true);
    let speed = taken[0].iter().zip(&taken[1]).map(|(ours, sdk)| sdk.figure / ours.wall);
    show("digests a second / the SDK's GETs a second", median(speed));
    show("SDK / trailproof, cpu", ratio(&taken[1], &taken[0], |taken| taken.cpu));
}

fn growth(rounds: usize) {
    for logs_per_hour in [14, 139, 1_389] {
        let delivery = deliveries::month(logs_per_hour);
        println!("  {} log files", delivery.summary.logs);
        compare(&[on_disk("trailproof", &delivery, &[])], rounds, true);
    }
}

fn chains(rounds: usize) {
    let delivery = deliveries::chains();
    println!("  {} digests in {} chains", delivery.summary.digests, delivery.summary.accounts.len());
    compare(&[on_disk("trailproof", &delivery, &[])], rounds, true);
}

fn giant(rounds: usize) {
    let delivery = deliveries::giant();
    compare(&[on_disk("trailproof", &delivery, &[])], rounds, true);
}

fn start(rounds: usize) {
    let small = deliveries::small();
    let served = server::start(&small, Duration::ZERO);
    let nowhere = in_s3("no digests in S3", &served, &small, &["--region", "eu-west-1"]);
    let version = vec![env!("CARGO_BIN_EXE_trailproof").to_owned(), "--version".to_owned()];
    let contestants = [
        Contestant { name: "--version", commands: vec![version], ..nowhere.clone() },
        Contestant { code: 3, ..nowhere },
        on_disk("one hour on disk", &small, &[]),
    ];
    compare(&contestants, rounds, true);
}

fn pace(rounds: usize) {
    let Some(delivery) = deliveries::real() else { return };
    for latency in [0, 20, 100] {
        println!("  latency of {latency} ms");
        let served = server::start(&delivery, Duration::from_millis(latency));
        let fixed = |name, jobs| in_s3(name, &served, &delivery, &["--jobs", jobs]);
        let contestants = [
            in_s3("adapted", &served, &delivery, &[]),
            fixed("--jobs 64", "64"),
            fixed("--jobs 128", "128"),
            fixed("--jobs 256", "256"),
            fixed("--jobs 512", "512"),
        ];
        compare(&contestants, rounds, true);
    }
}

fn slowed(rounds: usize) {
    let Some(delivery) = deliveries::real() else { return };
    let served = server::start_slowed(&delivery, Duration::from_millis(20), 0.05);
    let standard = in_s3("standard", &served, &delivery, &[]);
    let mut adaptive = Contestant { name: "AWS_RETRY_MODE=adaptive", ..standard.clone() };
    adaptive.environment.push(("AWS_RETRY_MODE".to_owned(), "adaptive".to_owned()));
    let taken = compare(&[standard, adaptive], rounds, true);
    show("adaptive / standard, wall", ratio(&taken[1], &taken[0], |taken| taken.wall));
}
