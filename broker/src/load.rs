//! Brings the state of a cluster back from its data directory, or makes a new one.

use std::path::Path;
use std::time::Duration;

use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::BrokerConfigs;
use crate::groups::{GroupSettings, Groups};
use crate::nodes::{Node, Nodes};
use crate::state::State;
use crate::store::{ClusterFile, DataDir, StoreError};
use crate::topics::{Surroundings, Topics};
use crate::transactions::Coordinator;

/// Loads everything; without a directory there is nothing yet.
pub(crate) fn load(
    nodes: Vec<Node>,
    mut configs: BrokerConfigs,
    path: Option<&Path>,
) -> Result<State, StoreError> {
    let data = path.map(DataDir::open).transpose()?;
    let file = load_cluster(data.as_ref(), &mut configs)?;
    let topics = load_topics(data.as_ref(), nodes.len(), &configs)?;
    let failed = |source| StoreError {
        path: path.unwrap_or(Path::new("")).to_owned(),
        source,
    };
    let groups = Groups::new(group_settings(&configs), path).map_err(failed)?;
    let transactions = Coordinator::new(path).map_err(failed)?;
    let producer_ids = file.next_producer_id..file.next_producer_id;
    let cluster_id = StrBytes::from_string(file.cluster_id);
    let mut state = State {
        cluster_id,
        nodes: Nodes::new(nodes),
        configs,
        topics,
        groups,
        transactions,
        producer_ids,
        acls: file.acls,
        data,
        clock: Clock::default(),
        disk_full: false,
    };
    state.resume_transactions();
    state.save()?;
    Ok(state)
}

fn load_cluster(
    data: Option<&DataDir>,
    configs: &mut BrokerConfigs,
) -> Result<ClusterFile, StoreError> {
    let fresh = || ClusterFile {
        cluster_id: new_cluster_id(),
        ..ClusterFile::default()
    };
    let Some(data) = data else {
        return Ok(fresh());
    };
    let file = data.load()?.unwrap_or_else(fresh);
    configs
        .alter(file.broker_configs.clone())
        .map_err(|invalid| data.damaged(invalid.to_string()))?;
    Ok(file)
}

fn load_topics(
    data: Option<&DataDir>,
    nodes: usize,
    broker: &BrokerConfigs,
) -> Result<Topics, StoreError> {
    let around = Surroundings { nodes, broker };
    data.map_or_else(
        || Ok(Topics::default()),
        |data| Topics::load(data.topics()?, around, Clock::default().now_ms()),
    )
}

/// As long as Kafka's own, which are 16 random bytes in base 64.
fn new_cluster_id() -> String {
    Uuid::new_v4().simple().to_string()[..22].to_owned()
}

fn group_settings(configs: &BrokerConfigs) -> GroupSettings {
    let duration = |key| Duration::from_millis(configs.number(key).unsigned_abs());
    GroupSettings {
        initial_rebalance_delay: duration("group.initial.rebalance.delay.ms"),
        min_session_timeout: duration("group.min.session.timeout.ms"),
        max_session_timeout: duration("group.max.session.timeout.ms"),
    }
}
