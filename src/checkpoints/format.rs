//! Writes and reads checkpoints as MirrorMaker 2 does (`org.apache.kafka.connect.mirror.Checkpoint`).
//!
//! Integers are big-endian. The key is the group, the topic's name on the target and the partition as INT32; the value is
//! the version as INT16, 0, the group's offset on the source and its counterpart on the target, each as INT64, and the
//! group's metadata.

use crate::clusters::TopicPartition;
use crate::mm2;
use crate::offset::{SourceOffset, TargetOffset};

/// Where a group may go on in one partition of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the group.
    pub group: String,
    /// The partition on the target.
    pub at: TopicPartition,
    /// What the group has committed on the source.
    pub source: SourceOffset,
    /// Where it may go on on the target.
    pub target: TargetOffset,
    /// What the group committed beside it.
    pub metadata: String,
}

/// The only version there is.
const VERSION: i16 = 0;

impl Checkpoint {
    /// The record's key: which group, and which partition on the target. `None` when a name is too long for the format.
    pub fn key(&self) -> Option<Vec<u8>> {
        let mut key = Vec::with_capacity(8 + self.group.len() + self.at.topic.len());
        mm2::write(&mut key, &self.group)?;
        mm2::write(&mut key, &self.at.topic)?;
        key.extend(self.at.partition.to_be_bytes());
        Some(key)
    }

    /// The record's value: which offsets.
    pub fn value(&self) -> Vec<u8> {
        let mut value = Vec::with_capacity(20 + self.metadata.len());
        value.extend(VERSION.to_be_bytes());
        value.extend(self.source.get().to_be_bytes());
        value.extend(self.target.get().to_be_bytes());
        // A broker takes 4 KiB unless told otherwise. What does not fit is left out, since the offsets are what counts.
        mm2::write(&mut value, &self.metadata)
            .or_else(|| mm2::write(&mut value, ""))
            .expect("an empty text fits");
        value
    }

    /// Reads a record. `None` for one that is no checkpoint, or of a version that is not known.
    pub fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let (group, rest) = mm2::read(key)?;
        let (topic, rest) = mm2::read(rest)?;
        let partition = i32::from_be_bytes(rest.try_into().ok()?);
        let (version, rest) = value.split_first_chunk()?;
        let (source, rest) = rest.split_first_chunk()?;
        let (target, rest) = rest.split_first_chunk()?;
        let (metadata, rest) = mm2::read(rest)?;
        let is_known = rest.is_empty() && i16::from_be_bytes(*version) == VERSION;
        is_known.then(|| Self {
            group: group.to_owned(),
            at: TopicPartition::new(topic, partition),
            source: SourceOffset::new(i64::from_be_bytes(*source)),
            target: TargetOffset::new(i64::from_be_bytes(*target)),
            metadata: metadata.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checkpoint(group: &str, topic: &str, metadata: &str) -> Checkpoint {
        Checkpoint {
            group: group.to_owned(),
            at: TopicPartition::new(topic, 3),
            source: SourceOffset::new(5_000),
            target: TargetOffset::new(4_991),
            metadata: metadata.to_owned(),
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_bytes_are_those_of_mirror_maker() {
        let one = checkpoint("my-group", "A.test", "");
        let key = one.key().expect("the names are short");
        assert_eq!(hex(&key), "00086d792d67726f75700006412e7465737400000003");
        let value = one.value();
        assert_eq!(hex(&value), "00000000000000001388000000000000137f0000");
        assert_eq!(Checkpoint::read(&key, &value), Some(one));
    }

    #[test]
    fn what_is_too_long_is_left_out_or_not_written() {
        let long = "x".repeat(mm2::LONGEST + 1);
        assert_eq!(checkpoint(&long, "orders", "").key(), None);
        let plain = checkpoint("group", "orders", "").value();
        assert_eq!(checkpoint("group", "orders", &long).value(), plain);
    }

    #[test]
    fn what_is_no_checkpoint_is_not_read_as_one() {
        let one = checkpoint("group", "orders", "m");
        let (key, value) = (one.key().expect("the names are short"), one.value());
        let newer = [&[0, 1], &value[2..]].concat();
        let longer = [&value[..], &[0]].concat();
        for (key, value) in [
            (&key[..key.len() - 1], &value[..]),
            (&key, &value[..value.len() - 1]),
            (&key, &[]),
            (&key, &newer),
            (&key, &longer),
            (&[0xff, 0xff], &value),
        ] {
            assert_eq!(Checkpoint::read(key, value), None, "{key:?} {value:?}");
        }
    }

    proptest! {
        #[test]
        fn a_checkpoint_goes_round(group in "\\PC{0,9}", topic in "[a-z.]{1,9}", metadata in "\\PC{0,9}") {
            let one = checkpoint(&group, &topic, &metadata);
            let key = one.key().expect("the names are short");
            prop_assert_eq!(Checkpoint::read(&key, &one.value()), Some(one));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(key: Vec<u8>, value: Vec<u8>) {
            let _ = Checkpoint::read(&key, &value);
        }
    }
}
