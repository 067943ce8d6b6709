//! Writes at every checkpoint what MirrorMaker 2 would have written, for the partitions that this process copies.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::error::KafkaResult;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::legacy::syncs_on_source;
use super::murmur2;
use super::noted_topic::{NotedTopic, Notes};
use super::offset_sync::OffsetSync;
use super::progress::Progress;
use super::standby::Ends;
use crate::clusters::TopicPartition;
use crate::clusters::own_topic::Wanted;
use crate::config::Mirror;
use crate::metrics::Metrics;
use crate::offset::SourceOffset;
use crate::offset_map::{Registered, Registry};

/// As Kafka Connect creates the topic with the progress (`offset.storage.partitions`).
const PARTITIONS: u32 = 25;

/// The maps of partitions, by what they map.
pub(super) type Maps = BTreeMap<TopicPartition, Registered>;

/// The topic on the source for what stood where.
pub fn wanted_syncs(mirror: &Mirror) -> Wanted {
    Wanted {
        name: syncs_on_source(mirror),
        may_create: mirror.create_topics,
        partitions: 1,
        // What the mirror says is meant for the target.
        replication_factor: None,
        configs: &[],
    }
}

/// The topic on the target for how far each partition was replicated.
pub fn wanted_progress(mirror: &Mirror) -> Wanted {
    Wanted {
        name: format!("mm2-offsets.{}.internal", mirror.source),
        may_create: mirror.create_topics,
        partitions: PARTITIONS,
        replication_factor: mirror.replication_factor,
        configs: &[],
    }
}

/// Writes both topics.
pub(super) struct Writer {
    mirror: Arc<Mirror>,
    /// On the source, where MirrorMaker 2 has it.
    syncs: NotedTopic,
    /// On the target.
    progress: NotedTopic,
}

impl Writer {
    /// Nothing is written yet.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses a property.
    pub(super) fn open(mirror: &Arc<Mirror>, ends: &Ends, metrics: &Metrics) -> KafkaResult<Self> {
        let (syncs, progress) = (wanted_syncs(mirror), wanted_progress(mirror));
        Ok(Self {
            mirror: Arc::clone(mirror),
            syncs: NotedTopic::open(mirror, &ends.source, syncs, |_, _| 0, metrics)?,
            progress: NotedTopic::open(
                mirror,
                &ends.target,
                progress,
                murmur2::partition,
                metrics,
            )?,
        })
    }

    /// Goes on until `stop` is said; answers with itself, for the last time.
    pub(super) async fn run(mut self, maps: Registry, mut stop: watch::Receiver<()>) -> Self {
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = self.write_for_ever(&maps) => {}
        }
        self
    }

    async fn write_for_ever(&mut self, maps: &Registry) {
        let mut rounds = tokio::time::interval(self.mirror.checkpoint_interval);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            self.write(&maps.snapshot()).await;
        }
    }

    /// Writes what `maps` say, all of it: another process may have had some of the partitions for a while.
    pub(super) async fn write_last(&mut self, maps: &Maps) -> bool {
        self.syncs.forget();
        self.progress.forget();
        self.write(maps).await
    }

    async fn write(&mut self, maps: &Maps) -> bool {
        let (mut syncs, mut progress) = (Notes::new(), Notes::new());
        for (at, Registered { map, .. }) in maps {
            let (newest, next) = {
                let map = map.lock();
                (map.newest(), map.mirrored_to())
            };
            if let Some((source, target)) = newest {
                let at = at.clone();
                let sync = OffsetSync { at, source, target };
                syncs.insert(sync.key(), sync.value());
            }
            let made = Progress {
                cluster: self.mirror.source.clone(),
                at: at.clone(),
                // Of a partition without records there is nothing to say.
                next: (next > SourceOffset::new(0)).then_some(next),
            };
            progress.extend(made.value().map(|value| (made.key(), value)));
        }
        let (syncs, progress) = tokio::join!(self.syncs.keep(syncs), self.progress.keep(progress));
        syncs && progress
    }
}
