//! A compressed tar: read once from the start to the end, since it has no random access.
//!
//! The first pass hashes log files, and keeps other members in memory up to a limit; members above the limit are
//! hashed too. A member that was kept is opened from memory. A member that was hashed is opened with the result of a
//! pass:
//!
//! - Each further opening of a member needs a further read of the archive, since the engine accuses nobody on one
//!   read. A further pass hashes all hashed members, so that suspects share it.
//! - The body of a hashed member is read from the archive again, when its first byte is asked for. The members around
//!   it are kept for a while, since they are often asked for next.

use std::io::{self, Cursor};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::hashed::{HashId, HashQueue, MAX_COMPARED, hash_members};
use super::inflated::{Compression, InflatedStream};
use super::members::{Listing, ListingFull, MemberBodies};
use super::names::NamedLike;
use super::positioned::PositionedFile;
use super::problem::{ArchiveError, MemberProblem};
use super::reread::{LazyBody, PassedMember, TarSource};
use super::tar_header::{TarEnd, TarKind, TarMember};
use super::tar_walk::TarWalk;
use super::tree::{Member, MemberContent};
use super::{ArchiveLimits, OpenedArchive};
use crate::ident::Sha256Hash;
use crate::store::HashedBody;
use crate::store::files::OpenFile;

/// Largest member kept in memory that is neither a digest file nor metadata, in bytes.
const MAX_OTHER: u64 = 1 << 20;

/// Share of the memory for members that are neither digest files nor metadata.
const SHARE_OF_OTHERS: u64 = 4;

/// Where the content of a member is.
#[derive(Clone, Debug)]
pub(super) enum TarContent {
    /// The stored bytes. A digest file and metadata are also hashed in each further pass.
    Kept(Arc<[u8]>, Option<HashId>),
    /// Hashed in each pass.
    Hashed(HashId),
}

pub(super) fn open(
    root: PathBuf,
    file: Arc<PositionedFile>,
    compression: Compression,
    limits: &ArchiveLimits,
) -> Result<OpenedArchive, ArchiveError> {
    let source = TarSource::new(file, compression, *limits);
    let mut walk = source.walk()?;
    let mut pass = FirstPass {
        listing: Listing::new(limits.names),
        passed: Vec::new(),
        memory: limits.memory,
        memory_of_others: limits.memory / SHARE_OF_OTHERS,
        is_verified: false,
        limits,
    };
    let ((), hashed) = hash_members(limits.threads, limits.log_content, |queue| pass.run(&mut walk, queue))?;
    let FirstPass { mut listing, passed, is_verified, .. } = pass;
    // Without the checksum at the end of the stream, any byte before may be another.
    if !is_verified {
        listing.doubt = listing.rest_unknown.clone();
    }
    let first = HashPass::new(1, hashed);
    listing.compare_taken(|one, other| first.are_same(one, other));
    let bodies = CompressedTarBodies {
        given: std::iter::repeat_with(AtomicU32::default).take(passed.len()).collect(),
        source: Arc::new(source.with_members(passed)),
        latest: RwLock::new(Arc::new(first)),
        making: Mutex::new(()),
    };
    Ok(OpenedArchive::of(root, listing, bodies))
}

/// The pass that lists all members.
struct FirstPass<'l> {
    listing: Listing<TarContent>,
    passed: Vec<PassedMember>,
    /// Memory left for all members, in bytes.
    memory: u64,
    /// Memory left for members that are neither digest files nor metadata, in bytes.
    memory_of_others: u64,
    /// Whether the stream was read to its end, where its checksum is.
    is_verified: bool,
    limits: &'l ArchiveLimits,
}

