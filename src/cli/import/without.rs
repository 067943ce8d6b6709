//! Says of the settings that have no counterpart in kmirror why, and of those that say what kmirror does anyway that they do.

/// Settings that are left out for one reason. A name that ends in `.` stands for all that begin with it.
struct Reason {
    names: &'static [&'static str],
    because: &'static str,
}

/// Names of MirrorMaker 2, Connect and Kafka's clients, without the prefixes of clusters, flows and clients.
const REASONS: &[Reason] = &[
    Reason {
        names: &["tasks.max", "tasks.max.enforce"],
        because: "the consumer group shares partitions out: start kmirror on more machines",
    },
    Reason {
        names: &["offset.lag.max"],
        because: "kmirror knows the exact counterpart of every offset",
    },
    Reason {
        names: &[
            "batch.size",
            "linger.ms",
            "buffer.memory",
            "max.request.size",
            "max.poll.records",
            "fetch.min.bytes",
            "fetch.max.bytes",
            "fetch.max.wait.ms",
            "max.partition.fetch.bytes",
            "max.block.ms",
        ],
        because: "kmirror sizes batches and buffers itself, within `memory` (256MiB) at the top of the file",
    },
    Reason {
        names: &[
            "acks",
            "enable.idempotence",
            "max.in.flight.requests.per.connection",
            "retries",
            "delivery.timeout.ms",
            "request.timeout.ms",
            "retry.backoff.ms",
            "retry.backoff.max.ms",
            "partitioner.",
        ],
        because: "the producer is always idempotent, with acks=all, and waits until the target has answered",
    },
    Reason {
        names: &["exactly.once.", "transaction.", "transactional.id"],
        because: "kmirror writes without transactions: what a crash (not a stop) repeats is what one `commit_interval` acknowledged",
    },
    Reason {
        names: &[
            "enable.auto.commit",
            "auto.commit.interval.ms",
            "offset.flush.interval.ms",
            "offset.flush.timeout.ms",
        ],
        because: "what is acknowledged is committed every `commit_interval`, 1s unless told otherwise",
    },
    Reason {
        names: &[
            "group.id",
            "group.instance.id",
            "group.protocol",
            "group.remote.assignor",
            "session.timeout.ms",
            "heartbeat.interval.ms",
            "max.poll.interval.ms",
            "rebalance.timeout.ms",
            "partition.assignment.strategy",
            "connect.protocol",
            "scheduled.rebalance.max.delay.ms",
            "worker.",
        ],
        because: "kmirror's groups are its own, one for each topic or, with `consumer_groups: shared`, one for a mirror",
    },
    Reason {
        names: &["client.id", "name"],
        because: "clients and groups are named after the mirror: its `name`",
    },
    Reason {
        names: &["offset.storage.topic", "offsets.storage.topic"],
        because: "not where the workers of an enabled flow keep their progress, which `import_offsets_topic` would name",
    },
    Reason {
        names: &["offset.storage.", "config.storage.", "status.storage."],
        because: "kmirror needs no topics of Connect",
    },
    Reason {
        names: &["emit.offset-syncs.enabled", "offset-syncs.topic."],
        because: "kmirror keeps a map of offsets of its own, on the target; with `mm2_offset_syncs` offset syncs as well, on the source",
    },
    Reason {
        names: &[
            "checkpoints.topic.replication.factor",
            "heartbeats.topic.replication.factor",
        ],
        because: "topics that kmirror creates have `replication_factor` replicas",
    },
    Reason {
        names: &["heartbeats.replication.enabled"],
        because: "heartbeat topics are mirrored as long as `heartbeats` is not off",
    },
    Reason {
        names: &[
            "sync.topic.configs.interval.seconds",
            "sync.topic.acls.interval.seconds",
        ],
        because: "configs follow at every `discovery_interval`, ACLs every 30s",
    },
    Reason {
        names: &["refresh.groups.enabled", "refresh.groups.interval.seconds"],
        because: "groups are looked for at every `checkpoint_interval`",
    },
    Reason {
        names: &["use.defaults.from"],
        because: "what only a copy has set is reset to the default of its own cluster",
    },
    Reason {
        names: &["use.incremental.alter.configs"],
        because: "kmirror alters configs one by one, which brokers know since 2.3",
    },
    Reason {
        names: &["topic.filter.class"],
        because: "a class of your own cannot be read: write what it selects as `topics` and `exclude_topics`",
    },
    Reason {
        names: &["group.filter.class"],
        because: "a class of your own cannot be read: write what it selects as `groups` and `exclude_groups`",
    },
    Reason {
        names: &["config.property.filter.class"],
        because: "a class of your own cannot be read: write what it leaves out as `exclude_configs`",
    },
    Reason {
        names: &["replication.policy."],
        because: "belongs to a replication policy of your own, which cannot be read",
    },
    Reason {
        names: &["forwarding.admin.class"],
        because: "a class of your own cannot be run: with `create_topics: false` and `sync_topic_configs: false` topics are somebody else's to manage",
    },
    Reason {
        names: &["transforms", "transforms.", "predicates", "predicates."],
        because: "kmirror never changes a record: what changed them has to run elsewhere",
    },
    Reason {
        names: &[
            "key.converter",
            "value.converter",
            "header.converter",
            "key.converter.",
            "value.converter.",
            "header.converter.",
            "key.serializer",
            "value.serializer",
            "key.deserializer",
            "value.deserializer",
        ],
        because: "records are copied as bytes",
    },
    Reason {
        names: &["errors."],
        because: "what the target refuses stops its own partition: `on_rejected` on the mirror",
    },
    Reason {
        names: &[
            "interceptor.classes",
            "plugin.",
            "connector.client.config.override.policy",
        ],
        because: "kmirror runs no classes of Java",
    },
    Reason {
        names: &[
            "metric.reporters",
            "metrics.",
            "auto.include.jmx.reporter",
            "enable.metrics.push",
            "add.source.alias.to.metrics",
        ],
        because: "metrics are served at /metrics: `http.listen` at the top of the file",
    },
    Reason {
        names: &[
            "dedicated.mode.enable.internal.rest",
            "listeners",
            "listeners.",
            "rest.",
            "admin.listeners",
            "access.control.",
            "response.http.headers.config",
            "inter.worker.",
        ],
        because: "processes of kmirror do not talk to each other, and what it serves is under `http`",
    },
    Reason {
        names: &[
            "admin.timeout.ms",
            "consumer.poll.timeout.ms",
            "poll.timeout.ms",
            "timeout.ms",
            "default.api.timeout.ms",
            "metadata.",
            "socket.connection.setup.timeout.max.ms",
            "check.crcs",
            "allow.auto.create.topics",
            "exclude.internal.topics",
            "compression.gzip.level",
            "compression.lz4.level",
            "compression.zstd.level",
        ],
        because: "kmirror chooses it itself",
    },
    Reason {
        names: &[
            "topic.creation.",
            "topic.tracking.",
            "task.",
            "config.action.reload",
        ],
        because: "there is no Connect behind kmirror",
    },
    Reason {
        names: &[
            "ssl.protocol",
            "ssl.enabled.protocols",
            "ssl.cipher.suites",
            "ssl.provider",
            "ssl.keymanager.algorithm",
            "ssl.trustmanager.algorithm",
            "ssl.secure.random.implementation",
            "ssl.engine.factory.class",
        ],
        because: "it belongs to Java's TLS: kmirror has OpenSSL, which settles on TLS 1.2 or 1.3",
    },
    Reason {
        names: &["sasl.", "security.providers"],
        because: "kmirror authenticates by PLAIN and SCRAM only",
    },
    Reason {
        names: &["config.providers", "config.providers."],
        because: "no setting that was carried over refers to it",
    },
];

