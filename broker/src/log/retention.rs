//! Says where a log would start after retention by age or by size.

use super::batch::StoredBatch;
use super::partition_log::PartitionLog;

impl PartitionLog {
    /// Where the log would start if batches whose records are all older than `since`, in milliseconds, were dropped.
    pub(crate) fn start_by_age(&self, since: i64) -> i64 {
        let newest = |batch: &StoredBatch| match batch.max_timestamp {
            // Records without a timestamp are as old as their arrival.
            ..0 => batch.appended_at,
            timestamp => timestamp,
        };
        let mut batches = self.batches_from(self.start());
        self.start_at(batches.find(|batch| newest(batch) >= since))
    }

    /// Where the log would start if its oldest batches were dropped for as long as `keep` bytes remain.
    pub(crate) fn start_by_size(&self, keep: u64) -> i64 {
        let mut left = self.size();
        let mut batches = self.batches_from(self.start());
        self.start_at(batches.find(|batch| {
            left -= batch.bytes.len() as u64;
            left < keep
        }))
    }

    fn start_at(&self, first: Option<&StoredBatch>) -> i64 {
        first
            .map_or(self.end(), |batch| batch.base_offset)
            .max(self.start())
    }
}
