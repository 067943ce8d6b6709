//! Lists the librdkafka properties that may not be passed through, each with its reason: a promise rests on the value,
//! or it has a key of its own here.

/// Properties that are refused for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// librdkafka's names. One that ends in `.` stands for all that begin with it, `*_cb` for all callbacks.
    pub names: &'static [&'static str],
    /// Completes "is refused: …".
    pub because: &'static str,
    /// What to write instead.
    pub instead: &'static str,
}

/// Names and ranges: librdkafka's CONFIGURATION.md.
const REFUSED: &[Refusal] = &[
    Refusal {
        names: &["bootstrap.servers", "metadata.broker.list"],
        because: "it has a key of its own",
        instead: "write `bootstrap_servers` on the cluster",
    },
    Refusal {
        names: &["security.protocol"],
        because: "it follows from `tls` and `sasl`",
        instead: "write `tls` or `sasl` on the cluster",
    },
    Refusal {
        names: &[
            "ssl.ca.location",
            "ssl.ca.pem",
            "ssl_ca",
            "ssl.ca.certificate.stores",
        ],
        because: "it has a key of its own",
        instead: "write `tls.ca` on the cluster, the path of a PEM file",
    },
    Refusal {
        names: &[
            "ssl.certificate.location",
            "ssl.certificate.pem",
            "ssl_certificate",
            "ssl.key.location",
            "ssl.key.pem",
            "ssl_key",
            "ssl.key.password",
            "ssl.keystore.location",
            "ssl.keystore.password",
        ],
        because: "it has a key of its own",
        instead: "write `tls.certificate`, `tls.key` and `tls.key_password` on the cluster",
    },
    Refusal {
        names: &["ssl.endpoint.identification.algorithm"],
        because: "it has a key of its own",
        instead: "write `tls.verify_hostname` on the cluster",
    },
    Refusal {
        names: &[
            "enable.ssl.certificate.verification",
            "ssl.certificate.verify_cb",
        ],
        because: "an unverified broker could be anyone",
        instead: "write the authority to trust as `tls.ca` on the cluster",
    },
    Refusal {
        names: &["sasl.", "enable.sasl.oauthbearer.unsecure.jwt"],
        because: "authentication has keys of its own, for PLAIN and SCRAM",
        instead: "write `sasl.mechanism`, `sasl.username` and `sasl.password` on the cluster",
    },
    Refusal {
        names: &["compression.codec", "compression.type"],
        because: "it has a key of its own",
        instead: "write `compression` on the mirror",
    },
    Refusal {
        names: &["topic.blacklist"],
        because: "topics would be left out without a word",
        instead: "write `exclude_topics` on the mirror",
    },
    Refusal {
        names: &["log_level", "log.queue"],
        because: "the client's log is part of the daemon's",
        instead: "write `log.level` at the top",
    },
    Refusal {
        names: &["acks", "request.required.acks"],
        because: "positions are committed only behind `acks=all` (I1)",
        instead: "remove it",
    },
    Refusal {
        names: &[
            "enable.auto.commit",
            "auto.commit.enable",
            "auto.commit.interval.ms",
            "enable.auto.offset.store",
            "offset.store.",
        ],
        because: "only the acknowledged prefix is committed (I1)",
        instead: "remove it; `commit_interval` on the mirror sets how often",
    },
    Refusal {
        names: &["auto.offset.reset"],
        because: "a lost position must never be reset in silence (I9)",
        instead: "remove it; `start`, `on_gap` and `on_divergence` on the mirror decide",
    },
    Refusal {
        names: &[
            "enable.idempotence",
            "enable.gapless.guarantee",
            "max.in.flight",
            "max.in.flight.requests.per.connection",
            "retries",
            "message.send.max.retries",
            "queuing.strategy",
            "msg_order_cmp",
        ],
        because: "order and single copies rest on the idempotent producer (I2)",
        instead: "remove it",
    },
    Refusal {
        names: &[
            "message.timeout.ms",
            "delivery.timeout.ms",
            "delivery.report.only.error",
        ],
        because: "every record is waited for until the target has answered (I1, I2)",
        instead: "remove it",
    },
    Refusal {
        names: &["transactional.id", "transaction.timeout.ms"],
        because: "the producer is idempotent, not transactional",
        instead: "remove it",
    },
    Refusal {
        names: &["partitioner", "partitioner_cb"],
        because: "a record keeps its partition (I2)",
        instead: "remove it",
    },
    Refusal {
        names: &["isolation.level"],
        because: "it has a key of its own",
        instead: "write `isolation` on the mirror",
    },
    Refusal {
        names: &[
            "message.max.bytes",
            "receive.message.max.bytes",
            "fetch.max.bytes",
            "fetch.message.max.bytes",
            "max.partition.fetch.bytes",
            "queued.min.messages",
            "queued.max.messages.kbytes",
            "queue.buffering.max.messages",
            "queue.buffering.max.kbytes",
        ],
        because: "the bound of the memory rests on it (I3)",
        instead: "remove it; `memory` at the top sets the bound",
    },
    Refusal {
        names: &["batch.size", "batch.num.messages"],
        because: "a batch must fit what the target topic takes",
        instead: "remove it",
    },
    Refusal {
        names: &[
            "linger.ms",
            "queue.buffering.max.ms",
            "fetch.queue.backoff.ms",
            "topic.metadata.refresh.interval.ms",
        ],
        because: "kmirror sets it, so that a value here would have no effect",
        instead: "remove it",
    },
    Refusal {
        names: &["client.id"],
        because: "clients are named after their group or mirror, so that a broker's log tells them apart",
        instead: "remove it; `name` on the mirror is part of it",
    },
    Refusal {
        names: &["group.id"],
        because: "the group is named after mirror and topic",
        instead: "remove it; `name` on the mirror is part of the group's name",
    },
    Refusal {
        names: &[
            "group.instance.id",
            "group.protocol",
            "group.protocol.type",
            "group.remote.assignor",
            "partition.assignment.strategy",
        ],
        because: "what happens at a revoke rests on it (I6)",
        instead: "remove it",
    },
    Refusal {
        names: &["enable.partition.eof"],
        because: "its events in between would move positions",
        instead: "remove it",
    },
    Refusal {
        names: &["allow.auto.create.topics"],
        because: "the source stays untouched",
        instead: "remove it; `create_topics` on the mirror creates on the target",
    },
    Refusal {
        names: &[
            "api.version.request",
            "api.version.fallback.ms",
            "broker.version.fallback",
        ],
        because: "headers and idempotence need the brokers' own versions (I4)",
        instead: "remove it",
    },
    Refusal {
        names: &[
            "statistics.interval.ms",
            "enabled_events",
            "internal.termination.signal",
            "interceptors",
            "plugin.library.paths",
            "default_topic_conf",
            "opaque",
            "*_cb",
        ],
        because: "the daemon is built around its value",
        instead: "remove it",
    },
];

