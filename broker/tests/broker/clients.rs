//! Makes librdkafka clients for the tests.

use std::time::Duration;

use kmirror_broker::Cluster;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Message, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};

/// How long a test waits before it gives up on something that should happen at once.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The settings every client starts from.
pub fn config(cluster: &Cluster) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers());
    config
}

/// A producer with further settings.
pub fn producer(cluster: &Cluster, settings: &[(&str, &str)]) -> FutureProducer {
    let mut config = config(cluster);
    for (key, value) in settings {
        config.set(*key, *value);
    }
    config.create().expect("the settings are valid")
}

/// An administrator.
pub fn admin(cluster: &Cluster) -> AdminClient<DefaultClientContext> {
    config(cluster).create().expect("the settings are valid")
}

/// Options that make an administrator wait for what it asked.
pub fn admin_options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE))
}

/// A consumer that reads one partition from `offset` on.
pub fn reader(cluster: &Cluster, topic: &str, partition: i32, offset: i64) -> BaseConsumer {
    let consumer: BaseConsumer = config(cluster)
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .create()
        .expect("the settings are valid");
    let mut assignment = TopicPartitionList::new();
    assignment
        .add_partition_offset(topic, partition, Offset::Offset(offset))
        .expect("an offset is valid");
    consumer
        .assign(&assignment)
        .expect("an assignment needs no broker");
    consumer
}

/// The next record, which must come within [`PATIENCE`].
pub fn next(consumer: &BaseConsumer) -> BorrowedMessage<'_> {
    consumer
        .poll(PATIENCE)
        .expect("a record comes in time")
        .expect("the record can be read")
}

/// The next `count` records.
pub fn take(consumer: &BaseConsumer, count: usize) -> Vec<OwnedMessage> {
    (0..count).map(|_| next(consumer).detach()).collect()
}

/// Produces one record and gives its offset.
pub async fn produce(producer: &FutureProducer, topic: &str, partition: i32, value: &[u8]) -> i64 {
    let record = FutureRecord::<[u8], [u8]>::to(topic)
        .partition(partition)
        .key(b"key")
        .payload(value);
    let sent = producer.send(record, PATIENCE).await;
    sent.map_err(|(error, _)| error)
        .expect("the record is taken")
        .offset
}

/// The value of a record as text.
pub fn text(message: &impl Message) -> String {
    String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned()
}
