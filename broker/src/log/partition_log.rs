//! Appends to, reads from and shortens the log of one partition.

use std::collections::VecDeque;
use std::io;

use bytes::{Bytes, BytesMut};
use kafka_protocol::error::ResponseError;

use super::batch::{self, StoredBatch};
use super::epochs::LeaderEpochs;
use super::incoming::{Incoming, Rejected};
use super::marker::{Ending, Marker};
use super::producers::{Producers, Verdict};
use super::transactions::{Aborted, Transactions};
use crate::store::{Checkpoint, PartitionDir, StoreError};

/// What the topic's configuration and the moment say about an append.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AppendRules {
    /// `message.timestamp.type=LogAppendTime`.
    pub(crate) log_append_time: bool,
    /// `segment.bytes`.
    pub(crate) segment_bytes: u64,
    /// The clock, in milliseconds.
    pub(crate) now: i64,
    /// Whether there is no space for it.
    pub(crate) disk_full: bool,
    /// Why the transaction of the batch does not take it now. A repeat of what it took before is recognised all the same.
    pub(crate) denied: Option<ResponseError>,
}

/// Where a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    /// The offset of its first record.
    pub(crate) base_offset: i64,
    /// Milliseconds, where the broker stamps the records.
    pub(crate) log_append_time: Option<i64>,
}

/// Which records a reader is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// All of them (`read_uncommitted`).
    Uncommitted,
    /// None of open transactions, nor what comes after them; and it is told which were aborted (`read_committed`).
    Committed,
}

/// What a read found: whole batches, shared with the log.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    /// In offset order; the first may begin before the offset asked for.
    pub(crate) batches: Vec<Bytes>,
    /// The size of all of them, in bytes.
    pub(crate) size: usize,
    /// For a reader of committed records: the transactions whose records among them do not count.
    pub(crate) aborted: Vec<Aborted>,
}

/// Whole batches between a start that retention moves and an end that appends move.
#[derive(Debug)]
pub(crate) struct PartitionLog {
    pub(super) batches: VecDeque<StoredBatch>,
    pub(super) start: i64,
    pub(super) end: i64,
    size: u64,
    pub(super) epochs: LeaderEpochs,
    pub(super) producers: Producers,
    pub(super) transactions: Transactions,
    dir: Option<PartitionDir>,
}

impl PartitionLog {
    /// An empty log, kept in `dir` as well when there is one.
    pub(crate) fn new(dir: Option<PartitionDir>) -> Self {
        Self {
            batches: VecDeque::new(),
            start: 0,
            end: 0,
            size: 0,
            epochs: LeaderEpochs::new(),
            producers: Producers::default(),
            transactions: Transactions::default(),
            dir,
        }
    }

    /// Reads a log back from its directory: the checkpoint, then the batches, of which those after the checkpoint tell
    /// what producers have written since, and which transactions they are in.
    pub(crate) fn load(mut dir: PartitionDir, now: i64) -> Result<Self, StoreError> {
        let checkpoint = dir.load_checkpoint()?;
        let batches = dir.load_batches()?;
        let mut log = Self::new(Some(dir));
        let known_to = checkpoint
            .as_ref()
            .map_or(0, |checkpoint| checkpoint.log_end);
        if let Some(checkpoint) = checkpoint {
            (log.start, log.end) = (checkpoint.log_start, checkpoint.log_start);
            (log.epochs, log.producers) = (checkpoint.epochs, checkpoint.producers);
            log.transactions = checkpoint.transactions;
        }
        for bytes in batches {
            let batch = StoredBatch::new(bytes, now);
            if batch.base_offset >= known_to {
                log.take_note(&batch);
            }
            if batch.last_offset >= log.start {
                log.push(batch);
            }
        }
        // Compaction may have taken the last records, whose offsets are not given out again.
        log.end = log.end.max(known_to);
        Ok(log)
    }

    /// Writes nothing any more, so that another cluster can take over the directory.
    pub(crate) fn detach(&mut self) {
        self.dir = None;
    }

    /// The first offset that can be read.
    pub(crate) fn start(&self) -> i64 {
        self.start
    }

