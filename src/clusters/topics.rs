//! Topics as a cluster's metadata shows them.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kafka_protocol::messages::MetadataResponse;
use kafka_protocol::messages::metadata_response::{
    MetadataResponsePartition, MetadataResponseTopic,
};
use openssl::base64;

use crate::librdkafka::admin::Failure;
use crate::wire::{self, Wire};

/// A topic as the cluster's metadata shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its name.
    pub name: String,
    /// Its id, where the cluster gives them out (Kafka 2.8).
    pub id: Option<TopicId>,
    /// How many partitions it has; they are numbered from 0.
    pub partitions: u32,
    /// Partitions that nobody leads now: neither readable nor writable.
    pub leaderless: Vec<i32>,
    /// Why its metadata cannot be had.
    pub error: Option<Failure>,
}

/// Tells a topic from another one that bore the same name before it (KIP-516), in the notation of Kafka's tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicId(Arc<str>);

impl TopicId {
    /// An id as [`TopicId::as_str`] gave it.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// Base 64 without padding, in the alphabet of RFC 4648, section 5; none of an id that stands for no id.
    fn of_bytes(bytes: &[u8; 16]) -> Option<Self> {
        if *bytes == [0; 16] {
            return None;
        }
        let text = base64::encode_block(bytes);
        let text = text.trim_end_matches('=').replace('+', "-");
        Some(Self(text.replace('/', "_").into()))
    }

    /// The id in Kafka's base 64.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The last listing of all topics. While the cluster answers with the same bytes, it is not read again: with 10,000 topics
/// that would cost more than all else that a look does.
#[derive(Default)]
pub(super) struct Listing {
    hashing: RandomState,
    last: Mutex<Option<(u64, Arc<[TopicInfo]>)>>,
    has_other_brokers: AtomicBool,
}

impl Listing {
    /// Every topic that the client may describe, by name.
    pub(super) async fn ask(&self, wire: &Wire) -> Result<Arc<[TopicInfo]>, wire::Error> {
        let reply = wire.ask(&wire::metadata_of(None)).await?;
        let hash = self.hashing.hash_one(reply.bytes());
        if let Some((before, topics)) = &*self.last()
            && *before == hash
        {
            return Ok(Arc::clone(topics));
        }
        let metadata = reply.read()?;
        if wire.learn_nodes(&metadata).await {
            self.has_other_brokers.store(true, Ordering::Relaxed);
        }
        let topics: Arc<[_]> = topic_infos(&metadata).into();
        *self.last() = Some((hash, Arc::clone(&topics)));
        Ok(topics)
    }

    /// Whether the cluster has other brokers since this was last asked.
    pub(super) fn take_other_brokers(&self) -> bool {
        self.has_other_brokers.swap(false, Ordering::Relaxed)
    }

    /// What is behind the lock is whole whatever panicked beside it.
    fn last(&self) -> std::sync::MutexGuard<'_, Option<(u64, Arc<[TopicInfo]>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Topics of these names, by name; one that is not there with an error.
pub(super) async fn named(wire: &Wire, names: &[String]) -> Result<Vec<TopicInfo>, wire::Error> {
    let request = wire::metadata_of(Some(names));
    let metadata = wire.ask(&request).await?.read()?;
    Ok(topic_infos(&metadata))
}

fn topic_infos(metadata: &MetadataResponse) -> Vec<TopicInfo> {
    let mut topics: Vec<_> = metadata.topics.iter().map(topic_info).collect();
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    topics
}

fn topic_info(topic: &MetadataResponseTopic) -> TopicInfo {
    let leaderless = topic.partitions.iter();
    let leaderless = leaderless.filter(|partition| *partition.leader_id < 0);
    TopicInfo {
        name: topic
            .name
            .as_ref()
            .map_or_else(String::new, |name| name.to_string()),
        id: TopicId::of_bytes(topic.topic_id.as_bytes()),
        partitions: u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX),
        leaderless: leaderless
            .map(|partition: &MetadataResponsePartition| partition.partition_index)
            .collect(),
        error: Failure::of_broker(topic.error_code, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_as_kafkas_tools_write_it() {
        // `Uuid.toString` of Kafka, of an id whose base 64 has both letters that alphabets differ by.
        let bytes = [
            0xfb, 0xef, 0xbe, 0xff, 0xff, 0xff, 0x40, 0x00, 0x80, 0, 0, 0, 0, 0, 0, 1,
        ];
        let id = TopicId::of_bytes(&bytes).unwrap();
        assert_eq!(id.as_str(), "----____QACAAAAAAAAAAQ");
        assert_eq!(TopicId::of_bytes(&[0; 16]), None);
    }
}
