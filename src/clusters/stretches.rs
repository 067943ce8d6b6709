//! Reads stretches of partitions once more, outside any group.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use super::context::ClusterContext;
use super::inspector::blocking;
use super::properties;
use crate::config;
use crate::librdkafka::message::Record;

/// A stretch of one partition: from an offset on, up to an offset, so many records, or the log's end, whichever is first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Where it begins.
    pub from: i64,
    /// Where it ends at the latest.
    pub before: i64,
    /// Most records.
    pub records: u64,
}

/// What was made of each record that counts, with its offset, by partition.
pub type Taken<T> = BTreeMap<i32, Vec<(i64, T)>>;

/// Reads stretches of `topic`, and has `take` make something of each record; one for which it answers `None` does not
/// count.
///
/// # Errors
///
/// When not everything was read within `time_limit`.
pub async fn read<T: Send + 'static>(
    cluster: &config::Cluster,
    isolation: config::Isolation,
    topic: &str,
    stretches: BTreeMap<i32, Stretch>,
    time_limit: Duration,
    take: impl Fn(Record<'_>) -> Option<T> + Send + 'static,
) -> Result<Taken<T>, String> {
    let properties = reader_properties(cluster, isolation);
    let context = ClusterContext::new(&cluster.name);
    let topic = topic.to_owned();
    blocking(move || {
        let deadline = Instant::now() + time_limit;
        let consumer = properties.create_with_context::<_, BaseConsumer<_>>(context);
        let consumer = consumer.map_err(|error| error.to_string())?;
        let mut reading = Reading::new(stretches);
        reading
            .assign(&consumer, &topic)
            .map_err(|error| error.to_string())?;
        reading.read_to_end(&consumer, deadline, take)?;
        Ok(reading.taken)
    })
    .await
}

fn reader_properties(cluster: &config::Cluster, isolation: config::Isolation) -> ClientConfig {
    let mut properties = properties::consumer(cluster, "kmirror-lookback");
    properties
        // Never joined; librdkafka wants a name all the same.
        .set("group.id", "kmirror-lookback")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("isolation.level", isolation.property())
        .set("queued.max.messages.kbytes", "4096")
        // The end is told by an answer that holds nothing, which a broker keeps back for this long.
        .set("fetch.wait.max.ms", "10");
    properties
}

struct Reading<T> {
    /// Those that have not been read to their end.
    unread: BTreeMap<i32, Stretch>,
    taken: Taken<T>,
}

impl<T> Reading<T> {
    fn new(mut stretches: BTreeMap<i32, Stretch>) -> Self {
        let taken = stretches.keys().map(|partition| (*partition, Vec::new()));
        let taken = taken.collect();
        stretches.retain(|_, stretch| stretch.from < stretch.before && stretch.records > 0);
        Self {
            unread: stretches,
            taken,
        }
    }

    fn assign(&self, consumer: &BaseConsumer<ClusterContext>, topic: &str) -> KafkaResult<()> {
        let mut list = TopicPartitionList::with_capacity(self.unread.len());
        for (partition, stretch) in &self.unread {
            list.add_partition_offset(topic, *partition, Offset::Offset(stretch.from))?;
        }
        consumer.assign(&list)
    }

    fn read_to_end(
        &mut self,
        consumer: &BaseConsumer<ClusterContext>,
        deadline: Instant,
        take: impl Fn(Record<'_>) -> Option<T>,
    ) -> Result<(), String> {
        while !self.unread.is_empty() {
            if Instant::now() >= deadline {
                return Err("records did not come in time".to_owned());
            }
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(record)) => self.see(&record, &take),
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.unread.remove(&partition);
                }
                // A connection that is lost comes back; what will not get better does not.
                Some(Err(error)) if is_passing(&error) => {}
                Some(Err(error)) => return Err(error.to_string()),
                None => {}
            }
        }
        Ok(())
    }

    fn see(&mut self, message: &BorrowedMessage<'_>, take: impl Fn(Record<'_>) -> Option<T>) {
        let (record, partition) = (Record::of(message), message.partition());
        let Some(stretch) = self.unread.get(&partition) else {
            return;
        };
        let taken = self.taken.entry(partition).or_default();
        if record.offset() < stretch.before {
            taken.extend(take(record).map(|made| (record.offset(), made)));
        }
        let is_whole = taken.len() as u64 >= stretch.records;
        if is_whole || record.offset() + 1 >= stretch.before {
            self.unread.remove(&partition);
        }
    }
}

fn is_passing(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown)
    )
}
