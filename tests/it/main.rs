//! The tests that see trailproof from outside: its fixtures, its properties, its command line, its stores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    unreachable_pub
)]

mod fixtures;
mod support;
