//! Moves the leadership of partitions, and takes it away.

use kafka_protocol::messages::BrokerId;

use super::{AdminError, Cluster};
use crate::faults::Random;
use crate::topics::Leader;

impl Cluster {
    /// The node that leads a partition, counted from 0; `None` when none does, or there is no such partition.
    #[must_use]
    pub fn leader(&self, topic: &str, partition: i32) -> Option<i32> {
        let leader = self.read(topic, partition, |partition| partition.leader())?;
        match leader {
            Leader::Node(node) => Some(node.0),
            Leader::Down | Leader::Withheld => None,
        }
    }

    /// The leader epoch of a partition; `None` when there is no such partition.
    #[must_use]
    pub fn leader_epoch(&self, topic: &str, partition: i32) -> Option<i32> {
        self.read(topic, partition, |partition| partition.leader_epoch())
    }

    /// Has a node lead a partition, in the next epoch. Whoever asks the old leader is told that it no longer is one, long
    /// polls at once. To move it where it is only begins the epoch.
    ///
    /// # Errors
    /// When there is no such partition, the node is down or does not exist, or the data directory cannot be written.
    pub fn move_leader(&self, topic: &str, partition: i32, node: i32) -> Result<(), AdminError> {
        self.node_exists(node)?;
        let mut state = self.shared.lock();
        Ok(state.move_leader(topic, partition, BrokerId(node))?)
    }

    /// Has every partition that is led be led by another node, drawn from the cluster's seed, in the next epoch; with a
    /// single node that is up only the epoch changes.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub fn shuffle_leaders(&self) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        let live: Vec<BrokerId> = state.nodes.live().map(|node| node.id).collect();
        for (topic, index) in state.topics.all_partitions() {
            let found = state
                .topics
                .get(&topic)
                .and_then(|topic| topic.partition(index));
            let Some(Leader::Node(now)) = found.map(|partition| partition.leader()) else {
                continue;
            };
            let next = another(&live, now, &mut self.random.lock());
            state.move_leader(&topic, index, next)?;
        }
        Ok(())
    }

    /// Takes the leader of a partition away: Metadata says `LEADER_NOT_AVAILABLE`, every node `NOT_LEADER_OR_FOLLOWER`.
    /// Only [`Cluster::move_leader`] gives it one again.
    ///
    /// # Errors
    /// When there is no such partition, or the data directory cannot be written.
    pub fn set_leaderless(&self, topic: &str, partition: i32) -> Result<(), AdminError> {
        Ok(self.shared.lock().withhold_leader(topic, partition)?)
    }
}

fn another(live: &[BrokerId], now: BrokerId, random: &mut Random) -> BrokerId {
    let others: Vec<BrokerId> = live.iter().copied().filter(|id| *id != now).collect();
    match others.len() {
        0 => now,
        count => others[random.below(count)],
    }
}
