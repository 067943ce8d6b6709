//! Knows how old the newest heartbeat is that crossed from the source to the target.

use crate::board::Age;
use crate::metrics::Metrics;

/// One mirror's pulse.
pub struct Pulse {
    mirror: String,
    metrics: Metrics,
    /// Of the newest heartbeat that crossed, by when it was written.
    age: Age,
}

impl Pulse {
    /// A mirror without heartbeats so far.
    pub fn new(mirror: &str, metrics: Metrics) -> Self {
        Self {
            mirror: mirror.to_owned(),
            metrics,
            age: Age::default(),
        }
    }

    /// Heartbeats are expected from now on.
    pub(super) fn begin(&self) {
        self.age.begin();
    }

    /// None are expected any more.
    pub(super) fn end(&self) {
        self.age.end();
    }

    /// A heartbeat that was written at `timestamp` (ms) has crossed.
    pub(super) fn see(&self, timestamp: i64) {
        self.age.see(timestamp);
    }

    /// Brings `kmirror_heartbeat_age_seconds` up to date, before it is read.
    pub fn refresh(&self) {
        let age = self.age.seconds();
        self.metrics.set_heartbeat_age(&self.mirror, age);
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.metrics.set_heartbeat_age(&self.mirror, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_is_there_while_heartbeats_are_expected() {
        let metrics = Metrics::new();
        let series = || {
            metrics
                .render()
                .contains("kmirror_heartbeat_age_seconds{mirror=\"a-b\"}")
        };
        let pulse = Pulse::new("a-b", metrics.clone());
        pulse.refresh();
        assert!(!series());
        pulse.begin();
        pulse.refresh();
        assert!(series());
        drop(pulse);
        assert!(!series());
    }
}
