//! Looks at logs, and shortens, cuts and compacts them, past the wire.

use std::io;

use super::topics::no_topic;
use super::{AdminError, Cluster};
use crate::log::{Epoch, PartitionLog};
use crate::state::State;
use crate::topics::Partition;

impl Cluster {
    /// The first offset that can be read; `None` when there is no such partition.
    #[must_use]
    pub fn log_start(&self, topic: &str, partition: i32) -> Option<i64> {
        self.read(topic, partition, |partition| partition.log().start())
    }

    /// The offset that the next record gets; `None` when there is no such partition.
    #[must_use]
    pub fn log_end(&self, topic: &str, partition: i32) -> Option<i64> {
        self.read(topic, partition, |partition| partition.log().end())
    }

    pub(super) fn read<T>(
        &self,
        topic: &str,
        partition: i32,
        read: impl FnOnce(&Partition) -> T,
    ) -> Option<T> {
        let state = self.shared.lock();
        state.topics.get(topic)?.partition(partition).map(read)
    }

    /// Deletes the records before `offset`, and gives the new start of the log.
    ///
    /// # Errors
    /// When there is no such partition, the offset lies beyond its end, or the data directory cannot be written.
    pub fn delete_records(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<i64, AdminError> {
        let mut state = self.shared.lock();
        let deleted = state.delete_records(topic, partition, offset);
        deleted.map_err(|error| AdminError::new(error, format!("{topic}-{partition}: {error}")))
    }

    /// Applies `retention.ms` and `retention.bytes` now instead of at the next check.
    pub fn enforce_retention(&self) {
        self.shared.lock().enforce_retention();
    }

    /// Cuts a log back to end at `offset`, as an unclean election does: the records from there on are gone, a node that
    /// never had them leads in a new epoch, and it is another node where there is one. The cut may fall into a batch,
    /// which is then written anew; what is left of a log that is cut before its start begins and ends at `offset`.
    ///
    /// # Errors
    /// When there is no such partition, the offset lies beyond its end, or the data directory cannot be written.
    pub fn truncate(&self, topic: &str, partition: i32, offset: i64) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        change(&mut state, topic, partition, |log| log.check_end(offset))?;
        state.pass_on(topic, partition)?;
        change(&mut state, topic, partition, |log| {
            log.cut(offset, Epoch::Current)
        })
    }

    /// Cuts a log back to end at `offset`, as a snapshot of the disk from then does: the topic has the same id, and no
    /// epoch that the log does not remember. Leader epochs may so go backwards.
    ///
    /// # Errors
    /// As [`Cluster::truncate`].
    pub fn restore(&self, topic: &str, partition: i32, offset: i64) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        change(&mut state, topic, partition, |log| {
            log.cut(offset, Epoch::Remembered)
        })
    }

    /// Compacts the logs of a topic now, whatever its `cleanup.policy`: of the records with the same key only the last
    /// stays, and a tombstone only until it is `delete.retention.ms` old by its own timestamp. Records without a key go.
    /// No offset changes, nor the bounds of the log, so that gaps appear, also inside batches.
    ///
    /// # Errors
    /// When there is no such topic, a batch cannot be decompressed, or the data directory cannot be written.
    pub fn compact(&self, topic: &str) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        let now = state.clock.now_ms();
        let found = state.topics.get_mut(topic).ok_or_else(|| no_topic(topic))?;
        let tombstone_ms = found.configs.resolved().delete_retention_ms;
        for (index, partition) in (0..).zip(&mut found.partitions) {
            let compacted = partition.log_mut().compact(now, tombstone_ms);
            compacted.map_err(|error| AdminError::log(topic, index, &error))?;
        }
        Ok(())
    }

    /// Forgets what the batches of a partition tell of their idempotent producers: the next batch of each is taken,
    /// whatever its sequence, and a repeat is no longer recognised.
    ///
    /// # Errors
    /// When there is no such partition, or the data directory cannot be written.
    pub fn forget_producers(&self, topic: &str, partition: i32) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        change(&mut state, topic, partition, PartitionLog::forget_producers)
    }
}

pub(super) fn change(
    state: &mut State,
    topic: &str,
    index: i32,
    change: impl FnOnce(&mut PartitionLog) -> io::Result<()>,
) -> Result<(), AdminError> {
    let found = state.topics.get_mut(topic);
    let partition = found.and_then(|topic| topic.partition_mut(index));
    let partition = partition.ok_or_else(|| AdminError::no_partition(topic, index))?;
    change(partition.log_mut()).map_err(|error| AdminError::log(topic, index, &error))
}
