//! Builds record batches for the unit tests.

use bytes::{BufMut, Bytes, BytesMut};

use super::batch::{self, HEADER_SIZE, LENGTH_OVERHEAD};
use super::compression;
use super::incoming::Incoming;

/// A batch to be, with fields to get wrong.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) magic: i8,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: Option<i32>,
    pub(crate) base_timestamp: i64,
    pub(crate) producer: (i64, i16, i32),
    /// Key and timestamp of each record.
    pub(crate) records: Vec<(Option<&'static str>, i64)>,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            magic: 2,
            attributes: 0,
            last_offset_delta: None,
            base_timestamp: 1000,
            producer: (-1, -1, -1),
            records: vec![(Some("key"), 1000)],
        }
    }
}

impl Sample {
    /// As many records as there are timestamps.
    pub(crate) fn at(timestamps: &[i64]) -> Self {
        let records = timestamps.iter().map(|time| (Some("key"), *time)).collect();
        Self {
            base_timestamp: timestamps[0],
            records,
            ..Self::default()
        }
    }

    /// `count` records of an idempotent producer.
    pub(crate) fn of(producer: (i64, i16, i32), count: usize) -> Self {
        Self {
            producer,
            records: vec![(Some("key"), 1000); count],
            ..Self::default()
        }
    }

    /// The batch, with a checksum that is right whatever else is wrong.
    pub(crate) fn bytes(&self) -> Bytes {
        let count = self.records.len() as i32;
        let largest = self
            .records
            .iter()
            .map(|(_, time)| *time)
            .max()
            .unwrap_or(-1);
        let packed = self.pack();
        let mut batch = BytesMut::with_capacity(HEADER_SIZE + packed.len());
        batch.put_i64(77); // clients may claim any offset and epoch
        batch.put_i32((HEADER_SIZE + packed.len() - LENGTH_OVERHEAD) as i32);
        batch.put_i32(-1);
        batch.put_i8(self.magic);
        batch.put_u32(0);
        batch.put_i16(self.attributes);
        batch.put_i32(self.last_offset_delta.unwrap_or(count - 1));
        batch.put_i64(self.base_timestamp);
        batch.put_i64(largest);
        batch.put_i64(self.producer.0);
        batch.put_i16(self.producer.1);
        batch.put_i32(self.producer.2);
        batch.put_i32(count);
        batch.put_slice(&packed);
        let crc = batch::checksum(&batch);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        batch.freeze()
    }

    /// The batch, found sound.
    pub(crate) fn incoming(&self) -> Incoming {
        Incoming::check(Some(&self.bytes()), 9).expect("the sample is sound")
    }

    fn pack(&self) -> Vec<u8> {
        let mut plain = Vec::new();
        for (offset, (key, time)) in self.records.iter().enumerate() {
            let mut record = vec![0];
            put_varint(&mut record, time - self.base_timestamp);
            put_varint(&mut record, offset as i64);
            put_varint(&mut record, key.map_or(-1, |key| key.len() as i64));
            record.extend(key.unwrap_or_default().bytes());
            put_varint(&mut record, -1); // null value
            put_varint(&mut record, 0); // no headers
            put_varint(&mut plain, record.len() as i64);
            plain.extend(record);
        }
        match self.attributes & 7 {
            5.. => plain,
            codec => compression::compress(codec, &plain).expect("memory can be written"),
        }
    }
}

fn put_varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = (value << 1 ^ value >> 63) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
