//! Claims about offsets that are committed with a transaction: with it, or not at all.

use std::time::{Duration, Instant};

use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::{DeleteGroupsRequest, GroupId, OffsetFetchRequest};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::Cluster;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::Producer;
use rdkafka::{Offset, TopicPartitionList};

use super::start;
use super::writer::Writer;
use crate::clients::{PATIENCE, config, produce, producer};
use crate::controls::groups::Member;
use crate::faults::orders;
use crate::raw::Raw;

fn billing() -> GroupId {
    GroupId(StrBytes::from_static_str("billing"))
}

/// A member of `billing` that has its partitions.
fn member(cluster: &Cluster) -> BaseConsumer {
    let consumer: BaseConsumer = config(cluster)
        .set("group.id", "billing")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()
        .expect("the settings are valid");
    consumer.subscribe(&["orders"]).expect("a topic");
    let deadline = Instant::now() + PATIENCE;
    // A poll that finds a rebalance to do comes back without a record.
    while consumer.poll(Duration::from_millis(50)).is_none() {
        assert!(Instant::now() < deadline, "it gets its partitions in time");
    }
    consumer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_reads_on_where_the_last_committed_transaction_says() {
    let cluster = start().await;
    produce(&producer(&cluster, &[]), "orders", 0, b"read").await;
    let consumer = member(&cluster);
    let writer = producer(&cluster, &[("transactional.id", "writer")]);
    let ready = writer.init_transactions(PATIENCE);
    ready.expect("the coordinator answers");
    for (offset, commits, expected) in [(5, false, None), (6, true, Some(6)), (7, false, Some(6))] {
        writer.begin_transaction().expect("none is open");
        let mut position = TopicPartitionList::new();
        let added = position.add_partition_offset("orders", 0, Offset::Offset(offset));
        added.expect("an offset is valid");
        let metadata = consumer.group_metadata().expect("it is a member");
        let sent = writer.send_offsets_to_transaction(&position, &metadata, PATIENCE);
        sent.expect("the member is in its generation");
        let ended = match commits {
            true => writer.commit_transaction(PATIENCE),
            false => writer.abort_transaction(PATIENCE),
        };
        ended.expect("the coordinator answers");
        assert_eq!(cluster.committed("billing", "orders", 0), expected);
    }
}

/// The error and the offset of partition 0, as they are told in both shapes of OffsetFetch.
async fn fetched(raw: &mut Raw, require_stable: bool) -> (i16, i64) {
    let topic = OffsetFetchRequestTopic::default()
        .with_name(orders())
        .with_partition_indexes(vec![0]);
    let alone = OffsetFetchRequest::default()
        .with_group_id(billing())
        .with_topics(Some(vec![topic]))
        .with_require_stable(require_stable);
    let alone = raw.ask(&alone, 7).await;
    let alone = &alone.topics[0].partitions[0];
    let topic = OffsetFetchRequestTopics::default()
        .with_name(orders())
        .with_partition_indexes(vec![0]);
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(billing())
        .with_topics(Some(vec![topic]));
    let batched = OffsetFetchRequest::default()
        .with_groups(vec![group])
        .with_require_stable(require_stable);
    let batched = raw.ask(&batched, 8).await;
    let batched = &batched.groups[0].topics[0].partitions[0];
    let batched = (batched.error_code, batched.committed_offset);
    assert_eq!(batched, (alone.error_code, alone.committed_offset));
    batched
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_requires_stable_offsets_is_told_to_wait_while_one_may_move() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    writer.put_offset("billing", 3).await;
    assert_eq!(writer.commit().await, 0);
    assert_eq!(fetched(&mut writer.raw, true).await, (0, 3));
    writer.put_offset("billing", 4).await;
    assert_eq!(fetched(&mut writer.raw, true).await, (88, -1));
    assert_eq!(fetched(&mut writer.raw, false).await, (0, 3));
    assert_eq!(writer.commit().await, 0);
    assert_eq!(fetched(&mut writer.raw, true).await, (0, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_come_only_to_a_group_that_was_added_and_from_who_has_the_id() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    let request = writer.offset("billing", 1);
    assert_eq!(writer.send_offset(3, &request).await, 48);
    assert_eq!(writer.add_group("billing").await, 0);
    assert_eq!(writer.send_offset(3, &request).await, 0);
    Writer::init(&cluster, "writer").await;
    for version in 0..=3 {
        assert_eq!(
            writer.send_offset(version, &request).await,
            47,
            "v{version}"
        );
    }
    assert_eq!(cluster.committed("billing", "orders", 0), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_consumer_that_is_named_must_be_in_its_generation() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    assert_eq!(writer.add_group("billing").await, 0);
    let plain = writer.offset("billing", 1);
    let of_nobody = plain.clone().with_generation_id(1);
    assert_eq!(writer.send_offset(3, &of_nobody).await, 22, "no such group");
    let member = Member::join_group(&cluster, "billing").await;
    let by = |id: &StrBytes, generation| {
        let request = plain.clone().with_member_id(id.clone());
        request.with_generation_id(generation)
    };
    let stranger = StrBytes::from_static_str("stranger");
    for (request, expected) in [
        (by(&member.id, 1), 0),
        (by(&member.id, 2), 22),
        (by(&stranger, 1), 25),
        (plain.clone(), 0),
    ] {
        assert_eq!(writer.send_offset(3, &request).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_meanwhile_does_not_come_back() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    writer.put_offset("billing", 3).await;
    assert_eq!(writer.commit().await, 0);
    writer.put_offset("billing", 4).await;
    let request = DeleteGroupsRequest::default().with_groups_names(vec![billing()]);
    assert_eq!(writer.raw.ask(&request, 2).await.results[0].error_code, 0);
    assert_eq!(writer.commit().await, 0);
    assert_eq!(cluster.committed("billing", "orders", 0), None);
    writer.put_offset("billing", 5).await;
    cluster.recreate_topic("orders").expect("it exists");
    assert_eq!(writer.commit().await, 0);
    assert_eq!(cluster.committed("billing", "orders", 0), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_of_an_open_transaction_outlive_a_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let builder = || Cluster::builder().data_dir(dir.path());
    let cluster = builder().start().await.expect("a cluster starts");
    cluster.create_topic("orders", 1, &[]).expect("it is new");
    let mut writer = Writer::init(&cluster, "writer").await;
    writer.put_offset("billing", 3).await;
    cluster.kill().await;
    let cluster = builder().start().await.expect("a cluster starts");
    assert_eq!(cluster.committed("billing", "orders", 0), None);
    writer.raw = Raw::connect(&cluster).await;
    assert_eq!(fetched(&mut writer.raw, true).await, (88, -1));
    assert_eq!(writer.commit().await, 0);
    assert_eq!(cluster.committed("billing", "orders", 0), Some(3));
    cluster.kill().await;
    let cluster = builder().start().await.expect("a cluster starts");
    assert_eq!(cluster.committed("billing", "orders", 0), Some(3));
}
