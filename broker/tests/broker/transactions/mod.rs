//! Claims about transactions, by librdkafka and by raw bytes.

mod fencing;
mod offsets;
mod restart;
mod versions;
mod visibility;
pub mod writer;

use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{FetchRequest, ProduceRequest};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::Cluster;

use crate::faults::from;
use crate::raw::transactional_batch;

/// A cluster of one node with the topic `orders` of two partitions.
async fn start() -> Cluster {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    cluster
        .create_topic("orders", 2, &[])
        .expect("the topic is new");
    cluster
}

/// A batch of a transaction for a partition of `orders`.
fn append(partition: i32, producer: (i64, i16, i32), count: i32) -> ProduceRequest {
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(transactional_batch(producer, count)));
    let topic = TopicProduceData::default()
        .with_name(TopicName(StrBytes::from_static_str("orders")))
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(-1)
        .with_topic_data(vec![topic])
}

/// Asks for the committed records of partition 0 of `orders` from `offset` on, and waits for them for a minute.
fn poll(offset: i64) -> FetchRequest {
    let mut request = from(&[0]).with_isolation_level(1);
    request.topics[0].partitions[0].fetch_offset = offset;
    request
}
