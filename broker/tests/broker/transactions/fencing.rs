//! Claims about who may use a transactional id, and until when.

use kafka_protocol::messages::ListOffsetsRequest;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kmirror_broker::{Api, Cluster, ErrorCode};

use super::writer::{Writer, init};
use super::{poll, start};
use crate::faults::orders;
use crate::raw::Raw;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_instance_silences_the_old_one_and_aborts_what_it_left_open() {
    let cluster = start().await;
    let mut old = Writer::init(&cluster, "writer").await;
    old.begin(&[0, 1]).await;
    let new = Writer::init(&cluster, "writer").await;
    assert_eq!(new.producer_id, old.producer_id);
    assert!(new.epoch > old.epoch);
    assert_eq!(cluster.log_end("orders", 0), Some(2), "its marker is there");
    assert_eq!(old.send(0, 1).await, 47);
    for (version, fenced) in [(0, 47), (1, 47), (2, 90), (3, 90)] {
        let added = old.add_in(version, "orders", 0).await;
        assert_eq!(added, fenced, "AddPartitionsToTxn v{version}");
        let ended = old.end_in(version, true).await;
        assert_eq!(ended, fenced, "EndTxn v{version}");
    }
    assert_eq!(old.recover().await, Err(90));
    let read = old.raw.ask(&poll(0), 11).await;
    let aborted = &read.responses[0].partitions[0].aborted_transactions;
    assert_eq!(aborted.as_ref().expect("they are told").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_that_recovers_keeps_its_id_also_if_it_missed_the_answer() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    writer.begin(&[0]).await;
    let before = writer.epoch;
    writer.recover().await.expect("nobody else has the id");
    assert_eq!(writer.epoch, before + 1);
    writer.epoch = before;
    writer.recover().await.expect("it asks again");
    assert_eq!(writer.epoch, before + 1);
    writer.begin(&[0]).await;
    assert_eq!(writer.commit().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_out_of_time_is_aborted_and_its_producer_fenced() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    let short = init("writer").with_transaction_timeout_ms(200);
    writer.epoch = writer.raw.ask(&short, 4).await.producer_epoch;
    writer.begin(&[0]).await;
    let read = Raw::connect(&cluster).await.ask(&poll(0), 11).await;
    let partition = &read.responses[0].partitions[0];
    let aborted = partition.aborted_transactions.as_ref();
    assert_eq!(
        aborted.expect("they are told").len(),
        1,
        "the wait ended by the marker"
    );
    assert_eq!(partition.last_stable_offset, 2);
    assert_eq!(writer.send(0, 1).await, 47);
    assert_eq!(writer.commit().await, 90);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_taken_only_for_partitions_that_were_added() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    assert_eq!(writer.send(0, 1).await, 48);
    assert_eq!(writer.add_in(3, "unheard-of", 0).await, 3);
    assert_eq!(writer.add_in(3, "orders", 7).await, 3);
    assert_eq!(writer.add(0).await, 0);
    assert_eq!(writer.send(1, 1).await, 48);
    assert_eq!(writer.send(0, 1).await, 0);
    writer.producer_id += 1;
    assert_eq!(writer.add(0).await, 49);
    assert_eq!(writer.commit().await, 49);
    assert_eq!(writer.send(0, 1).await, 48);
    assert_eq!(
        (cluster.log_end("orders", 0), cluster.log_end("orders", 1)),
        (Some(1), Some(0))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_is_said_again_is_answered_like_the_first_time() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    assert_eq!(writer.commit().await, 48, "nothing is open");
    writer.begin(&[0]).await;
    assert_eq!((writer.commit().await, writer.commit().await), (0, 0));
    assert_eq!(writer.abort().await, 48, "it was committed");
    assert_eq!(cluster.log_end("orders", 0), Some(2), "there is one marker");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_coordinator_answers() {
    let cluster = Cluster::builder().nodes(2).start().await;
    let cluster = cluster.expect("a cluster starts");
    cluster.create_topic("orders", 1, &[]).expect("it is new");
    let mut writer = Writer::init(&cluster, "writer").await;
    let other = 1 - cluster.coordinator("writer").expect("a node is up");
    writer.raw = Raw::connect_to(&cluster, other as usize).await;
    assert_eq!(writer.add(0).await, 16);
    assert_eq!(writer.commit().await, 16);
    assert_eq!(writer.recover().await, Err(16));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_changes_nothing_and_the_end_is_said_again() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    writer.begin(&[0]).await;
    cluster.set_disk_full(true);
    assert_eq!(writer.add(1).await, 16);
    assert_eq!(writer.commit().await, 16);
    assert_eq!(cluster.log_end("orders", 0), Some(1));
    cluster.set_disk_full(false);
    assert_eq!(writer.commit().await, 0);
    assert_eq!(cluster.log_end("orders", 0), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_transactions_come_only_from_a_rule() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    let mut other = Writer::init(&cluster, "other").await;
    let rule = cluster.faults().on(Api::AddPartitionsToTxn);
    let rule = rule.transactional_id("writer").topic("orders");
    rule.first(1).fail(ErrorCode::ConcurrentTransactions);
    assert_eq!(other.add(0).await, 0);
    assert_eq!(writer.add(0).await, 51);
    assert_eq!(writer.commit().await, 48, "nothing was begun");
    assert_eq!(writer.add(0).await, 0);
    let journal = cluster.journal();
    let failed = journal.iter().find(|entry| entry.error == Some(51));
    let failed = failed.expect("it is written down");
    assert_eq!(failed.transactional_ids, ["writer"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_created_anew_is_in_no_transaction() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    writer.begin(&[0, 1]).await;
    cluster.recreate_topic("orders").expect("it exists");
    assert_eq!(writer.send(0, 1).await, 48, "it was not added");
    assert_eq!(writer.commit().await, 0);
    assert_eq!(cluster.log_end("orders", 0), Some(0), "nothing ends there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_by_time_and_at_the_end_stop_before_what_is_open() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    writer.begin(&[0]).await;
    assert_eq!(writer.commit().await, 0);
    assert_eq!(writer.add(0).await, 0);
    assert_eq!(writer.send(0, 2).await, 0);
    for (isolation, end, by_time) in [(0, 4, 0), (1, 2, 0)] {
        let at = [-1, 0].map(|time| {
            ListOffsetsPartition::default()
                .with_timestamp(time)
                .with_current_leader_epoch(-1)
        });
        let topic = ListOffsetsTopic::default()
            .with_name(orders())
            .with_partitions(at.into());
        let request = ListOffsetsRequest::default()
            .with_isolation_level(isolation)
            .with_topics(vec![topic]);
        let found = writer.raw.ask(&request, 7).await;
        let offsets: Vec<i64> = found.topics[0]
            .partitions
            .iter()
            .map(|it| it.offset)
            .collect();
        assert_eq!(offsets, [end, by_time], "isolation {isolation}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_is_fenced_and_a_transaction_expired_on_request() {
    let cluster = start().await;
    assert!(cluster.fence_producer("writer").is_err(), "it is unknown");
    let mut writer = Writer::init(&cluster, "writer").await;
    let nothing = cluster
        .expire_transaction("writer")
        .expect_err("no open one");
    assert_eq!(nothing.code, 48);
    writer.begin(&[0]).await;
    assert_eq!(cluster.last_stable("orders", 0), Some(0));
    cluster.expire_transaction("writer").expect("it is open");
    assert_eq!(cluster.last_stable("orders", 0), Some(2));
    assert_eq!(writer.send(0, 1).await, 47);
    let mut writer = Writer::init(&cluster, "writer").await;
    cluster.fence_producer("writer").expect("it is known");
    assert_eq!(writer.add(0).await, 90);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_done_and_may_be_said_again() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    writer.begin(&[0]).await;
    let rule = cluster.faults().on(Api::EndTxn).transactional_id("writer");
    rule.first(1).fail_after(ErrorCode::RequestTimedOut);
    assert_eq!(writer.commit().await, 7);
    assert_eq!(cluster.last_stable("orders", 0), Some(2));
    assert_eq!(writer.commit().await, 0);
    assert_eq!(cluster.log_end("orders", 0), Some(2));
}
