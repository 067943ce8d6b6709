//! Claims about leaderships that move or are taken away.

use kmirror_broker::{Api, Cluster};

use super::{append, described, poll, send, start};
use crate::clients::{next, produce, producer, reader, text};
use crate::raw::{Raw, encode};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_leader_has_the_next_epoch_and_the_old_one_says_no() {
    let cluster = start(2).await;
    assert_eq!(cluster.leader("orders", 0), Some(0));
    cluster.move_leader("orders", 0, 1).expect("node 1 is up");
    for node in 0..2 {
        let seen = &described(&cluster, node).await[0];
        assert_eq!((seen.leader_id.0, seen.leader_epoch), (1, 1));
        assert!(seen.replica_nodes.contains(&seen.leader_id), "{seen:?}");
    }
    for (node, error) in [(0, 6), (1, 0)] {
        let mut raw = Raw::connect_to(&cluster, node).await;
        let answer = send(&mut raw, &append(0, (-1, -1, -1), 1)).await;
        assert_eq!(answer.0, error, "node {node}");
    }
    assert_eq!(cluster.log_end("orders", 0), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_poll_ends_when_its_leader_moves() {
    let cluster = start(2).await;
    let mut raw = Raw::connect(&cluster).await;
    let (request, mut probe) = (poll(0), Raw::connect(&cluster).await);
    raw.send_frame(&encode(&request, 11)).await;
    // A poll that was answered at once would be in the journal by then.
    while cluster.requests(Api::Fetch) == 0 {
        described(&cluster, 0).await;
    }
    cluster.move_leader("orders", 0, 1).expect("node 1 is up");
    raw.receive().await;
    let answer = probe.ask(&poll(0), 11).await;
    assert_eq!(answer.responses[0].partitions[0].error_code, 6);
    assert_eq!(
        cluster
            .journal()
            .iter()
            .find(|it| it.api == Api::Fetch)
            .and_then(|it| it.error),
        Some(6)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leaderless_partition_says_so_until_it_is_given_a_leader() {
    let cluster = start(2).await;
    cluster.set_leaderless("orders", 0).expect("it exists");
    let seen = &described(&cluster, 0).await[0];
    assert_eq!((seen.error_code, seen.leader_id.0), (5, -1));
    assert_eq!(cluster.leader("orders", 0), None);
    let mut raw = Raw::connect(&cluster).await;
    assert_eq!(send(&mut raw, &append(0, (-1, -1, -1), 1)).await.0, 6);
    cluster.stop_node(0).await.expect("it exists");
    cluster.start_node(0).await.expect("its port is free");
    assert_eq!(cluster.leader("orders", 0), None, "nobody gave it one");
    cluster.move_leader("orders", 0, 0).expect("node 0 is up");
    let mut raw = Raw::connect(&cluster).await;
    assert_eq!(send(&mut raw, &append(0, (-1, -1, -1), 1)).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shuffled_leaders_are_others_and_the_seed_says_which() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let cluster = Cluster::builder().seed(11).nodes(3).start().await;
        let cluster = cluster.expect("a cluster starts");
        cluster.create_topic("many", 12, &[]).expect("it is new");
        let leaders = || (0..12).map(|index| cluster.leader("many", index));
        let before: Vec<_> = leaders().collect();
        cluster.shuffle_leaders().expect("all in memory");
        let after: Vec<_> = leaders().collect();
        assert!(before.iter().zip(&after).all(|(old, new)| old != new));
        assert!((0..12).all(|index| cluster.leader_epoch("many", index) == Some(1)));
        seen.push(after);
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_follow_a_leader() {
    let cluster = start(3).await;
    let producer = producer(&cluster, &[("enable.idempotence", "true")]);
    let consumer = reader(&cluster, "orders", 0, 0);
    for round in 0..6 {
        let value = format!("round {round}");
        let offset = produce(&producer, "orders", 0, value.as_bytes()).await;
        assert_eq!(offset, i64::from(round));
        assert_eq!(text(&next(&consumer)), value);
        cluster
            .move_leader("orders", 0, (round + 1) % 3)
            .expect("it is up");
    }
    assert_eq!(cluster.leader_epoch("orders", 0), Some(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_and_epochs_outlive_the_process() {
    let dir = tempfile::tempdir().expect("a directory");
    let builder = || Cluster::builder().nodes(2).data_dir(dir.path());
    let cluster = builder().start().await.expect("a cluster starts");
    cluster.create_topic("orders", 1, &[]).expect("it is new");
    cluster.move_leader("orders", 0, 1).expect("node 1 is up");
    cluster.kill().await;
    let cluster = builder().start().await.expect("a cluster starts");
    assert_eq!(
        (
            cluster.leader("orders", 0),
            cluster.leader_epoch("orders", 0)
        ),
        (Some(1), Some(1))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_exist_cannot_be_moved() {
    let cluster = start(1).await;
    for (topic, partition, node) in [("orders", 2, 0), ("nothing", 0, 0), ("orders", 0, 1)] {
        assert!(cluster.move_leader(topic, partition, node).is_err());
    }
    assert!(cluster.set_leaderless("orders", -1).is_err());
    assert_eq!(cluster.leader_epoch("orders", 0), Some(0));
}
