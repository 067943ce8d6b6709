//! Holds a membership in a consumer group and turns its callbacks into messages.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::consumer::{self, list, place, positions, seek};
use super::settings::{self, Fetching};
use crate::clusters::TopicPartition;
use crate::clusters::context::ClusterContext;
use crate::config::{self, Isolation};
use crate::librdkafka::commit::{Answer, Commits};
use crate::librdkafka::queue::PartitionQueue;
use crate::librdkafka::{epochs, watermarks};
use crate::offset::{LeaderEpoch, Position, SourceOffset};
use crate::pipeline::mark::{Committed, Mark};

/// What the group asks of this member.
#[derive(Debug)]
pub enum Event {
    /// These partitions are added; answer with [`Member::assign`].
    Assigned(Vec<TopicPartition>),
    /// These are taken away; answer with [`Member::unassign`] once nothing more is to be committed.
    Revoked(Vec<TopicPartition>),
    /// These were taken away already, without a word: nothing can be committed any more (I6). Answer
    /// with [`Member::unassign`].
    Lost(Vec<TopicPartition>),
}

/// A member of a group.
pub struct Member {
    session_timeout: Duration,
    heartbeat_interval: Duration,
    fetch_wait: Duration,
    prefetch: u64,
    commits: Commits,
    consumer: Arc<StreamConsumer<Callbacks>>,
}

impl Member {
    /// Prepares to be a member of `group`: the first [`Member::subscribe`] joins it. Connects by itself and goes on trying.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration.
    pub fn open(
        cluster: &config::Cluster,
        group: &str,
        isolation: Isolation,
        fetching: Fetching,
    ) -> KafkaResult<(Self, mpsc::UnboundedReceiver<Event>)> {
        let (sender, events) = mpsc::unbounded_channel();
        let callbacks = Callbacks {
            cluster: ClusterContext::new(&cluster.name),
            events: sender,
            leaving: AtomicBool::new(false),
        };
        let settings = settings::consumer(cluster, group, isolation, fetching);
        let session_timeout = settings::millis(&settings, "session.timeout.ms");
        let heartbeat_interval = settings::millis(&settings, "heartbeat.interval.ms");
        let fetch_wait = settings::millis(&settings, "fetch.wait.max.ms");
        let consumer: StreamConsumer<Callbacks> = settings.create_with_context(callbacks)?;
        let consumer = Arc::new(consumer);
        let member = Self {
            session_timeout: session_timeout.unwrap_or(settings::SESSION_TIMEOUT),
            heartbeat_interval: heartbeat_interval.unwrap_or(settings::HEARTBEAT_INTERVAL),
            fetch_wait: fetch_wait.unwrap_or(fetching.wait),
            prefetch: fetching.partition,
            commits: Commits::of(&consumer),
            consumer,
        };
        Ok((member, events))
    }

    /// Says which topics this member wants partitions of: these and no others. What it has of the others is revoked.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses a name.
    pub fn subscribe(&self, topics: &[&str]) -> KafkaResult<()> {
        self.consumer.subscribe(topics)
    }

    /// Has the member look at the source's topics now, by one metadata request for all of them, so that the group shares
    /// new partitions out without waiting for `topic.metadata.refresh.interval.ms`. Only such a request makes librdkafka
    /// compare them with its subscription. Blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// When no broker answers in time.
    pub fn look_at_topics(&self, timeout: Duration) -> KafkaResult<()> {
        self.consumer.fetch_metadata(None, timeout).map(drop)
    }

    /// How long the group waits for a word of a member before it gives its partitions away.
    pub fn session_timeout(&self) -> Duration {
        self.session_timeout
    }

    /// How long this process may stand still and surely be a member all the same: its last word may be older than the moment
    /// it was stopped by one heartbeat. At least half of the session: heartbeats are meant to come three times in it.
    pub fn grace(&self) -> Duration {
        let grace = self.session_timeout.saturating_sub(self.heartbeat_interval);
        grace.max(self.session_timeout / 2)
    }

    /// Serves the membership, so that events come, until librdkafka reports an error. Must be awaited all
    /// the time (`max.poll.interval.ms`). Cancel-safe.
    ///
    /// # Panics
    ///
    /// When a record comes past its partition's queue.
    pub async fn serve(&self) -> KafkaError {
        consumer::serve(&self.consumer).await
    }

    /// Splits a partition's records off, before it is assigned.
    pub fn queue(&self, at: &TopicPartition) -> Option<PartitionQueue> {
        PartitionQueue::split_off(&self.consumer, at)
    }

    /// Whether partitions of this member are lost, and the event that says which is still to come.
    pub fn has_lost_assignment(&self) -> bool {
        self.consumer.assignment_lost()
    }

    /// Starts reading partitions at the given positions.
    ///
    /// # Errors
    ///
    /// librdkafka's, when the assignment was lost meanwhile.
    pub fn assign(&self, starts: &[(TopicPartition, Position)]) -> KafkaResult<()> {
        self.consumer.incremental_assign(&positions(starts))
    }

    /// Has librdkafka compare the history before each position with the source's, before anything is read (KIP-320). Answers
    /// which partitions could not be sought in time.
    pub async fn validate(
        &self,
        starts: &[(TopicPartition, Position)],
    ) -> BTreeSet<TopicPartition> {
        consumer::validate(&self.consumer, starts).await
    }

