//! What both consumers do alike: lists of partitions and positions as librdkafka takes them, seeking, and serving.

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::consumer::{Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::clusters::TopicPartition;
use crate::librdkafka::epochs;
use crate::offset::{LeaderEpoch, Position};

/// Longest wait for librdkafka's own thread to take note of a seek; no broker is asked for it.
const SEEK: Duration = Duration::from_millis(100);

/// How often a seek is tried: for two seconds at least.
const SEEK_ATTEMPTS: u32 = 400;

/// Time between two attempts.
const BETWEEN_SEEKS: Duration = Duration::from_millis(5);

/// Partitions, without positions.
pub fn list(partitions: &[TopicPartition]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for at in partitions {
        list.add_partition(&at.topic, at.partition);
    }
    list
}

/// Partitions, each with the position to read from and what is known of its epoch.
///
/// # Panics
///
/// When a position is negative.
pub fn positions(positions: &[(TopicPartition, Position)]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(positions.len());
    for (at, position) in positions {
        let offset = Offset::Offset(position.offset.get());
        list.add_partition_offset(&at.topic, at.partition, offset)
            .expect("a position is a valid offset");
    }
    let known = positions.iter();
    epochs::set(
        &mut list,
        known.map(|(_, position)| position.epoch.map(LeaderEpoch::get)),
    );
    list
}

/// Which partition an element is about.
pub fn place(element: &TopicPartitionListElem<'_>) -> TopicPartition {
    TopicPartition::new(element.topic(), element.partition())
}

/// Has librdkafka go to these positions, and compare the history before each of which an epoch is known with the source's
/// before anything more is read: when partitions are assigned it takes the epoch, but validates only when it seeks, or when
/// the leader changes later (KIP-320). What was read and not taken is dropped. Answers which partitions could not be
/// sought in time.
pub async fn seek<C: ConsumerContext>(
    consumer: &StreamConsumer<C>,
    mut waiting: Vec<(TopicPartition, Position)>,
) -> BTreeSet<TopicPartition> {
    for _ in 0..SEEK_ATTEMPTS {
        if waiting.is_empty() {
            break;
        }
        // `ERR__STATE` until librdkafka's own thread has begun to read the partition. Blocks here, while other tasks go on
        // elsewhere: a seek that went on after its lane was stopped would move whoever begins there next.
        let sought =
            tokio::task::block_in_place(|| consumer.seek_partitions(positions(&waiting), SEEK));
        let sought = sought.map_or_else(|_| BTreeSet::new(), |list| without_error(&list));
        waiting.retain(|(at, _)| !sought.contains(at));
        tokio::time::sleep(BETWEEN_SEEKS).await;
    }
    waiting.into_iter().map(|(at, _)| at).collect()
}

/// [`seek`] to those of these positions of which an epoch is known.
pub async fn validate<C: ConsumerContext>(
    consumer: &StreamConsumer<C>,
    starts: &[(TopicPartition, Position)],
) -> BTreeSet<TopicPartition> {
    let known = starts.iter();
    let known = known.filter(|(_, position)| position.epoch.is_some());
    seek(consumer, known.cloned().collect()).await
}

/// Serves a consumer until librdkafka reports an error. Cancel-safe.
///
/// # Panics
///
/// When a record comes past its partition's queue.
pub async fn serve<C: ConsumerContext + 'static>(consumer: &StreamConsumer<C>) -> KafkaError {
    match consumer.recv().await {
        Err(error) => error,
        // Going on would skip the record. Every queue is split off before its partition is assigned.
        Ok(record) => panic!("a record of {} came past its queue", record.topic()),
    }
}

fn without_error(list: &TopicPartitionList) -> BTreeSet<TopicPartition> {
    let elements = list.elements().into_iter();
    let sought = elements.filter(|element| element.error().is_ok());
    sought.map(|element| place(&element)).collect()
}
