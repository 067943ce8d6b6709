//! Produces numbered records to the source at a steady rate, held back where the target falls behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;

use super::record;
use super::score::Score;

/// How the load is shaped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Records per second over all partitions.
    pub(super) rate: u64,
    /// Records of a partition that may be produced and not yet found on the target: retention must not
    /// delete what was not mirrored.
    pub(super) most_ahead: u64,
}

/// A running load.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), KafkaError>>,
    refused: Arc<AtomicU64>,
}

impl Load {
    /// Begins to produce.
    pub(super) fn start(
        servers: &str,
        score: Arc<Score>,
        shape: Shape,
    ) -> Result<Self, KafkaError> {
        let refused = Arc::new(AtomicU64::new(0));
        let acknowledgements = Acknowledgements {
            score: Arc::clone(&score),
            refused: Arc::clone(&refused),
        };
        let producer: ThreadedProducer<_> = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("client.id", "kmirror-demo-load")
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .create_with_context(acknowledgements)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || produce(&producer, &score, shape, &stopped));
        Ok(Self {
            stop,
            thread,
            refused,
        })
    }

    /// Stops, waits for the source to acknowledge the rest, and tells how many records it refused.
    pub(super) fn stop(self) -> Result<u64, KafkaError> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(produced) => produced.map(|()| self.refused.load(Ordering::Relaxed)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Counts what the source acknowledges. The opaque is the partition's index in [`Score::lanes`].
struct Acknowledgements {
    score: Arc<Score>,
    refused: Arc<AtomicU64>,
}

impl ClientContext for Acknowledgements {
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the load's client reports an error");
    }
}

impl ProducerContext for Acknowledgements {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, lane: usize) {
        match (result, self.score.lane(lane)) {
            (Ok(_), Some(lane)) => lane.acknowledge_one(),
            _ => _ = self.refused.fetch_add(1, Ordering::Relaxed),
        }
    }
}

fn produce(
    producer: &ThreadedProducer<Acknowledgements>,
    score: &Score,
    shape: Shape,
    stop: &AtomicBool,
) -> Result<(), KafkaError> {
    const TICK: Duration = Duration::from_millis(5);
    let mut writer = Writer::new(producer, score, shape);
    let mut due = 0.0;
    let mut last = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(TICK);
        let now = Instant::now();
        // What could not be sent in time is not made up for: the rate is a wish, not a debt.
        due = (due + shape.rate as f64 * (now - last).as_secs_f64()).min(shape.rate as f64);
        last = now;
        while due >= 1.0 && writer.send_one()? {
            due -= 1.0;
        }
    }
    producer.flush(Duration::from_secs(30))
}

/// Sends to one partition after the other.
struct Writer<'a> {
    producer: &'a ThreadedProducer<Acknowledgements>,
    score: &'a Score,
    most_ahead: u64,
    /// Next number of each partition.
    next: Vec<u64>,
    /// Partition whose turn it is.
    turn: usize,
    key: String,
    value: String,
}

impl<'a> Writer<'a> {
    fn new(
        producer: &'a ThreadedProducer<Acknowledgements>,
        score: &'a Score,
        shape: Shape,
    ) -> Self {
        Self {
            producer,
            score,
            most_ahead: shape.most_ahead,
            next: vec![0; score.lanes().count()],
            turn: 0,
            key: String::new(),
            value: String::new(),
        }
    }

    /// `false` when there is no room now: the target is too far behind, or the producer's queue is full.
    fn send_one(&mut self) -> Result<bool, KafkaError> {
        let index = self.turn;
        let (Some(place), Some(lane)) = (self.score.place(index), self.score.lane(index)) else {
            return Ok(false);
        };
        let number = self.next[index];
        if number.saturating_sub(lane.mirrored()) >= self.most_ahead {
            return Ok(false);
        }
        record::write(place, number, &mut self.key, &mut self.value);
        let record = BaseRecord::with_opaque_to(place.topic, index)
            .partition(place.partition)
            .key(&self.key)
            .payload(&self.value);
        match self.producer.send(record) {
            Ok(()) => {
                self.next[index] += 1;
                self.turn = (self.turn + 1) % self.next.len();
                Ok(true)
            }
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(false),
            Err((error, _)) => Err(error),
        }
    }
}
