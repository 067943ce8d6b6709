//! Claims about logs that are cut, and about producers that are forgotten.

use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{BrokerId, OffsetForLeaderEpochRequest};
use kmirror_broker::{Api, Cluster};
use rdkafka::message::Message;

use super::{append, poll, send, start};
use crate::clients::{reader, take};
use crate::faults::orders;
use crate::raw::{Raw, encode};

/// Ten batches of ten records.
async fn fill(cluster: &Cluster) -> Raw {
    let mut raw = Raw::connect(cluster).await;
    for base in (0..100).step_by(10) {
        let answer = send(&mut raw, &append(0, (-1, -1, -1), 10)).await;
        assert_eq!(answer, (0, base));
    }
    raw
}

/// Epoch and end offset that a node tells for an epoch of partition 0.
async fn end_of(raw: &mut Raw, epoch: i32) -> (i32, i64) {
    let partition = OffsetForLeaderPartition::default()
        .with_current_leader_epoch(-1)
        .with_leader_epoch(epoch);
    let topic = OffsetForLeaderTopic::default()
        .with_topic(orders())
        .with_partitions(vec![partition]);
    let request = OffsetForLeaderEpochRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![topic]);
    let response = raw.ask(&request, 3).await;
    let end = &response.topics[0].partitions[0];
    (end.leader_epoch, end.end_offset)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unclean_election_cuts_the_log_and_a_client_can_tell() {
    let cluster = start(1).await;
    let mut raw = fill(&cluster).await;
    cluster.truncate("orders", 0, 40).expect("it is that long");
    assert_eq!(
        (
            cluster.log_end("orders", 0),
            cluster.leader_epoch("orders", 0)
        ),
        (Some(40), Some(1))
    );
    assert_eq!(end_of(&mut raw, 0).await, (0, 40), "epoch 0 ended there");
    let out_of_range = raw.ask(&poll(41), 11).await;
    assert_eq!(out_of_range.responses[0].partitions[0].error_code, 1);
    assert_eq!(send(&mut raw, &append(0, (-1, -1, -1), 1)).await, (0, 40));
    assert_eq!(end_of(&mut raw, 1).await, (1, 41));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_leads_after_an_unclean_election() {
    let cluster = start(2).await;
    fill(&cluster).await;
    cluster.truncate("orders", 0, 40).expect("it is that long");
    assert_eq!(
        (
            cluster.leader("orders", 0),
            cluster.leader_epoch("orders", 0)
        ),
        (Some(1), Some(1))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_within_a_batch_leaves_exactly_the_records_before_it() {
    let cluster = start(1).await;
    let mut raw = fill(&cluster).await;
    cluster.truncate("orders", 0, 47).expect("it is that long");
    assert_eq!(cluster.log_end("orders", 0), Some(47));
    assert_eq!(send(&mut raw, &append(0, (-1, -1, -1), 3)).await, (0, 47));
    let read = take(&reader(&cluster, "orders", 0, 0), 50);
    let offsets: Vec<i64> = read.iter().map(Message::offset).collect();
    assert_eq!(offsets, (0..50).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_poll_beyond_the_cut_ends() {
    let cluster = start(1).await;
    fill(&cluster).await;
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&poll(100), 11)).await;
    while cluster.requests(Api::Fetch) == 0 {
        tokio::task::yield_now().await;
    }
    cluster.truncate("orders", 0, 40).expect("it is that long");
    raw.receive().await;
    let journal = cluster.journal();
    let polled = journal.iter().find(|it| it.api == Api::Fetch);
    assert_eq!(polled.and_then(|it| it.error), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_snapshot_remembers_no_later_epoch() {
    let cluster = start(1).await;
    let mut raw = fill(&cluster).await;
    cluster.move_leader("orders", 0, 0).expect("it is up");
    assert_eq!(send(&mut raw, &append(0, (-1, -1, -1), 5)).await, (0, 100));
    cluster.restore("orders", 0, 102).expect("it is that long");
    assert_eq!(
        (
            cluster.log_end("orders", 0),
            cluster.leader_epoch("orders", 0)
        ),
        (Some(102), Some(1))
    );
    cluster.restore("orders", 0, 60).expect("it is that long");
    assert_eq!(
        (
            cluster.log_end("orders", 0),
            cluster.leader_epoch("orders", 0)
        ),
        (Some(60), Some(0))
    );
    assert_eq!(end_of(&mut raw, 1).await, (-1, -1), "an epoch yet to come");
    cluster.restore("orders", 0, 0).expect("it is that long");
    assert_eq!(send(&mut raw, &append(0, (-1, -1, -1), 1)).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_before_the_start_leaves_an_empty_log_there() {
    let cluster = start(1).await;
    fill(&cluster).await;
    cluster
        .delete_records("orders", 0, 50)
        .expect("they are there");
    cluster.truncate("orders", 0, 20).expect("it is that long");
    assert_eq!(
        (cluster.log_start("orders", 0), cluster.log_end("orders", 0)),
        (Some(20), Some(20))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_cannot_be_cut_where_it_has_not_been() {
    let cluster = start(1).await;
    fill(&cluster).await;
    for offset in [-1, 101] {
        assert_eq!(
            cluster
                .truncate("orders", 0, offset)
                .map_err(|error| error.code),
            Err(1)
        );
        assert!(cluster.restore("orders", 0, offset).is_err());
    }
    assert_eq!(cluster.leader_epoch("orders", 0), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sequences_of_what_was_cut_are_free_again() {
    let cluster = start(1).await;
    let mut raw = Raw::connect(&cluster).await;
    for (sequence, expected) in [(0, 0), (4, 4)] {
        assert_eq!(
            send(&mut raw, &append(0, (9, 0, sequence), 4)).await,
            (0, expected)
        );
    }
    cluster.truncate("orders", 0, 4).expect("it is that long");
    assert_eq!(
        send(&mut raw, &append(0, (9, 0, 0), 4)).await,
        (0, 0),
        "a repeat"
    );
    assert_eq!(
        send(&mut raw, &append(0, (9, 0, 4), 4)).await,
        (0, 4),
        "not a repeat"
    );
    assert_eq!(cluster.log_end("orders", 0), Some(8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_producer_may_repeat_itself() {
    let cluster = start(1).await;
    let mut raw = Raw::connect(&cluster).await;
    for expected in [0, 0] {
        assert_eq!(
            send(&mut raw, &append(0, (9, 0, 0), 2)).await,
            (0, expected)
        );
    }
    cluster.forget_producers("orders", 0).expect("it exists");
    assert_eq!(send(&mut raw, &append(0, (9, 0, 0), 2)).await, (0, 2));
    assert!(cluster.forget_producers("orders", 2).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_outlives_the_process() {
    let dir = tempfile::tempdir().expect("a directory");
    let builder = || Cluster::builder().data_dir(dir.path());
    let cluster = builder().start().await.expect("a cluster starts");
    // The records are of 1970, and retention looks at the logs when a cluster starts.
    let keep = [("retention.ms", "-1")];
    cluster.create_topic("orders", 1, &keep).expect("it is new");
    let mut raw = fill(&cluster).await;
    cluster.truncate("orders", 0, 47).expect("it is that long");
    assert_eq!(send(&mut raw, &append(0, (-1, -1, -1), 1)).await, (0, 47));
    cluster.kill().await;
    let cluster = builder().start().await.expect("a cluster starts");
    assert_eq!(
        (
            cluster.log_end("orders", 0),
            cluster.leader_epoch("orders", 0)
        ),
        (Some(48), Some(1))
    );
    let read = take(&reader(&cluster, "orders", 0, 0), 48);
    assert_eq!(read.last().map(Message::offset), Some(47));
    let mut raw = Raw::connect(&cluster).await;
    assert_eq!(end_of(&mut raw, 0).await, (0, 47));
}
