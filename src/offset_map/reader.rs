//! Reads the map's topic to its end, and keeps of each partition's chunks where they lie, of the newest what they say.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use super::TOPIC;
use super::chunk::{Chunk, Unreadable};
use super::key::Key;
use super::past::{Place, Stored};
use crate::clusters::context::ClusterContext;
use crate::clusters::{TopicPartition, properties};
use crate::config;

/// Chunks of a partition whose contents stay in memory: one may be taken over, and some are asked for soon.
const KEPT: usize = 4;

/// What was read of one partition's map.
pub type Read = Result<Vec<Stored>, String>;

/// A consumer of the map's topic, in no group.
pub struct Reader {
    mirror: String,
    consumer: BaseConsumer<ClusterContext>,
    /// Where to read on, by partition of the topic.
    next: BTreeMap<i32, i64>,
    chunks: HashMap<TopicPartition, BTreeMap<Key, Result<Stored, Unreadable>>>,
    /// When the last reading began that got to the end.
    pub up_to_date_at: Option<Instant>,
}

impl Reader {
    /// Reads chunks of `mirror` on `cluster`.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses a property.
    pub fn open(cluster: &config::Cluster, mirror: &str) -> KafkaResult<Self> {
        let context = ClusterContext::new(&cluster.name);
        Ok(Self {
            mirror: mirror.to_owned(),
            consumer: settings(cluster, mirror).create_with_context(context)?,
            next: BTreeMap::new(),
            chunks: HashMap::new(),
            up_to_date_at: None,
        })
    }

    /// Partitions of the topic, as far as it has been read.
    pub fn partitions(&self) -> usize {
        self.next.len()
    }

    /// What has been read of a partition's map.
    pub fn of(&self, at: &TopicPartition) -> Read {
        let Some(chunks) = self.chunks.get(at) else {
            return Ok(Vec::new());
        };
        let whole = chunks
            .values()
            .filter(|chunk| !matches!(chunk, Err(Unreadable::Damaged)));
        let whole: Result<Vec<_>, _> = whole.cloned().collect();
        whole.map_err(|error| format!("the offset map of {at} in {TOPIC} cannot be read: {error}"))
    }

    /// Reads on to the end that each partition has now. Blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// When the cluster does not answer in time, or the topic is not there.
    pub fn catch_up(&mut self, timeout: Duration) -> Result<(), String> {
        let began = Instant::now();
        let read = self.read_to_end(began + timeout);
        // Nothing is fetched between two readings.
        let _ = self.consumer.unassign();
        read.map_err(|error| format!("{TOPIC} cannot be read: {error}"))?;
        self.put_aside();
        self.up_to_date_at = Some(began);
        Ok(())
    }

