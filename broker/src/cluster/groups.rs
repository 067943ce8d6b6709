//! Looks at consumer groups, and troubles them, past the wire.

use std::time::Instant;

use kafka_protocol::messages::BrokerId;

use super::{AdminError, Cluster};

impl Cluster {
    /// The offset that a group has committed for a partition; `None` when it has none.
    #[must_use]
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let state = self.shared.lock();
        let offsets = state.groups.offsets(group)?;
        offsets.get(topic, partition).map(|at| at.offset)
    }

    /// The ids of the members of a group, in the order they came; none when there is no such group.
    #[must_use]
    pub fn members(&self, group: &str) -> Vec<String> {
        self.shared.lock().groups.members(group)
    }

    /// The node that coordinates a group, whether there is such a group or not; `None` when no node is up.
    #[must_use]
    pub fn coordinator(&self, group: &str) -> Option<i32> {
        let state = self.shared.lock();
        state.nodes.coordinator_of(group).map(|node| node.id.0)
    }

    /// Has a node coordinate a group, whether there is such a group or not. The members are those that were; who waits for
    /// a join or an assignment at the old coordinator is told to ask elsewhere.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn move_coordinator(&self, group: &str, node: i32) -> Result<(), AdminError> {
        self.node_exists(node)?;
        let mut state = self.shared.lock();
        state.nodes.move_coordinator(group, BrokerId(node));
        state.groups.coordinator_moved(group, Instant::now());
        Ok(())
    }

    /// Drops a member as if its session had expired: what it still sends is refused with `UNKNOWN_MEMBER_ID`, and the
    /// others rebalance.
    ///
    /// # Errors
    /// When there is no such group, or no such member in it.
    pub fn expire_member(&self, group: &str, member_id: &str) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        let expired = state.groups.expire(group, Some(member_id), Instant::now());
        expired.map_err(|error| AdminError::group(group, error))
    }

    /// As [`Cluster::expire_member`], for all of them.
    ///
    /// # Errors
    /// When there is no such group.
    pub fn expire_members(&self, group: &str) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        let expired = state.groups.expire(group, None, Instant::now());
        expired.map_err(|error| AdminError::group(group, error))
    }

    /// Has the members of a group join anew: their heartbeats are answered with `REBALANCE_IN_PROGRESS`.
    ///
    /// # Errors
    /// When there is no such group.
    pub fn force_rebalance(&self, group: &str) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        let forced = state.groups.force_rebalance(group, Instant::now());
        forced.map_err(|error| AdminError::group(group, error))
    }

    /// Moves a group on to the next generation without its members: what they send is refused with `ILLEGAL_GENERATION`.
    ///
    /// # Errors
    /// When there is no such group.
    pub fn bump_generation(&self, group: &str) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        let bumped = state.groups.bump_generation(group);
        bumped.map_err(|error| AdminError::group(group, error))
    }
}
