//! Claims about topics and the cluster, made by librdkafka's admin client.

use kafka_protocol::messages::{DescribeClusterRequest, MetadataRequest};
use kmirror_broker::Cluster;
use rdkafka::admin::{NewPartitions, NewTopic, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::clients::{PATIENCE, admin, admin_options, config, produce, producer};
use crate::raw::Raw;

async fn start() -> Cluster {
    Cluster::builder()
        .nodes(2)
        .partitions(3)
        .start()
        .await
        .expect("a cluster starts")
}

fn topic<'a>(name: &'a str, partitions: i32, replicas: i32) -> NewTopic<'a> {
    NewTopic::new(name, partitions, TopicReplication::Fixed(replicas))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_created_grown_and_deleted() {
    let cluster = start().await;
    let admin = admin(&cluster);
    let options = admin_options();
    let created = admin
        .create_topics(&[topic("orders", 2, 2)], &options)
        .await
        .expect("an answer");
    assert_eq!(created, [Ok("orders".to_owned())]);
    let grown = admin
        .create_partitions(&[NewPartitions::new("orders", 5)], &options)
        .await
        .expect("an answer");
    assert_eq!(grown, [Ok("orders".to_owned())]);
    let metadata = admin
        .inner()
        .fetch_metadata(Some("orders"), PATIENCE)
        .expect("an answer");
    assert_eq!(metadata.topics()[0].partitions().len(), 5);
    assert_eq!(metadata.topics()[0].partitions()[4].replicas().len(), 2);
    let deleted = admin
        .delete_topics(&["orders", "never"], &options)
        .await
        .expect("an answer");
    assert_eq!(
        deleted,
        [
            Ok("orders".to_owned()),
            Err(("never".to_owned(), Code::UnknownTopicOrPartition))
        ]
    );
    assert_eq!(cluster.log_end("orders", 0), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_created_is_refused_with_kafkas_code() {
    let cluster = start().await;
    cluster
        .create_topic("a.b", 1, &[])
        .expect("the topic is new");
    let cases = [
        (topic("a.b", 1, 1), Code::TopicAlreadyExists),
        (topic("a_b", 1, 1), Code::InvalidTopic),
        (topic("a/b", 1, 1), Code::InvalidTopic),
        (topic("x", 50_000, 1), Code::InvalidPartitions),
        (topic("x", 1, 3), Code::InvalidReplicationFactor),
        (
            topic("x", 1, 1).set("no.such.key", "1"),
            Code::InvalidConfig,
        ),
        (
            topic("x", 1, 1).set("retention.ms", "soon"),
            Code::InvalidConfig,
        ),
    ];
    let admin = admin(&cluster);
    for (topic, code) in cases {
        let name = topic.name.to_owned();
        let created = admin
            .create_topics(&[topic], &admin_options())
            .await
            .expect("an answer");
        assert_eq!(created, [Err((name, code))]);
    }
    let shrunk = admin
        .create_partitions(&[NewPartitions::new("a.b", 1)], &admin_options())
        .await
        .expect("an answer");
    assert_eq!(shrunk, [Err(("a.b".to_owned(), Code::InvalidPartitions))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_validated_only_is_not_created() {
    let cluster = start().await;
    let created = admin(&cluster)
        .create_topics(
            &[topic("orders", 1, 1)],
            &admin_options().validate_only(true),
        )
        .await;
    assert_eq!(created.expect("an answer"), [Ok("orders".to_owned())]);
    assert_eq!(cluster.log_end("orders", 0), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_finds_its_topic_created_and_a_consumer_does_not() {
    let cluster = start().await;
    assert_eq!(
        produce(&producer(&cluster, &[]), "made-up", 2, b"x").await,
        0
    );
    assert_eq!(cluster.log_end("made-up", 2), Some(1));
    let request =
        MetadataRequest::default().with_topics(Some(vec![crate::raw::named("unheard-of")]));
    let asked = Raw::connect(&cluster)
        .await
        .ask(&request.with_allow_auto_topic_creation(false), 12)
        .await;
    assert_eq!(asked.topics[0].error_code, 3);
    assert_eq!(cluster.log_end("unheard-of", 0), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_created_anew_has_another_id() {
    let cluster = start().await;
    let mut raw = Raw::connect(&cluster).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        cluster
            .create_topic("orders", 1, &[])
            .expect("the name is free");
        let metadata = raw
            .ask(&MetadataRequest::default().with_topics(None), 12)
            .await;
        ids.push(metadata.topics[0].topic_id);
        cluster.delete_topic("orders").expect("the topic is there");
    }
    assert!(ids[0] != ids[1] && !ids[0].is_nil() && !ids[1].is_nil());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_start_of_a_log_is_moved_by_delete_records() {
    let cluster = start().await;
    cluster
        .create_topic("orders", 1, &[])
        .expect("the topic is new");
    let producer = producer(&cluster, &[]);
    for _ in 0..5 {
        produce(&producer, "orders", 0, b"x").await;
    }
    let mut before = rdkafka::TopicPartitionList::new();
    before
        .add_partition_offset("orders", 0, rdkafka::Offset::Offset(3))
        .expect("an offset is valid");
    admin(&cluster)
        .delete_records(&before, &admin_options())
        .await
        .expect("an answer");
    let consumer: rdkafka::consumer::BaseConsumer =
        config(&cluster).create().expect("the settings are valid");
    assert_eq!(
        consumer
            .fetch_watermarks("orders", 0, PATIENCE)
            .expect("an answer"),
        (3, 5)
    );
    assert!(
        cluster.delete_records("orders", 0, 6).is_err(),
        "beyond the end"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cluster_is_described_with_all_nodes_and_a_live_controller() {
    let cluster = start().await;
    let described = Raw::connect(&cluster)
        .await
        .ask(&DescribeClusterRequest::default(), 1)
        .await;
    let addresses: Vec<String> = described
        .brokers
        .iter()
        .map(|broker| format!("{}:{}", broker.host, broker.port))
        .collect();
    assert_eq!(addresses.join(","), cluster.bootstrap_servers());
    assert!(
        described
            .brokers
            .iter()
            .any(|broker| broker.broker_id == described.controller_id)
    );
}
