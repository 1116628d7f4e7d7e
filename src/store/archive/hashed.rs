//! Hashes members of a compressed tar on several threads, while one thread inflates the tar.
//!
//! The threads are the pass's own and not those of the engine: a thread of the engine that waits for a pass could
//! otherwise be given work that waits for the same pass.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use sha2::{Digest as _, Sha256};

use super::problem::MemberProblem;
use super::tar_walk::{TarInput, TarWalk};
use crate::gzip::{self, BodyError, Encoding};
use crate::ident::Sha256Hash;
use crate::store::{HashedBody, pointer};

/// Most stored bytes hashed of a member, to compare two reads. The engine compares as many.
pub(super) const MAX_COMPARED: u64 = 64 << 20;

/// Largest member hashed in one step, in bytes; larger members are streamed.
const AT_ONCE: u64 = 1 << 20;

/// Bytes of members given to a thread together. A log file usually has a few kB.
const BATCH: usize = 1 << 20;

/// Most members given to a thread together.
const BATCH_MEMBERS: usize = 1_024;

/// Size of the pieces of a streamed member, in bytes.
const PIECE: usize = 256 << 10;

/// Number of pieces of a streamed member that wait for a thread.
const PIECES_AHEAD: usize = 8;

/// Number of a hashed member, in the order of the archive.
pub(super) type HashId = u32;

/// Work for a thread.
enum HashJob {
    /// Whole members.
    Batch(Vec<(HashId, Vec<u8>)>),
    /// The pieces of a member, and `None` at its end. Without the `None`, the member is cut off.
    Stream(HashId, Receiver<Option<Vec<u8>>>),
}

/// Takes members to be hashed.
pub(super) struct HashQueue {
    jobs: SyncSender<HashJob>,
    batch: Vec<(HashId, Vec<u8>)>,
    batched: usize,
}

/// Runs `pass`, and returns its result with the results of all members that `pass` gave to the queue.
///
/// # Errors
/// An error if no thread can be started.
pub(super) fn hash_members<T>(
    threads: usize,
    log_content: u64,
    pass: impl FnOnce(&mut HashQueue) -> T,
) -> io::Result<(T, Vec<Option<HashedBody>>)> {
    let threads = threads.max(1);
    let (jobs, waiting) = sync_channel(2 * threads);
    let waiting = Mutex::new(waiting);
    let hashed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let mut started = Vec::new();
        let mut failure = None;
        for _ in 0..threads {
            match thread::Builder::new().spawn_scoped(scope, || hash_jobs(&waiting, &hashed, log_content)) {
                Ok(thread) => started.push(thread),
                Err(error) => failure = Some(error),
            }
        }
        if let (true, Some(error)) = (started.is_empty(), failure) {
            return Err(error);
        }
        let mut queue = HashQueue { jobs, batch: Vec::new(), batched: 0 };
        let result = pass(&mut queue);
        queue.send_batch();
        // The threads end when the queue is closed.
        drop(queue);
        for thread in started {
            thread.join().map_err(|_| io::Error::other("a thread that hashes ended early"))?;
        }
        Ok(result)
    })
    .map(|result| (result, hashed.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

impl HashQueue {
    /// Reads the content of the current member and has it hashed. Returns whether the content is whole.
    pub(super) fn hash_content<I: TarInput>(&mut self, walk: &mut TarWalk<I>, size: u64, id: HashId) -> bool {
        if size > AT_ONCE {
            return self.stream_content(walk, id);
        }
        let Ok(content) = walk.read_all() else { return false };
        self.batched += content.len();
        self.batch.push((id, content));
        if self.batched >= BATCH || self.batch.len() >= BATCH_MEMBERS {
            self.send_batch();
        }
        true
    }

    fn send_batch(&mut self) {
        self.batched = 0;
        let batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() {
            // A failure means that all threads ended, which joining them shows.
            let _ = self.jobs.send(HashJob::Batch(batch));
        }
    }

    fn stream_content<I: TarInput>(&mut self, walk: &mut TarWalk<I>, id: HashId) -> bool {
        let (pieces, taken) = sync_channel(PIECES_AHEAD);
        let mut is_taken = self.jobs.send(HashJob::Stream(id, taken)).is_ok();
        loop {
            let mut piece = vec![0; PIECE];
            let mut filled = 0;
            while let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match walk.read_content(rest) {
                    Ok(0) => break,
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return false,
                }
            }
            let is_last = filled < piece.len();
            piece.truncate(filled);
            // The thread stops taking pieces of a member that needs no further reading.
            is_taken = is_taken && pieces.send(Some(piece)).is_ok();
            if is_last {
                let _ = pieces.send(None);
                return true;
            }
        }
    }
}

/// Hashes until the queue is closed. The results are stored by [`HashId`].
fn hash_jobs(waiting: &Mutex<Receiver<HashJob>>, hashed: &Mutex<Vec<Option<HashedBody>>>, log_content: u64) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let results = match job {
            Ok(HashJob::Batch(members)) => {
                members.into_iter().map(|(id, bytes)| (id, hash_bytes(&bytes, log_content))).collect()
            }
            Ok(HashJob::Stream(id, pieces)) => vec![(id, hash_pieces(pieces, log_content))],
            Err(_) => return,
        };
        let mut hashed = hashed.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, body) in results {
            let at = id as usize;
            if hashed.len() <= at {
                hashed.resize(at + 1, None);
            }
            if let Some(place) = hashed.get_mut(at) {
                *place = Some(body);
            }
        }
    }
}

fn hash_bytes(bytes: &[u8], log_content: u64) -> HashedBody {
    let content = match pointer::of(bytes) {
        Some(what) => Err(BodyError::Unreadable(what.to_owned())),
        None => gzip::hash(&mut &*bytes, Encoding::GzipOrPlain, log_content),
    };
    HashedBody { content, stored: Sha256Hash::of(bytes) }
}

fn hash_pieces(pieces: Receiver<Option<Vec<u8>>>, log_content: u64) -> HashedBody {
    let hasher = Sha256::new();
    let mut body = PieceReader { pieces, piece: Vec::new(), at: 0, is_ended: false, taken: 0, hasher };
    let content = gzip::hash(&mut body, Encoding::GzipOrPlain, log_content);
    // Hashing may stop early, so the compared bytes are read to their end.
    while body.taken < MAX_COMPARED {
        match body.fill_buf().map(<[u8]>::len) {
            Ok(0) | Err(_) => break,
            Ok(length) => body.consume(length),
        }
    }
    HashedBody { content, stored: Sha256Hash(body.hasher.finalize().into()) }
}

/// A body that arrives in pieces, and hashes its first [`MAX_COMPARED`] bytes while they are read.
struct PieceReader {
    pieces: Receiver<Option<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
    is_ended: bool,
    taken: u64,
    hasher: Sha256,
}

impl BufRead for PieceReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at >= self.piece.len() && !self.is_ended {
            match self.pieces.recv() {
                Ok(Some(piece)) => {
                    self.piece = piece;
                    self.at = 0;
                }
                Ok(None) => self.is_ended = true,
                Err(_) => return Err(MemberProblem::CutOff.into()),
            }
        }
        Ok(self.piece.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        let left = usize::try_from(MAX_COMPARED.saturating_sub(self.taken)).unwrap_or(usize::MAX);
        let end = self.at.saturating_add(amount.min(left));
        self.hasher.update(self.piece.get(self.at..end).unwrap_or_default());
        self.at += amount;
        self.taken += amount as u64;
    }
}

impl Read for PieceReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(into)?;
        self.consume(length);
        Ok(length)
    }
}
