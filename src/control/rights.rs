//! Finds topics that a client may see and not use: asked once per topic, and again for those where an ACL is missing.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use super::reason;
use crate::clusters::Inspector;
use crate::librdkafka::admin::cluster_description::AclOperation;
use crate::librdkafka::admin::topic_rights::TopicRights;
use crate::retry::Delays;

/// One right that is needed on each topic of a cluster.
pub struct Rights {
    needed: AclOperation,
    /// As Kafka's tools write it.
    name: &'static str,
    allowed: HashSet<String>,
    denied: BTreeMap<String, Denied>,
}

struct Denied {
    delays: Delays,
    again_at: Instant,
}

impl Rights {
    /// To read.
    pub fn to_read() -> Self {
        Self::new(AclOperation::RD_KAFKA_ACL_OPERATION_READ, "READ")
    }

    /// To write.
    pub fn to_write() -> Self {
        Self::new(AclOperation::RD_KAFKA_ACL_OPERATION_WRITE, "WRITE")
    }

    fn new(needed: AclOperation, name: &'static str) -> Self {
        Self {
            needed,
            name,
            allowed: HashSet::new(),
            denied: BTreeMap::new(),
        }
    }

    /// Whether a topic that was denied is to be asked about again by now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.denied.values().any(|one| one.again_at <= now)
    }

    /// Asks about those of `topics` of which it is not known that they may be used.
    pub async fn learn(&mut self, cluster: &Inspector, topics: &[&String]) {
        let now = Instant::now();
        let asked = topics.iter().filter(|topic| {
            let waits = self.denied.get(**topic).is_some_and(|it| it.again_at > now);
            !waits && !self.allowed.contains(**topic)
        });
        let asked: Vec<String> = asked.map(|topic| (*topic).clone()).collect();
        if asked.is_empty() {
            return;
        }
        match cluster.topic_rights(&asked).await {
            Ok(answers) => self.see(answers),
            // Asked again with the next plan; until then the topic itself will tell.
            Err(error) => tracing::debug!(%error, "rights cannot be read"),
        }
    }

    /// Why `topic` of `cluster` may not be used.
    pub fn missing(&self, cluster: &str, topic: &str) -> Option<String> {
        let denied = self.denied.contains_key(topic);
        denied.then(|| reason::missing_right(cluster, self.name, topic))
    }

    /// Forgets topics that are mirrored no longer.
    pub fn retain(&mut self, is_used: impl Fn(&str) -> bool) {
        self.allowed.retain(|topic| is_used(topic));
        self.denied.retain(|topic, _| is_used(topic));
    }

    /// A broker that does not tell what is allowed is believed to allow it (before KIP-430).
    fn see(&mut self, answers: Vec<TopicRights>) {
        const ALL: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_ALL;
        for TopicRights { topic, rights } in answers {
            let Ok(rights) = rights else { continue };
            let suffices = |right: &AclOperation| [self.needed, ALL].contains(right);
            if rights.is_none_or(|rights| rights.iter().any(suffices)) {
                self.denied.remove(&topic);
                self.allowed.insert(topic);
                continue;
            }
            let denied = self.denied.entry(topic).or_insert_with(|| Denied {
                delays: Delays::default(),
                again_at: Instant::now(),
            });
            denied.again_at = Instant::now() + denied.delays.draw();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_READ;
    const DESCRIBE: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_DESCRIBE;
    const ALL: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_ALL;

    fn told(topic: &str, rights: Option<Vec<AclOperation>>) -> TopicRights {
        TopicRights {
            topic: topic.to_owned(),
            rights: Ok(rights),
        }
    }

    #[test]
    fn a_right_is_missing_only_where_the_broker_says_so_and_until_it_says_otherwise() {
        let mut rights = Rights::to_read();
        rights.see(vec![
            told("enough", Some(vec![DESCRIBE, READ])),
            told("all", Some(vec![ALL])),
            told("untold", None),
            told("orders", Some(vec![DESCRIBE])),
        ]);
        for topic in ["enough", "all", "untold", "unheard-of"] {
            assert_eq!(rights.missing("paris", topic), None, "{topic}");
        }
        let missing = rights.missing("paris", "orders");
        let expected = "paris does not allow READ on topic orders; add an ACL for READ on it for the principal of clusters.paris";
        assert_eq!(missing.as_deref(), Some(expected));
        rights.see(vec![told("orders", Some(vec![READ]))]);
        assert_eq!(rights.missing("paris", "orders"), None);
    }

    #[test]
    fn a_topic_that_was_denied_is_asked_about_again() {
        let mut rights = Rights::to_write();
        let before = Instant::now();
        rights.see(vec![told("orders", Some(vec![DESCRIBE]))]);
        assert!(!rights.is_due(before));
        assert!(rights.is_due(before + std::time::Duration::from_secs(60)));
    }
}
