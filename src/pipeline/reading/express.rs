//! Reads busy partitions, a few at a time, with room of their own and apart from the idle ones: see `pace`.

use std::collections::BTreeSet;
use std::slice;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{Consumer, StreamConsumer};
use tokio::task::JoinHandle;

use super::consumer::{self, list, positions};
use super::pace::Need;
use super::settings::{self, Fetching};
use crate::clusters::TopicPartition;
use crate::clusters::context::ClusterContext;
use crate::config;
use crate::librdkafka::queue::PartitionQueue;
use crate::librdkafka::watermarks;
use crate::offset::{Position, SourceOffset};

/// Bytes that may be prefetched of one partition: enough for 5 MB/s over a link that takes 100 ms.
const PARTITION: u64 = 512 << 10;

/// Most partitions at a time: more of them are no exception any more.
const MOST: u64 = 64;

/// How long a broker holds a fetch when none of them has anything: as long may one of them stand that had no room.
const WAIT: Duration = Duration::from_millis(50);

/// A consumer outside of the group. Cheap to clone; it connects when it is first needed.
#[derive(Clone)]
pub struct Express {
    inner: Arc<Inner>,
}

struct Inner {
    cluster: Arc<config::Cluster>,
    mirror: Arc<config::Mirror>,
    fetching: Fetching,
    capacity: usize,
    riding: Mutex<BTreeSet<TopicPartition>>,
    /// Absent when librdkafka refused its properties.
    reader: OnceLock<Option<Reader>>,
}

impl Express {
    /// For the partitions that `mirror` reads from `cluster`, with `prefetch` bytes for all of them together.
    pub fn new(cluster: Arc<config::Cluster>, mirror: Arc<config::Mirror>, prefetch: u64) -> Self {
        let capacity = (prefetch / PARTITION).clamp(1, MOST);
        let inner = Inner {
            cluster,
            mirror,
            fetching: Fetching {
                partition: PARTITION,
                answer: (prefetch / 4).clamp(1 << 20, 16 << 20),
                wait: WAIT,
            },
            capacity: usize::try_from(capacity).unwrap_or(1),
            riding: Mutex::default(),
            reader: OnceLock::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Takes room for a partition, if there is any. One that does not press leaves half of it to those that do.
    pub fn room(&self, at: &TopicPartition, need: Need) -> Option<Room> {
        let mut riding = self.inner.riding();
        let most = match need {
            Need::Pressing => self.inner.capacity,
            Need::Welcome => self.inner.capacity / 2,
        };
        // Two members of this process can hold one partition, when one of them has lost it and does not know it yet.
        let is_free = riding.len() < most && riding.insert(at.clone());
        is_free.then(|| Room {
            express: self.clone(),
            at: at.clone(),
        })
    }
}

impl Inner {
    fn riding(&self) -> std::sync::MutexGuard<'_, BTreeSet<TopicPartition>> {
        // A set is whole whatever panicked beside it.
        self.riding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> Option<&Reader> {
        let reader = self.reader.get_or_init(|| {
            let group = format!("kmirror.{}", self.mirror.name);
            let isolation = self.mirror.isolation;
            let mut settings = settings::consumer(&self.cluster, &group, isolation, self.fetching);
            settings.set("client.id", format!("{group}-busy"));
            // Whatever the user chose for members, this is what it is for.
            settings.set("fetch.wait.max.ms", WAIT.as_millis().to_string());
            settings.set("fetch.min.bytes", "1");
            let context = ClusterContext::new(&self.cluster.name);
            let consumer = settings.create_with_context(context);
            let refused =
                |error| tracing::warn!(%error, "librdkafka refuses a consumer for busy partitions");
            consumer.map_err(refused).ok().map(Reader::new)
        });
        reader.as_ref()
    }
}

struct Reader {
    consumer: Arc<StreamConsumer<ClusterContext>>,
    serving: JoinHandle<()>,
}

impl Reader {
    fn new(consumer: StreamConsumer<ClusterContext>) -> Self {
        let consumer = Arc::new(consumer);
        let served = Arc::clone(&consumer);
        let serving = tokio::spawn(async move {
            loop {
                let error = consumer::serve(&served).await;
                tracing::debug!(%error, "the source reports an error");
            }
        });
        Self { consumer, serving }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Room for one partition; given back when dropped.
pub struct Room {
    express: Express,
    at: TopicPartition,
}

impl Room {
    /// Reads its partition from `position` on; not at all when librdkafka does not begin.
    pub async fn start(self, position: Position) -> Option<Ride> {
        let reader = self.express.inner.reader()?;
        let consumer = Arc::clone(&reader.consumer);
        let start = [(self.at.clone(), position)];
        let queue = PartitionQueue::split_off(&consumer, &self.at)?;
        consumer.incremental_assign(&positions(&start)).ok()?;
        let ride = Ride {
            queue,
            consumer,
            room: self,
        };
        let refused = consumer::validate(&ride.consumer, &start).await;
        refused.is_empty().then_some(ride)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.express.inner.riding().remove(&self.at);
    }
}

/// A partition that is read apart, until it is dropped.
pub struct Ride {
    /// Its records.
    pub queue: PartitionQueue,
    consumer: Arc<StreamConsumer<ClusterContext>>,
    // Given back once the partition is let go.
    room: Room,
}

impl Ride {
    /// The log end as of the last fetch answer, without asking. `None` before the first one.
    pub fn log_end(&self) -> Option<SourceOffset> {
        watermarks::log_end(&*self.consumer, &self.room.at).map(SourceOffset::new)
    }
}

impl Drop for Ride {
    fn drop(&mut self) {
        let partition = list(slice::from_ref(&self.room.at));
        if let Err(error) = self.consumer.incremental_unassign(&partition) {
            tracing::debug!(%error, "a busy partition is not let go");
        }
    }
}
