//! Claims about librdkafka under rules: faults look to it as they do in production.

use std::time::{Duration, Instant};

use kmirror_broker::{Api, Cluster, ErrorCode};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::start;
use crate::clients::{PATIENCE, config, produce, producer, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotent_producer_that_lost_its_answer_writes_once_and_another_twice() {
    for (idempotence, written) in [("true", 2), ("false", 3)] {
        let cluster = start().await;
        let producer = producer(&cluster, &[("enable.idempotence", idempotence)]);
        let fault = cluster.faults().on(Api::Produce).first(1).drop_after();
        produce(&producer, "orders", 0, b"first").await;
        produce(&producer, "orders", 0, b"second").await;
        assert_eq!(fault.hits(), 1);
        assert_eq!(cluster.log_end("orders", 0), Some(written), "{idempotence}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_reads_all_in_order_whatever_happens_to_its_connection() {
    let cluster = start().await;
    let producer = producer(&cluster, &[]);
    for number in 0..10 {
        produce(&producer, "orders", 0, number.to_string().as_bytes()).await;
    }
    // Each counts all fetches, so that each has one of its own.
    let on = |nth| cluster.faults().on(Api::Fetch).nth(nth);
    let faults = [
        on(1).drop_before(),
        on(2).half_response(),
        on(3).drop_after(),
        on(4).fail(ErrorCode::NotLeaderOrFollower),
        on(5).fail(ErrorCode::KafkaStorageError),
        on(6).garbage(),
        on(7).trickle(2000),
    ];
    let mut read = Vec::new();
    let consumer = impatient_reader(&cluster);
    let deadline = Instant::now() + 3 * PATIENCE;
    while read.len() < 10 {
        assert!(Instant::now() < deadline, "{read:?}, {faults:?}");
        // It tells of lost connections as of errors, and mends them.
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            read.push((message.offset(), text(&message)));
        }
    }
    let sent = (0..10).map(|number| (number, number.to_string()));
    assert_eq!(read, sent.collect::<Vec<_>>());
    assert!(faults.iter().all(|fault| fault.hits() == 1), "{faults:?}");
}

/// A consumer of partition 0 of `orders` that waits no longer than a second for an answer.
fn impatient_reader(cluster: &Cluster) -> BaseConsumer {
    let consumer: BaseConsumer = config(cluster)
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .set("socket.timeout.ms", "1000")
        .set("fetch.wait.max.ms", "100")
        .create()
        .expect("the settings are valid");
    let mut assignment = TopicPartitionList::new();
    assignment
        .add_partition_offset("orders", 0, Offset::Beginning)
        .expect("an offset is valid");
    consumer.assign(&assignment).expect("it needs no broker");
    consumer
}
