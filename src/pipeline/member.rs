//! Holds the membership in a topic's consumer group and turns its callbacks into messages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::{Message, Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::mark::{Committed, Mark};
use super::settings::{self, Prefetch};
use crate::clusters::context::ClusterContext;
use crate::config;
use crate::librdkafka::commit::{Answer, Commits};
use crate::librdkafka::queue::PartitionQueue;
use crate::librdkafka::{epochs, watermarks};
use crate::offset::{LeaderEpoch, Position, SourceOffset};

/// Longest wait for librdkafka's own thread to take note of a seek; no broker is asked for it.
const SEEK: Duration = Duration::from_millis(100);

/// How often a seek is tried before the partition is assigned anew: for two seconds at least.
const SEEK_ATTEMPTS: u32 = 400;

/// Time between two attempts.
const BETWEEN_SEEKS: Duration = Duration::from_millis(5);

/// What the group asks of this member.
#[derive(Debug)]
pub enum Event {
    /// These partitions are added; answer with [`Member::assign`].
    Assigned(Vec<i32>),
    /// These are taken away; answer with [`Member::unassign`] once nothing more is to be committed.
    Revoked(Vec<i32>),
    /// These were taken away already, without a word: nothing can be committed any more (I6). Answer
    /// with [`Member::unassign`].
    Lost(Vec<i32>),
}

/// A member of the group, subscribed to one topic.
pub struct Member {
    session_timeout: Duration,
    commits: Commits,
    consumer: Arc<StreamConsumer<Callbacks>>,
    topic: String,
}

impl Member {
    /// Joins `group`. Connects by itself and goes on trying.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration.
    pub fn join(
        cluster: &config::Cluster,
        group: &str,
        topic: &str,
        prefetch: Prefetch,
    ) -> KafkaResult<(Self, mpsc::UnboundedReceiver<Event>)> {
        let (sender, events) = mpsc::unbounded_channel();
        let callbacks = Callbacks {
            cluster: ClusterContext::new(&cluster.name),
            events: sender,
            leaving: AtomicBool::new(false),
        };
        let settings = settings::consumer(cluster, group, prefetch);
        let session_timeout = settings.get("session.timeout.ms");
        let session_timeout = session_timeout.and_then(|millis| millis.parse().ok());
        let session_timeout = Duration::from_millis(session_timeout.unwrap_or(10_000));
        let consumer: StreamConsumer<Callbacks> = settings.create_with_context(callbacks)?;
        consumer.subscribe(&[topic])?;
        let consumer = Arc::new(consumer);
        let member = Self {
            session_timeout,
            commits: Commits::of(&consumer),
            consumer,
            topic: topic.to_owned(),
        };
        Ok((member, events))
    }

    /// How long the group waits for a word of a member before it gives its partitions away.
    pub fn session_timeout(&self) -> Duration {
        self.session_timeout
    }

    /// Serves the membership, so that events come, until librdkafka reports an error. Must be awaited all
    /// the time (`max.poll.interval.ms`). Cancel-safe.
    ///
    /// # Panics
    ///
    /// When a record comes past its partition's queue.
    pub async fn serve(&self) -> KafkaError {
        match self.consumer.recv().await {
            Err(error) => error,
            // Going on would skip the record. Every queue is split off before its partition is assigned.
            Ok(record) => panic!("a record of {} came past its queue", record.topic()),
        }
    }

    /// Splits a partition's records off, before it is assigned.
    pub fn queue(&self, partition: i32) -> Option<PartitionQueue> {
        PartitionQueue::split_off(&self.consumer, &self.topic, partition)
    }

    /// Starts reading partitions at the given positions.
    ///
    /// # Errors
    ///
    /// librdkafka's, when the assignment was lost meanwhile.
    pub fn assign(&self, starts: &[(i32, Position)]) -> KafkaResult<()> {
        self.consumer.incremental_assign(&self.list(starts))
    }

