//! Tells which requests a rule is about.

use std::fmt;

use kafka_protocol::messages::{ApiKey, BrokerId};
use kafka_protocol::protocol::StrBytes;

use super::glob;
use crate::api::Named;

/// A request, as rules see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// The API that is asked.
    pub(crate) api: ApiKey,
    /// The node that is asked.
    pub(crate) node: BrokerId,
    /// What the client calls itself.
    pub(crate) client_id: &'a str,
    /// What the request is about.
    pub(crate) named: &'a Named,
}

/// The conditions of a rule; all that are set must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matcher {
    pub(super) api: ApiKey,
    pub(super) node: Option<BrokerId>,
    pub(super) topic: Option<String>,
    pub(super) partition: Option<i32>,
    pub(super) client: Option<String>,
    pub(super) group: Option<String>,
    pub(super) transactional_id: Option<String>,
}

impl Matcher {
    /// Every request of an API.
    pub(super) fn all(api: ApiKey) -> Self {
        Self {
            api,
            node: None,
            topic: None,
            partition: None,
            client: None,
            group: None,
            transactional_id: None,
        }
    }

    /// Whether all conditions hold.
    pub(super) fn matches(&self, seen: Seen<'_>) -> bool {
        let client = |pattern: &String| glob::matches(pattern, seen.client_id);
        let is_among = |id: &String, names: &[StrBytes]| names.iter().any(|name| **name == **id);
        let (groups, ids) = (&seen.named.groups, &seen.named.transactional_ids);
        self.api == seen.api
            && self.node.is_none_or(|node| node == seen.node)
            && self.client.as_ref().is_none_or(client)
            && self.group.as_ref().is_none_or(|it| is_among(it, groups))
            && self
                .transactional_id
                .as_ref()
                .is_none_or(|it| is_among(it, ids))
            && self.names(seen.named)
    }

    fn names(&self, named: &Named) -> bool {
        if self.topic.is_none() && self.partition.is_none() {
            return true;
        }
        named.topics.iter().any(|(topic, partitions)| {
            self.covers_topic(topic)
                && self
                    .partition
                    .is_none_or(|index| partitions.contains(&index))
        })
    }

    /// Whether the rule is about this group, or about none in particular.
    pub(crate) fn covers_group(&self, group: &str) -> bool {
        self.group.as_ref().is_none_or(|wanted| wanted == group)
    }

    /// Whether the rule is about this transactional id, or about none in particular.
    pub(crate) fn covers_transactional_id(&self, id: &str) -> bool {
        self.transactional_id
            .as_ref()
            .is_none_or(|wanted| wanted == id)
    }

    /// Whether the rule is about this topic, or about none in particular.
    pub(crate) fn covers_topic(&self, topic: &str) -> bool {
        self.topic.as_ref().is_none_or(|wanted| wanted == topic)
    }

    /// Whether the rule is about this partition, or about none in particular.
    pub(crate) fn covers(&self, topic: &str, partition: i32) -> bool {
        self.covers_topic(topic) && self.partition.is_none_or(|wanted| wanted == partition)
    }

    /// Whether the rule is about certain partitions only, and not about whole topics.
    pub(crate) fn is_about_partitions(&self) -> bool {
        self.partition.is_some()
    }

    /// Whether the rule is about requests as a whole.
    pub(crate) fn is_about_requests(&self) -> bool {
        self.topic.is_none() && self.partition.is_none()
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.api)?;
        let mut part = |name: &str, value: Option<String>| match value {
            Some(value) => write!(out, " {name}={value}"),
            None => Ok(()),
        };
        part("node", self.node.map(|node| node.0.to_string()))?;
        part("topic", self.topic.clone())?;
        part("partition", self.partition.map(|index| index.to_string()))?;
        part("client", self.client.clone())?;
        part("group", self.group.clone())?;
        part("transactional_id", self.transactional_id.clone())
    }
}
