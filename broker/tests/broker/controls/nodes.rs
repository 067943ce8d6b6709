//! Claims about single nodes that go and come.

use std::io::ErrorKind;

use kafka_protocol::messages::{FindCoordinatorRequest, MetadataRequest};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::Cluster;
use tokio::net::TcpStream;

use super::{append, described, send, start};
use crate::clients::{next, produce, producer, reader, text};
use crate::raw::Raw;

/// How connecting to a node fails.
async fn refused(cluster: &Cluster, node: usize) -> Option<ErrorKind> {
    let servers = cluster.bootstrap_servers();
    let address = servers.split(',').nth(node).expect("the node exists");
    let connected = TcpStream::connect(address).await;
    connected.err().map(|error| error.kind())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_refuses_connections_and_others_lead_in_its_place() {
    let cluster = start(3).await;
    let mut open = Raw::connect(&cluster).await;
    cluster.stop_node(0).await.expect("it exists");
    assert!(open.is_closed().await);
    assert_eq!(
        refused(&cluster, 0).await,
        Some(ErrorKind::ConnectionRefused)
    );
    let request = MetadataRequest::default().with_topics(None);
    let seen = Raw::connect_to(&cluster, 1).await.ask(&request, 12).await;
    let brokers: Vec<i32> = seen.brokers.iter().map(|it| it.node_id.0).collect();
    assert_eq!((brokers, seen.controller_id.0), (vec![1, 2], 1));
    let partitions = seen.topics[0].partitions.iter();
    let led: Vec<_> = partitions
        .map(|it| (it.leader_id.0, it.leader_epoch))
        .collect();
    assert_eq!(led, [(1, 1), (1, 0)]);
    assert_eq!(cluster.live_nodes(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_comes_back_on_its_port_with_its_data() {
    let cluster = start(1).await;
    let producer = producer(&cluster, &[]);
    produce(&producer, "orders", 0, b"before").await;
    let servers = cluster.bootstrap_servers();
    cluster.stop_node(0).await.expect("it exists");
    assert_eq!(
        refused(&cluster, 0).await,
        Some(ErrorKind::ConnectionRefused)
    );
    assert_eq!(cluster.leader("orders", 0), None);
    cluster.start_node(0).await.expect("its port was kept");
    assert_eq!(cluster.bootstrap_servers(), servers);
    assert_eq!(cluster.leader("orders", 0), Some(0));
    assert_eq!(produce(&producer, "orders", 0, b"after").await, 1);
    assert_eq!(text(&next(&reader(&cluster, "orders", 0, 0))), "before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_can_come_back_without_its_data() {
    let cluster = start(1).await;
    let producer = producer(&cluster, &[]);
    produce(&producer, "orders", 0, b"lost").await;
    let epoch = cluster.leader_epoch("orders", 0);
    cluster.stop_node(0).await.expect("it exists");
    cluster.lose_data(0).expect("it exists");
    cluster.start_node(0).await.expect("its port was kept");
    assert_eq!(
        (cluster.log_start("orders", 0), cluster.log_end("orders", 0)),
        (Some(0), Some(0))
    );
    assert!(cluster.leader_epoch("orders", 0) > epoch);
    assert_eq!(produce(&producer, "orders", 0, b"anew").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stopped_node_held_is_lost_also_when_others_lead_it() {
    let cluster = start(2).await;
    for (partition, node) in [(0, 0), (1, 1)] {
        let mut raw = Raw::connect_to(&cluster, node).await;
        send(&mut raw, &append(partition, (-1, -1, -1), 3)).await;
    }
    cluster.stop_node(0).await.expect("it exists");
    cluster.lose_data(0).expect("it exists");
    let ends = [0, 1].map(|partition| cluster.log_end("orders", partition));
    assert_eq!(ends, [Some(0), Some(3)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_are_coordinated_by_a_node_that_is_up() {
    let cluster = start(2).await;
    let home = cluster.coordinator("readers").expect("nodes are up");
    cluster.stop_node(home).await.expect("it exists");
    let other = 1 - home;
    assert_eq!(cluster.coordinator("readers"), Some(other));
    let request = FindCoordinatorRequest::default().with_key(StrBytes::from_static_str("readers"));
    let mut raw = Raw::connect_to(&cluster, other as usize).await;
    assert_eq!(raw.ask(&request, 2).await.node_id.0, other);
    cluster.start_node(home).await.expect("its port was kept");
    assert_eq!(cluster.coordinator("readers"), Some(home));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_created_while_a_node_is_down_has_leaders_that_are_up() {
    let cluster = start(3).await;
    cluster.stop_node(1).await.expect("it exists");
    cluster.create_topic("later", 6, &[]).expect("it is new");
    cluster.add_partitions("later", 3).expect("it exists");
    for partition in 0..9 {
        let leader = cluster.leader("later", partition).expect("somebody leads");
        assert_ne!(leader, 1, "partition {partition}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_stop_twice_is_to_stop_once_and_all_nodes_can_be_down() {
    let cluster = start(2).await;
    for node in [0, 0, 1] {
        cluster.stop_node(node).await.expect("it exists");
    }
    assert_eq!(
        (cluster.live_nodes(), cluster.coordinator("any")),
        (vec![], None)
    );
    for node in [1, 1, 0] {
        cluster.start_node(node).await.expect("its port was kept");
    }
    assert!(
        described(&cluster, 0)
            .await
            .iter()
            .all(|it| it.error_code == 0)
    );
    assert!(cluster.stop_node(2).await.is_err());
    assert!(cluster.start_node(-1).await.is_err());
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_can_be_shut_down_while_nodes_are_down_and_its_ports_are_free_then() {
    let cluster = start(2).await;
    let servers = cluster.bootstrap_servers();
    cluster.stop_node(1).await.expect("it exists");
    cluster.shutdown().await;
    for address in servers.split(',') {
        let again = Cluster::builder().listen(address).start().await;
        again.expect("the port is free").shutdown().await;
    }
}
