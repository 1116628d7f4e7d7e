//! The least that has to be done for log files: inflate and SHA-256, from memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use libdeflater::Decompressor;
use sha2::{Digest as _, Sha256};

/// The files below `dir` whose path has `part`.
pub fn files(dir: &Path, part: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files(&entry, part));
        } else if entry.to_str().is_some_and(|path| path.contains(part) && path.ends_with(".gz")) {
            found.push(entry);
        }
    }
    found.sort();
    found
}

/// `DIR THREADS`: reads the log files below, then inflates and hashes them, and prints how many seconds that took.
pub fn run(words: &[&str]) {
    let &[dir, threads] = words else { panic!("kernel DIR THREADS") };
    let bodies: Vec<Vec<u8>> =
        files(Path::new(dir), "/CloudTrail/").iter().map(|path| fs::read(path).unwrap()).collect();
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads.parse().unwrap() {
            scope.spawn(|| work(&bodies, &next));
        }
    });
    println!("figure {}", begun.elapsed().as_secs_f64());
}

fn work(bodies: &[Vec<u8>], next: &AtomicUsize) {
    let mut inflate = Decompressor::new();
    let mut content = Vec::new();
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        let size = u32::from_le_bytes(body[body.len() - 4..].try_into().unwrap()) as usize;
        content.resize(content.len().max(size), 0);
        let size = inflate.gzip_decompress(body, &mut content).unwrap();
        std::hint::black_box(Sha256::digest(&content[..size]));
    }
}
