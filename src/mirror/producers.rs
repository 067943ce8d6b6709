//! Holds the mirror's producers: one for each size of batch that its target topics take.

use std::collections::BTreeMap;

use rdkafka::error::KafkaError;
use tokio::sync::watch;

use crate::config;
use crate::target::{Limits, Stamp, Target, TargetTopic};
use crate::wire::Wire;

/// Producers by batch size. Topics with a limit of their own are few, and so are these.
pub struct Producers {
    cluster: config::Cluster,
    mirror: config::Mirror,
    open: BTreeMap<u32, Target>,
    fatal: watch::Sender<Option<String>>,
    fences: Wire,
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
            fences: Target::fence_wire(cluster, mirror)?,
        };
        producers.of_size(Limits::default().batch_bytes())?;
        Ok(producers)
    }

    /// Opens a target topic that takes what `limits` say, and whose records get the header `stamp`. `None` when librdkafka
    /// refuses it.
    pub fn topic(
        &mut self,
        name: &str,
        limits: Limits,
        stamp: Option<Stamp>,
    ) -> Option<TargetTopic> {
        self.of_size(limits.batch_bytes()).ok()?.topic(name, stamp)
    }

    fn of_size(&mut self, batch_bytes: u32) -> Result<&Target, KafkaError> {
        use std::collections::btree_map::Entry;
        match self.open.entry(batch_bytes) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(place) => {
                let fatal = self.fatal.clone();
                let fences = self.fences.clone();
                let target = Target::open(&self.cluster, &self.mirror, batch_bytes, fatal, fences)?;
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

    /// Has all of them look up the partitions of target topics that have grown.
    pub async fn learn_partitions(&self, topics: &[String]) {
        for target in self.open.values() {
            target.learn_partitions(topics.to_vec()).await;
        }
    }

    /// Closes all. Topics must have been dropped.
    pub async fn close(&mut self) {
        for (_, target) in std::mem::take(&mut self.open) {
            target.close().await;
        }
        self.fatal.send_replace(None);
    }
}
