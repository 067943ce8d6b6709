//! Reads and patches the fixed header of a record batch (message format v2, KIP-98).

use bytes::{Bytes, BytesMut};

/// The bytes before the records.
pub(crate) const HEADER_SIZE: usize = 61;
/// The bytes that the batch's own length field does not count: base offset and the length itself.
pub(crate) const LENGTH_OVERHEAD: usize = 12;
/// The producer id of a batch that is not idempotent.
pub(crate) const NO_PRODUCER: i64 = -1;

const LENGTH_AT: usize = 8;
const LEADER_EPOCH_AT: usize = 12;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const LAST_DELTA_AT: usize = 23;
const MAX_TIMESTAMP_AT: usize = 35;
const COUNT_AT: usize = 57;

const CODEC_MASK: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
/// The attribute of a batch that belongs to a transaction.
pub(super) const TRANSACTIONAL: i16 = 1 << 4;
/// The attribute of a batch that only brokers write.
pub(super) const CONTROL: i16 = 1 << 5;

/// The header's fields, as they stand in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Offset of the first record; in a produce request whatever the client likes.
    pub(crate) base_offset: i64,
    /// Bytes that follow the length field.
    pub(crate) length: i32,
    /// The leader epoch it was appended in.
    pub(crate) leader_epoch: i32,
    /// The message format: 2, or older than this broker takes.
    pub(crate) magic: i8,
    /// CRC-32C from the attributes to the end, so that neither offset nor epoch is covered.
    pub(crate) crc: u32,
    /// Codec, timestamp type, transactional and control bit.
    pub(crate) attributes: i16,
    /// Offset of the last record, counted from the first.
    pub(crate) last_offset_delta: i32,
    /// Milliseconds; the records' timestamps are counted from it.
    pub(crate) base_timestamp: i64,
    /// Milliseconds; the largest among the records, or the append time.
    pub(crate) max_timestamp: i64,
    /// [`NO_PRODUCER`] unless idempotent.
    pub(crate) producer_id: i64,
    /// Bumped to fence older instances of the producer.
    pub(crate) producer_epoch: i16,
    /// Sequence number of the first record.
    pub(crate) base_sequence: i32,
    /// How many records.
    pub(crate) count: i32,
}

impl Header {
    /// Reads the header at the front of `bytes`; `None` when they are too few.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_SIZE] = bytes.first_chunk()?;
        Some(Self {
            base_offset: i64::from_be_bytes(field(bytes, 0)),
            length: i32::from_be_bytes(field(bytes, LENGTH_AT)),
            leader_epoch: i32::from_be_bytes(field(bytes, LEADER_EPOCH_AT)),
            magic: i8::from_be_bytes(field(bytes, 16)),
            crc: u32::from_be_bytes(field(bytes, CRC_AT)),
            attributes: i16::from_be_bytes(field(bytes, ATTRIBUTES_AT)),
            last_offset_delta: i32::from_be_bytes(field(bytes, LAST_DELTA_AT)),
            base_timestamp: i64::from_be_bytes(field(bytes, 27)),
            max_timestamp: i64::from_be_bytes(field(bytes, MAX_TIMESTAMP_AT)),
            producer_id: i64::from_be_bytes(field(bytes, 43)),
            producer_epoch: i16::from_be_bytes(field(bytes, 51)),
            base_sequence: i32::from_be_bytes(field(bytes, 53)),
            count: i32::from_be_bytes(field(bytes, COUNT_AT)),
        })
    }

    /// The size of the whole batch by its length field; `None` when that cannot be true.
    pub(crate) fn size(&self) -> Option<usize> {
        let size = usize::try_from(self.length).ok()? + LENGTH_OVERHEAD;
        (size >= HEADER_SIZE).then_some(size)
    }

    /// The number of the codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub(crate) fn codec(&self) -> i16 {
        self.attributes & CODEC_MASK
    }

    /// Whether the broker stamped it, which makes `max_timestamp` the timestamp of every record.
    pub(crate) fn is_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    /// Whether it belongs to a transaction.
    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// Whether it is a transaction marker, which only brokers write.
    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Sequence number of the last record; sequences wrap from `i32::MAX` to 0.
    pub(crate) fn last_sequence(&self) -> i32 {
        self.base_sequence.wrapping_add(self.last_offset_delta) & i32::MAX
    }
}

