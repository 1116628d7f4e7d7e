//! Inputs that may make a command wait for ever before its run begins: a pipe that nobody writes to, a terminal, a lock that
//! another process holds. A signal ends the wait, and a message tells what the command waits for.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::{say, signals};

/// After how long a message tells what the command waits for.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often to look whether a signal came.
const STEP: Duration = Duration::from_millis(50);

/// Bytes of a pipe that are read at a time.
const CHUNK: usize = 64 << 10;

/// Opens a file, which may be a pipe.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    if fs::metadata(path)?.is_file() {
        return Ok(Box::new(File::open(path)?));
    }
    let (file, name) = (path.to_owned(), format!("`{}`", path.display()));
    Ok(Box::new(WaitingReader::start(name, move || File::open(file))))
}

/// Standard input, which may be a terminal. `what` says what is read from it.
pub(super) fn stdin(what: &str) -> impl Read + Send + use<> {
    WaitingReader::start(what.to_owned(), || Ok(io::stdin()))
}

/// Told every moment while another process holds the lock of a state, with the time so far. Returns whether to wait on.
pub(super) fn while_locked(waited: Duration) -> bool {
    static IS_TOLD: AtomicBool = AtomicBool::new(false);
    if waited >= PATIENCE && !IS_TOLD.swap(true, Ordering::Relaxed) {
        say("waiting for the lock of the state, which another process holds");
    }
    !signals::flag().is_set()
}

/// What another thread reads. That thread may hang for ever, and ends with the process.
struct WaitingReader {
    /// What is waited for.
    name: String,
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: io::Cursor<Vec<u8>>,
    /// Whether anything came, or a message told of the wait.
    is_told: bool,
    has_ended: bool,
}

impl WaitingReader {
    fn start<R: Read>(name: String, open: impl FnOnce() -> io::Result<R> + Send + 'static) -> Self {
        let (sent, chunks) = mpsc::sync_channel(1);
        let read = move || {
            let mut opened = match open() {
                Ok(opened) => opened,
                Err(error) => return drop(sent.send(Err(error))),
            };
            loop {
                let mut chunk = vec![0; CHUNK];
                let read = match opened.read(&mut chunk) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read,
                };
                let length = *read.as_ref().unwrap_or(&0);
                chunk.truncate(length);
                // An empty chunk is the end.
                if sent.send(read.map(|_| chunk)).is_err() || length == 0 {
                    return;
                }
            }
        };
        // Without a thread, the reader finds nobody at the other end, which is an error.
        drop(thread::Builder::new().spawn(read));
        Self { name, chunks, chunk: io::Cursor::default(), is_told: false, has_ended: false }
    }

    /// The next bytes; empty at the end.
    fn next_chunk(&mut self) -> io::Result<Vec<u8>> {
        let begun = Instant::now();
        loop {
            match self.chunks.recv_timeout(STEP) {
                Ok(chunk) => return chunk,
                Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("no thread reads it")),
                Err(RecvTimeoutError::Timeout) if signals::flag().is_set() => {
                    return Err(io::Error::other("interrupted"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if begun.elapsed() >= PATIENCE && !self.is_told {
                self.is_told = true;
                say(&format!("waiting for {}", self.name));
            }
        }
    }
}

impl Read for WaitingReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.chunk.read(bytes)?;
        if read > 0 || bytes.is_empty() || self.has_ended {
            return Ok(read);
        }
        let chunk = self.next_chunk()?;
        (self.is_told, self.has_ended) = (true, chunk.is_empty());
        self.chunk = io::Cursor::new(chunk);
        self.chunk.read(bytes)
    }
}
