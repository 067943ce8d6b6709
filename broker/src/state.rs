//! Holds all state of the cluster behind one mutex: nodes, topics with their logs, groups, producers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;
use parking_lot::{Mutex, MutexGuard};

use crate::acls::Acls;
use crate::api::Versions;
use crate::clock::Clock;
use crate::config::{BrokerConfigs, Invalid};
use crate::faults::Faults;
use crate::groups::Groups;
use crate::journal::Journal;
use crate::nodes::Nodes;
use crate::store::{ClusterFile, DataDir, StoreError};
use crate::topics::{NewTopic, Plan, Refused, Surroundings, Topic, Topics};
use crate::transactions::Coordinator;

/// How many producer ids one write to the data directory reserves.
const PRODUCER_ID_BLOCK: i64 = 1000;

/// What every connection of every node shares.
pub(crate) struct Shared {
    /// What requests are made to suffer.
    pub(crate) faults: Faults,
    /// The requests that came.
    pub(crate) journal: Journal,
    /// The versions of the APIs that are answered.
    pub(crate) versions: Versions,
    state: Mutex<State>,
    closed: AtomicBool,
    connections: AtomicU64,
}

impl Shared {
    /// Puts the loaded state behind its mutex.
    pub(crate) fn new(state: State, faults: Faults, journal: Journal, versions: Versions) -> Self {
        Self {
            faults,
            journal,
            versions,
            state: Mutex::new(state),
            closed: AtomicBool::new(false),
            connections: AtomicU64::new(0),
        }
    }

    /// Locks the state. Held for microseconds and, the guard not being `Send`, never across an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// A number no other connection has or had.
    pub(crate) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets go of the data directory; what a connection still computes after this is not sent.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        self.closed.store(true, Ordering::SeqCst);
        state.groups.close();
        state.transactions.close();
        state.topics.detach();
        state.data = None;
    }

    /// Whether [`Shared::close`] was called.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

/// Everything the mutex guards.
pub(crate) struct State {
    /// The same for as long as the data directory lives.
    pub(crate) cluster_id: StrBytes,
    /// The brokers.
    pub(crate) nodes: Nodes,
    /// The brokers' configuration.
    pub(crate) configs: BrokerConfigs,
    /// Topics with their logs.
    pub(crate) topics: Topics,
    /// Consumer groups and their offsets.
    pub(crate) groups: Groups,
    /// Transactional ids and their transactions.
    pub(crate) transactions: Coordinator,
    /// The next producer id to hand out, and the first that is not reserved yet.
    pub(crate) producer_ids: Range<i64>,
    /// What an authorizer, if there is one, was told.
    pub(crate) acls: Acls,
    /// Where all this is kept; `None` keeps it in memory.
    pub(crate) data: Option<DataDir>,
    /// What the brokers take for the time.
    pub(crate) clock: Clock,
    /// Whether nothing can be appended for want of space.
    pub(crate) disk_full: bool,
}

impl State {
    /// Checks a new topic without creating it.
    ///
    /// # Errors
    /// With the code and the words of Kafka.
    pub(crate) fn plan_topic(&self, new: NewTopic) -> Result<Plan, Refused> {
        self.topics.plan(
            new,
            Surroundings {
                nodes: self.nodes.len(),
                broker: &self.configs,
            },
        )
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// With the code and the words of Kafka.
    pub(crate) fn create_topic(&mut self, new: NewTopic) -> Result<&Topic, Refused> {
        let plan = self.plan_topic(new)?;
        self.create_planned(plan)
    }

    /// Creates a topic as planned.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub(crate) fn create_planned(&mut self, plan: Plan) -> Result<&Topic, Refused> {
        let name = plan.name.clone();
        self.topics.create(plan)?;
        self.elect_for(&name)?;
        let created = self.topics.get(&name);
        Ok(created.expect("it was created under the same lock"))
    }

