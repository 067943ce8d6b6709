//! Writes heartbeats into one topic, which is created when it is missing, and says once what stands in the way.

use std::sync::Arc;

use super::format::Heartbeat;
use crate::clusters::Inspector;
use crate::clusters::own_topic::{OwnTopic, Wanted};
use crate::clusters::rare::{Rare, RareProducer};
use crate::config::Mirror;
use crate::metrics::{Metrics, Stage};

/// How the topic `name` on `cluster`, one of the ends of `mirror`, is created.
pub(super) fn wanted(name: String, mirror: &Mirror, cluster: &str) -> Wanted {
    // What the mirror says is meant for the target.
    let is_target = cluster == mirror.target;
    Wanted {
        name,
        may_create: mirror.create_topics,
        partitions: 1,
        replication_factor: mirror.replication_factor.filter(|_| is_target),
        configs: &[],
    }
}

/// A topic of heartbeats on one cluster.
pub(super) struct HeartbeatTopic {
    topic: OwnTopic,
    mirror: Arc<Mirror>,
    producer: RareProducer,
    metrics: Metrics,
    trouble: Option<String>,
}

impl HeartbeatTopic {
    /// The topic `name` on the cluster of both clients.
    pub(super) fn new(
        name: String,
        mirror: Arc<Mirror>,
        producer: RareProducer,
        inspector: Inspector,
        metrics: Metrics,
    ) -> Self {
        let wanted = wanted(name, &mirror, inspector.cluster());
        Self {
            topic: OwnTopic::new(wanted, inspector),
            mirror,
            producer,
            metrics,
            trouble: None,
        }
    }

    /// Writes one; answers whether the cluster acknowledged it.
    pub(super) async fn write(&mut self, heartbeat: &Heartbeat) -> bool {
        let refused = self.topic.create().await.err();
        match self.send(heartbeat).await {
            Ok(()) => {
                self.heal();
                true
            }
            Err(error) => {
                let why = refused.map(|refused| format!("{error}; {refused}"));
                self.complain(why.unwrap_or(error));
                false
            }
        }
    }

    async fn send(&mut self, heartbeat: &Heartbeat) -> Result<(), String> {
        let record = Rare {
            topic: self.topic.name(),
            partition: 0,
            key: &heartbeat.key(),
            value: Some(&heartbeat.value()),
            timestamp: heartbeat.timestamp,
        };
        let written = self.producer.write(record).await;
        written.map(drop).map_err(|error| error.to_string())
    }

    fn heal(&mut self) {
        self.topic.set_there(true);
        if self.trouble.take().is_some() {
            let (cluster, topic) = (self.topic.cluster(), self.topic.name());
            tracing::warn!(cluster, topic, "heartbeats are written again");
        }
    }

    /// A topic that is not there any more is created again.
    fn complain(&mut self, reason: String) {
        self.topic.set_there(false);
        if self.trouble.is_some() {
            return;
        }
        let (cluster, topic) = (self.topic.cluster(), self.topic.name());
        tracing::warn!(cluster, topic, reason, "heartbeats cannot be written");
        let mirror = &self.mirror.name;
        self.metrics.error(mirror, Stage::Control, "Heartbeat");
        self.trouble = Some(reason);
    }
}