impl FirstPass<'_> {
    fn run(&mut self, walk: &mut TarWalk<InflatedStream>, queue: &mut HashQueue) {
        loop {
            match walk.next() {
                Ok(member) if member.number > self.limits.members => {
                    self.listing.end(MemberProblem::TooManyMembers(self.limits.members));
                    return;
                }
                Ok(member) => {
                    let content = match member.kind {
                        TarKind::File => self.content(walk, queue, &member),
                        // Not used: only a file has content.
                        _ => MemberContent::Special,
                    };
                    let linked = |target: &Member<TarContent>, content: &TarContent| {
                        (target.size, MemberContent::Readable(content.clone()))
                    };
                    if let Err(ListingFull) = self.listing.add_of_tar(&member, content, linked) {
                        return;
                    }
                }
                Err(TarEnd::Whole) => {
                    let trailing = walk.has_trailing_bytes().and_then(|has| walk.pass_to_end().map(|()| has));
                    let trailing = match trailing {
                        Err(error) if is_after_end(&error) => Ok(true),
                        trailing => trailing,
                    };
                    self.is_verified = trailing.is_ok();
                    self.listing.report_bytes_after(trailing);
                    return;
                }
                Err(end) => {
                    self.listing.rest_is_unknown(end);
                    return;
                }
            }
        }
    }

    /// Keeps a file or has it hashed.
    fn content(
        &mut self,
        walk: &mut TarWalk<InflatedStream>,
        queue: &mut HashQueue,
        member: &TarMember,
    ) -> MemberContent<TarContent> {
        let refused = |problem| MemberContent::Refused(Box::new(problem));
        if member.size > self.limits.member {
            return refused(MemberProblem::TooLarge(self.limits.member));
        }
        let has_room = member.size <= self.memory;
        let named_like = NamedLike::of(&member.name);
        let is_kept = match named_like {
            NamedLike::Log => false,
            NamedLike::DigestOrMetadata => has_room,
            NamedLike::Other => has_room && member.size <= self.memory_of_others.min(MAX_OTHER),
        };
        if is_kept {
            let Ok(bytes) = walk.read_all() else { return refused(MemberProblem::CutOff) };
            self.memory -= member.size;
            if named_like == NamedLike::Other {
                self.memory_of_others -= member.size;
            }
            // A conviction may rest on digest files and metadata, and needs a second read.
            let id = if named_like == NamedLike::Other { None } else { self.pass_again(member, true) };
            return MemberContent::Readable(TarContent::Kept(bytes.into(), id));
        }
        let Some(id) = self.pass_again(member, false) else {
            return refused(MemberProblem::TooManyMembers(u64::from(HashId::MAX)));
        };
        if queue.hash_content(walk, member.size, id) {
            MemberContent::Readable(TarContent::Hashed(id))
        } else {
            refused(MemberProblem::CutOff)
        }
    }

    /// Remembers a member for further passes.
    fn pass_again(&mut self, member: &TarMember, is_kept: bool) -> Option<HashId> {
        let id = HashId::try_from(self.passed.len()).ok()?;
        self.passed.push(PassedMember::new(member, is_kept));
        Some(id)
    }
}

/// Whether a compressed stream was read to its end, and other bytes follow.
fn is_after_end(error: &io::Error) -> bool {
    let problem = error.get_ref().and_then(|error| error.downcast_ref::<MemberProblem>());
    matches!(problem, Some(MemberProblem::AfterEnd))
}

/// The results of one pass.
#[derive(Debug)]
struct HashPass {
    /// 1 is the first pass.
    number: u32,
    /// Results by [`HashId`]. `None` if the member was not found.
    bodies: Vec<Option<HashedBody>>,
}

impl HashPass {
    fn new(number: u32, mut bodies: Vec<Option<HashedBody>>) -> Self {
        bodies.shrink_to_fit();
        Self { number, bodies }
    }

    fn body(&self, id: HashId) -> Option<&HashedBody> {
        self.bodies.get(id as usize)?.as_ref()
    }

    /// Whether two members hold the same bytes. Beyond [`MAX_COMPARED`] bytes nothing is known.
    fn are_same(&self, one: &Member<TarContent>, other: &Member<TarContent>) -> bool {
        let stored = |content: &MemberContent<TarContent>| match content {
            MemberContent::Readable(TarContent::Kept(bytes, _)) => Some(stored_hash(bytes)),
            MemberContent::Readable(TarContent::Hashed(id)) => self.body(*id).map(|body| body.stored),
            _ => None,
        };
        let hash = stored(&one.content);
        one.size == other.size && one.size <= MAX_COMPARED && hash.is_some() && hash == stored(&other.content)
    }
}

