//! Knows from which offset on each leader epoch wrote, which is how a client finds out that a log was cut back (KIP-320).

use serde::{Deserialize, Serialize};

/// The epochs of one partition, oldest first, each with the offset it began at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeaderEpochs {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    epoch: i32,
    start: i64,
}

/// Where an epoch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EpochEnd {
    /// The epoch asked for, or the last one before it that wrote.
    pub(crate) epoch: i32,
    /// The offset after its last record.
    pub(crate) end_offset: i64,
}

impl LeaderEpochs {
    /// A new log, led in epoch 0 from offset 0 on.
    pub(crate) fn new() -> Self {
        Self {
            entries: vec![Entry { epoch: 0, start: 0 }],
        }
    }

    /// The epoch that writes now.
    pub(crate) fn current(&self) -> i32 {
        self.entries.last().map_or(0, |entry| entry.epoch)
    }

    /// The epoch that wrote `offset`.
    pub(crate) fn of(&self, offset: i64) -> i32 {
        let after = self.entries.partition_point(|entry| entry.start <= offset);
        self.entries[after.saturating_sub(1)].epoch
    }

    /// Where `epoch` ended in a log that ends at `log_end`; `None` for an epoch that is yet to come.
    pub(crate) fn end_of(&self, epoch: i32, log_end: i64) -> Option<EpochEnd> {
        if epoch == self.current() {
            return Some(EpochEnd {
                epoch,
                end_offset: log_end,
            });
        }
        let after = self.entries.partition_point(|entry| entry.epoch <= epoch);
        let next = self.entries.get(after)?;
        let epoch = match after.checked_sub(1) {
            Some(at) => self.entries[at].epoch,
            None => epoch,
        };
        Some(EpochEnd {
            epoch,
            end_offset: next.start,
        })
    }

    /// Begins an epoch, no earlier than any there was, where the log ends. An epoch that wrote nothing leaves no trace but its number.
    pub(crate) fn begin(&mut self, log_end: i64, epoch: i32) {
        self.entries.retain(|entry| entry.start < log_end);
        self.entries.push(Entry {
            epoch,
            start: log_end,
        });
    }

    /// Forgets the epochs that only wrote records from `log_end` on, as if they had never been; the oldest stays.
    pub(crate) fn cut(&mut self, log_end: i64) {
        let oldest = self.entries[0];
        self.entries.retain(|entry| entry.start < log_end);
        if self.entries.is_empty() {
            let start = oldest.start.min(log_end);
            self.entries.push(Entry { start, ..oldest });
        }
    }

    /// Forgets the epochs that only wrote records before `log_start`.
    pub(crate) fn advance(&mut self, log_start: i64) {
        let after = self
            .entries
            .partition_point(|entry| entry.start <= log_start);
        if let Some(first) = after.checked_sub(1) {
            self.entries.drain(..first);
            self.entries[0].start = log_start;
        }
    }
}
