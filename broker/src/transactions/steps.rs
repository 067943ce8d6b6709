//! Takes the steps that a transaction is made of, each as a whole: in the coordinator and in the logs.

use std::time::{Duration, Instant};

use kafka_protocol::error::ResponseError;

use super::producer::{Identity, Producer, Stage};
use crate::groups::{Caller, OffsetCommit};
use crate::log::{AppendRules, Ending, Marker};
use crate::state::State;

impl State {
    /// Gives a producer the next identity of its transactional id, and aborts a transaction that is open. Without a claim it
    /// is somebody new, who silences whoever had the id; with one, the same producer that recovers (KIP-360).
    ///
    /// # Errors
    /// PRODUCER_FENCED when the id is somebody else's by now; NOT_COORDINATOR, KAFKA_STORAGE_ERROR.
    pub(crate) fn init_producer(
        &mut self,
        id: &str,
        timeout: Duration,
        claim: Option<Identity>,
    ) -> Result<Identity, ResponseError> {
        self.settle(id)?;
        let Some(mut producer) = self.transactions.get(id).cloned() else {
            let producer = Producer::new(id, self.fresh_producer_id()?, timeout);
            let identity = producer.identity;
            self.transactions.put(producer)?;
            return Ok(identity);
        };
        producer.check_claim(claim)?;
        if producer.has_met(claim) {
            return Ok(producer.identity);
        }
        if self.transactions.is_open(id) {
            match claim {
                Some(_) => producer.end(Ending::Abort)?,
                None => producer.fence(),
            }
            self.transactions.put(producer.clone())?;
            self.settle(id)?;
        }
        let fresh = match producer.is_exhausted() {
            true => Some(self.fresh_producer_id()?),
            false => None,
        };
        producer.renew(claim, fresh, timeout);
        let identity = producer.identity;
        self.transactions.put(producer)?;
        Ok(identity)
    }

    /// Hands out a producer id, in the words of the protocol.
    ///
    /// # Errors
    /// `KAFKA_STORAGE_ERROR` when the data directory cannot be written.
    pub(crate) fn fresh_producer_id(&mut self) -> Result<i64, ResponseError> {
        self.next_producer_id().map_err(|error| {
            tracing::error!(%error, "producer id not reserved");
            ResponseError::KafkaStorageError
        })
    }

    /// Adds partitions that exist to the transaction of a producer.
    ///
    /// # Errors
    /// INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, NOT_COORDINATOR.
    pub(crate) fn add_partitions_to_transaction(
        &mut self,
        id: &str,
        caller: Identity,
        added: &[(&str, i32)],
        now: Instant,
    ) -> Result<(), ResponseError> {
        self.change_transaction(id, caller, |it| it.add_partitions(added, now))
    }

    /// Adds a group to the transaction of a producer.
    ///
    /// # Errors
    /// As [`State::add_partitions_to_transaction`].
    pub(crate) fn add_group_to_transaction(
        &mut self,
        id: &str,
        caller: Identity,
        group: &str,
        now: Instant,
    ) -> Result<(), ResponseError> {
        self.change_transaction(id, caller, |it| it.add_group(group, now))
    }

