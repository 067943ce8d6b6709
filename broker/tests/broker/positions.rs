//! Claims about where readers begin, wait and end: offsets, times, epochs and long polls.

use std::time::{Duration, Instant};

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{FetchRequest, OffsetForLeaderEpochRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::Cluster;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::FutureRecord;
use rdkafka::{Offset, TopicPartitionList};

use crate::clients::{PATIENCE, config, produce, producer};
use crate::raw::Raw;

async fn start() -> Cluster {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    cluster
        .create_topic("orders", 1, &[])
        .expect("the topic is new");
    cluster
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offset_is_found_by_time_inside_a_compressed_batch() {
    let cluster = start().await;
    let producer = producer(
        &cluster,
        &[("compression.type", "zstd"), ("linger.ms", "50")],
    );
    let records = (0..100).map(|number| {
        FutureRecord::<str, _>::to("orders")
            .payload("xxxxxxxxxxxxxxxxxxxxxxxx")
            .timestamp(1_000_000 + number * 10)
    });
    let sent: Vec<_> = records
        .map(|record| producer.send_result(record).expect("room"))
        .collect();
    for sent in sent {
        sent.await.expect("not cancelled").expect("delivered");
    }
    let consumer: BaseConsumer = config(&cluster).create().expect("the settings are valid");
    for (time, offset) in [
        (0, Offset::Offset(0)),
        (1_000_551, Offset::Offset(56)),
        (2_000_000, Offset::End),
    ] {
        let mut asked = TopicPartitionList::new();
        asked
            .add_partition_offset("orders", 0, Offset::Offset(time))
            .expect("a time is valid");
        let found = consumer
            .offsets_for_times(asked, PATIENCE)
            .expect("an answer");
        assert_eq!(found.elements()[0].offset(), offset, "{time}");
    }
}

fn fetch(offset: i64, max_wait_ms: i32) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_fetch_offset(offset)
        .with_partition_max_bytes(1_000_000);
    let topic = FetchTopic::default()
        .with_topic(TopicName(StrBytes::from_static_str("orders")))
        .with_partitions(vec![partition.with_current_leader_epoch(-1)]);
    FetchRequest::default()
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(1_000_000)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_poll_ends_with_the_next_record_and_not_before() {
    let cluster = start().await;
    let mut raw = Raw::connect(&cluster).await;
    let begun = Instant::now();
    let empty = raw.ask(&fetch(0, 200), 12).await;
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!(
        empty.responses[0].partitions[0].records.as_deref(),
        Some(&[][..])
    );
    let producer = producer(&cluster, &[]);
    let waiting = fetch(0, 60_000);
    let (woken, _) = tokio::join!(raw.ask(&waiting, 12), produce(&producer, "orders", 0, b"x"));
    assert!(
        !woken.responses[0].partitions[0]
            .records
            .as_deref()
            .unwrap_or_default()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_poll_ends_when_its_topic_is_deleted() {
    let cluster = start().await;
    let mut raw = Raw::connect(&cluster).await;
    let request = fetch(0, 60_000);
    let delete = async {
        // The request cannot be seen to wait; should it arrive after the deletion, it ends the same way.
        tokio::task::yield_now().await;
        cluster.delete_topic("orders").expect("the topic is there");
    };
    let (ended, ()) = tokio::join!(raw.ask(&request, 12), delete);
    assert_eq!(ended.responses[0].partitions[0].error_code, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offset_outside_the_log_is_answered_at_once() {
    let cluster = start().await;
    let mut raw = Raw::connect(&cluster).await;
    for (offset, error) in [(-1, 1), (1, 1)] {
        let response = raw.ask(&fetch(offset, 60_000), 12).await;
        assert_eq!(
            response.responses[0].partitions[0].error_code, error,
            "{offset}"
        );
    }
    let mut session = fetch(0, 0);
    session.session_id = 5;
    assert_eq!(raw.ask(&session, 12).await.error_code, 70);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_epoch_that_is_not_the_leaders_is_refused() {
    let cluster = start().await;
    let mut raw = Raw::connect(&cluster).await;
    let mut ahead = fetch(0, 0);
    ahead.topics[0].partitions[0].current_leader_epoch = 9;
    assert_eq!(
        raw.ask(&ahead, 12).await.responses[0].partitions[0].error_code,
        75
    );
    let ask = |epoch| {
        let partition = OffsetForLeaderPartition::default()
            .with_current_leader_epoch(-1)
            .with_leader_epoch(epoch);
        let topic = OffsetForLeaderTopic::default()
            .with_topic(TopicName(StrBytes::from_static_str("orders")))
            .with_partitions(vec![partition]);
        OffsetForLeaderEpochRequest::default().with_topics(vec![topic])
    };
    produce(&producer(&cluster, &[]), "orders", 0, b"x").await;
    let end = |response: kafka_protocol::messages::OffsetForLeaderEpochResponse| {
        let partition = &response.topics[0].partitions[0];
        (partition.leader_epoch, partition.end_offset)
    };
    assert_eq!(end(raw.ask(&ask(0), 2).await), (0, 1));
    assert_eq!(end(raw.ask(&ask(1), 4).await), (-1, -1));
}
