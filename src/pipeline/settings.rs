//! The consumer's settings: those that the promises rest on, then those that bound and speed it up.

use rdkafka::config::ClientConfig;

use crate::clusters::properties;
use crate::config::{self, Isolation};

/// Bytes that librdkafka may prefetch for one partition, and for one answer of a broker.
#[derive(Debug, Clone, Copy, Default)]
pub struct Prefetch {
    /// Per partition.
    pub partition: u64,
    /// Per fetch answer, all partitions of the topic on one broker together.
    pub answer: u64,
}

/// What the user's properties may set otherwise.
const DEFAULTS: &[(&str, &str)] = &[
    // A member that vanished without leaving is missed after this long; librdkafka's default is 45 s.
    ("session.timeout.ms", "10000"),
    // How long a broker holds the fetch of an idle topic; each answer costs, and a record ends the wait at once.
    ("fetch.wait.max.ms", "1000"),
];

/// Settings of the consumer: those that the promises rest on, then those that bound and speed it up.
pub fn consumer(
    cluster: &config::Cluster,
    group: &str,
    isolation: Isolation,
    prefetch: Prefetch,
) -> ClientConfig {
    let mut config = properties::base(cluster, group);
    for (key, value) in DEFAULTS {
        if config.get(key).is_none() {
            config.set(*key, *value);
        }
    }
    let partition_kib = (prefetch.partition / 1024).max(1);
    config
        .set("group.id", group)
        .set("partition.assignment.strategy", "cooperative-sticky")
        // I1: only what the target acknowledged is committed, by us.
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // A position that the source does not hold is a gap or a divergence, never a silent reset.
        .set("auto.offset.reset", "error")
        .set("isolation.level", isolation.property())
        // See `PartitionQueue::position`.
        .set("enable.partition.eof", "false")
        .set("allow.auto.create.topics", "false")
        .set("queued.max.messages.kbytes", partition_kib.to_string())
        .set(
            "queued.min.messages",
            (partition_kib * 4).clamp(64, 100_000).to_string(),
        )
        .set(
            "fetch.message.max.bytes",
            prefetch.partition.min(1 << 20).to_string(),
        )
        .set("fetch.max.bytes", prefetch.answer.to_string())
        // Not a bound but a check of sanity: one record may be larger than `fetch.max.bytes` (KIP-74).
        .set("receive.message.max.bytes", "1000000000")
        // The default of a second idles a partition whose queue was full for that long.
        .set("fetch.queue.backoff.ms", "5")
        // New partitions are looked for by discovery, and leaders that moved are told by the brokers.
        .set("topic.metadata.refresh.interval.ms", "60000");
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sasl, SaslMechanism, Secret};

    fn settings_of(client: &[(&str, &str)]) -> ClientConfig {
        let client = client.iter();
        let cluster = config::Cluster {
            name: "paris".to_owned(),
            bootstrap_servers: "paris-1:9092".to_owned(),
            tls: None,
            sasl: Some(Sasl {
                mechanism: SaslMechanism::Plain,
                username: "mirror".to_owned(),
                password: Secret::new("p"),
            }),
            client: client
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let prefetch = Prefetch {
            partition: 1 << 20,
            answer: 4 << 20,
        };
        consumer(&cluster, "group", Isolation::ReadCommitted, prefetch)
    }

    #[test]
    fn the_consumer_authenticates_with_the_clusters_password() {
        assert_eq!(settings_of(&[]).get("sasl.password"), Some("p"));
    }

    #[test]
    fn the_users_session_timeout_wins_over_ours() {
        assert_eq!(settings_of(&[]).get("session.timeout.ms"), Some("10000"));
        let chosen = settings_of(&[("session.timeout.ms", "6000")]);
        assert_eq!(chosen.get("session.timeout.ms"), Some("6000"));
    }

    #[test]
    fn librdkafka_takes_every_setting() {
        assert!(settings_of(&[]).create_native_config().is_ok());
    }
}
