//! Writes and reads heartbeats as MirrorMaker 2 does (`org.apache.kafka.connect.mirror.Heartbeat`).
//!
//! Integers are big-endian. The key is the source's name and the target's; the value is the version as INT16, 0, and the
//! time as INT64.

use crate::mm2;

/// A sign of life of one direction between two clusters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Name of the cluster that is mirrored from.
    pub source: String,
    /// Name of the cluster that is mirrored to.
    pub target: String,
    /// When it was written, in milliseconds since 1970.
    pub timestamp: i64,
}

/// The only version there is.
const VERSION: i16 = 0;

impl Heartbeat {
    /// The record's key: which direction.
    pub fn key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(4 + self.source.len() + self.target.len());
        for name in [&self.source, &self.target] {
            mm2::write(&mut key, name).expect("a cluster's name is short");
        }
        key
    }

    /// The record's value: when.
    pub fn value(&self) -> Vec<u8> {
        let mut value = VERSION.to_be_bytes().to_vec();
        value.extend(self.timestamp.to_be_bytes());
        value
    }

    /// Reads a record. `None` for one that is no heartbeat, or of a version that is not known.
    pub fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let (source, rest) = mm2::read(key)?;
        let (target, rest) = mm2::read(rest)?;
        let (version, timestamp) = value.split_first_chunk()?;
        let timestamp = timestamp.try_into().ok()?;
        let is_known = rest.is_empty() && i16::from_be_bytes(*version) == VERSION;
        is_known.then(|| Self {
            source: source.to_owned(),
            target: target.to_owned(),
            timestamp: i64::from_be_bytes(timestamp),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn heartbeat(source: &str, target: &str, timestamp: i64) -> Heartbeat {
        Heartbeat {
            source: source.to_owned(),
            target: target.to_owned(),
            timestamp,
        }
    }

    #[test]
    fn the_bytes_are_those_of_mirror_maker() {
        let beat = heartbeat("A", "B", 1_700_000_000_000);
        assert_eq!(beat.key(), [0, 1, 0x41, 0, 1, 0x42]);
        let value = [0, 0, 0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0];
        assert_eq!(beat.value(), value);
        assert_eq!(Heartbeat::read(&beat.key(), &value), Some(beat));
    }

    #[test]
    fn what_is_no_heartbeat_is_not_read_as_one() {
        let beat = heartbeat("A", "B", 7);
        let (key, value) = (beat.key(), beat.value());
        let newer = [&[0, 1], &value[2..]].concat();
        let longer = [&key[..], &[0]].concat();
        for (key, value) in [
            (&key[..5], &value[..]),
            (&key, &value[..9]),
            (&key, &[]),
            (&[0xff, 0xff], &value),
            (&key, &newer),
            (&longer, &value),
        ] {
            assert_eq!(Heartbeat::read(key, value), None, "{key:?} {value:?}");
        }
    }

    proptest! {
        #[test]
        fn a_heartbeat_goes_round(source in "[a-z.]{0,9}", target in "\\PC{0,9}", timestamp: i64) {
            let beat = heartbeat(&source, &target, timestamp);
            prop_assert_eq!(Heartbeat::read(&beat.key(), &beat.value()), Some(beat));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(key: Vec<u8>, value: Vec<u8>) {
            let _ = Heartbeat::read(&key, &value);
        }
    }
}
