//! Positioned reads of a file: many threads read one open file at the same time.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::sync::Arc;

/// Size of a window's buffer, in bytes.
const WINDOW: usize = 64 << 10;

/// A file read by position, without a shared cursor.
#[derive(Debug)]
pub(super) struct PositionedFile {
    #[cfg(unix)]
    file: File,
    #[cfg(not(unix))]
    file: std::sync::Mutex<File>,
    /// Size of the file when it was opened, in bytes.
    size: u64,
}

impl PositionedFile {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        #[cfg(not(unix))]
        let file = std::sync::Mutex::new(file);
        Ok(Self { file, size })
    }

    /// Size of the file when it was opened, in bytes.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Reads some bytes at `offset`; 0 at the end of the file.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.read_once(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    #[cfg(unix)]
    fn read_once(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    /// The lock is held for a single read of the system, not for the read of a whole member.
    #[cfg(not(unix))]
    fn read_once(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read(buffer)
    }

    /// Reads up to `length` bytes at `offset`; fewer only at the end of the file.
    pub(super) fn read_up_to(&self, length: usize, offset: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset.saturating_add(filled as u64))? {
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// A reader of a part of a file, with a cursor and a buffer of its own.
///
/// Unlike [`io::BufReader`], a window keeps its buffer when the new position lies in the buffer.
#[derive(Clone, Debug)]
pub(super) struct FileWindow {
    file: Arc<PositionedFile>,
    position: u64,
    /// End of the part, in bytes from the start of the file.
    end: u64,
    buffer: Vec<u8>,
    /// Position of the buffer in the file.
    buffered_at: u64,
}

impl FileWindow {
    /// Reads the whole file.
    pub(super) fn whole(file: Arc<PositionedFile>) -> Self {
        let end = file.size();
        Self::part(file, 0, end)
    }

    /// Reads from `start` to `end`, in bytes from the start of the file.
    pub(super) const fn part(file: Arc<PositionedFile>, start: u64, end: u64) -> Self {
        Self { file, position: start, end, buffer: Vec::new(), buffered_at: 0 }
    }

    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Moves on by up to `bytes`, and returns the number of bytes that the part has.
    pub(super) fn skip(&mut self, bytes: u64) -> u64 {
        let skipped = bytes.min(self.end.saturating_sub(self.position));
        self.position += skipped;
        skipped
    }

    fn offset_in_buffer(&self) -> Option<usize> {
        let offset = usize::try_from(self.position.checked_sub(self.buffered_at)?).ok()?;
        (offset < self.buffer.len()).then_some(offset)
    }
}

impl BufRead for FileWindow {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.offset_in_buffer().is_none() {
            let left = self.end.saturating_sub(self.position);
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(WINDOW);
            // Cleared first: after an error the buffer must not show other bytes.
            self.buffered_at = self.position;
            self.buffer.clear();
            self.buffer.resize(length, 0);
            let read = self.file.read_at(&mut self.buffer, self.position);
            self.buffer.truncate(*read.as_ref().unwrap_or(&0));
            read?;
        }
        let offset = self.offset_in_buffer().unwrap_or(self.buffer.len());
        let left = usize::try_from(self.end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let bytes = self.buffer.get(offset..).unwrap_or_default();
        Ok(bytes.get(..left).unwrap_or(bytes))
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount as u64;
    }
}

impl Read for FileWindow {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(into)?;
        self.consume(length);
        Ok(length)
    }
}

impl Seek for FileWindow {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_window_reads_its_part_from_any_position() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..300_000_u32).map(|number| number.to_le_bytes()[0] ^ 7).collect();
        file.write_all(&content).unwrap();
        let file = Arc::new(PositionedFile::new(file).unwrap());
        let mut window = FileWindow::part(Arc::clone(&file), 10, 200_010);
        let mut read = Vec::new();
        window.read_to_end(&mut read).unwrap();
        assert!(read == content[10..200_010]);
        for position in [0_usize, 199_000, 100, 150_000, 64 << 10, 11] {
            window.seek(SeekFrom::Start(position as u64)).unwrap();
            let mut bytes = [0; 16];
            window.read_exact(&mut bytes).unwrap();
            assert_eq!(bytes, content[position..position + 16]);
        }
        assert_eq!(window.skip(u64::MAX), 200_010 - 11 - 16);
        assert_eq!(file.read_up_to(400_000, 100).unwrap().len(), 299_900);
    }
}
