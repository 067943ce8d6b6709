//! Writes one record as a batch of its own, and reads who wrote the last batch of a log (message format v2, KIP-98).

use bytes::{BufMut, Bytes, BytesMut};

use crate::librdkafka::produce::Outgoing;
use crate::offset::TargetOffset;

/// Bytes before the records.
const HEADER: usize = 61;
/// Bytes that the batch's own length field does not count: base offset and the length itself.
const UNCOUNTED: usize = 12;
/// The checksum covers everything from here on.
const ATTRIBUTES_AT: usize = 21;
/// The attributes of a batch that belongs to a transaction, or that only brokers write.
const TRANSACTIONAL_OR_CONTROL: i16 = 0b11 << 4;

/// Who writes a batch, and as which of its own batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signature {
    /// The producer.
    pub id: i64,
    /// Batches of lower epochs are refused from this one on.
    pub epoch: i16,
}

/// The one record as an uncompressed batch, the first of its producer's epoch.
pub(super) fn encode(record: &Outgoing<'_>, by: Signature) -> Bytes {
    let mut covered = BytesMut::new();
    covered.put_i16(0); // Attributes: no codec, create time.
    covered.put_i32(0); // Last offset delta.
    covered.put_i64(record.timestamp);
    covered.put_i64(record.timestamp);
    covered.put_i64(by.id);
    covered.put_i16(by.epoch);
    covered.put_i32(0); // Base sequence.
    covered.put_i32(1); // Records.
    put_record(&mut covered, record);
    let mut batch = BytesMut::with_capacity(ATTRIBUTES_AT + covered.len());
    batch.put_i64(0); // Base offset, the broker's to assign.
    batch.put_i32(i32::try_from(covered.len() + ATTRIBUTES_AT - UNCOUNTED).unwrap_or(i32::MAX));
    batch.put_i32(-1); // Leader epoch, the broker's to assign.
    batch.put_i8(2);
    batch.put_u32(crc32c::crc32c(&covered));
    batch.put_slice(&covered);
    batch.freeze()
}

fn put_record(out: &mut BytesMut, record: &Outgoing<'_>) {
    let mut body = BytesMut::new();
    body.put_i8(0); // Attributes, none defined.
    put_varint(&mut body, 0); // Timestamp and offset, counted from those of the batch.
    put_varint(&mut body, 0);
    put_field(&mut body, record.key);
    put_field(&mut body, record.value);
    put_length(&mut body, record.headers.len());
    for header in &record.headers {
        put_field(&mut body, Some(header.name.to_bytes()));
        put_field(&mut body, header.value);
    }
    put_length(out, body.len());
    out.put_slice(&body);
}

/// Length and bytes; -1 stands for null.
fn put_field(out: &mut BytesMut, field: Option<&[u8]>) {
    match field {
        None => put_varint(out, -1),
        Some(bytes) => {
            put_length(out, bytes.len());
            out.put_slice(bytes);
        }
    }
}

fn put_length(out: &mut BytesMut, length: usize) {
    put_varint(out, i64::try_from(length).unwrap_or(i64::MAX));
}

/// Zigzag, seven bits at a time, the lowest first.
fn put_varint(out: &mut BytesMut, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.put_u8(rest as u8);
}

/// Who wrote the record at `offset`, from a stretch of the log that begins with its batch or before it. `None` when no
/// idempotent producer did, one within a transaction, or the broker itself.
pub(super) fn writer_of(mut log: &[u8], offset: TargetOffset) -> Option<Signature> {
    while let Some(header) = log.first_chunk::<HEADER>() {
        let base = i64::from_be_bytes(field(header, 0));
        let length = i32::from_be_bytes(field(header, 8));
        let attributes = i16::from_be_bytes(field(header, ATTRIBUTES_AT));
        let last = base + i64::from(i32::from_be_bytes(field(header, 23)));
        let id = i64::from_be_bytes(field(header, 43));
        let epoch = i16::from_be_bytes(field(header, 51));
        if header[16] != 2 {
            return None;
        }
        if last >= offset.get() {
            let is_plain = id >= 0 && attributes & TRANSACTIONAL_OR_CONTROL == 0;
            return (base <= offset.get() && is_plain).then_some(Signature { id, epoch });
        }
        log = log.get(usize::try_from(length).ok()? + UNCOUNTED..)?;
    }
    None
}

