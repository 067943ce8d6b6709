//! Writes single records and waits for their acknowledgements, without a thread that polls.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, ProducerContext};
use tokio::sync::oneshot;

use crate::clusters::context::ClusterContext;
use crate::librdkafka::queue::DeliveryQueue;

/// A producer of rare records. Cheap to clone.
#[derive(Clone)]
pub(super) struct Producer {
    producer: Arc<BaseProducer<Reports>>,
    events: Arc<DeliveryQueue>,
}

/// A record of partition 0.
pub(super) struct Rare<'a> {
    pub(super) topic: &'a str,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    /// Milliseconds since 1970.
    pub(super) timestamp: i64,
}

/// Where the fate of a record is told.
type Told = oneshot::Sender<KafkaResult<()>>;

impl Producer {
    /// Opens it; it connects by itself and goes on trying. Fails when librdkafka refuses a property.
    pub(super) fn open(settings: &ClientConfig, cluster: &str) -> KafkaResult<Self> {
        let cluster = ClusterContext::new(cluster);
        let producer: BaseProducer<Reports> = settings.create_with_context(Reports { cluster })?;
        let producer = Arc::new(producer);
        let events = Arc::new(DeliveryQueue::of(&producer));
        Ok(Self { producer, events })
    }

    /// Writes a record, and waits until it is acknowledged or given up. Several may be under way: whichever hears of
    /// events serves those of all.
    pub(super) async fn write(&self, record: Rare<'_>) -> KafkaResult<()> {
        let (told, mut fate) = oneshot::channel();
        let record = BaseRecord::with_opaque_to(record.topic, Box::new(told))
            .partition(0)
            .key(record.key)
            .payload(record.value)
            .timestamp(record.timestamp);
        self.producer.send(record).map_err(|(error, _)| error)?;
        loop {
            tokio::select! {
                fate = &mut fate => return fate.unwrap_or(Err(KafkaError::Canceled)),
                () = self.events.readable() => self.serve(),
            }
        }
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
    type DeliveryOpaque = Box<Told>;

    fn delivery(&self, result: &DeliveryResult<'_>, told: Self::DeliveryOpaque) {
        let fate = result
            .as_ref()
            .map(|_| ())
            .map_err(|(error, _)| error.clone());
        // An error means that nobody waits any more.
        let _ = told.send(fate);
    }
}
