//! Holds one topic: its identity, configuration and partitions.

use kafka_protocol::messages::{BrokerId, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::leadership::Leader;
use super::partition::Partition;
use super::placement::Surroundings;
use crate::config::TopicConfigs;
use crate::log::PartitionLog;
use crate::store::{StoreError, TopicFile, TopicsDir};

/// A topic that was checked and may be created.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Its name.
    pub(crate) name: TopicName,
    /// The replicas of each partition, the leader first.
    pub(crate) replicas: Vec<Vec<BrokerId>>,
    /// What is set on it.
    pub(crate) configs: TopicConfigs,
}

/// One topic.
#[derive(Debug)]
pub(crate) struct Topic {
    /// Its name.
    pub(crate) name: TopicName,
    /// Random, never all zeros, and another one when a topic of the same name is created again (KIP-516).
    pub(crate) id: Uuid,
    /// What is set on it.
    pub(crate) configs: TopicConfigs,
    /// In the order of their numbers.
    pub(crate) partitions: Vec<Partition>,
}

impl Topic {
    /// A new topic without records.
    pub(crate) fn create(plan: Plan, dir: Option<&TopicsDir>) -> Self {
        let mut topic = Self {
            name: plan.name,
            id: Uuid::new_v4(),
            configs: plan.configs,
            partitions: Vec::new(),
        };
        topic.grow(plan.replicas, dir);
        topic
    }

    /// A topic as it was left in the data directory. Nodes that are gone are replaced by those there are.
    pub(crate) fn load(
        file: &TopicFile,
        dir: &TopicsDir,
        around: Surroundings<'_>,
        now: i64,
    ) -> Result<Self, StoreError> {
        let damaged = |reason: String| dir.damaged(&file.name, reason);
        let id = Uuid::parse_str(&file.id).map_err(|error| damaged(error.to_string()))?;
        let configs = TopicConfigs::new(file.configs.clone(), around.broker)
            .map_err(|invalid| damaged(invalid.to_string()))?;
        let mut partitions = Vec::with_capacity(file.partitions.len());
        for (index, replicas) in file.partitions.iter().enumerate() {
            let log = PartitionLog::load(dir.partition(&file.name, index), now)?;
            partitions.push(Partition::new(remaining(replicas, around.nodes), log));
        }
        Ok(Self {
            name: TopicName(StrBytes::from_string(file.name.clone())),
            id,
            configs,
            partitions,
        })
    }

    /// What is kept of it beside the records.
    pub(crate) fn to_file(&self) -> TopicFile {
        // The leader first, so that it leads again when the directory is loaded.
        let replicas = |partition: &Partition| {
            let mut replicas = partition.replicas.clone();
            replicas.sort_by_key(|id| Leader::Node(*id) != partition.leader());
            replicas.iter().map(|broker| broker.0).collect()
        };
        TopicFile {
            name: self.name.to_string(),
            id: self.id.to_string(),
            configs: self.configs.set().clone(),
            partitions: self.partitions.iter().map(replicas).collect(),
        }
    }

    /// Adds partitions without records.
    pub(crate) fn grow(&mut self, replicas: Vec<Vec<BrokerId>>, dir: Option<&TopicsDir>) {
        for replicas in replicas {
            let index = self.partitions.len();
            let log = PartitionLog::new(dir.map(|dir| dir.partition(&self.name, index)));
            self.partitions.push(Partition::new(replicas, log));
        }
    }

    /// The partition with this number.
    pub(crate) fn partition(&self, index: i32) -> Option<&Partition> {
        self.partitions.get(usize::try_from(index).ok()?)
    }

    /// The partition with this number.
    pub(crate) fn partition_mut(&mut self, index: i32) -> Option<&mut Partition> {
        self.partitions.get_mut(usize::try_from(index).ok()?)
    }
}

fn remaining(replicas: &[i32], nodes: usize) -> Vec<BrokerId> {
    let mut left: Vec<BrokerId> = Vec::with_capacity(replicas.len());
    for id in replicas {
        let id = BrokerId((id.unsigned_abs() as usize % nodes) as i32);
        if !left.contains(&id) {
            left.push(id);
        }
    }
    left
}
