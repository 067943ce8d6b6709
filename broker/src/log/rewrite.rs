//! Rewrites a batch without some of its records; those that stay keep their offsets.

use std::io;

use bytes::{Bytes, BytesMut};

use super::batch::{self, HEADER_SIZE, Header, StoredBatch};
use super::compression;
use super::records::{Record, Records};

/// The batch with the records that `keep` wants, each given with its offset; `None` when it wants none. Where it wants
/// all, the bytes are the same. With `ends_at` the batch also ends there, and does not only lack records from there on.
///
/// # Errors
/// When the batch cannot be decompressed, which only its producer could have seen to.
pub(super) fn keep(
    batch: &StoredBatch,
    ends_at: Option<i64>,
    mut keep: impl FnMut(i64, &Record<'_>) -> bool,
) -> io::Result<Option<StoredBatch>> {
    let header = batch.header();
    let records = Records::open(&header, &batch.bytes)?;
    let mut kept = Kept::default();
    for record in records.iter() {
        let record = record?;
        let offset = batch.base_offset + i64::from(record.offset_delta);
        if ends_at.is_none_or(|end| offset < end) && keep(offset, &record) {
            kept.add(&header, &record);
        }
    }
    if kept.count == 0 {
        return Ok(None);
    }
    let last_offset = ends_at.map_or(batch.last_offset, |end| batch.last_offset.min(end - 1));
    if kept.count == header.count && last_offset == batch.last_offset {
        return Ok(Some(batch.clone()));
    }
    let packed = compression::compress(header.codec(), &kept.plain)?;
    let last_delta = (last_offset - batch.base_offset) as i32;
    let bytes = kept.assemble(&batch.bytes, &header, last_delta, &packed);
    Ok(Some(StoredBatch::new(bytes, batch.appended_at)))
}

#[derive(Default)]
struct Kept {
    plain: Vec<u8>,
    count: i32,
    max_timestamp: Option<i64>,
}

impl Kept {
    fn add(&mut self, header: &Header, record: &Record<'_>) {
        self.plain.extend_from_slice(record.bytes);
        self.count += 1;
        let timestamp = header.base_timestamp.saturating_add(record.timestamp_delta);
        self.max_timestamp = self.max_timestamp.max(Some(timestamp));
    }

    fn assemble(self, old: &Bytes, header: &Header, last_delta: i32, packed: &[u8]) -> Bytes {
        let max_timestamp = match self.max_timestamp {
            Some(timestamp) if !header.is_log_append_time() => timestamp,
            _ => header.max_timestamp,
        };
        let mut bytes = BytesMut::with_capacity(HEADER_SIZE + packed.len());
        bytes.extend_from_slice(&old[..HEADER_SIZE]);
        bytes.extend_from_slice(packed);
        batch::resize(&mut bytes, last_delta, max_timestamp, self.count);
        bytes.freeze()
    }
}