    /// Adds partitions to a topic, one for each entry of `replicas`.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`, `KAFKA_STORAGE_ERROR`.
    pub(crate) fn grow_topic(
        &mut self,
        name: &str,
        replicas: Vec<Vec<BrokerId>>,
    ) -> Result<(), Refused> {
        self.topics.grow(name, replicas)?;
        self.elect_for(name)
    }

    /// Deletes a topic, with the offsets that groups have committed for it and its part in transactions.
    ///
    /// # Errors
    /// When there is no such topic or the data directory cannot be written.
    pub(crate) fn delete_topic(&mut self, name: &str) -> Result<(), Refused> {
        self.topics.delete(name)?;
        self.groups.topic_deleted(name);
        self.transactions.topic_deleted(name);
        Ok(())
    }

    /// Deletes a group that has no members, with the offsets that transactions hold for it.
    ///
    /// # Errors
    /// As [`Groups::delete`].
    pub(crate) fn delete_group(&mut self, id: &str) -> Result<(), ResponseError> {
        self.groups.delete(id)?;
        self.transactions.group_deleted(id);
        Ok(())
    }

    /// Moves the start of a log up to `offset`, and gives where it then is. It never moves back.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`, `OFFSET_OUT_OF_RANGE` beyond the end, `KAFKA_STORAGE_ERROR`.
    pub(crate) fn delete_records(
        &mut self,
        topic: &str,
        index: i32,
        offset: i64,
    ) -> Result<i64, ResponseError> {
        let partition = self
            .topics
            .get_mut(topic)
            .and_then(|topic| topic.partition_mut(index));
        let log = partition
            .ok_or(ResponseError::UnknownTopicOrPartition)?
            .log_mut();
        if !(0..=log.end()).contains(&offset) {
            return Err(ResponseError::OffsetOutOfRange);
        }
        log.advance_start(offset).map_err(|error| {
            tracing::error!(topic, partition = index, %error, "log start not written");
            ResponseError::KafkaStorageError
        })?;
        Ok(log.start())
    }

    /// Hands out a producer id that was never handed out before, also not before a restart.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub(crate) fn next_producer_id(&mut self) -> Result<i64, StoreError> {
        if self.producer_ids.is_empty() {
            self.producer_ids.end += PRODUCER_ID_BLOCK;
            if let Err(error) = self.save() {
                self.producer_ids.end = self.producer_ids.start;
                return Err(error);
            }
        }
        let id = self.producer_ids.start;
        self.producer_ids.start += 1;
        Ok(id)
    }

    /// Replaces what was altered of the brokers' configuration; topics that inherit from it follow at once.
    ///
    /// # Errors
    /// As [`BrokerConfigs::alter`], or when the data directory cannot be written.
    pub(crate) fn alter_broker(
        &mut self,
        altered: BTreeMap<String, String>,
    ) -> Result<(), Refused> {
        let invalid =
            |invalid: Invalid| Refused::new(ResponseError::InvalidConfig, invalid.to_string());
        self.configs.alter(altered).map_err(invalid)?;
        for topic in self.topics.iter_mut() {
            topic.configs.refresh(&self.configs);
        }
        self.save().map_err(Refused::storage)
    }

    /// Writes what belongs to no topic and to no group.
    pub(crate) fn save(&self) -> Result<(), StoreError> {
        let Some(data) = &self.data else {
            return Ok(());
        };
        data.save(&ClusterFile {
            cluster_id: self.cluster_id.to_string(),
            next_producer_id: self.producer_ids.end,
            broker_configs: self.configs.altered().clone(),
            acls: self.acls.clone(),
        })
    }

    /// Ends sessions, rebalances and transactions whose time is up.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.groups.tick(now);
        self.expire_transactions(now);
    }

    /// Shortens the logs as the topics' retention asks for (`log.retention.check.interval.ms` apart).
    pub(crate) fn enforce_retention(&mut self) {
        let now = self.clock.now_ms();
        let expired = now - self.configs.number("producer.id.expiration.ms");
        for topic in self.topics.iter_mut() {
            topic.enforce_retention(now, expired);
        }
    }
}
