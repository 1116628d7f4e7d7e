//! Reads plans and results from files, folders and objects.

use std::fs;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
#[cfg(feature = "aws")]
use std::sync::mpsc::sync_channel;

use super::unusable;
use crate::cli::sources::is_in_s3;
use crate::cli::validate::AGAIN;
use crate::cli::{Failure, signals, typed, waiting};
use crate::shards::{MAX_PLAN_LINE, ReadLine, ShardError, is_plan_line, next_line};

/// How many objects are read at a time.
#[cfg(feature = "aws")]
const OBJECTS_AT_ONCE: usize = 16;

/// Opens a plan, and checks that its first line is of a plan.
pub(super) fn open_plan(
    path: &Path,
    #[cfg(feature = "aws")] aws: &crate::cli::args::AwsArgs,
) -> Result<Box<dyn BufRead + Send>, Failure> {
    let mut plan = open(
        path,
        #[cfg(feature = "aws")]
        aws,
    )?;
    let name = path.display().to_string();
    let mut begin = Vec::new();
    loop {
        match next_line(&mut plan, MAX_PLAN_LINE).map_err(|error| unreadable(&name, &error))? {
            // A plan without a line is refused by whoever reads it.
            None => break,
            Some(ReadLine::TooLong) => return Err(unusable(&name, &ShardError::TooLong(MAX_PLAN_LINE))),
            Some(ReadLine::Whole(line)) => {
                begin.extend_from_slice(&line);
                begin.push(b'\n');
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                if !is_plan_line(&line) {
                    return Err(unusable(&name, &ShardError::NotAPlan));
                }
                break;
            }
        }
    }
    Ok(Box::new(io::Cursor::new(begin).chain(plan)))
}

fn open(
    path: &Path,
    #[cfg(feature = "aws")] aws: &crate::cli::args::AwsArgs,
) -> Result<Box<dyn BufRead + Send>, Failure> {
    typed::target(path)?;
    if is_in_s3(path) {
        #[cfg(not(feature = "aws"))]
        return Err(super::output::without_aws(path));
        #[cfg(feature = "aws")]
        {
            use crate::store::Store as _;
            let location = super::output::object(path)?;
            let object = super::output::store(aws)?.get(&location);
            return Ok(object.map_err(|error| unreadable(&path.display(), &error))?.body);
        }
    }
    if path.is_dir() {
        let what = format!("`{}` is a directory, not a plan", path.display());
        return Err(Failure::new(what, "give the file that `trailproof shards plan` wrote"));
    }
    if path.as_os_str() == "-" && !path.exists() {
        return Err(typed::no_stdin("the plan"));
    }
    let file = waiting::open(path).map_err(|error| unreadable(&path.display(), &error))?;
    Ok(Box::new(BufReader::new(file)))
}

pub(super) fn unreadable(name: &dyn std::fmt::Display, error: &dyn std::fmt::Display) -> Failure {
    let hint = match signals::flag().is_set() {
        true => AGAIN,
        false => "give a file or an object that can be read",
    };
    Failure::new(format!("`{name}` cannot be read: {error}"), hint)
}

/// Reads every line of the results, and calls `take` with each line and its place.
pub(super) fn read_results(
    paths: &[PathBuf],
    most: usize,
    #[cfg(feature = "aws")] aws: &crate::cli::args::AwsArgs,
    take: &mut dyn FnMut(ReadLine, &str),
) -> Result<(), Failure> {
    for path in paths {
        typed::target(path)?;
        // Whether all lines so far are lines of a plan; `None` before the first.
        let mut is_plan = None;
        let take = &mut |line: ReadLine, place: &str| {
            if is_plan != Some(false) {
                is_plan = Some(matches!(&line, ReadLine::Whole(line) if is_plan_line(line)));
            }
            take(line, place);
        };
        if path.as_os_str() == "-" {
            read_lines(&mut BufReader::new(waiting::stdin("results on stdin")), "stdin", most, take)
                .map_err(|error| unreadable(&"stdin", &error))?;
        } else if is_in_s3(path) {
            #[cfg(not(feature = "aws"))]
            return Err(super::output::without_aws(path));
            #[cfg(feature = "aws")]
            read_objects(path, most, aws, take)?;
        } else {
            for file in files(path)? {
                let opened = waiting::open(&file).map_err(|error| unreadable(&file.display(), &error))?;
                let name = file.display().to_string();
                read_lines(&mut BufReader::new(opened), &name, most, take)
                    .map_err(|error| unreadable(&name, &error))?;
            }
        }
        // A folder of results may have the plan in it.
        let is_folder = path.is_dir() || path.to_string_lossy().ends_with('/');
        if is_plan == Some(true) && !is_folder {
            return Err(Failure::new(
                format!("`{}` is a plan, not a result", path.display()),
                "give what `trailproof shards run` wrote",
            ));
        }
    }
    Ok(())
}

