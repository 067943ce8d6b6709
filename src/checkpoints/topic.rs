//! Writes checkpoints into their topic on the target, which is created when there is something to write.

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;

use super::format::Checkpoint;
use crate::clusters::own_topic::{OwnTopic, STAMPED_BY_THE_BROKER, Wanted};
use crate::clusters::rare::{Rare, RareProducer};
use crate::clusters::{Inspector, properties};
use crate::config::{self, Mirror};

/// Records under way at once; the next ones wait for their acknowledgements.
const AT_ONCE: usize = 1_000;

/// A round ends by then at the latest; what was not written is written by the next one.
const GIVE_UP_AFTER: &str = "10000";

/// `<source>.checkpoints.internal`.
pub(super) struct CheckpointTopic {
    topic: OwnTopic,
    producer: RareProducer,
}

/// A checkpoint, and when the group's offset was read (milliseconds since 1970).
pub(super) struct Timed {
    pub(super) checkpoint: Checkpoint,
    pub(super) read_at: i64,
}

impl CheckpointTopic {
    /// That of `mirror` on its target.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses a property.
    pub(super) fn open(
        mirror: &Mirror,
        cluster: &config::Cluster,
        target: Inspector,
    ) -> Result<Self, KafkaError> {
        let producer = RareProducer::open(&settings(cluster, &mirror.name), &cluster.name)?;
        Ok(Self {
            topic: OwnTopic::new(wanted(mirror), target),
            producer,
        })
    }

    /// Goes on as `mirror` says, which has the same ends.
    pub(super) fn follow(&mut self, mirror: &Mirror) {
        self.topic.want(wanted(mirror));
    }

    /// Writes checkpoints in their order. Never a tombstone: MirrorMaker 2's readers fail on one.
    ///
    /// # Errors
    ///
    /// When not all were written; any may have been.
    pub(super) async fn write(&mut self, checkpoints: &[Timed]) -> Result<(), String> {
        if checkpoints.is_empty() {
            return Ok(());
        }
        let created = self.topic.create().await;
        for some in checkpoints.chunks(AT_ONCE) {
            let written = self.send(some).await;
            self.topic.set_there(written.is_ok());
            written.map_err(|error| {
                let why = created.as_ref().err().map(|why| format!("; {why}"));
                format!(
                    "{} cannot be written: {error}{}",
                    self.topic.name(),
                    why.unwrap_or_default()
                )
            })?;
        }
        Ok(())
    }

    async fn send(&self, checkpoints: &[Timed]) -> Result<(), KafkaError> {
        let written = checkpoints.iter().filter_map(|one| {
            // A name that does not fit the format, of more than 32,767 bytes, has no checkpoint.
            Some((one.checkpoint.key()?, one.checkpoint.value(), one.read_at))
        });
        let written: Vec<_> = written.collect();
        let records = written.iter().map(|(key, value, timestamp)| Rare {
            topic: self.topic.name(),
            partition: 0,
            key,
            value: Some(value),
            timestamp: *timestamp,
        });
        self.producer.write_all(records.collect()).await.map(drop)
    }
}

/// The topic that a mirror's checkpoints are written to.
pub fn wanted(mirror: &Mirror) -> Wanted {
    Wanted {
        name: format!("{}.checkpoints.internal", mirror.source),
        may_create: mirror.create_topics,
        partitions: 1,
        replication_factor: mirror.replication_factor,
        configs: &[STAMPED_BY_THE_BROKER],
    }
}

fn settings(cluster: &config::Cluster, mirror: &str) -> ClientConfig {
    let mut settings = properties::producer(cluster, &format!("kmirror-checkpoints-{mirror}"));
    settings
        // The last of several checkpoints of a group counts, so their order must hold.
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "5")
        .set("compression.type", "lz4")
        .set("message.timeout.ms", GIVE_UP_AFTER)
        // The topic is made as MirrorMaker 2 wants it, or not at all.
        .set("allow.auto.create.topics", "false")
        .set("topic.metadata.propagation.max.ms", "1000");
    settings
}
