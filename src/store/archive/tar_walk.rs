//! Reads the headers of a tar, one member after another: ustar, GNU and PAX.
//!
//! The crate `tar` parses the headers. Its own iterator reads a long name of any size into memory, and does not tell
//! the end marker of an archive from a cut.

use std::io::{self, BufRead};

use ::tar::{EntryType, Header};

use super::pax::PaxRecords;
use super::positioned::FileWindow;
use super::tar_header::{DUMPED_FOLDER, TarEnd, TarKind, TarMember, has_right_checksum, kind_of};

/// Size of a block, in bytes.
const BLOCK: u64 = 512;

/// Largest extended header read into memory, in bytes. A name has 4 kB at most; attributes may be larger.
const MAX_EXTENDED: u64 = 1 << 20;

/// Most zero bytes read after the end marker. GNU tar fills the last record, usually of 10 kB.
const MAX_PADDING: u64 = 64 << 20;

/// A tar's bytes in order.
pub(super) trait TarInput: BufRead {
    /// Moves on by up to `bytes`, and returns the number of bytes that there were.
    fn skip(&mut self, bytes: u64) -> io::Result<u64> {
        let mut left = bytes;
        while left > 0 {
            let length = match self.fill_buf() {
                Ok([]) => break,
                Ok(available) => usize::try_from(left).unwrap_or(usize::MAX).min(available.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.consume(length);
            left -= length as u64;
        }
        Ok(bytes - left)
    }
}

impl TarInput for FileWindow {
    fn skip(&mut self, bytes: u64) -> io::Result<u64> {
        Ok(Self::skip(self, bytes))
    }
}

/// Reads a tar from the start to the end.
pub(super) struct TarWalk<I> {
    input: I,
    /// Position in the tar, in bytes.
    position: u64,
    /// Bytes of the current content that were not read.
    content_left: u64,
    /// Bytes between the current content and the next header.
    padding: u64,
    number: u64,
}

impl<I: TarInput> TarWalk<I> {
    pub(super) const fn new(input: I) -> Self {
        Self { input, position: 0, content_left: 0, padding: 0, number: 0 }
    }

    /// The next member. The content of the member before is passed over.
    pub(super) fn next(&mut self) -> Result<TarMember, TarEnd> {
        self.pass_content()?;
        let mut records: Option<PaxRecords> = None;
        let mut long_name = None;
        let mut long_link = None;
        loop {
            let at = self.position;
            let damaged = |why: &str| TarEnd::Damaged { at, why: why.to_owned() };
            let is_extended = records.is_some() || long_name.is_some() || long_link.is_some();
            let header = match self.header()? {
                Some(header) => header,
                None if is_extended => return Err(damaged("an extended header without a member")),
                None => return Err(TarEnd::Whole),
            };
            let kind = header.entry_type();
            let size = match header.entry_size() {
                Ok(size) => size,
                // GNU tar leaves the size of a label empty.
                Err(_) if kind.as_byte() == b'V' && header.as_old().size == [0; 12] => 0,
                Err(_) => return Err(damaged("invalid size")),
            };
            match kind {
                EntryType::GNULongName if long_name.is_none() => long_name = Some(self.text(size)?),
                EntryType::GNULongLink if long_link.is_none() => long_link = Some(self.text(size)?),
                // `X` is the same of old Solaris tars.
                EntryType::XHeader if records.is_none() => records = Some(self.records(size)?),
                kind if kind.as_byte() == b'X' && records.is_none() => records = Some(self.records(size)?),
                EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader => {
                    return Err(damaged("two extended headers of one kind"));
                }
                EntryType::XGlobalHeader => {
                    if self.records(size)?.changes_members() {
                        return Err(damaged("a global header that changes all later members"));
                    }
                }
                // A volume label of GNU tar, and an access control list of Solaris: about other members.
                kind if matches!(kind.as_byte(), b'V' | b'A') => {
                    self.pass(size.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX))?
                }
                _ => {
                    let records = records.unwrap_or_default();
                    let name = records.path.clone().or(long_name);
                    let link = records.link.clone().or(long_link);
                    return self.member(&header, records, name, link, at);
                }
            }
        }
    }

    fn member(
        &mut self,
        header: &Header,
        records: PaxRecords,
        name: Option<Vec<u8>>,
        link: Option<Vec<u8>>,
        at: u64,
    ) -> Result<TarMember, TarEnd> {
        let damaged = |why: &str| TarEnd::Damaged { at, why: why.to_owned() };
        let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
        let link =
            link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned)).unwrap_or_default();
        // Errors were ruled out by the caller.
        let size = records.size.unwrap_or_else(|| header.entry_size().unwrap_or_default());
        let kind = kind_of(header.entry_type(), &records, &name);
        // Programs disagree whether content follows these headers, and so what the next member is.
        // `1` to `6`: links, devices, folders and pipes.
        let has_no_content = matches!(header.entry_type().as_byte(), b'1'..=b'6') || kind == TarKind::Folder;
        if has_no_content && size > 0 && header.entry_type().as_byte() != DUMPED_FOLDER {
            return Err(damaged("a folder, link or device with content"));
        }
        if header.entry_type() == EntryType::GNUSparse {
            self.pass_sparse_map(header)?;
        }
        self.number += 1;
        self.content_left = size;
        self.padding = (BLOCK - size % BLOCK) % BLOCK;
        let attributes = records.attributes.map(Box::new);
        Ok(TarMember { number: self.number, name, kind, size, offset: self.position, link, attributes })
    }

    /// Reads a block. `None` if the tar ends here.
    fn block(&mut self) -> Result<Option<[u8; BLOCK as usize]>, TarEnd> {
        let at = self.position;
        let mut block = [0; BLOCK as usize];
        let read = self.fill(&mut block).map_err(|error| TarEnd::of_error(at, &error))?;
        match read {
            0 => Ok(None),
            read if read == block.len() => Ok(Some(block)),
            _ => Err(TarEnd::Early { at: self.position }),
        }
    }

    fn fill(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.input.read(rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }

    /// Reads a header. `None` if there is the end marker: a block of zeros.
    fn header(&mut self) -> Result<Option<Header>, TarEnd> {
        let at = self.position;
        let block = self.block()?.ok_or(TarEnd::Early { at })?;
        if block.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block).clone();
        if has_right_checksum(&header) {
            Ok(Some(header))
        } else {
            Err(TarEnd::Damaged { at, why: "no tar header".to_owned() })
        }
    }

    /// Reads the content of an extended header.
    fn extended(&mut self, size: u64) -> Result<Vec<u8>, TarEnd> {
        let at = self.position;
        if size > MAX_EXTENDED {
            return Err(TarEnd::Damaged { at, why: format!("an extended header of {size} bytes") });
        }
        let mut content = vec![0; usize::try_from(size).unwrap_or_default()];
        let read = self.fill(&mut content).map_err(|error| TarEnd::of_error(at, &error))?;
        if read < content.len() {
            return Err(TarEnd::Early { at: self.position });
        }
        self.pass((BLOCK - size % BLOCK) % BLOCK)?;
        Ok(content)
    }

    /// Reads a long name of GNU tar, which ends with a NUL byte.
    fn text(&mut self, size: u64) -> Result<Vec<u8>, TarEnd> {
        let mut content = self.extended(size)?;
        if content.last() == Some(&0) {
            content.pop();
        }
        Ok(content)
    }

    fn records(&mut self, size: u64) -> Result<PaxRecords, TarEnd> {
        let at = self.position;
        let content = self.extended(size)?;
        let invalid = || TarEnd::Damaged { at, why: "an invalid extended header".to_owned() };
        PaxRecords::parse(&content).ok_or_else(invalid)
    }

    /// Passes over the further blocks of the map of a sparse file, which the size does not count.
    fn pass_sparse_map(&mut self, header: &Header) -> Result<(), TarEnd> {
        let mut is_continued = header.as_gnu().is_some_and(::tar::GnuHeader::is_extended);
        while is_continued {
            let block = self.block()?.ok_or(TarEnd::Early { at: self.position })?;
            // Byte 504 of a `struct sparse_header` says whether a further block follows.
            is_continued = block.get(504) == Some(&1);
        }
        Ok(())
    }

    /// Passes over `bytes`, all of which must exist.
    fn pass(&mut self, bytes: u64) -> Result<(), TarEnd> {
        let at = self.position;
        let passed = self.input.skip(bytes).map_err(|error| TarEnd::of_error(at, &error))?;
        self.position = at.saturating_add(passed);
        if passed < bytes { Err(TarEnd::Early { at: self.position }) } else { Ok(()) }
    }

    /// Passes over the rest of the current content. [`TarWalk::is_whole`] says whether all of it existed.
    fn pass_content(&mut self) -> Result<(), TarEnd> {
        let at = self.position;
        let left = self.content_left;
        let passed = self.input.skip(left).map_err(|error| TarEnd::of_error(at, &error))?;
        self.position = at.saturating_add(passed);
        self.content_left -= passed;
        if passed < left {
            return Err(TarEnd::Early { at: self.position });
        }
        // The bytes that fill the last block may be cut without harm to the member.
        let padding = std::mem::take(&mut self.padding);
        self.pass(padding)
    }

    /// Whether the content of the current member existed to its end, as far as it was read or passed.
    pub(super) const fn is_whole(&self) -> bool {
        self.content_left == 0
    }

    /// Reads some bytes of the current content; 0 at its end.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the tar ends within the content.
    pub(super) fn read_content(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.content_left).unwrap_or(usize::MAX).min(into.len());
        let Some(into) = into.get_mut(..most).filter(|into| !into.is_empty()) else { return Ok(0) };
        let read = self.input.read(into)?;
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends within the member"));
        }
        self.content_left -= read as u64;
        self.position += read as u64;
        Ok(read)
    }

    /// Reads the rest of the current content, which is as long as the archive has bytes.
    pub(super) fn read_all(&mut self) -> io::Result<Vec<u8>> {
        let mut content =
            Vec::with_capacity(usize::try_from(self.content_left.min(1 << 20)).unwrap_or_default());
        let mut piece = [0; 16 << 10];
        loop {
            match self.read_content(&mut piece) {
                Ok(0) => return Ok(content),
                Ok(read) => content.extend_from_slice(piece.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the input to its end.
    ///
    /// # Errors
    /// The errors of [`TarWalk::has_trailing_bytes`].
    pub(super) fn pass_to_end(&mut self) -> io::Result<()> {
        self.input.skip(u64::MAX).map(drop)
    }

    /// Reads on after the end marker. Returns whether anything but zeros follows.
    ///
    /// # Errors
    /// A read error, such as a wrong checksum at the end of a compressed stream.
    pub(super) fn has_trailing_bytes(&mut self) -> io::Result<bool> {
        let mut passed = 0;
        loop {
            let length = match self.input.fill_buf() {
                Ok([]) => return Ok(false),
                Ok(bytes) if passed > MAX_PADDING || bytes.iter().any(|&byte| byte != 0) => return Ok(true),
                Ok(bytes) => bytes.len(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.input.consume(length);
            passed += length as u64;
        }
    }
}
