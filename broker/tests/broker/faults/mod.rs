//! Claims about fault rules: what the client sees of each, and what the log holds afterwards.

mod apis;
mod clients;
mod connections;
mod delays;
mod errors;
mod holds;
mod journal;

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{FetchRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::Cluster;

use crate::raw::batch;

/// The name of the topic.
pub fn orders() -> TopicName {
    TopicName(StrBytes::from_static_str("orders"))
}

/// A cluster of one node with the topic `orders` of two partitions.
pub async fn start() -> Cluster {
    let cluster = Cluster::builder().seed(7).start().await;
    let cluster = cluster.expect("a cluster starts");
    cluster
        .create_topic("orders", 2, &[])
        .expect("the topic is new");
    cluster
}

/// One record for each of the partitions of `orders`.
pub fn to(partitions: &[i32]) -> ProduceRequest {
    let data = partitions.iter().map(|index| {
        PartitionProduceData::default()
            .with_index(*index)
            .with_records(Some(batch((-1, -1, -1), 1)))
    });
    let topic = TopicProduceData::default()
        .with_name(orders())
        .with_partition_data(data.collect());
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(1000)
        .with_topic_data(vec![topic])
}

/// Asks for the first records of the partitions of `orders`, and waits for them for a minute.
pub fn from(partitions: &[i32]) -> FetchRequest {
    let partitions = partitions.iter().map(|index| {
        FetchPartition::default()
            .with_partition(*index)
            .with_partition_max_bytes(1 << 20)
    });
    let topic = FetchTopic::default()
        .with_topic(orders())
        .with_partitions(partitions.collect());
    FetchRequest::default()
        .with_max_bytes(1 << 20)
        .with_min_bytes(1)
        .with_max_wait_ms(60_000)
        .with_topics(vec![topic])
}

/// Where the two logs of `orders` end.
pub fn ends(cluster: &Cluster) -> [Option<i64>; 2] {
    [cluster.log_end("orders", 0), cluster.log_end("orders", 1)]
}
