//! Reads the copy like any consumer would, and compares each record with what was produced.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use super::record;
use super::score::Score;
use super::sequence::{Sequence, Verdict};

/// Ends of the target's logs, in the order of [`Score::lanes`].
pub(super) type LogEnds = Vec<i64>;

/// How long the last records may take to be read once it is known which these are.
const READ_REST_WITHIN: Duration = Duration::from_secs(20);

/// A running verification.
pub(super) struct Verifier {
    thread: JoinHandle<Vec<Sequence>>,
    ends: Sender<LogEnds>,
    score: Arc<Score>,
}

impl Verifier {
    /// Begins to read the copies of all topics of the demo from their beginning. The topics must exist.
    pub(super) fn start(
        servers: &str,
        score: &Arc<Score>,
        target_topic: impl Fn(&str) -> String,
    ) -> Result<Self, KafkaError> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("client.id", "kmirror-demo-verifier")
            // librdkafka assigns partitions only where a group is named; nobody joins this one.
            .set("group.id", "kmirror-demo-verifier")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("queued.max.messages.kbytes", "16384")
            .create()?;
        let names = score.topics().iter().map(|topic| target_topic(&topic.name));
        let reading = Reading::new(consumer, score, names.collect())?;
        let (ends, told) = channel();
        Ok(Self {
            thread: std::thread::spawn(move || reading.run(&told)),
            ends,
            score: Arc::clone(score),
        })
    }

    /// Reads up to `ends`, behind which nothing is written any more, and gives the verdict on all partitions.
    pub(super) fn finish(self, ends: LogEnds) -> Verdict {
        // A verifier that has gone already has panicked, which the join shows.
        let _ = self.ends.send(ends);
        let sequences = match self.thread.join() {
            Ok(sequences) => sequences,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let lanes = self.score.lanes().zip(&sequences);
        lanes.fold(Verdict::default(), |sum, ((_, lane), sequence)| {
            sum.and(sequence.verdict(lane.produced()))
        })
    }
}

struct Reading {
    consumer: BaseConsumer,
    score: Arc<Score>,
    /// Index in [`Score::topics`] by name on the target.
    topics: HashMap<String, usize>,
    partitions: usize,
    sequences: Vec<Sequence>,
    /// Next offset to read of each partition.
    positions: Vec<i64>,
}

impl Reading {
    fn new(
        consumer: BaseConsumer,
        score: &Arc<Score>,
        names: Vec<String>,
    ) -> Result<Self, KafkaError> {
        let lanes = score.lanes().count();
        let partitions = lanes / score.topics().len();
        let mut assignment = TopicPartitionList::new();
        for name in &names {
            for partition in (0..).take(partitions) {
                assignment.add_partition_offset(name, partition, Offset::Beginning)?;
            }
        }
        consumer.assign(&assignment)?;
        Ok(Self {
            consumer,
            score: Arc::clone(score),
            topics: names.into_iter().zip(0..).collect(),
            partitions,
            sequences: std::iter::repeat_with(Sequence::default)
                .take(lanes)
                .collect(),
            positions: vec![0; lanes],
        })
    }

    fn run(mut self, told: &Receiver<LogEnds>) -> Vec<Sequence> {
        loop {
            self.read_some();
            match told.try_recv() {
                Ok(ends) => return self.read_up_to(&ends),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return self.sequences,
            }
        }
    }

    fn read_up_to(mut self, ends: &LogEnds) -> Vec<Sequence> {
        let deadline = Instant::now() + READ_REST_WITHIN;
        let is_behind = |positions: &[i64]| positions.iter().zip(ends).any(|(at, end)| at < end);
        while is_behind(&self.positions) && Instant::now() < deadline {
            self.read_some();
        }
        self.sequences
    }

    /// Reads what is there, a thousand records at most, or waits a little.
    fn read_some(&mut self) {
        for _ in 0..1_000 {
            match self.consumer.poll(Duration::from_millis(50)) {
                Some(Ok(message)) => {
                    let Some(lane) = self.lane(message.topic(), message.partition()) else {
                        continue;
                    };
                    let number = self.number(lane, message.key(), message.payload());
                    self.positions[lane] = message.offset() + 1;
                    self.sequences[lane].see(number);
                    self.publish(lane);
                }
                // An unreadable partition shows as records that are missing.
                Some(Err(error)) => tracing::debug!(%error, "the verifier cannot read"),
                None => return,
            }
        }
    }

    fn lane(&self, topic: &str, partition: i32) -> Option<usize> {
        let topic = *self.topics.get(topic)?;
        Some(topic * self.partitions + usize::try_from(partition).ok()?)
    }

    fn number(&self, lane: usize, key: Option<&[u8]>, value: Option<&[u8]>) -> Option<u64> {
        record::number(self.score.place(lane)?, key?, value?)
    }

    fn publish(&self, lane: usize) {
        if let Some(counters) = self.score.lane(lane) {
            counters.set_mirrored(self.sequences[lane].mirrored());
        }
    }
}
