//! Holds one topic's configuration: what was set on it, and what follows from that.

use std::collections::BTreeMap;

use super::broker::BrokerConfigs;
use super::definition::{Definition, Invalid};
use super::topic_keys;

/// The keys set on a topic; every other follows the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicConfigs {
    set: BTreeMap<String, String>,
    resolved: Resolved,
}

/// The values that the broker obeys, read once per change and not once per batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// `cleanup.policy` names `compact`: records must have keys.
    pub(crate) compact: bool,
    /// `cleanup.policy` names `delete`: retention applies.
    pub(crate) delete: bool,
    /// `message.timestamp.type` is `LogAppendTime`.
    pub(crate) log_append_time: bool,
    /// Bytes of the largest batch taken.
    pub(crate) max_message_bytes: usize,
    /// How far after the broker's clock a timestamp may lie, in milliseconds (KIP-937).
    pub(crate) timestamp_after_max_ms: i64,
    /// How far before the broker's clock a timestamp may lie, in milliseconds.
    pub(crate) timestamp_before_max_ms: i64,
    /// Milliseconds that a tombstone outlives its compaction.
    pub(crate) delete_retention_ms: i64,
    /// Replicas that must be in sync for `acks=all`.
    pub(crate) min_insync_replicas: usize,
    /// Milliseconds; `None` keeps records of any age.
    pub(crate) retention_ms: Option<i64>,
    /// Bytes per partition; `None` keeps any amount.
    pub(crate) retention_bytes: Option<u64>,
    /// Bytes after which a new segment file is begun.
    pub(crate) segment_bytes: u64,
}

impl TopicConfigs {
    /// Checks and resolves what is set on a topic.
    ///
    /// # Errors
    /// For the first key that is unknown or whose value does not fit it.
    pub(crate) fn new(
        set: BTreeMap<String, String>,
        broker: &BrokerConfigs,
    ) -> Result<Self, Invalid> {
        for (key, value) in &set {
            Self::definition(key)?.check(value)?;
        }
        let resolved = Resolved::of(&set, broker);
        Ok(Self { set, resolved })
    }

    /// The keys set on the topic itself.
    pub(crate) fn set(&self) -> &BTreeMap<String, String> {
        &self.set
    }

    /// What the broker obeys.
    pub(crate) fn resolved(&self) -> &Resolved {
        &self.resolved
    }

    /// Looks again at what is not set on the topic, after the broker's configuration changed.
    pub(crate) fn refresh(&mut self, broker: &BrokerConfigs) {
        self.resolved = Resolved::of(&self.set, broker);
    }

    /// The value of a key that is not set on the topic: the broker's, or the default.
    pub(crate) fn inherited<'a>(broker: &'a BrokerConfigs, definition: &'a Definition) -> &'a str {
        match BrokerConfigs::definition(definition.broker_key) {
            Ok(inherited) => broker.get(inherited),
            Err(_) => definition.default,
        }
    }

    /// Every key of a topic, in alphabetical order.
    pub(crate) fn definitions() -> impl Iterator<Item = &'static Definition> {
        topic_keys::TOPIC_KEYS.iter()
    }

    /// The definition of a topic's key.
    pub(crate) fn definition(key: &str) -> Result<&'static Definition, Invalid> {
        topic_keys::find(key).ok_or_else(|| Invalid::Unknown {
            key: key.to_owned(),
        })
    }
}

impl Resolved {
    fn of(set: &BTreeMap<String, String>, broker: &BrokerConfigs) -> Self {
        let text = |key: &str| {
            let definition =
                topic_keys::find(key).expect("the broker asks for keys of its own table");
            set.get(key)
                .map_or_else(
                    || TopicConfigs::inherited(broker, definition),
                    String::as_str,
                )
                .trim()
        };
        let number = |key: &str| {
            text(key)
                .parse::<i64>()
                .expect("numbers are checked when they are set")
        };
        let policies: Vec<&str> = text("cleanup.policy").split(',').map(str::trim).collect();
        Self {
            compact: policies.contains(&"compact"),
            delete: policies.contains(&"delete"),
            log_append_time: text("message.timestamp.type") == "LogAppendTime",
            max_message_bytes: usize::try_from(number("max.message.bytes")).unwrap_or(0),
            timestamp_after_max_ms: number("message.timestamp.after.max.ms"),
            timestamp_before_max_ms: number("message.timestamp.before.max.ms"),
            delete_retention_ms: number("delete.retention.ms"),
            min_insync_replicas: usize::try_from(number("min.insync.replicas")).unwrap_or(1),
            retention_ms: Some(number("retention.ms")).filter(|limit| *limit >= 0),
            retention_bytes: u64::try_from(number("retention.bytes")).ok(),
            segment_bytes: u64::try_from(number("segment.bytes")).unwrap_or(u64::MAX),
        }
    }
}
