//! Claims about repeats and gaps on the wire.

use bytes::Bytes;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{InitProducerIdRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::Cluster;

use crate::raw::{Raw, batch, encode};

fn request(acks: i16, records: Bytes) -> ProduceRequest {
    let data = PartitionProduceData::default().with_records(Some(records));
    let topic = TopicProduceData::default()
        .with_name(TopicName(StrBytes::from_static_str("orders")))
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(1000)
        .with_topic_data(vec![topic])
}

/// The error and the offset that a batch is answered with.
async fn produce(raw: &mut Raw, records: Bytes) -> (i16, i64) {
    let response = raw.ask(&request(-1, records), 9).await;
    let partition = &response.responses[0].partition_responses[0];
    (partition.error_code, partition.base_offset)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_is_answered_like_the_first_time_and_stored_once() {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    cluster
        .create_topic("orders", 1, &[])
        .expect("the topic is new");
    let mut raw = Raw::connect(&cluster).await;
    let id = raw
        .ask(
            &InitProducerIdRequest::default().with_transactional_id(None),
            4,
        )
        .await
        .producer_id
        .0;
    assert_eq!(produce(&mut raw, batch((id, 0, 0), 3)).await, (0, 0));
    assert_eq!(produce(&mut raw, batch((id, 0, 3), 2)).await, (0, 3));
    assert_eq!(produce(&mut raw, batch((id, 0, 0), 3)).await, (0, 0));
    assert_eq!(produce(&mut raw, batch((id, 0, 9), 1)).await, (45, -1));
    assert_eq!(cluster.log_end("orders", 0), Some(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acks_0_is_never_answered_and_an_error_closes_the_connection() {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    cluster
        .create_topic("orders", 1, &[])
        .expect("the topic is new");
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&request(0, batch((-1, -1, -1), 3)), 9))
        .await;
    assert_eq!(
        produce(&mut raw, batch((-1, -1, -1), 1)).await,
        (0, 3),
        "the next answer belongs to the next request"
    );
    raw.send_frame(&encode(&request(0, Bytes::from_static(b"no batch")), 9))
        .await;
    assert!(raw.is_closed().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_refused_leaves_no_trace() {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    cluster
        .create_topic("orders", 1, &[("max.message.bytes", "100")])
        .expect("the topic is new");
    let mut raw = Raw::connect(&cluster).await;
    assert_eq!(produce(&mut raw, batch((-1, -1, -1), 9)).await, (10, -1));
    let mut corrupt = batch((-1, -1, -1), 1).to_vec();
    corrupt[65] ^= 1;
    assert_eq!(produce(&mut raw, corrupt.into()).await, (2, -1));
    assert_eq!(cluster.log_end("orders", 0), Some(0));
    assert_eq!(produce(&mut raw, batch((-1, -1, -1), 1)).await, (0, 0));
}
