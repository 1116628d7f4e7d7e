//! The sizes themselves, each given to the real program: what it says, how long it takes and how much memory.
//!
//! `cargo test --test it limits::big -- --ignored --nocapture --test-threads 1` prints a table in some minutes and needs 8 GB
//! of disk in the folder for temporary files; the digest of ten million log files needs 10 GB of memory. One case alone:
//! its name in place of `limits::big`. `TRAILPROOF_PROGRAM` names another program to measure.
#![expect(clippy::print_stdout, reason = "a table")]

mod digests;
mod files;
mod objects;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use trailproof::event::Verdict;
use trailproof::simulate::{self, Spec};
use trailproof::store::directory::DirectoryStore;

use super::measure::{Measured, measure};

const REGION: &str = "buckets/trail-logs/AWSLogs/111122223333";

/// A delivery of four hours on disk.
struct Big {
    dir: tempfile::TempDir,
    end: String,
}

/// A row of the table, and what it is held to.
struct Row<'a> {
    name: &'a str,
    arguments: &'a [&'a str],
    code: i64,
    /// What is said, in the report or as an error.
    says: &'a [&'a str],
    /// Most memory in MiB.
    peak: f64,
}

impl Big {
    fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = DirectoryStore::of_buckets(&dir.path().join("buckets"));
        let store = store.or_else(|_| {
            fs::create_dir(dir.path().join("buckets"))?;
            DirectoryStore::of_buckets(&dir.path().join("buckets"))
        });
        let spec = Spec { hours: 4, logs_per_hour: 2, events_per_log: 1, ..Spec::default() };
        let made = simulate::simulate(&spec, &store.unwrap()).unwrap();
        fs::write(dir.path().join("keys.json"), made.keys_json).unwrap();
        Self { dir, end: made.end.to_string() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn day(&self, kind: &str) -> PathBuf {
        self.path(REGION).join(kind).join("us-east-1/2026/09/01")
    }

    /// The objects of one kind, in order.
    fn objects(&self, kind: &str) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            fs::read_dir(self.day(kind)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "gz"));
        files.sort();
        files
    }

    /// Runs `validate` over the delivery.
    fn row(&self, row: &Row<'_>) -> Measured {
        let mut arguments = vec!["validate".to_owned(), self.path("buckets").display().to_string()];
        arguments.extend(["--public-keys".to_owned(), self.path("keys.json").display().to_string()]);
        arguments.extend(["--end-time".to_owned(), self.end.clone()]);
        self.take(row, arguments)
    }

    /// Runs the program with these arguments, and those of the row.
    fn take(&self, row: &Row<'_>, mut arguments: Vec<String>) -> Measured {
        arguments.extend(row.arguments.iter().map(|&word| word.to_owned()));
        let measured = measure(self.dir.path(), &arguments);
        let verdict = [Verdict::Intact, Verdict::Tampered, Verdict::Incomplete]
            .into_iter()
            .find(|verdict| measured.code == Some(i64::from(verdict.exit_code())))
            .map_or("could not begin", Verdict::as_str);
        println!(
            "| {} | {} | {verdict} | {:.2} s | {:.0} MiB |",
            row.name,
            row.arguments.join(" "),
            measured.wall,
            measured.peak
        );
        let shown = |text: &str| text.chars().take(2_000).collect::<String>();
        let shown = format!(
            "{}: {:?}\n{}\n{}",
            row.name,
            measured.code,
            shown(&measured.stdout),
            shown(&measured.stderr)
        );
        assert_eq!(measured.code, Some(row.code), "{shown}");
        // Lines of text are wrapped.
        let said = [&*measured.stdout, &*measured.stderr].concat();
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        row.says.iter().for_each(|words| assert!(said.contains(words), "`{words}` is not said: {shown}"));
        assert!(measured.peak < row.peak, "more than {} MiB: {shown}", row.peak);
        measured
    }
}

/// Writes a file of what `fill` writes, gzip.
fn gzip_file(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
    let file = BufWriter::with_capacity(1 << 20, fs::File::create(path).unwrap());
    let mut encoder = GzEncoder::new(file, Compression::fast());
    fill(&mut encoder).unwrap();
    encoder.finish().unwrap().flush().unwrap();
}

/// Writes `piece` again and again, `bytes` bytes of it.
fn again(out: &mut dyn Write, piece: &[u8], bytes: u64) -> io::Result<()> {
    let block = piece.repeat((1_usize << 20).div_ceil(piece.len()));
    let whole = bytes / block.len() as u64;
    (0..whole).try_for_each(|_| out.write_all(&block))?;
    out.write_all(&block[..usize::try_from(bytes % block.len() as u64).unwrap()])
}