    /// Reads nothing more of a partition, and drops what was read and not taken; it stays assigned.
    ///
    /// # Errors
    ///
    /// When librdkafka does not know the partition.
    pub fn pause(&self, at: &TopicPartition) -> KafkaResult<()> {
        self.consumer.pause(&list(std::slice::from_ref(at)))
    }

    /// Reads a partition that was paused on from a position. Answers whether it does.
    pub async fn resume_at(&self, at: &TopicPartition, position: Position) -> bool {
        let refused = seek(&self.consumer, vec![(at.clone(), position)]).await;
        refused.is_empty() && self.resume(at).is_ok()
    }

    /// Reads a partition that was paused on, from wherever it was.
    ///
    /// # Errors
    ///
    /// When librdkafka does not know the partition.
    pub fn resume(&self, at: &TopicPartition) -> KafkaResult<()> {
        self.consumer.resume(&list(std::slice::from_ref(at)))
    }

    /// How long a broker holds a fetch when nothing is to be read: a partition that was left out of it is read again only
    /// then.
    pub fn fetch_wait(&self) -> Duration {
        self.fetch_wait
    }

    /// Bytes that are prefetched of a partition: one that has as many is left out of a fetch.
    pub fn prefetch(&self) -> u64 {
        self.prefetch
    }

    /// Stops reading partitions and lets the group have them.
    ///
    /// # Errors
    ///
    /// librdkafka's, when they are not assigned any more.
    pub fn unassign(&self, partitions: &[TopicPartition]) -> KafkaResult<()> {
        self.consumer.incremental_unassign(&list(partitions))
    }

    /// The log end as of the last fetch answer, without asking. `None` before the first one.
    pub fn log_end(&self, at: &TopicPartition) -> Option<SourceOffset> {
        watermarks::log_end(&*self.consumer, at).map(SourceOffset::new)
    }

    /// Asks for the group's committed positions, waiting up to `timeout`; each partition has its own answer. Blocks.
    ///
    /// # Errors
    ///
    /// When the coordinator does not answer in time or refuses.
    pub fn committed(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> KafkaResult<Vec<(TopicPartition, KafkaResult<Option<Committed>>)>> {
        let mut committed = self.consumer.committed_offsets(list(partitions), timeout)?;
        let epochs = epochs::get(&mut committed);
        let elements = committed.elements().into_iter().zip(epochs);
        let positions = elements.map(|(element, epoch)| {
            let position = element.error().map(|()| held(&element, epoch));
            (place(&element), position)
        });
        Ok(positions.collect())
    }

    /// Sends a commit; [`Member::commit_answer`] gets what becomes of it.
    ///
    /// # Errors
    ///
    /// When there is no group to commit to at the moment.
    pub fn commit(
        &self,
        positions: &[(TopicPartition, Committed)],
    ) -> Result<(), RDKafkaErrorCode> {
        self.commits.send(&marked(positions))
    }

    /// Waits for what became of the next commit. Cancel-safe.
    pub async fn commit_answer(&self) -> Answer {
        self.commits.answer().await
    }

    /// Commits and waits for the answer. Blocks.
    ///
    /// # Errors
    ///
    /// When the coordinator refuses, or does not answer.
    pub fn commit_now(&self, positions: &[(TopicPartition, Committed)]) -> KafkaResult<()> {
        self.consumer.commit(&marked(positions), CommitMode::Sync)
    }

    /// Leaves the group: from now on revocations are agreed to without an [`Event`]. Call once nothing more
    /// is to be committed; the consumer's drop, which blocks, then gives the partitions back.
    pub fn leave(&self) {
        self.consumer
            .context()
            .leaving
            .store(true, Ordering::Release);
        self.consumer.unsubscribe();
    }
}

fn marked(committed: &[(TopicPartition, Committed)]) -> TopicPartitionList {
    let offsets = committed.iter();
    let offsets: Vec<_> = offsets
        .map(|(at, committed)| (at.clone(), committed.position))
        .collect();
    let list = positions(&offsets);
    for (element, (_, committed)) in list.elements().iter_mut().zip(committed) {
        element.set_metadata(committed.mark.write());
    }
    list
}

/// What the group holds; `None` when it holds nothing.
fn held(element: &TopicPartitionListElem<'_>, epoch: i32) -> Option<Committed> {
    let Offset::Offset(offset) = element.offset() else {
        return None;
    };
    let position = Position {
        offset: SourceOffset::new(offset),
        epoch: LeaderEpoch::known(epoch),
    };
    let mark = Mark::read(element.metadata());
    Some(Committed { position, mark })
}

/// Callbacks only send a message; the pipeline answers from its own task.
pub struct Callbacks {
    cluster: ClusterContext,
    events: mpsc::UnboundedSender<Event>,
    leaving: AtomicBool,
}

impl Callbacks {
    fn send(&self, event: Event) {
        // Nobody listens any more once the pipeline has ended.
        let _ = self.events.send(event);
    }
}

impl ClientContext for Callbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.cluster.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.cluster.error(error, reason);
    }
}

impl ConsumerContext for Callbacks {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        if self.leaving.load(Ordering::Acquire) {
            // The answer to an assignment that is given up at once; an error means it is gone already.
            let _ = consumer.unassign();
            return;
        }
        let partitions = list.elements().iter().map(place).collect();
        self.send(match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Event::Assigned(partitions),
            _ if consumer.assignment_lost() => Event::Lost(partitions),
            _ => Event::Revoked(partitions),
        });
    }
}
