//! The tests that see trailproof from outside: its fixtures, its properties, its command line, its stores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc
)]
#![allow(unreachable_pub, reason = "nothing reaches into a test binary")]

#[cfg(feature = "aws")]
mod account;
mod anywhere;
mod archives;
mod bodies;
mod chains;
#[path = "../fuzz/src/checks/mod.rs"]
mod checks;
mod cli;
mod cloud;
mod cloud_tests;
mod collect;
mod describe;
mod directory;
mod discovery;
mod edges;
mod fixtures;
mod formats;
mod fuzzed;
mod genuine;
mod hostile;
mod interrupted;
mod judge;
mod layouts;
mod limits;
mod live;
mod mended;
mod moved;
mod plan;
mod properties;
#[cfg(feature = "aws")]
mod remote;
mod rendered;
mod replicas;
mod reports;
mod repository;
#[cfg(feature = "aws")]
mod s3;
mod saved_keys;
mod second;
mod shards;
mod signing;
mod sources;
mod state;
mod stores;
mod successors;
mod support;
mod timeline;
mod unprovable;
#[cfg(feature = "aws")]
mod worlds;
