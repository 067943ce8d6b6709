//! Handles of one topic and of one partition, taken once.

use std::sync::atomic::{AtomicBool, Ordering};

use prometheus::{Gauge, IntCounter, IntGauge, IntGaugeVec};

use super::{Metrics, Skipped, Stage};
use crate::status::State;

/// Handles of one topic; its series vanish when this is dropped.
pub struct TopicMetrics {
    /// `kmirror_inflight_bytes`.
    pub inflight_bytes: IntGauge,
    /// `kmirror_inflight_records`.
    pub inflight_records: IntGauge,
    /// `kmirror_replication_latency_seconds`.
    pub replication_latency: prometheus::Histogram,
    /// `kmirror_rebalances_total`.
    pub rebalances: IntCounter,
    pub(super) labels: [String; 2],
    pub(super) metrics: Metrics,
}

impl TopicMetrics {
    /// Counts an error of the topic's mirror in `kmirror_errors_total`.
    pub fn error(&self, stage: Stage, kind: &str) {
        let [mirror, _] = &self.labels;
        self.metrics.error(mirror, stage, kind);
    }

    /// Handles of one partition of this topic. Without partitions its counters are shared by all of the topic, and its
    /// gauges seen by nobody: [`roll_up`](Self::roll_up) shows those.
    pub fn partition(&self, partition: i32) -> PartitionMetrics {
        let [mirror, topic] = &self.labels;
        let metrics = &self.metrics;
        let number = match metrics.per_partition {
            true => partition.to_string(),
            false => String::new(),
        };
        let labels = &[mirror.as_str(), topic, &number];
        let gauge = |gauges: &IntGaugeVec| match metrics.per_partition {
            true => gauges.with_label_values(labels),
            false => IntGauge::new("unseen", "unseen").expect("a valid name"),
        };
        PartitionMetrics {
            mirrored_records: metrics.mirrored_records.with_label_values(labels),
            mirrored_bytes: metrics.mirrored_bytes.with_label_values(labels),
            lag_records: gauge(&metrics.lag_records),
            lag_seconds: match metrics.per_partition {
                true => metrics.lag_seconds.with_label_values(labels),
                false => Gauge::new("unseen", "unseen").expect("a valid name"),
            },
            source_position: gauge(&metrics.source_position),
            committed_position: gauge(&metrics.committed_position),
            labels: [mirror.clone(), topic.clone(), number],
            metrics: metrics.clone(),
            retired: AtomicBool::new(false),
        }
    }
}

impl Drop for TopicMetrics {
    fn drop(&mut self) {
        let Metrics {
            inflight_bytes,
            inflight_records,
            replication_latency,
            rebalances,
            ..
        } = &self.metrics;
        // An error means that the series is gone already.
        let _ = inflight_bytes.remove_label_values(&self.labels);
        let _ = inflight_records.remove_label_values(&self.labels);
        let _ = replication_latency.remove_label_values(&self.labels);
        let _ = rebalances.remove_label_values(&self.labels);
        self.remove_rolled_up();
    }
}

/// Handles of one partition.
pub struct PartitionMetrics {
    /// `kmirror_mirrored_records_total`.
    pub mirrored_records: IntCounter,
    /// `kmirror_mirrored_bytes_total`.
    pub mirrored_bytes: IntCounter,
    /// `kmirror_lag_records`.
    pub lag_records: IntGauge,
    /// `kmirror_lag_seconds`.
    pub lag_seconds: Gauge,
    /// `kmirror_source_position`.
    pub source_position: IntGauge,
    /// `kmirror_committed_position`.
    pub committed_position: IntGauge,
    labels: [String; 3],
    metrics: Metrics,
    /// Whether the series are gone, or another's.
    retired: AtomicBool,
}

impl PartitionMetrics {
    /// `kmirror_skipped_records_total`.
    pub fn skip(&self, cause: Skipped, records: u64) {
        if self.is_retired() {
            return;
        }
        let [mirror, topic, partition] = &self.labels;
        self.metrics
            .skipped_records
            .with_label_values(&[mirror, topic, partition, cause.as_str()])
            .inc_by(records);
    }

    /// `kmirror_partition_state`: 1 for `state`, no series for the others.
    pub fn set_state(&self, state: State) {
        if self.is_retired() || !self.metrics.per_partition {
            return;
        }
        let [mirror, topic, partition] = &self.labels;
        for one in State::ALL {
            let labels = [mirror.as_str(), topic, partition, one.as_str()];
            if one == state {
                let series = self.metrics.partition_state.with_label_values(&labels);
                series.set(1);
            } else {
                let _ = self.metrics.partition_state.remove_label_values(&labels);
            }
        }
    }

    fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }

    /// Leaves the series to others: what is still told to these handles counts no more.
    pub fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Removes its series; those that it shares with its topic's others stay.
    pub fn remove(&self) {
        self.retire();
        if !self.metrics.per_partition {
            return;
        }
        let Metrics {
            mirrored_records,
            mirrored_bytes,
            lag_records,
            lag_seconds,
            source_position,
            committed_position,
            ..
        } = &self.metrics;
        // An error means that the series is gone already.
        let _ = mirrored_records.remove_label_values(&self.labels);
        let _ = mirrored_bytes.remove_label_values(&self.labels);
        let _ = lag_seconds.remove_label_values(&self.labels);
        for gauge in [lag_records, source_position, committed_position] {
            let _ = gauge.remove_label_values(&self.labels);
        }
        let [mirror, topic, partition] = &self.labels;
        for cause in Skipped::ALL {
            let labels = [mirror, topic, partition, cause.as_str()];
            let _ = self.metrics.skipped_records.remove_label_values(&labels);
        }
        for state in State::ALL {
            let labels = [mirror, topic, partition, state.as_str()];
            let _ = self.metrics.partition_state.remove_label_values(&labels);
        }
    }
}