/// Names with values that say what kmirror does anyway.
const DEFAULTS: &[(&str, &str)] = &[
    ("acks", "-1"),
    ("acks", "all"),
    (
        "config.property.filter.class",
        "org.apache.kafka.connect.mirror.DefaultConfigPropertyFilter",
    ),
    ("enable.auto.commit", "false"),
    ("enable.idempotence", "true"),
    ("errors.tolerance", "none"),
    ("exactly.once.source.support", "disabled"),
    (
        "group.filter.class",
        "org.apache.kafka.connect.mirror.DefaultGroupFilter",
    ),
    (
        "header.converter",
        "org.apache.kafka.connect.converters.ByteArrayConverter",
    ),
    ("heartbeats.replication.enabled", "true"),
    (
        "key.converter",
        "org.apache.kafka.connect.converters.ByteArrayConverter",
    ),
    ("refresh.groups.enabled", "true"),
    (
        "topic.filter.class",
        "org.apache.kafka.connect.mirror.DefaultTopicFilter",
    ),
    ("use.defaults.from", "target"),
    (
        "value.converter",
        "org.apache.kafka.connect.converters.ByteArrayConverter",
    ),
];

/// Why `name`, without any prefix, is left out; `None` where nobody knows it.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    let covers =
        |known: &&str| name == *known || (known.ends_with('.') && name.starts_with(*known));
    let mut reasons = REASONS.iter();
    let found = reasons.find(|reason| reason.names.iter().any(covers))?;
    Some(found.because)
}

/// Whether `name` with `value` says what kmirror does anyway.
pub(super) fn is_default(name: &str, value: &str) -> bool {
    DEFAULTS
        .iter()
        .any(|(known, usual)| *known == name && usual.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found_by_name_and_by_its_beginning() {
        for (name, part) in [
            ("tasks.max", "shares partitions out"),
            ("offset.lag.max", "exact counterpart"),
            ("batch.size", "`memory`"),
            ("offset.storage.topic", "progress"),
            ("offset.storage.replication.factor", "no topics of Connect"),
            ("transforms.a.type", "never changes a record"),
            ("sasl.kerberos.service.name", "PLAIN and SCRAM"),
        ] {
            let because = reason(name).unwrap_or_default();
            assert!(because.contains(part), "{name}: {because}");
        }
        assert_eq!(reason("tasks.maximum"), None);
    }

    #[test]
    fn the_documentation_lists_every_name() {
        let page = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/docs/migrating-from-mirrormaker2.md"
        );
        let text = std::fs::read_to_string(page).unwrap();
        for name in REASONS.iter().flat_map(|reason| reason.names) {
            let rows = text.lines().filter(|line| line.starts_with('|'));
            let mut naming = rows.filter(|row| row.contains(&format!("`{name}`")));
            // The providers have a row among what is carried over, by their form.
            let is_listed = naming.next().is_some() || name.starts_with("config.providers");
            assert!(is_listed, "no row for `{name}`");
        }
    }

    #[test]
    fn what_has_a_default_has_a_reason_for_other_values() {
        for (name, _) in DEFAULTS {
            assert!(reason(name).is_some(), "{name}");
        }
    }
}
