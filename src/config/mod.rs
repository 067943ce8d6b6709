//! The configuration as the rest of the daemon sees it: read, substituted and validated.
//!
//! Every value here has passed validation, so no other room checks it again. Units are in the types:
//! [`Duration`], bytes as `u64`, compiled regexes.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use regex::Regex;

/// The whole file.
#[derive(Debug, Clone)]
pub struct Config {
    /// Clusters by name; every name that a mirror uses is present.
    pub clusters: BTreeMap<String, Cluster>,
    /// At least one; names are unique.
    pub mirrors: Vec<Mirror>,
    /// Address of the HTTP listener.
    pub http_listen: std::net::SocketAddr,
    /// Bytes that records read and not yet acknowledged may take in the whole process (I3).
    pub memory: u64,
    /// Longest time between a stop signal and the end of the process (I7).
    pub drain_timeout: Duration,
    /// Format and level of the log on stderr.
    pub log: Log,
}

/// How to reach one Kafka cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Key under `clusters`.
    pub name: String,
    /// `host:port`, comma-separated.
    pub bootstrap_servers: String,
    /// Encrypts the connection when present.
    pub tls: Option<Tls>,
    /// Authenticates when present.
    pub sasl: Option<Sasl>,
    /// librdkafka properties passed through; none of those a promise rests on.
    pub client: BTreeMap<String, String>,
}

/// PEM files and checks of a TLS connection.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Authorities to trust; the system's when absent.
    pub ca: Option<PathBuf>,
    /// Client certificate, given together with `key`.
    pub certificate: Option<PathBuf>,
    /// Private key of `certificate`.
    pub key: Option<PathBuf>,
    /// Opens `key` when it is encrypted.
    pub key_password: Option<Secret>,
    /// Whether the broker's certificate must carry its host name.
    pub verify_hostname: bool,
}

/// Username and password authentication.
#[derive(Debug, Clone)]
pub struct Sasl {
    /// The mechanism named to the broker.
    pub mechanism: SaslMechanism,
    /// Principal.
    pub username: String,
    /// Never printed.
    pub password: Secret,
}

/// SASL mechanisms that need a user name and a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// `PLAIN`.
    Plain,
    /// `SCRAM-SHA-256`.
    ScramSha256,
    /// `SCRAM-SHA-512`.
    ScramSha512,
}

/// A value that must not reach a log, an error or a dump.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the client's configuration only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"***\"")
    }
}

/// One direction between two clusters.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// Names groups, internal topics and metrics.
    pub name: String,
    /// Key under `clusters` to read from.
    pub source: String,
    /// Key under `clusters` to write to.
    pub target: String,
    /// Which source topics are mirrored.
    pub topics: NameFilter,
    /// Name of a topic on the target.
    pub target_topic: TopicTemplate,
    /// Where a partition without a committed position begins.
    pub start: Start,
    /// One group per topic or one for the whole mirror.
    pub consumer_groups: ConsumerGroups,
    /// Whether missing target topics are created.
    pub create_topics: bool,
    /// Of created topics; the target broker's default when absent.
    pub replication_factor: Option<NonZeroU16>,
    /// Whether target partitions follow the source's growth.
    pub sync_partitions: bool,
    /// Whether topic configs follow the source.
    pub sync_topic_configs: bool,
    /// Whether topic ACLs follow the source.
    pub sync_acls: bool,
    /// Topic configs left alone.
    pub exclude_configs: Vec<String>,
    /// Consumer groups whose offsets are translated.
    pub groups: NameFilter,
    /// Whether translated offsets are written to the target's groups.
    pub sync_group_offsets: bool,
    /// Time between two looks at topics, partitions and configs.
    pub discovery_interval: Duration,
    /// Time between two commits of the acknowledged prefix.
    pub commit_interval: Duration,
    /// Time between two checkpoints.
    pub checkpoint_interval: Duration,
    /// Where heartbeats are written.
    pub heartbeats: Heartbeats,
    /// Time between two heartbeats.
    pub heartbeat_interval: Duration,
    /// Codec of the copy.
    pub compression: Compression,
    /// What happens when source data vanished before it was read.
    pub on_gap: OnGap,
    /// What happens when the source log was cut back or recreated.
    pub on_divergence: OnDivergence,
    /// What happens when the target refuses a record for good.
    pub on_rejected: OnRejected,
}

/// Names that match one of `include` in full and none of `exclude`.
#[derive(Debug, Clone)]
pub struct NameFilter {
    /// Anchored at both ends.
    pub include: Vec<Regex>,
    /// Anchored at both ends; wins.
    pub exclude: Vec<Regex>,
}

impl NameFilter {
    /// Whether `name` is selected.
    pub fn matches(&self, name: &str) -> bool {
        self.include.iter().any(|regex| regex.is_match(name))
            && !self.exclude.iter().any(|regex| regex.is_match(name))
    }
}

/// `{source}` and `{topic}` around literal text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicTemplate(pub(crate) String);

/// Where a partition without a committed position begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The log start.
    Earliest,
    /// The log end at the moment of assignment.
    Latest,
    /// The first record at or after this time.
    At(SystemTime),
}

/// How many consumer groups a mirror uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerGroups {
    /// `kmirror.<mirror>.<topic>` for each topic.
    PerTopic,
    /// One group for the whole mirror.
    Shared,
}

/// Where heartbeats are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeats {
    /// On the target only.
    Target,
    /// On source and target, so that the whole way is seen to be alive.
    Both,
    /// Nowhere.
    Off,
}

/// Codec that the producer compresses batches with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// No compression.
    None,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard.
    Zstd,
}

/// What happens when source data vanished before it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnGap {
    /// Count it, say it, go on at the log start.
    Continue,
    /// Pause the partition.
    Pause,
}

/// What happens when the source log was cut back or recreated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDivergence {
    /// Pause the partition.
    Pause,
    /// Go on with what the source now holds.
    Continue,
}

/// What happens when the target refuses a record for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRejected {
    /// Pause the partition.
    Pause,
    /// Count the record and go on behind it.
    Skip,
}

/// The daemon's own log.
#[derive(Debug, Clone)]
pub struct Log {
    /// One line or one JSON object per event.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: tracing::Level,
}

/// Shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For collectors.
    Json,
}
