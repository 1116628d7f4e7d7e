//! Inflates a compressed file from its start.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use flate2::bufread::GzDecoder;

use super::positioned::{FileWindow, PositionedFile};
use super::problem::MemberProblem;
use super::tar_walk::TarInput;

/// Size of the buffer of inflated bytes, in bytes.
const BUFFER: usize = 256 << 10;

/// First bytes of gzip (RFC 1952), zstd and a skippable frame of zstd (RFC 8878, section 3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// A compression of a whole tar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        if start.starts_with(&GZIP) {
            return Some(Self::Gzip);
        }
        let is_skippable = start.first().is_some_and(|byte| byte & 0xf0 == 0x50)
            && start.get(1..4) == Some(&ZSTD_SKIPPABLE[..]);
        (start.starts_with(&ZSTD) || is_skippable).then_some(Self::Zstd)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// An inflated stream that ends with an error after a limit of bytes.
pub(super) type InflatedStream = BufReader<LimitedStream>;

impl TarInput for InflatedStream {}

/// Inflates a file from its start, up to `limit` bytes.
pub(super) fn inflate(
    file: Arc<PositionedFile>,
    compression: Compression,
    limit: u64,
) -> io::Result<InflatedStream> {
    let file = FileWindow::whole(file);
    let stream: Box<dyn Read + Send> = match compression {
        Compression::Gzip => {
            Box::new(GzipMembers { state: MembersState::Within(Box::new(GzDecoder::new(file))) })
        }
        // Reads one frame after another. The window of a frame is at most 128 MiB, zstd's own default.
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(file)?),
    };
    Ok(BufReader::with_capacity(BUFFER, LimitedStream { stream, left: limit, limit }))
}

/// A stream that ends with an error after a limit of bytes.
pub(super) struct LimitedStream {
    stream: Box<dyn Read + Send>,
    left: u64,
    /// The limit, in bytes.
    limit: u64,
}

impl Read for LimitedStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return match self.stream.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(MemberProblem::StreamTooLong(self.limit).into()),
            };
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let read = self.stream.read(into.get_mut(..most).unwrap_or_default())?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// One gzip member after another (RFC 1952, section 2.2). Zeros after a member are passed over, as by gzip itself;
/// other bytes are an error.
struct GzipMembers {
    state: MembersState,
}

enum MembersState {
    Within(Box<GzDecoder<FileWindow>>),
    After(FileWindow),
    Ended,
}

impl Read for GzipMembers {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            self.state = match std::mem::replace(&mut self.state, MembersState::Ended) {
                MembersState::Within(mut decoder) => match decoder.read(into) {
                    Ok(0) => MembersState::After(decoder.into_inner()),
                    result => {
                        self.state = MembersState::Within(decoder);
                        return result;
                    }
                },
                MembersState::After(mut rest) => match rest.fill_buf()? {
                    [] => MembersState::Ended,
                    [0x1f, ..] => MembersState::Within(Box::new(GzDecoder::new(rest))),
                    bytes @ [0, ..] => {
                        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
                        rest.consume(zeros);
                        MembersState::After(rest)
                    }
                    _ => {
                        self.state = MembersState::After(rest);
                        return Err(MemberProblem::AfterEnd.into());
                    }
                },
                MembersState::Ended => return Ok(0),
            };
        }
    }
}