    /// The offset that the next record gets; also the high watermark, since an append is on all replicas at once.
    pub(crate) fn end(&self) -> i64 {
        self.end
    }

    /// The offset up to which a `read_committed` consumer may read: the first of the oldest open transaction, as far as
    /// the log still has it.
    pub(crate) fn last_stable(&self) -> i64 {
        let first_open = self.transactions.first_open();
        first_open.map_or(self.end, |offset| offset.max(self.start))
    }

    /// Whether a producer has records here of which nobody knows yet whether they count.
    pub(crate) fn has_open_transaction(&self, producer_id: i64) -> bool {
        self.transactions.is_open(producer_id)
    }

    /// Bytes of all batches.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The history of its leaders.
    pub(crate) fn epochs(&self) -> &LeaderEpochs {
        &self.epochs
    }

    /// Appends a batch, or recognises it as one that is there already. The sequence window moves in the same step.
    ///
    /// # Errors
    /// As [`Producers::judge`]; what denies it in a transaction; `INVALID_TXN_STATE` when it is in none although its
    /// producer has one open here; `KAFKA_STORAGE_ERROR` when the data directory cannot be written. The log is unchanged.
    pub(crate) fn append(
        &mut self,
        incoming: Incoming,
        rules: AppendRules,
    ) -> Result<Appended, Rejected> {
        let Incoming { header, mut bytes } = incoming;
        match (self.producers.judge(&header), rules.denied) {
            (Ok(Verdict::Repeat { base_offset }), _) => return Ok(self.appended(base_offset)),
            (Err(error), _) | (Ok(Verdict::Next), Some(error)) => return Err(error.into()),
            (Ok(Verdict::Next), None) => {}
        }
        if self.transactions.is_open(header.producer_id) && !header.is_transactional() {
            let message = "The producer has a transaction open, which the batch is not part of";
            return Err(Rejected::batch(ResponseError::InvalidTxnState, message));
        }
        if rules.log_append_time {
            batch::stamp(&mut bytes, &header, rules.now);
        }
        let base_offset = self.write(bytes, rules)?;
        Ok(self.appended(base_offset))
    }

    /// Appends the marker that ends a producer's transaction here.
    ///
    /// # Errors
    /// `KAFKA_STORAGE_ERROR` when the data directory cannot be written, with the log unchanged.
    pub(crate) fn append_marker(
        &mut self,
        marker: Marker,
        rules: AppendRules,
    ) -> Result<(), Rejected> {
        self.write(marker.to_batch(rules.now), rules).map(|_| ())
    }

    /// What is answered for a batch that the log has or had, the first time as when it is sent again.
    fn appended(&self, base_offset: i64) -> Appended {
        let found = self.batches_from(base_offset).next();
        let stamped = found.filter(|batch| {
            batch.base_offset == base_offset && batch.header().is_log_append_time()
        });
        Appended {
            base_offset,
            log_append_time: stamped.map(|batch| batch.max_timestamp),
        }
    }

    /// Writes a batch at the end of the log, and gives its offset.
    fn write(&mut self, mut bytes: BytesMut, rules: AppendRules) -> Result<i64, Rejected> {
        let failed = |message: String| Rejected::batch(ResponseError::KafkaStorageError, message);
        if rules.disk_full {
            return Err(failed("No space left on device".to_owned()));
        }
        let base_offset = self.end;
        batch::assign(&mut bytes, base_offset, self.epochs.current());
        let bytes = bytes.freeze();
        if let Some(dir) = &mut self.dir {
            dir.append(base_offset, &bytes, rules.segment_bytes)
                .map_err(|error| failed(error.to_string()))?;
        }
        let batch = StoredBatch::new(bytes, rules.now);
        self.take_note(&batch);
        self.push(batch);
        Ok(base_offset)
    }

    /// Notes what a batch tells of its producer and its transaction.
    pub(super) fn take_note(&mut self, batch: &StoredBatch) {
        let (header, offset) = (batch.header(), batch.base_offset);
        self.producers.record(&header, offset);
        let ending = Ending::of(&header, &batch.bytes);
        self.transactions.record(&header, offset, ending);
    }

