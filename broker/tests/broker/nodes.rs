//! Claims about clusters of several nodes.

use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{MetadataRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::{Cluster, StartError};

use crate::clients::{next, produce, producer, reader, text};
use crate::raw::{Raw, batch};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_are_spread_over_the_nodes_and_every_partition_is_reached() {
    let cluster = Cluster::builder()
        .nodes(3)
        .start()
        .await
        .expect("a cluster starts");
    cluster
        .create_topic("orders", 6, &[])
        .expect("the topic is new");
    let metadata = Raw::connect(&cluster)
        .await
        .ask(&MetadataRequest::default().with_topics(None), 12)
        .await;
    let mut leaders: Vec<i32> = metadata.topics[0]
        .partitions
        .iter()
        .map(|partition| partition.leader_id.0)
        .collect();
    leaders.sort_unstable();
    assert_eq!(leaders, [0, 0, 1, 1, 2, 2]);
    let producer = producer(&cluster, &[]);
    for partition in 0..6 {
        let value = format!("to {partition}");
        assert_eq!(
            produce(&producer, "orders", partition, value.as_bytes()).await,
            0
        );
        assert_eq!(
            text(&next(&reader(&cluster, "orders", partition, 0))),
            value
        );
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_lead_says_so() {
    let cluster = Cluster::builder()
        .nodes(2)
        .start()
        .await
        .expect("a cluster starts");
    cluster
        .create_topic("orders", 2, &[])
        .expect("the topic is new");
    let partitions = (0..2).map(|index| {
        PartitionProduceData::default()
            .with_index(index)
            .with_records(Some(batch((-1, -1, -1), 1)))
    });
    let topic = TopicProduceData::default()
        .with_name(TopicName(StrBytes::from_static_str("orders")))
        .with_partition_data(partitions.collect());
    let request = ProduceRequest::default()
        .with_acks(-1)
        .with_topic_data(vec![topic]);
    let mut errors = Vec::new();
    for node in 0..2 {
        let response = Raw::connect_to(&cluster, node).await.ask(&request, 9).await;
        errors.extend(
            response.responses[0]
                .partition_responses
                .iter()
                .map(|partition| partition.error_code),
        );
    }
    assert_eq!(errors, [0, 6, 6, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_named() {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    let taken = cluster.bootstrap_servers();
    let error = Cluster::builder()
        .listen(&taken)
        .start()
        .await
        .err()
        .expect("the port is taken");
    assert!(
        matches!(&error, StartError::Listen { address, .. } if *address == taken),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_property_is_named() {
    for (key, value) in [
        ("no.such.key", "1"),
        ("message.max.bytes", "many"),
        ("num.partitions", "0"),
    ] {
        let started = Cluster::builder().broker_config(key, value).start().await;
        let error = started.err().expect("the property is wrong").to_string();
        assert!(error.contains(key), "{error}");
    }
}
