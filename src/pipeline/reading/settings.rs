//! The consumer's settings: those that the promises rest on, then those that bound and speed it up.

use std::time::Duration;

use rdkafka::config::ClientConfig;

use crate::clusters::properties;
use crate::config::{self, Isolation};

/// How librdkafka fetches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fetching {
    /// Bytes that it may prefetch of one partition.
    pub partition: u64,
    /// Bytes of one fetch answer, all partitions on one broker together.
    pub answer: u64,
    /// How long a broker holds a fetch when nothing is to be read. Each answer costs, and a record ends the wait at once. The
    /// user's `fetch.wait.max.ms` wins over it.
    pub wait: Duration,
}

/// A member that vanished without leaving is missed after this long; librdkafka's default is 45 s.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(10);

/// librdkafka's `heartbeat.interval.ms`.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(3);

/// Settings of the consumer: those that the promises rest on, then those that bound and speed it up.
pub fn consumer(
    cluster: &config::Cluster,
    group: &str,
    isolation: Isolation,
    fetching: Fetching,
) -> ClientConfig {
    let mut config = properties::consumer(cluster, group);
    // What the user's properties may set otherwise.
    let defaults = [
        ("session.timeout.ms", SESSION_TIMEOUT),
        ("fetch.wait.max.ms", fetching.wait),
    ];
    for (key, time) in defaults {
        if config.get(key).is_none() {
            config.set(key, time.as_millis().to_string());
        }
    }
    let partition_kib = (fetching.partition / 1024).max(1);
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
            fetching.partition.min(1 << 20).to_string(),
        )
        .set("fetch.max.bytes", fetching.answer.to_string())
        // Not a bound but a check of sanity: one record may be larger than `fetch.max.bytes` (KIP-74).
        .set("receive.message.max.bytes", "1000000000")
        // The default of a second idles a partition whose queue was full for that long.
        .set("fetch.queue.backoff.ms", "5")
        // New partitions are looked for by discovery, and leaders that moved are told by the brokers.
        .set("topic.metadata.refresh.interval.ms", "60000");
    config
}

/// A time that the settings give in milliseconds.
pub fn millis(settings: &ClientConfig, key: &str) -> Option<Duration> {
    let millis = settings.get(key)?.parse().ok()?;
    Some(Duration::from_millis(millis))
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
        let fetching = Fetching {
            partition: 1 << 20,
            answer: 4 << 20,
            wait: Duration::from_secs(1),
        };
        consumer(&cluster, "group", Isolation::ReadCommitted, fetching)
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
