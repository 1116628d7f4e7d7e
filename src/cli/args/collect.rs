//! The arguments of `collect`.

use std::path::PathBuf;

use clap::Args;

use super::{OutputArgs, RunArgs, parse_size};

/// Make a copy of what a validation reads, to validate again later without AWS
///
/// Validates SOURCE as `validate` does, and saves every object that is read: digest and log files as stored, and the
/// metadata of each digest file beside it, which `aws s3 sync` loses. Log files that no digest lists, and other
/// objects in the log folders, are saved too. DIR/public-keys.json has the public keys, DIR/collected.json lists every object with its SHA-256. The
/// command that validates the copy offline is printed at the end. A second run into the same DIR continues: a log file
/// that is there and unchanged in S3 is not read again, what differs now is moved to DIR/.replaced, and what is gone from
/// S3 stays in DIR.
#[derive(Args, Debug)]
#[command(override_usage = "trailproof collect [OPTIONS] <SOURCE>... <DIR>")]
#[command(mut_arg("quiet", |option| {
    option.help("Print only the verdict line on stdout, and on stderr only how the copy differs from the source")
}))]
pub(in crate::cli) struct CollectArgs {
    /// What to collect: s3://BUCKET[/PREFIX], an access point's ARN, a trail's ARN, a directory, an archive, or one log or
    /// digest file. The last argument is DIR, the directory of the copy: missing, empty, or made by `collect`
    // One list, since clap does not find a last argument that options part from the others.
    #[arg(value_name = "SOURCE", required = true, num_args = 1.., help_heading = "Source", display_order = 0)]
    places: Vec<PathBuf>,

    /// Largest object to save, in stored bytes. The copy has a mark in place of a larger object
    #[arg(long, value_name = "SIZE", default_value = "16G", value_parser = parse_size, help_heading = "Limits")]
    pub(in crate::cli) max_object_size: u64,

    #[command(flatten)]
    run: RunArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl CollectArgs {
    /// Whether only one of source and directory was given.
    pub(in crate::cli) fn lacks_directory(&self) -> bool {
        self.places.len() < 2
    }

    /// The directory of the copy, and the arguments of the run.
    pub(in crate::cli) fn into_run(mut self) -> (PathBuf, RunArgs) {
        let directory = self.places.pop().unwrap_or_default();
        (directory, RunArgs { sources: self.places, output: self.output, ..self.run })
    }
}