fn field<const N: usize>(header: &[u8; HEADER], at: usize) -> [u8; N] {
    *header[at..]
        .first_chunk()
        .expect("every field lies within the header")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::librdkafka::message::Header;

    const BY: Signature = Signature { id: 7, epoch: 3 };

    fn record<'a>(key: Option<&'a [u8]>, headers: Vec<Header<'a>>) -> Outgoing<'a> {
        Outgoing {
            key,
            value: Some(b"v"),
            headers,
            timestamp: 1_000,
        }
    }

    /// A batch that the log holds from `base` on.
    fn at(base: i64, by: Signature) -> BytesMut {
        let mut batch = BytesMut::from(&encode(&record(None, Vec::new()), by)[..]);
        (&mut batch[..8]).put_i64(base);
        batch
    }

    fn writer(log: &[u8], offset: i64) -> Option<Signature> {
        writer_of(log, TargetOffset::new(offset))
    }

    #[test]
    fn a_batch_is_what_kafka_takes_byte_by_byte() {
        let null = Header {
            name: c"h",
            value: None,
        };
        let batch = encode(&record(Some(b"k"), vec![null]), BY);
        let expected = [
            &[0; 8][..],               // base offset
            &[0, 0, 0, 61],            // length
            &[0xff, 0xff, 0xff, 0xff], // leader epoch
            &[2],                      // magic
            &crc32c::crc32c(&batch[21..]).to_be_bytes(),
            &[0, 0],                         // attributes
            &[0, 0, 0, 0],                   // last offset delta
            &[0, 0, 0, 0, 0, 0, 0x03, 0xe8], // first and largest timestamp
            &[0, 0, 0, 0, 0, 0, 0x03, 0xe8],
            &[0, 0, 0, 0, 0, 0, 0, 7], // producer id
            &[0, 3],                   // epoch
            &[0, 0, 0, 0],             // base sequence
            &[0, 0, 0, 1],             // records
            &[22, 0, 0, 0, 2, b'k', 2, b'v', 2, 2, b'h', 1],
        ];
        assert_eq!(batch[..], expected.concat()[..]);
    }

    #[test]
    fn lengths_are_written_as_kafka_writes_them() {
        let cases: [(i64, &[u8]); 5] = [
            (0, &[0]),
            (-1, &[1]),
            (63, &[126]),
            (64, &[0x80, 1]),
            (
                i64::MAX,
                &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            ),
        ];
        for (value, expected) in cases {
            let mut out = BytesMut::new();
            put_varint(&mut out, value);
            assert_eq!(out[..], *expected, "{value}");
        }
    }

    #[test]
    fn the_writer_is_that_of_the_batch_which_holds_the_offset() {
        let other = Signature { id: 9, epoch: 0 };
        let log = [&at(4, other)[..], &at(5, BY)].concat();
        assert_eq!(writer(&log, 5), Some(BY));
        assert_eq!(writer(&log, 4), Some(other));
        assert_eq!(writer(&log, 6), None, "behind the stretch");
        assert_eq!(writer(&log, 3), None, "before it");
        assert_eq!(
            writer(&log[..log.len() - 8], 5),
            Some(BY),
            "cut off behind the header"
        );
        assert_eq!(writer(&[], 5), None);
    }

    #[test]
    fn none_is_a_writer_without_an_id_or_within_a_transaction() {
        let nobody = Signature { id: -1, epoch: -1 };
        assert_eq!(writer(&at(5, nobody), 5), None);
        for bit in [4, 5] {
            let mut batch = at(5, BY);
            batch[22] |= 1 << bit;
            assert_eq!(writer(&batch, 5), None);
        }
        let mut old = at(5, BY);
        old[16] = 1;
        assert_eq!(writer(&old, 5), None);
    }
}
