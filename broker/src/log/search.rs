//! Finds records by their timestamps, looking inside batches where the header does not tell.

use std::io;

use super::batch::StoredBatch;
use super::epochs::LeaderEpochs;
use super::partition_log::PartitionLog;
use super::records::Records;

/// A place in the log; all fields are -1 when there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Located {
    /// The offset of the record.
    pub(crate) offset: i64,
    /// Milliseconds; -1 where no record was looked at.
    pub(crate) timestamp: i64,
    /// The epoch that wrote it.
    pub(crate) leader_epoch: i32,
}

impl Located {
    /// There is no such place.
    pub(crate) const NOWHERE: Self = Self {
        offset: -1,
        timestamp: -1,
        leader_epoch: -1,
    };
}

/// A search that needs the lock no more: it holds the batches that may contain the record.
#[derive(Debug)]
pub(crate) struct Search {
    candidates: Vec<StoredBatch>,
    from: i64,
    at_least: i64,
    epochs: LeaderEpochs,
}

impl PartitionLog {
    /// A place that is known by its offset alone.
    pub(crate) fn locate(&self, offset: i64) -> Located {
        Located {
            offset,
            timestamp: -1,
            leader_epoch: self.epochs().of(offset),
        }
    }

    /// Looks for the first record that is not older than `time`, in milliseconds.
    pub(crate) fn search_time(&self, time: i64) -> Search {
        let mut batches = self
            .batches_from(self.start())
            .filter(|batch| batch.max_timestamp >= time);
        // The first batch holds it, unless its record was deleted from the front; then the second does.
        self.search(batches.by_ref().take(2).cloned().collect(), time)
    }

    /// Looks for the record with the largest timestamp, the first of them if there are several.
    pub(crate) fn search_newest(&self) -> Search {
        let newest = self
            .batches_from(self.start())
            .map(|batch| batch.max_timestamp)
            .max()
            .unwrap_or(-1);
        let first = self
            .batches_from(self.start())
            .find(|batch| batch.max_timestamp == newest && newest >= 0);
        self.search(first.cloned().into_iter().collect(), newest)
    }

    fn search(&self, candidates: Vec<StoredBatch>, at_least: i64) -> Search {
        Search {
            candidates,
            from: self.start(),
            at_least,
            epochs: self.epochs().clone(),
        }
    }
}

impl Search {
    /// Looks inside the candidates, first to last.
    ///
    /// # Errors
    /// When a batch cannot be decompressed, which only its producer could have seen to.
    pub(crate) fn run(self) -> io::Result<Located> {
        for batch in &self.candidates {
            if let Some((offset, timestamp)) = self.look_inside(batch)? {
                return Ok(Located {
                    offset,
                    timestamp,
                    leader_epoch: self.epochs.of(offset),
                });
            }
        }
        Ok(Located::NOWHERE)
    }

    fn look_inside(&self, batch: &StoredBatch) -> io::Result<Option<(i64, i64)>> {
        let header = batch.header();
        if header.is_log_append_time() {
            return Ok(Some((
                batch.base_offset.max(self.from),
                header.max_timestamp,
            )));
        }
        let records = Records::open(&header, &batch.bytes)?;
        for record in records.iter() {
            let record = record?;
            let offset = batch.base_offset + i64::from(record.offset_delta);
            let timestamp = header.base_timestamp.saturating_add(record.timestamp_delta);
            if timestamp >= self.at_least && offset >= self.from {
                return Ok(Some((offset, timestamp)));
            }
        }
        Ok(None)
    }
}
