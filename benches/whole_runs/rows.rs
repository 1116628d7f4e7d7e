//! The rows of the table, each with its contestants and what is compared.

#[path = "memory.rs"]
mod memory;

use std::time::Duration;

use crate::contestants::{PROGRAM, aws_cli, by_older, in_s3, in_shards, kernel, on_disk, planned, sdk};
use crate::deliveries;
use crate::measure::{Contestant, Taken, in_turn, median, ratio};
use crate::server::{self, Deletion};

/// Rounds of each row, unless `--rounds` says otherwise.
const ROUNDS: usize = 5;

/// Names the program of an older trailproof, unless `--before` does.
const BEFORE: &str = "TRAILPROOF_BEFORE";

/// The latency of a bucket that is near.
const NEAR: Duration = Duration::from_millis(20);

/// The latency of one on another continent.
const FAR: Duration = Duration::from_millis(100);

/// How many requests we have under way at most.
const AT_ONCE: f64 = 512.0;

/// How each row is run.
struct Settings {
    rounds: usize,
    /// The program of an older trailproof, which every row then runs in turn with ours.
    before: Option<String>,
}

struct Row {
    name: &'static str,
    about: &'static str,
    run: fn(&Settings),
}

/// What a contestant took, round by round.
struct Compared {
    taken: Vec<Taken>,
    /// What the older program took for the same, where there is one and the contestant is our program.
    before: Option<Vec<Taken>>,
}

const ROWS: [Row; 18] = [
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
    Row {
        name: "deleted",
        about: "1,920 digests of 8 regions over HTTP, 20 ms latency: many objects deleted, against none",
        run: deleted,
    },
    Row {
        name: "organization",
        about: "5,000 accounts with three quiet hours over HTTP, 100 ms latency, against the floor",
        run: organization,
    },
    Row {
        name: "accounts",
        about: "discovery and plan of 5,000 accounts in 17 regions over HTTP, 20 ms latency",
        run: accounts,
    },
    Row {
        name: "memory",
        about: "a year of 12 regions over HTTP, 20 ms latency: the first run with a state, and an hourly run",
        run: memory::year,
    },
    Row {
        name: "memory-accounts",
        about: "85,000 regions with a state over HTTP: the first run, and one that finds nothing new",
        run: memory::accounts,
    },
    Row {
        name: "shards",
        about: "100,080 log files in 8 shards over HTTP, 20 ms latency: 1, 2, 4, 8 at a time, against one run",
        run: |settings| shards(settings, 139),
    },
    Row {
        name: "shards-million",
        about: "the same with 1,000,080 log files",
        run: |settings| shards(settings, 1_389),
    },
    Row { name: "growth", about: "10,000, 100,000 and 1,000,000 log files on disk", run: growth },
    Row { name: "chains", about: "1,000,000 digests in 200 chains on disk", run: chains },
    Row { name: "giant", about: "one log file of 5 GB inflated", run: giant },
    Row { name: "start", about: "nothing to do: one hour on disk, and a bucket without trails", run: start },
];

/// Runs the rows that are named, or all of them: `[--rounds N] [--before PROGRAM] [ROW...]`.
pub fn run(words: &[&str]) {
    let mut settings = Settings { rounds: ROUNDS, before: std::env::var(BEFORE).ok() };
    let mut named = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--rounds" => {
                settings.rounds = words.next().and_then(|text| text.parse().ok()).expect("--rounds N");
            }
            "--before" => settings.before = Some((*words.next().expect("--before PROGRAM")).to_owned()),
            name if ROWS.iter().any(|row| row.name == name) => named.push(name),
            other => {
                let known: Vec<_> =
                    ROWS.iter().map(|row| format!("  {:12} {}", row.name, row.about)).collect();
                panic!("no row is called `{other}`; there are\n{}", known.join("\n"));
            }
        }
    }
    for row in ROWS.iter().filter(|row| named.is_empty() || named.contains(&row.name)) {
        println!("\n== {}: {}, {} rounds", row.name, row.about, settings.rounds);
        (row.run)(&settings);
    }
}

fn show(what: &str, (median, low, high): (f64, f64, f64)) {
    println!("  {what:<58} {median:>10.3}  ({low:.3} to {high:.3})");
}

