//! Declares every metric, in one place: name, help, labels.

mod causes;
mod declare;
mod handles;
mod rolled_up;

use std::fmt;
use std::sync::Arc;

use prometheus::{
    GaugeVec, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder,
};

use crate::config::Config;
use crate::status::State;
pub use causes::{Refused, Skipped, Stage};
use declare::Declare;
pub use declare::{Declaration, Kind};
pub use handles::{PartitionMetrics, TopicMetrics};

/// All metrics of the process.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    declarations: Arc<[Declaration]>,
    /// Whether each partition has series of its own.
    per_partition: bool,
    cluster_up: IntGaugeVec,
    mirrored_records: IntCounterVec,
    mirrored_bytes: IntCounterVec,
    lag_records: IntGaugeVec,
    lag_seconds: GaugeVec,
    replication_latency: HistogramVec,
    inflight_bytes: IntGaugeVec,
    inflight_records: IntGaugeVec,
    /// Bytes that records read and not yet acknowledged may take.
    pub memory_budget: IntGauge,
    /// Bytes that they take.
    pub memory_used: IntGauge,
    source_position: IntGaugeVec,
    committed_position: IntGaugeVec,
    skipped_records: IntCounterVec,
    partition_state: IntGaugeVec,
    errors: IntCounterVec,
    rebalances: IntCounterVec,
    topics: IntGaugeVec,
    heartbeat_age: GaugeVec,
    checkpoint_age: GaugeVec,
    group_offsets_synced: IntCounterVec,
    group_offsets_refused: IntCounterVec,
}

const PARTITION: &[&str] = &["mirror", "topic", "partition"];
const TOPIC: &[&str] = &["mirror", "topic"];

/// From a millisecond to ten minutes: a mirror's usual latency and its outages.
const LATENCY_BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0,
];

impl Metrics {
    /// Declares everything on a registry of its own.
    pub fn new() -> Self {
        let registry = Registry::new();
        let declare = Declare::on(&registry);
        declare.build_info();
        declare.process();
        let metrics = Self {
            declarations: Arc::default(),
            per_partition: true,
            cluster_up: declare.gauges(
                "kmirror_cluster_up",
                "1 when the last request to the cluster was answered, else 0.",
                &["cluster"],
            ),
            mirrored_records: declare.counters(
                "kmirror_mirrored_records_total",
                "Records that the target acknowledged.",
                PARTITION,
            ),
            mirrored_bytes: declare.counters(
                "kmirror_mirrored_bytes_total",
                "Bytes of key and value of the records that the target acknowledged.",
                PARTITION,
            ),
            lag_records: declare.gauges(
                "kmirror_lag_records",
                "Source log end minus the next unacknowledged offset.",
                PARTITION,
            ),
            lag_seconds: declare.float_gauges(
                "kmirror_lag_seconds",
                "Age of the oldest unacknowledged record, 0 when caught up: the recovery point objective.",
                PARTITION,
            ),
            replication_latency: declare.histograms(
                "kmirror_replication_latency_seconds",
                "Time from a record's timestamp to the target's acknowledgement, of the oldest record of each batch.",
                TOPIC,
            ),
            inflight_bytes: declare.gauges(
                "kmirror_inflight_bytes",
                "Bytes of the memory budget held by records read and not yet acknowledged.",
                TOPIC,
            ),
            inflight_records: declare.gauges(
                "kmirror_inflight_records",
                "Records sent and not yet acknowledged.",
                TOPIC,
            ),
            memory_budget: declare.gauge(
                "kmirror_memory_budget_bytes",
                "Bytes that records read and not yet acknowledged may take in the whole process.",
            ),
            memory_used: declare.gauge(
                "kmirror_memory_used_bytes",
                "Bytes of the memory budget in use.",
            ),
            source_position: declare.gauges(
                "kmirror_source_position",
                "Next source offset whose record is not acknowledged by the target.",
                PARTITION,
            ),
            committed_position: declare.gauges(
                "kmirror_committed_position",
                "Source offset last committed to the consumer group.",
                PARTITION,
            ),
            skipped_records: declare.counters(
                "kmirror_skipped_records_total",
                "Source offsets passed over without a copy, by cause: retention, truncation, rejected.",
                &["mirror", "topic", "partition", "cause"],
            ),
            partition_state: declare.gauges(
                "kmirror_partition_state",
                "1 for the state that the partition is in.",
                &["mirror", "topic", "partition", "state"],
            ),
            errors: declare.counters(
                "kmirror_errors_total",
                "Errors by the stage in which they came and by kind.",
                &["mirror", "stage", "kind"],
            ),
            rebalances: declare.counters(
                "kmirror_rebalances_total",
                "Times that the topic's consumer group gave partitions to this process or took them away.",
                TOPIC,
            ),
            topics: declare.gauges(
                "kmirror_topics",
                "Topics of the mirror by state.",
                &["mirror", "state"],
            ),
            heartbeat_age: declare.float_gauges(
                "kmirror_heartbeat_age_seconds",
                "Age of the newest heartbeat that crossed from the source to the target.",
                &["mirror"],
            ),
            checkpoint_age: declare.float_gauges(
                "kmirror_checkpoint_age_seconds",
                "Time since the groups' offsets were last translated and the checkpoints brought up to date.",
                &["mirror"],
            ),
            group_offsets_synced: declare.counters(
                "kmirror_group_offsets_synced_total",
                "Translated offsets written to groups on the target.",
                &["mirror"],
            ),
            group_offsets_refused: declare.counters(
                "kmirror_group_offsets_refused_total",
                "Offsets of groups that were not written to the target, each once per reason: active, backwards, not_mirrored, unknown, deleted, shared, denied, failed.",
                &["mirror", "reason"],
            ),
            registry: registry.clone(),
        };
        Self {
            declarations: declare.finish().into(),
            ..metrics
        }
    }