/// Why `property` may not stand under `client`, when it may not: a promise rests on it, or it has a key of its own.
pub fn refused_property(property: &str) -> Option<&'static str> {
    rule_for(property).map(|rule| rule.because)
}

/// All that may not stand under `client`, as docs/configuration.md lists it.
pub fn refused_properties() -> &'static [Refusal] {
    REFUSED
}

/// The rule that covers `property`.
pub(super) fn rule_for(property: &str) -> Option<&'static Refusal> {
    let covers = |name: &&str| match name.strip_prefix('*') {
        Some(end) => property.ends_with(end),
        None => property == *name || (name.ends_with('.') && property.starts_with(*name)),
    };
    REFUSED.iter().find(|rule| rule.names.iter().any(covers))
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::error::KafkaError;
    use rdkafka::types::RDKafkaConfRes;

    use super::*;

    #[test]
    fn every_refused_name_is_one_that_librdkafka_has() {
        let native = ClientConfig::new().create_native_config().unwrap();
        let names = REFUSED
            .iter()
            .flat_map(|rule| rule.names)
            .filter(|name| !name.ends_with('.') && !name.starts_with('*'));
        for name in names {
            // Callbacks have no value to read, so that setting them tells more: it is invalid, not unknown.
            let set = ClientConfig::new().set(*name, "").create_native_config();
            let unknown = matches!(
                set,
                Err(KafkaError::ClientConfig(
                    RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN,
                    ..
                ))
            );
            assert!(!unknown || native.get(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn each_promise_is_guarded() {
        for property in [
            "enable.idempotence",
            "acks",
            "enable.auto.commit",
            "enable.auto.offset.store",
            "auto.offset.reset",
            "group.id",
            "max.in.flight.requests.per.connection",
            "sasl.password",
            "sasl.oauthbearer.client.secret",
            "offset.store.method",
            "dr_msg_cb",
            "rebalance_cb",
            "plugin.library.paths",
            "isolation.level",
            "queued.max.messages.kbytes",
        ] {
            assert!(refused_property(property).is_some(), "{property}");
        }
        assert_eq!(refused_property("client.rack"), None);
    }
}