    /// Keeps offsets for a group until the transaction of the producer ends.
    ///
    /// # Errors
    /// As [`State::add_partitions_to_transaction`]; INVALID_TXN_STATE when the group was not added; when the consumer that
    /// the producer writes for is no member of the group.
    pub(crate) fn add_offsets_to_transaction(
        &mut self,
        id: &str,
        caller: Identity,
        (group, member): (&str, Caller<'_>),
        commits: Vec<OffsetCommit>,
    ) -> Result<(), ResponseError> {
        self.groups.check_transactional(group, member)?;
        self.change_transaction(id, caller, |it| it.add_offsets(group, commits))
    }

    /// Ends the transaction of a producer: when this comes back, the markers are in all its partitions, and the groups hold
    /// the offsets of one that was committed.
    ///
    /// # Errors
    /// INVALID_TXN_STATE when there is none, or the last one ended otherwise; INVALID_PRODUCER_ID_MAPPING,
    /// PRODUCER_FENCED, NOT_COORDINATOR.
    pub(crate) fn end_transaction(
        &mut self,
        id: &str,
        caller: Identity,
        ending: Ending,
    ) -> Result<(), ResponseError> {
        self.change_transaction(id, caller, |it| it.end(ending))?;
        self.settle(id)
    }

    fn change_transaction(
        &mut self,
        id: &str,
        caller: Identity,
        change: impl FnOnce(&mut Producer) -> Result<(), ResponseError>,
    ) -> Result<(), ResponseError> {
        self.settle(id)?;
        let producer = self.transactions.get(id);
        let producer = producer.ok_or(ResponseError::InvalidProducerIdMapping)?;
        producer.check(caller)?;
        let mut changed = producer.clone();
        change(&mut changed)?;
        self.transactions.put(changed)
    }

    /// Finishes an end that was decided. What fails half-way goes on from there the next time.
    fn settle(&mut self, id: &str) -> Result<(), ResponseError> {
        let Some(producer) = self.transactions.get(id) else {
            return Ok(());
        };
        let Stage::Ending(ending, transaction) = &producer.stage else {
            return Ok(());
        };
        let marker = Marker {
            producer_id: producer.identity.producer_id,
            producer_epoch: producer.identity.epoch,
            ending: *ending,
        };
        let (partitions, offsets) = (transaction.partitions(), transaction.offsets.clone());
        let mut ended = producer.clone();
        ended.stage = Stage::Ended(*ending);
        for (topic, index) in partitions {
            self.mark(&topic, index, marker)?;
            self.transactions.marked(id, &topic, index);
        }
        for (group, offsets) in offsets {
            if marker.ending == Ending::Commit {
                self.groups.land(&group, &offsets)?;
            }
            self.transactions.landed(id, &group);
        }
        self.transactions.put(ended)
    }

    /// Appends a marker. A partition that is gone by now needs none.
    fn mark(&mut self, topic: &str, index: i32, marker: Marker) -> Result<(), ResponseError> {
        let Some(found) = self.topics.get_mut(topic) else {
            return Ok(());
        };
        let rules = AppendRules {
            log_append_time: false,
            segment_bytes: found.configs.resolved().segment_bytes,
            now: self.clock.now_ms(),
            disk_full: self.disk_full,
            denied: None,
        };
        let Some(partition) = found.partition_mut(index) else {
            return Ok(());
        };
        let marked = partition.log_mut().append_marker(marker, rules);
        marked.map_err(|rejected| {
            tracing::error!(
                topic,
                partition = index,
                error = rejected.message,
                "marker not written"
            );
            ResponseError::NotCoordinator
        })
    }

    /// Goes on where a kill interrupted: transactions that are open stay so, and those that were ending end. Partitions that
    /// have their marker already, or whose topic is gone, are left out.
    pub(crate) fn resume_transactions(&mut self) {
        let topics = &self.topics;
        self.transactions.resume(|producer_id, topic, index| {
            let partition = topics.get(topic).and_then(|topic| topic.partition(index))?;
            Some(partition.log().has_open_transaction(producer_id))
        });
        self.finish_transactions();
    }

    /// Aborts the transactions that were open for longer than their producers asked for, and fences these. While nothing
    /// can be written their time goes on.
    pub(crate) fn expire_transactions(&mut self, now: Instant) {
        if self.disk_full {
            return;
        }
        for id in self.transactions.due(now) {
            if let Err(error) = self.fence_producer(&id) {
                tracing::error!(%error, transactional_id = id, "transaction out of time not aborted");
            }
        }
        self.finish_transactions();
        self.transactions.tidy();
    }

    /// Silences whoever speaks for a transactional id, and aborts an open transaction.
    ///
    /// # Errors
    /// TRANSACTIONAL_ID_NOT_FOUND, NOT_COORDINATOR.
    pub(crate) fn fence_producer(&mut self, id: &str) -> Result<(), ResponseError> {
        self.settle(id)?;
        let producer = self.transactions.get(id);
        let producer = producer.ok_or(ResponseError::TransactionalIdNotFound)?;
        let mut fenced = producer.clone();
        fenced.fence();
        self.transactions.put(fenced)?;
        self.settle(id)
    }

    fn finish_transactions(&mut self) {
        for id in self.transactions.unfinished() {
            if let Err(error) = self.settle(&id) {
                tracing::warn!(%error, transactional_id = id, "transaction not ended everywhere yet");
            }
        }
    }
}
