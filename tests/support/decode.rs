//! Reads records out of v2 record batches, byte by byte, tidying nothing up.

use anyhow::{Context, Result, ensure};
use bytes::{Buf, Bytes};

use super::codec::Codec;
use super::record::{self, Record, TimestampType};
use super::varint;

/// A record and its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub offset: i64,
    pub timestamp_type: TimestampType,
    /// On a LogAppendTime topic the timestamp is the broker's.
    pub record: Record,
}

/// Bytes before the batch's own length field ends.
const FRAME: usize = 12;
const HEADER: usize = 61;
const LOG_APPEND_TIME: i16 = 0x08;
const CONTROL: i16 = 0x20;

/// Hands every record of the whole batches in `fetched` to `each`; answers the offset after the last batch, if any.
///
/// A broker may cut the last batch off: that one is left for the next fetch. Control batches hold no records of users.
pub fn batches(
    mut fetched: Bytes,
    mut each: impl FnMut(Stored) -> Result<()>,
) -> Result<Option<i64>> {
    let mut next_offset = None;
    while fetched.len() >= FRAME {
        let length = usize::try_from((&fetched[8..FRAME]).get_i32())? + FRAME;
        if fetched.len() < length {
            break;
        }
        next_offset = Some(batch(fetched.split_to(length), &mut each)?);
    }
    Ok(next_offset)
}

/// Who wrote a batch, and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Offset of its first record.
    pub base: i64,
    pub records: i64,
    pub producer: i64,
    pub epoch: i16,
    pub sequence: i32,
}

/// The headers of the whole batches in `fetched`.
pub fn headers(mut fetched: Bytes) -> Vec<Header> {
    let mut headers = Vec::new();
    while fetched.len() >= HEADER {
        let length = (&fetched[8..FRAME]).get_i32() as usize + FRAME;
        if fetched.len() < length {
            break;
        }
        let whole = fetched.split_to(length);
        headers.push(Header {
            base: (&whole[0..]).get_i64(),
            records: i64::from((&whole[23..]).get_i32()) + 1,
            producer: (&whole[43..]).get_i64(),
            epoch: (&whole[51..]).get_i16(),
            sequence: (&whole[53..]).get_i32(),
        });
    }
    headers
}

/// One whole batch; answers the offset after it, which compaction and control batches may put beyond the last record.
fn batch(whole: Bytes, each: &mut impl FnMut(Stored) -> Result<()>) -> Result<i64> {
    ensure!(
        whole.len() >= HEADER,
        "a batch of {} bytes has no room for its header",
        whole.len()
    );
    let base_offset = (&whole[0..]).get_i64();
    ensure!(
        whole[16] == 2,
        "batch at offset {base_offset} has magic {}",
        whole[16]
    );
    ensure!(
        (&whole[17..]).get_u32() == crc32c::crc32c(&whole[21..]),
        "batch at offset {base_offset} fails its checksum"
    );
    let attributes = (&whole[21..]).get_i16();
    let next_offset = base_offset + i64::from((&whole[23..]).get_i32()) + 1;
    if attributes & CONTROL != 0 {
        return Ok(next_offset);
    }
    let times = Times {
        base: (&whole[27..]).get_i64(),
        appended: (attributes & LOG_APPEND_TIME != 0).then(|| (&whole[35..]).get_i64()),
    };
    let count = (&whole[57..]).get_i32();
    let mut records = Codec::from_attributes(attributes)?.decompress(whole.slice(HEADER..))?;
    for index in 0..count {
        let stored = record(&mut records, base_offset, &times)
            .with_context(|| format!("record {index} of batch at {base_offset}"))?;
        each(stored)?;
    }
    ensure!(
        records.is_empty(),
        "{} bytes after the last record of batch at {base_offset}",
        records.len()
    );
    Ok(next_offset)
}

/// What a batch says about the times of its records.
struct Times {
    base: i64,
    /// On a LogAppendTime topic the batch's maximum holds for every record in it.
    appended: Option<i64>,
}

fn record(records: &mut Bytes, base_offset: i64, times: &Times) -> Result<Stored> {
    let length = usize::try_from(varint::get(records)?)?;
    ensure!(length <= records.len(), "cut off");
    let mut body = records.split_to(length);
    ensure!(body.has_remaining(), "empty");
    body.advance(1); // attributes, none defined
    let created = times.base + varint::get(&mut body)?;
    let offset = base_offset + varint::get(&mut body)?;
    let key = field(&mut body)?;
    let value = field(&mut body)?;
    let headers = (0..varint::get(&mut body)?)
        .map(|_| {
            Ok(record::Header {
                key: field(&mut body)?.context("null header key")?,
                value: field(&mut body)?,
            })
        })
        .collect::<Result<_>>()?;
    ensure!(body.is_empty(), "{} bytes too many", body.len());
    let timestamp_type = if times.appended.is_some() {
        TimestampType::LogAppendTime
    } else {
        TimestampType::CreateTime
    };
    let record = Record {
        timestamp: times.appended.unwrap_or(created),
        key,
        value,
        headers,
    };
    Ok(Stored {
        offset,
        timestamp_type,
        record,
    })
}

fn field(body: &mut Bytes) -> Result<Option<Bytes>> {
    let length = varint::get(body)?;
    if length == -1 {
        return Ok(None);
    }
    let length = usize::try_from(length)?;
    ensure!(length <= body.len(), "field of {length} bytes cut off");
    Ok(Some(body.split_to(length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::batch;
    use crate::support::workload;

    fn decoded(bytes: Bytes) -> Vec<Stored> {
        let mut all = Vec::new();
        batches(bytes, |stored| {
            all.push(stored);
            Ok(())
        })
        .expect("whole batches");
        all
    }

    #[test]
    fn what_is_encoded_comes_back_under_every_codec() {
        let records: Vec<_> = workload::peculiar(1_700_000_000_000).collect();
        for codec in Codec::ALL {
            let stored = decoded(batch::encode(&records, codec).expect("encodes"));
            assert_eq!(
                stored
                    .iter()
                    .map(|one| one.record.clone())
                    .collect::<Vec<_>>(),
                records,
                "{codec:?}"
            );
            assert!(
                stored
                    .iter()
                    .enumerate()
                    .all(|(at, one)| one.offset == at as i64)
            );
        }
    }

    #[test]
    fn a_batch_cut_off_at_the_end_is_left_for_later() {
        let whole = batch::encode(&[Record::at(1).key("k")], Codec::None).expect("encodes");
        let mut fetched = whole.to_vec();
        fetched.extend_from_slice(&whole[..whole.len() - 1]);
        assert_eq!(decoded(fetched.into()).len(), 1);
    }

    #[test]
    fn a_flipped_bit_is_refused() {
        let mut bytes = batch::encode(&[Record::at(1).key("k")], Codec::None)
            .expect("encodes")
            .to_vec();
        *bytes.last_mut().expect("not empty") ^= 1;
        let error = batches(bytes.into(), |_| Ok(())).expect_err("the checksum differs");
        assert!(error.to_string().contains("checksum"), "{error}");
    }
}