    fn push(&mut self, batch: StoredBatch) {
        self.end = batch.last_offset + 1;
        self.size += batch.bytes.len() as u64;
        self.batches.push_back(batch);
    }

    /// The offset up to which a reader may read.
    pub(crate) fn end_for(&self, isolation: Isolation) -> i64 {
        match isolation {
            Isolation::Uncommitted => self.end,
            Isolation::Committed => self.last_stable(),
        }
    }

    /// Whole batches from the one that holds `offset` on, at most `max_bytes` of them. With `at_least_one` the first is
    /// given whatever its size, so that no batch is too large to be read (KIP-74).
    pub(crate) fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        at_least_one: bool,
        isolation: Isolation,
    ) -> Slice {
        let mut slice = Slice::default();
        let (mut last, end) = (offset, self.end_for(isolation));
        let batches = self.batches_from(offset);
        for batch in batches.take_while(|batch| batch.last_offset < end) {
            let owed = at_least_one && slice.batches.is_empty();
            if slice.size + batch.bytes.len() > max_bytes && !owed {
                break;
            }
            last = batch.last_offset;
            slice.size += batch.bytes.len();
            slice.batches.push(batch.bytes.clone());
        }
        if isolation == Isolation::Committed && !slice.batches.is_empty() {
            slice.aborted = self.transactions.aborted_between(offset, last);
        }
        slice
    }

    /// The batches from the one that holds `offset` on.
    pub(crate) fn batches_from(&self, offset: i64) -> impl Iterator<Item = &StoredBatch> {
        self.batches.range(self.index_of(offset)..)
    }

    fn index_of(&self, offset: i64) -> usize {
        self.batches
            .partition_point(|batch| batch.last_offset < offset)
    }

    /// Begins a new leader epoch where the log ends.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub(crate) fn begin_epoch(&mut self) -> Result<(), StoreError> {
        self.epochs.begin(self.end, self.epochs.current() + 1);
        self.save_start()
    }

    /// Moves the start of the log up to `offset` and drops the batches that lie wholly before it. Never moves back, nor
    /// past the end.
    ///
    /// # Errors
    /// When the data directory cannot be written. The log in memory is shorter all the same.
    pub(crate) fn advance_start(&mut self, offset: i64) -> Result<(), StoreError> {
        if offset <= self.start || offset > self.end {
            return Ok(());
        }
        self.start = offset;
        self.epochs.advance(offset);
        self.transactions.advance(offset);
        while self
            .batches
            .front()
            .is_some_and(|batch| batch.last_offset < offset)
        {
            let dropped = self.batches.pop_front().expect("there is a front");
            self.size -= dropped.bytes.len() as u64;
        }
        self.save_start()
    }

    /// The checkpoint comes first: a segment may only go once nothing but the checkpoint need know its producers.
    pub(super) fn save_start(&mut self) -> Result<(), StoreError> {
        let checkpoint = self.checkpoint();
        let Some(dir) = &mut self.dir else {
            return Ok(());
        };
        dir.save_checkpoint(&checkpoint)?;
        dir.drop_before(self.start)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            log_start: self.start,
            log_end: self.end,
            epochs: self.epochs.clone(),
            producers: self.producers.clone(),
            transactions: self.transactions.clone(),
        }
    }

    /// Puts other batches in the place of all there are; start and end stay what they are.
    pub(super) fn replace(&mut self, batches: Vec<StoredBatch>) -> io::Result<()> {
        self.size = batches.iter().map(|batch| batch.bytes.len() as u64).sum();
        self.batches = batches.into();
        let checkpoint = self.checkpoint();
        let Some(dir) = &mut self.dir else {
            return Ok(());
        };
        let batches = self.batches.iter();
        let batches = batches.map(|batch| (batch.base_offset, &batch.bytes[..]));
        dir.replace(batches, &checkpoint)
            .map_err(|error| error.source)
    }

    /// Forgets idempotent producers whose newest records are of `until` or before, in milliseconds.
    pub(crate) fn expire_producers(&mut self, until: i64) {
        let transactions = &self.transactions;
        self.producers.expire(until, |id| transactions.is_open(id));
    }
}
