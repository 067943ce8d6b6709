//! The whole configuration: clusters, mirrors and what the process as such needs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::choices::LogFormat;
use super::cluster::Cluster;
use super::mirror::Mirror;

/// The whole file, substituted and valid.
#[derive(Debug, Clone)]
pub struct Config {
    /// Clusters by name; every name that a mirror uses is present.
    pub clusters: BTreeMap<String, Cluster>,
    /// At least one; names are unique.
    pub mirrors: Vec<Mirror>,
    /// Address of the HTTP listener, `http.listen`. Port 0 takes a free one.
    pub http_listen: SocketAddr,
    /// Whether `/metrics` shows each partition, `metrics.per_partition`. Without it a topic's partitions are one
    /// series, without the label `partition`: for processes with tens of thousands of them.
    pub metrics_per_partition: bool,
    /// Bytes that records read and not yet acknowledged may take in the whole process (I3), 16 MiB to 1 TiB.
    pub memory: u64,
    /// Longest time between a stop signal and the end of the process (I7), 1 ms to 24 h.
    pub drain_timeout: Duration,
    /// Format and level of the log on stderr.
    pub log: Log,
}

/// The daemon's own log.
#[derive(Debug, Clone)]
pub struct Log {
    /// One line or one JSON object per event.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: tracing::Level,
}
