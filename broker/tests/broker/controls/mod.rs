//! Claims about the controls of a cluster: what clients see of each, and what the logs hold afterwards.

mod compaction;
mod conditions;
pub mod groups;
mod leaders;
mod logs;
mod nodes;
mod topics;

use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{FetchRequest, MetadataRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::Cluster;

use crate::faults::from;
use crate::raw::{Raw, batch, named};

/// A cluster with the topic `orders` of two partitions.
async fn start(nodes: usize) -> Cluster {
    let cluster = Cluster::builder().seed(7).nodes(nodes).start().await;
    let cluster = cluster.expect("a cluster starts");
    cluster
        .create_topic("orders", 2, &[])
        .expect("the topic is new");
    cluster
}

/// What a node says of the partitions of `orders`.
async fn described(cluster: &Cluster, node: usize) -> Vec<MetadataResponsePartition> {
    let request = MetadataRequest::default().with_topics(Some(vec![named("orders")]));
    let mut raw = Raw::connect_to(cluster, node).await;
    let mut response = raw.ask(&request, 12).await;
    response.topics.remove(0).partitions
}

/// A batch for a partition of `orders`.
fn append(partition: i32, producer: (i64, i16, i32), count: i32) -> ProduceRequest {
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(batch(producer, count)));
    let topic = TopicProduceData::default()
        .with_name(TopicName(StrBytes::from_static_str("orders")))
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(-1)
        .with_topic_data(vec![topic])
}

/// Sends a batch to a node; the error and the offset of the answer.
async fn send(raw: &mut Raw, request: &ProduceRequest) -> (i16, i64) {
    let response = raw.ask(request, 9).await;
    let partition = &response.responses[0].partition_responses[0];
    (partition.error_code, partition.base_offset)
}

/// Asks for what partition 0 of `orders` holds from `offset` on, and waits for it for a minute.
fn poll(offset: i64) -> FetchRequest {
    let mut request = from(&[0]);
    request.topics[0].partitions[0].fetch_offset = offset;
    request
}
