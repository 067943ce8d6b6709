//! A record as a log holds it, and the digest by which the ledger remembers it.

use std::fmt;
use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;

/// Who set a record's timestamp (KIP-32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer.
    CreateTime,
    /// The broker, when it appended the batch.
    LogAppendTime,
}

/// One header; neither its key nor its value need be UTF-8, and keys may repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub key: Bytes,
    pub value: Option<Bytes>,
}

/// What a producer hands over: everything but the place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Record {
    /// Milliseconds since 1970; -1 is Kafka's "no timestamp".
    pub timestamp: i64,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    /// In the order written.
    pub headers: Vec<Header>,
}

impl Record {
    /// A record of this timestamp (ms) with null key, null value and no headers.
    pub fn at(timestamp: i64) -> Self {
        Self {
            timestamp,
            ..Self::default()
        }
    }

    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(Bytes::from(key.into()));
        self
    }

    pub fn value(mut self, value: impl Into<Vec<u8>>) -> Self {
        self.value = Some(Bytes::from(value.into()));
        self
    }

    pub fn header(mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(Header {
            key: key.into().into(),
            value: Some(value.into().into()),
        });
        self
    }

    pub fn null_header(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.headers.push(Header {
            key: key.into().into(),
            value: None,
        });
        self
    }

    pub fn headers(self, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        pairs
            .into_iter()
            .fold(self, |record, (key, value)| record.header(key, value))
    }

    /// 64 bits over key, value and headers in order, all lengths included; the timestamp is compared by itself.
    ///
    /// Stable within one build only. A million records meet by chance once in 40 million runs.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        write_field(&mut hasher, self.key.as_ref());
        write_field(&mut hasher, self.value.as_ref());
        for header in &self.headers {
            write_field(&mut hasher, Some(&header.key));
            write_field(&mut hasher, header.value.as_ref());
        }
        hasher.finish()
    }
}

/// The length goes first, so that no two different records feed the hasher the same bytes; null is a length of its own.
fn write_field(hasher: &mut DefaultHasher, field: Option<&Bytes>) {
    match field {
        None => hasher.write_u64(u64::MAX),
        Some(bytes) => {
            hasher.write_u64(bytes.len() as u64);
            hasher.write(bytes);
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "timestamp {} key {} value {}",
            self.timestamp,
            short(self.key.as_ref()),
            short(self.value.as_ref())
        )?;
        for header in &self.headers {
            write!(
                f,
                " header {}={}",
                short(Some(&header.key)),
                short(header.value.as_ref())
            )?;
        }
        Ok(())
    }
}

/// The first 48 bytes, escaped, and the length when there are more.
fn short(field: Option<&Bytes>) -> String {
    const SHOWN: usize = 48;
    match field {
        None => "null".to_owned(),
        Some(bytes) if bytes.len() <= SHOWN => format!("\"{}\"", bytes.escape_ascii()),
        Some(bytes) => format!(
            "\"{}…\" ({} bytes)",
            bytes[..SHOWN].escape_ascii(),
            bytes.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_tells_apart_what_a_reader_could_confuse() {
        let records = [
            Record::at(5),
            Record::at(5).key(""),
            Record::at(5).value(""),
            Record::at(5).key("a"),
            Record::at(5).value("a"),
            Record::at(5).header("a", ""),
            Record::at(5).null_header("a"),
            Record::at(5).header("a", "1").header("b", "2"),
            Record::at(5).header("b", "2").header("a", "1"),
            Record::at(5).header("a", "1").header("a", "1"),
            Record::at(5).header([0xff], "1"),
        ];
        for (i, one) in records.iter().enumerate() {
            for other in &records[i + 1..] {
                assert_ne!(one.digest(), other.digest(), "{one} and {other}");
            }
        }
    }
}
