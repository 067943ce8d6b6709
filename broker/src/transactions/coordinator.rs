//! Keeps all transactional ids: finds them, and has their changes written down before they hold.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::time::Instant;

use kafka_protocol::error::ResponseError;

use super::producer::{Identity, Producer, Stage, Transaction};
use crate::groups::Offsets;
use crate::store::LineJournal;

/// All transactional ids of the cluster.
#[derive(Debug)]
pub(crate) struct Coordinator {
    producers: BTreeMap<String, Producer>,
    /// Whose a producer id is.
    owners: HashMap<i64, String>,
    /// Each entry is what an id has come to.
    journal: LineJournal<Producer>,
    /// Whether no change can be written for want of space.
    pub(crate) disk_full: bool,
}

impl Coordinator {
    /// Loads the ids from the data directory, if there is one.
    ///
    /// # Errors
    /// When the journal cannot be read or rewritten, or is damaged anywhere but in its last line.
    pub(crate) fn new(data_dir: Option<&Path>) -> io::Result<Self> {
        let (entries, journal) = match data_dir {
            None => (Vec::new(), LineJournal::none()),
            Some(dir) => LineJournal::open(dir.join("transactions.journal"))?,
        };
        let mut loaded = Self {
            producers: BTreeMap::new(),
            owners: HashMap::new(),
            journal,
            disk_full: false,
        };
        for producer in entries {
            loaded.insert(producer);
        }
        loaded.compact()?;
        Ok(loaded)
    }

    /// What an id has come to, if it was ever used.
    pub(super) fn get(&self, id: &str) -> Option<&Producer> {
        self.producers.get(id)
    }

    /// Whether a transaction of an id is open.
    pub(crate) fn is_open(&self, id: &str) -> bool {
        let producer = self.get(id);
        producer.is_some_and(|producer| matches!(producer.stage, Stage::Open(_)))
    }

    /// Replaces what an id has come to.
    ///
    /// # Errors
    /// NOT_COORDINATOR when it could not be written down, which is what Kafka makes of a KAFKA_STORAGE_ERROR of its
    /// transactions topic.
    pub(super) fn put(&mut self, producer: Producer) -> Result<(), ResponseError> {
        if self.get(&producer.id) == Some(&producer) {
            return Ok(());
        }
        let written = match self.disk_full {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => self.journal.append(&producer),
        };
        written.map_err(|error| {
            tracing::error!(%error, transactional_id = producer.id, "transactions journal not written");
            ResponseError::NotCoordinator
        })?;
        self.insert(producer);
        Ok(())
    }

    fn insert(&mut self, producer: Producer) {
        let (id, owned) = (producer.id.clone(), producer.identity.producer_id);
        if let Some(before) = self.producers.insert(id.clone(), producer) {
            self.owners.remove(&before.identity.producer_id);
        }
        self.owners.insert(owned, id);
    }

    /// Whether records of a transaction may be appended to a partition.
    ///
    /// # Errors
    /// `INVALID_PRODUCER_EPOCH` when somebody else speaks for the id by now, `INVALID_TXN_STATE` when the partition was not
    /// added to an open transaction.
    pub(crate) fn check_append(
        &self,
        writer: Identity,
        topic: &str,
        index: i32,
    ) -> Result<(), ResponseError> {
        let id = self.owners.get(&writer.producer_id);
        let producer = id.and_then(|id| self.get(id));
        let producer = producer.ok_or(ResponseError::InvalidTxnState)?;
        producer.check_append(writer, topic, index)
    }

    /// Takes a topic that was deleted out of all transactions: one of the same name would be another topic.
    pub(crate) fn topic_deleted(&mut self, topic: &str) {
        self.change_all(|transaction| {
            transaction.partitions.remove(topic);
            for offsets in transaction.offsets.values_mut() {
                offsets.remove_topic(topic);
            }
        });
    }

    /// Takes the offsets of a group that was deleted out of all transactions.
    pub(crate) fn group_deleted(&mut self, group: &str) {
        self.change_all(|transaction| {
            if let Some(offsets) = transaction.offsets.get_mut(group) {
                *offsets = Offsets::default();
            }
        });
    }

    /// Whether a transaction may yet move the offset of a group in a partition.
    pub(crate) fn may_move(&self, group: &str, topic: &str, index: i32) -> bool {
        let mut producers = self.producers.values();
        producers.any(|producer| producer.may_move(group, topic, index))
    }

    /// Changes every transaction that has not ended everywhere.
    fn change_all(&mut self, change: impl Fn(&mut Transaction)) {
        for producer in self.producers.values_mut() {
            let before = producer.clone();
            if let Some(transaction) = producer.transaction_mut() {
                change(transaction);
            }
            if *producer != before
                && let Err(error) = self.journal.append(producer)
            {
                tracing::error!(%error, transactional_id = producer.id, "transactions journal not written");
            }
        }
    }

    /// Takes note that a partition has the marker of a transaction that is ending. It is not written down: after a kill
    /// the log itself tells.
    pub(super) fn marked(&mut self, id: &str, topic: &str, index: i32) {
        let producer = self.producers.get_mut(id);
        if let Some(transaction) = producer.and_then(Producer::transaction_mut) {
            transaction.remove(topic, index);
        }
    }

    /// Takes note that a group holds the offsets of a transaction that is ending. It is not written down: after a kill it
    /// takes the same offsets once more.
    pub(super) fn landed(&mut self, id: &str, group: &str) {
        let producer = self.producers.get_mut(id);
        if let Some(transaction) = producer.and_then(Producer::transaction_mut) {
            transaction.offsets.remove(group);
        }
    }

    /// Takes partitions out of the transactions that a restart found: those that are gone, and those whose part has ended.
    /// `has_records` tells of a partition whether a producer has records of an open transaction there; `None` if it is gone.
    pub(super) fn resume(&mut self, has_records: impl Fn(i64, &str, i32) -> Option<bool>) {
        for producer in self.producers.values_mut() {
            let producer_id = producer.identity.producer_id;
            let is_ending = matches!(producer.stage, Stage::Ending(..));
            let Some(transaction) = producer.transaction_mut() else {
                continue;
            };
            for (topic, index) in transaction.partitions() {
                let has_records = has_records(producer_id, &topic, index);
                if has_records.is_none() || (is_ending && has_records == Some(false)) {
                    transaction.remove(&topic, index);
                }
            }
        }
    }

    /// The ids whose transactions have been open for too long.
    pub(super) fn due(&self, now: Instant) -> Vec<String> {
        self.ids(|producer| producer.is_due(now))
    }

    /// The ids whose transactions have not ended everywhere.
    pub(super) fn unfinished(&self) -> Vec<String> {
        self.ids(|producer| matches!(producer.stage, Stage::Ending(..)))
    }

    fn ids(&self, wanted: impl Fn(&Producer) -> bool) -> Vec<String> {
        let producers = self.producers.values().filter(|it| wanted(it));
        producers.map(|producer| producer.id.clone()).collect()
    }

    /// Rewrites the journal once most of it is history.
    pub(super) fn tidy(&mut self) {
        if self.journal.wants_compaction()
            && let Err(error) = self.compact()
        {
            tracing::error!(%error, "transactions journal not compacted");
        }
    }

    fn compact(&mut self) -> io::Result<()> {
        self.journal.rewrite(self.producers.values().cloned())
    }

    /// Writes nothing to the data directory from now on.
    pub(crate) fn close(&mut self) {
        self.journal = LineJournal::none();
    }
}
