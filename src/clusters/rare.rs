//! Writes single records and waits for their acknowledgements, without a thread that polls.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, ProducerContext};
use rdkafka::{ClientContext, Message};
use tokio::sync::oneshot;

use super::context::ClusterContext;
use crate::librdkafka::queue::DeliveryQueue;

/// A producer of rare records. Cheap to clone.
#[derive(Clone)]
pub struct RareProducer {
    producer: Arc<BaseProducer<Reports>>,
    events: Arc<DeliveryQueue>,
}

/// A record to write.
pub struct Rare<'a> {
    /// Where to.
    pub topic: &'a str,
    /// Which partition of it.
    pub partition: i32,
    /// Its key.
    pub key: &'a [u8],
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Milliseconds since 1970.
    pub timestamp: i64,
}

/// What became of a record: its offset, or why it was not written.
type Fate = KafkaResult<i64>;

impl RareProducer {
    /// Opens it; it connects by itself and goes on trying.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses a property.
    pub fn open(settings: &ClientConfig, cluster: &str) -> KafkaResult<Self> {
        let cluster = ClusterContext::new(cluster);
        let producer: BaseProducer<Reports> = settings.create_with_context(Reports { cluster })?;
        let producer = Arc::new(producer);
        let events = Arc::new(DeliveryQueue::of(&producer));
        Ok(Self { producer, events })
    }

    /// Writes a record, and waits until it is acknowledged or given up; answers with its offset.
    ///
    /// # Errors
    ///
    /// Why it was not written.
    pub async fn write(&self, record: Rare<'_>) -> KafkaResult<i64> {
        let fates = self.write_all(vec![record]).await?;
        Ok(fates[0])
    }

    /// Writes records in their order, and waits until all are acknowledged or given up; answers with their offsets. Several
    /// calls may be under way: whichever hears of events serves those of all.
    ///
    /// # Errors
    ///
    /// Why the first of those was not written that were not.
    pub async fn write_all(&self, records: Vec<Rare<'_>>) -> KafkaResult<Vec<i64>> {
        let mut waiting = Vec::with_capacity(records.len());
        for record in records {
            waiting.push(self.send(&record)?);
        }
        let mut offsets = Vec::with_capacity(waiting.len());
        for mut fate in waiting {
            let fate = loop {
                tokio::select! {
                    biased;
                    fate = &mut fate => break fate,
                    () = self.events.readable() => self.serve(),
                }
            };
            offsets.push(fate.unwrap_or(Err(KafkaError::Canceled))?);
        }
        Ok(offsets)
    }

    fn send(&self, record: &Rare<'_>) -> KafkaResult<oneshot::Receiver<Fate>> {
        let (told, fate) = oneshot::channel();
        let mut message = BaseRecord::with_opaque_to(record.topic, Box::new(told))
            .partition(record.partition)
            .key(record.key)
            .timestamp(record.timestamp);
        message.payload = record.value;
        self.producer.send(message).map_err(|(error, _)| error)?;
        Ok(fate)
    }

    fn serve(&self) {
        while !self.events.is_empty() {
            self.producer.poll(Duration::ZERO);
        }
    }
}

/// Tells each record's fate to who wrote it.
struct Reports {
    cluster: ClusterContext,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.cluster.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.cluster.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<oneshot::Sender<Fate>>;

    fn delivery(&self, result: &DeliveryResult<'_>, told: Self::DeliveryOpaque) {
        let fate = result
            .as_ref()
            .map(Message::offset)
            .map_err(|(error, _)| error.clone());
        // An error means that nobody waits any more.
        let _ = told.send(fate);
    }
}
