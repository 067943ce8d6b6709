//! Finds out when single records were written: the age of the oldest record that was not copied yet.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use super::context::ClusterContext;
use super::inspector::blocking;
use super::{TopicPartition, properties};
use crate::config;

/// Partitions read at once. librdkafka prefetches a little of each, so this bounds the memory.
const AT_ONCE: usize = 200;

/// The timestamp (milliseconds since the epoch) of the first record at or after each position, for those
/// that answer within `time_limit`. Records without a timestamp are left out, and so is a partition where
/// the position is no longer, or not yet, in the log.
///
/// Reads as a consumer that joins no group and commits nothing.
pub async fn record_times(
    cluster: &config::Cluster,
    positions: Vec<(TopicPartition, i64)>,
    time_limit: Duration,
) -> HashMap<TopicPartition, i64> {
    if positions.is_empty() {
        return HashMap::new();
    }
    let properties = reader_properties(cluster);
    let context = ClusterContext::new(&cluster.name);
    blocking(move || {
        let deadline = Instant::now() + time_limit;
        let Ok(consumer) = properties.create_with_context::<_, BaseConsumer<_>>(context) else {
            return HashMap::new();
        };
        let chunks = positions.chunks(AT_ONCE);
        chunks
            .flat_map(|chunk| read_times(&consumer, chunk, deadline))
            .collect()
    })
    .await
}

fn reader_properties(cluster: &config::Cluster) -> ClientConfig {
    let mut properties = properties::consumer(cluster, "kmirror-status");
    properties
        // librdkafka assigns partitions only where a group is named; nobody joins this one.
        .set("group.id", "kmirror-status")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        // One record of each partition is enough.
        .set("queued.min.messages", "1")
        .set("max.partition.fetch.bytes", "16384")
        .set("fetch.wait.max.ms", "100");
    properties
}

fn read_times(
    consumer: &BaseConsumer<ClusterContext>,
    positions: &[(TopicPartition, i64)],
    deadline: Instant,
) -> HashMap<TopicPartition, i64> {
    let mut times = HashMap::new();
    let mut unanswered: HashSet<TopicPartition> =
        positions.iter().map(|(at, _)| at.clone()).collect();
    let Ok(()) = consumer.assign(&partition_list(positions)) else {
        return times;
    };
    while !unanswered.is_empty() && Instant::now() < deadline {
        // Errors are of one partition (position out of range, topic denied): it stays without an answer.
        let Some(Ok(record)) = consumer.poll(Duration::from_millis(50)) else {
            continue;
        };
        let at = TopicPartition::new(record.topic(), record.partition());
        // What was prefetched comes after the pause, too: only the first record counts.
        if unanswered.remove(&at) {
            pause(consumer, &record);
            if let Some(millis) = record.timestamp().to_millis().filter(|millis| *millis >= 0) {
                times.insert(at, millis);
            }
        }
    }
    times
}

/// Not fetching on is a courtesy to the broker; nothing depends on it.
fn pause(consumer: &BaseConsumer<ClusterContext>, record: &BorrowedMessage<'_>) {
    let mut partition = TopicPartitionList::new();
    partition.add_partition(record.topic(), record.partition());
    if let Err(error) = consumer.pause(&partition) {
        tracing::debug!(%error, "a partition is read on");
    }
}

fn partition_list(positions: &[(TopicPartition, i64)]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(positions.len());
    for (at, position) in positions {
        list.add_partition(&at.topic, at.partition)
            .set_offset(Offset::Offset(*position))
            .expect("a position is a plain offset");
    }
    list
}
