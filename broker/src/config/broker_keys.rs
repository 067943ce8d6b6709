//! Lists the configuration keys of a broker: those it obeys, and those that clients look for.

use super::definition::{Definition, Kind};

const MAX_LONG: &str = "9223372036854775807";
const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

/// Whether a key can be altered while the broker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Update {
    /// Only before the start.
    Static,
    /// At any time.
    Dynamic,
}

const fn fixed(name: &'static str, kind: Kind, default: &'static str) -> (Definition, Update) {
    (
        Definition {
            name,
            kind,
            default,
            broker_key: "",
        },
        Update::Static,
    )
}

const fn dynamic(name: &'static str, kind: Kind, default: &'static str) -> (Definition, Update) {
    (
        Definition {
            name,
            kind,
            default,
            broker_key: "",
        },
        Update::Dynamic,
    )
}

/// In alphabetical order, with Kafka 4's defaults but for these, which suit tests: no initial rebalance delay, sessions
/// from 100 ms on, one replica.
pub(crate) static BROKER_KEYS: &[(Definition, Update)] = &[
    fixed("advertised.listeners", Kind::Text, ""),
    fixed("authorizer.class.name", Kind::Text, ""),
    fixed("auto.create.topics.enable", Kind::Bool, "true"),
    fixed("broker.id", Kind::Int(0), "0"),
    fixed("broker.rack", Kind::Text, ""),
    dynamic("compression.gzip.level", Kind::Int(-1), "-1"),
    dynamic("compression.lz4.level", Kind::Int(1), "9"),
    dynamic("compression.type", Kind::OneOf(CODECS), "producer"),
    dynamic("compression.zstd.level", Kind::Int(-131_072), "3"),
    fixed("default.replication.factor", Kind::Int(1), "1"),
    fixed("delete.topic.enable", Kind::Bool, "true"),
    fixed("fetch.max.bytes", Kind::Int(1024), "57671680"),
    fixed("group.initial.rebalance.delay.ms", Kind::Int(0), "0"),
    fixed("group.max.session.timeout.ms", Kind::Int(1), "1800000"),
    fixed("group.min.session.timeout.ms", Kind::Int(1), "100"),
    fixed("listeners", Kind::Text, ""),
    dynamic("log.cleaner.delete.retention.ms", Kind::Long(0), "86400000"),
    dynamic("log.cleaner.max.compaction.lag.ms", Kind::Long(1), MAX_LONG),
    dynamic("log.cleaner.min.cleanable.ratio", Kind::Ratio, "0.5"),
    dynamic("log.cleaner.min.compaction.lag.ms", Kind::Long(0), "0"),
    dynamic(
        "log.cleanup.policy",
        Kind::ListOf(&["compact", "delete"]),
        "delete",
    ),
    fixed("log.dir", Kind::Text, ""),
    dynamic("log.flush.interval.messages", Kind::Long(1), MAX_LONG),
    dynamic("log.flush.interval.ms", Kind::Long(0), MAX_LONG),
    dynamic("log.index.interval.bytes", Kind::Int(0), "4096"),
    dynamic("log.index.size.max.bytes", Kind::Int(4), "10485760"),
    dynamic("log.local.retention.bytes", Kind::Long(-2), "-2"),
    dynamic("log.local.retention.ms", Kind::Long(-2), "-2"),
    dynamic(
        "log.message.timestamp.after.max.ms",
        Kind::Long(0),
        "3600000",
    ),
    dynamic(
        "log.message.timestamp.before.max.ms",
        Kind::Long(0),
        MAX_LONG,
    ),
    dynamic(
        "log.message.timestamp.type",
        Kind::OneOf(&["CreateTime", "LogAppendTime"]),
        "CreateTime",
    ),
    dynamic("log.preallocate", Kind::Bool, "false"),
    dynamic("log.retention.bytes", Kind::Long(-1), "-1"),
    fixed("log.retention.check.interval.ms", Kind::Long(1), "300000"),
    dynamic("log.retention.ms", Kind::Long(-1), "604800000"),
    dynamic("log.roll.jitter.ms", Kind::Long(0), "0"),
    dynamic("log.roll.ms", Kind::Long(1), "604800000"),
    dynamic("log.segment.bytes", Kind::Int(14), "1073741824"),
    dynamic("log.segment.delete.delay.ms", Kind::Long(0), "60000"),
    dynamic("message.max.bytes", Kind::Int(0), "1048588"),
    dynamic("min.insync.replicas", Kind::Int(1), "1"),
    fixed("node.id", Kind::Int(0), "0"),
    fixed("num.partitions", Kind::Int(1), "1"),
    fixed("offsets.topic.replication.factor", Kind::Int(1), "1"),
    fixed("process.roles", Kind::List, "broker,controller"),
    fixed("producer.id.expiration.ms", Kind::Int(1), "86400000"),
    fixed("socket.request.max.bytes", Kind::Int(1), "104857600"),
    fixed("transaction.max.timeout.ms", Kind::Int(1), "900000"),
    dynamic("unclean.leader.election.enable", Kind::Bool, "false"),
];

/// The definition of a broker's key.
pub(crate) fn find(name: &str) -> Option<&'static (Definition, Update)> {
    BROKER_KEYS
        .iter()
        .find(|(definition, _)| definition.name == name)
}
