//! Claims about the conditions that a cluster works under.

use std::time::Duration;

use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};
use kmirror_broker::{Api, ClockOffset, Cluster};
use rdkafka::Timestamp;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::types::RDKafkaErrorCode;

use super::{append, poll, send, start};
use crate::clients::{next, produce, producer, reader};
use crate::raw::{Raw, encode};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_takes_no_records_until_there_is_room() {
    let cluster = start(1).await;
    let mut raw = Raw::connect(&cluster).await;
    assert_eq!(send(&mut raw, &append(0, (9, 0, 0), 2)).await, (0, 0));
    cluster.set_disk_full(true);
    assert_eq!(send(&mut raw, &append(0, (9, 0, 2), 2)).await, (56, -1));
    assert_eq!(
        send(&mut raw, &append(0, (9, 0, 0), 2)).await,
        (0, 0),
        "a repeat needs no room"
    );
    let read = raw.ask(&poll(0), 11).await;
    assert_eq!(read.responses[0].partitions[0].error_code, 0);
    cluster.set_disk_full(false);
    assert_eq!(send(&mut raw, &append(0, (9, 0, 2), 2)).await, (0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_takes_no_commits_either() {
    let cluster = start(1).await;
    produce(&producer(&cluster, &[]), "orders", 0, b"value").await;
    let consumer = reader(&cluster, "orders", 0, 0);
    let message = next(&consumer).detach();
    let mut position = consumer.position().expect("it has read");
    position
        .set_partition_offset("orders", 0, rdkafka::Offset::Offset(message.offset() + 1))
        .expect("an offset");
    cluster.set_disk_full(true);
    let refused = consumer.commit(&position, CommitMode::Sync);
    assert!(
        matches!(
            refused,
            Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NotCoordinator))
        ),
        "{refused:?}"
    );
    assert_eq!(cluster.committed("reader", "orders", 0), None);
    cluster.set_disk_full(false);
    consumer
        .commit(&position, CommitMode::Sync)
        .expect("there is room");
    assert_eq!(cluster.committed("reader", "orders", 0), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_the_brokers_can_be_wrong() {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    let stamped = [("message.timestamp.type", "LogAppendTime")];
    cluster
        .create_topic("orders", 1, &stamped)
        .expect("it is new");
    let producer = producer(&cluster, &[]);
    let hour = Duration::from_secs(3600);
    for offset in [ClockOffset::Ahead(hour), ClockOffset::Behind(hour)] {
        cluster.set_clock_offset(offset);
        produce(&producer, "orders", 0, b"value").await;
    }
    let consumer = reader(&cluster, "orders", 0, 0);
    let stamps: Vec<i64> = (0..2)
        .map(|_| match next(&consumer).timestamp() {
            Timestamp::LogAppendTime(ms) => ms,
            other => panic!("{other:?}"),
        })
        .collect();
    let apart = stamps[0] - stamps[1];
    // Two hours, less the time between the two records.
    assert!((7_000_000..=7_200_000).contains(&apart), "{apart} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_cluster_shows_and_answers_older_versions_only() {
    let builder = Cluster::builder().cap_versions(Api::Metadata, 5);
    let cluster = builder.start().await.expect("a cluster starts");
    let mut raw = Raw::connect(&cluster).await;
    let shown = raw.ask(&ApiVersionsRequest::default(), 0).await;
    let metadata = shown.api_keys.iter().find(|it| it.api_key == 3);
    assert_eq!(metadata.map(|it| it.max_version), Some(5));
    raw.ask(&MetadataRequest::default(), 5).await;
    raw.send_frame(&encode(&MetadataRequest::default(), 6))
        .await;
    assert!(raw.is_closed().await);
    cluster
        .cap_versions(Api::Metadata, i16::MAX)
        .expect("it has it");
    Raw::connect(&cluster)
        .await
        .ask(&MetadataRequest::default(), 12)
        .await;
    assert!(cluster.cap_versions(Api::WriteTxnMarkers, 1).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_is_capped_away_is_not_there() {
    let cluster = start(1).await;
    cluster
        .cap_versions(Api::OffsetForLeaderEpoch, 1)
        .expect("it has it");
    let shown = Raw::connect(&cluster)
        .await
        .ask(&ApiVersionsRequest::default(), 0)
        .await;
    assert!(shown.api_keys.iter().all(|it| it.api_key != 23));
    let offset = produce(&producer(&cluster, &[]), "orders", 0, b"value").await;
    assert_eq!(offset, 0, "librdkafka does without it");
}
