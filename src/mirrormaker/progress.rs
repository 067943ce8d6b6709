//! Reads and writes how far MirrorMaker 2 has replicated, as Kafka Connect stores it for source connectors.
//!
//! The key is `[CONNECTOR,{"cluster":SOURCE,"partition":N,"topic":NAME}]`, the value `{"offset":LAST}` with the last source
//! offset that was replicated; a null value takes that back.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::clusters::TopicPartition;
use crate::offset::SourceOffset;

/// The name that the connector has in dedicated mode.
const CONNECTOR: &str = "MirrorSourceConnector";

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

/// The order of the members counts: Connect looks keys up by their bytes.
#[derive(Serialize, Deserialize)]
struct Partition {
    cluster: String,
    partition: i32,
    topic: String,
}

#[derive(Serialize, Deserialize)]
struct Value {
    offset: i64,
}

impl Progress {
    /// The record's key, as the connector of dedicated mode has it.
    pub fn key(&self) -> Vec<u8> {
        let partition = Partition {
            cluster: self.cluster.clone(),
            partition: self.at.partition,
            topic: self.at.topic.to_string(),
        };
        serde_json::to_vec(&(CONNECTOR, partition)).expect("texts and numbers become JSON")
    }

    /// The record's value; `None` takes back what was stored.
    pub fn value(&self) -> Option<Vec<u8>> {
        let offset = self.next?.get() - 1;
        let value = serde_json::to_vec(&Value { offset });
        Some(value.expect("a number becomes JSON"))
    }

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
    fn the_last_replicated_offset_is_the_one_before_the_next() {
        let key = br#"["MirrorSourceConnector",{"cluster":"A","partition":3,"topic":"test"}]"#;
        let expected = |next| Progress {
            cluster: "A".to_owned(),
            at: TopicPartition::new("test", 3),
            next,
        };
        let written = expected(Some(SourceOffset::new(124)));
        assert_eq!(written.key(), key);
        assert_eq!(written.value().unwrap(), br#"{"offset":123}"#);
        assert_eq!(expected(None).value(), None);
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
