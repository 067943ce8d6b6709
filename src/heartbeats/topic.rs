//! Writes heartbeats into one topic, which is created when it is missing, and says once what stands in the way.

use std::sync::Arc;

use tokio::time::Instant;

use super::format::Heartbeat;
use super::producer::{Producer, Rare};
use crate::clusters::Inspector;
use crate::clusters::administrator::Created;
use crate::config::Mirror;
use crate::librdkafka::admin::topic_creation::TopicSpec;
use crate::metrics::{Metrics, Stage};
use crate::retry::Delays;

const NOT_CREATED: &str = "create_topics is false; if it is missing, create it with 1 partition and cleanup.policy=compact";

/// A topic of heartbeats on one cluster.
pub(super) struct HeartbeatTopic {
    name: String,
    mirror: Arc<Mirror>,
    producer: Producer,
    inspector: Inspector,
    metrics: Metrics,
    /// Whether it has been seen to exist.
    is_there: bool,
    delays: Delays,
    create_at: Instant,
    trouble: Option<String>,
}

impl HeartbeatTopic {
    /// The topic `name` on the cluster of both clients.
    pub(super) fn new(
        name: String,
        mirror: Arc<Mirror>,
        producer: Producer,
        inspector: Inspector,
        metrics: Metrics,
    ) -> Self {
        Self {
            name,
            mirror,
            producer,
            inspector,
            metrics,
            is_there: false,
            delays: Delays::default(),
            create_at: Instant::now(),
            trouble: None,
        }
    }

    /// Writes one; answers whether the cluster acknowledged it.
    pub(super) async fn write(&mut self, heartbeat: &Heartbeat) -> bool {
        let refused = self.create().await.err();
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

    /// Creates it unless it is known to be there, or was refused just now. Another process may be faster.
    async fn create(&mut self) -> Result<(), String> {
        if self.is_there || Instant::now() < self.create_at {
            return Ok(());
        }
        if !self.mirror.create_topics {
            return Err(NOT_CREATED.to_owned());
        }
        let topic = TopicSpec {
            name: self.name.clone(),
            partitions: 1,
            replication_factor: self.replication_factor(),
            configs: vec![("cleanup.policy".to_owned(), "compact".to_owned())],
        };
        match self.inspector.create_topic(topic).await {
            Ok(Created::Now | Created::Before) => {
                self.is_there = true;
                Ok(())
            }
            Err(error) => {
                self.create_at = Instant::now() + self.delays.draw();
                Err(format!("it was not created: {error}"))
            }
        }
    }

    /// What the mirror says is meant for the target.
    fn replication_factor(&self) -> Option<std::num::NonZeroU16> {
        let is_target = self.inspector.cluster() == self.mirror.target;
        self.mirror.replication_factor.filter(|_| is_target)
    }

    async fn send(&mut self, heartbeat: &Heartbeat) -> Result<(), String> {
        let record = Rare {
            topic: &self.name,
            key: &heartbeat.key(),
            value: &heartbeat.value(),
            timestamp: heartbeat.timestamp,
        };
        let written = self.producer.write(record).await;
        written.map_err(|error| error.to_string())
    }

    fn heal(&mut self) {
        self.is_there = true;
        self.delays.reset();
        if self.trouble.take().is_some() {
            let (cluster, topic) = (self.inspector.cluster(), &self.name);
            tracing::warn!(cluster, topic, "heartbeats are written again");
        }
    }

    /// A topic that is not there any more is created again.
    fn complain(&mut self, reason: String) {
        self.is_there = false;
        if self.trouble.is_some() {
            return;
        }
        let (cluster, topic) = (self.inspector.cluster(), &self.name);
        tracing::warn!(cluster, topic, reason, "heartbeats cannot be written");
        let mirror = &self.mirror.name;
        self.metrics.error(mirror, Stage::Control, "Heartbeat");
        self.trouble = Some(reason);
    }
}
