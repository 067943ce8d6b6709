//! Cuts the end off a log, as an unclean election or an older snapshot of its disk does.

use std::io;

use super::partition_log::PartitionLog;
use super::rewrite;

/// Which epoch goes on after a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Epoch {
    /// The current one, from the cut on: a leader was elected that knows less.
    Current,
    /// The one that wrote the last record that is left: nobody remembers more.
    Remembered,
}

impl PartitionLog {
    /// Cuts the log back to end at `offset`, in the middle of a batch if need be; an offset before the start leaves nothing.
    /// What is known of producers is what the records that are left tell, as Kafka reads it from the log again. A
    /// transaction whose marker is cut off is open again, and stays so until its producer ends another one here.
    ///
    /// # Errors
    /// When `offset` is negative or beyond the end, a batch cannot be decompressed, or the data directory cannot be written.
    pub(crate) fn cut(&mut self, offset: i64, epoch: Epoch) -> io::Result<()> {
        self.check_end(offset)?;
        let mut left = Vec::new();
        for batch in &self.batches {
            if batch.last_offset < offset {
                left.push(batch.clone());
            } else if batch.base_offset < offset {
                left.extend(rewrite::keep(batch, Some(offset), |_, _| true)?);
            }
        }
        let current = self.epochs.current();
        self.epochs.cut(offset);
        if epoch == Epoch::Current {
            self.epochs.begin(offset, current);
        }
        self.start = self.start.min(offset);
        self.end = offset;
        self.producers = super::Producers::default();
        let known = std::mem::take(&mut self.transactions);
        for batch in &left {
            self.take_note(batch);
        }
        self.transactions.recall(known, offset);
        self.replace(left)
    }

    /// Whether the log could be cut back to end at `offset`.
    ///
    /// # Errors
    /// When it is negative or beyond the end.
    pub(crate) fn check_end(&self, offset: i64) -> io::Result<()> {
        if (0..=self.end).contains(&offset) {
            return Ok(());
        }
        let reason = format!("the log ends at {}, so it cannot end at {offset}", self.end);
        Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
    }

    /// Leaves nothing at all: the disk is lost. The next epoch begins at offset 0.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub(crate) fn lose(&mut self) -> io::Result<()> {
        self.begin_epoch().map_err(|error| error.source)?;
        self.cut(0, Epoch::Current)
    }

    /// Forgets every idempotent producer: the next batch of each is taken, whatever its sequence.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub(crate) fn forget_producers(&mut self) -> io::Result<()> {
        self.producers = super::Producers::default();
        self.save_start().map_err(|error| error.source)
    }
}
