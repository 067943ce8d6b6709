//! Checks the bytes of a produce request before they may become part of a log.

use bytes::{Bytes, BytesMut};
use kafka_protocol::error::ResponseError;

use super::batch::{self, Header};
use super::compression;
use super::records::Records;

/// The first version of Produce that may carry zstd (KIP-110).
const ZSTD_FROM: i16 = 7;
const ZSTD: i16 = 4;

/// Why a batch is not taken, in the words and codes of Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// What the client branches on.
    pub(crate) error: ResponseError,
    /// What a person reads, in Produce v8 and later.
    pub(crate) message: String,
    /// The records at fault, counted within the batch; empty when it is the batch itself.
    pub(crate) records: Vec<i32>,
}

impl Rejected {
    /// Rejects the whole batch.
    pub(crate) fn batch(error: ResponseError, message: impl Into<String>) -> Self {
        Self {
            error,
            message: message.into(),
            records: Vec::new(),
        }
    }
}

impl From<ResponseError> for Rejected {
    fn from(error: ResponseError) -> Self {
        Self::batch(error, error.to_string())
    }
}

/// A batch that is sound in itself, in a buffer of its own that the broker may write offset and epoch into.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) header: Header,
    pub(crate) bytes: BytesMut,
}

impl Incoming {
    /// Checks the records of one partition in a Produce request of `version`: exactly one v2 batch, whole and unharmed.
    ///
    /// # Errors
    /// With the code that Kafka answers.
    pub(crate) fn check(records: Option<&Bytes>, version: i16) -> Result<Self, Rejected> {
        let records = records.map(Bytes::as_ref).unwrap_or_default();
        let header =
            Header::read(records).ok_or_else(|| corrupt("the batch is shorter than its header"))?;
        if header.magic != 2 {
            let message = format!(
                "message format {} is not supported, only 2 is",
                header.magic
            );
            return Err(Rejected::batch(
                ResponseError::UnsupportedForMessageFormat,
                message,
            ));
        }
        let size = header
            .size()
            .ok_or_else(|| corrupt("the batch length cannot be true"))?;
        match records.len() {
            length if length < size => return Err(corrupt("the batch ends early")),
            length if length > size => {
                return Err(invalid("a partition takes exactly one batch per request"));
            }
            _ => {}
        }
        if header.crc != batch::checksum(records) {
            return Err(corrupt("the checksum of the batch is wrong"));
        }
        check_fields(&header, version)?;
        Ok(Self {
            header,
            bytes: BytesMut::from(records),
        })
    }

    /// Checks that the timestamps lie within the limits around the broker's clock, all in milliseconds (KIP-937). It looks
    /// at the first and the largest only, which is what the header tells.
    pub(crate) fn check_timestamps(
        &self,
        now: i64,
        before_max: i64,
        after_max: i64,
    ) -> Result<(), Rejected> {
        let (first, largest) = (self.header.base_timestamp, self.header.max_timestamp);
        if largest.saturating_sub(now) > after_max
            || (first >= 0 && now.saturating_sub(first) > before_max)
        {
            let message =
                format!("Timestamps {first} to {largest} are out of range of the broker's {now}");
            return Err(Rejected::batch(ResponseError::InvalidTimestamp, message));
        }
        Ok(())
    }

    /// Looks for records without a key, which a compacted topic cannot keep.
    pub(crate) fn check_keys(&self) -> Result<(), Rejected> {
        let unreadable = |_| corrupt("the records of the batch cannot be read");
        let records = Records::open(&self.header, &self.bytes).map_err(unreadable)?;
        let mut without_key = Vec::new();
        for (index, record) in (0..).zip(records.iter()) {
            if record.map_err(unreadable)?.key.is_none() {
                without_key.push(index);
            }
        }
        if without_key.is_empty() {
            return Ok(());
        }
        let message = "Compacted topic cannot accept message without key".to_owned();
        Err(Rejected {
            error: ResponseError::InvalidRecord,
            message,
            records: without_key,
        })
    }
}

fn check_fields(header: &Header, version: i16) -> Result<(), Rejected> {
    if header.count < 1 || header.count.checked_sub(1) != Some(header.last_offset_delta) {
        return Err(invalid(
            "the record count does not match the last offset delta",
        ));
    }
    if header.is_control() {
        return Err(invalid("clients may not write control batches"));
    }
    if !compression::is_known(header.codec()) || (header.codec() == ZSTD && version < ZSTD_FROM) {
        let message = format!(
            "compression codec {} is not supported by produce v{version}",
            header.codec()
        );
        return Err(Rejected::batch(
            ResponseError::UnsupportedCompressionType,
            message,
        ));
    }
    let idempotent = header.producer_id >= 0;
    if idempotent && (header.producer_epoch < 0 || header.base_sequence < 0) {
        return Err(invalid("an idempotent batch needs an epoch and a sequence"));
    }
    Ok(())
}

fn corrupt(message: &str) -> Rejected {
    Rejected::batch(ResponseError::CorruptMessage, message)
}

fn invalid(message: &str) -> Rejected {
    Rejected::batch(ResponseError::InvalidRecord, message)
}
