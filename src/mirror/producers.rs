//! Holds the mirror's producers: one for each size of batch that its target topics take.

use std::collections::BTreeMap;

use rdkafka::error::KafkaError;
use tokio::sync::watch;

use crate::config;
use crate::target::{Target, TargetTopic};

/// Largest batches, for topics that take Kafka's default of 1,048,588 bytes or more. A larger record travels alone.
const FULL_BATCH: u32 = 1_000_000;

/// Smallest batches: below, each record would travel alone anyway.
const SMALLEST_BATCH: u32 = 1_000;

/// Producers by batch size. Topics with a limit of their own are few, and so are these.
pub struct Producers {
    cluster: config::Cluster,
    mirror: config::Mirror,
    open: BTreeMap<u32, Target>,
    fatal: watch::Sender<Option<String>>,
}

impl Producers {
    /// Opens the one that most topics use.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration: a `client` property of the cluster, a TLS file.
    pub fn open(cluster: &config::Cluster, mirror: &config::Mirror) -> Result<Self, KafkaError> {
        let mut producers = Self {
            cluster: cluster.clone(),
            mirror: mirror.clone(),
            open: BTreeMap::new(),
            fatal: watch::Sender::new(None),
        };
        producers.of_size(FULL_BATCH)?;
        Ok(producers)
    }

    /// Opens a target topic that takes batches of at most `max_message_bytes`. `None` when librdkafka refuses it.
    pub fn topic(&mut self, name: &str, max_message_bytes: u64) -> Option<TargetTopic> {
        self.of_size(batch_bytes(max_message_bytes))
            .ok()?
            .topic(name)
    }

    fn of_size(&mut self, batch_bytes: u32) -> Result<&Target, KafkaError> {
        use std::collections::btree_map::Entry;
        match self.open.entry(batch_bytes) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(place) => {
                let fatal = self.fatal.clone();
                let target = Target::open(&self.cluster, &self.mirror, batch_bytes, fatal)?;
                Ok(place.insert(target))
            }
        }
    }

    /// Waits for one of them to take nothing any more; answers with librdkafka's reason. Cancel-safe.
    pub async fn failed(&self) -> String {
        let mut fatal = self.fatal.subscribe();
        let reason = fatal.wait_for(Option::is_some).await;
        let reason = reason.expect("the sender is here");
        reason.clone().unwrap_or_default()
    }

    /// Closes all. Topics must have been dropped.
    pub async fn close(&mut self) {
        for (_, target) in std::mem::take(&mut self.open) {
            target.close().await;
        }
        self.fatal.send_replace(None);
    }
}

/// Rounded down to two digits, so that topics with about the same limit share a producer; a tenth is left for what the
/// batch adds to its records.
fn batch_bytes(max_message_bytes: u64) -> u32 {
    let room = u32::try_from(max_message_bytes / 10 * 9).unwrap_or(u32::MAX);
    if max_message_bytes >= u64::from(FULL_BATCH) + 48_000 {
        return FULL_BATCH;
    }
    let unit = 10u32.pow(room.max(1).ilog10().saturating_sub(1));
    (room / unit * unit).clamp(SMALLEST_BATCH, FULL_BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafkas_default_limit_takes_full_batches() {
        assert_eq!(batch_bytes(1_048_588), FULL_BATCH);
        assert_eq!(batch_bytes(u64::MAX), FULL_BATCH);
    }

    #[test]
    fn a_lower_limit_takes_batches_below_it() {
        assert_eq!(batch_bytes(1_000_000), 900_000);
        assert_eq!(batch_bytes(100_000), 90_000);
        assert_eq!(batch_bytes(12_345), 11_000);
        assert_eq!(batch_bytes(10), SMALLEST_BATCH);
    }
}
