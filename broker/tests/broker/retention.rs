//! Claims about how logs get shorter.

use kmirror_broker::Cluster;
use rdkafka::producer::FutureRecord;

use crate::clients::{PATIENCE, produce, producer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_older_than_retention_ms_are_dropped() {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    cluster
        .create_topic("orders", 1, &[("retention.ms", "60000")])
        .expect("the topic is new");
    cluster
        .create_topic("forever", 1, &[("retention.ms", "-1")])
        .expect("the topic is new");
    let producer = producer(&cluster, &[]);
    for topic in ["orders", "forever"] {
        let in_1999 = FutureRecord::<(), _>::to(topic)
            .payload("old")
            .timestamp(915_148_800_000);
        producer
            .send(in_1999, PATIENCE)
            .await
            .expect("old records are taken");
        produce(&producer, topic, 0, b"new").await;
    }
    cluster.enforce_retention();
    assert_eq!(
        (cluster.log_start("orders", 0), cluster.log_end("orders", 0)),
        (Some(1), Some(2))
    );
    assert_eq!(cluster.log_start("forever", 0), Some(0));
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_beyond_retention_bytes_loses_its_oldest_batches() {
    let builder = Cluster::builder().broker_config("log.retention.check.interval.ms", "10");
    let cluster = builder.start().await.expect("a cluster starts");
    cluster
        .create_topic("orders", 1, &[("retention.bytes", "5000")])
        .expect("the topic is new");
    let producer = producer(&cluster, &[]);
    for _ in 0..20 {
        produce(&producer, "orders", 0, &[b'x'; 450]).await;
    }
    let deadline = std::time::Instant::now() + PATIENCE;
    while cluster.log_start("orders", 0) < Some(10) {
        assert!(
            std::time::Instant::now() < deadline,
            "the check comes round in time"
        );
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(cluster.log_end("orders", 0), Some(20));
    cluster.shutdown().await;
}