/// Runs them in turn, each of ours also by the older program, and shows what each took.
fn compare(settings: &Settings, contestants: &[Contestant<'_>], warm_up: bool) -> Vec<Compared> {
    // 1. The older program runs right after ours.
    let older = |contestant| settings.before.as_ref().and_then(|program| by_older(program, contestant));
    let with_older: Vec<Contestant<'_>> = contestants
        .iter()
        .flat_map(|contestant| [Some(contestant.clone()), older(contestant)])
        .flatten()
        .collect();
    let all = in_turn(&with_older, settings.rounds, warm_up);
    // 2. What each took.
    for (contestant, taken) in with_older.iter().zip(&all) {
        let show_one = |what: &str, of: fn(&Taken) -> f64| {
            show(&format!("{}: {what}", contestant.name), median(taken.iter().map(of)));
        };
        show_one("wall seconds", |one| one.wall);
        show_one("cpu seconds", |one| one.cpu);
        show_one("peak MiB", |one| one.peak);
        if contestant.server.is_some() {
            show_one("requests", |one| one.requests);
        }
    }
    // 3. Ours against the older program's.
    let mut all = all.into_iter();
    let compared = contestants.iter().map(|contestant| Compared {
        taken: all.next().unwrap(),
        before: older(contestant).and_then(|_| all.next()),
    });
    let compared: Vec<Compared> = compared.collect();
    for (contestant, Compared { taken, before }) in contestants.iter().zip(&compared) {
        let Some(before) = before else { continue };
        show(&format!("{}: ours / before, wall", contestant.name), ratio(taken, before, |one| one.wall));
        show(&format!("{}: ours / before, cpu", contestant.name), ratio(taken, before, |one| one.cpu));
        show(&format!("{}: ours / before, peak", contestant.name), ratio(taken, before, |one| one.peak));
    }
    compared
}

fn against_aws_cli(settings: &Settings, latency: Duration, what: &str, of: fn(&Taken) -> f64) {
    let Some(delivery) = deliveries::real() else { return };
    let served = server::start(&delivery, latency);
    let mut contestants = vec![in_s3("trailproof", &served, &delivery, &[])];
    contestants.extend(aws_cli(&served, &delivery));
    let compared = compare(settings, &contestants, false);
    if let [ours, theirs] = &compared[..] {
        show(&format!("AWS CLI / trailproof, {what}"), ratio(&theirs.taken, &ours.taken, of));
    }
}

fn real(settings: &Settings) {
    against_aws_cli(settings, NEAR, "wall", |taken| taken.wall);
}

fn cpu(settings: &Settings) {
    against_aws_cli(settings, Duration::ZERO, "cpu", |taken| taken.cpu);
}

fn busy(settings: &Settings) {
    let delivery = deliveries::busy();
    for threads in [1, 2] {
        let jobs = threads.to_string();
        let contestants = [on_disk("trailproof", &delivery, &["--jobs", &jobs]), kernel(&delivery, threads)];
        let compared = compare(settings, &contestants, true);
        let speed =
            compared[0].taken.iter().zip(&compared[1].taken).map(|(ours, kernel)| kernel.figure / ours.wall);
        show(&format!("kernel's seconds / trailproof's, {threads} threads"), median(speed));
    }
}

fn threads(settings: &Settings) {
    for (name, delivery) in [("large", deliveries::busy()), ("small", deliveries::month(139))] {
        let one = on_disk("--jobs 1", &delivery, &["--jobs", "1"]);
        let two = on_disk("--jobs 2", &delivery, &["--jobs", "2"]);
        let compared = compare(settings, &[one, two], true);
        show(
            &format!("{name}: one thread / two, wall"),
            ratio(&compared[0].taken, &compared[1].taken, |one| one.wall),
        );
    }
}

fn quiet(settings: &Settings) {
    let delivery = deliveries::quiet();
    let served = server::start(&delivery, Duration::ZERO);
    let contestants =
        [in_s3("trailproof", &served, &delivery, &[]), sdk(&served, &delivery, "/CloudTrail-Digest/", 64)];
    let compared = compare(settings, &contestants, true);
    let speed = compared[0].taken.iter().zip(&compared[1].taken).map(|(ours, sdk)| sdk.figure / ours.wall);
    show("digests a second / the SDK's GETs a second", median(speed));
    show("SDK / trailproof, cpu", ratio(&compared[1].taken, &compared[0].taken, |one| one.cpu));
}

fn deleted(settings: &Settings) {
    let delivery = deliveries::ten_days();
    let cases = [
        ("nothing deleted", Deletion::Nothing, 0),
        ("960 digests deleted", Deletion::EveryOtherDigest, 1),
        ("960 log files deleted", Deletion::EveryFourthLog, 1),
        ("960 digests deleted in 8 stretches", Deletion::DigestStretch, 1),
    ];
    let served = cases.map(|(_, deletion, _)| server::start_without(&delivery, NEAR, deletion));
    let contestants: Vec<Contestant<'_>> = cases
        .iter()
        .zip(&served)
        .map(|((name, _, code), served)| Contestant { code: *code, ..in_s3(name, served, &delivery, &[]) })
        .collect();
    let compared = compare(settings, &contestants, true);
    let [whole, deleted @ ..] = &compared[..] else { return };
    for ((name, ..), deleted) in cases[1..].iter().zip(deleted) {
        show(&format!("{name} / nothing, wall"), ratio(&deleted.taken, &whole.taken, |one| one.wall));
        if let (Some(deleted), Some(whole)) = (&deleted.before, &whole.before) {
            show(&format!("{name} / nothing, wall, before"), ratio(deleted, whole, |one| one.wall));
        }
    }
}

fn organization(settings: &Settings) {
    let delivery = deliveries::organization();
    let served = server::start(&delivery, FAR);
    let asked = in_s3("trailproof", &served, &delivery, &["--start-time", &delivery.summary.start]);
    let compared = compare(settings, &[asked], false);
    let show_floor = |name: &str, taken: &[Taken]| {
        let floor = |one: &Taken| one.wall / (one.requests / AT_ONCE * FAR.as_secs_f64());
        show(&format!("{name}: wall / floor of 512 requests at a time"), median(taken.iter().map(floor)));
    };
    for Compared { taken, before } in &compared {
        show_floor("trailproof", taken);
        before.iter().for_each(|before| show_floor("before", before));
    }
}

fn accounts(settings: &Settings) {
    let delivery = deliveries::accounts();
    let served = server::start(&delivery, NEAR);
    let one = in_s3("plan of one region", &served, &delivery, &["--dry-run", "--region", "eu-west-1"]);
    let all = in_s3("plan of 85,000 regions", &served, &delivery, &["--dry-run"]);
    let shards = planned("shards of 85,000 regions", &served, &delivery, &[]);
    compare(settings, &[one, all, shards], false);
}

fn shards(settings: &Settings, logs_per_hour: u32) {
    let delivery = deliveries::month(logs_per_hour);
    let served = server::start(&delivery, NEAR);
    let mut contestants = vec![in_s3("one run", &served, &delivery, &[])];
    for (at_once, name) in
        [("1", "1 at a time"), ("2", "2 at a time"), ("4", "4 at a time"), ("8", "8 at a time")]
    {
        let cut = (delivery.summary.logs.div_ceil(8)).to_string();
        contestants.push(in_shards(name, &served, &delivery, &cut, at_once));
    }
    let compared = compare(settings, &contestants, true);
    let [whole, cut @ ..] = &compared[..] else { return };
    for (contestant, cut) in contestants[1..].iter().zip(cut) {
        let of = |what: &str| format!("{} / one run, {what}", contestant.name);
        show(&of("wall"), ratio(&cut.taken, &whole.taken, |one| one.wall));
        show(&of("cpu"), ratio(&cut.taken, &whole.taken, |one| one.cpu));
        show(&of("requests"), ratio(&cut.taken, &whole.taken, |one| one.requests));
    }
}

fn growth(settings: &Settings) {
    for logs_per_hour in [14, 139, 1_389] {
        let delivery = deliveries::month(logs_per_hour);
        println!("  {} log files", delivery.summary.logs);
        compare(settings, &[on_disk("trailproof", &delivery, &[])], true);
    }
}

fn chains(settings: &Settings) {
    let delivery = deliveries::chains();
    println!("  {} digests in {} chains", delivery.summary.digests, delivery.summary.accounts.len());
    compare(settings, &[on_disk("trailproof", &delivery, &[])], true);
}

fn giant(settings: &Settings) {
    let delivery = deliveries::giant();
    compare(settings, &[on_disk("trailproof", &delivery, &[])], true);
}

fn start(settings: &Settings) {
    let small = deliveries::small();
    let served = server::start(&small, Duration::ZERO);
    let nowhere = in_s3("no digests in S3", &served, &small, &["--region", "eu-west-1"]);
    let version = vec![PROGRAM.to_owned(), "--version".to_owned()];
    let contestants = [
        Contestant { name: "--version".to_owned(), commands: vec![version], ..nowhere.clone() },
        Contestant { code: 3, ..nowhere },
        on_disk("one hour on disk", &small, &[]),
    ];
    compare(settings, &contestants, true);
}

fn pace(settings: &Settings) {
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
        compare(settings, &contestants, true);
    }
}

fn slowed(settings: &Settings) {
    let Some(delivery) = deliveries::real() else { return };
    let served = server::start_slowed(&delivery, NEAR, 0.05);
    let standard = in_s3("standard", &served, &delivery, &[]);
    let mut adaptive = Contestant { name: "AWS_RETRY_MODE=adaptive".to_owned(), ..standard.clone() };
    adaptive.environment.push(("AWS_RETRY_MODE".to_owned(), "adaptive".to_owned()));
    let compared = compare(settings, &[standard, adaptive], true);
    show("adaptive / standard, wall", ratio(&compared[1].taken, &compared[0].taken, |one| one.wall));
}
