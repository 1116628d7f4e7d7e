//! Reads members of a compressed tar again, from the start of the archive.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::ArchiveLimits;
use super::hashed::HashId;
use super::inflated::{Compression, InflatedStream, inflate};
use super::positioned::PositionedFile;
use super::problem::MemberProblem;
use super::tar_header::{TarKind, TarMember};
use super::tar_walk::TarWalk;

/// Largest member kept for a while, in bytes.
const MAX_NEARBY: u64 = 1 << 20;

/// Bytes of members kept before a member that was read again. The engine reads a chain from its newest digest, and
/// archives list folders from the oldest day.
const NEARBY_BEFORE: u64 = 32 << 20;

/// Bytes of members kept after a member that was read again.
const NEARBY_AFTER: u64 = 8 << 20;

/// A member that was passed over, and how to recognise the member in a further pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PassedMember {
    number: u64,
    size: u64,
    /// CRC-32 of the name.
    name: u32,
    /// Whether the member is also kept in memory.
    is_kept: bool,
}

impl PassedMember {
    pub(super) fn new(member: &TarMember, is_kept: bool) -> Self {
        Self { number: member.number, size: member.size, name: crc32fast::hash(&member.name), is_kept }
    }

    /// Whether the member of a further pass has the same place, name and size.
    fn is(&self, member: &TarMember) -> bool {
        member.kind == TarKind::File && *self == Self::new(member, self.is_kept)
    }

    /// Whether the member is kept when it is passed on the way to another.
    const fn is_kept_nearby(&self) -> bool {
        !self.is_kept && self.size <= MAX_NEARBY
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }
}

/// A compressed tar, to be read from the start any number of times.
#[derive(Debug)]
pub(super) struct TarSource {
    file: Arc<PositionedFile>,
    compression: Compression,
    limits: ArchiveLimits,
    /// Members that are read in further passes, by [`HashId`], in the order of the archive.
    members: Vec<PassedMember>,
    nearby: Mutex<Nearby>,
}

/// What is left of reading members again.
#[derive(Default)]
struct Nearby {
    /// Members near the last one. Each is given out once: a further read is a read of the archive.
    bodies: HashMap<HashId, Vec<u8>>,
    /// The walk behind the last member that was read, and the next member of the walk. Members that are read in the
    /// order of the archive take one walk together.
    walk: Option<(TarWalk<InflatedStream>, HashId)>,
}

impl Debug for Nearby {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Nearby").field("bodies", &self.bodies.len()).finish_non_exhaustive()
    }
}

impl TarSource {
    pub(super) fn new(file: Arc<PositionedFile>, compression: Compression, limits: ArchiveLimits) -> Self {
        Self { file, compression, limits, members: Vec::new(), nearby: Mutex::default() }
    }

    pub(super) fn with_members(mut self, members: Vec<PassedMember>) -> Self {
        self.members = members;
        self
    }

    pub(super) const fn limits(&self) -> &ArchiveLimits {
        &self.limits
    }

    pub(super) fn members(&self) -> &[PassedMember] {
        &self.members
    }

    /// Begins at the start of the archive.
    pub(super) fn walk(&self) -> io::Result<TarWalk<InflatedStream>> {
        inflate(Arc::clone(&self.file), self.compression, self.limits.stream).map(TarWalk::new)
    }

    /// Moves on to a member. Returns whether the member is where it was.
    pub(super) fn go_to(&self, walk: &mut TarWalk<InflatedStream>, passed: &PassedMember) -> bool {
        while let Ok(member) = walk.next() {
            if member.number >= passed.number {
                return passed.is(&member);
            }
        }
        false
    }

    /// Reads a member again.
    fn read(&self, id: HashId) -> io::Result<Box<dyn BufRead + Send>> {
        // Held during the read: other threads probably want members nearby.
        let mut nearby = self.nearby.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = nearby.bodies.remove(&id) {
            return Ok(Box::new(Cursor::new(bytes)));
        }
        let wanted = self.members.get(id as usize).ok_or(MemberProblem::Changed)?;
        let first = self.first_nearby(id);
        let (mut walk, first) = match nearby.walk.take() {
            Some((walk, next)) if next <= id => (walk, first.max(next as usize)),
            _ => (self.walk()?, first),
        };
        let mut bodies = HashMap::new();
        for (number, passed) in (0..id).zip(&self.members).skip(first) {
            if !passed.is_kept_nearby() {
                continue;
            }
            if !self.go_to(&mut walk, passed) {
                return Err(MemberProblem::Changed.into());
            }
            bodies.insert(number, walk.read_all()?);
        }
        if !self.go_to(&mut walk, wanted) {
            return Err(MemberProblem::Changed.into());
        }
        if wanted.size > MAX_NEARBY {
            nearby.bodies = bodies;
            return Ok(Box::new(BufReader::with_capacity(64 << 10, WalkedContent(walk))));
        }
        let bytes = walk.read_all()?;
        let next = self.keep_after(id, &mut walk, &mut bodies);
        *nearby = Nearby { bodies, walk: next.map(|next| (walk, next)) };
        Ok(Box::new(Cursor::new(bytes)))
    }

    /// The first member of those that lie before a member and have [`NEARBY_BEFORE`] bytes in total.
    fn first_nearby(&self, id: HashId) -> usize {
        let mut first = id as usize;
        let mut bytes = 0;
        for passed in self.members.get(..first).unwrap_or_default().iter().rev() {
            bytes += if passed.is_kept_nearby() { passed.size } else { 0 };
            if bytes > NEARBY_BEFORE {
                break;
            }
            first -= 1;
        }
        first
    }

    /// Keeps members after a member, and returns the next member of the walk. `None` if the walk has ended: these
    /// members were not asked for.
    fn keep_after(
        &self,
        id: HashId,
        walk: &mut TarWalk<InflatedStream>,
        bodies: &mut HashMap<HashId, Vec<u8>>,
    ) -> Option<HashId> {
        let mut bytes = 0;
        for (number, passed) in (0..).zip(&self.members).skip(id as usize + 1) {
            if passed.is_kept {
                continue;
            }
            bytes += passed.size;
            if bytes > NEARBY_AFTER {
                return Some(number);
            }
            if !self.go_to(walk, passed) {
                return None;
            }
            bodies.insert(number, walk.read_all().ok()?);
        }
        None
    }
}

/// The content of a member that is larger than what is kept.
struct WalkedContent(TarWalk<InflatedStream>);

impl Read for WalkedContent {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read_content(into)
    }
}

/// The body of a hashed member. The archive is read when the first byte is asked for.
pub(super) struct LazyBody {
    source: Arc<TarSource>,
    id: HashId,
    body: Option<Box<dyn BufRead + Send>>,
    /// Whether the archive was read. A failed read is not repeated.
    is_read: bool,
}

impl LazyBody {
    pub(super) const fn new(source: Arc<TarSource>, id: HashId) -> Self {
        Self { source, id, body: None, is_read: false }
    }
}

impl BufRead for LazyBody {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let body = match self.body.take() {
            Some(body) => body,
            None if self.is_read => return Err(MemberProblem::Changed.into()),
            None => {
                self.is_read = true;
                self.source.read(self.id)?
            }
        };
        self.body.insert(body).fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Some(body) = &mut self.body {
            body.consume(amount);
        }
    }
}

impl Read for LazyBody {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(into)?;
        self.consume(length);
        Ok(length)
    }
}
