//! Encodes a picture with a palette as PNG in a `data:` address: the hours of a year take some hundred bytes.
//!
//! Written by hand, since the `png` crate would add a second backend to the engine's inflating. Source: W3C, "Portable
//! Network Graphics (PNG) Specification (Third Edition)", sections 5 and 11.

use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// A colour as red, green and blue; `None` is transparent.
pub(super) type PaletteColour = Option<[u8; 3]>;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Bits per pixel, enough for 16 colours.
const DEPTH: u8 = 4;

/// PNG colour type for palettes.
const INDEXED: u8 = 3;

/// The `data:` address of a picture. The rows consist of indices into `palette`, which has at most 16 colours.
pub(super) fn data_address(rows: &[Vec<u8>], palette: &[PaletteColour]) -> io::Result<String> {
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(encode(rows, palette)?)))
}

fn encode(rows: &[Vec<u8>], palette: &[PaletteColour]) -> io::Result<Vec<u8>> {
    let too_large = |_| io::Error::other("the picture is too large for PNG");
    let width = u32::try_from(rows.first().map_or(0, Vec::len)).map_err(too_large)?;
    let height = u32::try_from(rows.len()).map_err(too_large)?;
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([DEPTH, INDEXED, 0, 0, 0]);
    let colours: Vec<u8> = palette.iter().flat_map(|colour| colour.unwrap_or_default()).collect();
    let opacity: Vec<u8> = palette.iter().map(|colour| if colour.is_some() { 255 } else { 0 }).collect();
    let mut png = SIGNATURE.to_vec();
    for (kind, content) in [
        (b"IHDR", header),
        (b"PLTE", colours),
        (b"tRNS", opacity),
        (b"IDAT", pixels(rows)?),
        (b"IEND", Vec::new()),
    ] {
        chunk(&mut png, kind, &content).map_err(too_large)?;
    }
    Ok(png)
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) -> Result<(), std::num::TryFromIntError> {
    let mut sum = Crc::new();
    sum.update(kind);
    sum.update(content);
    png.extend(u32::try_from(content.len())?.to_be_bytes());
    png.extend(kind);
    png.extend(content);
    png.extend(sum.sum().to_be_bytes());
    Ok(())
}

/// Packs the rows: a filter byte (0, no filter), then two pixels per byte.
fn pixels(rows: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in rows {
        packed.write_all(&[0])?;
        let pairs = row.chunks(2).map(|pair| match pair {
            [left, right] => left << 4 | (right & 0xf),
            [left] => left << 4,
            _ => 0,
        });
        packed.write_all(&pairs.collect::<Vec<u8>>())?;
    }
    packed.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_as_the_standard_has_them() {
        let png = encode(&[vec![1, 0, 1], vec![0, 1, 0]], &[None, Some([1, 2, 3])]).unwrap();
        assert_eq!(
            &png[..33],
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x04\x03\0\0\0\x6f\x5a\x7b\x29"
        );
        assert!(png.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
    }
}