    fn read_to_end(&mut self, deadline: Instant) -> Result<(), String> {
        let left = || deadline.saturating_duration_since(Instant::now());
        let words = |error: KafkaError| error.to_string();
        let metadata = self
            .consumer
            .fetch_metadata(Some(TOPIC), left())
            .map_err(words)?;
        let topic = metadata
            .topics()
            .first()
            .filter(|topic| topic.error().is_none());
        let partitions: Vec<i32> = topic
            .map(|topic| topic.partitions().iter().map(|one| one.id()).collect())
            .unwrap_or_default();
        if partitions.is_empty() {
            return Err("the topic is not there yet".to_owned());
        }
        let mut unread = self.assign(&partitions).map_err(words)?;
        while !unread.is_empty() {
            if left().is_zero() {
                return Err("its end was not reached in time".to_owned());
            }
            match self.consumer.poll(Duration::from_millis(100).min(left())) {
                Some(Ok(record)) => {
                    let place = Place {
                        partition: record.partition(),
                        offset: record.offset(),
                    };
                    self.next.insert(place.partition, place.offset + 1);
                    if let Some((key, told)) = chunk_of(&record, place, &self.mirror) {
                        self.take(key, told);
                    }
                }
                // Told again of one that was written to meanwhile.
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    unread.remove(&partition);
                }
                Some(Err(error)) => tracing::debug!(%error, "the offset map cannot be read"),
                None => {}
            }
        }
        Ok(())
    }

    /// Reads on where it was; answers the partitions.
    fn assign(&mut self, partitions: &[i32]) -> KafkaResult<BTreeSet<i32>> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            let next = *self.next.entry(*partition).or_insert(-1);
            let offset = match next {
                0.. => Offset::Offset(next),
                _ => Offset::Beginning,
            };
            list.add_partition_offset(TOPIC, *partition, offset)?;
        }
        self.consumer.assign(&list)?;
        Ok(partitions.iter().copied().collect())
    }

    fn take(&mut self, key: Key, told: Option<Result<Stored, Unreadable>>) {
        let chunks = self.chunks.entry(key.at.clone()).or_default();
        match told {
            None => drop(chunks.remove(&key)),
            Some(told) => {
                if told
                    .as_ref()
                    .is_err_and(|error| *error == Unreadable::Damaged)
                {
                    tracing::warn!(partition = %key.at, "a chunk of the offset map is damaged");
                }
                chunks.insert(key, told);
            }
        }
    }

    fn put_aside(&mut self) {
        for chunks in self.chunks.values_mut() {
            let old = chunks.len().saturating_sub(KEPT);
            for chunk in chunks.values_mut().take(old).flatten() {
                chunk.chunk = None;
            }
        }
    }

    /// Reads one record again. Blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// When the cluster does not answer in time, or the record is gone.
    pub fn read_at(&self, place: Place, timeout: Duration) -> Result<Chunk, String> {
        let deadline = Instant::now() + timeout;
        let read = self.record_at(place, deadline);
        let _ = self.consumer.unassign();
        read.map_err(|error| format!("a chunk in {TOPIC} cannot be read again: {error}"))
    }

    fn record_at(&self, place: Place, deadline: Instant) -> Result<Chunk, String> {
        let mut list = TopicPartitionList::new();
        let added = list.add_partition_offset(TOPIC, place.partition, Offset::Offset(place.offset));
        let assigned = added.and_then(|()| self.consumer.assign(&list));
        assigned.map_err(|error| error.to_string())?;
        while Instant::now() < deadline {
            match self.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(record)) if record.offset() == place.offset => {
                    let value = record.payload().unwrap_or_default();
                    return Chunk::read(value).map_err(|error| error.to_string());
                }
                Some(Ok(_)) | Some(Err(KafkaError::PartitionEOF(_))) => {
                    return Err("it was written anew or forgotten meanwhile".to_owned());
                }
                Some(Err(error)) => return Err(error.to_string()),
                None => {}
            }
        }
        Err("it did not come in time".to_owned())
    }
}

/// The chunk that a record holds, if it is one of `mirror`; no chunk is told where the record forgets one.
fn chunk_of(
    record: &BorrowedMessage<'_>,
    place: Place,
    mirror: &str,
) -> Option<(Key, Option<Result<Stored, Unreadable>>)> {
    let key = Key::read(record.key()?)?;
    if key.mirror != mirror {
        return None;
    }
    let told = record.payload().map(|value| {
        let chunk = Chunk::read(value)?;
        Ok(Stored::new(key.clone(), place, chunk))
    });
    Some((key, told))
}

fn settings(cluster: &config::Cluster, mirror: &str) -> ClientConfig {
    let mut settings = properties::consumer(cluster, &format!("kmirror-offsets-{mirror}"));
    settings
        // Never joined; librdkafka wants a name all the same.
        .set("group.id", format!("kmirror.{mirror}.offsets"))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        // The end is told by an answer that holds nothing, which a broker keeps back for this long.
        .set("fetch.wait.max.ms", "10")
        .set("allow.auto.create.topics", "false")
        .set("queued.max.messages.kbytes", "1024");
    settings
}
