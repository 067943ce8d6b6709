//! Writes batches to the target cluster and answers each with the offsets that its records got.
//!
//! The writing end of the flow is narrow, so that another engine can take its place: a [`Writer`] takes a
//! batch of one partition, [`Acks`] answers with runs of target offsets. Nothing here knows about positions,
//! commits or budgets. One idempotent producer serves all topics of a mirror that take batches of the same size;
//! order is kept per partition by it alone (I2).
//!
//! The first record of a partition that another process may still be writing goes another way: behind a [`Fence`].

mod acks;
mod batch;
mod fence;
mod leader;
mod limits;
mod producer;

use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tracing::Instrument;

pub use acks::{Ack, Acks};
use acks::{Deliveries, Routes};
pub use fence::Fence;
use fence::{At, Fate};
pub use limits::Limits;

use crate::config;
use crate::librdkafka::message::Messages;
pub use crate::librdkafka::produce::Stamp;
use crate::librdkafka::produce::TopicHandle;
use crate::librdkafka::queue::DeliveryQueue;
use crate::prefix::Sequence;
use crate::wire::Wire;

/// Batches that may wait between reading and writing; their bytes are bounded by the budget, this bounds how
/// far the reader runs ahead of the writer.
const WAITING_BATCHES: usize = 16;

/// Longest wait for the partitions of a topic.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(5);

/// Longest wait for an answer about a fence, after which it is asked for again.
const FENCED_WITHIN: Duration = Duration::from_secs(10);

/// A producer of one mirror and the two tasks that serve it.
pub struct Target {
    producer: Arc<BaseProducer<Deliveries>>,
    batches: mpsc::Sender<Write>,
    routes: Arc<Routes>,
    batch_bytes: u32,
    fatal: watch::Sender<Option<String>>,
    writing: JoinHandle<()>,
    acking: JoinHandle<()>,
}

impl Target {
    /// Connections for the fences of all producers of a mirror.
    ///
    /// # Errors
    ///
    /// When a TLS file is refused.
    pub fn fence_wire(
        cluster: &config::Cluster,
        mirror: &config::Mirror,
    ) -> Result<Wire, KafkaError> {
        let client_id = format!("kmirror-{}-fence", mirror.name);
        let wire = Wire::new(cluster, &client_id, FENCED_WITHIN);
        wire.map_err(KafkaError::ClientCreation)
    }

    /// Creates the producer, for batches of at most `batch_bytes`. It connects by itself and goes on trying; an
    /// error after which it takes nothing any more (`ERR__FATAL`) is told through `fatal`. Fences go over `wire`.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration: a `client` property of the cluster, a TLS file.
    pub fn open(
        cluster: &config::Cluster,
        mirror: &config::Mirror,
        batch_bytes: u32,
        fatal: watch::Sender<Option<String>>,
        wire: Wire,
    ) -> Result<Self, KafkaError> {
        let routes = Arc::new(Routes::default());
        let context = Deliveries::new(&cluster.name, fatal.clone());
        let producer: BaseProducer<Deliveries> =
            producer::config(cluster, mirror, batch_bytes).create_with_context(context)?;
        let producer = Arc::new(producer);
        let (batches, waiting) = mpsc::channel(WAITING_BATCHES);
        let queue = DeliveryQueue::of(&producer);
        Ok(Self {
            writing: tokio::spawn(write(waiting, Arc::clone(&routes), wire).in_current_span()),
            acking: tokio::spawn(acks::deliver(
                Arc::clone(&producer),
                queue,
                Arc::clone(&routes),
            )),
            producer,
            batches,
            routes,
            batch_bytes,
            fatal,
        })
    }

    /// Opens a topic for writing; each record gets the header `stamp` behind its own. `None` when librdkafka refuses the
    /// name.
    pub fn topic(&self, name: &str, stamp: Option<Stamp>) -> Option<TargetTopic> {
        Some(TargetTopic {
            handle: Arc::new(TopicHandle::open(&self.producer, name, stamp)?),
            batches: self.batches.clone(),
            routes: Arc::clone(&self.routes),
            batch_bytes: self.batch_bytes,
            fatal: self.fatal.clone(),
        })
    }

    /// Looks up the partitions of topics that have more than before: until then, records for the new ones are refused.
    ///
    /// # Panics
    ///
    /// When looking up panicked.
    pub async fn learn_partitions(&self, topics: Vec<String>) {
        let producer = Arc::clone(&self.producer);
        let looking = tokio::task::spawn_blocking(move || {
            for topic in topics {
                let seen = producer
                    .client()
                    .fetch_metadata(Some(&topic), LOOK_UP_WITHIN);
                if let Err(error) = seen {
                    // The producer looks by itself, too, but later.
                    tracing::debug!(topic, %error, "partitions cannot be looked up now");
                }
            }
        });
        looking.await.expect("looking up does not panic");
    }

    /// Ends both tasks. All topics and writers must have been dropped; reports still to come are not
    /// waited for.
    ///
    /// # Panics
    ///
    /// When one of the tasks panicked.
    pub async fn close(self) {
        drop(self.batches);
        self.writing.await.expect("the writing task does not panic");
        self.routes.close();
        self.acking.await.expect("the acking task does not panic");
    }
}

