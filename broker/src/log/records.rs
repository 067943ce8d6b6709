//! Walks through the single records of a batch: who needs a key, a timestamp or an offset inside it looks here.

use std::io;

use super::batch::{HEADER_SIZE, Header};
use super::compression;

/// One record; its offset and timestamp are counted from the batch's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// Milliseconds after the batch's base timestamp.
    pub(crate) timestamp_delta: i64,
    /// Offset after the batch's base offset.
    pub(crate) offset_delta: i32,
    /// `None` is a null key, which is not an empty one.
    pub(crate) key: Option<&'a [u8]>,
    /// Whether its value is null, which deletes its key from a compacted topic.
    pub(crate) is_tombstone: bool,
    /// The whole record as it stands in the batch, its length included.
    pub(crate) bytes: &'a [u8],
}

/// The decompressed records of one batch.
pub(crate) struct Records {
    plain: Vec<u8>,
    count: usize,
}

impl Records {
    /// Decompresses the records of a whole batch.
    pub(crate) fn open(header: &Header, batch: &[u8]) -> io::Result<Self> {
        let packed = batch
            .get(HEADER_SIZE..)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let plain = compression::decompress(header.codec(), packed)?;
        Ok(Self {
            plain,
            count: usize::try_from(header.count).unwrap_or(0),
        })
    }

    /// The records in order; one error ends them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = io::Result<Record<'_>>> {
        let mut rest = self.plain.as_slice();
        let mut left = self.count;
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let record = take_record(&mut rest);
            if record.is_none() {
                left = 0;
            }
            Some(
                record.ok_or_else(|| {
                    io::Error::new(io::ErrorKind::InvalidData, "a malformed record")
                }),
            )
        })
    }
}

fn take_record<'a>(rest: &mut &'a [u8]) -> Option<Record<'a>> {
    let whole = *rest;
    let length = usize::try_from(take_varlong(rest)?).ok()?;
    let (mut record, after) = rest.split_at_checked(length)?;
    *rest = after;
    let (_attributes, body) = record.split_first()?;
    record = body;
    let timestamp_delta = take_varlong(&mut record)?;
    let offset_delta = i32::try_from(take_varlong(&mut record)?).ok()?;
    let key = match take_varlong(&mut record)? {
        -1 => None,
        length => Some(record.split_off(..usize::try_from(length).ok()?)?),
    };
    Some(Record {
        timestamp_delta,
        offset_delta,
        key,
        is_tombstone: take_varlong(&mut record)? == -1,
        bytes: &whole[..whole.len() - rest.len()],
    })
}

/// A zigzag varint; 32-bit fields share the encoding.
fn take_varlong(rest: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}
