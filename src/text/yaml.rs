//! Reads YAML of the AWS CLI.

use serde_saphyr::{Options, budget, options};

/// The AWS CLI writes no aliases, no anchors and no tags, so none is accepted: aliases can multiply a short text.
pub(crate) fn strict() -> Options {
    options! {
        budget: budget! { max_aliases: 0, max_anchors: 0, max_merge_keys: 0, max_depth: 16, flow_nesting_limit: 16 },
        with_snippet: false,
    }
}