/// A file, or the files of a folder and of its folders, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let found = fs::metadata(path).map_err(|error| unreadable(&path.display(), &error))?;
    if !found.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(|error| unreadable(&path.display(), &error))?;
    entries.sort();
    let mut all = Vec::new();
    for entry in entries {
        let kind = fs::symlink_metadata(&entry).map_err(|error| unreadable(&entry.display(), &error))?;
        if kind.is_dir() {
            all.extend(files(&entry)?);
        } else if fs::metadata(&entry).is_ok_and(|found| found.is_file()) {
            all.push(entry);
        }
    }
    Ok(all)
}

fn read_lines(
    from: &mut impl BufRead,
    name: &str,
    most: usize,
    take: &mut dyn FnMut(ReadLine, &str),
) -> io::Result<()> {
    let mut number = 0_u64;
    while let Some(line) = next_line(from, most)? {
        number += 1;
        take(line, &format!("{name}:{number}"));
    }
    Ok(())
}

/// The error message for a missing object, which may have been meant as a prefix.
#[cfg(feature = "aws")]
fn without_slash(name: &str) -> Failure {
    Failure::new(
        format!("there is no object `{name}`"),
        format!("a prefix needs a slash at its end: `{name}/`"),
    )
}

/// Reads an object, or the objects below a prefix, some at a time.
#[cfg(feature = "aws")]
fn read_objects(
    path: &Path,
    most: usize,
    aws: &crate::cli::args::AwsArgs,
    take: &mut dyn FnMut(ReadLine, &str),
) -> Result<(), Failure> {
    use crate::ident::Location;
    use crate::store::{Store as _, StoreError};
    use std::sync::atomic::{AtomicUsize, Ordering};

    let text = path.to_string_lossy();
    let (bucket, prefix) = crate::cli::typed::place("", &text)?;
    let store = super::output::store(aws)?;
    let is_object = !text.ends_with('/') && text.trim_start_matches("s3://").contains('/');
    let locations: Vec<Location> = if is_object {
        vec![super::output::object(path)?]
    } else {
        let listed = store.list(&bucket, &prefix, None);
        let objects = listed.filter(|listed| !matches!(listed, Ok(listed) if listed.key.ends_with('/')));
        objects
            .map(|listed| Ok(Location::new(bucket.as_str(), listed?.key)))
            .collect::<Result<_, StoreError>>()
            .map_err(|error| unreadable(&text, &error))?
    };
    let next = AtomicUsize::new(0);
    let (lines, received) = sync_channel::<Result<(ReadLine, String), Failure>>(1);
    std::thread::scope(|scope| {
        for _ in 0..OBJECTS_AT_ONCE.min(locations.len()) {
            let (lines, store, next, locations) = (lines.clone(), &store, &next, &locations);
            scope.spawn(move || {
                while let Some(location) = locations.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = location.to_string();
                    let sent = match store.get(location) {
                        Ok(mut object) => {
                            let mut send = |line, place: &str| {
                                // The receiver has gone where another object could not be read.
                                let _ = lines.send(Ok((line, place.to_owned())));
                            };
                            read_lines(&mut object.body, &name, most, &mut send)
                                .map_err(|error| unreadable(&name, &error))
                        }
                        Err(StoreError::NotFound) if is_object => Err(without_slash(&name)),
                        Err(error) => Err(unreadable(&name, &error)),
                    };
                    if let Err(failure) = sent {
                        let _ = lines.send(Err(failure));
                    }
                }
            });
        }
        drop(lines);
        let mut failed = None;
        for line in received {
            match line {
                Ok((line, place)) => take(line, &place),
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        failed.map_or(Ok(()), Err)
    })
}
