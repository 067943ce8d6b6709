//! Says who leads a partition, and what becomes of leaderships when nodes come and go.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::BrokerId;

use super::{Partition, Refused, Topics};
use crate::nodes::Nodes;
use crate::state::State;

/// Who answers for a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leader {
    /// This node.
    Node(BrokerId),
    /// Nobody since the last node that could went down; the first node to come up will.
    Down,
    /// Nobody, until a node is told to.
    Withheld,
}

impl State {
    /// Has a node lead a partition, in a new epoch.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`; `BROKER_NOT_AVAILABLE` when the node is down or does not exist.
    pub(crate) fn move_leader(
        &mut self,
        topic: &str,
        index: i32,
        node: BrokerId,
    ) -> Result<(), Refused> {
        if !self.nodes.is_up(node) {
            return Err(ResponseError::BrokerNotAvailable.into());
        }
        self.topics.set_leader(topic, index, Leader::Node(node))
    }

    /// Takes the leader of a partition away until [`State::move_leader`] gives it one.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`.
    pub(crate) fn withhold_leader(&mut self, topic: &str, index: i32) -> Result<(), Refused> {
        self.topics.set_leader(topic, index, Leader::Withheld)
    }

    /// Has another node lead a partition, the same one when no other is up, in a new epoch. Where nobody leads only the
    /// epoch is new.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`, `KAFKA_STORAGE_ERROR`.
    pub(crate) fn pass_on(&mut self, topic: &str, index: i32) -> Result<(), Refused> {
        let partition = self
            .topics
            .get(topic)
            .and_then(|topic| topic.partition(index));
        let now = partition
            .ok_or(ResponseError::UnknownTopicOrPartition)?
            .leader();
        let next = match now {
            Leader::Node(BrokerId(id)) => {
                let next = self.nodes.live_from(BrokerId(id + 1));
                next.map_or(now, |node| Leader::Node(node.id))
            }
            Leader::Down | Leader::Withheld => now,
        };
        self.topics.set_leader(topic, index, next)
    }

    /// Takes a node out of the cluster. What it led goes to the next node that can.
    ///
    /// # Errors
    /// `KAFKA_STORAGE_ERROR`.
    pub(crate) fn node_down(&mut self, id: BrokerId) -> Result<(), Refused> {
        let led = self.topics.led(Leader::Node(id));
        self.nodes.went_down(id, led.clone());
        self.elect(&led)
    }

    /// Takes a node back into the cluster. It leads again what nobody else could lead meanwhile.
    ///
    /// # Errors
    /// `KAFKA_STORAGE_ERROR`.
    pub(crate) fn node_up(&mut self, id: BrokerId) -> Result<(), Refused> {
        self.nodes.came_up(id);
        let orphans = self.topics.led(Leader::Down);
        self.elect(&orphans)
    }

    /// Finds a leader for the partitions of a new or grown topic that were laid on nodes that are down.
    ///
    /// # Errors
    /// `KAFKA_STORAGE_ERROR`.
    pub(crate) fn elect_for(&mut self, topic: &str) -> Result<(), Refused> {
        let down: Vec<BrokerId> = {
            let down = self.nodes.iter().filter(|node| !node.is_up());
            down.map(|node| node.id).collect()
        };
        for node in down {
            let mut led = self.topics.led(Leader::Node(node));
            led.retain(|(name, _)| name == topic);
            self.elect(&led)?;
        }
        Ok(())
    }

    fn elect(&mut self, partitions: &[(String, i32)]) -> Result<(), Refused> {
        for (topic, index) in partitions {
            let partition = self
                .topics
                .get(topic)
                .and_then(|topic| topic.partition(*index));
            let Some(partition) = partition else {
                continue;
            };
            let elected = candidate(partition, &self.nodes).map_or(Leader::Down, Leader::Node);
            self.topics.set_leader(topic, *index, elected)?;
        }
        Ok(())
    }
}

/// A replica that is up, else any node: replicas exist in name only, so that none of them knows less than another.
fn candidate(partition: &Partition, nodes: &Nodes) -> Option<BrokerId> {
    let replica = nodes.live_of(&partition.replicas).first().copied();
    let nearest = || {
        let last = partition.replicas.first().copied().unwrap_or_default();
        nodes.live_from(last).map(|node| node.id)
    };
    replica.or_else(nearest)
}

impl Topics {
    /// The partitions that are led so.
    pub(crate) fn led(&self, leader: Leader) -> Vec<(String, i32)> {
        let partitions = self.iter().flat_map(|topic| {
            let numbered = (0..).zip(&topic.partitions);
            numbered.map(move |(index, partition)| (topic, index, partition))
        });
        let led = partitions.filter(|(_, _, partition)| partition.leader() == leader);
        led.map(|(topic, index, _)| (topic.name.to_string(), index))
            .collect()
    }

    /// Every partition.
    pub(crate) fn all_partitions(&self) -> Vec<(String, i32)> {
        let partitions = |topic: &super::Topic| {
            let name = topic.name.to_string();
            let numbers = (0..).take(topic.partitions.len());
            numbers
                .map(move |index| (name.clone(), index))
                .collect::<Vec<_>>()
        };
        self.iter().flat_map(partitions).collect()
    }
}
