//! Shows a topic's partitions as one series of each metric, for processes that have too many to show each.
//!
//! The label `partition` is empty then, which Prometheus takes for none.

use super::{Skipped, TopicMetrics};
use crate::status::{State, TopicStatus};

impl TopicMetrics {
    /// Whether its partitions have no series of their own.
    pub fn is_rolled_up(&self) -> bool {
        !self.metrics.per_partition
    }

    /// Shows how many partitions are in each state, and the lag of all; no lag where that of one is not known.
    pub fn roll_up(&self, topic: &TopicStatus) {
        let [mirror, name] = &self.labels;
        let labels = [mirror.as_str(), name, ""];
        let (records, seconds) = (&self.metrics.lag_records, &self.metrics.lag_seconds);
        // Removing what is not there is no error of anybody's.
        match topic.lag_records {
            Some(lag) => records.with_label_values(&labels).set(lag as i64),
            None => drop(records.remove_label_values(&labels)),
        }
        match topic.lag_seconds {
            Some(lag) => seconds.with_label_values(&labels).set(lag),
            None => drop(seconds.remove_label_values(&labels)),
        }
        for state in State::ALL {
            let partitions = topic.partitions.iter();
            let count = partitions.filter(|one| one.state == state).count();
            let labels = [mirror, name, "", state.as_str()];
            match count {
                0 => drop(self.metrics.partition_state.remove_label_values(&labels)),
                count => {
                    let series = self.metrics.partition_state.with_label_values(&labels);
                    series.set(count as i64);
                }
            }
        }
    }

    /// Removes what was shown of all partitions together.
    pub(super) fn remove_rolled_up(&self) {
        if !self.is_rolled_up() {
            return;
        }
        let [mirror, name] = &self.labels;
        let labels = [mirror.as_str(), name, ""];
        let metrics = &self.metrics;
        // An error means that the series is gone already.
        let _ = metrics.mirrored_records.remove_label_values(&labels);
        let _ = metrics.mirrored_bytes.remove_label_values(&labels);
        let _ = metrics.lag_records.remove_label_values(&labels);
        let _ = metrics.lag_seconds.remove_label_values(&labels);
        for cause in Skipped::ALL {
            let labels = [mirror.as_str(), name, "", cause.as_str()];
            let _ = metrics.skipped_records.remove_label_values(&labels);
        }
        for state in State::ALL {
            let labels = [mirror.as_str(), name, "", state.as_str()];
            let _ = metrics.partition_state.remove_label_values(&labels);
        }
    }
}
