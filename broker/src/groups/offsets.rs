//! Keeps the committed offsets of one group.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a group reads on in a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommittedOffset {
    /// The next offset to read.
    pub(crate) offset: i64,
    /// Leader epoch of the last record read, if the client said (KIP-320).
    pub(crate) leader_epoch: Option<i32>,
    /// Whatever the client wrote beside it; opaque.
    pub(crate) metadata: String,
}

/// One partition of an OffsetCommit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OffsetCommit {
    /// Topic.
    pub(crate) topic: String,
    /// Partition.
    pub(crate) partition: i32,
    /// The position.
    pub(crate) committed: CommittedOffset,
}

/// Committed offsets by topic and partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offsets(BTreeMap<String, BTreeMap<i32, CommittedOffset>>);

impl Offsets {
    /// Whether nothing is committed.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Records a position.
    pub(crate) fn put(&mut self, commit: OffsetCommit) {
        self.0
            .entry(commit.topic)
            .or_default()
            .insert(commit.partition, commit.committed);
    }

    /// The position in a partition.
    #[must_use]
    pub(crate) fn get(&self, topic: &str, partition: i32) -> Option<&CommittedOffset> {
        self.0.get(topic)?.get(&partition)
    }

    /// Forgets the position in a partition.
    pub(crate) fn remove(&mut self, topic: &str, partition: i32) {
        if let Some(partitions) = self.0.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                self.0.remove(topic);
            }
        }
    }

    /// Forgets a topic; whether there was anything to forget.
    pub(crate) fn remove_topic(&mut self, topic: &str) -> bool {
        self.0.remove(topic).is_some()
    }

    /// Every topic with its positions, by name and number.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (&str, &BTreeMap<i32, CommittedOffset>)> {
        self.0
            .iter()
            .map(|(topic, partitions)| (topic.as_str(), partitions))
    }

    /// Everything, topic by topic, as one would commit it.
    pub(super) fn all(&self) -> impl Iterator<Item = Vec<OffsetCommit>> {
        self.0.iter().map(|(topic, partitions)| {
            let commit = |(partition, committed): (&i32, &CommittedOffset)| OffsetCommit {
                topic: topic.clone(),
                partition: *partition,
                committed: committed.clone(),
            };
            partitions.iter().map(commit).collect()
        })
    }
}
