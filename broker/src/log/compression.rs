//! Decompresses the records of a batch, for the few questions that need a look inside.

use std::io::{self, Read};

/// No batch may unfold into more than this: a hostile one could otherwise fill the memory.
const MAX_UNCOMPRESSED: usize = 256 * 1024 * 1024;

/// The magic of snappy-java's framing, which librdkafka and the Java client write; others send one raw block.
const XERIAL_MAGIC: &[u8] = b"\x82SNAPPY\0";
const XERIAL_HEADER: usize = 16;

/// Whether `codec`, a number from a batch's attributes, is known.
pub(crate) fn is_known(codec: i16) -> bool {
    (0..=4).contains(&codec)
}

/// The plain records behind `compressed`.
pub(crate) fn decompress(codec: i16, compressed: &[u8]) -> io::Result<Vec<u8>> {
    decompress_within(codec, compressed, MAX_UNCOMPRESSED)
}

/// The same, for records of at most `limit` bytes.
pub(super) fn decompress_within(
    codec: i16,
    compressed: &[u8],
    limit: usize,
) -> io::Result<Vec<u8>> {
    match codec {
        0 => Ok(compressed.to_vec()),
        1 => read_all(flate2::read::MultiGzDecoder::new(compressed), limit),
        2 => unsnap(compressed, limit),
        3 => read_all(lz4_flex::frame::FrameDecoder::new(compressed), limit),
        4 => read_all(zstd::stream::read::Decoder::new(compressed)?, limit),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("unknown compression codec {codec}"),
        )),
    }
}

fn read_all(decoder: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    decoder.take(limit as u64 + 1).read_to_end(&mut plain)?;
    if plain.len() > limit {
        return Err(too_large(limit));
    }
    Ok(plain)
}

fn unsnap(compressed: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    if !compressed.starts_with(XERIAL_MAGIC) {
        unsnap_block(compressed, &mut plain, limit)?;
        return Ok(plain);
    }
    let mut blocks = compressed.get(XERIAL_HEADER..).unwrap_or_default();
    while let Some((length, rest)) = blocks.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let block = rest.get(..length).ok_or(io::ErrorKind::UnexpectedEof)?;
        unsnap_block(block, &mut plain, limit)?;
        blocks = &rest[length..];
    }
    Ok(plain)
}

fn unsnap_block(block: &[u8], plain: &mut Vec<u8>, limit: usize) -> io::Result<()> {
    let size = snap::raw::decompress_len(block).map_err(io::Error::from)?;
    let start = plain.len();
    if size > limit - start {
        return Err(too_large(limit));
    }
    plain.resize(start + size, 0);
    snap::raw::Decoder::new()
        .decompress(block, &mut plain[start..])
        .map_err(io::Error::from)?;
    Ok(())
}

fn too_large(limit: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the batch unfolds into more than {limit} bytes"),
    )
}
