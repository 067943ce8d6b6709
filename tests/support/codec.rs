//! The five codecs a batch may be compressed with, framed as Kafka's own clients frame them.

use std::io::{Read, Write};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;

/// A batch's compression; the number is the low three bits of its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

/// First bytes of the snappy-java framing that Kafka's Java clients write: magic, then version and lowest reader version.
const XERIAL_HEADER: &[u8] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
const XERIAL_BLOCK: usize = 32 * 1024;

impl Codec {
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec named by a batch's attributes.
    pub fn from_attributes(attributes: i16) -> Result<Self> {
        let number = attributes & 0x7;
        Self::ALL
            .into_iter()
            .find(|codec| *codec as i16 == number)
            .with_context(|| format!("codec {number}"))
    }

    pub fn compress(self, plain: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::None => Ok(plain.to_vec()),
            Self::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(plain)?;
                Ok(encoder.finish()?)
            }
            Self::Snappy => compress_xerial(plain),
            Self::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(plain)?;
                Ok(encoder.finish()?)
            }
            Self::Zstd => Ok(zstd::bulk::compress(plain, 1)?),
        }
    }

    pub fn decompress(self, packed: Bytes) -> Result<Bytes> {
        let mut plain = Vec::new();
        match self {
            Self::None => return Ok(packed),
            Self::Gzip => flate2::read::MultiGzDecoder::new(&packed[..]).read_to_end(&mut plain)?,
            Self::Snappy => return decompress_snappy(&packed),
            Self::Lz4 => lz4_flex::frame::FrameDecoder::new(&packed[..]).read_to_end(&mut plain)?,
            Self::Zstd => zstd::Decoder::new(&packed[..])?.read_to_end(&mut plain)?,
        };
        Ok(plain.into())
    }
}

fn compress_xerial(plain: &[u8]) -> Result<Vec<u8>> {
    let mut packed = XERIAL_HEADER.to_vec();
    for block in plain.chunks(XERIAL_BLOCK) {
        let block = snap::raw::Encoder::new().compress_vec(block)?;
        packed.extend((block.len() as u32).to_be_bytes());
        packed.extend(block);
    }
    Ok(packed)
}

/// librdkafka writes one raw snappy block, Java the xerial framing; a log may hold either.
fn decompress_snappy(packed: &[u8]) -> Result<Bytes> {
    let Some(mut blocks) = packed.strip_prefix(XERIAL_HEADER) else {
        return Ok(snap::raw::Decoder::new().decompress_vec(packed)?.into());
    };
    let mut plain = Vec::new();
    while let Some((length, rest)) = blocks.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        ensure!(
            length <= rest.len(),
            "snappy block of {length} bytes cut off"
        );
        plain.extend(snap::raw::Decoder::new().decompress_vec(&rest[..length])?);
        blocks = &rest[length..];
    }
    if !blocks.is_empty() {
        bail!("{} bytes after the last snappy block", blocks.len());
    }
    Ok(plain.into())
}
