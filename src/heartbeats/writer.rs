//! Writes the mirror's heartbeats at every interval: on the target, and on the source where that is asked for.

use std::sync::Arc;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::format::Heartbeat;
use super::pulse::Pulse;
use super::topic::{HeartbeatTopic, wanted};
use crate::board::now_ms;
use crate::clusters::own_topic::Wanted;
use crate::clusters::rare::RareProducer;
use crate::clusters::{Inspector, properties};
use crate::config::{self, HEARTBEATS_TOPIC, Heartbeats, Mirror};
use crate::metrics::Metrics;

/// A heartbeat that was not acknowledged by then is late in any case: the next one says the same.
const GIVE_UP_AFTER: &str = "5000";

/// Writes on one cluster.
pub(super) struct Writer {
    mirror: Arc<Mirror>,
    /// `heartbeats`.
    own: HeartbeatTopic,
    /// Where nothing is written on the source: the copy of the source's `heartbeats`, and whether the mirror writes that.
    copy: Option<(HeartbeatTopic, watch::Receiver<bool>)>,
    pulse: Option<Arc<Pulse>>,
}

/// What a cluster is written through.
pub(super) struct Place {
    pub(super) cluster: Arc<config::Cluster>,
    pub(super) inspector: Inspector,
}

impl Place {
    fn producer(&self, mirror: &str) -> Result<RareProducer, KafkaError> {
        RareProducer::open(&settings(&self.cluster, mirror), &self.cluster.name)
    }
}

fn settings(cluster: &config::Cluster, mirror: &str) -> ClientConfig {
    let mut settings = properties::producer(cluster, &format!("kmirror-heartbeats-{mirror}"));
    settings
        .set("acks", "all")
        .set("linger.ms", "0")
        .set("message.timeout.ms", GIVE_UP_AFTER)
        // The topic is made as MirrorMaker 2 wants it, or not at all.
        .set("allow.auto.create.topics", "false")
        .set("topic.metadata.propagation.max.ms", "1000");
    settings
}

/// Whether heartbeats that are written on the target count: with some on the source, those that come all the way are the
/// ones that do, and no other is to be taken for one.
fn counts_on_target(mirror: &Mirror) -> bool {
    mirror.heartbeats == Heartbeats::Target
}

/// Whether the copy of the source's heartbeats may be written, too.
fn writes_copy(mirror: &Mirror) -> bool {
    counts_on_target(mirror) && mirror.carries_heartbeats()
}

/// The topics that the heartbeats of `mirror` are written to on `cluster`, which is one of its ends.
pub fn wanted_topics(mirror: &Mirror, cluster: &str) -> Vec<Wanted> {
    let (is_target, mut names) = (cluster == mirror.target, Vec::new());
    match mirror.heartbeats {
        Heartbeats::Off => {}
        Heartbeats::Target if !is_target => {}
        Heartbeats::Target | Heartbeats::Both => names.push(HEARTBEATS_TOPIC.to_owned()),
    }
    if is_target && writes_copy(mirror) {
        names.push(mirror.target_name(HEARTBEATS_TOPIC));
    }
    let names = names.into_iter();
    names.map(|name| wanted(name, mirror, cluster)).collect()
}

impl Writer {
    /// Writes to the target, and to the copy of the source's heartbeats as long as `is_mirrored` is false.
    pub(super) fn on_target(
        mirror: &Arc<Mirror>,
        target: &Place,
        metrics: &Metrics,
        is_mirrored: watch::Receiver<bool>,
        pulse: &Arc<Pulse>,
    ) -> Result<Self, KafkaError> {
        let producer = target.producer(&mirror.name)?;
        let topic = |name: String| {
            let inspector = target.inspector.clone();
            let (mirror, metrics) = (Arc::clone(mirror), metrics.clone());
            HeartbeatTopic::new(name, mirror, producer.clone(), inspector, metrics)
        };
        let counts = counts_on_target(mirror);
        let copy = writes_copy(mirror).then(|| {
            let copy = topic(mirror.target_name(HEARTBEATS_TOPIC));
            (copy, is_mirrored)
        });
        Ok(Self {
            mirror: Arc::clone(mirror),
            own: topic(HEARTBEATS_TOPIC.to_owned()),
            copy,
            pulse: counts.then(|| Arc::clone(pulse)),
        })
    }

    /// Writes to the source.
    pub(super) fn on_source(
        mirror: &Arc<Mirror>,
        source: &Place,
        metrics: &Metrics,
    ) -> Result<Self, KafkaError> {
        let producer = source.producer(&mirror.name)?;
        let (name, inspector) = (HEARTBEATS_TOPIC.to_owned(), source.inspector.clone());
        let (of, metrics) = (Arc::clone(mirror), metrics.clone());
        Ok(Self {
            mirror: Arc::clone(mirror),
            own: HeartbeatTopic::new(name, of, producer, inspector, metrics),
            copy: None,
            pulse: None,
        })
    }

    /// Goes on until `stop` is said.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<()>) {
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = self.beat_for_ever() => {}
        }
        // Waits for librdkafka's threads.
        let dropped = tokio::task::spawn_blocking(move || drop(self)).await;
        dropped.expect("dropping a producer does not panic");
    }

    async fn beat_for_ever(&mut self) {
        let mut beats = tokio::time::interval(self.mirror.heartbeat_interval);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            self.beat().await;
        }
    }

    async fn beat(&mut self) {
        let heartbeat = Heartbeat {
            source: self.mirror.source.clone(),
            target: self.mirror.target.clone(),
            timestamp: now_ms(),
        };
        let copy = async {
            if let Some((copy, is_mirrored)) = &mut self.copy
                && !*is_mirrored.borrow()
            {
                copy.write(&heartbeat).await;
            }
        };
        let (acknowledged, ()) = tokio::join!(self.own.write(&heartbeat), copy);
        if let (true, Some(pulse)) = (acknowledged, &self.pulse) {
            pulse.see(heartbeat.timestamp);
        }
    }
}
