//! Edits of good bytes, as a fuzzer chooses them.

use super::reader::Reader;

/// `good` with one edit.
pub fn edited(reader: &mut Reader<'_>, good: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let at = reader.index(bytes.len() + 1);
    match reader.byte() % 5 {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= reader.byte();
            }
        }
        1 => bytes.truncate(at),
        2 => drop(bytes.splice(at..at, reader.short().iter().copied())),
        3 => {
            let end = (at + usize::from(reader.byte())).min(bytes.len());
            bytes.drain(at..end);
        }
        _ => {
            let new = reader.short();
            let end = (at + new.len()).min(bytes.len());
            bytes.splice(at..end, new.iter().copied());
        }
    }
    bytes
}
