//! What the fuzz targets run. The checks are the tests' own as well: `cargo test` gives them every seed, and every input
//! that once found something.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::missing_panics_doc, reason = "a check panics where it finds something")]

#[path = "../../it/bodies.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod bodies;
pub mod checks;
#[path = "../../it/signing.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod signing;
#[path = "../../it/support.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod support;