/// Content of members, kept or hashed.
#[derive(Debug)]
struct CompressedTarBodies {
    source: Arc<TarSource>,
    /// Number of the latest pass whose result was given out, by [`HashId`].
    given: Vec<AtomicU32>,
    latest: RwLock<Arc<HashPass>>,
    /// Held during a further pass.
    making: Mutex<()>,
}

impl CompressedTarBodies {
    fn latest(&self) -> Arc<HashPass> {
        Arc::clone(&self.latest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The result of a pass whose result was not yet given out for the member.
    fn hashed(&self, id: HashId) -> io::Result<HashedBody> {
        let given = self.given.get(id as usize).ok_or(MemberProblem::Changed)?;
        let pass = match self.unseen(given) {
            Some(pass) => pass,
            None => self.make_unseen(given)?,
        };
        Ok(pass.body(id).cloned().ok_or(MemberProblem::Changed)?)
    }

    /// Compares a member in memory with a second pass, when the member is opened a second time. Later openings are not
    /// compared: metadata may be opened many times.
    fn verify_kept(&self, bytes: &[u8], id: HashId) -> io::Result<()> {
        let given = self.given.get(id as usize).ok_or(MemberProblem::Changed)?;
        // The first opening is given the first pass.
        if given.fetch_max(1, Ordering::SeqCst) == 0 {
            return Ok(());
        }
        let mut latest = self.latest();
        if latest.number == 1 {
            latest = self.make_unseen(given)?;
        }
        match latest.body(id) {
            Some(body) if body.stored == stored_hash(bytes) => Ok(()),
            _ => Err(MemberProblem::Changed.into()),
        }
    }

    /// Makes a further pass, unless another thread has made a pass in the meantime.
    fn make_unseen(&self, given: &AtomicU32) -> io::Result<Arc<HashPass>> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pass) = self.unseen(given) {
            return Ok(pass);
        }
        let pass = Arc::new(self.further_pass()?);
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&pass);
        given.fetch_max(pass.number, Ordering::SeqCst);
        Ok(pass)
    }

    /// The latest pass, if its result was not yet given out for the member.
    fn unseen(&self, given: &AtomicU32) -> Option<Arc<HashPass>> {
        let latest = self.latest();
        (given.fetch_max(latest.number, Ordering::SeqCst) < latest.number).then_some(latest)
    }

    fn further_pass(&self) -> io::Result<HashPass> {
        let number = self.latest().number.saturating_add(1);
        let mut walk = self.source.walk()?;
        let limits = self.source.limits();
        let ((), hashed) = hash_members(limits.threads, limits.log_content, |queue| {
            for (id, passed) in (0..).zip(self.source.members()) {
                // Where the archive has changed, the rest is not found.
                if !self.source.go_to(&mut walk, passed) {
                    return;
                }
                queue.hash_content(&mut walk, passed.size(), id);
            }
        })?;
        Ok(HashPass::new(number, hashed))
    }
}

/// The hash that [`HashedBody::stored`] has for these bytes.
fn stored_hash(bytes: &[u8]) -> Sha256Hash {
    let compared = usize::try_from(MAX_COMPARED).unwrap_or(usize::MAX);
    Sha256Hash::of(bytes.get(..compared).unwrap_or(bytes))
}

impl MemberBodies for CompressedTarBodies {
    type Place = TarContent;

    fn open(&self, _: &Member<TarContent>, content: &TarContent) -> io::Result<OpenFile> {
        match content {
            TarContent::Kept(bytes, id) => {
                if let Some(id) = id {
                    self.verify_kept(bytes, *id)?;
                }
                Ok(OpenFile { body: Box::new(Cursor::new(Arc::clone(bytes))), hashed: None })
            }
            TarContent::Hashed(id) => {
                let hashed = Some(self.hashed(*id)?);
                Ok(OpenFile { body: Box::new(LazyBody::new(Arc::clone(&self.source), *id)), hashed })
            }
        }
    }
}
