//! Claims about records: what goes in comes out, in order and unchanged.

use kmirror_broker::Cluster;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, Timestamp};
use rdkafka::producer::FutureRecord;
use rdkafka::types::RDKafkaErrorCode;

use crate::clients::{PATIENCE, next, produce, producer, reader, take, text};

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
