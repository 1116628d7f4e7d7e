//! Whole runs, side by side: `cargo bench --bench whole_runs -- [--rounds N] [--before PROGRAM] [ROW...]`.
//!
//! Each row runs its contestants in turn, several times, on the same bytes: the `trailproof` program, the AWS CLI where
//! it is installed, a bare loop over the SDK's client, the disk kernel (inflate and SHA-256, from memory). What counts
//! is the ratio within one round, and of the rounds the median. S3 is a server on 127.0.0.1 that holds the delivery in
//! memory and answers after a set latency; it runs in a process of its own. Deliveries are made once, in
//! `target/whole-runs`. `--before`, or the variable `TRAILPROOF_BEFORE`, names the program of an older trailproof: each row
//! then runs it in turn with ours. What the rows are, and the figures seen: `benches/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]
#![allow(unreachable_pub, reason = "nothing reaches into a program")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints")]

#[path = "../tests/it/cloud.rs"]
mod cloud;
#[path = "whole_runs/contestants.rs"]
mod contestants;
#[path = "whole_runs/deliveries.rs"]
mod deliveries;
#[path = "whole_runs/kernel.rs"]
mod kernel;
#[path = "whole_runs/measure.rs"]
mod measure;
#[path = "whole_runs/rows.rs"]
mod rows;
#[path = "whole_runs/sdk.rs"]
mod sdk;
#[path = "whole_runs/server.rs"]
mod server;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.split_first() {
        // What this program starts itself as.
        Some((&"serve", rest)) => server::serve(rest),
        Some((&"time", rest)) => measure::time(rest),
        Some((&"kernel", rest)) => kernel::run(rest),
        Some((&"sdk", rest)) => sdk::run(rest),
        _ => rows::run(&words),
    }
}
