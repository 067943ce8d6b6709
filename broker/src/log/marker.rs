//! Builds and reads the markers that end transactions: control batches of one record (KIP-98).

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::batch::{self, CONTROL, HEADER_SIZE, Header, LENGTH_OVERHEAD, TRANSACTIONAL};
use super::records::Records;

const KEY_VERSION: i16 = 0;
const VALUE_VERSION: i16 = 0;
const ABORT: i16 = 0;
const COMMIT: i16 = 1;

/// One coordinator keeps all transactions, and is never replaced by another.
const COORDINATOR_EPOCH: i32 = 0;

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// Nobody who reads committed records sees it.
    Abort,
    /// All of it counts.
    Commit,
}

/// Who ends a transaction, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The producer whose transaction ends.
    pub(crate) producer_id: i64,
    /// The producer's epoch; a newer one than that of the records fences their writer.
    pub(crate) producer_epoch: i16,
    /// How it ends.
    pub(crate) ending: Ending,
}

impl Marker {
    /// The marker as a batch that was written at `now`, in milliseconds. Offset and leader epoch are yet to be assigned.
    pub(super) fn to_batch(self, now: i64) -> BytesMut {
        let record = self.record();
        let mut bytes = BytesMut::with_capacity(HEADER_SIZE + record.len());
        bytes.put_i64(0);
        bytes.put_i32((HEADER_SIZE + record.len() - LENGTH_OVERHEAD) as i32);
        bytes.put_i32(-1);
        bytes.put_i8(2);
        bytes.put_u32(0);
        bytes.put_i16(TRANSACTIONAL | CONTROL);
        bytes.put_i32(0);
        bytes.put_i64(now);
        bytes.put_i64(now);
        bytes.put_i64(self.producer_id);
        bytes.put_i16(self.producer_epoch);
        bytes.put_i32(-1);
        bytes.put_i32(1);
        bytes.put_slice(&record);
        batch::seal(&mut bytes);
        bytes
    }

    /// Lengths and counts below 64 take one byte each, twice their value.
    fn record(self) -> Bytes {
        let mut body = BytesMut::new();
        body.put_slice(&[0, 0, 0]); // attributes, timestamp delta, offset delta
        body.put_u8(4 << 1);
        body.put_i16(KEY_VERSION);
        body.put_i16(match self.ending {
            Ending::Abort => ABORT,
            Ending::Commit => COMMIT,
        });
        body.put_u8(6 << 1);
        body.put_i16(VALUE_VERSION);
        body.put_i32(COORDINATOR_EPOCH);
        body.put_u8(0); // no headers
        let mut record = BytesMut::new();
        record.put_u8((body.len() as u8) << 1);
        record.put_slice(&body);
        record.freeze()
    }
}

impl Ending {
    /// How a marker ends its transaction; `None` for a batch that is no marker.
    pub(super) fn of(header: &Header, batch: &[u8]) -> Option<Self> {
        if !header.is_control() {
            return None;
        }
        let records = Records::open(header, batch).ok()?;
        let record = records.iter().next()?.ok()?;
        let number = i16::from_be_bytes(*record.key?.get(2..)?.first_chunk()?);
        match number {
            ABORT => Some(Self::Abort),
            COMMIT => Some(Self::Commit),
            _ => None,
        }
    }
}
