//! Creates a topic that kmirror itself writes, and waits between attempts that are refused.

use std::num::NonZeroU16;

use tokio::time::Instant;

use super::Inspector;
use super::administrator::Created;
use crate::librdkafka::admin::topic_creation::TopicSpec;
use crate::retry::Delays;

/// Has the broker stamp the records, so that none is refused, however far apart the clocks are.
pub const STAMPED_BY_THE_BROKER: (&str, &str) = ("message.timestamp.type", "LogAppendTime");

/// What a compacted topic of kmirror is to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Whether kmirror may create it (`create_topics`).
    pub may_create: bool,
    /// Partitions to create it with.
    pub partitions: u32,
    /// Replicas of each; the broker's default where it is not said.
    pub replication_factor: Option<NonZeroU16>,
    /// Configs beside `cleanup.policy=compact`.
    pub configs: &'static [(&'static str, &'static str)],
}

impl Wanted {
    /// How it is created.
    pub fn spec(&self) -> TopicSpec {
        let configs = [("cleanup.policy", "compact")].into_iter();
        let configs = configs.chain(self.configs.iter().copied());
        TopicSpec {
            name: self.name.clone(),
            partitions: self.partitions,
            replication_factor: self.replication_factor,
            configs: configs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    /// What somebody else is to do where kmirror may not create it.
    pub fn remedy(&self) -> String {
        format!(
            "create_topics is false; if it is missing, create it with cleanup.policy=compact and partitions={}",
            self.partitions
        )
    }
}

/// A compacted topic of kmirror on one cluster.
pub struct OwnTopic {
    wanted: Wanted,
    inspector: Inspector,
    /// Whether it has been seen to exist.
    is_there: bool,
    delays: Delays,
    create_at: Instant,
}

impl OwnTopic {
    /// The topic on the cluster that `inspector` asks.
    pub fn new(wanted: Wanted, inspector: Inspector) -> Self {
        Self {
            wanted,
            inspector,
            is_there: false,
            delays: Delays::default(),
            create_at: Instant::now(),
        }
    }

    /// Wants it otherwise, should it have to be created; its name stays.
    pub fn want(&mut self, wanted: Wanted) {
        debug_assert_eq!(wanted.name, self.wanted.name, "it is the same topic");
        self.wanted = wanted;
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.wanted.name
    }

    /// The cluster that it is on.
    pub fn cluster(&self) -> &str {
        self.inspector.cluster()
    }

    /// Creates it unless it is known to be there, or was refused just now. Another process may be faster.
    ///
    /// # Errors
    ///
    /// Why it was not created.
    pub async fn create(&mut self) -> Result<(), String> {
        if self.is_there || Instant::now() < self.create_at {
            return Ok(());
        }
        if !self.wanted.may_create {
            return Err(self.wanted.remedy());
        }
        match self.inspector.create_topic(self.wanted.spec()).await {
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

    /// Notes whether it is there: one that was written to is, and one that refused a record is created again.
    pub fn set_there(&mut self, is_there: bool) {
        self.is_there = is_there;
        if is_there {
            self.delays.reset();
        }
    }
}
