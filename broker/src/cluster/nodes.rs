//! Stops and starts single nodes, and loses what they held.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::BrokerId;

use super::logs::change;
use super::{AdminError, Cluster};
use crate::log::PartitionLog;
use crate::topics::Leader;

impl Cluster {
    /// Stops a node as a kill does: its connections end, and who connects to it is refused. What it led is led by other
    /// nodes in a new epoch, or by nobody when no other is up; so are the groups that it coordinated. Returns once that is
    /// so. Nothing happens to a node that is down.
    ///
    /// # Errors
    /// When there is no such node, or the data directory cannot be written.
    pub async fn stop_node(&self, node: i32) -> Result<(), AdminError> {
        let index = self.node_exists(node)?;
        // First the connections: a dead node answers nobody that others lead in its place.
        self.servers.stop(index).await;
        let mut state = self.shared.lock();
        if state.nodes.is_up(BrokerId(node)) {
            state.node_down(BrokerId(node))?;
        }
        Ok(())
    }

    /// Starts a node again, on the port it had. It leads what nobody else could lead meanwhile, and coordinates its groups
    /// again. Nothing happens to a node that is up.
    ///
    /// # Errors
    /// When there is no such node, its port is taken, or the data directory cannot be written.
    pub async fn start_node(&self, node: i32) -> Result<(), AdminError> {
        let index = self.node_exists(node)?;
        {
            let mut state = self.shared.lock();
            if !state.nodes.is_up(BrokerId(node)) {
                state.node_up(BrokerId(node))?;
            }
        }
        self.servers.restart(index).await.map_err(|error| {
            let message = format!("node {node} cannot listen again: {error}");
            AdminError::new(ResponseError::BrokerNotAvailable, message)
        })
    }

    /// Loses the disk of a node: the partitions that it leads, or led when it was stopped, are empty and begin again at
    /// offset 0, in a new epoch. To have it come back without its data, call this between stopping and starting it.
    ///
    /// # Errors
    /// When there is no such node, or the data directory cannot be written.
    pub fn lose_data(&self, node: i32) -> Result<(), AdminError> {
        self.node_exists(node)?;
        let mut state = self.shared.lock();
        let mut led = state.topics.led(Leader::Node(BrokerId(node)));
        if let Some(stopped) = state.nodes.get(BrokerId(node)) {
            led.extend_from_slice(stopped.led());
        }
        for (topic, index) in led {
            // A topic that it led may have been deleted since.
            let known = state
                .topics
                .get(&topic)
                .and_then(|topic| topic.partition(index));
            if known.is_some() {
                change(&mut state, &topic, index, PartitionLog::lose)?;
            }
        }
        Ok(())
    }

    /// The numbers of the nodes that are up.
    #[must_use]
    pub fn live_nodes(&self) -> Vec<i32> {
        let state = self.shared.lock();
        state.nodes.live().map(|node| node.id.0).collect()
    }

    /// The place of a node among all.
    pub(super) fn node_exists(&self, node: i32) -> Result<usize, AdminError> {
        let count = self.shared.lock().nodes.len();
        let index = usize::try_from(node).ok().filter(|index| *index < count);
        index.ok_or_else(|| AdminError::no_node(node))
    }
}
