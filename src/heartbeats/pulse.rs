//! Knows how old the newest heartbeat is that crossed from the source to the target.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::board::now_ms;
use crate::metrics::Metrics;

/// One mirror's pulse. Its age is told when somebody asks, so that it grows when nothing comes.
pub struct Pulse {
    mirror: String,
    metrics: Metrics,
    /// Since when heartbeats are expected (ms); 0 while none are.
    since: AtomicI64,
    /// When the newest one that crossed was written (ms); 0 before the first.
    newest: AtomicI64,
}

impl Pulse {
    /// A mirror without heartbeats so far.
    pub fn new(mirror: &str, metrics: Metrics) -> Self {
        Self {
            mirror: mirror.to_owned(),
            metrics,
            since: AtomicI64::new(0),
            newest: AtomicI64::new(0),
        }
    }

    /// Heartbeats are expected from now on.
    pub(super) fn begin(&self) {
        self.newest.store(0, Ordering::Relaxed);
        self.since.store(now_ms(), Ordering::Relaxed);
    }

    /// None are expected any more.
    pub(super) fn end(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// A heartbeat that was written at `timestamp` (ms) has crossed.
    pub(super) fn see(&self, timestamp: i64) {
        self.newest.fetch_max(timestamp, Ordering::Relaxed);
    }

    /// Seconds since the newest heartbeat that crossed was written; before the first, since they are expected.
    fn age(&self, now: i64) -> Option<f64> {
        let since = self.since.load(Ordering::Relaxed);
        let newest = match self.newest.load(Ordering::Relaxed) {
            0 => since,
            newest => newest,
        };
        (since != 0).then(|| now.saturating_sub(newest).max(0) as f64 / 1000.0)
    }

    /// Brings `kmirror_heartbeat_age_seconds` up to date, before it is read.
    pub fn refresh(&self) {
        let age = self.age(now_ms());
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
    fn the_age_grows_until_a_newer_heartbeat_crosses() {
        let pulse = Pulse::new("a-b", Metrics::new());
        assert_eq!(pulse.age(1_000), None);
        pulse.since.store(1_000, Ordering::Relaxed);
        assert_eq!(pulse.age(3_500), Some(2.5));
        pulse.see(500);
        assert_eq!(pulse.age(3_500), Some(3.0));
        pulse.see(3_400);
        pulse.see(2_000);
        assert_eq!(pulse.age(3_500), Some(0.1));
        assert_eq!(pulse.age(3_000), Some(0.0));
        pulse.end();
        assert_eq!(pulse.age(9_000), None);
    }

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
