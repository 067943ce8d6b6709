//! Compacts a log: of the records with the same key only the last stays (KIP-58 and before).

use std::collections::{HashMap, HashSet};
use std::io;

use super::batch::{Header, StoredBatch};
use super::partition_log::PartitionLog;
use super::records::{Record, Records};
use super::rewrite;

impl PartitionLog {
    /// Compacts the log up to its last stable offset, the newest batch included, which Kafka leaves alone. Offsets do not
    /// change, so that gaps appear; the log starts and ends where it did. Records without a key go, and so do those of
    /// aborted transactions. A tombstone stays until it is `tombstone_ms` milliseconds old at `now`, by its own timestamp,
    /// and so does the marker of a transaction that has no records any more.
    ///
    /// # Errors
    /// When a batch cannot be decompressed, or the data directory cannot be written.
    pub(crate) fn compact(&mut self, now: i64, tombstone_ms: i64) -> io::Result<()> {
        let newest = self.newest_by_key()?;
        let mut left = Vec::new();
        for batch in &self.batches {
            let header = batch.header();
            let wanted = |offset: i64, record: &Record<'_>| {
                let is_newest = record
                    .key
                    .is_some_and(|key| newest.get(key) == Some(&offset));
                let time = written_at(batch, &header, record);
                let expired = record.is_tombstone && now.saturating_sub(time) >= tombstone_ms;
                is_newest && !expired
            };
            if header.is_control() || batch.last_offset >= self.last_stable() {
                left.push(batch.clone());
            } else if !self.transactions.has_aborted(&header, batch.base_offset) {
                left.extend(rewrite::keep(batch, None, wanted)?);
            }
        }
        self.drop_markers(&mut left, now.saturating_sub(tombstone_ms));
        self.replace(left)
    }

    fn newest_by_key(&self) -> io::Result<HashMap<Vec<u8>, i64>> {
        let mut newest = HashMap::new();
        let stable = self.last_stable();
        let batches = self.batches.iter();
        for batch in batches.take_while(|batch| batch.last_offset < stable) {
            let header = batch.header();
            if header.is_control() || self.transactions.has_aborted(&header, batch.base_offset) {
                continue;
            }
            let records = Records::open(&header, &batch.bytes)?;
            for record in records.iter() {
                let record = record?;
                let offset = batch.base_offset + i64::from(record.offset_delta);
                if let Some(key) = record.key {
                    newest.insert(key.to_vec(), offset);
                }
            }
        }
        Ok(newest)
    }

    /// Takes out the markers that were written at `before` or earlier, in milliseconds, and end no record that is left.
    fn drop_markers(&mut self, left: &mut Vec<StoredBatch>, before: i64) {
        let mut with_records = HashSet::new();
        let transactions = &mut self.transactions;
        left.retain(|batch| {
            let header = batch.header();
            if !header.is_control() {
                with_records.insert(header.producer_id);
                return true;
            }
            let is_needed = with_records.remove(&header.producer_id);
            let stays = is_needed || header.max_timestamp > before;
            if !stays {
                transactions.forget_marker(batch.base_offset);
            }
            stays
        });
    }
}

/// Milliseconds; a record without a timestamp is as old as its arrival.
fn written_at(batch: &StoredBatch, header: &Header, record: &Record<'_>) -> i64 {
    let own = header.base_timestamp.saturating_add(record.timestamp_delta);
    match own {
        _ if header.is_log_append_time() => header.max_timestamp,
        ..0 => batch.appended_at,
        own => own,
    }
}
