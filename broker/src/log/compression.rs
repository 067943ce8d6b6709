//! Decompresses the records of a batch, for the few questions that need a look inside, and compresses what is left of them.

use std::io::{self, Read, Write};

use flate2::write::GzEncoder;

/// No batch may unfold into more than this: a hostile one could otherwise fill the memory.
const MAX_UNCOMPRESSED: usize = 256 * 1024 * 1024;

/// The magic of snappy-java's framing, which librdkafka and the Java client write; others send one raw block.
const XERIAL_MAGIC: &[u8] = b"\x82SNAPPY\0";
const XERIAL_HEADER: usize = 16;

/// Whether `codec`, a number from a batch's attributes, is known.
pub(crate) fn is_known(codec: i16) -> bool {
    (0..=4).contains(&codec)
}

/// How many plain bytes one block of framed snappy holds, as snappy-java makes them.
const XERIAL_BLOCK: usize = 32 * 1024;

/// Compresses records the way a Java client does, which every client can read.
pub(crate) fn compress(codec: i16, plain: &[u8]) -> io::Result<Vec<u8>> {
    match codec {
        0 => Ok(plain.to_vec()),
        1 => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(plain)?;
            encoder.finish()
        }
        2 => xerial(plain, XERIAL_BLOCK),
        3 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(plain)?;
            Ok(encoder.finish()?)
        }
        4 => zstd::encode_all(plain, 0),
        _ => Err(unknown(codec)),
    }
}

/// Frames snappy as snappy-java does: a header, then blocks with a length each.
pub(super) fn xerial(plain: &[u8], block: usize) -> io::Result<Vec<u8>> {
    let mut framed = [XERIAL_MAGIC, &[0, 0, 0, 1, 0, 0, 0, 1]].concat();
    for part in plain.chunks(block) {
        let packed = snap::raw::Encoder::new().compress_vec(part)?;
        framed.extend((packed.len() as u32).to_be_bytes());
        framed.extend(packed);
    }
    Ok(framed)
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
        _ => Err(unknown(codec)),
    }
}

fn unknown(codec: i16) -> io::Error {
    let reason = format!("unknown compression codec {codec}");
    io::Error::new(io::ErrorKind::InvalidData, reason)
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
