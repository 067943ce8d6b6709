//! Reads how far MirrorMaker 2 had replicated, as Kafka Connect stores it for source connectors.
//!
//! The key is `[CONNECTOR,{"cluster":SOURCE,"partition":N,"topic":NAME}]`, the value `{"offset":LAST}` with the last source
//! offset that was replicated; a null value takes that back.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::clusters::TopicPartition;
use crate::offset::SourceOffset;

/// How far a connector had replicated one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Name of the source cluster.
    pub cluster: String,
    /// The source partition.
    pub at: TopicPartition,
    /// The next offset to replicate; `None` where it was taken back.
    pub next: Option<SourceOffset>,
}

#[derive(Deserialize)]
struct Partition {
    cluster: String,
    partition: i32,
    topic: String,
}

#[derive(Deserialize)]
struct Value {
    offset: i64,
}

impl Progress {
    /// Reads a record; `None` for one of another connector.
    pub fn read(key: &[u8], value: Option<&[u8]>) -> Option<Self> {
        let (_, partition): (IgnoredAny, Partition) = serde_json::from_slice(key).ok()?;
        let next = match value {
            None => None,
            Some(value) => {
                let Value { offset } = serde_json::from_slice(value).ok()?;
                Some(SourceOffset::new(offset).next())
            }
        };
        Some(Self {
            cluster: partition.cluster,
            at: TopicPartition::new(partition.topic, partition.partition),
            next,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_replicated_offset_is_read_as_the_one_before_the_next() {
        let key = br#"["MirrorSourceConnector",{"cluster":"A","partition":3,"topic":"test"}]"#;
        let expected = |next| Progress {
            cluster: "A".to_owned(),
            at: TopicPartition::new("test", 3),
            next,
        };
        let read = Progress::read(key, Some(br#"{"offset":123}"#));
        assert_eq!(read, Some(expected(Some(SourceOffset::new(124)))));
        assert_eq!(Progress::read(key, None), Some(expected(None)));
    }

    #[test]
    fn what_other_connectors_store_is_left_alone() {
        for key in [
            &b""[..],
            br#"["file",{"filename":"x"}]"#,
            br#"["MirrorHeartbeatConnector",{"sourceClusterAlias":"A","targetClusterAlias":"B"}]"#,
            br#"["MirrorCheckpointConnector",{"group":"g","partition":0,"topic":"t"}]"#,
        ] {
            assert_eq!(Progress::read(key, Some(br#"{"offset":1}"#)), None);
        }
    }
}