    /// Has librdkafka compare the history before each position with the source's, before anything is read: of an
    /// assignment it takes the epoch, but validates only when it seeks, or when the leader changes later (KIP-320).
    /// Answers which partitions could not be sought in time.
    pub async fn validate(&self, starts: &[(i32, Position)]) -> BTreeSet<i32> {
        let known = starts.iter();
        let mut waiting: Vec<_> = known
            .filter(|(_, position)| position.epoch.is_some())
            .copied()
            .collect();
        for _ in 0..SEEK_ATTEMPTS {
            if waiting.is_empty() {
                break;
            }
            // `ERR__STATE` until librdkafka's own thread has begun to read the partition.
            let sought = self.consumer.seek_partitions(self.list(&waiting), SEEK);
            let sought = sought.map_or_else(|_| BTreeSet::new(), |list| without_error(&list));
            waiting.retain(|(partition, _)| !sought.contains(partition));
            tokio::time::sleep(BETWEEN_SEEKS).await;
        }
        waiting.iter().map(|(partition, _)| *partition).collect()
    }

    /// Stops reading partitions and lets the group have them.
    ///
    /// # Errors
    ///
    /// librdkafka's, when they are not assigned any more.
    pub fn unassign(&self, partitions: &[i32]) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, *partition);
        }
        self.consumer.incremental_unassign(&list)
    }

    /// The log end as of the last fetch answer, without asking. `None` before the first one.
    pub fn log_end(&self, partition: i32) -> Option<SourceOffset> {
        watermarks::log_end(&*self.consumer, &self.topic, partition).map(SourceOffset::new)
    }

    /// Asks for the group's committed positions, waiting up to `timeout`. Blocks.
    ///
    /// # Errors
    ///
    /// When the coordinator does not answer in time or refuses.
    pub fn committed(
        &self,
        partitions: &[i32],
        timeout: Duration,
    ) -> KafkaResult<Vec<(i32, Option<Committed>)>> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, *partition);
        }
        let mut committed = self.consumer.committed_offsets(list, timeout)?;
        let epochs: BTreeMap<i32, i32> = epochs::get(&mut committed).into_iter().collect();
        let positions = committed.elements().into_iter().map(|element| {
            element.error()?;
            let partition = element.partition();
            let position = match element.offset() {
                Offset::Offset(offset) => Some(Committed {
                    position: Position {
                        offset: SourceOffset::new(offset),
                        epoch: epochs
                            .get(&partition)
                            .and_then(|epoch| LeaderEpoch::known(*epoch)),
                    },
                    mark: Mark::read(element.metadata()),
                }),
                _ => None,
            };
            Ok((partition, position))
        });
        positions.collect()
    }

    /// Sends a commit; [`Member::commit_answer`] gets what becomes of it.
    ///
    /// # Errors
    ///
    /// When there is no group to commit to at the moment.
    pub fn commit(&self, positions: &[(i32, Committed)]) -> Result<(), RDKafkaErrorCode> {
        self.commits.send(&self.marked(positions))
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
    pub fn commit_now(&self, positions: &[(i32, Committed)]) -> KafkaResult<()> {
        self.consumer
            .commit(&self.marked(positions), CommitMode::Sync)
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

    fn marked(&self, positions: &[(i32, Committed)]) -> TopicPartitionList {
        let offsets = positions.iter();
        let offsets: Vec<_> = offsets
            .map(|(partition, committed)| (*partition, committed.position))
            .collect();
        let list = self.list(&offsets);
        for (element, (_, committed)) in list.elements().iter_mut().zip(positions) {
            element.set_metadata(committed.mark.write());
        }
        list
    }

    fn list(&self, positions: &[(i32, Position)]) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(positions.len());
        for (partition, position) in positions {
            let offset = Offset::Offset(position.offset.get());
            list.add_partition_offset(&self.topic, *partition, offset)
                .expect("a position is a valid offset");
        }
        let known: BTreeMap<i32, Option<LeaderEpoch>> = positions
            .iter()
            .map(|(partition, position)| (*partition, position.epoch))
            .collect();
        epochs::set(&mut list, |partition| {
            known.get(&partition).copied()?.map(LeaderEpoch::get)
        });
        list
    }
}

fn without_error(list: &TopicPartitionList) -> BTreeSet<i32> {
    let elements = list.elements().into_iter();
    let sought = elements.filter(|element| element.error().is_ok());
    sought.map(|element| element.partition()).collect()
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
        let partitions = list
            .elements()
            .iter()
            .map(|element| element.partition())
            .collect();
        self.send(match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Event::Assigned(partitions),
            _ if consumer.assignment_lost() => Event::Lost(partitions),
            _ => Event::Revoked(partitions),
        });
    }
}
