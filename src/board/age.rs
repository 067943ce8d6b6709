//! Knows how old the newest of something is that is expected again and again.

use std::sync::atomic::{AtomicI64, Ordering};

use super::now_ms;

/// The time of the newest one. Its age is told when somebody asks, so that it grows when nothing comes.
#[derive(Debug, Default)]
pub struct Age {
    /// Since when they are expected (ms); 0 while none are.
    since: AtomicI64,
    /// When the newest was (ms); 0 before the first.
    newest: AtomicI64,
}

impl Age {
    /// They are expected from now on.
    pub fn begin(&self) {
        self.newest.store(0, Ordering::Relaxed);
        self.since.store(now_ms(), Ordering::Relaxed);
    }

    /// None are expected any more.
    pub fn end(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// There was one at `time` (ms).
    pub fn see(&self, time: i64) {
        self.newest.fetch_max(time, Ordering::Relaxed);
    }

    /// Seconds since the newest one; before the first, since they are expected; `None` while none are.
    pub fn seconds(&self) -> Option<f64> {
        self.seconds_at(now_ms())
    }

    fn seconds_at(&self, now: i64) -> Option<f64> {
        let since = self.since.load(Ordering::Relaxed);
        let newest = match self.newest.load(Ordering::Relaxed) {
            0 => since,
            newest => newest,
        };
        (since != 0).then(|| now.saturating_sub(newest).max(0) as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_grows_until_a_newer_one_is_seen() {
        let age = Age::default();
        assert_eq!(age.seconds_at(1_000), None);
        age.since.store(1_000, Ordering::Relaxed);
        assert_eq!(age.seconds_at(3_500), Some(2.5));
        age.see(500);
        assert_eq!(age.seconds_at(3_500), Some(3.0));
        age.see(3_400);
        age.see(2_000);
        assert_eq!(age.seconds_at(3_500), Some(0.1));
        assert_eq!(age.seconds_at(3_000), Some(0.0));
        age.end();
        assert_eq!(age.seconds_at(9_000), None);
    }
}