    /// As [`new`](Self::new); a topic's partitions are one series, without the label `partition`.
    pub fn without_partitions() -> Self {
        Self {
            per_partition: false,
            ..Self::new()
        }
    }

    /// Every metric that is declared, by name, whether it has series at the moment or not.
    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    /// The Prometheus text format, version 0.0.4.
    pub fn render(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .expect("metrics declared here always encode")
    }

    /// Makes the cluster series exist from the start, as down until heard from.
    pub fn declare_clusters(&self, config: &Config) {
        for cluster in config.clusters.keys() {
            self.cluster_up.with_label_values(&[cluster]).set(0);
        }
    }

    /// Makes the series those of another configuration: of its clusters, and without the mirrors that it lacks.
    pub fn follow(&self, old: &Config, new: &Config) {
        let gone = old.clusters.keys();
        for cluster in gone.filter(|name| !new.clusters.contains_key(*name)) {
            // An error means that the series is gone already.
            let _ = self.cluster_up.remove_label_values(&[cluster]);
        }
        let added = new.clusters.keys();
        for cluster in added.filter(|name| !old.clusters.contains_key(*name)) {
            self.set_cluster_up(cluster, false);
        }
        let has = |name: &str| new.mirrors.iter().any(|mirror| mirror.name == name);
        for mirror in old.mirrors.iter().filter(|mirror| !has(&mirror.name)) {
            for state in State::ALL {
                let labels = [mirror.name.as_str(), state.as_str()];
                let _ = self.topics.remove_label_values(&labels);
            }
        }
    }

    /// `kmirror_cluster_up`.
    pub fn set_cluster_up(&self, cluster: &str, up: bool) {
        let value = i64::from(up);
        self.cluster_up.with_label_values(&[cluster]).set(value);
    }

    /// Whether the cluster answered last time.
    pub fn cluster_is_up(&self, cluster: &str) -> bool {
        self.cluster_up.with_label_values(&[cluster]).get() == 1
    }

    /// `kmirror_errors_total`.
    pub fn error(&self, mirror: &str, stage: Stage, kind: impl fmt::Debug) {
        // An error code by its name, a text as it is.
        let kind = format!("{kind:?}");
        self.errors
            .with_label_values(&[mirror, stage.as_str(), kind.trim_matches('"')])
            .inc();
    }

    /// `kmirror_topics`: sets the count of each state.
    pub fn set_topics(&self, mirror: &str, states: &[State]) {
        for state in State::ALL {
            let count = states.iter().filter(|one| **one == state).count();
            self.topics
                .with_label_values(&[mirror, state.as_str()])
                .set(count as i64);
        }
    }

    /// `kmirror_heartbeat_age_seconds`; no series without an age.
    pub fn set_heartbeat_age(&self, mirror: &str, seconds: Option<f64>) {
        match seconds {
            Some(seconds) => self.heartbeat_age.with_label_values(&[mirror]).set(seconds),
            // An error means that the series is gone already.
            None => drop(self.heartbeat_age.remove_label_values(&[mirror])),
        }
    }

    /// `kmirror_checkpoint_age_seconds`; no series without an age.
    pub fn set_checkpoint_age(&self, mirror: &str, seconds: Option<f64>) {
        match seconds {
            Some(seconds) => self
                .checkpoint_age
                .with_label_values(&[mirror])
                .set(seconds),
            // An error means that the series is gone already.
            None => drop(self.checkpoint_age.remove_label_values(&[mirror])),
        }
    }

    /// `kmirror_group_offsets_synced_total`.
    pub fn synced_group_offsets(&self, mirror: &str, count: u64) {
        let series = self.group_offsets_synced.with_label_values(&[mirror]);
        series.inc_by(count);
    }

    /// `kmirror_group_offsets_refused_total`.
    pub fn refused_group_offset(&self, mirror: &str, reason: Refused) {
        let labels = [mirror, reason.as_str()];
        self.group_offsets_refused.with_label_values(&labels).inc();
    }

    /// Handles of one topic.
    pub fn topic(&self, mirror: &str, topic: &str) -> TopicMetrics {
        let labels = &[mirror, topic];
        TopicMetrics {
            inflight_bytes: self.inflight_bytes.with_label_values(labels),
            inflight_records: self.inflight_records.with_label_values(labels),
            replication_latency: self.replication_latency.with_label_values(labels),
            rebalances: self.rebalances.with_label_values(labels),
            labels: [mirror.to_owned(), topic.to_owned()],
            metrics: self.clone(),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
