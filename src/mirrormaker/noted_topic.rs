//! Keeps the newest note of each key in one of MirrorMaker 2's topics, and says once what stands in the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaResult;

use crate::board::now_ms;
use crate::clusters::own_topic::{OwnTopic, Wanted};
use crate::clusters::rare::{Rare, RareProducer};
use crate::clusters::{Inspector, properties};
use crate::config::{self, Mirror};
use crate::metrics::{Metrics, Stage};

/// Longest time that a note may take: the next round says more.
const WRITTEN_WITHIN_MS: &str = "10000";

/// Which of so many partitions holds the notes of a key.
pub(super) type Placing = fn(&[u8], i32) -> i32;

/// Keys with their values.
pub(super) type Notes = BTreeMap<Vec<u8>, Vec<u8>>;

/// The topic on one cluster.
pub(super) struct NotedTopic {
    mirror: Arc<Mirror>,
    topic: OwnTopic,
    inspector: Inspector,
    producer: RareProducer,
    placing: Placing,
    metrics: Metrics,
    /// How many partitions it has, once it was seen.
    partitions: Option<i32>,
    written: Notes,
    trouble: Option<String>,
}

impl NotedTopic {
    /// The topic that is `wanted`, created when it is missing.
    pub(super) fn open(
        mirror: &Arc<Mirror>,
        (cluster, inspector): &(Arc<config::Cluster>, Inspector),
        wanted: Wanted,
        placing: Placing,
        metrics: &Metrics,
    ) -> KafkaResult<Self> {
        Ok(Self {
            mirror: Arc::clone(mirror),
            topic: OwnTopic::new(wanted, inspector.clone()),
            inspector: inspector.clone(),
            producer: RareProducer::open(&settings(cluster, &mirror.name), &cluster.name)?,
            placing,
            metrics: metrics.clone(),
            partitions: None,
            written: Notes::new(),
            trouble: None,
        })
    }

    /// Has everything written once more: another process may have written meanwhile.
    pub(super) fn forget(&mut self) {
        self.written.clear();
    }

    /// Writes those of `notes` that say something new, which are all that there are; answers whether the cluster
    /// acknowledged them. A key that is not among them is forgotten and not deleted: MirrorMaker 2 takes no tombstones there.
    pub(super) async fn keep(&mut self, notes: Notes) -> bool {
        self.written.retain(|key, _| notes.contains_key(key));
        let is_new = |(key, value): &(&Vec<u8>, &Vec<u8>)| self.written.get(*key) != Some(value);
        let news: Vec<_> = notes.iter().filter(is_new).collect();
        if news.is_empty() {
            return true;
        }
        let refused = self.topic.create().await.err();
        match self.write(&news).await {
            Ok(()) => {
                self.heal();
                self.written = notes;
                true
            }
            Err(error) => {
                let why = refused.map(|refused| format!("{error}; {refused}"));
                self.complain(why.unwrap_or(error));
                false
            }
        }
    }

    async fn write(&mut self, news: &[(&Vec<u8>, &Vec<u8>)]) -> Result<(), String> {
        let partitions = self.partitions().await?;
        let timestamp = now_ms();
        let records = news.iter().map(|(key, value)| Rare {
            topic: self.topic.name(),
            partition: (self.placing)(key, partitions),
            key,
            value: Some(value),
            timestamp,
        });
        let written = self.producer.write_all(records.collect()).await;
        written.map(drop).map_err(|error| error.to_string())
    }

    /// As many as it has: it may have been there before.
    async fn partitions(&mut self) -> Result<i32, String> {
        if let Some(partitions) = self.partitions {
            return Ok(partitions);
        }
        let topics = self.inspector.topics().await;
        let topics = topics.map_err(|error| error.to_string())?;
        let name = self.topic.name();
        let found = topics.iter().find(|topic| topic.name == name);
        let count = found.ok_or("the topic is not there")?.partitions;
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        self.partitions = Some(count);
        Ok(count)
    }

    fn heal(&mut self) {
        self.topic.set_there(true);
        if self.trouble.take().is_some() {
            let (cluster, topic) = (self.topic.cluster(), self.topic.name());
            tracing::warn!(cluster, topic, "MirrorMaker 2's topic is written again");
        }
    }

    /// A topic that is not there any more is created again.
    fn complain(&mut self, reason: String) {
        self.topic.set_there(false);
        self.partitions = None;
        if self.trouble.is_some() {
            return;
        }
        let (cluster, topic) = (self.topic.cluster(), self.topic.name());
        tracing::warn!(
            cluster,
            topic,
            reason,
            "MirrorMaker 2's topic cannot be written"
        );
        self.metrics
            .error(&self.mirror.name, Stage::Offsets, "MirrorMaker2");
        self.trouble = Some(reason);
    }
}

fn settings(cluster: &config::Cluster, mirror: &str) -> ClientConfig {
    let mut settings = properties::producer(cluster, &format!("kmirror-mirrormaker2-{mirror}"));
    settings
        // A note never comes behind the one that replaces it.
        .set("max.in.flight.requests.per.connection", "1")
        .set("acks", "all")
        .set("linger.ms", "0")
        .set("message.timeout.ms", WRITTEN_WITHIN_MS)
        .set("allow.auto.create.topics", "false")
        .set("topic.metadata.propagation.max.ms", "1000");
    settings
}
