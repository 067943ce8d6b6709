//! Consumer groups as librdkafka's consumers live in them.

mod ghost;
mod membership;
mod offsets;
mod reader;

use std::time::Duration;

use kmirror_broker::Cluster;
use rdkafka::admin::{NewTopic, TopicReplication};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::clients::{admin, admin_options, config};

const TOPIC: &str = "orders";
const GROUP: &str = "billing";
const PARTITIONS: i32 = 8;

/// Longer than anything here takes on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// Three nodes, so that a group's coordinator is rarely the node a client happened to ask first.
async fn cluster() -> Cluster {
    let cluster = Cluster::builder()
        .nodes(3)
        .start()
        .await
        .expect("the cluster starts");
    create_topic(&cluster).await;
    cluster
}

async fn create_topic(cluster: &Cluster) {
    let topic = NewTopic::new(TOPIC, PARTITIONS, TopicReplication::Fixed(1));
    let created = admin(cluster)
        .create_topics([&topic], &admin_options())
        .await;
    created.expect("an answer")[0]
        .as_ref()
        .expect("the topic is created");
}

/// Writes `count` records to every partition.
fn produce(cluster: &Cluster, count: usize) {
    let producer: BaseProducer = config(cluster).create().expect("a producer");
    for _ in 0..count {
        for partition in 0..PARTITIONS {
            let record: BaseRecord<'_, str, str> =
                BaseRecord::to(TOPIC).partition(partition).payload("order");
            producer.send(record).expect("queued");
        }
    }
    producer.flush(PATIENCE).expect("all acknowledged");
}
