//! Writes records into one v2 record batch, byte by byte, changing nothing.

use anyhow::Result;
use bytes::{BufMut, Bytes, BytesMut};

use super::codec::Codec;
use super::record::Record;
use super::varint;

/// The checksum covers everything from the attributes to the end.
const ATTRIBUTES_AT: usize = 21;

/// One batch of `records`, in order, without producer id: the broker assigns offsets from 0 upwards of its own.
///
/// Timestamps go in as they are, -1 and 0 included.
pub fn encode(records: &[Record], codec: Codec) -> Result<Bytes> {
    let base_timestamp = records.first().map_or(-1, |record| record.timestamp);
    let max_timestamp = records
        .iter()
        .map(|record| record.timestamp)
        .max()
        .unwrap_or(-1);
    let count = i32::try_from(records.len())?;

    let mut covered = BytesMut::new();
    covered.put_i16(codec as i16);
    covered.put_i32(count - 1); // last offset delta
    covered.put_i64(base_timestamp);
    covered.put_i64(max_timestamp);
    covered.put_i64(-1); // producer id
    covered.put_i16(-1); // producer epoch
    covered.put_i32(-1); // base sequence
    covered.put_i32(count);
    covered.put_slice(&codec.compress(&encode_records(records, base_timestamp))?);

    let mut batch = BytesMut::with_capacity(ATTRIBUTES_AT + covered.len());
    batch.put_i64(0); // base offset, the broker's to assign
    batch.put_i32(i32::try_from(covered.len() + 9)?); // everything after this field
    batch.put_i32(-1); // leader epoch, the broker's to assign
    batch.put_i8(2); // magic
    batch.put_u32(crc32c::crc32c(&covered));
    batch.put_slice(&covered);
    Ok(batch.freeze())
}

fn encode_records(records: &[Record], base_timestamp: i64) -> Vec<u8> {
    let mut section = Vec::new();
    let mut body = Vec::new();
    for (delta, record) in records.iter().enumerate() {
        body.clear();
        body.push(0); // attributes, none defined
        varint::put(&mut body, record.timestamp - base_timestamp);
        varint::put(&mut body, delta as i64);
        put_field(&mut body, record.key.as_ref());
        put_field(&mut body, record.value.as_ref());
        varint::put(&mut body, record.headers.len() as i64);
        for header in &record.headers {
            put_field(&mut body, Some(&header.key));
            put_field(&mut body, header.value.as_ref());
        }
        varint::put(&mut section, body.len() as i64);
        section.extend_from_slice(&body);
    }
    section
}

/// Length and bytes; -1 stands for null.
fn put_field(body: &mut Vec<u8>, field: Option<&Bytes>) {
    match field {
        None => varint::put(body, -1),
        Some(bytes) => {
            varint::put(body, bytes.len() as i64);
            body.extend_from_slice(bytes);
        }
    }
}
