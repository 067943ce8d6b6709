//! Claims about what readers see of transactions.

use kafka_protocol::messages::fetch_response::PartitionData;
use kmirror_broker::Cluster;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::writer::Writer;
use super::{poll, start};
use crate::clients::{PATIENCE, config, produce, producer, take, text};
use crate::raw::{Raw, encode};

/// A producer that has its transactional id.
fn transactional(cluster: &Cluster) -> FutureProducer {
    let producer = producer(cluster, &[("transactional.id", "writer")]);
    let ready = producer.init_transactions(PATIENCE);
    ready.expect("the coordinator answers");
    producer
}

/// A consumer of partition 0 of `topic` from the beginning.
fn reader(cluster: &Cluster, topic: &str, isolation: &str) -> BaseConsumer {
    let consumer: BaseConsumer = config(cluster)
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .set("isolation.level", isolation)
        .create()
        .expect("the settings are valid");
    let mut assignment = TopicPartitionList::new();
    let added = assignment.add_partition_offset(topic, 0, Offset::Beginning);
    added.expect("an offset is valid");
    let assigned = consumer.assign(&assignment);
    assigned.expect("an assignment needs no broker");
    consumer
}

fn seen(messages: &[OwnedMessage]) -> Vec<(i64, String)> {
    let seen = messages.iter().map(|it| (it.offset(), text(it)));
    seen.collect()
}

fn expected(records: &[(i64, &str)]) -> Vec<(i64, String)> {
    let records = records.iter().map(|(at, text)| (*at, (*text).to_owned()));
    records.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_committed_records_sees_no_aborted_ones() {
    let cluster = start().await;
    let producer = transactional(&cluster);
    for (value, commits) in [("kept", true), ("dropped", false), ("kept too", true)] {
        producer.begin_transaction().expect("none is open");
        produce(&producer, "orders", 0, value.as_bytes()).await;
        let ended = match commits {
            true => producer.commit_transaction(PATIENCE),
            false => producer.abort_transaction(PATIENCE),
        };
        ended.expect("the coordinator answers");
    }
    let committed = take(&reader(&cluster, "orders", "read_committed"), 2);
    assert_eq!(seen(&committed), expected(&[(0, "kept"), (4, "kept too")]));
    let all = take(&reader(&cluster, "orders", "read_uncommitted"), 3);
    assert_eq!(
        seen(&all),
        expected(&[(0, "kept"), (2, "dropped"), (4, "kept too")])
    );
}

/// What a fetch from `offset` finds at once.
async fn found(raw: &mut Raw, offset: i64) -> PartitionData {
    let request = poll(offset).with_max_wait_ms(0);
    let mut response = raw.ask(&request, 11).await;
    response.responses.remove(0).partitions.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_transaction_holds_back_all_behind_it_and_its_end_wakes_who_waits() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    let mut other = Writer::init(&cluster, "other").await;
    writer.begin(&[0]).await;
    other.begin(&[0]).await;
    assert_eq!(other.commit().await, 0);
    let mut raw = Raw::connect(&cluster).await;
    let held = found(&mut raw, 0).await;
    assert_eq!((held.high_watermark, held.last_stable_offset), (3, 0));
    assert_eq!(held.records.map(|records| records.len()), Some(0));
    raw.send_frame(&encode(&poll(0), 11)).await;
    assert_eq!(writer.commit().await, 0);
    raw.receive().await;
    let freed = found(&mut raw, 0).await;
    assert_eq!((freed.high_watermark, freed.last_stable_offset), (4, 4));
    assert!(freed.records.is_some_and(|records| !records.is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_ends_in_all_its_partitions_at_once() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    writer.begin(&[0]).await;
    assert_eq!(writer.add(1).await, 0);
    assert_eq!(writer.commit().await, 0);
    assert_eq!(
        (cluster.log_end("orders", 0), cluster.log_end("orders", 1)),
        (Some(2), Some(1)),
        "a marker also where nothing was written, as in Kafka"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compaction_keeps_what_was_committed_before_an_aborted_record_of_the_same_key() {
    let cluster = start().await;
    let compacted = [("cleanup.policy", "compact")];
    cluster
        .create_topic("state", 1, &compacted)
        .expect("it is new");
    let producer = transactional(&cluster);
    for (key, value, commits) in [
        ("a", "1", true),
        ("a", "2", false),
        ("b", "3", true),
        ("b", "4", true),
    ] {
        producer.begin_transaction().expect("none is open");
        let record = FutureRecord::to("state").key(key).payload(value);
        let sent = producer.send(record, PATIENCE).await;
        sent.map_err(|(error, _)| error).expect("it is taken");
        let ended = match commits {
            true => producer.commit_transaction(PATIENCE),
            false => producer.abort_transaction(PATIENCE),
        };
        ended.expect("the coordinator answers");
    }
    cluster.compact("state").expect("it exists");
    for isolation in ["read_committed", "read_uncommitted"] {
        let read = take(&reader(&cluster, "state", isolation), 2);
        assert_eq!(seen(&read), expected(&[(0, "1"), (6, "4")]), "{isolation}");
    }
}
