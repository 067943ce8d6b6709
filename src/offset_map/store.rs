//! Keeps the offset map in its topic on the target: written before positions are committed (I8), read before partitions begin.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rdkafka::ClientConfig;
use rdkafka::error::KafkaResult;
use tokio::sync::Mutex;

use super::TOPIC;
use super::archive::Archive;
use super::map::Unsaved;
use super::past::Place;
use super::reader::Read;
use crate::board::now_ms;
use crate::clusters::own_topic::{OwnTopic, STAMPED_BY_THE_BROKER, Wanted};
use crate::clusters::rare::{Rare, RareProducer};
use crate::clusters::{Inspector, TopicPartition, properties};
use crate::config::{self, Mirror};

/// Longest time that a record of the map may take; a commit waits for it.
const WRITTEN_WITHIN_MS: &str = "30000";

/// Partitions of the topic: enough to spread the writes of very many topics over brokers.
const PARTITIONS: u32 = 8;

/// What the topic is created with: small segments, since only closed ones are compacted, and what is not compacted is read
/// at every start.
const CONFIGS: &[(&str, &str)] = &[
    STAMPED_BY_THE_BROKER,
    ("segment.bytes", "16777216"),
    ("min.cleanable.dirty.ratio", "0.2"),
];

/// The topic that the maps of a mirror are kept in.
pub fn wanted(mirror: &Mirror) -> Wanted {
    Wanted {
        name: TOPIC.to_owned(),
        may_create: mirror.create_topics,
        partitions: PARTITIONS,
        replication_factor: mirror.replication_factor,
        configs: CONFIGS,
    }
}

/// The map's topic, as one mirror uses it. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    producer: RareProducer,
    topic: Mutex<OwnTopic>,
    archive: Archive,
    /// Partitions of the topic, as last seen.
    partitions: AtomicUsize,
}

impl Store {
    /// The topic on the mirror's target.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses a property.
    pub fn open(
        cluster: &config::Cluster,
        mirror: &Mirror,
        inspector: Inspector,
    ) -> KafkaResult<Self> {
        let producer = RareProducer::open(&settings(cluster, &mirror.name), &cluster.name)?;
        let inner = Inner {
            producer,
            topic: Mutex::new(OwnTopic::new(wanted(mirror), inspector)),
            archive: Archive::open(cluster, &mirror.name)?,
            partitions: AtomicUsize::new(0),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Reads what is stored of these partitions' maps at this moment, of a topic that is created where it is missing.
    ///
    /// # Errors
    ///
    /// When the topic cannot be read; the error of one partition is its own.
    ///
    /// # Panics
    ///
    /// When reading did.
    pub async fn load(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Read>, String> {
        let created = self.inner.topic.lock().await.create().await;
        let read = self.inner.archive.load(partitions).await;
        // One that was deleted since is created by the next attempt.
        self.inner.topic.lock().await.set_there(read.is_ok());
        let (read, count) = read.map_err(|error| match created {
            Ok(()) => error,
            Err(refused) => format!("{error}; {refused}"),
        })?;
        self.inner.partitions.store(count, Ordering::Relaxed);
        Ok(read)
    }

    /// What is stored, for reading.
    pub fn archive(&self) -> &Archive {
        &self.inner.archive
    }

    /// Writes what has changed of partitions' maps; answers for each where its records lie. A topic that was deleted is created
    /// again.
    ///
    /// # Errors
    ///
    /// When one of them was not written; all may be written again.
    pub async fn save(
        &self,
        maps: &[(TopicPartition, Unsaved)],
    ) -> Result<Vec<Vec<Place>>, String> {
        let created = self.inner.topic.lock().await.create().await;
        let count = self.inner.partitions.load(Ordering::Relaxed);
        let keys: Vec<Vec<Vec<u8>>> = maps.iter().map(|(_, map)| keys(map)).collect();
        let mut records = Vec::new();
        for ((at, map), keys) in maps.iter().zip(&keys) {
            records.extend(self::records(map, keys, partition_of(at, count)));
        }
        let offsets = self.inner.producer.write_all(records).await;
        self.inner.topic.lock().await.set_there(offsets.is_ok());
        let offsets = offsets.map_err(|error| match created {
            Ok(()) => format!("{TOPIC} cannot be written: {error}"),
            Err(refused) => format!("{TOPIC} cannot be written: {error}; {refused}"),
        })?;
        let mut offsets = offsets.into_iter();
        let places = maps.iter().map(|(at, map)| {
            let written = offsets.by_ref().take(map.changes.len());
            let partition = partition_of(at, count);
            let place = |offset| Place { partition, offset };
            written.map(place).collect()
        });
        Ok(places.collect())
    }
}

fn keys(map: &Unsaved) -> Vec<Vec<u8>> {
    map.changes
        .iter()
        .map(|change| change.key.write())
        .collect()
}

/// The records that one map's changes are, with their keys as they are written.
fn records<'a>(map: &'a Unsaved, keys: &'a [Vec<u8>], partition: i32) -> Vec<Rare<'a>> {
    let changes = map.changes.iter().zip(keys);
    let timestamp = now_ms();
    let records = changes.map(|(change, key)| Rare {
        topic: TOPIC,
        partition,
        key,
        value: change.value.as_deref(),
        timestamp,
    });
    records.collect()
}

/// Which partition of the topic holds the chunks of a source partition (FNV-1a).
fn partition_of(at: &TopicPartition, count: usize) -> i32 {
    let bytes = at.topic.bytes().chain(at.partition.to_be_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    i32::try_from(hash % count.max(1) as u64).expect("a topic's partitions are counted in i32")
}

fn settings(cluster: &config::Cluster, mirror: &str) -> ClientConfig {
    let mut settings = properties::producer(cluster, &format!("kmirror-offsets-{mirror}"));
    settings
        // A chunk comes before what it replaces is forgotten.
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "0")
        .set("compression.type", "lz4")
        .set("message.timeout.ms", WRITTEN_WITHIN_MS)
        .set("allow.auto.create.topics", "false")
        .set("topic.metadata.propagation.max.ms", "1000");
    settings
}
