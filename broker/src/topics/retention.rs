//! Shortens the logs of a topic by age and by size.

use super::topic::Topic;

impl Topic {
    /// Applies `retention.ms` and `retention.bytes`, batch by batch, and forgets producers whose
    /// newest records are of `expired` or before.
    /// Kafka drops whole segments and so keeps up to one segment more; it also keeps compacted topics, as this does.
    pub(crate) fn enforce_retention(&mut self, now: i64, expired: i64) {
        let limits = *self.configs.resolved();
        for (index, partition) in self.partitions.iter_mut().enumerate() {
            let log = partition.log();
            let by_age = limits
                .retention_ms
                .map(|age| log.start_by_age(now.saturating_sub(age)));
            let by_size = limits.retention_bytes.map(|keep| log.start_by_size(keep));
            let start = by_age
                .max(by_size)
                .filter(|start| limits.delete && *start > log.start());
            if let Some(Err(error)) = start.map(|start| partition.log_mut().advance_start(start)) {
                tracing::error!(topic = %self.name.0, partition = index, %error, "retention not written");
            }
            partition.expire_producers(expired);
        }
    }
}
