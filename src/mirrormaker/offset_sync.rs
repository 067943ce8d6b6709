//! Writes and reads offset syncs as MirrorMaker 2 does (`org.apache.kafka.connect.mirror.OffsetSync`).
//!
//! Integers are big-endian. The key is the source topic, its length in bytes as INT16 and then UTF-8, and the partition as
//! INT32; the value is the offset on the source and the one on the target, each INT64.

use crate::clusters::TopicPartition;
use crate::mm2;
use crate::offset::{SourceOffset, TargetOffset};

/// One record that stands on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetSync {
    /// The source partition.
    pub at: TopicPartition,
    /// Its offset on the source.
    pub source: SourceOffset,
    /// Its offset on the target.
    pub target: TargetOffset,
}

impl OffsetSync {
    /// The record's key.
    pub fn key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(6 + self.at.topic.len());
        mm2::write(&mut key, &self.at.topic).expect("a topic's name is short");
        key.extend(self.at.partition.to_be_bytes());
        key
    }

    /// The record's value.
    pub fn value(&self) -> Vec<u8> {
        let mut value = self.source.get().to_be_bytes().to_vec();
        value.extend(self.target.get().to_be_bytes());
        value
    }

    /// Reads a record; `None` for one that is no offset sync.
    pub fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let (topic, partition) = mm2::read(key)?;
        let partition = i32::from_be_bytes(partition.try_into().ok()?);
        let (source, target) = value.split_first_chunk()?;
        Some(Self {
            at: TopicPartition::new(topic, partition),
            source: SourceOffset::new(i64::from_be_bytes(*source)),
            target: TargetOffset::new(i64::from_be_bytes(target.try_into().ok()?)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_mirror_maker() {
        let sync = OffsetSync {
            at: TopicPartition::new("test-3", 3),
            source: SourceOffset::new(5_000),
            target: TargetOffset::new(4_990),
        };
        assert_eq!(sync.key(), b"\0\x06test-3\0\0\0\x03");
        let value = b"\0\0\0\0\0\0\x13\x88\0\0\0\0\0\0\x13\x7e";
        assert_eq!(sync.value(), value);
        assert_eq!(OffsetSync::read(&sync.key(), value), Some(sync));
    }

    #[test]
    fn what_is_no_offset_sync_is_not_read_as_one() {
        let (key, value) = (b"\0\x01t\0\0\0\0", [0; 16]);
        assert!(OffsetSync::read(key, &value).is_some());
        for (key, value) in [
            (&key[..6], &value[..]),
            (&key[..], &value[..15]),
            (b"\xff\xfft\0\0\0\0", &value),
            (b"\0\x01\xff\0\0\0\0", &value),
            (b"", &[]),
        ] {
            assert_eq!(OffsetSync::read(key, value), None, "{key:?} {value:?}");
        }
    }
}
