//! Spaces out attempts at what lies outside the Kafka clients' own retries: growing, jittered, never giving up.

use std::time::Duration;

// `backoff` is no longer maintained; `backon` would take its place, in this file only.
use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

/// Delays from 100 ms to 10 s, each drawn around 1.5 times the last, so that many pipelines do not knock at
/// once.
#[derive(Debug)]
pub struct Delays(ExponentialBackoff);

impl Delays {
    /// Starts over at the shortest delay.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// How long to wait before the next attempt.
    pub fn draw(&mut self) -> Duration {
        // Without a limit on the elapsed time there always is a next one.
        self.0.next_backoff().unwrap_or(self.0.max_interval)
    }
}

impl Default for Delays {
    fn default() -> Self {
        Self(ExponentialBackoff {
            initial_interval: Duration::from_millis(100),
            current_interval: Duration::from_millis(100),
            max_interval: Duration::from_secs(10),
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_up_to_a_bound_and_never_end() {
        let mut delays = Delays::default();
        let first = delays.draw();
        assert!(first <= Duration::from_millis(150), "{first:?}");
        let later = (0..1000).map(|_| delays.draw()).last();
        let later = later.expect("a thousand delays were drawn");
        assert!(later >= Duration::from_secs(5), "{later:?}");
        assert!(later <= Duration::from_secs(15), "{later:?}");
        delays.reset();
        assert!(delays.draw() <= Duration::from_millis(150));
    }
}
