//! Brings the state of a cluster back from its data directory, or makes a new one.

use std::path::Path;
use std::time::Duration;

use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::clock::now_ms;
use crate::config::BrokerConfigs;
use crate::groups::{GroupSettings, Groups};
use crate::state::{Node, State};
use crate::store::{ClusterFile, DataDir, StoreError};
use crate::topics::{Surroundings, Topics};

/// Loads everything; without a directory there is nothing yet.
pub(crate) fn load(
    nodes: Vec<Node>,
    mut configs: BrokerConfigs,
    path: Option<&Path>,
) -> Result<State, StoreError> {
    let data = path.map(DataDir::open).transpose()?;
    let kept = data.as_ref().map(DataDir::load).transpose()?.flatten();
    let file = kept.unwrap_or_else(|| ClusterFile {
        cluster_id: new_cluster_id(),
        ..ClusterFile::default()
    });
    if let (Some(data), Err(invalid)) = (&data, configs.alter(file.broker_configs)) {
        return Err(data.damaged(invalid.to_string()));
    }
    let around = Surroundings {
        nodes: nodes.len(),
        broker: &configs,
    };
    let topics = match &data {
        Some(data) => Topics::load(data.topics()?, around, now_ms())?,
        None => Topics::default(),
    };
    let groups = Groups::new(group_settings(&configs), path).map_err(|source| StoreError {
        path: path.unwrap_or(Path::new("")).to_owned(),
        source,
    })?;
    let next = file.next_producer_id;
    let cluster_id = StrBytes::from_string(file.cluster_id);
    let state = State {
        cluster_id,
        nodes,
        configs,
        topics,
        groups,
        producer_ids: next..next,
        data,
    };
    state.save()?;
    Ok(state)
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
