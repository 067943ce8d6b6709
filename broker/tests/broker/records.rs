//! Claims about records: what goes in comes out, in order, unchanged, and not before it is asked for.

use std::time::{Duration, Instant};

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{FetchRequest, OffsetForLeaderEpochRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::Cluster;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, Timestamp};
use rdkafka::producer::FutureRecord;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use crate::clients::{PATIENCE, config, next, produce, producer, reader, take, text};
use crate::raw::Raw;

async fn start() -> Cluster {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    cluster
        .create_topic("orders", 1, &[])
        .expect("the topic is new");
    cluster
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_every_codec_come_back_in_order() {
    let cluster = start().await;
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        cluster
            .create_topic(codec, 1, &[])
            .expect("the topic is new");
        let producer = producer(
            &cluster,
            &[("compression.type", codec), ("linger.ms", "20")],
        );
        let values: Vec<String> = (0..1000)
            .map(|number| format!("record {number} {}", "x".repeat(100)))
            .collect();
        let sent: Vec<_> = values
            .iter()
            .map(|value| {
                producer
                    .send_result(FutureRecord::<str, _>::to(codec).payload(value))
                    .expect("room")
            })
            .collect();
        for (offset, sent) in (0..).zip(sent) {
            assert_eq!(
                sent.await
                    .expect("not cancelled")
                    .expect("delivered")
                    .offset,
                offset
            );
        }
        let read: Vec<String> = take(&reader(&cluster, codec, 0, 0), 1000)
            .iter()
            .map(text)
            .collect();
        assert_eq!(read, values, "{codec}");
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_values_headers_and_timestamps_are_not_touched() {
    let cluster = start().await;
    let headers = OwnedHeaders::new()
        .insert(Header {
            key: "twice",
            value: Some(&[0xff_u8, 0][..]),
        })
        .insert(Header {
            key: "twice",
            value: None::<&[u8]>,
        })
        .insert(Header {
            key: "",
            value: Some(&[][..]),
        });
    let record = FutureRecord::<[u8], [u8]>::to("orders")
        .key(&[0xc3, 0x28])
        .headers(headers)
        .timestamp(915_148_800_000);
    producer(&cluster, &[])
        .send(record, PATIENCE)
        .await
        .expect("the record is taken");
    let reader = reader(&cluster, "orders", 0, 0);
    let message = next(&reader);
    assert_eq!(
        (message.key(), message.payload()),
        (Some(&[0xc3, 0x28][..]), None)
    );
    assert_eq!(message.timestamp(), Timestamp::CreateTime(915_148_800_000));
    let headers: Vec<_> = message
        .headers()
        .expect("headers")
        .iter()
        .map(|it| (it.key, it.value))
        .collect();
    assert_eq!(
        headers,
        [
            ("twice", Some(&[0xff, 0][..])),
            ("twice", None),
            ("", Some(&[][..]))
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_append_time_topic_stamps_records_and_says_so() {
    let cluster = start().await;
    cluster
        .create_topic("stamped", 1, &[("message.timestamp.type", "LogAppendTime")])
        .expect("the topic is new");
    let record = FutureRecord::<(), _>::to("stamped")
        .payload("x")
        .timestamp(1);
    let sent = producer(&cluster, &[])
        .send(record, PATIENCE)
        .await
        .expect("the record is taken");
    let reader = reader(&cluster, "stamped", 0, 0);
    let message = next(&reader);
    assert_eq!(message.timestamp(), sent.timestamp);
    assert!(
        matches!(message.timestamp(), Timestamp::LogAppendTime(time) if time > 1_600_000_000_000)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compacted_topic_refuses_records_without_a_key() {
    let cluster = start().await;
    cluster
        .create_topic("compacted", 1, &[("cleanup.policy", "compact")])
        .expect("the topic is new");
    let producer = producer(&cluster, &[]);
    let without_key = FutureRecord::<(), _>::to("compacted").payload("x");
    let (error, _) = producer
        .send(without_key, PATIENCE)
        .await
        .expect_err("there is no key");
    assert_eq!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::InvalidRecord)
    );
    assert_eq!(produce(&producer, "compacted", 0, b"with key").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_eight_megabyte_record_passes_where_the_topic_takes_it() {
    let cluster = start().await;
    cluster
        .create_topic("large", 1, &[("max.message.bytes", "10000000")])
        .expect("the topic is new");
    let large = vec![7; 8_000_000];
    let producer = producer(&cluster, &[("message.max.bytes", "10000000")]);
    assert_eq!(produce(&producer, "large", 0, &large).await, 0);
    assert_eq!(produce(&producer, "large", 0, b"small").await, 1);
    // The consumer asks for 1 MiB per partition: the first batch is given whatever its size.
    let read = take(&reader(&cluster, "large", 0, 0), 2);
    assert_eq!(
        (read[0].payload().map(<[u8]>::len), text(&read[1])),
        (Some(8_000_000), "small".to_owned())
    );
    let record = FutureRecord::<(), _>::to("orders").payload(&large);
    let (error, _) = producer
        .send(record, PATIENCE)
        .await
        .expect_err("the default is 1 MiB");
    assert_eq!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::MessageSizeTooLarge)
    );
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