/// One topic on the target.
#[derive(Clone)]
pub struct TargetTopic {
    handle: Arc<TopicHandle>,
    batches: mpsc::Sender<Write>,
    routes: Arc<Routes>,
    batch_bytes: u32,
    fatal: watch::Sender<Option<String>>,
}

impl TargetTopic {
    /// Says that its producer cannot be relied on any more, so that a new one takes over.
    pub fn fail(&self, reason: String) {
        self.fatal.send_replace(Some(reason));
    }

    /// Bytes of the largest batch that its producer makes of several records.
    pub fn batch_bytes(&self) -> u32 {
        self.batch_bytes
    }

    /// Opens one partition: where its batches go and where their acknowledgements come from. Where a fence has to be raised
    /// its first batch does it, which has to be a single record that flies alone.
    pub fn partition(&self, partition: i32, fence: Option<Fence>) -> (Writer, Acks) {
        let (lane, acks) = self.routes.open();
        let writer = Writer {
            lane,
            partition,
            fence,
            topic: Arc::clone(&self.handle),
            batches: self.batches.clone(),
        };
        (writer, acks)
    }
}

/// Takes the batches of one partition, in order.
pub struct Writer {
    lane: acks::Lane,
    partition: i32,
    fence: Option<Fence>,
    topic: Arc<TopicHandle>,
    batches: mpsc::Sender<Write>,
}

impl Writer {
    /// Waits for room in the channel to the producer. Cancel-safe.
    ///
    /// # Panics
    ///
    /// When the writing task is gone, which it is only after every writer.
    pub async fn room(&self) -> Room<'_> {
        let slot = self.batches.reserve().await;
        Room {
            writer: self,
            slot: slot.expect("the writing task outlives the writers"),
        }
    }
}

/// Room for one batch.
pub struct Room<'a> {
    writer: &'a Writer,
    slot: mpsc::Permit<'a, Write>,
}

impl Room<'_> {
    /// Sends the batch whose first record has the place `first`.
    pub fn send(self, first: Sequence, messages: Messages) {
        self.slot.send(Write {
            lane: self.writer.lane,
            first,
            partition: self.writer.partition,
            fence: self.writer.fence.clone(),
            topic: Arc::clone(&self.writer.topic),
            messages,
        });
    }
}

/// A batch on its way to the producer.
struct Write {
    lane: acks::Lane,
    first: Sequence,
    partition: i32,
    fence: Option<Fence>,
    topic: Arc<TopicHandle>,
    messages: Messages,
}

impl Write {
    /// Hands it to librdkafka.
    fn send(self, routes: &Routes) {
        let Self { lane, first, .. } = self;
        self.topic.send(
            self.partition,
            self.messages,
            |index| lane.tag(first + index as Sequence),
            |index, code| routes.refuse(lane, first + index as Sequence, code),
        );
    }

    /// Writes its record so that nothing of others comes behind it. Answers with the batch where it is to be written as any
    /// other.
    async fn send_behind(mut self, fence: Fence, wire: Wire, routes: Arc<Routes>) -> Option<Self> {
        let at = At {
            wire: &wire,
            topic: self.topic.name(),
            partition: self.partition,
        };
        let (messages, topic) = (&mut self.messages, &self.topic);
        // Owns the only way to the messages, which no two threads may look at.
        let record = move |by| {
            let first = messages.iter().next();
            let record = first.expect("no batch is empty");
            batch::encode(&topic.outgoing(record), by)
        };
        match fence.write(at, record, || routes.writes(self.lane)).await {
            Fate::Needless | Fate::TooLarge => {
                let fence = None;
                return Some(Self { fence, ..self });
            }
            Fate::Written(offset) => {
                let (topic, partition) = (self.topic.name(), self.partition);
                tracing::debug!(
                    topic,
                    partition,
                    offset = offset.get(),
                    "late writes are shut out"
                );
                routes.acknowledge(self.lane, self.first, offset);
            }
            Fate::Refused(code) => routes.refuse(self.lane, self.first, code),
        }
        None
    }
}

/// Hands batches to librdkafka until every sender is gone, but for those of lanes that write no more, and for those that
/// raise a fence.
async fn write(mut waiting: mpsc::Receiver<Write>, routes: Arc<Routes>, wire: Wire) {
    let mut fences = JoinSet::new();
    loop {
        let batch = tokio::select! {
            Some(fenced) = fences.join_next() => {
                fenced.expect("raising a fence does not panic")
            }
            batch = waiting.recv() => match batch {
                Some(batch) => Some(batch),
                None => return,
            },
        };
        let Some(batch): Option<Write> = batch else {
            continue;
        };
        if !routes.writes(batch.lane) {
            let count = batch.messages.len();
            routes.refuse_all(batch.lane, batch.first, count, RDKafkaErrorCode::PurgeQueue);
            continue;
        }
        match batch.fence.clone().filter(|fence| !fence.is_done()) {
            Some(fence) => {
                let raising = batch.send_behind(fence, wire.clone(), Arc::clone(&routes));
                fences.spawn(raising.in_current_span());
            }
            None => batch.send(&routes),
        }
    }
}
