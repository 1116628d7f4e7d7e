//! The output of a hook: the beginning is kept, the rest is read and counted.

use std::io::{self, PipeReader, Read as _};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::report::escape::for_terminal;

/// Most output kept of a hook, stdout and stderr together, in bytes.
const MAX_KEPT: usize = 64 << 10;

/// The output of a hook, stdout and stderr in the order of writing. A thread reads the output, so that a hook is never
/// blocked by a full pipe.
#[derive(Clone, Default)]
pub(super) struct HookOutput(Arc<Mutex<ReadOutput>>);

#[derive(Default)]
struct ReadOutput {
    kept: Vec<u8>,
    /// Number of bytes that were not kept.
    dropped: u64,
    /// Whether every process closed its end of the pipe.
    is_closed: bool,
}

impl HookOutput {
    /// Directs stdout and stderr of `command` to this output.
    pub(super) fn receive(&self, command: &mut Command) -> io::Result<()> {
        let (reader, writer) = io::pipe()?;
        let output = self.clone();
        thread::Builder::new().name("hook".to_owned()).spawn(move || output.read(reader))?;
        command.stdout(writer.try_clone()?).stderr(writer);
        Ok(())
    }

    /// Whether the output has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.locked(|output| output.is_closed)
    }

    /// The kept output, safe to print; `None` for a hook that printed nothing.
    pub(super) fn shown(&self) -> Option<String> {
        let kept = self.locked(|output| String::from_utf8_lossy(&output.kept).into_owned());
        // A carriage return, as progress displays print, begins a line anew.
        let lines = kept.split(['\n', '\r']).map(|line| line.replace('\t', "    "));
        let lines: Vec<String> = lines.map(|line| for_terminal(&line).into_owned()).collect();
        let text = lines.join("\n");
        Some(text.trim_end_matches('\n').to_owned()).filter(|text| !text.is_empty())
    }

    /// How much of the output was not kept, as the end of a sentence; `None` if all was kept.
    pub(super) fn excess(&self) -> Option<String> {
        let dropped = self.locked(|output| output.dropped);
        (dropped > 0)
            .then(|| format!("printed too much: the first {MAX_KEPT} bytes are shown, and {dropped} are not"))
    }

    fn read(&self, mut reader: PipeReader) {
        let mut buffer = vec![0; MAX_KEPT];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => self.locked(|output| output.take(buffer.get(..read).unwrap_or_default())),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.locked(|output| output.is_closed = true);
    }

    fn locked<T>(&self, work: impl FnOnce(&mut ReadOutput) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ReadOutput {
    fn take(&mut self, bytes: &[u8]) {
        let room = MAX_KEPT.saturating_sub(self.kept.len());
        let (kept, dropped) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.kept.extend_from_slice(kept);
        self.dropped = self.dropped.saturating_add(dropped.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(parts: &[&[u8]]) -> HookOutput {
        let output = HookOutput::default();
        parts.iter().for_each(|part| output.locked(|read| read.take(part)));
        output
    }

    #[test]
    fn output_is_safe_to_print() {
        assert_eq!(output(&[]).shown(), None);
        assert_eq!(output(&[b"\n\r\n"]).shown(), None);
        assert_eq!(output(&[b"a\tb\r\n", b"\x1b[2J\xff\n"]).shown().unwrap(), "a    b\n\n\\u{1b}[2J\u{fffd}");
    }

    #[test]
    fn only_the_beginning_is_kept() {
        let block = vec![b'x'; MAX_KEPT - 1];
        let full = output(&[&block, b"y"]);
        assert_eq!((full.shown().unwrap().len(), full.excess()), (MAX_KEPT, None));
        let over = output(&[&block, b"yz", &block]);
        assert_eq!(over.shown().unwrap().len(), MAX_KEPT);
        assert!(over.excess().unwrap().ends_with(" and 65536 are not"), "{:?}", over.excess());
    }
}
