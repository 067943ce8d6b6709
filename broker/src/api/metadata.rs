//! Metadata (3): tells where the brokers are and who leads which partition; creates topics that are asked for.

use std::collections::HashSet;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse};

use super::{About, Context};
use crate::nodes::{Node, Nodes};
use crate::state::State;
use crate::topics::{Leader, NewTopic, Partition, Topic, check_name};

/// All operations on a topic, which is what a broker without an authorizer allows: a bit for each number of KIP-430.
const ALL_TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// The leader of a partition that has none.
const NOBODY: BrokerId = BrokerId(-1);
/// All operations on a cluster.
pub(super) const ALL_CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;

/// Answers for all topics, or for those that are named, for each once however often it is.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    request: MetadataRequest,
) -> MetadataResponse {
    let mut state = cx.state();
    let operations = request.include_topic_authorized_operations;
    let topics = match &request.topics {
        Some(asked) if version > 0 || !asked.is_empty() => {
            let create = request.allow_auto_topic_creation;
            let mut seen = HashSet::new();
            asked
                .iter()
                .filter(|topic| seen.insert((topic.name.clone(), topic.topic_id)))
                .map(|topic| named(cx, &mut state, topic, create, operations))
                .collect()
        }
        // Null asks for all; version 0 has no null and says it with an empty list.
        _ => state
            .topics
            .iter()
            .map(|topic| describe(cx, &state.nodes, topic, operations))
            .collect(),
    };
    let response = MetadataResponse::default()
        .with_brokers(state.nodes.live().map(broker).collect())
        .with_cluster_id(Some(state.cluster_id.clone()))
        .with_controller_id(state.nodes.controller())
        .with_topics(topics);
    if (8..=10).contains(&version) && request.include_cluster_authorized_operations {
        return response.with_cluster_authorized_operations(ALL_CLUSTER_OPERATIONS);
    }
    response
}

fn broker(node: &Node) -> MetadataResponseBroker {
    MetadataResponseBroker::default()
        .with_node_id(node.id)
        .with_host(node.host.clone())
        .with_port(i32::from(node.port))
}

fn named(
    cx: &Context,
    state: &mut State,
    asked: &MetadataRequestTopic,
    create: bool,
    operations: bool,
) -> MetadataResponseTopic {
    let missing = |error: ResponseError| {
        MetadataResponseTopic::default()
            .with_name(asked.name.clone().or(Some(Default::default())))
            .with_topic_id(asked.topic_id)
            .with_error_code(error.code())
    };
    let Some(name) = asked.name.as_ref().filter(|_| asked.topic_id.is_nil()) else {
        let topic = state.topics.by_id(asked.topic_id);
        return topic.map_or_else(
            || missing(ResponseError::UnknownTopicId),
            |topic| describe(cx, &state.nodes, topic, operations),
        );
    };
    if let Some(topic) = state.topics.get(name) {
        return describe(cx, &state.nodes, topic, operations);
    }
    if let Some(error) = cx.refusal(About::Topic(name)) {
        return missing(error);
    }
    if check_name(name).is_err() {
        return missing(ResponseError::InvalidTopicException);
    }
    if !create || !state.configs.is_on("auto.create.topics.enable") {
        return missing(ResponseError::UnknownTopicOrPartition);
    }
    if let Err(refused) = state.create_topic(NewTopic::automatic(name.clone())) {
        return missing(refused.error);
    }
    let created = state.topics.get(name);
    created.map_or_else(
        || missing(ResponseError::UnknownTopicOrPartition),
        |topic| describe(cx, &state.nodes, topic, operations),
    )
}

fn describe(cx: &Context, nodes: &Nodes, topic: &Topic, operations: bool) -> MetadataResponseTopic {
    let response = MetadataResponseTopic::default()
        .with_name(Some(topic.name.clone()))
        .with_topic_id(topic.id)
        .with_is_internal(false);
    if let Err(error) = cx.read(About::Topic(&topic.name)) {
        return response.with_error_code(error.code());
    }
    let partitions = (0..).zip(&topic.partitions).map(|(index, partition)| {
        let known = cx
            .read(About::Partition(&topic.name, index))
            .and_then(|()| leader_of(partition));
        describe_partition(nodes, index, partition, known)
    });
    let response = response.with_partitions(partitions.collect());
    if operations {
        response.with_topic_authorized_operations(ALL_TOPIC_OPERATIONS)
    } else {
        response
    }
}

fn leader_of(partition: &Partition) -> Result<BrokerId, ResponseError> {
    match partition.leader() {
        Leader::Node(leader) => Ok(leader),
        Leader::Down | Leader::Withheld => Err(ResponseError::LeaderNotAvailable),
    }
}

fn describe_partition(
    nodes: &Nodes,
    index: i32,
    partition: &Partition,
    leader: Result<BrokerId, ResponseError>,
) -> MetadataResponsePartition {
    let in_sync = nodes.live_of(&partition.replicas);
    let offline = partition.replicas.iter().filter(|id| !in_sync.contains(id));
    MetadataResponsePartition::default()
        .with_partition_index(index)
        .with_error_code(leader.err().map_or(0, |error| error.code()))
        .with_leader_id(leader.unwrap_or(NOBODY))
        .with_leader_epoch(partition.leader_epoch())
        .with_replica_nodes(partition.replicas.clone())
        .with_offline_replicas(offline.copied().collect())
        .with_isr_nodes(in_sync)
}
