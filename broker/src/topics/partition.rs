//! Holds one partition: its log, who leads it, and who waits for it to change.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::BrokerId;
use tokio::sync::Notify;

use super::leadership::Leader;
use crate::log::PartitionLog;
use crate::store::StoreError;

/// One partition of a topic.
#[derive(Debug)]
pub(crate) struct Partition {
    leader: Leader,
    /// The nodes that are said to hold it. Those that are up are in sync, and its leader is one of them.
    pub(crate) replicas: Vec<BrokerId>,
    log: PartitionLog,
    waiters: Vec<Waiter>,
}

/// A connection whose long poll waits for records.
#[derive(Debug)]
struct Waiter {
    connection: u64,
    wake: Arc<Notify>,
}

impl Partition {
    /// A partition on `replicas`, the first of which leads.
    pub(crate) fn new(replicas: Vec<BrokerId>, log: PartitionLog) -> Self {
        let leader = replicas.first().copied().unwrap_or_default();
        Self {
            leader: Leader::Node(leader),
            replicas,
            log,
            waiters: Vec::new(),
        }
    }

    /// Its records.
    pub(crate) fn log(&self) -> &PartitionLog {
        &self.log
    }

    /// Its records, to be changed: whoever waits looks again.
    pub(crate) fn log_mut(&mut self) -> &mut PartitionLog {
        self.wake_all();
        &mut self.log
    }

    /// Forgets idempotent producers that were last seen before `since`, in milliseconds; no reader need know.
    pub(crate) fn expire_producers(&mut self, since: i64) {
        self.log.expire_producers(since);
    }

    /// Who answers for it.
    pub(crate) fn leader(&self) -> Leader {
        self.leader
    }

    /// Has another answer for it from now on, in a new epoch. A node that is no replica takes the place of the one that led.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub(crate) fn set_leader(&mut self, leader: Leader) -> Result<(), StoreError> {
        if let Leader::Node(node) = leader
            && !self.replicas.contains(&node)
        {
            let at = self
                .replicas
                .iter()
                .position(|id| Leader::Node(*id) == self.leader);
            self.replicas[at.unwrap_or(0)] = node;
        }
        self.leader = leader;
        self.log_mut().begin_epoch()
    }

    /// The epoch of the leader.
    pub(crate) fn leader_epoch(&self) -> i32 {
        self.log.epochs().current()
    }

    /// Has `wake` notified at the next change. A connection that waits already is not entered twice, and one that is
    /// gone, whose handle nobody else holds any more, is struck off.
    pub(crate) fn wait(&mut self, connection: u64, wake: &Arc<Notify>) {
        self.waiters
            .retain(|waiter| Arc::strong_count(&waiter.wake) > 1);
        if self
            .waiters
            .iter()
            .all(|waiter| waiter.connection != connection)
        {
            self.waiters.push(Waiter {
                connection,
                wake: Arc::clone(wake),
            });
        }
    }

    fn wake_all(&mut self) {
        for waiter in self.waiters.drain(..) {
            waiter.wake.notify_one();
        }
    }

    /// Checks that `node` leads and that the client knows this leader and no other (KIP-320). A negative epoch is none.
    ///
    /// # Errors
    /// `NOT_LEADER_OR_FOLLOWER`, `FENCED_LEADER_EPOCH` when the client is behind, `UNKNOWN_LEADER_EPOCH` when it is ahead.
    pub(crate) fn check_leader(
        &self,
        node: BrokerId,
        known_epoch: i32,
    ) -> Result<(), ResponseError> {
        match known_epoch {
            _ if self.leader != Leader::Node(node) => Err(ResponseError::NotLeaderOrFollower),
            epoch if epoch < 0 || epoch == self.leader_epoch() => Ok(()),
            epoch if epoch < self.leader_epoch() => Err(ResponseError::FencedLeaderEpoch),
            _ => Err(ResponseError::UnknownLeaderEpoch),
        }
    }
}

/// A topic that is deleted takes its partitions with it; a long poll on them ends with an error, and at once.
impl Drop for Partition {
    fn drop(&mut self) {
        self.wake_all();
    }
}