fn field<const N: usize>(bytes: &[u8; HEADER_SIZE], at: usize) -> [u8; N] {
    *bytes[at..]
        .first_chunk()
        .expect("every field lies within the header")
}

/// The CRC-32C that the header of `batch` should carry.
pub(crate) fn checksum(batch: &[u8]) -> u32 {
    crc32c::crc32c(&batch[ATTRIBUTES_AT..])
}

/// Writes what the broker assigns. The checksum stays right, since it covers neither.
pub(crate) fn assign(batch: &mut BytesMut, base_offset: i64, leader_epoch: i32) {
    batch[..8].copy_from_slice(&base_offset.to_be_bytes());
    batch[LEADER_EPOCH_AT..][..4].copy_from_slice(&leader_epoch.to_be_bytes());
}

/// Makes `now` the timestamp of every record (`message.timestamp.type=LogAppendTime`), with a new checksum.
pub(crate) fn stamp(batch: &mut BytesMut, header: &Header, now: i64) {
    let attributes = header.attributes | LOG_APPEND_TIME;
    batch[ATTRIBUTES_AT..][..2].copy_from_slice(&attributes.to_be_bytes());
    batch[MAX_TIMESTAMP_AT..][..8].copy_from_slice(&now.to_be_bytes());
    seal(batch);
}

/// Writes the checksum that fits what the batch holds.
pub(super) fn seal(batch: &mut BytesMut) {
    let crc = checksum(batch);
    batch[CRC_AT..][..4].copy_from_slice(&crc.to_be_bytes());
}

/// Makes the header of a batch fit records that were taken out of it, the length and the checksum included.
pub(crate) fn resize(batch: &mut BytesMut, last_delta: i32, max_timestamp: i64, count: i32) {
    let length = (batch.len() - LENGTH_OVERHEAD) as i32;
    batch[LENGTH_AT..][..4].copy_from_slice(&length.to_be_bytes());
    batch[LAST_DELTA_AT..][..4].copy_from_slice(&last_delta.to_be_bytes());
    batch[MAX_TIMESTAMP_AT..][..8].copy_from_slice(&max_timestamp.to_be_bytes());
    batch[COUNT_AT..][..4].copy_from_slice(&count.to_be_bytes());
    seal(batch);
}

/// One batch in the log, with what reading and retention look at; the rest is in its bytes.
#[derive(Debug, Clone)]
pub(crate) struct StoredBatch {
    /// Offset of its first record.
    pub(crate) base_offset: i64,
    /// Offset of its last record.
    pub(crate) last_offset: i64,
    /// Milliseconds; the largest timestamp in it, or -1 when its records have none.
    pub(crate) max_timestamp: i64,
    /// Milliseconds; retention counts from here when the records have no timestamp.
    pub(crate) appended_at: i64,
    /// The batch as it goes on the wire.
    pub(crate) bytes: Bytes,
}

impl StoredBatch {
    /// Takes in a whole batch whose offset is assigned: one that is appended `now`, or one from the data directory, of
    /// which nobody knows any more when that was.
    pub(crate) fn new(bytes: Bytes, now: i64) -> Self {
        let header = Header::read(&bytes).expect("only batches with a whole header are stored");
        Self {
            base_offset: header.base_offset,
            last_offset: header.base_offset + i64::from(header.last_offset_delta),
            max_timestamp: header.max_timestamp,
            appended_at: now,
            bytes,
        }
    }

    /// The whole header.
    pub(crate) fn header(&self) -> Header {
        Header::read(&self.bytes).expect("only batches with a whole header are stored")
    }
}

/// What stands at the front of stored bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// A whole batch of this size.
    Whole(usize),
    /// The beginning of one: its write was cut short.
    Torn,
    /// Something that was never written like this.
    Corrupt,
}

/// Judges the front of bytes that were stored as batches.
pub(crate) fn front(bytes: &[u8]) -> Front {
    let Some(header) = Header::read(bytes) else {
        return Front::Torn;
    };
    match header.size() {
        None => Front::Corrupt,
        Some(size) if size > bytes.len() => Front::Torn,
        Some(size) if header.crc == checksum(&bytes[..size]) => Front::Whole(size),
        Some(_) => Front::Corrupt,
    }
}
