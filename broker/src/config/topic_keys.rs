//! Lists every configuration key of a topic, with Kafka 4's defaults.

use super::definition::{Definition, Kind};

/// The largest batch that a topic takes unless configured otherwise, in bytes.
const MAX_LONG: &str = "9223372036854775807";

const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    broker_key: &'static str,
) -> Definition {
    Definition {
        name,
        kind,
        default,
        broker_key,
    }
}

/// In alphabetical order. Those that a broker without disks to tune, remote tiers or replication has no use for are
/// kept and shown, so that a client that mirrors configurations finds them again.
pub(crate) static TOPIC_KEYS: &[Definition] = &[
    key(
        "cleanup.policy",
        Kind::ListOf(&["compact", "delete"]),
        "delete",
        "log.cleanup.policy",
    ),
    key(
        "compression.gzip.level",
        Kind::Int(-1),
        "-1",
        "compression.gzip.level",
    ),
    key(
        "compression.lz4.level",
        Kind::Int(1),
        "9",
        "compression.lz4.level",
    ),
    key(
        "compression.type",
        Kind::OneOf(CODECS),
        "producer",
        "compression.type",
    ),
    key(
        "compression.zstd.level",
        Kind::Int(-131_072),
        "3",
        "compression.zstd.level",
    ),
    key(
        "delete.retention.ms",
        Kind::Long(0),
        "86400000",
        "log.cleaner.delete.retention.ms",
    ),
    key(
        "file.delete.delay.ms",
        Kind::Long(0),
        "60000",
        "log.segment.delete.delay.ms",
    ),
    key(
        "flush.messages",
        Kind::Long(1),
        MAX_LONG,
        "log.flush.interval.messages",
    ),
    key("flush.ms", Kind::Long(0), MAX_LONG, "log.flush.interval.ms"),
    key(
        "follower.replication.throttled.replicas",
        Kind::List,
        "",
        "",
    ),
    key(
        "index.interval.bytes",
        Kind::Int(0),
        "4096",
        "log.index.interval.bytes",
    ),
    key("leader.replication.throttled.replicas", Kind::List, "", ""),
    key(
        "local.retention.bytes",
        Kind::Long(-2),
        "-2",
        "log.local.retention.bytes",
    ),
    key(
        "local.retention.ms",
        Kind::Long(-2),
        "-2",
        "log.local.retention.ms",
    ),
    key(
        "max.compaction.lag.ms",
        Kind::Long(1),
        MAX_LONG,
        "log.cleaner.max.compaction.lag.ms",
    ),
    key(
        "max.message.bytes",
        Kind::Int(0),
        "1048588",
        "message.max.bytes",
    ),
    key(
        "message.timestamp.after.max.ms",
        Kind::Long(0),
        "3600000",
        "log.message.timestamp.after.max.ms",
    ),
    key(
        "message.timestamp.before.max.ms",
        Kind::Long(0),
        MAX_LONG,
        "log.message.timestamp.before.max.ms",
    ),
    key(
        "message.timestamp.type",
        Kind::OneOf(&["CreateTime", "LogAppendTime"]),
        "CreateTime",
        "log.message.timestamp.type",
    ),
    key(
        "min.cleanable.dirty.ratio",
        Kind::Ratio,
        "0.5",
        "log.cleaner.min.cleanable.ratio",
    ),
    key(
        "min.compaction.lag.ms",
        Kind::Long(0),
        "0",
        "log.cleaner.min.compaction.lag.ms",
    ),
    key(
        "min.insync.replicas",
        Kind::Int(1),
        "1",
        "min.insync.replicas",
    ),
    key("preallocate", Kind::Bool, "false", "log.preallocate"),
    key("remote.log.copy.disable", Kind::Bool, "false", ""),
    key("remote.log.delete.on.disable", Kind::Bool, "false", ""),
    key("remote.storage.enable", Kind::Bool, "false", ""),
    key(
        "retention.bytes",
        Kind::Long(-1),
        "-1",
        "log.retention.bytes",
    ),
    key(
        "retention.ms",
        Kind::Long(-1),
        "604800000",
        "log.retention.ms",
    ),
    key(
        "segment.bytes",
        Kind::Int(14),
        "1073741824",
        "log.segment.bytes",
    ),
    key(
        "segment.index.bytes",
        Kind::Int(4),
        "10485760",
        "log.index.size.max.bytes",
    ),
    key(
        "segment.jitter.ms",
        Kind::Long(0),
        "0",
        "log.roll.jitter.ms",
    ),
    key("segment.ms", Kind::Long(1), "604800000", "log.roll.ms"),
    key(
        "unclean.leader.election.enable",
        Kind::Bool,
        "false",
        "unclean.leader.election.enable",
    ),
];

/// The definition of a topic's key.
pub(crate) fn find(name: &str) -> Option<&'static Definition> {
    TOPIC_KEYS.iter().find(|definition| definition.name == name)
}
