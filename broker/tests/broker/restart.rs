//! Claims about a data directory: what was acknowledged is there after a kill.

use kafka_protocol::messages::{InitProducerIdRequest, MetadataRequest};
use kmirror_broker::{Cluster, StartError};
use rdkafka::consumer::Consumer;

use crate::clients::{PATIENCE, produce, producer, reader, take, text};
use crate::raw::Raw;

async fn start(dir: &tempfile::TempDir) -> Cluster {
    let builder = Cluster::builder().nodes(2).data_dir(dir.path());
    builder.start().await.expect("a cluster starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_topics_ids_and_configurations_come_back_after_a_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let cluster = start(&dir).await;
    cluster
        .create_topic("orders", 3, &[("retention.ms", "-1")])
        .expect("the topic is new");
    cluster
        .create_topic("gone", 1, &[])
        .expect("the topic is new");
    let before = Raw::connect(&cluster)
        .await
        .ask(&MetadataRequest::default().with_topics(None), 12)
        .await;
    let first = producer(&cluster, &[("enable.idempotence", "true")]);
    for number in 0..20 {
        produce(&first, "orders", 1, format!("before {number}").as_bytes()).await;
    }
    cluster
        .delete_records("orders", 1, 5)
        .expect("the records are there");
    cluster.kill().await;

    let cluster = start(&dir).await;
    let after = Raw::connect(&cluster)
        .await
        .ask(&MetadataRequest::default().with_topics(None), 12)
        .await;
    assert_eq!(
        (before.cluster_id, before.topics),
        (after.cluster_id, after.topics)
    );
    assert_eq!(
        (cluster.log_start("orders", 1), cluster.log_end("orders", 1)),
        (Some(5), Some(20))
    );
    let second = producer(&cluster, &[("enable.idempotence", "true")]);
    assert_eq!(produce(&second, "orders", 1, b"after").await, 20);
    let read = take(&reader(&cluster, "orders", 1, 5), 16);
    assert_eq!(
        (text(&read[0]), text(&read[15])),
        ("before 5".to_owned(), "after".to_owned())
    );
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_id_is_never_handed_out_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut ids = Vec::new();
    for _ in 0..3 {
        let cluster = start(&dir).await;
        let mut raw = Raw::connect(&cluster).await;
        for _ in 0..2 {
            let answer = raw
                .ask(
                    &InitProducerIdRequest::default().with_transactional_id(None),
                    4,
                )
                .await;
            ids.push(answer.producer_id.0);
        }
    }
    let handed_out = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), handed_out, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_topic_stays_deleted_and_its_name_is_free() {
    let dir = tempfile::tempdir().expect("a directory");
    let cluster = start(&dir).await;
    cluster
        .create_topic("orders", 1, &[])
        .expect("the topic is new");
    produce(&producer(&cluster, &[]), "orders", 0, b"old").await;
    cluster.delete_topic("orders").expect("the topic is there");
    cluster
        .create_topic("orders", 1, &[])
        .expect("the name is free");
    cluster.kill().await;
    let cluster = start(&dir).await;
    assert_eq!(cluster.log_end("orders", 0), Some(0));
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_in_use_is_refused_until_it_is_let_go() {
    let dir = tempfile::tempdir().expect("a directory");
    let cluster = start(&dir).await;
    let error = Cluster::builder()
        .data_dir(dir.path())
        .start()
        .await
        .err()
        .expect("it is in use");
    assert!(
        matches!(&error, StartError::DataDir { path, .. } if path == dir.path()),
        "{error}"
    );
    cluster.shutdown().await;
    start(&dir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_reads_on_when_the_cluster_is_back_on_its_port() {
    let dir = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::builder()
        .data_dir(dir.path())
        .start()
        .await
        .expect("a cluster starts");
    let address = cluster.bootstrap_servers();
    cluster
        .create_topic("orders", 1, &[])
        .expect("the topic is new");
    produce(&producer(&cluster, &[]), "orders", 0, b"before").await;
    let reader = reader(&cluster, "orders", 0, 0);
    assert_eq!(text(&take(&reader, 1)[0]), "before");
    cluster.kill().await;
    let cluster = Cluster::builder()
        .data_dir(dir.path())
        .listen(address)
        .start()
        .await
        .expect("the port is free again");
    produce(&producer(&cluster, &[]), "orders", 0, b"after").await;
    let deadline = std::time::Instant::now() + PATIENCE;
    let read = loop {
        assert!(
            std::time::Instant::now() < deadline,
            "the consumer reconnects in time"
        );
        // Errors meanwhile are the consumer's report of the broken connection.
        if let Some(Ok(message)) = reader.poll(PATIENCE) {
            break text(&message);
        }
    };
    assert_eq!(read, "after");
    drop(reader.unassign());
}
