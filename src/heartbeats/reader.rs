//! Watches for the mirror's own heartbeats to come back out of the mirror, at the end of their copy on the target.

use std::sync::Arc;

use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use tokio::sync::watch;

use super::format::Heartbeat;
use super::pulse::Pulse;
use crate::clusters::context::ClusterContext;
use crate::clusters::properties;
use crate::config::{self, HEARTBEATS_TOPIC, Mirror};
use crate::retry::Delays;

/// Records looked at from the end: enough for the newest of this mirror to be among those of others.
const TAIL: i64 = 100;

/// A consumer of one partition, in no group: every process sees every heartbeat.
pub(super) struct Reader {
    mirror: Arc<Mirror>,
    consumer: StreamConsumer<ClusterContext>,
    pulse: Arc<Pulse>,
}

impl Reader {
    /// Reads on `target`.
    pub(super) fn new(
        mirror: &Arc<Mirror>,
        target: &config::Cluster,
        pulse: &Arc<Pulse>,
    ) -> Result<Self, KafkaError> {
        let context = ClusterContext::new(&target.name);
        let consumer: StreamConsumer<_> =
            settings(target, &mirror.name).create_with_context(context)?;
        let mut tail = TopicPartitionList::new();
        let copy = mirror.target_name(HEARTBEATS_TOPIC);
        tail.add_partition_offset(&copy, 0, Offset::OffsetTail(TAIL))?;
        consumer.assign(&tail)?;
        Ok(Self {
            mirror: Arc::clone(mirror),
            consumer,
            pulse: Arc::clone(pulse),
        })
    }

    /// Goes on until `stop` is said.
    pub(super) async fn run(self, mut stop: watch::Receiver<()>) {
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = self.watch_for_ever() => {}
        }
        // Waits for librdkafka's threads.
        let dropped = tokio::task::spawn_blocking(move || drop(self)).await;
        dropped.expect("dropping a consumer does not panic");
    }

    async fn watch_for_ever(&self) {
        let mut delays = Delays::default();
        loop {
            match self.consumer.recv().await {
                Ok(record) => {
                    delays.reset();
                    self.see(record.key(), record.payload());
                }
                // The topic is not there yet, or the cluster does not answer: librdkafka goes on asking.
                Err(error) => {
                    tracing::debug!(%error, "heartbeats cannot be read");
                    tokio::time::sleep(delays.draw()).await;
                }
            }
        }
    }

    fn see(&self, key: Option<&[u8]>, value: Option<&[u8]>) {
        let heartbeat = key.zip(value);
        let heartbeat = heartbeat.and_then(|(key, value)| Heartbeat::read(key, value));
        let Some(heartbeat) = heartbeat else { return };
        if heartbeat.source == self.mirror.source && heartbeat.target == self.mirror.target {
            self.pulse.see(heartbeat.timestamp);
        }
    }
}

fn settings(target: &config::Cluster, mirror: &str) -> ClientConfig {
    let mut settings = properties::consumer(target, &format!("kmirror-heartbeats-{mirror}"));
    settings
        // Never joined; librdkafka wants a name all the same.
        .set("group.id", format!("kmirror.{mirror}.heartbeats"))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // A topic that was created anew is read from its beginning.
        .set("auto.offset.reset", "earliest")
        // So that a topic which did not exist at first is found.
        .set("topic.metadata.refresh.interval.ms", "5000")
        .set("queued.max.messages.kbytes", "1024");
    settings
}
